/** QuickBooks as a whole: a simulated company read, noticed, pulled and written to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type QuickBooksSimulator,
  type QuickBooksSimulatorOptions,
  simulateQuickBooks,
} from '../../../simulators/quickbooks.ts';
import type { ApiCall, FetchRequest, PaymentToRecord, PortalApi } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { portalApi } from '../kit/http.ts';
import { memoryTokenStore, tokenSource } from '../kit/oauth.ts';
import { quickbooks } from './index.ts';
import type { Cursor } from './pull.ts';
import type { QuickBooksSettings } from './settings.ts';

const NOW = new Date('2026-10-14T16:00:00.000Z');
const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
const pull = quickbooks.pull ?? assert.fail('no pull');
const books = quickbooks.books ?? assert.fail('no books');
const fetchObjects = quickbooks.fetch ?? assert.fail('no fetch');
const webhook = quickbooks.webhook ?? assert.fail('no webhook');

async function connect(options: Partial<QuickBooksSimulatorOptions> = {}) {
  const company = await simulateQuickBooks({ seed: 7, ...options });
  const settings = quickbooks.settings.parse(company.settings) as QuickBooksSettings;
  const { api: definition } = quickbooks;
  if (definition?.auth.kind !== 'oauth2') assert.fail('not OAuth');
  const calls: ApiCall[] = [];
  const real = portalApi({
    baseUrl: definition.baseUrl(settings),
    authorization: {
      kind: 'oauth2',
      tokens: tokenSource({
        store: memoryTokenStore(),
        client: definition.auth.client(settings),
        clock: () => NOW,
      }),
    },
    requestsPerMinute: 600_000,
  });
  const api: PortalApi = {
    request(call) {
      calls.push(call);
      return real.request(call);
    },
  };
  return { company, settings, api, calls, [Symbol.asyncDispose]: () => company.close() };
}
type Connection = Awaited<ReturnType<typeof connect>>;

/** Events of a body by way of split and normalize, with what was asked to be fetched. */
function read(body: Buffer, settings: unknown) {
  const events: CanonicalEvent[] = [];
  const requests: FetchRequest[] = [];
  for (const document of quickbooks.split(body)) {
    const part = { body: document.body, headers: {}, receivedAt: NOW };
    const result = quickbooks.normalize(part, settings);
    if ('events' in result) events.push(...result.events);
    if ('fetch' in result) requests.push(...result.fetch);
  }
  return { events, requests };
}

/** Pages until the round ends. */
async function round({ api, settings }: Connection, from: Cursor, now: Date) {
  let cursor = from;
  const bodies: Buffer[] = [];
  for (let page = 0; page < 100; page++) {
    // A cursor is stored as JSON between pages.
    const stored = JSON.parse(JSON.stringify(cursor));
    const answer = await pull.page(api, stored, { settings, now });
    bodies.push(...answer.bodies);
    cursor = answer.next as Cursor;
    if (!answer.more) break;
  }
  return { cursor, bodies, events: bodies.flatMap((body) => read(body, settings).events) };
}

function fill(company: QuickBooksSimulator) {
  const customer = company.addCustomer({ name: 'Red Rock Diner', email: 'a@rock.example' }, NOW);
  const invoice = company.addInvoice(
    {
      number: '1016',
      customerExternalId: customer,
      amountMinor: 123910n,
      currency: 'USD',
      workOrder: 'WO-20881',
    },
    NOW,
  );
  return { customer, invoice };
}

const cheque = (customer: string, invoice: string, amountMinor = 5500n) => ({
  customerExternalId: customer,
  amountMinor,
  currency: 'USD',
  method: 'Check',
  reference: 'CHK-4471',
  invoices: [{ externalId: invoice, amountMinor }],
});

