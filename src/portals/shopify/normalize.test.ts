import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import { type CanonicalEvent, toJsonEvent } from '../events.ts';
import { shopify } from './index.ts';
import { settings as schema } from './settings.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const SHOP = { shopDomain: 'ironbark-parts.myshopify.com' };
const WEBHOOKS_ONLY = schema.parse(SHOP);
const WITH_TOKEN = schema.parse({ ...SHOP, accessToken: 'shpat_x' });
const SANDBOX = schema.parse({ ...SHOP, environment: 'sandbox' });
const NOW = new Date('2026-11-21T08:00:00.000Z');

const file = (name: string) => readFileSync(new URL(name, FIXTURES));
const json = (name: string) => JSON.parse(file(name).toString());

function read(
  body: Buffer | object,
  headers: Readonly<Record<string, string>>,
  settings: unknown = WEBHOOKS_ONLY,
): readonly Normalized[] {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return shopify.split(bytes, headers).map((document) => {
    try {
      return shopify.normalize({ body: document.body, headers, receivedAt: NOW }, settings);
    } catch (error) {
      return { quarantined: (error as Error).message };
    }
  });
}

/** What a delivery of that fixture becomes, some of its fields changed. */
function delivered(
  name: string,
  changes: Record<string, unknown> = {},
  settings: unknown = WEBHOOKS_ONLY,
): Normalized {
  const body = { ...json(`${name}.in.json`), ...changes };
  const [only] = read(body, json(`${name}.headers.json`), settings);
  return only ?? assert.fail('no document');
}

function only(outcome: Normalized | undefined): CanonicalEvent {
  assert.ok(outcome && 'events' in outcome, Object.values(outcome ?? {}).join());
  assert.equal(outcome.events.length, 1);
  return outcome.events[0] as CanonicalEvent;
}

describe('golden fixtures', () => {
  const names = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.in.json'))
    .map((name) => name.slice(0, -'.in.json'.length));
  for (const name of names) {
    test(name, () => {
      const headersFile = new URL(`${name}.headers.json`, FIXTURES);
      const headers = existsSync(headersFile) ? json(`${name}.headers.json`) : {};
      const events = read(file(`${name}.in.json`), headers).flatMap((one) =>
        'events' in one ? one.events : [],
      );
      assert.deepEqual(events.map(toJsonEvent), json(`${name}.out.json`));
    });
  }
});

const SALE = 'webhook-order-transaction-sale';

