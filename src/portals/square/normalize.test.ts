import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';

type Json = Record<string, unknown>;
const fixture = (name: string): Json =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url), 'utf8'));

function read(body: unknown, given: Readonly<Record<string, string>> = {}): Normalized {
  const document = { headers: {}, receivedAt: new Date(0) };
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  try {
    return normalize({ ...document, body: bytes }, settings.parse(given));
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

const eventsOf = (outcome: Normalized) => ('events' in outcome ? outcome.events : []);
const fetchOf = (outcome: Normalized) => ('fetch' in outcome ? outcome.fetch : undefined);
const quarantined = (outcome: Normalized) =>
  'quarantined' in outcome ? outcome.quarantined : undefined;
const ignored = (outcome: Normalized) => ('ignored' in outcome ? outcome.ignored : undefined);

/** The object inside a delivery, changed. */
function changed(name: string, kind: string, changes: Json, type?: string): Json {
  const event = structuredClone(fixture(name)) as { data: { object: Record<string, Json> } } & Json;
  Object.assign(event.data.object[kind] as Json, changes);
  return type === undefined ? event : { ...event, type };
}
const payment = (changes: Json, type?: string) =>
  changed('webhook-payment-succeeded', 'payment', changes, type);

const TOKEN = { accessToken: 'EAAA-test' };

describe('a payment by its status, whatever the event is called', () => {
  const TABLE = [
    ['APPROVED', 'payment.authorized'],
    ['PENDING', 'payment.pending'],
    ['COMPLETED', 'payment.succeeded'],
    ['CANCELED', 'payment.voided'],
    ['FAILED', 'payment.failed'],
  ] as const;
  for (const [status, type] of TABLE) {
    for (const kind of ['payment.created', 'payment.updated', 'payment.captured_someday']) {
      test(`${kind} ${status}: ${type}`, () => {
        const [event, ...others] = eventsOf(read(payment({ status }, kind)));
        assert.equal(event?.type, type);
        assert.equal(event?.amountMinor, 125050n);
        assert.deepEqual(others, []);
      });
    }
  }

  for (const status of ['completed', 'REFUNDED', '', ' COMPLETED']) {
    test(`"${status}" is set aside`, () => {
      assert.match(quarantined(read(payment({ status }))) ?? '', /not known/);
    });
  }
});

describe('amounts', () => {
  test('every whole number of every currency, exactly', () => {
    const currency = fc.constantFrom('USD', 'JPY', 'KWD', 'EUR', 'CLP', 'GBP');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 24n }), currency, (amount, code) => {
        const body = JSON.stringify(payment({ total_money: { amount: 'HERE', currency: code } }));
        const [event] = eventsOf(read(body.replace('"HERE"', String(amount))));
        assert.equal(event?.amountMinor, amount);
        assert.equal(event?.currency, code);
      }),
    );
  });

  const WRONG = ['1.5', '1e3', '-1', 'true', '{}', 'null', '"12 50"', '0.0'];
  for (const amount of WRONG) {
    test(`${amount} is no amount`, () => {
      const body = JSON.stringify(payment({ total_money: { amount: 'HERE', currency: 'USD' } }));
      assert.ok(quarantined(read(body.replace('"HERE"', amount))));
    });
  }

  test('the total is received, with its tip and whatever was approved', () => {
    const [event] = eventsOf(
      read(
        payment({
          amount_money: { amount: 15000, currency: 'USD' },
          tip_money: { amount: 500, currency: 'USD' },
          total_money: { amount: 15500, currency: 'USD' },
        }),
      ),
    );
    assert.equal(event?.amountMinor, 15500n);
  });

  test('lower case, unknown and missing currencies are set aside', () => {
    for (const currency of ['usd', 'XYZ', '', null]) {
      assert.ok(quarantined(read(payment({ total_money: { amount: 1, currency } }))));
    }
  });
});

