/** From documents to events: states, amounts, instants, and what is set aside. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { baseStatus, foldMarks, NO_MARKS } from '../../payments/fold.ts';
import type { CanonicalEvent } from '../events.ts';
import { ownMark } from '../kit/own-mark.ts';
import { intuitPayments } from './index.ts';
import { normalized } from './simulated-connection.ts';
import { split } from './split.ts';

type Json = Record<string, unknown>;
const NOW = new Date('2026-10-20T12:00:00.000Z');
const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url)).toString());
const least = JSON.parse(
  readFileSync(new URL('./fixtures/contract.json', import.meta.url)).toString(),
).settings as Json;

const CHARGE: Json = fixture('api-charge-get');
const CAPTURED: Json = fixture('api-charge-captured-partial');
const ECHECK: Json = fixture('api-echeck-pending');
const REFUND: Json = fixture('api-refund-get');
const PAYMENT: Json = fixture('api-charge-with-payment').recorded.Payment;
const RECEIPT: Json = fixture('api-charge-with-receipt').recorded.RefundReceipt;

function read(value: unknown, settings: Json = {}) {
  const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const [document, ...others] = split(body);
  assert.ok(document && others.length === 0);
  const given = intuitPayments.settings.parse({ ...least, ...settings });
  return normalized(document.body, given, NOW);
}

function eventsOf(value: unknown, settings: Json = {}): readonly CanonicalEvent[] {
  const outcome = read(value, settings);
  return 'events' in outcome ? outcome.events : assert.fail(JSON.stringify(outcome));
}

function reasonOf(value: unknown, settings: Json = {}): string {
  const outcome = read(value, settings);
  if ('quarantined' in outcome) return outcome.quarantined;
  return 'ignored' in outcome ? `ignored: ${outcome.ignored}` : assert.fail('it became events');
}

const typesOf = (value: unknown) => eventsOf(value).map(({ type }) => type);

describe('states', () => {
  const charge = { ...CHARGE, card: CHARGE.card };
  for (const [status, type] of [
    ['AUTHORIZED', 'payment.authorized'],
    ['CAPTURED', 'payment.succeeded'],
    ['SETTLED', 'payment.succeeded'],
    ['REFUNDED', 'payment.succeeded'],
    ['DECLINED', 'payment.failed'],
    ['FAILED', 'payment.failed'],
    ['CANCELLED', 'payment.voided'],
  ] as const) {
    test(`charge ${status}`, () =>
      assert.deepEqual(typesOf({ charge: { ...charge, status } }), [type]));
  }
  for (const [status, type] of [
    ['PENDING', 'payment.pending'],
    ['SUCCEEDED', 'payment.succeeded'],
    ['REFUNDED', 'payment.succeeded'],
    ['DECLINED', 'payment.failed'],
    ['VOIDED', 'payment.voided'],
  ] as const) {
    test(`eCheck ${status}`, () =>
      assert.deepEqual(typesOf({ echeck: { ...ECHECK, status } }), [type]));
  }

  test('unknown, empty, in other letters, or of the other kind: set aside', () => {
    for (const status of ['', 'captured', 'Captured', 'PENDING', 'SUCCEEDED', 'VOIDED', 'HELD']) {
      assert.match(
        reasonOf({ charge: { ...CHARGE, status } }),
        /^status: ".*" of charge EZXGXZQXGXCF/,
      );
    }
    for (const status of ['', 'succeeded', 'CAPTURED', 'AUTHORIZED', 'CANCELLED']) {
      assert.match(reasonOf({ echeck: { ...ECHECK, status } }), /^status: ".*" of echeck a9xts573/);
    }
    assert.match(reasonOf({ charge: { ...CHARGE, status: 7 } }), /^status/);
  });

  test('what ends is dated when it was learned, so that a late return comes after its success', () => {
    const [succeeded] = eventsOf({ echeck: { ...ECHECK, status: 'SUCCEEDED' } });
    const [failed] = eventsOf({ echeck: { ...ECHECK, status: 'DECLINED' } });
    assert.equal(succeeded?.occurredAt, '2026-10-14T06:56:31.000Z');
    assert.equal(failed?.occurredAt, NOW.toISOString());
    assert.equal(failed?.reason, 'DECLINED');
    assert.notEqual(failed?.eventId, succeeded?.eventId);
    for (const told of [
      [succeeded, failed],
      [failed, succeeded],
    ]) {
      const marks = told.reduce(
        (folded, event) => foldMarks(folded, event as Parameters<typeof foldMarks>[1]),
        NO_MARKS,
      );
      assert.equal(baseStatus(marks), 'failed', 'in whatever order they come');
    }
  });

  test('errors beside a charge: a warning goes through, a refusal is its reason', () => {
    const error = (code: string, type: string) => [{ code, type, message: 'Looks odd.' }];
    const warned = { ...CHARGE, errors: error('PMT-1000', 'fraud_warning') };
    const [through] = eventsOf({ charge: warned });
    assert.equal(through?.type, 'payment.succeeded');
    assert.equal(through?.reason, 'PMT-1000 fraud_warning: Looks odd.');
    const refused = { ...CHARGE, status: 'DECLINED', errors: error('PMT-2000', 'fraud_error') };
    const [failed] = eventsOf({ charge: refused });
    assert.equal(failed?.type, 'payment.failed');
    assert.equal(failed?.reason, 'PMT-2000 fraud_error: Looks odd.');
    for (const code of ['PMT-2000', 'PMT-5000']) {
      const odd = { ...CHARGE, errors: error(code, 'x') };
      assert.match(reasonOf({ charge: odd }), /^status: "CAPTURED" stands beside PMT-/);
    }
  });

  test('errors by themselves say nothing of a payment', () => {
    assert.match(reasonOf(fixture('error-declined')), /PMT-5000 transaction_declined: Request/);
    assert.match(reasonOf(fixture('error-invalid-request')), /PMT-4000 invalid_request/);
  });
});

describe('amounts and currencies', () => {
  test('text and numbers, never through a float', () => {
    for (const [amount, minor] of [
      ['"100.00"', 10_000n],
      ['"100"', 10_000n],
      ['100.1', 10_010n],
      ['4503599627370497.03', 450_359_962_737_049_703n],
      ['1210.45', 121_045n],
    ] as const) {
      const text = JSON.stringify({ charge: CHARGE }).replace('"100.00"', amount);
      assert.equal(eventsOf(text)[0]?.amountMinor, minor, amount);
    }
  });

  test('digits too many, signs and words are refused; of nothing is no payment', () => {
    for (const amount of [
      '"10.005"',
      '-5',
      '"-5.00"',
      '"1,000.00"',
      '""',
      '"ten"',
      '1e3',
      'null',
    ]) {
      const text = JSON.stringify({ charge: CHARGE }).replace('"100.00"', amount);
      assert.ok(!reasonOf(text).startsWith('ignored'), amount);
    }
    assert.match(
      reasonOf({ charge: { ...CHARGE, amount: '0.00' } }),
      /^ignored: .*verifies the card/,
    );
  });

  test('what was captured is the money, less or more than authorized', () => {
    assert.equal(eventsOf({ charge: CAPTURED })[0]?.amountMinor, 1_000n);
    const more = { ...(CAPTURED.captureDetail as Json), amount: 150 };
    const [event] = eventsOf({ charge: { ...CAPTURED, captureDetail: more } });
    assert.equal(event?.amountMinor, 15_000n);
    assert.equal(event?.occurredAt, '2026-10-14T08:55:52.000Z');
  });

  test('dollars of the United States and Canada only', () => {
    const { currency: _, ...without } = CHARGE;
    assert.equal(eventsOf({ charge: { ...CHARGE, currency: 'CAD' } })[0]?.currency, 'CAD');
    assert.equal(eventsOf({ charge: without })[0]?.currency, 'USD');
    assert.equal(eventsOf({ charge: without }, { homeCurrency: 'CAD' })[0]?.currency, 'CAD');
    assert.equal(eventsOf({ echeck: ECHECK }, { homeCurrency: 'CAD' })[0]?.currency, 'USD');
    for (const currency of ['EUR', 'JPY', 'usd', 'US$']) {
      assert.match(
        reasonOf({ charge: { ...CHARGE, currency } }),
        /^currency: Intuit takes USD and CAD/,
      );
    }
    assert.ok(!intuitPayments.settings.safeParse({ ...least, homeCurrency: 'EUR' }).success);
  });
});

describe('instants', () => {
  const at = (created: string) => eventsOf({ charge: { ...CHARGE, created } })[0]?.occurredAt;
  test('months, days and hours of one digit, offsets and fractions', () => {
    for (const [created, utc] of [
      ['2026-5-30T10:59:23Z', '2026-05-30T10:59:23.000Z'],
      ['2026-12-1T9:05:03Z', '2026-12-01T09:05:03.000Z'],
      ['2026-10-14T23:30:00-07:00', '2026-10-15T06:30:00.000Z'],
      ['2026-1-2T03:04:05-0800', '2026-01-02T11:04:05.000Z'],
      ['2028-2-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
      ['2026-10-14T20:09:26.123456Z', '2026-10-14T20:09:26.123Z'],
    ] as const) {
      assert.equal(at(created), utc, created);
    }
  });
  test('no offset, no such day or hour: set aside', () => {
    for (const created of [
      '2026-10-14T20:09:26',
      '2026-2-30T10:00:00Z',
      '2027-2-29T10:00:00Z',
      '2026-13-1T10:00:00Z',
      '2026-0-10T10:00:00Z',
      '2026-10-14T25:00:00Z',
      '2026-10-14',
      '5/30/2026 10:59',
      '',
    ]) {
      assert.match(reasonOf({ charge: { ...CHARGE, created } }), /^created: /, created);
    }
  });
});

describe('records in QuickBooks', () => {
  const told = (change: Json, more: Json = {}) => ({
    charge: CHARGE,
    recorded: { Payment: { ...PAYMENT, ...change } },
    ...more,
  });
  const line = (amount: number, id: string, number?: string) => ({
    Amount: amount,
    LinkedTxn: [{ TxnId: id, TxnType: 'Invoice' }],
    ...(number
      ? { LineEx: { any: [{ value: { Name: 'txnReferenceNumber', Value: number } }] } }
      : {}),
  });

  test('one event, keyed by the charge, with the payment as its other id', () => {
    const [event, ...others] = eventsOf(told({}));
    assert.deepEqual(others, []);
    assert.equal(event?.externalPaymentId, 'EZXGXZQXGXCF');
    assert.deepEqual(event?.links, { elsewhere: [{ portal: 'quickbooks', externalId: '207' }] });
    assert.deepEqual(event?.customer, { externalId: '20', name: 'Red Rock Diner', email: null });
    assert.equal(event?.channel, 'IntuitPayment');
    assert.ok(!event?.references.some(({ text }) => text === 'EZXGXZQXGXCF'), 'its own id');
  });

  test('invoices by their numbers, from the line or read; by the id of another company never', () => {
    const references = (value: unknown) =>
      eventsOf(value)[0]?.references.filter(({ kind }) => kind === 'invoice');
    const lines = { Line: [line(60, '70', 'INV-7'), line(40, '71')] };
    assert.deepEqual(references(told(lines, { invoiceNumbers: { '71': 'INV-8' } })), [
      { kind: 'invoice', number: 'INV-7', amountMinor: 6000n },
      { kind: 'invoice', number: 'INV-8', amountMinor: 4000n },
    ]);
    assert.deepEqual(references(told(lines)), [
      { kind: 'invoice', number: 'INV-7', amountMinor: 6000n },
    ]);
  });

  test('where less was captured than was applied, no share is claimed', () => {
    const recorded = { Payment: { ...PAYMENT, Line: [line(100, '70', 'INV-7')] } };
    const [event] = eventsOf({ charge: CAPTURED, recorded });
    assert.deepEqual(event?.references[0], { kind: 'invoice', number: 'INV-7' });
  });

  test('what we recorded ourselves is known by its mark and repeats no decision', () => {
    const mark = ownMark({ installation: 'ab12cd', paymentId: 'pay_12' });
    const ours = {
      PaymentRefNum: mark,
      PrivateNote: `Card; ${mark}`,
      Line: [line(100, '70', '7')],
    };
    const [event] = eventsOf(told(ours));
    assert.deepEqual(event?.references, [
      { kind: 'memo', text: mark },
      { kind: 'memo', text: `Card; ${mark}` },
      { kind: 'memo', text: CHARGE.description },
    ]);
  });

  test('another currency than the charge has is no record of it', () => {
    const recorded = { Payment: { ...PAYMENT, CurrencyRef: { value: 'CAD' } } };
    assert.match(
      reasonOf({ charge: CHARGE, recorded }),
      /Payment 207 is in CAD, its transaction in USD/,
    );
  });

  test('a sale on the spot and a voided payment are records, too', () => {
    const recorded = { SalesReceipt: { ...PAYMENT, Id: '300', Line: [] } };
    const [sale] = eventsOf({ charge: CHARGE, recorded });
    assert.deepEqual(sale?.links.elsewhere, [{ portal: 'quickbooks', externalId: '300' }]);
    const voided = told({ TotalAmt: 0, Line: [], PrivateNote: 'Voided' });
    assert.deepEqual(typesOf(voided), ['payment.succeeded'], 'the charge decides');
  });

  test('without a transaction it is ignored by name; one that nobody knows waits', () => {
    assert.match(
      reasonOf(fixture('api-payment-without-charge')),
      /^ignored: Payment 208 names no transaction of Intuit Payments/,
    );
    assert.match(
      reasonOf({ recorded: { Payment: PAYMENT } }),
      /^Payment 207 names transaction EZXGXZQXGXCF, which Intuit Payments does not know/,
    );
    const { CreditCardPayment: _, ...debit } = PAYMENT;
    const bank = { ...debit, CheckPayment: { CheckPaymentEx: { TransId: 'a9xts573' } } };
    assert.match(reasonOf({ recorded: { Payment: bank } }), /names transaction a9xts573/);
  });
});

describe('refunds', () => {
  const refunded = (change: Json) => ({ charge: CHARGE, refund: { ...REFUND, ...change } });
  test('by the state of the refund', () => {
    assert.deepEqual(typesOf(refunded({})), ['payment.succeeded', 'refund.succeeded']);
    assert.deepEqual(typesOf(refunded({ status: 'SETTLED' })), [
      'payment.succeeded',
      'refund.succeeded',
    ]);
    assert.deepEqual(typesOf(refunded({ status: 'DECLINED' })), [
      'payment.succeeded',
      'refund.failed',
    ]);
    for (const status of ['', 'issued', 'PENDING']) {
      assert.match(reasonOf(refunded({ status })), /^refund: "REFUND" with status/);
    }
    for (const type of ['', 'refund', null]) {
      assert.match(reasonOf(refunded({ type })), /^refund: /);
    }
    assert.match(reasonOf(REFUND), /names no charge; only the path/);
  });

  test('a void of the whole undoes the charge, of a part it is not documented', () => {
    const undone = refunded({ type: 'VOID', amount: '100.00', created: '2026-5-30T10:59:23Z' });
    const [, event] = eventsOf(undone);
    assert.equal(event?.type, 'payment.voided');
    assert.equal(event?.externalPaymentId, 'EZXGXZQXGXCF');
    assert.equal(event?.occurredAt, '2026-05-30T10:59:23.000Z');
    const cancelled = { ...undone, charge: { ...CHARGE, status: 'CANCELLED' } };
    assert.deepEqual(typesOf(cancelled), ['payment.voided'], 'told once');
    assert.deepEqual(typesOf(refunded({ type: 'VOID', status: 'DECLINED' })), [
      'payment.succeeded',
    ]);
    assert.match(
      reasonOf(refunded({ type: 'VOID' })),
      /a void of 5\.00 is not of the whole charge/,
    );
  });

  test('a receipt that names the charge is a refund of its own', () => {
    const [, event] = eventsOf({ charge: CHARGE, recorded: { RefundReceipt: RECEIPT } });
    assert.partialDeepStrictEqual(event, {
      type: 'refund.succeeded',
      refundId: 'RefundReceipt:310',
      externalPaymentId: 'EZXGXZQXGXCF',
      amountMinor: 500n,
    });
    const of = (status: string, row: Json = RECEIPT) =>
      typesOf({ charge: { ...CHARGE, status }, recorded: { RefundReceipt: row } });
    assert.deepEqual(of('CANCELLED'), ['payment.voided'], 'what was undone gave nothing back');
    assert.deepEqual(of('CAPTURED', { ...RECEIPT, TotalAmt: 0 }), ['payment.succeeded']);
  });

  test('the processor comes first: its refund is not told a second time by the receipt', () => {
    const recorded = { RefundReceipt: RECEIPT };
    const both = eventsOf({ charge: CHARGE, refund: REFUND, recorded });
    assert.deepEqual(
      both.map(({ refundId }) => refundId),
      [undefined, 'EUATXWTYC2ZL'],
    );
    for (const refundDetail of [REFUND, [REFUND]]) {
      const listed = eventsOf({ charge: { ...CHARGE, refundDetail }, refund: REFUND, recorded });
      assert.deepEqual(listed, both);
    }
    const odd = { ...CHARGE, refundDetail: { status: 'ISSUED', created: '2026-10-15T07:58:42Z' } };
    assert.deepEqual(typesOf({ charge: odd }), ['payment.succeeded'], 'a detail without an id');
  });

  test('a receipt of which nobody knows the charge is a refund of the customer', () => {
    const [event, ...others] = eventsOf({ recorded: { RefundReceipt: RECEIPT } });
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(event, {
      type: 'refund.succeeded',
      refundId: 'EZXGXZQXGXCF',
      externalPaymentId: null,
      customer: { externalId: '20' },
    });
    const foreign = { ...RECEIPT, CurrencyRef: { value: 'EUR' } };
    assert.match(reasonOf({ recorded: { RefundReceipt: foreign } }), /not EUR/);
    assert.match(
      reasonOf({ recorded: { RefundReceipt: { ...RECEIPT, TotalAmt: 0 } } }),
      /^ignored/,
    );
  });

  test('a refund that nothing explains after a day waits for a person', () => {
    const charge = { ...CHARGE, status: 'REFUNDED' };
    assert.match(
      reasonOf({ charge, unexplained: true }),
      /charge EZXGXZQXGXCF was refunded, but no/,
    );
    const told = { charge: { ...charge, refundDetail: [REFUND] }, unexplained: true };
    assert.deepEqual(typesOf(told), ['payment.succeeded', 'refund.succeeded']);
  });
});

describe('notices', () => {
  const created = (value: unknown) => {
    const outcome = read(value);
    return 'fetch' in outcome && !('events' in outcome) ? outcome.fetch : outcome;
  };
  const asked = [{ entity: 'Transaction', id: 'EZXGXZQXGXCF' }];

  test('PaymentCreated: the id is found in any shape', () => {
    for (const notice of [
      { eventType: 'PaymentCreated', id: 'EZXGXZQXGXCF' },
      { event: 'PaymentCreated', paymentId: 'EZXGXZQXGXCF', id: 'evt_1' },
      { type: 'PaymentCreated', chargeId: ' EZXGXZQXGXCF ' },
      { name: 'PaymentCreated', eCheckId: 'EZXGXZQXGXCF' },
      { id: 'evt_1', eventName: 'payment_created', data: { id: 'EZXGXZQXGXCF' } },
      { id: 'evt_1', type: 'PaymentCreated', data: { object: { id: 'EZXGXZQXGXCF' } } },
      { id: 'evt_1', type: 'PaymentCreated', intuitentityid: 'EZXGXZQXGXCF' },
      { event: { id: 'evt_1', type: 'PaymentCreated' }, paymentId: 'EZXGXZQXGXCF' },
      [{ type: 'PaymentCreated', payment: { id: 'EZXGXZQXGXCF' } }],
    ]) {
      assert.deepEqual(created(notice), asked, JSON.stringify(notice));
    }
    assert.deepEqual(created({ type: 'PaymentCreated', id: 207 }), [
      { entity: 'Transaction', id: '207' },
    ]);
  });

  test('PaymentCreated of another company, or of nothing', () => {
    const notice = { type: 'PaymentCreated', realmId: '1', id: 'EZXGXZQXGXCF' };
    assert.match(reasonOf(notice), /^ignored: company 1 is not this connection's company/);
    assert.deepEqual(created({ ...notice, realmId: '9341453000000001' }), asked);
    assert.match(reasonOf({ type: 'PaymentCreated' }), /names no payment/);
  });

  test("accounting's notices: what may name a charge is read, the rest is ignored by name", () => {
    const legacy = (name: string, operation: string, realmId = '9341453000000001') => ({
      eventNotifications: [
        {
          realmId,
          dataChangeEvent: { entities: [{ name, id: '207', operation, lastUpdated: 'x' }] },
        },
      ],
    });
    for (const entity of ['Payment', 'SalesReceipt', 'RefundReceipt']) {
      for (const operation of ['Create', 'Update', 'Void']) {
        assert.deepEqual(created(legacy(entity, operation)), [{ entity, id: '207' }]);
      }
      for (const operation of ['Delete', 'Merge', 'Emailed', '']) {
        assert.match(reasonOf(legacy(entity, operation)), /^ignored: /);
      }
    }
    for (const entity of ['Invoice', 'Deposit', 'Customer', 'Bill']) {
      assert.match(reasonOf(legacy(entity, 'Create')), /^ignored: .*names no charge/);
    }
    assert.match(reasonOf(legacy('Payment', 'Create', '1')), /^ignored: company 1/);
  });
});
