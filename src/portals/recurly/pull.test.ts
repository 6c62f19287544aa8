import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import sdk from 'recurly';
import { HttpAdapter, HttpResponse } from 'recurly/lib/recurly/HttpAdapter.js';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { callUrl } from '../kit/http.ts';
import { recurly } from './index.ts';
import { type Cursor, check, fetchObjects, pull } from './pull.ts';
import { apiAddress, settings as schema } from './settings.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const settings = schema.parse({ apiKey: 'key' });
const EMPTY = { object: 'list', has_more: false, next: null, data: [] };

/** Answers each call by `answer` and keeps what was asked. */
function listening(answer: (url: URL) => { status?: number; body: unknown }) {
  const asked: string[] = [];
  const api: PortalApi = {
    async request(call: ApiCall) {
      const url = callUrl('https://v3.recurly.com', call);
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

/** What Recurly's own client sends for a call. */
async function asSdk(call: (client: sdk.Client) => Promise<unknown>) {
  const sent: { url: string; headers: Record<string, string> }[] = [];
  class Recording extends HttpAdapter {
    override async execute(_method: string, url: string, headers: Record<string, string>) {
      sent.push({ url, headers });
      const type = { 'content-type': 'application/json; charset=utf-8' };
      return new HttpResponse(200, type, JSON.stringify(EMPTY));
    }
  }
  await call(new sdk.Client('key', { httpAdapter: new Recording() } as object));
  return sent[0] as (typeof sent)[number];
}

test("a list is asked for as Recurly's own client asks", async () => {
  const { api, asked } = listening(() => ({ body: EMPTY }));
  await read(api, pull.start(new Date('2026-11-12T00:10:00.000Z')));
  const official = await asSdk((client) =>
    client
      .listTransactions({
        params: {
          sort: 'updated_at',
          order: 'asc',
          beginTime: new Date('2026-11-12T00:00:00.000Z'),
          limit: 200,
        },
      })
      .first(),
  );
  const [ours, theirs] = [new URL(asked[0] ?? ''), new URL(official.url)];
  assert.equal(ours.origin + ours.pathname, theirs.origin + theirs.pathname);
  const names = ['sort', 'order', 'begin_time'];
  for (const name of names) {
    assert.equal(ours.searchParams.get(name), theirs.searchParams.get(name), name);
  }
  const headers = Object.fromEntries(
    Object.entries(official.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  assert.equal(recurly.api?.headers?.(settings).accept, headers.accept);
  const auth = recurly.api?.auth(settings);
  assert.ok(auth?.kind === 'basic');
  const pair = Buffer.from(`${auth.user}:${auth.password.reveal()}`).toString('base64');
  assert.equal(headers.authorization, `Basic ${pair}`);
});

test('a round reads every list to its last page and then starts from where it began', async () => {
  const links = [
    '/transactions?cursor=rb0x%3A1794648033.412&limit=200&order=asc&sort=updated_at',
    'https://v3.recurly.com/transactions?cursor=2',
  ];
  const { api, asked } = listening(() => {
    const next = links.shift();
    return { body: { ...EMPTY, has_more: next !== undefined, next: next ?? null } };
  });
  let cursor = pull.start(new Date('2026-11-01T00:00:00.000Z'));
  const more: boolean[] = [];
  for (let page = 0; page < 5; page += 1) {
    const answer = await read(api, JSON.parse(JSON.stringify(cursor)));
    more.push(answer.more);
    cursor = answer.next;
  }
  assert.deepEqual(more, [true, true, true, true, false]);
  assert.deepEqual(cursor, { since: NOW.toISOString(), round: null });
  assert.equal(
    asked[1],
    'https://v3.recurly.com/transactions?cursor=rb0x%3A1794648033.412&limit=200&order=asc&sort=updated_at',
  );
  assert.equal(asked[2], 'https://v3.recurly.com/transactions?cursor=2');
  assert.deepEqual(
    asked.slice(3).map((href) => new URL(href).pathname),
    ['/invoices', '/accounts'],
  );
});

test('the documented page leads on by its link', async () => {
  const body = JSON.parse(
    readFileSync(new URL('fixtures/api-list-transactions.in.json', import.meta.url), 'utf8'),
  );
  const { next, more } = await read(listening(() => ({ body })).api, pull.start(NOW));
  assert.equal(next.round?.next, body.next);
  assert.ok(more);
});

test('a firm that bills elsewhere has only its transactions read', async () => {
  const elsewhere = schema.parse({ apiKey: 'key', importInvoices: false });
  const answer = await read(listening(() => ({ body: EMPTY })).api, pull.start(NOW), elsewhere);
  assert.equal(answer.more, false);
  assert.deepEqual(answer.reached, NOW);
});

test('a link that leads nowhere or elsewhere, or an answer that is no list, is an error', async () => {
  const linking = (next: string | null) =>
    listening(() => ({ body: { ...EMPTY, has_more: true, next } }));
  await assert.rejects(read(linking(null).api, pull.start(NOW)), /next: missing/);
  const round = { startedAt: NOW.toISOString(), list: 'transactions', next: '/x?y=1' } as const;
  await assert.rejects(read(linking('/x?y=1').api, { since: NOW.toISOString(), round }), /further/);
  const { next } = await read(linking('https://evil.example/x?y=1').api, pull.start(NOW));
  assert.equal(next.round?.next, '/x?y=1');
  await assert.rejects(read(listening(() => ({ body: {} })).api, pull.start(NOW)), /object/);
});

test('transactions and invoices are fetched by any of their names, as far as they exist', async () => {
  const { api, asked } = listening(({ pathname }) =>
    pathname.endsWith('gone') ? { status: 404, body: {} } : { body: { id: 'r1' } },
  );
  const requests = [
    { entity: 'transaction', id: 'uuid-63b0' },
    { entity: 'invoice', id: 'number-FR1001' },
    { entity: 'transaction', id: 'gone' },
  ];
  const fetched = await fetchObjects(api, requests);
  assert.deepEqual(
    fetched.map(({ request }) => request),
    requests.slice(0, 2),
  );
  assert.deepEqual(
    asked.map((href) => new URL(href).pathname),
    ['/transactions/uuid-63b0', '/invoices/number-FR1001', '/transactions/gone'],
  );
  await assert.rejects(fetchObjects(api, [{ entity: 'card', id: 'x' }]), /no entity "card"/);
});

test('a check names the site, another site, or what the key may not read', async () => {
  const site = { id: 'qc326l1hl8k9', subdomain: 'airworks', mode: 'sandbox' };
  const able = listening(({ pathname }) => ({
    body: pathname === '/sites' ? { ...EMPTY, data: [site] } : EMPTY,
  }));
  assert.equal(await check(able.api, settings), 'Recurly site airworks (sandbox)');
  await assert.rejects(check(able.api, { ...settings, siteId: 'qother' }), /is of site qc326/);
  const unable = listening(({ pathname }) =>
    pathname === '/invoices' ? { status: 403, body: {} } : { body: { ...EMPTY, data: [site] } },
  );
  await assert.rejects(
    check(unable.api, settings),
    (error) => error instanceof Rejected && error.message.includes('may not read invoices'),
  );
});

test('each region has its address', () => {
  assert.equal(apiAddress(settings), 'https://v3.recurly.com');
  assert.equal(apiAddress(schema.parse({ region: 'eu' })), 'https://v3.eu.recurly.com');
  const apiBaseUrl = 'http://127.0.0.1:1/x';
  assert.equal(apiAddress(schema.parse({ apiBaseUrl })), apiBaseUrl);
});
