import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { differingFields, documentKey } from './idempotency.ts';

test('names the fields that differ, by path', () => {
  const before = { amount: { amount: '1.00', currency: 'USD' }, references: [{ value: 'A' }] };
  const after = { amount: { amount: '2.00', currency: 'USD' }, references: [], memo: 'x' };
  assert.deepEqual(differingFields(before, after), [
    'amount.amount',
    'memo',
    'references',
    'references.0.value',
  ]);
});

test('finds nothing between a value and itself after JSON, whatever the order of its keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
      const again = JSON.parse(
        JSON.stringify(Object.fromEntries(Object.entries(fields).reverse())),
      );
      assert.deepEqual(differingFields(JSON.parse(JSON.stringify(fields)), again), []);
    }),
  );
});

test('a key gives one document key, and no key gives none', () => {
  assert.equal(documentKey('a'), documentKey('a'));
  assert.notEqual(documentKey('a'), documentKey('b'));
  assert.equal(documentKey(undefined), undefined);
});
