/** What a document of Zoho Books becomes, field by field. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { MalformedAmount, UnknownCurrency } from '../../money/money.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { normalize } from './normalize.ts';
import type { ReadingSettings } from './settings.ts';
import { split } from './split.ts';

const sample = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.in.json`, import.meta.url), 'utf8'));
const { payment: PAYMENT } = sample('api-payment-read');
const [INVOICE] = sample('api-list-invoices').invoices;
const [CONTACT] = sample('api-list-contacts').contacts;
const { refunds_of: OF, payment_refunds: REFUNDS } = sample('api-refunds-of-payment');

type Given = Readonly<Record<string, unknown>>;

const read = (value: unknown, settings: ReadingSettings = {}) =>
  normalize(
    {
      body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
      headers: {},
      receivedAt: new Date('2026-10-14T17:00:00.000Z'),
    },
    settings,
  );
/** As the API answers it, which is whole. */
const answered = (change: Given = {}, settings?: ReadingSettings) =>
  read({ code: 0, payment: { ...PAYMENT, ...change } }, settings);
const eventOf = (outcome: ReturnType<typeof read>): CanonicalEvent => {
  assert.ok('events' in outcome, inspect(outcome));
  const [event] = outcome.events;
  assert.ok(event);
  return event;
};

describe('the status of a payment', () => {
  for (const [status, type] of [
    ['success', 'payment.succeeded'],
    ['SUCCESS', 'payment.succeeded'],
    ['failure', 'payment.failed'],
    ['Failure', 'payment.failed'],
  ] as const) {
    test(`${status} is ${type}`, () => {
      assert.equal(eventOf(answered({ status })).type, type);
    });
  }

  for (const status of ['', 'pending', 'successful', '__proto__', 'constructor']) {
    test(`"${status}" is set aside by name`, () => {
      const outcome = answered({ status });
      assert.deepEqual(outcome, {
        quarantined: `payment 460000000079467 has the unknown status "${status}"`,
      });
    });
  }
});

describe('amounts', () => {
  const amountOf = (amount: unknown, currency: string) => {
    const body = JSON.stringify({ code: 0, payment: { ...PAYMENT, currency_code: currency } });
    const given = body
      .replace('"amount":450', `"amount":${amount}`)
      .replace('"amount_refunded":50', '"amount_refunded":0')
      .replace('"bank_charges":10', '"bank_charges":0')
      .replace('"amount_applied":450', '"amount_applied":0');
    return eventOf(read(given)).amountMinor;
  };

  test('are major units in the digits of their currency, never a float', () => {
    assert.equal(amountOf('1210.45', 'USD'), 121_045n);
    assert.equal(amountOf('0.29', 'USD'), 29n);
    assert.equal(amountOf('12000', 'JPY'), 12_000n);
    assert.equal(amountOf('12000.0', 'JPY'), 12_000n);
    assert.equal(amountOf('45.125', 'KWD'), 45_125n);
    assert.equal(amountOf('"1210.45"', 'USD'), 121_045n);
    assert.equal(amountOf('90071992547409.93', 'USD'), 9_007_199_254_740_993n);
  });

  test('with digits too many, below zero or in an unknown currency are refused', () => {
    for (const [amount, currency] of [
      ['12000.5', 'JPY'],
      ['1.005', 'USD'],
      ['45.1255', 'KWD'],
    ] as const) {
      assert.throws(() => amountOf(amount, currency), MalformedAmount, amount);
    }
    assert.throws(() => amountOf('-5', 'USD'), WireMismatch);
    assert.throws(() => amountOf('5', 'USDT'), UnknownCurrency);
  });

  test('of zero are no money', () => {
    assert.ok('ignored' in answered({ amount: 0 }));
  });

  test('in the base currency are never read, and bank charges are the fee', () => {
    const foreign = { currency_code: 'EUR', bcy_amount: 999, exchange_rate: 1.1 };
    const event = eventOf(answered(foreign));
    assert.deepEqual([event.amountMinor, event.currency, event.feeMinor], [45_000n, 'EUR', 1_000n]);
    assert.equal(eventOf(answered({ bank_charges: 0 })).feeMinor, null);
    assert.equal(eventOf(answered({ bank_charges: null })).feeMinor, null);
  });
});

