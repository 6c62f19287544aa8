import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { somePayment } from '../../test/payments.ts';
import { matchesText } from './match-text.ts';
import { readPaymentSearch, readSearch, writeSearch } from './search-params.ts';

test('an address is read as people type it', () => {
  assert.deepEqual(readPaymentSearch(readSearch('?status=failed&text=123&payment=pay_7')), {
    status: 'failed',
    text: '123',
    payment: 'pay_7',
  });
  assert.deepEqual(readPaymentSearch(readSearch('?status=lost&portal=&other=1')), {});
});

test('what is written to an address is read back', () => {
  const value = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(
      fc.record({ portal: value, text: value, payment: value }, { requiredKeys: [] }),
      (search) => {
        assert.deepEqual({ ...readPaymentSearch(readSearch(writeSearch(search))) }, { ...search });
      },
    ),
  );
});

test('the text filter finds what stands in a row', () => {
  const payment = somePayment(7, { amount: '12345.60' });
  for (const text of ['acme', 'ACME 2007', 'INV-2007', '12,345', 'pi_3pk8', 'pay_7', ' ']) {
    assert.ok(matchesText(payment, text), text);
  }
  for (const text of ['borealis', 'acme borealis', '12346']) {
    assert.ok(!matchesText(payment, text), text);
  }
});