describe('order_transactions/create', () => {
  const table: readonly (readonly [kind: string, status: string, outcome: string])[] = [
    ['authorization', 'success', 'payment.authorized'],
    ['authorization', 'pending', 'payment.pending'],
    ['authorization', 'awaiting_response', 'payment.pending'],
    ['authorization', 'failure', 'payment.failed'],
    ['authorization', 'error', 'payment.failed'],
    ['emv_authorization', 'success', 'payment.authorized'],
    ['sale', 'success', 'payment.succeeded'],
    ['sale', 'pending', 'payment.pending'],
    ['sale', 'awaiting_response', 'payment.pending'],
    ['sale', 'failure', 'payment.failed'],
    ['sale', 'error', 'payment.failed'],
    ['capture', 'success', 'payment.succeeded'],
    ['capture', 'pending', 'payment.pending'],
    ['capture', 'failure', 'payment.failed'],
    ['void', 'success', 'payment.voided'],
    ['void', 'pending', 'ignored'],
    ['void', 'failure', 'ignored'],
    ['refund', 'success', 'refund.succeeded'],
    ['refund', 'pending', 'ignored'],
    ['refund', 'failure', 'refund.failed'],
    ['change', 'success', 'refund.succeeded'],
    ['change', 'failure', 'ignored'],
    ['suggested_refund', 'success', 'ignored'],
    ['reservation', 'success', 'ignored'],
    ['sale', 'unknown', 'quarantined'],
    ['sale', '', 'quarantined'],
    ['refund', 'reversed', 'quarantined'],
    ['SALE', 'SUCCESS', 'payment.succeeded'],
  ];
  for (const [kind, status, outcome] of table) {
    test(`${kind} ${status || '(blank)'}: ${outcome}`, () => {
      const found = delivered(SALE, { kind, status, parent_id: 7205113307393 });
      const name = 'events' in found ? only(found).type : Object.keys(found)[0];
      assert.equal(name, outcome);
    });
  }

  test('with credentials the order is fetched for its references, and the money is told at once', () => {
    const found = delivered(SALE, {}, WITH_TOKEN);
    assert.ok('events' in found);
    assert.equal(found.events[0]?.type, 'payment.succeeded');
    assert.deepEqual(found.fetch, [{ entity: 'order', id: '6102938475521' }]);
    assert.equal('fetch' in delivered(SALE), false);
  });

  test('ids beyond floating point stay exact', () => {
    const text = file(`${SALE}.in.json`)
      .toString()
      .replaceAll('"id": 7205113340161', '"id": 820982911946154508');
    const [found] = read(Buffer.from(text), json(`${SALE}.headers.json`));
    assert.equal(only(found).externalPaymentId, '820982911946154508');
  });

  test('tests are money to a sandbox connection only', () => {
    assert.ok('ignored' in delivered(SALE, { test: true }));
    assert.equal(only(delivered(SALE, { test: true }, SANDBOX)).type, 'payment.succeeded');
  });

  test('amounts by the digits of their currency, exactly', () => {
    const amountOf = (amount: unknown, currency: string) => {
      const found = delivered(SALE, { amount, currency });
      return 'events' in found ? only(found).amountMinor : found;
    };
    assert.equal(amountOf('1284.5', 'USD'), 128450n);
    assert.equal(amountOf('1000.0', 'JPY'), 1000n);
    assert.equal(amountOf('1.234', 'KWD'), 1234n);
    assert.equal(amountOf('90071992547409.93', 'USD'), 9007199254740993n);
    for (const bad of ['12.345', '1,284.50', '1e3', '', '-5.00', null]) {
      assert.ok('quarantined' in (amountOf(bad, 'USD') as object), String(bad));
    }
    assert.ok('ignored' in (amountOf('0.00', 'USD') as object));
    assert.ok('quarantined' in (amountOf('10.00', 'usd') as object));
  });

  test('any amount comes back as it was', () => {
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n });
    const currencies = fc.constantFrom(['USD', 2], ['JPY', 0], ['KWD', 3], ['CLF', 4]);
    fc.assert(
      fc.property(amounts, currencies, (minor, [currency, digits]) => {
        const text = String(minor).padStart(Number(digits) + 1, '0');
        const place = text.length - Number(digits);
        const amount = digits === 0 ? text : `${text.slice(0, place)}.${text.slice(place)}`;
        const event = only(delivered(SALE, { amount, currency }));
        assert.equal(event.amountMinor, minor);
      }),
      { numRuns: 200 },
    );
  });

  test('a time without its offset is not guessed', () => {
    for (const processed_at of ['2026-11-12 09:58:09', '2026-11-12T09:58:09', 'soon']) {
      assert.ok('quarantined' in delivered(SALE, { processed_at }), processed_at);
    }
    const event = only(delivered(SALE, { processed_at: null }));
    assert.equal(event.occurredAt, '2026-11-12T14:58:09.000Z');
  });

  test('methods', () => {
    const methodOf = (changes: Record<string, unknown>) => only(delivered(SALE, changes)).method;
    const manual = (gateway: string) => methodOf({ gateway, payment_details: null });
    assert.equal(manual('Bank Deposit'), 'bank');
    assert.equal(manual('ACH transfer'), 'ach');
    assert.equal(manual('Check by post'), 'check');
    assert.equal(manual('Money Order'), 'check');
    assert.equal(manual('Cash on Delivery (COD)'), 'cash');
    assert.equal(manual('cash'), 'cash');
    assert.equal(manual('paypal'), 'wallet');
    assert.equal(manual('gift_card'), 'other');
    assert.equal(manual('shopify_payments'), 'card');
    assert.equal(methodOf({ payment_details: { payment_method_name: 'ideal' } }), 'bank');
    assert.equal(methodOf({ payment_details: { payment_method_name: 'klarna' } }), 'other');
  });

  test('a refund without its payment is led to its order', () => {
    const event = only(delivered('webhook-order-transaction-refund', { parent_id: null }));
    assert.equal(event.externalPaymentId, null);
    assert.deepEqual(event.links, { paymentExternalId: 'gid://shopify/Order/6102938475521' });
  });

  test('a void that names nothing is set aside', () => {
    assert.ok('quarantined' in delivered('webhook-order-transaction-void', { parent_id: null }));
  });
});