describe('ids and times', () => {
  test('an id beyond what a float holds stays what it is, as text and as number', () => {
    const long = '460000000387565002';
    for (const id of [`"${long}"`, long]) {
      const body = JSON.stringify({ code: 0, payment: PAYMENT }).replace(
        '"payment_id":"460000000079467"',
        `"payment_id":${id}`,
      );
      assert.equal(eventOf(read(body)).externalPaymentId, long);
    }
    assert.throws(() => answered({ payment_id: '12/..' }), WireMismatch);
  });

  test('times carry their offset, compact or not; days are those of the organization', () => {
    const at = (last_modified_time: string, timeZone?: string) =>
      eventOf(answered({ last_modified_time }, timeZone ? { timeZone } : {})).occurredAt;
    assert.equal(at('2026-10-14T21:32:11+0530'), '2026-10-14T16:02:11.000Z');
    assert.equal(at('2026-10-14T21:32:11+05:30'), '2026-10-14T16:02:11.000Z');
    assert.equal(at('2026-10-14T09:02:11-0700'), '2026-10-14T16:02:11.000Z');
    assert.equal(at('2026-10-14T16:02:11Z'), '2026-10-14T16:02:11.000Z');
    assert.equal(at('2026-10-14'), '2026-10-14T00:00:00.000Z');
    assert.equal(at('2026-10-14', 'Asia/Kolkata'), '2026-10-13T18:30:00.000Z');
    assert.equal(at('2026-10-14', 'America/Los_Angeles'), '2026-10-14T07:00:00.000Z');
    for (const text of ['2026-10-14T16:02:11', '14.10.2026', '2026-13-14', 'yesterday']) {
      assert.throws(() => at(text), /last_modified_time/, text);
    }
  });

  test('the event is that of the change, and the later change wins', () => {
    const [first, later] = ['2026-10-14T16:02:11+0000', '2026-10-14T16:02:12+0000'].map((time) =>
      eventOf(answered({ last_modified_time: time })),
    );
    assert.equal(first?.eventId, '460000000079467:2026-10-14T16:02:11+0000');
    assert.equal((later?.revision ?? 0) - (first?.revision ?? 0), 1);
    const timeless = { last_modified_time: null, created_time: null, date: null };
    assert.throws(() => answered(timeless), WireMismatch);
  });
});

