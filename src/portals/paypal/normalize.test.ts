import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { split } from './split.ts';

const least = settings.parse({});
const keyed = settings.parse({ clientId: 'c', clientSecret: 's' });
const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.in.json`, import.meta.url)).toString());

/** What a body becomes; an error quarantines, as the engine does it. */
function read(body: unknown, of = least): Normalized {
  const document = {
    body: Buffer.from(JSON.stringify(body)),
    headers: {},
    receivedAt: new Date(0),
  };
  try {
    return normalize(document, of);
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

function eventsOf(outcome: Normalized): readonly CanonicalEvent[] {
  assert.ok('events' in outcome, shortly(outcome));
  return outcome.events;
}

/** `type minor`, `ignored` or `quarantined`. */
function shortly(outcome: Normalized): string {
  if ('ignored' in outcome) return 'ignored';
  if ('quarantined' in outcome) return 'quarantined';
  if (!('events' in outcome)) return 'fetch';
  return outcome.events.map(({ type, amountMinor }) => `${type} ${amountMinor}`).join(', ');
}

const changed = (name: string, resource: object, envelope: object = {}) => {
  const body = fixture(name);
  return { ...body, ...envelope, resource: { ...body.resource, ...resource } };
};

describe('the state of a capture or sale', () => {
  const TABLE = [
    ['webhook-payment-succeeded', { status: 'COMPLETED' }, 'payment.succeeded 125050'],
    ['webhook-payment-succeeded', { status: 'PARTIALLY_REFUNDED' }, 'payment.succeeded 125050'],
    ['webhook-payment-succeeded', { status: 'REFUNDED' }, 'payment.succeeded 125050'],
    ['webhook-payment-succeeded', { status: 'PENDING' }, 'quarantined'],
    ['webhook-payment-succeeded', { status: 'DECLINED' }, 'quarantined'],
    ['webhook-payment-succeeded', { status: 'SETTLED' }, 'quarantined'],
    ['webhook-payment-succeeded', { status: null }, 'quarantined'],
    ['webhook-payment-pending', { status: 'COMPLETED' }, 'payment.succeeded 48900'],
    ['webhook-payment-denied', { status: 'COMPLETED' }, 'quarantined'],
    ['webhook-payment-denied', { status: 'FAILED' }, 'payment.failed 48900'],
    ['webhook-sale-completed', { state: 'partially_refunded' }, 'payment.succeeded 18000'],
    ['webhook-sale-completed', { state: 'pending' }, 'quarantined'],
    ['webhook-sale-refunded', { state: 'pending' }, 'ignored'],
    ['webhook-refund', { status: 'CANCELLED' }, 'refund.failed 25000'],
    ['webhook-refund', { status: 'LOST' }, 'quarantined'],
    ['webhook-authorization-created', { status: 'CAPTURED' }, 'ignored'],
    ['webhook-authorization-created', { status: 'DENIED' }, 'payment.failed 352000'],
    ['webhook-authorization-voided', { status: 'CREATED' }, 'quarantined'],
    ['webhook-authorization-voided', { status: 'HELD' }, 'quarantined'],
  ] as const;
  for (const [name, resource, becomes] of TABLE) {
    test(`${name} ${JSON.stringify(resource)}: ${becomes}`, () => {
      assert.equal(shortly(read(changed(name, resource))), becomes);
    });
  }

  test('an unknown currency, a fraction of a cent and an amount without value are set aside', () => {
    for (const amount of [
      { currency_code: 'QQQ', value: '1.00' },
      { currency_code: 'usd', value: '1.00' },
      { currency_code: 'USD', value: '1.005' },
      { currency_code: 'JPY', value: '1.5' },
      { currency_code: 'USD', value: '1,00' },
      { currency_code: 'USD', value: 1.5 },
      { currency_code: 'USD' },
    ]) {
      const outcome = read(changed('webhook-payment-succeeded', { amount }));
      // 1.5 as a number is read by its digits, never as a float.
      const wanted = amount.value === 1.5 ? 'payment.succeeded 150' : 'quarantined';
      assert.equal(shortly(outcome), wanted, JSON.stringify(amount));
    }
  });

  test('any amount is read exactly, whatever its sign', () => {
    const currency = fc.constantFrom('USD', 'JPY', 'HUF', 'KWD', 'EUR');
    const minor = fc.bigInt({ min: 1n, max: 10n ** 14n });
    fc.assert(
      fc.property(minor, currency, fc.boolean(), (amountMinor, code, negative) => {
        const text = toDecimalText({ minor: amountMinor, currency: code });
        const amount = { total: negative ? `-${text}` : text, currency: code };
        const [event] = eventsOf(read(changed('webhook-sale-refunded', { amount })));
        assert.deepEqual([event?.amountMinor, event?.currency], [amountMinor, code]);
      }),
    );
  });
});

describe('who paid', () => {
  test('the order is asked for once PayPal can be asked, and asks for nothing itself', () => {
    const paid = fixture('webhook-payment-succeeded');
    assert.ok(!('fetch' in read(paid)));
    const asked = read(paid, keyed);
    assert.deepEqual('fetch' in asked && asked.fetch, [
      { entity: 'order', id: '5O190127TN364715T' },
    ]);
    assert.ok(!('fetch' in read(fixture('api-get-order'), keyed)));
  });

  test('a payment source that is not known is another method, cards and banks are known', () => {
    const order = fixture('api-get-order');
    const method = (payment_source: unknown) =>
      eventsOf(read({ ...order, payment_source })).map((event) => event.method);
    assert.deepEqual(method({ card: { name: 'Pat Doyle' } }), ['card']);
    assert.deepEqual(method({ ideal: {} }), ['bank']);
    assert.deepEqual(method({ token: {} }), ['other']);
    assert.deepEqual(method(undefined), [null]);
  });
});

describe('money back', () => {
  test('the payment is the id at the end of a link, on whatever host', () => {
    for (const host of ['api.paypal.com', 'api-m.paypal.com', 'api.sandbox.paypal.com']) {
      const links = [{ href: `https://${host}/v2/payments/captures/CAP9`, rel: 'up' }];
      const [event] = eventsOf(read(changed('webhook-refund', { links })));
      assert.deepEqual(
        [event?.externalPaymentId, event?.links],
        ['CAP9', { paymentExternalId: 'CAP9' }],
      );
    }
  });

  test('a reversal told with the capture itself is a refund of that capture', () => {
    const { resource } = fixture('webhook-payment-succeeded');
    const told = { event_type: 'PAYMENT.CAPTURE.REVERSED', resource_type: 'capture', resource };
    const [event] = eventsOf(read({ ...fixture('webhook-capture-reversed'), ...told }));
    assert.deepEqual(
      [event?.type, event?.externalPaymentId, event?.refundId, event?.reason],
      ['refund.succeeded', resource.id, `${resource.id}:reversal`, 'reversal'],
    );
  });

  const lost = 'webhook-dispute-resolved';
  const seller = (type: string, value: string, reason = 'DISPUTE_SETTLEMENT') => ({
    affected_party: 'SELLER',
    type,
    reason,
    amount: { currency_code: 'USD', value },
  });
  const OUTCOMES = [
    ['RESOLVED_SELLER_FAVOUR', [], 'dispute.won 125050'],
    ['CANCELED_BY_BUYER', undefined, 'dispute.won 125050'],
    ['RESOLVED_WITH_PAYOUT', [], 'dispute.won 125050'],
    ['DENIED', [], 'dispute.won 125050'],
    ['ACCEPTED', [seller('DEBIT', '400.00')], 'dispute.lost 40000'],
    ['ACCEPTED', [seller('DEBIT', '900.00'), seller('CREDIT', '500.00')], 'dispute.lost 40000'],
    ['ACCEPTED', [seller('DEBIT', '20.00', 'CHARGEBACK_FEE')], 'dispute.lost 125050'],
    ['RESOLVED_BUYER_FAVOUR', undefined, 'dispute.lost 125050'],
    ['NONE', [seller('DEBIT', '1250.50')], 'dispute.lost 125050'],
    ['NONE', [], 'dispute.won 125050'],
    ['NONE', undefined, 'quarantined'],
    ['SOMETHING', [], 'quarantined'],
  ] as const;
  for (const [outcome_code, money_movements, becomes] of OUTCOMES) {
    test(`a dispute ends ${outcome_code} (${money_movements?.length ?? 'no'} moves): ${becomes}`, () => {
      const amount_refunded = { currency_code: 'USD', value: '1250.50' };
      const resource = { dispute_outcome: { outcome_code, amount_refunded }, money_movements };
      assert.equal(shortly(read(changed(lost, resource))), becomes);
    });
  }

  test('an open dispute withdraws money once it is more than an inquiry', () => {
    const withdrawn = (resource: object) =>
      eventsOf(read(changed('webhook-dispute', resource)))[0]?.fundsWithdrawn;
    assert.equal(withdrawn({}), false);
    assert.equal(withdrawn({ dispute_life_cycle_stage: 'CHARGEBACK' }), undefined);
    assert.equal(withdrawn({ money_movements: [seller('DEBIT', '5.00')] }), undefined);
    assert.equal(shortly(read(changed('webhook-dispute', { status: 'ODD' }))), 'quarantined');
  });
});

