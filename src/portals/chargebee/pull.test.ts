import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { callUrl } from '../kit/http.ts';
import { type Cursor, check, fetchObjects, pull } from './pull.ts';
import { settings as schema } from './settings.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const NOW_SECONDS = NOW.getTime() / 1000;
const settings = schema.parse({ site: 'airworks', apiKey: 'live_x' });
const billsElsewhere = { ...settings, importInvoices: false };

/** Answers each call by `answer` and keeps what was asked. */
function listening(answer: (url: URL) => { status?: number; body: unknown }) {
  const asked: string[] = [];
  const api: PortalApi = {
    async request(call: ApiCall) {
      const url = callUrl('https://airworks.chargebee.com/api/v2', call);
      asked.push(url.href);
      const { status = 200, body } = answer(url);
      if (status >= 400 && !call.accept?.includes(status)) throw new Error(String(status));
      return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  return { api, asked };
}

const read = (api: PortalApi, cursor: Cursor, of = settings) =>
  pull.page(api, cursor, { settings: of, now: NOW });

test('the list is asked for as the SDK of Chargebee asks, byte by byte', async () => {
  const { api, asked } = listening(() => ({ body: { list: [] } }));
  await read(api, { since: 1768557600 + 600, round: null });
  assert.equal(
    asked[0],
    'https://airworks.chargebee.com/api/v2/transactions?limit=100&include_deleted=true' +
      '&sort_by%5Basc%5D=updated_at&updated_at%5Bafter%5D=1768557600' +
      '&type%5Bin%5D=%5B%22payment%22%2C%22refund%22%2C%22authorization%22%5D',
  );
});

test('a round reads every list to its last page and then starts from where it began', async () => {
  const offset = '["1794495489000","230000012345"]';
  const { api, asked } = listening((url) => {
    const first = url.pathname.endsWith('/transactions') && !url.searchParams.has('offset');
    return { body: { list: [], ...(first ? { next_offset: offset } : {}) } };
  });
  let cursor = pull.start(new Date('2026-11-01T00:00:00.000Z'));
  const more: boolean[] = [];
  for (let page = 0; page < 4; page += 1) {
    const answer = await read(api, JSON.parse(JSON.stringify(cursor)));
    more.push(answer.more);
    cursor = answer.next;
  }
  assert.deepEqual(more, [true, true, true, false]);
  assert.deepEqual(cursor, { since: NOW_SECONDS, round: null });
  const [first, second, third, fourth] = asked.map((href) => new URL(href));
  assert.equal(second?.searchParams.get('offset'), offset);
  second?.searchParams.delete('offset');
  assert.equal(
    second?.href,
    first?.href,
    'an offset only means something with the same parameters',
  );
  assert.deepEqual(
    [third, fourth].map((url) => url?.pathname),
    ['/api/v2/invoices', '/api/v2/customers'],
  );
});

test('a firm that bills elsewhere has only its transactions read', async () => {
  const { api } = listening(() => ({ body: { list: [] } }));
  const answer = await read(api, pull.start(NOW), billsElsewhere);
  assert.equal(answer.more, false);
  assert.deepEqual(answer.reached, NOW);
});

test('an offset that leads nowhere, or an answer that is no list, is an error', async () => {
  const stuck = listening(() => ({ body: { list: [], next_offset: 'x' } }));
  const round = { startedAt: 1, list: 'transactions', offset: 'x' } as const;
  await assert.rejects(read(stuck.api, { since: 0, round }), /does not lead further/);
  const odd = listening(() => ({ body: { transactions: [] } }));
  await assert.rejects(read(odd.api, pull.start(NOW)), /list/);
});

test('a transaction is fetched with what it names, as far as that exists', async () => {
  const transaction = {
    id: 'txn/1',
    type: 'payment',
    currency_code: 'USD',
    customer_id: 'C-1',
    linked_invoices: [{ invoice_id: 'INV-1' }, { invoice_id: 'INV-2' }],
  };
  const { api, asked } = listening(({ pathname }) => {
    if (pathname.endsWith('INV-2')) return { status: 404, body: { http_status_code: 404 } };
    if (pathname.includes('/customers/')) return { body: { customer: { id: 'C-1' }, card: {} } };
    if (pathname.includes('/invoices/')) return { body: { invoice: { id: 'INV-1' } } };
    return { body: { transaction } };
  });
  const [fetched] = await fetchObjects(api, [{ entity: 'transaction', id: 'txn/1' }]);
  assert.deepEqual(JSON.parse(String(fetched?.body)), {
    transaction,
    invoices: [{ id: 'INV-1' }],
    customer: { id: 'C-1' },
  });
  assert.deepEqual(
    asked.map((href) => new URL(href).pathname),
    [
      '/api/v2/transactions/txn%2F1',
      '/api/v2/invoices/INV-1',
      '/api/v2/invoices/INV-2',
      '/api/v2/customers/C-1',
    ],
  );
});

test('what does not exist yields no document, and no entity is made up', async () => {
  const { api } = listening(() => ({ status: 404, body: {} }));
  const requests = ['invoice', 'customer', 'transaction'].map((entity) => ({ entity, id: 'x' }));
  assert.deepEqual(await fetchObjects(api, requests), []);
  await assert.rejects(fetchObjects(api, [{ entity: 'card', id: 'x' }]), /no entity "card"/);
});

test('a check names the site, or what the key may not read', async () => {
  const able = listening(() => ({ body: { list: [] } }));
  assert.equal(await check(able.api, settings), 'Chargebee site airworks');
  assert.equal(able.asked.length, 3);
  const unable = listening(({ pathname }) =>
    pathname.endsWith('/invoices') ? { status: 403, body: {} } : { body: { list: [] } },
  );
  await assert.rejects(
    check(unable.api, settings),
    (error) => error instanceof Rejected && error.message.includes('may not read invoices'),
  );
  await check(unable.api, billsElsewhere);
});
