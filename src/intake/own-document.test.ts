import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MalformedAmount, UnknownCurrency } from '../money/money.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { WireMismatch } from '../portals/kit/errors.ts';
import { readOwnDocument } from './own-document.ts';

const PAYMENT = {
  kind: 'payment.recorded',
  externalId: 'cheque-1',
  amount: { amount: '1075.00', currency: 'USD' },
  method: 'check',
  occurredAt: '2026-11-21T07:00:00Z',
  references: [
    { kind: 'invoice', value: 'INV-1', amount: '1000.00' },
    { kind: 'memo', value: 'thanks' },
  ],
  customer: { externalId: 'C-1', email: 'ap@acme.example' },
} as const;

const INVOICE = {
  kind: 'invoice.upserted',
  externalId: 'INV-1',
  total: { amount: '1075.5', currency: 'USD' },
  dueOn: '2026-12-01',
} as const;

function read(record: unknown): ReturnType<typeof readOwnDocument> {
  return readOwnDocument(Buffer.from(JSON.stringify(record)));
}

function only(record: unknown): CanonicalEvent {
  const result = read(record);
  assert.ok('events' in result);
  assert.equal(result.events.length, 1);
  return result.events[0] as CanonicalEvent;
}

test('a payment entered by hand is a payment that succeeded', () => {
  assert.deepEqual(only(PAYMENT), {
    type: 'payment.succeeded',
    externalPaymentId: 'cheque-1',
    eventId: 'own:cheque-1',
    occurredAt: '2026-11-21T07:00:00.000Z',
    amountMinor: 107500n,
    currency: 'USD',
    feeMinor: null,
    method: 'check',
    channel: 'manual',
    references: [
      { kind: 'invoice', number: 'INV-1', amountMinor: 100000n },
      { kind: 'memo', text: 'thanks' },
    ],
    customer: { externalId: 'C-1', name: null, email: 'ap@acme.example' },
    links: {},
  });
});

test('an invoice is known by its number, else by its external id', () => {
  const { invoice, type } = only(INVOICE);
  assert.equal(type, 'invoice.upserted');
  assert.deepEqual(
    [invoice?.number, invoice?.totalMinor, invoice?.dueOn, invoice?.issuedOn],
    ['INV-1', 107550n, '2026-12-01', null],
  );
  assert.equal(only({ ...INVOICE, number: '1016' }).invoice?.number, '1016');
  assert.equal(only({ ...INVOICE, void: true }).type, 'invoice.voided');
});

test('yen and dinar have their own digits', () => {
  const yen = { ...INVOICE, total: { amount: '125000', currency: 'JPY' } };
  const dinar = { ...INVOICE, total: { amount: '1.234', currency: 'KWD' } };
  assert.equal(only(yen).amountMinor, 125000n);
  assert.equal(only(dinar).amountMinor, 1234n);
});

test('a decision stays what a person said', () => {
  const decision = {
    kind: 'allocation.made',
    paymentId: 'pay_12',
    target: { kind: 'invoice', id: 'inv_4' },
    amount: '10.00',
    by: 'key_owner',
  };
  assert.deepEqual(read(decision), { decision });
});

describe('what does not fit is refused by name', () => {
  const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
    ['an unknown kind', { ...PAYMENT, kind: 'payment.imagined' }, /kind/],
    ['a field nobody reads', { ...PAYMENT, amout: '1' }, /amout/],
    ['a number for an amount', { ...PAYMENT, amount: { amount: 1075, currency: 'USD' } }, /amount/],
    ['a negative amount', { ...PAYMENT, amount: { amount: '-1', currency: 'USD' } }, /amount/],
    ['an instant without a zone', { ...PAYMENT, occurredAt: '2026-11-21T07:00:00' }, /occurredAt/],
    ['a day that does not exist', { ...INVOICE, dueOn: '2026-02-30' }, /dueOn/],
    ['a blank id', { ...INVOICE, externalId: ' ' }, /externalId/],
    ['another id than a payment’s', { kind: 'copy.recorded', paymentId: 'inv_1' }, /paymentId/],
  ];
  for (const [what, record, path] of WRONG) {
    test(what, () => {
      assert.throws(
        () => read(record),
        (error: Error) => {
          assert.ok(error instanceof WireMismatch);
          assert.match(error.message, path);
          return true;
        },
      );
    });
  }

  test('an excess digit and an unknown currency, which no schema knows', () => {
    const excess = { ...PAYMENT, amount: { amount: '10.001', currency: 'USD' } };
    const share = { ...PAYMENT, references: [{ kind: 'invoice', value: 'X', amount: '0.001' }] };
    const unknown = { ...PAYMENT, amount: { amount: '10.00', currency: 'ABC' } };
    assert.throws(() => read(excess), MalformedAmount);
    assert.throws(() => read(share), MalformedAmount);
    assert.throws(() => read(unknown), UnknownCurrency);
  });
});