describe('invoices', () => {
  const paid = fixture('webhook-invoice-paid');
  const withInvoice = (more: object) => ({
    ...paid,
    resource: { invoice: { ...paid.resource.invoice, ...more } },
  });

  test('one found directly under the resource is the same', () => {
    assert.deepEqual(read({ ...paid, resource: paid.resource.invoice }), read(paid));
  });

  test('with `importInvoices` it is taken over as well, voided or not, drafts are not', () => {
    const importing = settings.parse({ importInvoices: 'true' });
    const invoiceOf = (more: object) =>
      eventsOf(read(withInvoice({ payments: {}, ...more }), importing))[0];
    const upserted = invoiceOf({});
    assert.equal(upserted?.type, 'invoice.upserted');
    assert.deepEqual(upserted?.invoice, {
      externalId: 'INV2-Z56S-5LLA-Q52L-CPZ5',
      number: 'INV-2026-0433',
      currency: 'USD',
      totalMinor: 100_000n,
      issuedOn: '2026-11-01',
      dueOn: '2026-12-01',
      customerExternalId: null,
      workOrder: 'WO-2026-0995',
      purchaseOrder: null,
    });
    assert.equal(invoiceOf({ status: 'CANCELLED' })?.type, 'invoice.voided');
    const draft = read(withInvoice({ status: 'DRAFT', payments: {} }), importing);
    assert.equal(shortly(draft), 'ignored');
    const cancelled = {
      ...withInvoice({ payments: {} }),
      event_type: 'INVOICING.INVOICE.CANCELLED',
    };
    assert.equal(shortly(read(cancelled)), 'ignored');
    assert.equal(shortly(read(cancelled, importing)), 'invoice.upserted 100000');
  });

  test('a refund of one of several payments is asked for, or set aside', () => {
    const { transactions } = paid.resource.invoice.payments;
    const refund = {
      type: 'PAYPAL',
      refund_id: 'R1',
      refund_date: '2026-11-09',
      amount: { value: '5.00', currency_code: 'USD' },
    };
    const refunds = { transactions: [refund] };
    const second = { ...transactions[1], payment_id: 'OTHER' };
    const several = withInvoice({ payments: { transactions: [...transactions, second] }, refunds });
    assert.equal(shortly(read(several)), 'quarantined');
    const asked = read(several, keyed);
    assert.deepEqual('fetch' in asked && asked.fetch, [{ entity: 'refund', id: 'R1' }]);
    const [, , event] = eventsOf(read(withInvoice({ refunds })));
    assert.deepEqual(
      [event?.type, event?.externalPaymentId],
      ['refund.succeeded', '22592127VV907111U'],
    );
  });

  test('an unknown state of a payment or invoice is set aside', () => {
    assert.equal(shortly(read(withInvoice({ status: 'ODD' }))), 'quarantined');
    const [, own] = paid.resource.invoice.payments.transactions;
    const odd = { transactions: [{ ...own, transaction_status: 'ODD' }] };
    assert.equal(shortly(read(withInvoice({ payments: odd }))), 'quarantined');
    const authorized = { transactions: [{ ...own, transaction_type: 'AUTHORIZATION' }] };
    assert.equal(shortly(read(withInvoice({ payments: authorized }))), 'ignored');
  });
});