describe('fees', () => {
  const fee = (...amounts: readonly number[]) => ({
    processing_fee: amounts.map((amount) => ({ amount_money: { amount, currency: 'USD' } })),
  });
  const feeIn = (changes: Json, given = {}) => eventsOf(read(payment(changes), given))[0]?.feeMinor;

  test('are the sum of their parts, and unknown while there are none', () => {
    assert.equal(feeIn(fee(3657, -107, 12)), 3562n);
    assert.equal(feeIn(fee(3657, -3657)), 0n);
    assert.equal(feeIn({ processing_fee: [] }), null);
    assert.equal(feeIn({ processing_fee: null }), null);
  });

  test('are of money received only', () => {
    assert.equal(feeIn({ ...fee(3657), status: 'APPROVED' }), null);
  });

  test('of another currency say so, of several have no sum', () => {
    const processing_fee = [{ amount_money: { amount: 5, currency: 'EUR' } }];
    const [event] = eventsOf(read(payment({ processing_fee })));
    assert.equal(event?.feeCurrency, 'EUR');
    const mixed = [...processing_fee, { amount_money: { amount: 5, currency: 'USD' } }];
    assert.match(quarantined(read(payment({ processing_fee: mixed }))) ?? '', /no sum/);
  });

  test('come from what the API answers where it can be asked, not from a webhook that may be late', () => {
    assert.equal(feeIn(fee(3657), TOKEN), null);
    const object = (payment(fee(3657)) as { data: { object: Json } }).data.object;
    assert.equal(eventsOf(read(object, TOKEN))[0]?.feeMinor, 3657n);
  });
});

describe('instants', () => {
  const at = (changes: Json) => eventsOf(read(payment(changes)))[0]?.occurredAt;

  test('later updates do not move the day of the money', () => {
    assert.equal(at({ updated_at: '2027-03-01T00:00:00Z' }), '2026-11-04T15:12:09.832Z');
  });

  test('zero to nine digits and any offset are read', () => {
    const ach = { card_details: null, source_type: 'BANK_ACCOUNT' };
    assert.equal(at({ ...ach, updated_at: '2026-11-09T13:00:00Z' }), '2026-11-09T13:00:00.000Z');
    assert.equal(
      at({ ...ach, updated_at: '2026-11-09T13:00:00.123456789+02:00' }),
      '2026-11-09T11:00:00.123Z',
    );
  });

  test('what is no instant is set aside', () => {
    for (const updated_at of ['2026-11-09', 'yesterday', '2026-13-09T13:00:00Z', '1762268400']) {
      const body = payment({ card_details: null, source_type: 'WALLET', updated_at });
      assert.match(quarantined(read(body)) ?? '', /updated_at/);
    }
    assert.ok(quarantined(read(payment({ card_details: null, updated_at: null, created_at: '' }))));
  });
});

describe('methods', () => {
  const TABLE: readonly (readonly [Json, string | null])[] = [
    [{ source_type: 'CARD' }, 'card'],
    [{ source_type: 'SQUARE_ACCOUNT' }, 'wallet'],
    [{ source_type: 'WALLET' }, 'wallet'],
    [{ source_type: 'BUY_NOW_PAY_LATER' }, 'wallet'],
    [{ source_type: 'BANK_ACCOUNT' }, 'ach'],
    [{ source_type: 'BANK_ACCOUNT', bank_account_details: { transfer_type: 'BACS' } }, 'bank'],
    [{ source_type: 'CASH' }, 'cash'],
    [{ source_type: 'EXTERNAL', external_details: { type: 'CHECK' } }, 'check'],
    [{ source_type: 'EXTERNAL', external_details: { type: 'BANK_TRANSFER' } }, 'ach'],
    [{ source_type: 'EXTERNAL', external_details: { type: 'CARD' } }, 'card'],
    [{ source_type: 'EXTERNAL', external_details: { type: 'CRYPTO' } }, 'other'],
    [{ source_type: 'TELEPATHY' }, 'other'],
    [{ source_type: null }, null],
  ];
  for (const [changes, method] of TABLE) {
    test(`${JSON.stringify(changes)} is ${method}`, () => {
      assert.equal(eventsOf(read(payment(changes)))[0]?.method, method);
    });
  }

  test('what staff only recorded is left out where it is counted elsewhere', () => {
    const off = { recordedPayments: 'false' };
    for (const source_type of ['CASH', 'EXTERNAL']) {
      assert.match(ignored(read(payment({ source_type }), off)) ?? '', /recordedPayments/);
    }
    const refund = changed('webhook-refund', 'refund', { destination_type: 'CASH' });
    assert.match(ignored(read(refund, off)) ?? '', /recordedPayments/);
    assert.equal(eventsOf(read(payment({}), off)).length, 1);
  });
});

