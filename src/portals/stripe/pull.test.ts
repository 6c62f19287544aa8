import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { fetchObjects } from './fetch.ts';
import { type Cursor, pullPage, start } from './pull.ts';
import { settings as schema } from './settings.ts';

const settings = schema.parse({ secretKey: 'rk_test_1' });
const DAY = 86_400;
const NOW = new Date('2026-11-21T12:00:00.000Z');
const now = NOW.getTime() / 1000;

/** An API that answers from `pages` by path and `starting_after`, and keeps the calls it got. */
function scripted(pages: Readonly<Record<string, unknown>>): PortalApi & { calls: ApiCall[] } {
  const calls: ApiCall[] = [];
  return {
    calls,
    async request(call) {
      calls.push(call);
      const after = call.query?.starting_after;
      const answer = pages[after ? `${call.path}?${after}` : call.path];
      const body = answer ?? { object: 'list', data: [], has_more: false };
      const missing = answer === undefined && /_missing$/.test(call.path);
      return { status: missing ? 404 : 200, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
}

async function sweep(api: PortalApi, from: Cursor) {
  const bodies: Buffer[] = [];
  let cursor = from;
  for (let page = 0; page < 30; page++) {
    const answer = await pullPage(api, cursor, { settings, now: NOW });
    bodies.push(...answer.bodies);
    // As the engine does: the cursor is kept as JSON between two pages.
    cursor = JSON.parse(JSON.stringify(answer.next));
    if (!answer.more) return { bodies, cursor };
  }
  throw new Error('the sweep does not end');
}

test('a young cursor reads events of the types that mean money, at most 20 a query', async () => {
  const api = scripted({});
  const { cursor } = await sweep(api, start(new Date((now - 28 * DAY) * 1000)));
  assert.deepEqual(cursor, { since: now, sweep: null });
  assert.deepEqual(new Set(api.calls.map(({ path }) => path)), new Set(['/v1/events']));
  for (const { query } of api.calls) {
    const types = query?.['types[]'] ?? [];
    assert.ok(types.length > 0 && types.length <= 20);
    assert.equal(query?.['created[gte]'], String(now - 28 * DAY - 600));
  }
});

test('an old cursor reads the lists, and events from then on', async () => {
  const api = scripted({
    '/v1/charges': {
      object: 'list',
      has_more: false,
      data: [
        { id: 'ch_of_intent', object: 'charge', payment_intent: 'pi_1' },
        { id: 'ch_alone', object: 'charge', payment_intent: null },
      ],
    },
  });
  const { bodies, cursor } = await sweep(api, start(new Date((now - 400 * DAY) * 1000)));
  const paths = api.calls.map(({ path }) => path);
  assert.deepEqual(paths, [
    '/v1/payment_intents',
    '/v1/charges',
    '/v1/refunds',
    '/v1/disputes',
    '/v1/payouts',
    '/v1/invoice_payments',
  ]);
  const text = bodies.join('\n');
  assert.ok(text.includes('ch_alone') && !text.includes('ch_of_intent'));
  assert.equal(cursor.since, now);
});

test('a sweep interrupted between two pages goes on where it was', async () => {
  const api = scripted({
    '/v1/events': { object: 'list', has_more: true, data: [{ id: 'evt_3' }, { id: 'evt_2' }] },
    '/v1/events?evt_2': { object: 'list', has_more: false, data: [{ id: 'evt_1' }] },
  });
  const first = await pullPage(api, start(NOW), { settings, now: NOW });
  assert.equal(first.more, true);
  assert.equal(first.next.sweep?.after, 'evt_2');
  const later = new Date(NOW.getTime() + 3_600_000);
  const second = await pullPage(api, first.next, { settings, now: later });
  assert.match(String(second.bodies), /evt_1/);
  // The next sweep begins where this one began, not where it was resumed.
  assert.equal(second.next.sweep?.startedAt, now);
  assert.equal(second.next.sweep?.stage, 1);
});

test('a sweep left for so long that events are gone begins anew by lists', async () => {
  const api = scripted({});
  const left: Cursor = {
    since: now - 31 * DAY,
    sweep: { by: 'events', startedAt: now - 20 * DAY, stage: 1, after: 'evt_gone' },
  };
  const { next } = await pullPage(api, left, { settings, now: NOW });
  assert.deepEqual(next.sweep, { by: 'lists', startedAt: now, stage: 1, after: null });
  assert.equal(api.calls[0]?.path, '/v1/payment_intents');
});

test('invoices are only read by a connection that imports them', async () => {
  const api = scripted({});
  const importing = schema.parse({ secretKey: 'rk_1', importInvoices: true });
  let cursor = start(new Date(0));
  for (let more = true; more; ) {
    const answer = await pullPage(api, cursor, { settings: importing, now: NOW });
    ({ next: cursor, more } = answer);
  }
  assert.equal(api.calls.at(-1)?.path, '/v1/invoices');
});

test('fetching the payments of an invoice brings the money first, each payment once', async () => {
  const share = (id: string, payment: object, status = 'paid') => ({
    id,
    object: 'invoice_payment',
    amount_paid: 100,
    created: now,
    currency: 'usd',
    invoice: 'in_1',
    payment,
    status,
  });
  const api = scripted({
    '/v1/invoice_payments': {
      object: 'list',
      has_more: true,
      data: [share('inpay_3', { type: 'payment_intent', payment_intent: 'pi_1' })],
    },
    '/v1/invoice_payments?inpay_3': {
      object: 'list',
      has_more: false,
      data: [
        share('inpay_2', { type: 'payment_intent', payment_intent: 'pi_1' }),
        share('inpay_1', { type: 'charge', charge: 'ch_1' }),
        share('inpay_0', { type: 'payment_record', payment_record: 'pr_1' }),
        share('inpay_x', { type: 'payment_intent', payment_intent: 'pi_open' }, 'open'),
      ],
    },
  });
  const fetched = await fetchObjects(api, [{ entity: 'invoice_payments', id: 'in_1' }]);
  assert.deepEqual(
    fetched.map(({ request }) => `${request.entity} ${request.id}`),
    ['payment_intent pi_1', 'charge ch_1', 'invoice_payments in_1', 'invoice_payments in_1'],
  );
});

test('what does not exist yields no document, an entity nobody knows is an error', async () => {
  const api = scripted({});
  assert.deepEqual(await fetchObjects(api, [{ entity: 'refund', id: 're_missing' }]), []);
  await assert.rejects(fetchObjects(api, [{ entity: 'unicorn', id: 'u_1' }]), /unicorn/);
});
