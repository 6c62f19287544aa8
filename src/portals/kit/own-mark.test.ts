import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findOwnMark, OWN_MARK_MAX_LENGTH, ownMark } from './own-mark.ts';

const installation = fc
  .array(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'), {
    minLength: 6,
    maxLength: 6,
  })
  .map((characters) => characters.join(''));
const paymentId = fc.integer({ min: 1, max: 36 ** 7 - 1 }).map((number) => `pay_${number}`);

test('a mark is short and is found again in any surroundings', () => {
  fc.assert(
    fc.property(installation, paymentId, fc.string(), fc.string(), (where, id, before, after) => {
      const mark = ownMark({ installation: where, paymentId: id });
      assert.ok(mark.length <= OWN_MARK_MAX_LENGTH, mark);
      assert.deepEqual(findOwnMark(mark), { installation: where, paymentId: id });
      assert.deepEqual(findOwnMark(mark.toUpperCase()), { installation: where, paymentId: id });
      const surrounded = `${before.replaceAll(/CV/gi, '')} [${mark}] ${after}`;
      assert.deepEqual(findOwnMark(surrounded), { installation: where, paymentId: id });
    }),
  );
});

test('marks read as people expect', () => {
  assert.equal(
    ownMark({ installation: 'ab12cd', paymentId: 'pay_1234567' }),
    'CV-ab12cd-pay_1234567',
  );
  assert.equal(
    ownMark({ installation: 'ab12cd', paymentId: 'pay_10000000' }),
    'CV-ab12cd-pay.5yc1s',
  );
});

test('what only resembles a mark is none', () => {
  for (const text of [
    '',
    'CV-ab12cd-pay_',
    'CV-ab12cd-pay_0',
    'CV-ab12cd-pay_01',
    'CV-ab12cd-pay_12345678',
    'XCV-ab12cd-pay_1',
    'CV-ab12c-pay_1',
    'CV-ab12cd-pay_1x',
    'CV-ab12cd-pay.1a2b3',
    'invoice 1016',
  ]) {
    assert.equal(findOwnMark(text), undefined, text);
  }
});

test('a later genuine mark is found behind a false one', () => {
  assert.deepEqual(findOwnMark('CV-ab12cd-pay.1a2b3 CV-ab12cd-pay_7'), {
    installation: 'ab12cd',
    paymentId: 'pay_7',
  });
});

test('what cannot be marked is refused', () => {
  for (const wrong of [
    { installation: 'AB12CD', paymentId: 'pay_1' },
    { installation: 'ab12cde', paymentId: 'pay_1' },
    { installation: 'ab12cd', paymentId: 'inv_1' },
    { installation: 'ab12cd', paymentId: 'pay_0' },
    { installation: 'ab12cd', paymentId: `pay_${36 ** 7}` },
  ]) {
    assert.throws(() => ownMark(wrong), RangeError);
  }
});
