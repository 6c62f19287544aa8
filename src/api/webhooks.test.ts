import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { sql } from '../db/database.ts';
import { createConnection } from '../intake/connections.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const SECRET = 'whsec_webhooks_test';
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
const APPLIED_WITHIN_MS = 10_000;

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server[Symbol.asyncDispose]());

async function connect(portal = 'stripe', settings = { webhookSecret: SECRET }): Promise<string> {
  const { id } = await createConnection(server.app, {
    organizationId: 1,
    portal,
    name: portal,
    role: 'source',
    settings,
    actor: 'test',
  });
  return id;
}

let eventNumber = 0;

function stripeEvent(): Buffer {
  eventNumber += 1;
  const object = { id: `pi_${eventNumber}`, object: 'payment_intent' };
  const type = 'payment_intent.created';
  return Buffer.from(
    JSON.stringify({ id: `evt_${eventNumber}`, object: 'event', type, data: { object } }),
  );
}

function signature(body: Buffer, options: { secret?: string; ageSeconds?: number } = {}): string {
  const seconds = Math.floor(Date.now() / 1000) - (options.ageSeconds ?? 0);
  const mac = createHmac('sha256', options.secret ?? SECRET)
    .update(`${seconds}.`)
    .update(body);
  return `t=${seconds},v1=${mac.digest('hex')}`;
}

function post(path: string, body: Buffer, headers: Record<string, string>): Promise<Response> {
  return fetch(`${server.url}${path}`, { method: 'POST', body: new Uint8Array(body), headers });
}

/** Signed and sent as Stripe does it, but for what `headers` says. */
function deliver(id: string, body = stripeEvent(), headers: Record<string, string> = {}) {
  return post(`/webhooks/stripe/${id}`, body, {
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': signature(body),
    ...headers,
  });
}

type Document = { readonly status: string | null; readonly reason: string | null };

function documentsOf(connectionId: string): Promise<Document[]> {
  return server.app.database.query<Document>(
    sql`select o.status, o.reason from documents d
        left join outcomes o on o.organization_id = d.organization_id and o.document_id = d.id
        where d.connection_id = ${connectionId} order by d.id`,
  );
}

async function appliedDocumentsOf(connectionId: string): Promise<readonly Document[]> {
  const deadline = performance.now() + APPLIED_WITHIN_MS;
  while (performance.now() < deadline) {
    const documents = await documentsOf(connectionId);
    if (documents.length > 0 && documents.every(({ status }) => status !== null)) return documents;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the documents of ${connectionId} were not applied`);
}

async function refusalsOf(connectionId: string): Promise<readonly unknown[]> {
  await server.app.receiving.refusals.flush();
  return server.app.database.query(
    sql`select code, count from refusals where connection_id = ${connectionId}`,
  );
}

async function metric(name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name}{${labels}}`));
  return Number(line?.split(' ')[1] ?? 0);
}

describe('a genuine delivery', () => {
  test('is answered 200, stored once and applied', async () => {
    const id = await connect();
    const body = stripeEvent();
    for (let time = 0; time < 3; time += 1) {
      const response = await deliver(id, body);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), '');
    }
    assert.equal((await appliedDocumentsOf(id)).length, 1);
    assert.deepEqual(await refusalsOf(id), []);
  });

  const TYPES = [
    'application/json',
    'application/cloudevents+json',
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/octet-stream',
    'text/x-unheard-of; charset=x',
  ];
  for (const type of TYPES) {
    test(`is taken as bytes when it says ${type}`, async () => {
      const id = await connect();
      assert.equal((await deliver(id, stripeEvent(), { 'content-type': type })).status, 200);
      assert.equal((await documentsOf(id)).length, 1);
    });
  }

  test('is taken at a path that the portal appends to its address', async () => {
    const id = await connect();
    const body = stripeEvent();
    const headers = { 'stripe-signature': signature(body) };
    assert.equal((await post(`/webhooks/stripe/${id}/v1/events`, body, headers)).status, 200);
  });

  test('is taken without an address', async () => {
    const secret = 'whsec_without_address';
    const id = await connect('stripe', { webhookSecret: secret });
    const body = stripeEvent();
    const headers = { 'stripe-signature': signature(body, { secret }) };
    assert.equal((await post('/webhooks/payment-event', body, headers)).status, 200);
    assert.equal((await documentsOf(id)).length, 1);
  });

  for (const [what, body] of [
    ['no JSON', Buffer.from('{"id":"evt_')],
    ['another shape', Buffer.from('{"object":"event","id":7}')],
    ['not even text', Buffer.from([0xff, 0x00, 0xfe])],
  ] as const) {
    test(`that is ${what} is stored, answered 200 and set aside with a reason`, async () => {
      const id = await connect();
      assert.equal((await deliver(id, body)).status, 200);
      const [document] = await appliedDocumentsOf(id);
      assert.equal(document?.status, 'quarantined');
      assert.ok((document?.reason ?? '').length > 5);
    });
  }
});