describe('what a payment pays', () => {
  test('each of its invoices with its share, in order', () => {
    const outcome = read(sample('api-payment-multi-invoice'));
    assert.deepEqual(eventOf(outcome).references, [
      { kind: 'invoice', externalId: '460000000079430', number: 'INV-390', amountMinor: 100_000n },
      { kind: 'invoice', externalId: '460000000079433', number: 'INV-391', amountMinor: 40_000n },
      { kind: 'memo', text: 'WIRE-7781' },
    ]);
  });

  test('an advance pays no invoice yet; what is applied later changes its references alone', () => {
    const advance = eventOf(answered({ invoices: [], description: '', reference_number: '' }));
    assert.deepEqual(advance.references, []);
    const applied = eventOf(answered({ last_modified_time: '2026-10-15T08:00:00+0000' }));
    assert.equal(applied.externalPaymentId, advance.externalPaymentId);
    assert.equal(applied.amountMinor, advance.amountMinor);
    assert.ok(applied.references.some(({ kind }) => kind === 'invoice'));
  });

  test('a work or purchase order stands in a custom field, or in the texts', () => {
    const numberOf = (kind: string, change: Given) =>
      eventOf(answered(change)).references.find((one) => one.kind === kind)?.number;
    assert.equal(numberOf('workOrder', { description: 'WO-20881' }), 'WO-20881');
    assert.equal(numberOf('workOrder', { description: '', reference_number: 'WO 7' }), 'WO 7');
    const fields = (label: string, value: unknown) => ({ custom_fields: [{ label, value }] });
    assert.equal(numberOf('workOrder', fields('Work Order', 'A-1')), 'A-1');
    assert.equal(numberOf('purchaseOrder', fields('Purchase order no.', 'P-9')), 'P-9');
    assert.equal(numberOf('purchaseOrder', fields('Purchase order no.', '')), undefined);
  });

  test('our own mark stays visible', () => {
    const { references } = eventOf(answered({ reference_number: 'CV-ab12cd-pay_12' }));
    assert.ok(references.some(({ text }) => text === 'CV-ab12cd-pay_12'));
  });

  test('what the card processor calls the same money is told', () => {
    const linksOf = (payment_mode: string, online_transaction_id: string) =>
      eventOf(answered({ payment_mode, online_transaction_id })).links;
    assert.deepEqual(linksOf('Stripe', 'ch_3PQ'), {
      elsewhere: [{ portal: 'stripe', externalId: 'ch_3PQ' }],
    });
    assert.deepEqual(linksOf('creditcard', '40012'), { elsewhere: [{ externalId: '40012' }] });
    assert.deepEqual(linksOf('cash', ''), {});
  });

  for (const [mode, method] of [
    ['cash', 'cash'],
    ['check', 'check'],
    ['Cheque', 'check'],
    ['creditcard', 'card'],
    ['Credit Card', 'card'],
    ['banktransfer', 'bank'],
    ['bankremittance', 'bank'],
    ['ACH', 'ach'],
    ['PayPal', 'wallet'],
    ['autotransaction', null],
    ['others', 'other'],
    ['Tauschhandel', 'other'],
    ['', null],
  ] as const) {
    test(`paid by "${mode}" is ${method}`, () => {
      assert.equal(eventOf(answered({ payment_mode: mode })).method, method);
    });
  }
});

describe('a delivery', () => {
  const small = { payment_id: '460000000079467' };
  const fetched = { fetch: [{ entity: 'payment', id: '460000000079467' }] };

  test('holds the whole payment under any of its names', () => {
    const told = eventOf(answered());
    for (const body of [
      { payment: PAYMENT },
      { customer_payment: PAYMENT },
      { customerpayment: PAYMENT },
      { data: { payment: PAYMENT } },
      { data: PAYMENT },
      PAYMENT,
    ]) {
      assert.deepEqual(eventOf(read(body)), told);
    }
  });

  test('in a form is one field with all of it, or the fields that somebody chose', () => {
    const whole = new URLSearchParams({ JSONString: JSON.stringify({ payment: PAYMENT }) });
    const [document] = split(Buffer.from(whole.toString()));
    assert.deepEqual(eventOf(read(String(document?.body))), eventOf(answered()));
    const chosen = new URLSearchParams({ payment_id: '460000000079467', amount: '$450.00' });
    const [named] = split(Buffer.from(chosen.toString()));
    assert.deepEqual(read(String(named?.body)), fetched);
  });

  test('that only names a payment, says that it was deleted or is written for people, is fetched', () => {
    assert.deepEqual(read(small), fetched);
    assert.deepEqual(read({ event: 'payment_received.created', ...small }), fetched);
    assert.deepEqual(read({ event: 'payment_received.deleted', payment: PAYMENT }), fetched);
    assert.deepEqual(read({ payment: { ...PAYMENT, amount: '$1,500.00' } }), fetched);
    assert.deepEqual(read({ payment: { ...PAYMENT, currency_code: null } }), fetched);
  });

  test('of another organization is ignored by name, without any payment it is set aside', () => {
    const other = { organization_id: '1', ...small };
    assert.ok('ignored' in read(other, { organizationId: '2' }));
    assert.deepEqual(read(other, { organizationId: '1' }), fetched);
    assert.throws(() => read({ event: 'payment_received.created' }), /payment_id: missing/);
  });

  test('whose bytes may mean another change later is kept each time', () => {
    const [timeless] = split(Buffer.from(JSON.stringify(small)));
    assert.equal(timeless?.repeatable, true);
    const [dated] = split(Buffer.from(JSON.stringify({ payment: PAYMENT })));
    assert.equal(dated?.repeatable, undefined);
  });
});

