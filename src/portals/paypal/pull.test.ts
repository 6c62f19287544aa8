import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { fetchObjects } from './fetch.ts';
import { type Cursor, check, pull } from './pull.ts';
import { settings } from './settings.ts';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const keyed = settings.parse({ clientId: 'c', clientSecret: 's', webhookId: 'WH1' });
const start = pull.start(new Date('2026-11-21T11:00:00.000Z'));

type Answer = readonly [status: number, body: object];

/** An API that answers in turn and remembers what it was asked. */
function scripted(...answers: readonly Answer[]) {
  const calls: ApiCall[] = [];
  const api: PortalApi = {
    async request(call) {
      const answer = answers[calls.push(call) - 1];
      if (!answer) throw new Error(`unexpected ${call.path}`);
      const [status, body] = answer;
      assert.ok(status < 300 || call.accept?.includes(status), `${call.path} answered ${status}`);
      return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  return { api, calls };
}

async function step(cursor: Cursor, answer: Answer, of = keyed) {
  const { api, calls } = scripted(answer);
  return { ...(await pull.page(api, cursor, { settings: of, now: NOW })), call: calls[0] };
}

const rows = (count: number, total_pages = 1): Answer => [
  200,
  { transaction_details: Array.from({ length: count }, () => ({})), total_pages },
];
const none: Answer = [200, { items: [], links: [] }];

describe('transactions', () => {
  test('are re-read for the look-back, then disputes, then the round is over', async () => {
    const first = await step(start, rows(1));
    assert.equal(first.call?.path, '/v1/reporting/transactions');
    assert.deepEqual(first.call?.query, {
      start_date: '2026-10-22T12:00:00.000Z',
      end_date: '2026-11-21T12:00:00.000Z',
      fields: 'all',
      balance_affecting_records_only: 'N',
      page_size: '500',
      page: '1',
    });
    assert.deepEqual([first.bodies.length, first.more], [1, true]);
    const second = await step(first.next, none);
    assert.equal(second.call?.path, '/v1/customer/disputes');
    assert.equal(second.call?.query?.update_time_after, '2026-11-20T11:00:00.000Z');
    assert.deepEqual([second.bodies, second.more, second.next], [[], false, pull.start(NOW)]);
    assert.deepEqual(second.reached, NOW);
  });

  test('go on page by page', async () => {
    const { next } = await step(start, rows(500, 2));
    const second = await step(next, rows(1, 2));
    assert.equal(second.call?.query?.page, '2');
    assert.equal(second.next.round?.stage, 'disputes');
  });

  test('of a long time are read in windows of 31 days, three years back at most', async () => {
    let cursor = pull.start(new Date('2020-01-01T00:00:00.000Z'));
    const windows: [number, number][] = [];
    for (let left = 100; left > 0; left -= 1) {
      const { next, call } = await step(cursor, rows(0));
      const { start_date, end_date } = call?.query ?? {};
      windows.push([Date.parse(String(start_date)), Date.parse(String(end_date))]);
      cursor = next;
      if (next.round?.stage === 'disputes') break;
    }
    assert.equal(windows.at(-1)?.[1], NOW.getTime());
    for (const [index, [from, to]] of windows.entries()) {
      assert.ok(to - from <= 31 * 86_400_000);
      if (index > 0) assert.equal(from, windows[index - 1]?.[1]);
    }
    const reach = NOW.getTime() - (windows[0]?.[0] ?? 0);
    assert.equal(reach, 3 * 365 * 86_400_000);
  });

  test('that are too many for one search are read in halves of its window', async () => {
    const answers: readonly Answer[] = [
      [400, { name: 'RESULTSET_TOO_LARGE' }],
      [422, { name: 'UNPROCESSABLE_ENTITY', details: [{ issue: 'RESULTSET_TOO_LARGE' }] }],
    ];
    for (const tooLarge of answers) {
      const { next, bodies, more } = await step(start, tooLarge);
      assert.deepEqual([bodies, more], [[], true]);
      const half = await step(next, rows(1));
      assert.equal(half.call?.query?.start_date, '2026-10-22T12:00:00.000Z');
      assert.equal(half.call?.query?.end_date, '2026-11-06T12:00:00.000Z');
      const rest = await step(half.next, rows(1));
      assert.equal(rest.call?.query?.start_date, '2026-11-06T12:00:00.000Z');
      assert.equal(rest.call?.query?.end_date, '2026-11-21T12:00:00.000Z');
      assert.equal(rest.next.round?.stage, 'disputes');
    }
  });

  test('halving ends, and other refusals are told', async () => {
    const round = { ...(await step(start, rows(1, 2))).next.round, place: null };
    const minute = { ...round, from: '2026-11-21T11:59:00.000Z', to: '2026-11-21T12:00:00.000Z' };
    const cursor = { ...start, round: minute } as Cursor;
    const tooLarge: Answer = [400, { name: 'RESULTSET_TOO_LARGE' }];
    await assert.rejects(step(cursor, tooLarge), /RESULTSET_TOO_LARGE/);
    await assert.rejects(
      step(start, [403, { name: 'NOT_AUTHORIZED' }]),
      /enable Transaction Search/,
    );
    await assert.rejects(step(start, [400, { name: 'INVALID_REQUEST' }]), Rejected);
    await assert.rejects(step(start, [200, { items: [] }]), WireMismatch);
  });
});

describe('disputes and invoices', () => {
  const atDisputes = async () => (await step(start, rows(0))).next;
  const next = (token: string) => ({
    href: `https://api.paypal.com/v1/customer/disputes?next_page_token=${token}`,
    rel: 'next',
  });

  test('only the token of a link is followed', async () => {
    const page: Answer = [200, { items: [{ dispute_id: 'D' }], links: [next('abc')] }];
    const first = await step(await atDisputes(), page);
    assert.deepEqual([first.bodies.length, first.more], [1, true]);
    const second = await step(first.next, none);
    assert.equal(second.call?.path, '/v1/customer/disputes');
    assert.equal(second.call?.query?.next_page_token, 'abc');
    await assert.rejects(step(first.next, page), /does not lead further/);
  });

  test('an app that may not read disputes goes without', async () => {
    const { bodies, more } = await step(await atDisputes(), [403, {}]);
    assert.deepEqual([bodies, more], [[], false]);
  });

  test('after a long outage they are read as far back as PayPal goes', async () => {
    const cursor = { ...(await atDisputes()), since: '2025-01-01T00:00:00.000Z' };
    const { call } = await step(cursor, none);
    assert.equal(call?.query?.update_time_after, '2026-05-26T12:00:00.000Z');
  });

  test('invoices follow when they are taken over, by pages', async () => {
    const importing = { ...keyed, importInvoices: true };
    const disputes = await step(await atDisputes(), none, importing);
    assert.equal(disputes.next.round?.stage, 'invoices');
    const first = await step(disputes.next, [200, { items: [{}], total_pages: 2 }], importing);
    assert.deepEqual(
      [first.call?.method, first.call?.path],
      ['POST', '/v2/invoicing/search-invoices'],
    );
    const second = await step(first.next, [200, { total_pages: 2 }], importing);
    assert.deepEqual([second.call?.query?.page, second.more], ['2', false]);
  });
});

describe('the check', () => {
  const ok: Answer = [200, { account_id: 'XZXSPECPDZHZU' }];
  const forbidden: Answer = [403, { name: 'NOT_AUTHORIZED' }];

  test('names the account and what its app lacks', async () => {
    const all = await check(scripted(ok, none, ok).api, keyed);
    assert.equal(all, 'PayPal account XZXSPECPDZHZU (production)');
    const lacking = await check(scripted(forbidden, forbidden, ok).api, keyed);
    assert.match(
      lacking,
      /whose id may not be read .* lacks Transaction Search .* and Customer disputes/,
    );
  });

  test('says when the webhook belongs to another app, and when there is nothing to call', async () => {
    const missing: Answer = [404, { name: 'INVALID_RESOURCE_ID' }];
    await assert.rejects(check(scripted(ok, none, missing).api, keyed), /WH1 is not one of this/);
    assert.match(await check(scripted().api, settings.parse({})), /without API credentials/);
    assert.equal(pull.possible?.(settings.parse({})), false);
    assert.equal(pull.possible?.(keyed), true);
  });
});

describe('fetch', () => {
  test('each object has its own address, and what does not exist yields nothing', async () => {
    const { api, calls } = scripted([200, { id: 'O' }], [404, {}], [200, {}], [403, {}]);
    const requests = [
      { entity: 'order', id: 'O' },
      { entity: 'dispute', id: 'PP-1' },
      { entity: 'invoice', id: '../x' },
      { entity: 'order', id: 'P' },
    ];
    const found = await fetchObjects(api, requests);
    assert.deepEqual(
      found.map(({ request }) => request.id),
      ['O', '../x'],
    );
    assert.deepEqual(
      calls.map(({ path }) => path),
      [
        '/v2/checkout/orders/O',
        '/v1/customer/disputes/PP-1',
        '/v2/invoicing/invoices/..%2Fx',
        '/v2/checkout/orders/P',
      ],
    );
    await assert.rejects(fetchObjects(api, [{ entity: 'shop', id: '1' }]), WireMismatch);
  });
});
