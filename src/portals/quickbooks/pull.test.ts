/** Reading a simulated company: by notice and fetch, by query, by changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PortalApi } from '../contract.ts';
import { Reauthorize, RetryLater, WireMismatch } from '../kit/errors.ts';
import { memoryTokenStore, tokenSource } from '../kit/oauth.ts';
import { quickbooks } from './index.ts';
import type { Cursor } from './pull.ts';
import {
  type Connection,
  cheque,
  connect,
  fill,
  minutes,
  NOW,
  read,
} from './simulated-connection.ts';

const pull = quickbooks.pull ?? assert.fail('no pull');
const fetchObjects = quickbooks.fetch ?? assert.fail('no fetch');
const webhook = quickbooks.webhook ?? assert.fail('no webhook');

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
    const auth = quickbooks.api?.auth(stranger);
    if (auth?.kind !== 'oauth2') assert.fail('not OAuth');
    const tokens = tokenSource({
      store: memoryTokenStore(),
      client: auth.client,
      clock: () => NOW,
    });
    await assert.rejects(tokens.current(), Reauthorize);
  });
});