describe('refunds', () => {
  const refundOf = (change: Given, of: Given = {}) =>
    eventOf(read({ refunds_of: { ...OF, ...of }, payment_refund: { ...REFUNDS[0], ...change } }));

  test('are asked for where a payment has some', () => {
    const outcome = answered();
    assert.deepEqual('fetch' in outcome && outcome.fetch, [
      { entity: 'refunds', id: '460000000079467' },
    ]);
    assert.ok(!('fetch' in answered({ amount_refunded: 0 })));
  });

  test('are in the currency of their payment, each its own', () => {
    const yen = refundOf({ amount_fcy: 500, amount_bcy: 4.5 }, { currency_code: 'JPY' });
    assert.deepEqual([yen.amountMinor, yen.currency], [500n, 'JPY']);
    assert.equal(yen.externalPaymentId, '460000000079467');
    assert.equal(refundOf({}).refundId, '460000000081001');
    const plain = refundOf({ amount_fcy: null, amount: 50 });
    assert.equal(plain.amountMinor, 5_000n);
    assert.throws(() => refundOf({ amount_fcy: null, amount_bcy: 50 }), /amount_fcy: missing/);
    assert.throws(() => refundOf({ amount_fcy: 0 }), WireMismatch);
  });
});

describe('invoices and contacts', () => {
  const invoiceOf = (change: Given) => read({ invoice: { ...INVOICE, ...change } });

  test('drafts are no claims, a void one claims nothing, all others are', () => {
    for (const status of ['draft', 'pending_approval', 'approved', 'rejected']) {
      assert.ok('ignored' in invoiceOf({ status }), status);
    }
    for (const status of ['sent', 'viewed', 'overdue', 'paid', 'partially_paid', 'unpaid']) {
      assert.equal(eventOf(invoiceOf({ status })).type, 'invoice.upserted', status);
    }
    assert.equal(eventOf(invoiceOf({ status: 'void' })).type, 'invoice.voided');
  });

  test('the reference is a work order where it reads like one, else the purchase order', () => {
    const numbers = (change: Given) => {
      const { invoice } = eventOf(invoiceOf(change));
      return [invoice?.workOrder, invoice?.purchaseOrder];
    };
    assert.deepEqual(numbers({}), ['WO-20881', null]);
    assert.deepEqual(numbers({ reference_number: 'PO-7' }), [null, 'PO-7']);
    assert.deepEqual(numbers({ reference_number: '', cf_work_order: 'A-1' }), ['A-1', null]);
  });

  test('customers are told, vendors are not', () => {
    const contact = (change: Given) => read({ contact: { ...CONTACT, ...change } });
    assert.deepEqual(eventOf(contact({})).customer, {
      externalId: '460000000026049',
      name: 'Bowman Furniture',
      email: 'willsmith@bowmanfurniture.example',
    });
    assert.ok('ignored' in contact({ contact_type: 'vendor' }));
  });
});

test('an error is set aside with what Zoho says, and a payment that is gone is void', () => {
  assert.deepEqual(read(sample('error-auth')), {
    quarantined: 'Zoho answered with an error: 57 You are not authorized to perform this operation',
  });
  const gone = eventOf(read({ gone: { payment_id: '460000000079467' } }));
  assert.deepEqual([gone.type, gone.amountMinor], ['payment.voided', 0n]);
  assert.equal(gone.occurredAt, '2026-10-14T17:00:00.000Z');
});
