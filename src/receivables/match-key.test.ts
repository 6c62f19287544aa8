import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { emailKey, matchKey, memoKeys } from './match-key.ts';

describe('matchKey', () => {
  const TABLE = [
    ['INV-1016', 'INV-1016'],
    ['  inv-1016 ', 'INV-1016'],
    ['INV\t 10\u00a016', 'INV 10 16'],
    ['ＩＮＶ－１０１６', 'INV-1016'],
    ['wo #5', 'WO #5'],
    ['0042', '0042'],
  ] as const;
  for (const [number, key] of TABLE) {
    test(`${JSON.stringify(number)} is ${key}`, () => assert.equal(matchKey(number), key));
  }

  test('numbers that differ stay different', () => {
    const keys = ['INV-1016', 'INV1016', 'INV 1016', 'INV-01016', 'INV-1016A'].map(matchKey);
    assert.equal(new Set(keys).size, keys.length);
  });

  for (const blank of [null, undefined, '', '  ', '\n\t']) {
    test(`${JSON.stringify(blank)} has no key`, () => assert.equal(matchKey(blank), null));
  }

  test('is short, and the key of a key is itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 300 }), (number) => {
        const key = matchKey(number);
        if (key === null) return;
        assert.ok(key.length <= 120);
        assert.equal(matchKey(key), key.trim());
        assert.equal(matchKey(`  ${number.toLowerCase()} `), key);
      }),
    );
  });
});

describe('emailKey', () => {
  for (const [email, key] of [
    [' AP@Acme.Example ', 'ap@acme.example'],
    ['no address', null],
    ['', null],
    [null, null],
    [undefined, null],
  ] as const) {
    test(`${JSON.stringify(email)} is ${key}`, () => assert.equal(emailKey(email), key));
  }
});

describe('memoKeys', () => {
  const TABLE: readonly (readonly [string, readonly string[]])[] = [
    ['Payment for INV-1016, thanks!', ['INV-1016', 'FOR-INV-1016', 'FOR INV-1016', 'FORINV-1016']],
    ['inv 1016', ['1016', 'INV-1016', 'INV 1016', 'INV1016']],
    ['#1016.', ['1016']],
    ['(WO-77)', ['WO-77']],
    ['thanks for the quick repair', []],
    ['no 5', []],
    ['', []],
    ['INV-1016/INV-1017', ['INV-1016/INV-1017']],
    ['INV-1016;INV-1017', ['INV-1016', 'INV-1017']],
  ];
  for (const [memo, keys] of TABLE) {
    test(JSON.stringify(memo), () => assert.deepEqual(memoKeys(memo), keys));
  }

  test('the words before a number are tried with each glue', () => {
    const keys = memoKeys('work order 4711');
    for (const key of ['4711', 'ORDER-4711', 'ORDER 4711', 'ORDER4711']) {
      assert.ok(keys.includes(key), key);
    }
  });

  test('any text gives at most forty distinct keys, each as matchKey would write it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (memo) => {
        const keys = memoKeys(memo);
        assert.ok(keys.length <= 40);
        assert.equal(new Set(keys).size, keys.length);
        for (const key of keys) assert.match(key, /\d/);
      }),
    );
  });

  test('finds a number wherever it stands between other words', () => {
    const number = fc.stringMatching(/^[A-Z]{2,4}-\d{3,8}$/);
    const words = fc.array(fc.constantFrom('Payment', 'of', 'the', 'pump,', 'thanks.', '-'));
    fc.assert(
      fc.property(words, number, words, (before, wanted, after) => {
        const keys = memoKeys([...before, wanted.toLowerCase(), ...after].join(' '));
        assert.ok(keys.includes(wanted));
      }),
    );
  });
});