describe('rows of Transaction Search', () => {
  const [first] = fixture('api-list-payments').transaction_details;
  const row = (more: object) =>
    read({
      transaction_details: [{ ...first, transaction_info: { ...first.transaction_info, ...more } }],
    });
  const usd = (value: string) => ({ currency_code: 'USD', value });
  const TABLE = [
    [{ transaction_event_code: 'T0099' }, 'payment.succeeded 125050'],
    [{ transaction_event_code: 'T4242' }, 'quarantined'],
    [{ transaction_event_code: 'T1199' }, 'quarantined'],
    [{ transaction_event_code: 'T0400' }, 'quarantined'],
    [{ transaction_event_code: 'T0300' }, 'payout.paid -125050'],
    [{ transaction_event_code: 'T0300', transaction_amount: usd('-1.00') }, 'quarantined'],
    [{ transaction_event_code: 'T1107', transaction_amount: usd('-1.00') }, 'quarantined'],
    [{ transaction_event_code: 'T1107' }, 'ignored'],
    [{ transaction_event_code: 'T1202' }, 'ignored'],
    [{ transaction_event_code: 'T2101' }, 'ignored'],
    [{ transaction_status: 'X' }, 'quarantined'],
    [{ transaction_amount: usd('0.00') }, 'ignored'],
  ] as const;
  for (const [more, becomes] of TABLE) {
    test(`${JSON.stringify(more)}: ${becomes}`, () => assert.equal(shortly(row(more)), becomes));
  }

  test('a row and its later state are two documents, the same row is one', () => {
    const page = (details: readonly unknown[]) =>
      split(Buffer.from(JSON.stringify({ transaction_details: details }))).map(({ key }) => key);
    const later = {
      ...first,
      transaction_info: { ...first.transaction_info, transaction_status: 'V' },
    };
    assert.equal(new Set([...page([first, later]), ...page([first])]).size, 2);
    assert.match(page([first])[0] ?? '', /^transaction:7LB84016HT3095321:T0006:/);
    assert.deepEqual(page([]), []);
  });

  test('numbers keep their digits when a page is taken apart', () => {
    const text = '{"transaction_details":[{"transaction_info":{"transaction_id":"A","n":1.10}}]}';
    assert.equal(split(Buffer.from(text))[0]?.body.toString(), text);
  });
});

test('events that cannot be money are ignored by name, others of their families are not', () => {
  const TYPES = [
    ['CHECKOUT.ORDER.COMPLETED', 'ignored'],
    ['BILLING.SUBSCRIPTION.ACTIVATED', 'ignored'],
    ['PAYMENT.PAYOUTS-ITEM.SUCCEEDED', 'ignored'],
    ['PAYMENT.ORDER.CREATED', 'ignored'],
    ['CUSTOMER.DISPUTE.UPDATED', 'ignored'],
    ['RISK.DISPUTE.CREATED', 'ignored'],
    ['SOMETHING.NEW', 'ignored'],
    ['PAYMENT.CAPTURE.SPLIT', 'quarantined'],
    ['INVOICING.INVOICE.PARTED', 'quarantined'],
  ] as const;
  for (const [event_type, becomes] of TYPES) {
    const outcome = read({ ...fixture('webhook-payment-succeeded'), event_type });
    assert.equal(shortly(outcome), becomes, event_type);
    if ('ignored' in outcome) assert.ok(outcome.ignored.startsWith(event_type));
  }
});
