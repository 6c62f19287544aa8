import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { exponentOf } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import { toJsonEvent } from '../events.ts';
import { Secret } from '../kit/secret.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';
import { chargebeeMoney } from './units.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);
const AT = new Date('2026-11-21T08:00:00.000Z');
const LEAST = schema.parse({});
const WITH_KEY = schema.parse({ site: 'airworks', apiKey: 'live_x' });

const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.in.json`, FIXTURES));

function read(body: Buffer | object, settings = LEAST): readonly Normalized[] {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return split(bytes).map((document) => {
    try {
      return normalize({ body: document.body, headers: {}, receivedAt: AT }, settings);
    } catch (error) {
      return { quarantined: (error as Error).message };
    }
  });
}

const inJson = (outcomes: readonly Normalized[]) =>
  outcomes.flatMap((one) => ('events' in one ? one.events.map(toJsonEvent) : []));

const reasons = (outcomes: readonly Normalized[]) =>
  outcomes.flatMap((one) =>
    'ignored' in one ? [one.ignored] : 'quarantined' in one ? [one.quarantined] : [],
  );

for (const file of readdirSync(FIXTURES).filter((name) => name.endsWith('.in.json'))) {
  const name = file.slice(0, -'.in.json'.length);
  test(`${name} becomes what its golden file says`, () => {
    const golden = JSON.parse(readFileSync(new URL(`${name}.out.json`, FIXTURES), 'utf8'));
    assert.deepEqual(inJson(read(fixture(name))), golden);
  });
}

test('whatever is no money or not certain is set aside by name', () => {
  assert.deepEqual(reasons(read(fixture('api-list-transactions-states'))), [
    'refund txn_Refu4Vc2 is in_progress: no money has moved yet',
    "txn_Rvsl5Wd1 is the twin of a payment's late failure, which that payment tells",
    'payment txn_Need6Xe1 needs attention in Chargebee, which does not know whether the gateway took ' +
      'the money; its last state stands until it is settled there',
    'payment txn_Oddd7Yf1 has the status "half_paid", which is not known',
    'transaction txn_Type7Yf2 is of the unknown type "transfer"',
    'payment txn_Zero9Ah1 is of zero: no money moves',
  ]);
  assert.deepEqual(reasons(read(fixture('api-list-transactions-currencies'))), [
    '"XXX" is not an ISO 4217 currency in use',
  ]);
  assert.deepEqual(reasons(read(fixture('webhook-payment-failed-contradicting'))), [
    'payment_failed of txn_AzZhUdUfE0yB91Zc, a payment whose status is "success": they contradict',
  ]);
  assert.match(reasons(read(fixture('webhook-api-version-v1')))[0] ?? '', /choose version V2/);
  assert.match(reasons(read(fixture('webhook-transaction-created')))[0] ?? '', /its own/);
});

test('an invoice without a transaction in a payment event is a mismatch, not a guess', () => {
  const event = JSON.parse(fixture('webhook-payment-succeeded').toString());
  delete event.content.transaction;
  assert.deepEqual(reasons(read(event)), ['content.transaction: missing in payment_succeeded']);
});

test('fields that are missing, null or unknown do not disturb a payment', () => {
  const event = {
    id: 'ev_1',
    occurred_at: 1794495489,
    object: 'event',
    event_type: 'payment_succeeded',
    content: {
      transaction: {
        id: 'txn_1',
        type: 'payment',
        status: 'success',
        amount: 100,
        currency_code: 'EUR',
        payment_method: 'pix_of_next_month',
        date: 1794495000,
        linked_invoices: null,
      },
    },
  };
  assert.deepEqual(inJson(read(event)), [
    {
      type: 'payment.succeeded',
      externalPaymentId: 'txn_1',
      eventId: 'ev_1',
      occurredAt: '2026-11-12T14:58:09.000Z',
      amountMinor: 100,
      currency: 'EUR',
      feeMinor: null,
      method: 'other',
      references: [],
      customer: null,
      links: {},
    },
  ]);
});

test('a payment of which money is meant needs its amount', () => {
  const transaction = {
    id: 't',
    type: 'payment',
    status: 'success',
    currency_code: 'USD',
    date: 1,
  };
  assert.deepEqual(reasons(read({ transaction: { ...transaction, object: 'transaction' } })), [
    'amount: missing in payment t',
  ]);
});

test('with an API key invoices and customers are read as they stand now', () => {
  assert.deepEqual(read(fixture('webhook-invoice-generated'), WITH_KEY), [
    { fetch: [{ entity: 'invoice', id: 'INV-2026-0481' }] },
  ]);
  assert.deepEqual(read(fixture('webhook-customer-changed'), WITH_KEY), [
    { fetch: [{ entity: 'customer', id: 'C-2207' }] },
  ]);
  // There is nothing left to be fetched.
  assert.equal(
    inJson(read(fixture('webhook-invoice-deleted'), WITH_KEY))[0]?.type,
    'invoice.voided',
  );
});

test('a firm that bills elsewhere takes no invoices, and asks for what they say of the work', () => {
  const elsewhere = { ...WITH_KEY, importInvoices: false };
  for (const name of [
    'webhook-invoice-generated',
    'webhook-customer-changed',
    'api-list-invoices',
  ]) {
    const outcomes = read(fixture(name), elsewhere);
    assert.ok(outcomes.every((one) => 'ignored' in one && one.ignored.includes('importInvoices')));
  }
  const asked = read(fixture('api-list-transactions'), elsewhere).map((one) =>
    'fetch' in one ? one.fetch : undefined,
  );
  assert.deepEqual(asked, [
    undefined,
    [{ entity: 'transaction', id: 'txn_AzZhUdUfE0yB91Zc' }],
    undefined,
  ]);
  const [fetched] = read(fixture('api-get-transaction-with-invoices'), elsewhere);
  assert.ok(fetched && !('fetch' in fetched), 'a fetch must end');
});

test('the PO number is read as the setting says', () => {
  const kinds = (poNumberHolds: typeof LEAST.poNumberHolds) =>
    inJson(read(fixture('webhook-payment-succeeded'), { ...LEAST, poNumberHolds }))
      .flatMap(({ references }) => references as { kind: string }[])
      .map(({ kind }) => kind);
  assert.deepEqual(kinds('workOrder'), ['invoice', 'workOrder', 'subscription']);
  assert.deepEqual(kinds('purchaseOrder'), ['invoice', 'purchaseOrder', 'subscription']);
});

test('days of invoices are those of the site', () => {
  const settings = schema.parse({ timeZone: 'Pacific/Auckland' });
  const [event] = inJson(read(fixture('webhook-invoice-generated'), settings));
  assert.equal((event?.invoice as { issuedOn: string } | undefined)?.issuedOn, '2026-11-13');
});

test('settings whose secrets are hidden read documents alike', () => {
  const hidden = { ...WITH_KEY, apiKey: new Secret('[secret]') };
  const name = 'webhook-invoice-generated';
  assert.deepEqual(read(fixture(name), hidden), read(fixture(name), WITH_KEY));
});

test('an API key without its site is refused in words', () => {
  const { error } = schema.safeParse({ apiKey: 'live_x' });
  assert.deepEqual(error?.issues[0]?.path, ['site']);
  assert.ok(schema.safeParse({ apiKey: 'x', apiBaseUrl: 'https://a.chargebee.eu/api/v2' }).success);
});

test('every amount is hundredths, or whole where the currency has no decimals', () => {
  const currencies = fc.constantFrom('USD', 'EUR', 'JPY', 'KRW', 'XAF', 'XOF', 'KWD', 'BHD', 'TND');
  fc.assert(
    fc.property(fc.nat(), currencies, (amount, currency) => {
      const digits = exponentOf(currency);
      const factor = digits === 0 ? 1n : 10n ** BigInt(digits - 2);
      assert.equal(chargebeeMoney(amount, currency).minor, BigInt(amount) * factor);
    }),
  );
  assert.equal(chargebeeMoney(12345, 'KWD').minor, 123450n);
  assert.equal(chargebeeMoney(1500, 'JPY').minor, 1500n);
  assert.throws(() => chargebeeMoney(1, 'usd'), /ISO 4217/);
});
