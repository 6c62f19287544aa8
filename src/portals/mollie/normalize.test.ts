import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import { type CanonicalEvent, toJsonEvent } from '../events.ts';
import { methodOf } from './methods.ts';
import { normalize } from './normalize.ts';
import { referencesOf } from './references.ts';
import { type Settings, settings } from './settings.ts';
import { split } from './split.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const least = settings.parse({});

const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.in.json`, fixtures));
const object = (name: string): Record<string, unknown> => JSON.parse(fixture(name).toString());

function become(value: unknown, of: Settings = least): Normalized {
  const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  return normalize({ body, headers: {}, receivedAt: new Date(0) }, of);
}

function events(value: unknown, of?: Settings): readonly CanonicalEvent[] {
  const result = become(value, of);
  assert.ok('events' in result, `no events but ${Object.keys(result)}`);
  return result.events;
}

const paid = (changes: Record<string, unknown>) => ({
  ...object('api-get-payment-paid'),
  ...changes,
});

describe('fixtures', () => {
  for (const file of readdirSync(fixtures).filter((name) => name.endsWith('.in.json'))) {
    const name = file.replace('.in.json', '');
    test(`${name} becomes its golden events`, () => {
      const golden = JSON.parse(readFileSync(new URL(`${name}.out.json`, fixtures), 'utf8'));
      const all = split(fixture(name)).flatMap(({ body }) => {
        const result = become(body);
        return 'events' in result ? result.events.map(toJsonEvent) : [];
      });
      assert.deepEqual(all, golden);
    });
  }
});

describe('states of a payment', () => {
  const table: readonly (readonly [string, string, string, bigint, string])[] = [
    ['authorized', 'payment.authorized', '2026-11-12T15:01:44.000Z', 128450n, 'EUR'],
    ['partly-captured', 'payment.succeeded', '2026-11-13T08:30:00.000Z', 110005n, 'EUR'],
    ['failed', 'payment.failed', '2026-11-12T14:52:33.000Z', 128450n, 'EUR'],
    ['expired', 'payment.failed', '2026-11-26T00:00:01.000Z', 128450n, 'EUR'],
    ['canceled', 'payment.voided', '2026-11-12T14:56:30.000Z', 128450n, 'EUR'],
    ['paypal-kwd', 'payment.succeeded', '2026-11-13T00:10:09.000Z', 1234567n, 'KWD'],
  ];
  for (const [name, type, occurredAt, amountMinor, currency] of table) {
    test(`${name} is ${type}`, () => {
      const payment = object(`api-get-payment-${name}`);
      const [event] = events(payment);
      assert.equal(event?.type, type);
      assert.equal(event?.eventId, `${payment.id}:${payment.status}`);
      assert.deepEqual(
        [event?.occurredAt, event?.amountMinor, event?.currency],
        [occurredAt, amountMinor, currency],
      );
    });
  }

  test('a payment with a refund and a chargeback stays one payment of its full amount', () => {
    assert.deepEqual(
      events(fixture('api-get-payment-charged-back')).map((one) => [one.eventId, one.amountMinor]),
      [
        ['tr_5B8cwPMGnU6qLbRvo7qEZo:paid', 128450n],
        ['re_4qqhO89gsT:refunded', 11500n],
        ['chb_xFzwUN4ci8HAmSGUACS4J:received', 116950n],
      ],
    );
  });

  test('open, a mandate of 0.00, play money and a foreign profile are not money', () => {
    const ours = settings.parse({ profileId: 'pfl_Other1' });
    assert.match(reason(become(fixture('api-get-payment-open'))), /is open/);
    assert.match(reason(become(fixture('api-get-payment-mandate-zero'))), /no money has moved/);
    assert.match(reason(become(fixture('api-get-payment-test-mode'))), /test mode/);
    assert.match(reason(become(paid({}), ours)), /profile pfl_QkEhN94Ba/);
  });

  test('test data is booked by a test connection, which refuses real money aloud', () => {
    const of = settings.parse({ testmode: 'true' });
    assert.equal(events(fixture('api-get-payment-test-mode'), of).length, 1);
    assert.ok('quarantined' in become(paid({}), of));
  });

  test('an API key decides the mode, also once its text is hidden', () => {
    for (const apiKey of ['test_abc', 'live_abc', '[secret]']) {
      const of = settings.parse({ apiKey });
      assert.equal(events(fixture('api-get-payment-test-mode'), of).length, 1);
      assert.equal(events(paid({}), of).length, 1);
    }
    const both = settings.parse({ apiKey: '[secret]', organizationToken: '[secret]' });
    assert.ok('ignored' in become(fixture('api-get-payment-test-mode'), both));
  });

  test('what is unknown or contradictory is refused, never taken for success', () => {
    const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ status: 'settled' }, /status/],
      [{ status: 'Paid' }, /status/],
      [{ status: '' }, /status/],
      [{ mode: 'sandbox' }, /mode/],
      [{ amount: { value: '10.00', currency: 'XXX' } }, /XXX/],
      [{ amount: { value: '10.00', currency: 'eur' } }, /eur/],
      [{ amount: { value: '10.005', currency: 'EUR' } }, /digits/],
      [{ amount: { value: '1500.50', currency: 'JPY' } }, /digits/],
      [{ amount: { value: '-10.00', currency: 'EUR' } }, /negative/],
      [{ amount: { value: '1e3', currency: 'EUR' } }, /decimal/],
      [{ paidAt: null }, /paidAt/],
      [{ paidAt: 'yesterday' }, /paidAt/],
      [{ captureMode: 'manual', amountCaptured: { value: '0.00', currency: 'EUR' } }, /contradict/],
      [{ amountCaptured: { value: '5.00', currency: 'USD' } }, /contradict/],
      [{ _embedded: { refunds: [{ resource: 'refund', id: 're_1' }] } }, /_embedded.refunds.0/],
    ];
    for (const [changes, message] of refused) {
      assert.throws(() => become(paid(changes)), message, JSON.stringify(changes));
    }
  });

  test('amounts keep every digit of their currency', () => {
    const exact: readonly (readonly [string, string, bigint])[] = [
      ['1500', 'JPY', 1500n],
      ['1500.00', 'JPY', 1500n],
      ['0.001', 'KWD', 1n],
      ['90071992547409.93', 'EUR', 9007199254740993n],
      ['86.1000', 'EUR', 8610n],
    ];
    for (const [value, currency, minor] of exact) {
      assert.equal(events(paid({ amount: { value, currency } }))[0]?.amountMinor, minor);
    }
  });
});

const reason = (result: Normalized): string => ('ignored' in result ? result.ignored : '');

describe('notices', () => {
  test('a classic notice only fetches, and only payments', () => {
    const id = 'tr_5B8cwPMGnU6qLbRvo7qEZo';
    assert.deepEqual(become(Buffer.from(`id=${id}`)), { fetch: [{ entity: 'payment', id }] });
    assert.match(reason(become(Buffer.from('id=ord_kEn1PlbGa'))), /only payments/);
  });

  test('the event id names the event its notice tells; the rest keep their own keys', () => {
    assert.deepEqual(
      events(fixture('webhook-nextgen-chargeback-reversed')).map((one) => one.eventId),
      ['chb_xFzwUN4ci8HAmSGUACS4J:received', 'event_ChRever5ed01'],
    );
  });

  test('without a snapshot the payment is fetched, or the event where no payment is named', () => {
    const simple = object('webhook-nextgen-refund-simple');
    assert.deepEqual(become(simple), {
      fetch: [{ entity: 'payment', id: 'tr_5B8cwPMGnU6qLbRvo7qEZo' }],
    });
    assert.deepEqual(become({ ...simple, _links: undefined }), {
      fetch: [{ entity: 'event', id: 'event_RfSimp1e0001' }],
    });
    const payout = { ...object('webhook-nextgen-payout-completed'), _embedded: null };
    assert.deepEqual(become(payout), {
      fetch: [{ entity: 'payout', id: 'payout_j8NvRAM2WNZtsykpLEX8J' }],
    });
  });

  test('a snapshot that lags behind its notice is fetched again', () => {
    const event = object('webhook-nextgen-payment-paid');
    const entity = paid({ status: 'open', paidAt: null });
    assert.deepEqual(become({ ...event, _embedded: { entity } }), {
      fetch: [{ entity: 'payment', id: 'tr_5B8cwPMGnU6qLbRvo7qEZo' }],
    });
  });

  test('a snapshot of another object than the notice names is refused', () => {
    const event = object('webhook-nextgen-payment-paid');
    for (const changes of [{ entityId: 'tr_another' }, { type: 'refund.refunded' }]) {
      assert.throws(() => become({ ...event, ...changes }), /is not what/);
    }
  });

  test('kinds that move no money here are ignored by name', () => {
    const event = object('webhook-nextgen-payment-paid');
    for (const type of [
      'payment.teleported',
      'constructor.name',
      'sales-invoice.paid',
      'balance-transaction.created',
      'business-account-transfer.processed',
      'refund.queued',
      'capture.failed',
      'payout.canceled',
      'hook.ping',
    ]) {
      assert.ok(reason(become({ ...event, type })).startsWith(`${type}: `), type);
    }
    assert.match(reason(become({ resource: 'customer', id: 'cst_1' })), /customer/);
  });

  test('shapes without a resource are refused', () => {
    for (const body of [
      '',
      '{}',
      '[]',
      'null',
      '{"id":"tr_12345","event_type":"x.paid"}',
      '<x/>',
    ]) {
      assert.throws(() => become(Buffer.from(body)), Error);
    }
  });
});

describe('payouts', () => {
  const page = split(fixture('api-list-settlements'))[0]?.body ?? Buffer.alloc(0);
  const payout = fixture('webhook-nextgen-payout-completed');

  test('a connection books settlements or payouts, not both', () => {
    const chosen = (payouts: string) => {
      const of = settings.parse({ payouts });
      return [page, payout].map((body) => 'events' in become(body, of));
    };
    assert.deepEqual(chosen('settlements'), [true, false]);
    assert.deepEqual(chosen('payouts'), [false, true]);
    assert.deepEqual(chosen('none'), [false, false]);
  });

  test('a settlement is exact to its decimals, a negative one a debit, an open one nothing', () => {
    const settlement = JSON.parse(page.toString());
    const of = (changes: object) => ({ ...settlement, ...changes });
    const amount = { value: '-12.3400', currency: 'EUR' };
    assert.equal(events(of({ amount }))[0]?.amountMinor, -1234n);
    assert.match(reason(become(of({ status: 'open', settledAt: null }))), /not paid out/);
    assert.throws(() => become(of({ status: 'lost' })), /status/);
    assert.throws(() => become(of({ amount: { value: '1.0001', currency: 'EUR' } })), /digits/);
  });
});

describe('balance transactions', () => {
  const transaction = JSON.parse(
    split(fixture('api-list-balance-transactions'))[1]?.body.toString() ?? '',
  );

  test('a payment tells its fee, and no new money', () => {
    const [event] = events(transaction);
    assert.equal(event?.type, 'payment.referenced');
    assert.equal(event?.externalPaymentId, 'tr_5B8cwPMGnU6qLbRvo7qEZo');
    assert.deepEqual([event?.feeMinor, event?.feeCurrency], [32n, 'EUR']);
  });

  test('other movements, and a payment without a fee, tell nothing; a fee paid to us is refused', () => {
    const fees = (value: string) => ({ deductionDetails: { fees: { value, currency: 'EUR' } } });
    assert.ok('ignored' in become({ ...transaction, type: 'capture' }));
    assert.ok('ignored' in become({ ...transaction, deductionDetails: null }));
    assert.ok('ignored' in become({ ...transaction, ...fees('0.00') }));
    assert.throws(() => become({ ...transaction, ...fees('0.32') }), /not a deduction/);
  });
});

describe('refunds and chargebacks', () => {
  const refund = JSON.parse(split(fixture('api-list-refunds'))[0]?.body.toString() ?? '');

  test('only refunded and failed refunds tell something; unknown states are refused', () => {
    for (const status of ['queued', 'pending', 'processing', 'canceled']) {
      assert.ok('ignored' in become({ ...refund, status }), status);
    }
    assert.equal(events({ ...refund, status: 'failed' })[0]?.type, 'refund.failed');
    assert.throws(() => become({ ...refund, status: 'sent' }), /status/);
    assert.throws(() => become({ ...refund, amount: { value: '0.00', currency: 'EUR' } }), /moves/);
  });

  test('a refund without its payment links to none', () => {
    const [event] = events({ ...refund, paymentId: null });
    assert.deepEqual([event?.externalPaymentId, event?.links], [null, {}]);
  });

  test('an embedded payment of a foreign profile keeps its refund out', () => {
    const of = settings.parse({ profileId: 'pfl_QkEhN94Ba' });
    const payment = { profileId: 'pfl_Foreign' };
    assert.match(reason(become({ ...refund, _embedded: { payment } }, of)), /pfl_Foreign/);
  });
});

describe('references and methods', () => {
  test('metadata names targets however its keys are written', () => {
    const number = (metadata: unknown) => referencesOf({ metadata })[0]?.number;
    assert.equal(number({ 'Work-Order': 'WO-1' }), 'WO-1');
    assert.equal(number({ invoice_number: 481 }), '481');
    assert.equal(number('{"invoice":"INV-1"}'), 'INV-1');
    assert.deepEqual(referencesOf({ metadata: { invoiceId: ' in_7 ' } }), [
      { kind: 'invoice', externalId: 'in_7' },
    ]);
  });

  test('metadata without meaning is left alone, text becomes a memo', () => {
    assert.deepEqual(referencesOf({ metadata: null }), []);
    assert.deepEqual(referencesOf({ metadata: { invoice: { deep: 1 }, constructor: 'x' } }), []);
    assert.deepEqual(referencesOf({ metadata: '{broken', description: '{broken' }), [
      { kind: 'memo', text: '{broken' },
    ]);
  });

  test('methods: known ones by kind, later ones other, none before the choice', () => {
    const kinds = ['creditcard', 'pointofsale', 'applepay', 'ideal', 'directdebit', 'voucher'];
    assert.deepEqual(kinds.map(methodOf), ['card', 'card', 'wallet', 'bank', 'bank', 'other']);
    assert.deepEqual([methodOf('teleport'), methodOf(null)], ['other', null]);
  });
});

test('normalize throws nothing but errors, and the same for the same', () => {
  const samples = readdirSync(fixtures)
    .filter((name) => name.startsWith('api-get') && name.endsWith('.in.json'))
    .map((name) => object(name.replace('.in.json', '')));
  const keys = [...new Set(samples.flatMap((sample) => Object.keys(sample)))];
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()),
      (sample, changes) => {
        const attempt = () => {
          try {
            return become({ ...sample, ...changes });
          } catch (error) {
            assert.ok(error instanceof Error);
            return error.message;
          }
        };
        assert.deepEqual(attempt(), attempt());
      },
    ),
  );
});
