import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import { type CanonicalEvent, toJsonEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { split } from './split.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const READ_AT = new Date('2026-11-21T08:00:00.000Z');
const least = settings.parse({ currency: 'USD' });
const asking = settings.parse({ currency: 'USD', apiLoginId: 'login', transactionKey: 'key' });
const paidOut = settings.parse({ currency: 'USD', payouts: 'batches' });

const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.in.json`, FIXTURES));

function become(value: string | Buffer, of = least): Normalized {
  return normalize({ body: Buffer.from(value), headers: {}, receivedAt: READ_AT }, of);
}

function eventsOf(value: string | Buffer, of = least): readonly CanonicalEvent[] {
  const result = become(value, of);
  assert.ok('events' in result, `no events but ${Object.keys(result)}`);
  return result.events;
}

/** A details answer with some members replaced, as text. */
function details(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, fixture('api-transaction-details').toString());
}

const status = (name: string) => ['"capturedPendingSettlement"', JSON.stringify(name)] as const;

describe('fixtures', () => {
  for (const file of readdirSync(FIXTURES).filter((name) => name.endsWith('.in.json'))) {
    const name = file.replace('.in.json', '');
    test(`${name} becomes its golden events`, () => {
      const golden = JSON.parse(readFileSync(new URL(`${name}.out.json`, FIXTURES), 'utf8'));
      const own = new URL(`${name}.settings.json`, FIXTURES);
      const given = existsSync(own) ? JSON.parse(readFileSync(own, 'utf8')) : {};
      const of = settings.parse({ currency: 'USD', ...given });
      const all = split(fixture(name)).flatMap(({ body }) => {
        try {
          const result = become(body, of);
          return 'events' in result ? result.events.map(toJsonEvent) : [];
        } catch {
          return [];
        }
      });
      assert.deepEqual(all, golden);
    });
  }
});

describe('what becomes no event', () => {
  const outcomes: readonly (readonly [name: string, outcome: string, why: RegExp])[] = [
    ['webhook-test-ping', 'ignored', /a test of the webhook/],
    ['webhook-subscription-created', 'ignored', /customer\.subscription\.created/],
    ['webhook-card-verification', 'ignored', /verifies a card/],
    ['webhook-test-mode', 'ignored', /test mode/],
    ['webhook-fraud-approved', 'quarantined', /set apiLoginId and transactionKey, then replay/],
    ['webhook-unknown-payment-type', 'quarantined', /installment\.created is not a type we know/],
    ['api-transaction-details-unknown-status', 'quarantined', /"teleported"/],
    ['api-transaction-details-could-not-void', 'quarantined', /"couldNotVoid"/],
    ['api-unsettled-empty', 'ignored', /I00004/],
    ['api-notifications', 'ignored', /delivery history/],
    ['api-webhook-created', 'ignored', /webhooks/],
    ['error-auth', 'quarantined', /E00007/],
  ];
  for (const [name, outcome, why] of outcomes) {
    test(`${name} is ${outcome}`, () => {
      const result = become(fixture(name)) as Record<string, string>;
      assert.match(result[outcome] ?? JSON.stringify(result), why);
    });
  }

  test('a unit below the smallest is refused, not rounded', () => {
    assert.throws(() => become(fixture('webhook-sub-cent')), /more than 2 digits/);
  });

  test('a row of a list asks for its transaction', () => {
    const rows = split(fixture('api-list-payments')).map(({ body }) => become(body));
    const ids = ['60020981676', '60020981677', '60020981679'];
    assert.deepEqual(
      rows,
      ids.map((id) => ({ fetch: [{ entity: 'transaction', id }] })),
    );
  });

  test('shapes that say nothing are refused by name', () => {
    for (const body of ['null', '[]', '{}', '"x"', '{"transaction":null}', '{"transId":"a b"}']) {
      assert.throws(() => become(body), /WireMismatch|body|transI?d?|not/i, body);
    }
  });
});

describe('with API credentials', () => {
  const fetch = (id: string) => [{ entity: 'transaction', id }];

  test('a charge is posted from the signed body at once, and its details follow', () => {
    const alone = eventsOf(fixture('webhook-payment-succeeded'));
    assert.deepEqual(become(fixture('webhook-payment-succeeded'), asking), {
      events: alone,
      fetch: fetch('60020981676'),
    });
  });

  test('what the body leaves open is only fetched', () => {
    for (const [name, id] of [
      ['webhook-prior-auth-capture', '60020981690'],
      ['webhook-refund', '60020982004'],
      ['webhook-void', '60020981677'],
      ['webhook-fraud-approved', '60020982010'],
      ['webhook-unknown-payment-type', '60020982048'],
    ] as const) {
      assert.deepEqual(become(fixture(name), asking), { fetch: fetch(id) }, name);
    }
  });

  test('a body that is not clear by itself is only fetched', () => {
    const body = fixture('webhook-payment-succeeded').toString();
    const told = [
      '"responseCode":9',
      '"responseCode":null',
      '"authAmount":null',
      '"authAmount":1.005',
    ];
    for (const part of told) {
      const [name] = part.split(':');
      const unclear = body.replace(new RegExp(`${name}:[^,]+`), part);
      assert.deepEqual(become(unclear, asking), { fetch: fetch('60020981676') }, part);
      assert.throws(() => become(unclear), /payload|more than 2 digits/, part);
    }
  });

  test('tests and verifications of cards are not fetched', () => {
    for (const name of ['webhook-test-ping', 'webhook-test-mode', 'webhook-card-verification']) {
      assert.ok('ignored' in become(fixture(name), asking), name);
    }
  });
});

describe('notifications', () => {
  const body = fixture('webhook-payment-succeeded').toString();

  test('are dated in UTC, cut to milliseconds, with or without a zone', () => {
    for (const [written, instant] of [
      ['2026-11-03T15:17:26.8149999Z', '2026-11-03T15:17:26.814Z'],
      ['2026-11-03T15:17:26.815', '2026-11-03T15:17:26.815Z'],
      ['2026-11-03T15:17:26', '2026-11-03T15:17:26.000Z'],
      ['2026-11-03T08:17:26.8-07:00', '2026-11-03T15:17:26.800Z'],
    ] as const) {
      const [event] = eventsOf(body.replace('2026-11-03T15:17:26.8145742Z', written));
      assert.equal(event?.occurredAt, instant, written);
    }
    for (const written of ['', '2026-11-03', '2026-13-03T15:17:26Z', 'yesterday']) {
      const text = body.replace('2026-11-03T15:17:26.8145742Z', written);
      assert.throws(() => become(text), /eventDate/, written);
    }
  });

  test('are known by their type however it is cased, and ids may be numbers', () => {
    const [event] = eventsOf(
      body.replace('authcapture', 'authCapture').replace('"60020981676"', '60020981676'),
    );
    assert.deepEqual([event?.type, event?.externalPaymentId], ['payment.succeeded', '60020981676']);
  });

  test('of a refund never reach a payment by its work order', () => {
    const refund = fixture('webhook-refund').toString();
    const voided = fixture('webhook-void').toString();
    for (const text of [refund, voided]) {
      const named = text.replace('"entityName"', '"merchantReferenceId":"WO-1","entityName"');
      for (const { references } of eventsOf(named)) {
        assert.ok(references.every(({ kind }) => kind === 'invoice'));
      }
    }
  });
});

describe('statuses of a charge', () => {
  const table: readonly (readonly [string, string, string])[] = [
    ['pendingSettlement', 'payment.succeeded', '2026-11-03T15:17:26.813Z'],
    ['pendingFinalSettlement', 'payment.succeeded', '2026-11-03T15:17:26.813Z'],
    ['updatingSettlement', 'payment.succeeded', '2026-11-03T15:17:26.813Z'],
    ['underReview', 'payment.pending', '2026-11-03T15:17:26.813Z'],
    ['approvedReview', 'payment.pending', '2026-11-03T15:17:26.813Z'],
    ['FDSAuthorizedPendingReview', 'payment.pending', '2026-11-03T15:17:26.813Z'],
    ['authorizedPendingRelease', 'payment.pending', '2026-11-03T15:17:26.813Z'],
    ['generalError', 'payment.failed', '2026-11-03T15:17:26.813Z'],
    ['communicationError', 'payment.failed', '2026-11-03T15:17:26.813Z'],
    ['settlementError', 'payment.failed', '2026-11-21T08:00:00.000Z'],
    ['returnedItem', 'payment.failed', '2026-11-21T08:00:00.000Z'],
  ];
  for (const [name, type, occurredAt] of table) {
    test(`${name} is ${type}`, () => {
      const [event, ...others] = eventsOf(details(status(name)));
      assert.deepEqual([event?.type, event?.occurredAt, others], [type, occurredAt, []]);
      assert.equal(event?.eventId, `60020981676:${name}`);
    });
  }

  test('a status is matched as it is written, and only as an own member', () => {
    for (const name of ['CapturedPendingSettlement', '', 'toString', 'refundPendingSettlement']) {
      assert.ok('quarantined' in become(details(status(name))), name);
    }
  });

  test('a type that is not known is set aside', () => {
    const result = become(details(['authCaptureTransaction', 'creditTransaction']));
    assert.ok('quarantined' in result && /creditTransaction/.test(result.quarantined));
  });

  test('captured but without anything to settle contradicts itself', () => {
    const text = details(['"settleAmount": 452.5', '"settleAmount": 0.0']);
    assert.throws(() => become(text), /settles nothing/);
  });

  test('a reversed refund takes back what was booked, whatever it is called', () => {
    const refund = fixture('api-transaction-details-refund').toString();
    for (const name of ['returnedItem', 'settlementError', 'declined', 'expired']) {
      const [event] = eventsOf(refund.replace('refundPendingSettlement', name));
      assert.deepEqual([event?.type, event?.reason], ['refund.failed', name]);
    }
    assert.ok('ignored' in become(refund.replace('refundPendingSettlement', 'underReview')));
    assert.ok('quarantined' in become(refund.replace('refundPendingSettlement', 'chargeback')));
  });
});

describe('what informs people never keeps money from the books', () => {
  test('odd shapes of customer, order and payment are left out', () => {
    const whole = JSON.parse(fixture('api-transaction-details').toString());
    for (const odd of [null, [], 'x', 7, { id: {}, email: [], invoiceNumber: {} }]) {
      for (const name of ['customer', 'order', 'billTo', 'payment', 'subscription', 'marketType']) {
        const transaction = { ...whole.transaction, [name]: odd };
        const [event] = eventsOf(JSON.stringify({ transaction }));
        assert.equal(event?.amountMinor, 45250n, `${name} ${JSON.stringify(odd)}`);
      }
    }
  });

  test('a kind of payment added later is other', () => {
    const [event] = eventsOf(details(['"creditCard"', '"carrierPigeon"']));
    assert.equal(event?.method, 'other');
  });
});

describe('amounts', () => {
  const charge = (amount: string, of = least) =>
    eventsOf(
      details(
        ['"authAmount": 452.5', `"authAmount": ${amount}`],
        ['"settleAmount": 452.5', `"settleAmount": ${amount}`],
      ),
      of,
    )[0]?.amountMinor;

  test('are exact to the last digit, in whatever currency the account has', () => {
    const yen = settings.parse({ currency: 'JPY' });
    const dinar = settings.parse({ currency: 'KWD' });
    assert.equal(charge('90071992547409.93'), 9007199254740993n);
    assert.equal(charge('"452.50"'), 45250n);
    assert.equal(charge('452.5000'), 45250n);
    assert.equal(charge('1250.0', yen), 1250n);
    assert.equal(charge('1.234', dinar), 1234n);
    assert.throws(() => charge('12.5', yen), /more than 0 digits/);
    assert.throws(() => charge('-1.00'), /negative/);
    assert.throws(() => charge('1e3'), /plain decimal/);
  });

  test('of any number of cents survive the way in', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), (minor) => {
        const digits = minor.toString().padStart(3, '0');
        const text = `${digits.slice(0, -2)}.${digits.slice(-2)}`;
        assert.equal(charge(text), minor);
      }),
    );
  });
});

describe('settled batches', () => {
  test('are no payouts unless the connection asks for it', () => {
    for (const { body } of split(fixture('api-settled-batches'))) {
      assert.match((become(body) as { ignored: string }).ignored, /payouts are not booked/);
    }
  });

  test('subtract what went back, and may debit the bank', () => {
    const [first] = split(fixture('api-settled-batches'));
    const text = String(first?.body)
      .replace('"returnedItemAmount":0.0', '"returnedItemAmount":2400.25')
      .replace('"chargebackAmount":0.0', '"chargebackAmount":10.5')
      .replace('"refundAmount":0.0', '"refundAmount":1');
    assert.equal(eventsOf(text, paidOut)[0]?.amountMinor, -10175n);
    const nothing = text.replace('2400.25', '2298.50');
    assert.ok('ignored' in become(nothing, paidOut));
    const failed = text.replace('settledSuccessfully', 'settlementError');
    assert.ok('ignored' in become(failed, paidOut));
  });
});