describe('notices', () => {
  for (const notices of ['legacy', 'cloud-events'] as const) {
    test(`${notices}: signed, recognised, fetched at once and become events`, async () => {
      await using connection = await connect({ notices });
      const { company, settings, api, calls } = connection;
      const { customer, invoice } = fill(company);
      const first = company.enterPayment(cheque(customer, invoice), minutes(1));
      const second = company.enterPayment(cheque(customer, invoice, 4500n), minutes(2));
      const requests = company.takeNotices().flatMap((one) => {
        const { headers, body } = one.sign(NOW);
        const notice = { headers, body, url: '/', receivedAt: NOW };
        assert.ok(webhook.recognizes(notice));
        assert.deepEqual(webhook.authenticate(notice, settings), { verdict: 'authentic' });
        return read(body, settings).requests;
      });
      const fetched = await fetchObjects(api, requests, settings);
      assert.equal(calls.length, 3, 'one read per kind of object');
      const events = fetched.flatMap(({ body }) => read(body, settings).events);
      assert.deepEqual(events.map(({ type }) => type).sort(), [
        'customer.upserted',
        'invoice.upserted',
        'payment.succeeded',
        'payment.succeeded',
      ]);
      const payment = events.find(({ externalPaymentId }) => externalPaymentId === first);
      assert.partialDeepStrictEqual(payment, {
        occurredAt: minutes(1).toISOString(),
        amountMinor: 5500n,
        method: 'check',
        revision: 0,
        references: [
          { kind: 'invoice', externalId: invoice, number: '1016', amountMinor: 5500n },
          { kind: 'memo', text: 'CHK-4471' },
        ],
      });
      assert.ok(events.some(({ externalPaymentId }) => externalPaymentId === second));
    });

    test(`${notices}: voids and deletions take payments back without a fetch`, async () => {
      await using connection = await connect({ notices });
      const { company, settings } = connection;
      const { customer, invoice } = fill(company);
      const voided = company.enterPayment(cheque(customer, invoice), minutes(1));
      const deleted = company.enterPayment(cheque(customer, invoice), minutes(2));
      company.takeNotices();
      company.void(voided, minutes(3));
      company.remove(deleted, minutes(4));
      const events = company
        .takeNotices()
        .flatMap((one) => read(one.sign(NOW).body, settings).events);
      assert.deepEqual(
        events.map(({ type, externalPaymentId }) => [type, externalPaymentId]),
        [
          ['payment.voided', voided],
          ['payment.voided', deleted],
        ],
      );
    });
  }

  test('an object deleted before it was fetched yields nothing', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const gone = company.enterPayment(cheque(customer, invoice), minutes(1));
    const kept = company.enterPayment(cheque(customer, invoice), minutes(1));
    company.remove(gone, minutes(2));
    const payment = (id: string) => ({ entity: 'Payment', id });
    assert.deepEqual(await fetchObjects(api, [payment(gone)], settings), []);
    const both = await fetchObjects(api, [payment(gone), payment(kept)], settings);
    assert.deepEqual(
      both.map(({ request }) => request.id),
      [kept],
    );
  });
});

