import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOfShares, sumShares } from './shares.ts';

const share = (externalId: string, amountMinor: bigint) => ({ externalId, amountMinor });

test('shares of one invoice are one sum, in whatever order they came', () => {
  const held = sumShares([share('1', 5n), share('2', 7n), share('1', 6n)]);
  assert.deepEqual(
    [...held],
    [
      ['1', 11n],
      ['2', 7n],
    ],
  );
  assert.equal(differenceOfShares(held, sumShares([share('2', 7n), share('1', 11n)])), undefined);
});

test('a difference names both sides', () => {
  assert.equal(
    differenceOfShares(sumShares([share('1', 5n)]), sumShares([])),
    'it pays 5 to invoice 1, not no invoice',
  );
});