describe('the order and invoice of a payment', () => {
  test('are fetched besides the event, where the API can be asked', () => {
    const wanted = [{ entity: 'payment', id: 'hYy9pRFVxpDsO1FB05SunFWUe9JZY' }];
    for (const given of [TOKEN, { refreshToken: 'EQAA-test' }]) {
      const outcome = read(payment({}), given);
      assert.deepEqual(fetchOf(outcome), wanted);
      assert.equal(eventsOf(outcome).length, 1);
    }
    assert.equal(fetchOf(read(payment({}))), undefined);
    for (const status of ['FAILED', 'CANCELED']) {
      assert.equal(fetchOf(read(payment({ status }), TOKEN)), undefined);
    }
  });

  test('are not asked for again by what was fetched', () => {
    for (const name of ['api-payment-in-context', 'api-payment-alone']) {
      assert.equal(fetchOf(read(fixture(name), TOKEN)), undefined);
    }
  });

  test('a person is named where there is no firm', () => {
    const found = fixture('api-payment-in-context');
    const customer = { id: 'C', given_name: ' Pat ', family_name: 'Doyle', company_name: ' ' };
    const invoice = { ...(found.invoice as Json), primary_recipient: null };
    const [, referenced] = eventsOf(read({ ...found, customer, invoice }));
    assert.equal(referenced?.customer?.name, 'Pat Doyle');
  });

  test('of another status than known are read all the same: the invoice is no money', () => {
    const found = fixture('api-payment-in-context');
    const invoice = { ...(found.invoice as Json), status: 'NEW' };
    assert.equal(eventsOf(read({ ...found, invoice })).length, 2);
  });
});

describe('an invoice', () => {
  const webhook = fixture('webhook-invoice-payment-made');

  test('is never money, but makes us look at the payments of its order', () => {
    assert.deepEqual(read(webhook, TOKEN), {
      fetch: [{ entity: 'order', id: '03O3USaPaAaFnI6kkwB1JxGgBsUZY' }],
    });
    assert.match(ignored(read(webhook)) ?? '', /the payment itself/);
    assert.match(ignored(read({ ...webhook, type: 'invoice.updated' }, TOKEN)) ?? '', /import/);
  });

  test('is taken over with importInvoices: its requests are its total', () => {
    const given = { ...TOKEN, importInvoices: 'true' };
    const outcome = read(webhook, given);
    const [customer, invoice] = eventsOf(outcome);
    assert.equal(fetchOf(outcome)?.[0]?.entity, 'order');
    assert.deepEqual(customer?.customer, {
      externalId: 'W92WH6P11H4Z77CTET0RNTGFW8',
      name: 'Northgate Foundry Ltd',
      email: 'ap@northgate-foundry.example',
    });
    assert.equal(invoice?.type, 'invoice.upserted');
    assert.deepEqual(invoice?.invoice, {
      externalId: 'inv:0-ChCHu2mZEabLeeHahQnXDjZQECY',
      number: 'INV-2026-0417',
      currency: 'USD',
      totalMinor: 125050n,
      issuedOn: '2026-11-03',
      dueOn: '2026-12-03',
      customerExternalId: 'W92WH6P11H4Z77CTET0RNTGFW8',
      workOrder: 'WO-2026-0981',
      purchaseOrder: null,
    });
  });

  test('of a deposit and a balance is owed in sum, until the later day', () => {
    const request = (amount: number, due_date: string) => ({
      computed_amount_money: { amount, currency: 'USD' },
      due_date,
    });
    const payment_requests = [request(30000, '2026-11-20'), request(95050, '2026-12-24')];
    const body = changed('webhook-invoice-payment-made', 'invoice', { payment_requests });
    const facts = eventsOf(read(body, { importInvoices: 'true' })).at(-1)?.invoice;
    assert.equal(facts?.totalMinor, 125050n);
    assert.equal(facts?.dueOn, '2026-12-24');
  });

  test('by its status', () => {
    const by = (changes: Json) =>
      read(changed('webhook-invoice-payment-made', 'invoice', changes, 'invoice.updated'), {
        importInvoices: 'true',
      });
    assert.equal(eventsOf(by({ status: 'CANCELED' })).at(-1)?.type, 'invoice.voided');
    assert.match(ignored(by({ status: 'DRAFT' })) ?? '', /draft/);
    assert.match(quarantined(by({ status: 'ODD' })) ?? '', /not known/);
    assert.match(quarantined(by({ payment_requests: [] })) ?? '', /no amount/);
    assert.match(quarantined(by({ timezone: 'Mars/Olympus' })) ?? '', /time zone/);
  });
});