describe('pull', () => {
  test('reads everything once, then only what changed, deletions included', async () => {
    await using connection = await connect();
    const { company, calls } = connection;
    const { customer, invoice } = fill(company);
    const payment = company.enterPayment(cheque(customer, invoice), minutes(1));
    const first = await round(connection, pull.start(new Date(0)) as Cursor, minutes(15));
    assert.deepEqual(
      first.events.map(({ type }) => type),
      ['customer.upserted', 'invoice.upserted', 'payment.succeeded'],
    );
    assert.ok(
      calls.some(({ query }) => /^select \* from Payment\b/.test(String(query?.query))),
      'the named trigger',
    );
    const doomed = company.enterPayment(cheque(customer, invoice), minutes(20));
    const refunded = company.refund(payment, 500n, minutes(21));
    company.remove(doomed, minutes(22));
    calls.length = 0;
    const second = await round(connection, first.cursor, minutes(40));
    assert.equal(calls.length, 1, 'one request for all entities');
    assert.deepEqual(
      second.events.map(({ type, externalPaymentId, refundId }) => ({
        type,
        id: externalPaymentId ?? refundId,
      })),
      [
        { type: 'invoice.upserted', id: undefined },
        { type: 'payment.voided', id: doomed },
        { type: 'refund.succeeded', id: refunded },
      ],
    );
    const idle = await round(connection, second.cursor, minutes(60));
    assert.deepEqual(idle.events, []);
  });

  test('pages by time through thousands and halves a full page of changes', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { customer } = fill(company);
    const pay = (count: number, from: number) =>
      Array.from({ length: count }, (_, index) =>
        company.enterPayment(
          { ...cheque(customer, 'none'), invoices: [] },
          minutes(from + Math.floor(index / 1300)),
        ),
      );
    const old = pay(2300, 1);
    const first = await round(connection, pull.start(new Date(0)) as Cursor, minutes(10));
    const ids = new Set(first.events.map(({ externalPaymentId }) => externalPaymentId));
    assert.ok(old.every((id) => ids.has(id)));
    const recent = pay(1200, 30);
    const removed = recent.slice(-3);
    for (const id of removed) company.remove(id, minutes(59));
    const second = await round(connection, first.cursor, minutes(60));
    const types = new Map(second.events.map((event) => [event.externalPaymentId, event.type]));
    for (const id of recent) {
      assert.equal(types.get(id), removed.includes(id) ? 'payment.voided' : 'payment.succeeded');
    }
  });

  test('beyond the reach of changes it asks by query again', async () => {
    await using connection = await connect();
    const { calls } = connection;
    const first = await round(connection, pull.start(NOW) as Cursor, NOW);
    calls.length = 0;
    await round(connection, first.cursor, minutes(31 * 24 * 60));
    assert.ok(calls.length > 0 && calls.every(({ path }) => path.endsWith('/query')));
  });

  test('where changes are refused, queries bring the money', async () => {
    await using connection = await connect();
    const { company, api } = connection;
    const first = await round(connection, pull.start(NOW) as Cursor, NOW);
    const { customer, invoice } = fill(company);
    const payment = company.enterPayment(cheque(customer, invoice), minutes(1));
    const refusing: PortalApi = {
      request: async (call) =>
        call.path.endsWith('/cdc')
          ? { status: 400, headers: {}, body: Buffer.from('{"Fault":{}}') }
          : api.request(call),
    };
    const second = await round({ ...connection, api: refusing }, first.cursor, minutes(5));
    assert.ok(second.events.some(({ externalPaymentId }) => externalPaymentId === payment));
  });

  test('an error inside a page of changes is not taken for silence', async () => {
    const settings = quickbooks.settings.parse({
      clientId: 'c',
      clientSecret: 's',
      refreshToken: 'r',
      realmId: '1',
    });
    const api = {
      request: async () => ({
        status: 200,
        headers: {},
        body: Buffer.from('{"CDCResponse":[{"QueryResponse":[{"Fault":{"Error":[]}}]}]}'),
      }),
    };
    const cursor = { steps: [], roundBeganAt: null, readUntil: NOW.toISOString() };
    await assert.rejects(pull.page(api, cursor, { settings, now: NOW }), WireMismatch);
  });

  test('faults are transport, not facts: pages repeat until all is read', async () => {
    await using connection = await connect({ seed: 11, faultRate: 0.3 });
    const { company, api, settings } = connection;
    const order = {
      amountMinor: 1n,
      currency: 'USD',
      customer: { externalId: 'c1', name: 'Rock', email: 'a@rock.example' },
    };
    const paid = Array.from({ length: 20 }, () => company.pay(order, minutes(1)));
    let cursor = pull.start(new Date(0));
    const seen = new Set<string | null>();
    for (let attempt = 0, more = true; more && attempt < 200; attempt++) {
      try {
        const page = await pull.page(api, cursor, { settings, now: minutes(5) });
        for (const body of page.bodies) {
          for (const event of read(body, settings).events) seen.add(event.externalPaymentId);
        }
        ({ next: cursor, more } = page);
      } catch (error) {
        assert.ok(error instanceof RetryLater, String(error));
      }
    }
    assert.ok(paid.every((id) => seen.has(id)));
  });

  test('an expired access token is refreshed, a revoked connection says so', async () => {
    await using connection = await connect();
    const { company, api, settings } = connection;
    const check = quickbooks.check ?? assert.fail('no check');
    assert.match(await check(api, settings), /Simulated Air Service/);
    company.expireAccessTokens();
    assert.match(await check(api, settings), /Simulated Air Service/);
    const stranger = quickbooks.settings.parse({ ...company.settings, refreshToken: 'old' });
    const auth = quickbooks.api?.auth;
    if (auth?.kind !== 'oauth2') assert.fail('not OAuth');
    const tokens = tokenSource({
      store: memoryTokenStore(),
      client: auth.client(stranger),
      clock: () => NOW,
    });
    await assert.rejects(tokens.current(), Reauthorize);
  });
});

