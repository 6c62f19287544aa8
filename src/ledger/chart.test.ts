import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart } from './chart.ts';

test('an account is named by what it is and whose it is', () => {
  assert.deepEqual(chart.receivable(5n), {
    code: 'receivable:cus_5',
    kind: 'asset',
    customerId: 5n,
    connectionId: null,
  });
  assert.deepEqual(chart.clearing('con_a1'), {
    code: 'clearing:con_a1',
    kind: 'asset',
    customerId: null,
    connectionId: 'con_a1',
  });
  assert.equal(chart.unappliedCash(null).code, 'unapplied-cash:unidentified');
  assert.equal(chart.bank.code, 'bank');
});

test('no two accounts share a code', () => {
  const accounts = Object.values(chart).flatMap((account): readonly { code: string }[] =>
    typeof account === 'function' ? [account('1' as never), account('2' as never)] : [account],
  );
  assert.equal(new Set(accounts.map(({ code }) => code)).size, accounts.length);
});