describe('a refused delivery', () => {
  const REFUSED: readonly (readonly [string, string, (body: Buffer) => Record<string, string>])[] =
    [
      [
        'forged',
        'signature-wrong',
        (body) => ({ 'stripe-signature': signature(body, { secret: 'x' }) }),
      ],
      [
        'stale',
        'timestamp-stale',
        (body) => ({ 'stripe-signature': signature(body, { ageSeconds: 400 }) }),
      ],
      ['unsigned', 'signature-missing', () => ({})],
      ['malformed', 'signature-malformed', () => ({ 'stripe-signature': 't=,v1=' })],
    ];
  for (const [what, code, headers] of REFUSED) {
    test(`${what}: 401, nothing stored, counted at the connection and in the metrics`, async () => {
      const id = await connect();
      const labels = `portal="stripe",code="${code}"`;
      const before = await metric('checkvalve_deliveries_refused_total', labels);
      const body = stripeEvent();
      const response = await post(`/webhooks/stripe/${id}`, body, headers(body));
      assert.equal(response.status, 401);
      assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
      const problem = (await response.json()) as { status: number; detail: string };
      assert.equal(problem.status, 401);
      assert.ok(!JSON.stringify(problem).includes(SECRET));
      assert.deepEqual(await documentsOf(id), []);
      assert.deepEqual(await refusalsOf(id), [{ code, count: 1n }]);
      assert.equal(await metric('checkvalve_deliveries_refused_total', labels), before + 1);
    });
  }

  test('an empty body: 401', async () => {
    const id = await connect();
    assert.equal((await post(`/webhooks/stripe/${id}`, Buffer.alloc(0), {})).status, 401);
    assert.deepEqual(await documentsOf(id), []);
  });

  test('nobody’s address: 404, whichever part of it is wrong', async () => {
    const id = await connect();
    for (const path of [
      '/webhooks/stripe/con_unknown',
      `/webhooks/mollie/${id}`,
      `/webhooks/nonsense/${id}`,
      '/webhooks/own/con_own',
      `/webhooks/stripe/${'x'.repeat(300)}`,
    ]) {
      const body = stripeEvent();
      const response = await post(path, body, { 'stripe-signature': signature(body) });
      assert.equal(response.status, 404, path);
    }
    const hello = Buffer.from('{"hello":1}');
    assert.equal((await post('/webhooks/payment-event', hello, {})).status, 404);
    assert.deepEqual(await documentsOf(id), []);
  });

  test('a body over the limit: 413, also when it does not say its length', async () => {
    const id = await connect();
    const body = Buffer.alloc(BODY_LIMIT_BYTES + 1, ' ');
    assert.equal((await deliver(id, body)).status, 413);
    assert.equal(await streamed(`/webhooks/stripe/${id}`, body), 413);
    assert.deepEqual(await documentsOf(id), []);
    assert.equal((await deliver(id, Buffer.alloc(BODY_LIMIT_BYTES, ' '))).status, 200);
  });

  test('headers beyond all measure: 431', async () => {
    const id = await connect();
    const response = await deliver(id, stripeEvent(), { 'x-long': 'x'.repeat(40_000) });
    assert.equal(response.status, 431);
    assert.deepEqual(await documentsOf(id), []);
  });

  test('a flood: 429 once too many were forged, while others are served', async () => {
    const [flooded, quiet] = [await connect(), await connect()];
    const statuses = new Set<number>();
    for (let time = 0; time < 60 && !statuses.has(429); time += 1) {
      const body = stripeEvent();
      const headers = { 'stripe-signature': signature(body, { secret: 'x' }) };
      const response = await post(`/webhooks/stripe/${flooded}`, body, headers);
      statuses.add(response.status);
      if (response.status === 429) assert.equal(response.headers.get('retry-after'), '1');
    }
    assert.deepEqual([...statuses], [401, 429]);
    assert.equal((await deliver(quiet)).status, 200);
    assert.deepEqual(await documentsOf(flooded), []);
  });

  test('another method: 404', async () => {
    const id = await connect();
    const response = await fetch(`${server.url}/webhooks/stripe/${id}`);
    assert.equal(response.status, 404);
  });
});

/** Sends a body in chunks without a length; resolves to the status. */
function streamed(path: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    });
    sending.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sending.on('error', reject);
    for (let at = 0; at < body.length; at += 65_536) sending.write(body.subarray(at, at + 65_536));
    sending.end();
  });
}