describe('recording payments', () => {
  const context = (settings: unknown) => ({ settings, idempotencyKey: 'org_1/pay_12/quickbooks' });
  const ours = (customer: string, invoice: string): PaymentToRecord => ({
    paymentId: 'pay_12',
    mark: 'CV-ab12cd-pay_12',
    customerExternalId: customer,
    amountMinor: 6510n,
    currency: 'USD',
    receivedOn: '2026-10-14',
    method: 'card',
    memo: "Stripe payment for WO-20881, Bob's compressor",
    invoices: [{ externalId: invoice, amountMinor: 5500n }],
  });

  test('is written once, exactly, and its echo carries the mark', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const create = calls.find(({ method }) => method === 'POST');
    assert.match(JSON.stringify(create?.json), /"TotalAmt":65\.10,.*"Amount":55\.00/);
    assert.ok(String(create?.query?.requestid).length <= 50);
    const again = await books.recordPayment(api, payment, context(settings));
    assert.deepEqual(again, { externalId });
    assert.deepEqual(company.recordedPayments(), [
      {
        externalId,
        reference: 'CV-ab12cd-pay_12',
        customerExternalId: customer,
        amountMinor: 6510n,
        currency: 'USD',
      },
    ]);
    assert.deepEqual(company.truth(), [], 'our own record is no new money');
    const [echo] = await fetchObjects(api, [{ entity: 'Payment', id: externalId }], settings);
    const [event] = read(echo?.body ?? Buffer.alloc(0), settings).events;
    assert.ok(event?.references.some(({ text }) => text === 'CV-ab12cd-pay_12'));
  });

  test('an answer lost on its way does not pay twice', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const lossy: PortalApi = {
      async request(call) {
        const answer = await api.request(call);
        if (call.method === 'POST') throw new RetryLater('broke off');
        return answer;
      },
    };
    await assert.rejects(books.recordPayment(lossy, payment, context(settings)), RetryLater);
    await books.recordPayment(api, payment, context(settings));
    assert.equal(company.recordedPayments().length, 1);
    // Even when the search finds nothing yet, the request id replays the first answer.
    const blind: PortalApi = {
      request: async (call) =>
        call.path.endsWith('/query')
          ? { status: 200, headers: {}, body: Buffer.from('{"QueryResponse":{}}') }
          : api.request(call),
    };
    await books.recordPayment(blind, payment, context(settings));
    assert.equal(company.recordedPayments().length, 1);
  });

  test('a difference is named: amount, share, customer', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const other = company.addCustomer({ name: 'Other', email: 'o@o.example' }, NOW);
    const payment = ours(customer, invoice);
    await books.recordPayment(api, payment, context(settings));
    const changes: readonly (readonly [Partial<PaymentToRecord>, RegExp])[] = [
      [{ amountMinor: 6511n }, /TotalAmt is 65\.10, not 65\.11/],
      [{ currency: 'CAD' }, /CurrencyRef is USD, not CAD/],
      [{ customerExternalId: other }, /CustomerRef is/],
      [{ invoices: [] }, /Line pays 5500 to invoice \d+, not no invoice/],
    ];
    for (const [change, message] of changes) {
      await assert.rejects(
        books.recordPayment(api, { ...payment, ...change }, context(settings)),
        message,
      );
    }
    assert.equal(company.recordedPayments().length, 1);
  });

  test('a refusal by QuickBooks is a refusal', async () => {
    await using connection = await connect();
    const { settings, api } = connection;
    await assert.rejects(
      books.recordPayment(api, ours('404', '404'), context(settings)),
      (error) => error instanceof Rejected && /CustomerRef/.test(error.body),
    );
  });
});