describe('a dispute', () => {
  const STATES = [
    ['INQUIRY_EVIDENCE_REQUIRED', 'dispute.opened', false],
    ['INQUIRY_PROCESSING', 'dispute.opened', false],
    ['INQUIRY_CLOSED', 'dispute.won', false],
    ['EVIDENCE_REQUIRED', 'dispute.opened', true],
    ['PROCESSING', 'dispute.opened', true],
    ['WON', 'dispute.won', true],
    ['LOST', 'dispute.lost', true],
    ['ACCEPTED', 'dispute.lost', true],
  ] as const;
  for (const [state, type, fundsWithdrawn] of STATES) {
    const by = (kind: string) => changed('webhook-dispute', 'dispute', { state }, kind);
    test(`${state} as listed is ${type}`, () => {
      const { dispute } = (by('dispute.created') as { data: { object: Json } }).data.object;
      const [event] = eventsOf(read({ dispute }));
      assert.deepEqual([event?.type, event?.fundsWithdrawn], [type, fundsWithdrawn]);
    });

    test(`${state} opens when created, and only closes when updated`, () => {
      assert.equal(eventsOf(read(by('dispute.created')))[0]?.type, 'dispute.opened');
      const [closed] = eventsOf(read(by('dispute.state.updated')));
      assert.equal(closed?.type, type === 'dispute.opened' ? undefined : type);
    });
  }

  test('names its payment in the three ways of its history', () => {
    const none = { disputed_payment: null };
    for (const way of [
      { disputed_payment: { payment_id: 'p' } },
      { ...none, disputed_payments: [{ payment_id: 'p' }] },
      { ...none, payment_id: 'p' },
    ]) {
      const [event] = eventsOf(read(changed('webhook-dispute', 'dispute', way)));
      assert.equal(event?.externalPaymentId, 'p');
    }
  });
});

describe('what is no money is ignored by name', () => {
  const TYPES = [
    'order.created',
    'customer.updated',
    'dispute.evidence.added',
    'terminal.refund.created',
    'oauth.authorization.revoked',
    'payment',
    'constructor',
    '__proto__.x',
  ];
  for (const type of TYPES) {
    test(type, () => {
      const object = { dispute: {}, payment: {}, refund: {} };
      const body = { type, event_id: 'e', data: { object } };
      assert.ok(ignored(read(body))?.startsWith(`${type}: `));
    });
  }

  test('a deleted object', () => {
    for (const data of [undefined, null, { id: 'x' }, { object: null }, { object: {} }]) {
      assert.match(ignored(read({ type: 'invoice.deleted', event_id: 'e', data })) ?? '', /no inv/);
    }
  });

  test('an error answer and an empty one', () => {
    assert.ok(ignored(read({})));
    assert.ok(
      quarantined(
        read(readFileSync(new URL('./fixtures/api-error-429.json', import.meta.url), 'utf8')),
      ),
    );
  });
});
