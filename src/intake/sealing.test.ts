import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSealer } from './sealing.ts';

const key = (id: string) => ({ id, key: createSecretKey(randomBytes(32)) });
const OLD = key('2025');
const NEW = key('2026');
const CONTEXT = 'settings:1:con_a';
const sealer = createSealer([NEW]);

test('what is sealed opens again, and twice sealed differs', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
      const sealed = sealer.seal(text, context);
      assert.equal(sealer.open(sealed, context), Buffer.from(text).toString());
      assert.notDeepEqual(sealer.seal(text, context), sealed);
    }),
  );
});

test('the text is nowhere in the sealed bytes', () => {
  const sealed = sealer.seal('whsec_very_secret_text', CONTEXT);
  assert.ok(!sealed.includes('very_secret'));
});

describe('what does not open', () => {
  test('any changed byte', () => {
    const sealed = sealer.seal('a secret', CONTEXT);
    for (let place = 0; place < sealed.length; place += 1) {
      const changed = Buffer.from(sealed);
      changed[place] = (changed[place] ?? 0) ^ 1;
      assert.throws(() => sealer.open(changed, CONTEXT), Error, `byte ${place}`);
    }
  });

  test('any shortened value, down to a tag of a few bytes that could be guessed', () => {
    const sealed = sealer.seal('a secret', CONTEXT);
    for (let length = 0; length < sealed.length; length += 1) {
      assert.throws(() => sealer.open(sealed.subarray(0, length), CONTEXT), Error, `${length}`);
    }
    const emptied = sealer.seal('', CONTEXT);
    for (let missing = 1; missing <= 16; missing += 1) {
      const shortened = emptied.subarray(0, emptied.length - missing);
      assert.throws(() => sealer.open(shortened, CONTEXT), Error, `${missing} bytes less`);
    }
  });

  test('a value moved to another connection', () => {
    const sealed = sealer.seal('a secret', CONTEXT);
    assert.throws(() => sealer.open(sealed, 'settings:1:con_b'));
    assert.throws(() => sealer.open(sealed, 'token:1:con_a'));
  });

  test('a value of a key that is not configured, and the error says which', () => {
    const sealed = createSealer([OLD]).seal('a secret', CONTEXT);
    assert.throws(() => sealer.open(sealed, CONTEXT), /master key "2025", which is not configured/);
  });

  test('a value of another key of the same name', () => {
    const sealed = createSealer([key('2026')]).seal('a secret', CONTEXT);
    assert.throws(() => sealer.open(sealed, CONTEXT));
  });
});

test('while keys are rotated the first seals and both open', () => {
  const before = createSealer([OLD]).seal('a secret', CONTEXT);
  const rotating = createSealer([NEW, OLD]);
  assert.equal(rotating.open(before, CONTEXT), 'a secret');
  const after = rotating.seal('a secret', CONTEXT);
  assert.equal(createSealer([NEW]).open(after, CONTEXT), 'a secret');
  assert.throws(() => createSealer([OLD]).open(after, CONTEXT));
});

test('without a key there is no sealer', () => {
  assert.throws(() => createSealer([]), /a master key is needed/);
});