describe('orders/paid', () => {
  const ORDER = 'webhook-orders-paid';

  test('with credentials its transactions are fetched', () => {
    const byClient = schema.parse({ ...SHOP, clientId: 'id', clientSecret: 'shpss_x' });
    for (const settings of [WITH_TOKEN, byClient]) {
      assert.deepEqual(delivered(ORDER, {}, settings), {
        fetch: [{ entity: 'order', id: '6102938475521' }],
      });
    }
  });

  test('a client secret alone only proves deliveries', () => {
    const settings = schema.parse({ ...SHOP, clientSecret: 'shpss_x' });
    assert.equal(only(delivered(ORDER, {}, settings)).provisional, true);
  });

  test('what contradicts being paid is set aside', () => {
    for (const changes of [
      { financial_status: 'pending' },
      { financial_status: 'authorized' },
      { financial_status: 'partially_paid' },
      { total_outstanding: '10.00' },
    ]) {
      assert.ok('quarantined' in delivered(ORDER, changes), JSON.stringify(changes));
    }
    for (const financial_status of ['paid', 'partially_refunded', 'refunded', null]) {
      assert.equal(only(delivered(ORDER, { financial_status })).amountMinor, 128450n);
    }
  });

  test('without presentment money the total is in the shop currency', () => {
    const event = only(
      delivered(ORDER, { total_price_set: null, currency: 'KWD', total_price: '1.234' }),
    );
    assert.deepEqual([event.amountMinor, event.currency], [1234n, 'KWD']);
  });

  test('a guest is named by e-mail, the counter by nobody', () => {
    const guest = only(delivered(ORDER, { customer: null, billing_address: null }));
    assert.deepEqual(guest.customer, {
      externalId: null,
      name: null,
      email: 'ap@harbormillworks.example',
    });
    const counter = { customer: null, billing_address: null, email: '', contact_email: null };
    assert.equal(only(delivered(ORDER, counter)).customer, null);
  });

  test('attributes may hold several numbers, under the names of the settings', () => {
    const settings = schema.parse({
      ...SHOP,
      invoiceAttributes: 'Rechnung',
      poNumberNamesWorkOrder: 'false',
    });
    const note_attributes = [
      { name: 'rechnung', value: 'R-1, R-2' },
      { name: 'invoice_number', value: 'INV-9' },
      { name: 'Work Order', value: 'WO-7' },
      { name: null, value: null },
    ];
    const { references } = only(
      delivered(ORDER, { note_attributes, note: null, po_number: ' PO-5 ' }, settings),
    );
    assert.deepEqual(references, [
      { kind: 'invoice', number: 'R-1' },
      { kind: 'invoice', number: 'R-2' },
      { kind: 'workOrder', number: 'WO-7' },
      { kind: 'purchaseOrder', number: 'PO-5' },
      { kind: 'order', externalId: '6102938475521', number: '#1482' },
    ]);
  });
});

describe('other deliveries', () => {
  test('orders/updated fetches the order where it can', () => {
    assert.deepEqual(delivered('webhook-orders-updated', {}, WITH_TOKEN), {
      fetch: [{ entity: 'order', id: '6102938475521' }],
    });
  });

  test('topics without money are ignored by name', () => {
    for (const topic of [
      'orders/create',
      'checkouts/create',
      'app/uninstalled',
      'customers/redact',
    ]) {
      const [found] = read({ id: 1 }, { 'x-shopify-topic': topic });
      assert.deepEqual(found, { ignored: `${topic} tells of no money` });
    }
  });

  test('headers of Events, without x-, are read as well', () => {
    const headers = { 'shopify-topic': 'order_transactions/create', 'shopify-webhook-id': 'w1' };
    const [found] = read(file(`${SALE}.in.json`), headers);
    assert.equal(only(found).eventId, 'w1');
  });

  test('an inquiry moves no money, whatever becomes of it', () => {
    const inquiry = (status: string) =>
      delivered('webhook-dispute-create', { type: 'inquiry', status });
    assert.equal(only(inquiry('under_review')).fundsWithdrawn, false);
    assert.equal(only(inquiry('won')).type, 'dispute.won');
    assert.ok('ignored' in inquiry('lost'));
    assert.ok('quarantined' in inquiry('escalated'));
    assert.ok('quarantined' in delivered('webhook-dispute-create', { type: 'claim' }));
  });
});

describe('the Admin API', () => {
  test('the same transaction is the same payment, whatever way it was learned', () => {
    const pulled = read(file('api-graphql-orders-page.in.json'), {}).map(only);
    const told = only(delivered(SALE));
    const same = pulled.find(
      ({ externalPaymentId }) => externalPaymentId === told.externalPaymentId && true,
    );
    assert.ok(pulled.some(({ type }) => type === 'refund.succeeded') && same);
    const money = pulled.find(({ type }) => type === 'payment.succeeded');
    for (const field of ['amountMinor', 'currency', 'occurredAt', 'method', 'links'] as const) {
      assert.deepEqual(money?.[field], told[field], field);
    }
  });

  test('an error of the API is set aside by name', () => {
    const [found] = read(file('error-graphql-throttled.in.json'), {});
    assert.ok(found && 'quarantined' in found && found.quarantined.includes('error'));
  });

  test('fees in several currencies are set aside', () => {
    const page = json('api-graphql-order-presentment.in.json');
    const [transaction] = page.data.order.transactions;
    transaction.fees.push({ amount: { amount: '1.0', currencyCode: 'CAD' } });
    assert.ok('quarantined' in (read(page, {})[0] ?? {}));
    transaction.fees.pop();
    transaction.fees.push({ amount: { amount: '1.45', currencyCode: 'USD' } });
    assert.equal(only(read(page, {})[0]).feeMinor, 3900n);
  });
});
