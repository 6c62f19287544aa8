import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import { toJsonEvent } from '../events.ts';
import { methodOf } from './methods.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);
const AT = new Date('2026-11-21T08:00:00.000Z');
const LEAST = schema.parse({});
const USD = schema.parse({ currency: 'USD' });
const WITH_KEY = schema.parse({ apiKey: 'key', currency: 'USD' });

const file = (name: string): Buffer => readFileSync(new URL(name, FIXTURES));
const xml = (name: string): string => file(`webhook-xml-${name}.in.xml`).toString();

function read(body: Buffer | string | object, settings = LEAST): readonly Normalized[] {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
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

for (const one of readdirSync(FIXTURES).filter((name) => /\.in\.(json|xml)$/.test(name))) {
  const name = one.replace(/\.in\.\w+$/, '');
  test(`${name} becomes what its golden file says`, () => {
    const beside = new URL(`${name}.settings.json`, FIXTURES);
    const given = existsSync(beside) ? JSON.parse(readFileSync(beside, 'utf8')) : {};
    const golden = JSON.parse(file(`${name}.out.json`).toString());
    assert.deepEqual(inJson(read(file(one), schema.parse(given))), golden);
  });
}

test('whatever is no money or not certain is set aside by name', () => {
  const uuid = (n: number) => `63c0${n.toString(16).padStart(28, '0')}`;
  assert.deepEqual(reasons(read(file('api-list-transactions-states.in.json'))), [
    `refund ${uuid(15)} is pending: no money has moved`,
    `${uuid(16)} verifies a card and is taken back at once: no money moves`,
    `purchase ${uuid(17)} is of zero: no money moves`,
    `purchase ${uuid(18)} has the status "half_paid", which is not known`,
    `transaction ${uuid(19)} is of the unknown type "transfer"`,
    `purchase ${uuid(20)} is of a negative amount`,
  ]);
  assert.deepEqual(reasons(read(file('api-list-transactions-currencies.in.json'))), [
    '"XXX" is not an ISO 4217 currency in use',
    '"10.005" has more than 2 digits after the decimal point',
    '"10.5" has more than 0 digits after the decimal point',
  ]);
  assert.deepEqual(reasons(read(file('api-list-invoices.in.json'))), [
    'invoice rinv00000004 is a credit note: what it pays out is told by a refund',
    'invoice rinv00000005 has nothing to be paid',
    'invoice rinv00000006 has the state "half_open", which is not known',
  ]);
  assert.match(reasons(read(xml('new-credit-payment')))[0] ?? '', /moves no money/);
  assert.match(reasons(read(xml('fraud-info-updated')))[0] ?? '', /moves no money/);
});

test('with an API key notifications of both generations only say what to fetch', () => {
  const fetches = (body: Buffer | string) =>
    read(body, WITH_KEY).map((one) => ('fetch' in one ? one.fetch : one));
  const json = (name: string) => file(`webhook-json-${name}.in.json`);
  const transaction = (id: string) => [[{ entity: 'transaction', id }]];
  assert.deepEqual(fetches(json('payment-succeeded')), transaction('rafhdbbf41mc'));
  assert.deepEqual(fetches(json('payment-failed')), transaction('rb2m9k3d0xqp'));
  assert.deepEqual(fetches(json('charge-invoice-paid')), [
    [{ entity: 'invoice', id: 'rafhd9z2m8kq' }],
  ]);
  const uuid = 'uuid-63b068f7d409d4b4478dea4e6aba58ae';
  assert.deepEqual(fetches(xml('successful-payment')), transaction(uuid));
  assert.deepEqual(fetches(xml('void-payment')), transaction(uuid));
  assert.deepEqual(
    fetches(xml('unknown-with-transaction')),
    transaction('uuid-a5143c1d3a6f4a8287d0e2cc1d4c0409'),
  );
  assert.deepEqual(fetches(xml('new-charge-invoice')), [
    [{ entity: 'invoice', id: 'number-1482' }],
  ]);
  const unconfirmed = json('payment-succeeded').toString().replace('succeeded', 'refunded');
  assert.deepEqual(fetches(unconfirmed), transaction('rafhdbbf41mc'));
});

test('without an API key nothing is booked that is not certain', () => {
  const said = (name: string, settings = USD) => reasons(read(xml(name), settings))[0] ?? '';
  assert.match(said('without-currency', LEAST), /names no currency: enter `apiKey`, or the/);
  assert.match(said('without-currency', schema.parse({ currency: 'JPY' })), /which JPY does not/);
  assert.match(said('contradicting'), /status is "declined": they contradict/);
  assert.match(said('status-updated-chargeback'), /charged back/);
  assert.match(said('unknown-with-transaction'), /is not known and names a transaction/);
  assert.match(
    reasons(read(file('webhook-json-payment-succeeded.in.json')))[0] ?? '',
    /tells neither amount nor payer: enter `apiKey`/,
  );
});

test('XML: nil is null whatever stands in it, and what is missing is a mismatch', () => {
  const paid = xml('successful-payment');
  const nil = paid.replace(
    '<amount_in_cents type="integer">14900<',
    '<amount_in_cents nil="true">14900<',
  );
  assert.deepEqual(reasons(read(nil, USD)), ['amount_in_cents: missing']);
  for (const [broken, reason] of [
    [paid.replace('14900', '149.00'), /not a whole number/],
    [paid.replace('2026-11-12T14:58:09Z', 'yesterday'), /not an instant/],
    [paid.replace(/<transaction>[\s\S]*<\/transaction>/, ''), /transaction: missing/],
    [paid.replace('</account>', ''), /not XML/],
    [paid.replaceAll('_notification', '_thing'), /not a notification/],
  ] as const) {
    assert.match(reasons(read(broken, USD))[0] ?? '', reason);
  }
});

test('invoices and accounts are left alone where the firm bills elsewhere', () => {
  const elsewhere = schema.parse({ apiKey: 'key', importInvoices: 'false' });
  for (const name of ['api-list-invoices.in.json', 'api-list-accounts.in.json']) {
    for (const reason of reasons(read(file(name), elsewhere))) {
      assert.match(reason, /only with `importInvoices`/);
    }
    assert.deepEqual(inJson(read(file(name), elsewhere)), []);
  }
});

test('amounts in major units arrive to the last digit, whatever the currency', () => {
  const money = fc.record({
    minor: fc.bigInt({ min: 1n, max: 9_007_199_254n }),
    currency: fc.constantFrom('USD', 'JPY', 'KWD'),
  });
  const [template] = JSON.parse(
    file('api-list-transactions-currencies.in.json').toString(),
  ).data.slice(0, 1);
  fc.assert(
    fc.property(money, ({ minor, currency }) => {
      const text = toDecimalText({ minor, currency });
      const body = JSON.stringify({ ...template, amount: '@', currency }).replace('"@"', text);
      const [event] = inJson(read(body));
      assert.deepEqual([event?.amountMinor, event?.currency], [Number(minor), currency]);
    }),
  );
});

test('methods', () => {
  assert.equal(methodOf('gateway_token'), 'card');
  assert.equal(methodOf('bacs'), 'ach');
  assert.equal(methodOf('money_order'), 'check');
  assert.equal(methodOf('venmo'), 'wallet');
  assert.equal(methodOf('boleto'), 'other');
  assert.equal(methodOf(null), null);
});
