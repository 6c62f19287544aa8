import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { portalApi } from '../kit/http.ts';
import { memoryTokenStore, tokenSource } from '../kit/oauth.ts';
import { fetchObjects } from './fetch.ts';
import { square } from './index.ts';
import { type Cursor, pull } from './pull.ts';
import { settings } from './settings.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const SINCE = new Date('2026-11-20T08:00:00.000Z');
const of = settings.parse({ accessToken: 'EAAA-test' });

type Answer = { readonly status?: number; readonly body: unknown };

/** Answers by path and cursor; what is not scripted is an empty list. */
function scripted(answers: Readonly<Record<string, Answer>>): PortalApi & { calls: ApiCall[] } {
  const calls: ApiCall[] = [];
  return {
    calls,
    async request(call) {
      calls.push(call);
      const search = call.json as { cursor?: string } | undefined;
      const cursor = call.query?.cursor ?? search?.cursor;
      const place = [call.path, call.query?.location_id, cursor].filter((part) => part).join(' ');
      const { status = 200, body } = answers[place] ?? answers[call.path] ?? { body: {} };
      if (status >= 400 && !call.accept?.includes(status)) throw new Error(`${place} ${status}`);
      return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
}

const LOCATIONS = { '/v2/locations': { body: { locations: [{ id: 'L1' }, { id: 'L2' }] } } };

async function sweep(api: PortalApi, from: Cursor = pull.start(SINCE), given = of) {
  const bodies: string[] = [];
  let cursor = from;
  for (let page = 0; page < 40; page += 1) {
    const answer = await pull.page(api, cursor, { settings: given, now: NOW });
    bodies.push(...answer.bodies.map(String));
    cursor = JSON.parse(JSON.stringify(answer.next));
    if (!answer.more) return { bodies, cursor, reached: answer.reached };
  }
  throw new Error('the pull does not end');
}

const placesOf = (calls: readonly ApiCall[]) =>
  calls.map(({ path, query }) => [path, query?.location_id].filter((part) => part).join(' '));

describe('a round', () => {
  test('reads every list, payments and payouts of each location', async () => {
    const api = scripted(LOCATIONS);
    const { cursor, bodies, reached } = await sweep(api);
    assert.deepEqual(placesOf(api.calls), [
      '/v2/locations',
      '/v2/payments L1',
      '/v2/payments L2',
      '/v2/refunds',
      '/v2/disputes',
      '/v2/payouts L1',
      '/v2/payouts L2',
    ]);
    assert.deepEqual(cursor, { since: NOW.toISOString(), round: null });
    assert.deepEqual(reached, NOW);
    assert.deepEqual(bodies, []);
  });

  test('asks for payments and refunds by their last change, overlapping, and for payouts of weeks', async () => {
    const api = scripted(LOCATIONS);
    await sweep(api);
    const queryOf = (path: string) => api.calls.find((call) => call.path === path)?.query;
    for (const path of ['/v2/payments', '/v2/refunds']) {
      const { location_id, ...query } = queryOf(path) ?? {};
      assert.deepEqual(query, {
        updated_at_begin_time: '2026-11-20T07:50:00.000Z',
        updated_at_end_time: '2026-11-21T08:01:00.000Z',
        sort_field: 'UPDATED_AT',
        sort_order: 'ASC',
        limit: '100',
      });
    }
    assert.equal(queryOf('/v2/payouts')?.begin_time, '2026-10-06T08:00:00.000Z');
    assert.deepEqual(queryOf('/v2/disputes'), {});
  });

  test('follows cursors with all other parameters as they were', async () => {
    const api = scripted({
      ...LOCATIONS,
      '/v2/payments L1': { body: { payments: [{ id: 'a' }], cursor: 'next' } },
      '/v2/payments L1 next': { body: { payments: [{ id: 'b' }], cursor: 'last' } },
      '/v2/payments L1 last': { body: {} },
      '/v2/disputes': { body: { disputes: [{ id: 'd' }] } },
    });
    const { bodies } = await sweep(api);
    assert.deepEqual(
      bodies.map((body) => JSON.parse(body)),
      [
        { payments: [{ id: 'a' }], cursor: 'next' },
        { payments: [{ id: 'b' }], cursor: 'last' },
        { disputes: [{ id: 'd' }] },
      ],
    );
    const [first, second] = api.calls.filter(({ query }) => query?.location_id === 'L1');
    assert.deepEqual({ ...first?.query, cursor: 'next' }, second?.query);
  });

  test('reads invoices, one location at a time, where they are taken over', async () => {
    const api = scripted({
      ...LOCATIONS,
      '/v2/invoices/search': { body: { invoices: [{ id: 'inv' }] } },
    });
    const importing = settings.parse({ accessToken: 'x', importInvoices: 'true' });
    const { bodies } = await sweep(api, pull.start(SINCE), importing);
    assert.equal(bodies.length, 2);
    const searched = api.calls.flatMap(({ json }) => {
      const search = json as { query?: { filter?: { location_ids: string[] } } } | undefined;
      return search?.query?.filter?.location_ids ?? [];
    });
    assert.deepEqual(searched, ['L1', 'L2']);
  });

  test('begins a stage anew once when its cursor has expired', async () => {
    const body = { errors: [{ category: 'INVALID_REQUEST_ERROR', code: 'INVALID_CURSOR' }] };
    const answers = {
      ...LOCATIONS,
      '/v2/payments L2': { body: { payments: [{ id: 'a' }], cursor: 'old' } },
      '/v2/payments L2 old': { status: 400, body },
    };
    const at = (again: boolean): Cursor => ({
      since: SINCE.toISOString(),
      round: {
        startedAt: NOW.toISOString(),
        locations: ['L1', 'L2'],
        stage: 1,
        page: 'old',
        again,
      },
    });
    const answer = await pull.page(scripted(answers), at(false), { settings: of, now: NOW });
    assert.deepEqual(answer.next.round?.page, null);
    assert.equal(answer.next.round?.again, true);
    await assert.rejects(pull.page(scripted(answers), at(true), { settings: of, now: NOW }), /400/);
  });

  test('goes on without what our permissions do not reach, but not without payments', async () => {
    const forbidden = { status: 403, body: { errors: [{ code: 'INSUFFICIENT_SCOPES' }] } };
    const lacking = scripted({ ...LOCATIONS, '/v2/payouts': forbidden, '/v2/disputes': forbidden });
    assert.deepEqual((await sweep(lacking)).bodies, []);
    await assert.rejects(sweep(scripted({ ...LOCATIONS, '/v2/payments': forbidden })), /403/);
  });

  test('needs credentials', () => {
    assert.equal(pull.possible?.(settings.parse({ signatureKey: 'k' })), false);
    assert.equal(pull.possible?.(settings.parse({ refreshToken: 'r' })), true);
  });
});

describe('fetching a payment', () => {
  const ID = 'hYy9pRFVxpDsO1FB05SunFWUe9JZY';
  const ORDER = '03O3USaPaAaFnI6kkwB1JxGgBsUZY';
  const found = JSON.parse(
    readFileSync(new URL('./fixtures/api-payment-in-context.in.json', import.meta.url), 'utf8'),
  );
  const answers = {
    [`/v2/payments/${ID}`]: { body: { payment: found.payment } },
    [`/v2/orders/${ORDER}`]: { body: { order: found.order } },
    '/v2/invoices/search': {
      body: { invoices: [{ id: 'inv:other', order_id: 'x' }], cursor: 'second' },
    },
    '/v2/invoices/search second': { body: { invoices: [found.invoice] } },
    [`/v2/customers/${found.customer.id}`]: { body: { customer: found.customer } },
  };
  const request = { entity: 'payment', id: ID };

  test('brings its order, the invoice of the order and its customer as one document', async () => {
    const api = scripted(answers);
    const [document, ...others] = await fetchObjects(api, [request]);
    assert.deepEqual(others, []);
    assert.deepEqual(document?.request, request);
    assert.deepEqual(JSON.parse(String(document?.body)), found);
    const search = api.calls.find(({ method }) => method === 'POST')?.json as { query: unknown };
    assert.deepEqual(search.query, {
      filter: { location_ids: ['S8GWD5R9QB376'], customer_ids: ['W92WH6P11H4Z77CTET0RNTGFW8'] },
      sort: { field: 'INVOICE_SORT_DATE', order: 'DESC' },
    });
  });

  test('by its order: each payment that the order names', async () => {
    const [document] = await fetchObjects(scripted(answers), [{ entity: 'order', id: ORDER }]);
    assert.deepEqual(JSON.parse(String(document?.body)), found);
    const unpaid = { [`/v2/orders/${ORDER}`]: { body: { order: { id: ORDER } } } };
    const [alone] = await fetchObjects(scripted(unpaid), [{ entity: 'order', id: ORDER }]);
    assert.deepEqual(JSON.parse(String(alone?.body)), { order: { id: ORDER } });
  });

  test('without permission for anything else is the payment alone', async () => {
    const forbidden = { status: 403, body: { errors: [] } };
    const api = scripted({
      [`/v2/payments/${ID}`]: { body: { payment: found.payment } },
      [`/v2/orders/${ORDER}`]: forbidden,
      '/v2/invoices/search': forbidden,
      [`/v2/customers/${found.customer.id}`]: forbidden,
    });
    const [document] = await fetchObjects(api, [request]);
    assert.deepEqual(JSON.parse(String(document?.body)), { payment: found.payment, order: null });
  });

  test('looks through few invoices when nobody knows the customer', async () => {
    const { customer_id, ...payment } = found.payment;
    const api = scripted({
      [`/v2/payments/${ID}`]: { body: { payment } },
      [`/v2/orders/${ORDER}`]: { body: { order: { id: ORDER } } },
      '/v2/invoices/search': { body: { invoices: [], cursor: 'more' } },
    });
    await fetchObjects(api, [request]);
    assert.equal(api.calls.filter(({ method }) => method === 'POST').length, 3);
  });

  test('that does not exist brings nothing; another entity is an error', async () => {
    const gone = { status: 404, body: { errors: [{ code: 'NOT_FOUND' }] } };
    const api = scripted({ '/v2/payments/p%2F1': gone, '/v2/orders/o': gone });
    const wanted = [
      { entity: 'payment', id: 'p/1' },
      { entity: 'order', id: 'o' },
    ];
    assert.deepEqual(await fetchObjects(api, wanted), []);
    await assert.rejects(fetchObjects(api, [{ entity: 'refund', id: 'r' }]), /cannot be fetched/);
  });
});

describe('check', () => {
  const locations = [{ id: 'L1', merchant_id: 'M1', business_name: 'Airworks Repair' }];
  const answers = { '/v2/locations': { body: { locations } } };
  const forbidden = { status: 403, body: { errors: [{ code: 'INSUFFICIENT_SCOPES' }] } };
  const check = (more: Readonly<Record<string, Answer>>, given: Readonly<Record<string, string>>) =>
    square.check?.(scripted({ ...answers, ...more }), square.settings.parse(given)) ?? '';

  test('names the seller', async () => {
    assert.equal(
      await check({}, { accessToken: 'x' }),
      'Square seller Airworks Repair (M1), 1 location',
    );
  });

  test('names what is missing', async () => {
    const said = await check({ '/v2/payouts': forbidden, '/v2/orders/search': forbidden }, {});
    assert.match(said, /; missing permissions: PAYOUTS_READ, ORDERS_READ$/);
    await assert.rejects(async () => check({ '/v2/payments': forbidden }, {}), /PAYMENTS_READ/);
    await assert.rejects(async () => check({ '/v2/locations': forbidden }, {}), /MERCHANT_PROFILE/);
  });

  test('refuses the token of another seller, and half an OAuth client', async () => {
    await assert.rejects(async () => check({}, { merchantId: 'M2' }), /seller M1, not of M2/);
    await assert.rejects(async () => check({}, { refreshToken: 'r' }), /applicationSecret/);
  });
});

describe('settings', () => {
  const urlOf = (given: Readonly<Record<string, string>>) =>
    square.api?.baseUrl(square.settings.parse(given));

  test('the environment decides on the address, unless one is given', () => {
    assert.equal(urlOf({}), 'https://connect.squareup.com');
    assert.equal(urlOf({ environment: 'sandbox' }), 'https://connect.squareupsandbox.com');
    const apiBaseUrl = 'http://127.0.0.1:9';
    assert.equal(urlOf({ environment: 'sandbox', apiBaseUrl }), apiBaseUrl);
  });

  test('a person lets us in on the page of the environment', () => {
    const consent = square.api?.consent?.page(
      square.settings.parse({ environment: 'sandbox', applicationId: 'a' }),
    );
    assert.equal(consent?.url, 'https://connect.squareupsandbox.com/oauth2/authorize');
    assert.match(consent?.parameters.scope ?? '', /\bPAYMENTS_READ\b.* PAYOUTS_READ$/);
    assert.equal(consent?.parameters.session, 'false');
  });

  test('an access token goes before a client without a refresh token', () => {
    const client = { applicationId: 'a', applicationSecret: 's' };
    const kindOf = (given: Readonly<Record<string, string>>) =>
      square.api?.auth(square.settings.parse(given)).kind;
    assert.equal(kindOf({ ...client, accessToken: 't' }), 'bearer');
    assert.equal(kindOf({ ...client, accessToken: 't', refreshToken: 'r' }), 'oauth2');
    assert.equal(kindOf(client), 'oauth2');
    assert.equal(kindOf({ applicationId: 'a' }), 'none');
  });

  test('a refresh token is exchanged at the documented address, in JSON', async () => {
    const asked: { url: string; body: unknown }[] = [];
    const issued = readFileSync(new URL('./fixtures/oauth-token-response.json', import.meta.url));
    const fetch = (async (url: string | URL, init?: RequestInit) => {
      asked.push({ url: String(url), body: JSON.parse(String(init?.body ?? 'null')) });
      return new Response(asked.length === 1 ? new Uint8Array(issued) : '{}');
    }) as typeof globalThis.fetch;
    const given = { applicationId: 'sq0idp-1', applicationSecret: 's', refreshToken: 'EQAA-r' };
    const auth = square.api?.auth(square.settings.parse(given));
    assert.ok(auth?.kind === 'oauth2');
    const options = { store: memoryTokenStore(), client: auth.client, clock: () => NOW, fetch };
    const authorization = { kind: 'oauth2', tokens: tokenSource(options) } as const;
    const baseUrl = 'https://connect.squareup.com';
    const api = portalApi({ baseUrl, authorization, requestsPerMinute: 6000, fetch });
    await api.request({ path: '/v2/locations' });
    assert.deepEqual(asked[0], {
      url: 'https://connect.squareup.com/oauth2/token',
      body: {
        grant_type: 'refresh_token',
        refresh_token: 'EQAA-r',
        client_id: 'sq0idp-1',
        client_secret: 's',
      },
    });
  });
});
