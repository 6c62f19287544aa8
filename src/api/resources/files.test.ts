import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '../../db/database.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server[Symbol.asyncDispose]());

async function connect(settings: object = {}, portal = 'generic'): Promise<string> {
  const made = await server.call('POST', '/api/v1/connections', {
    body: { portal, name: 'Bank', settings },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id;
}

const upload = (id: string, text: string, more: { key?: string; type?: string } = {}) =>
  server.call('POST', `/api/v1/connections/${id}/files`, {
    text,
    headers: more.type === undefined ? {} : { 'content-type': more.type },
    ...(more.key === undefined ? {} : { key: more.key }),
  });

async function statuses(id: string): Promise<string[]> {
  for (let look = 0; look < 200; look += 1) {
    const { body } = await server.call('GET', `/api/v1/documents?connection=${id}`);
    const found = body.data.map(({ status }: { status: string }) => status);
    if (!found.includes('received')) return found.reverse();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the documents were not applied in time');
}

const CSV = 'Date,Text,Amount\n2026-11-13,INV-1,1.00\n2026-11-14,INV-2,"2,00"';
const SETTINGS = {
  csvColumns: '{"date":"Date","description":"Text","amount":"Amount"}',
  csvCurrency: 'USD',
};

test('a row that does not fit stops the file; with other settings the same file is booked', async () => {
  const id = await connect(SETTINGS);
  const first = await upload(id, CSV, { type: 'text/csv' });
  assert.equal(first.status, 202);
  assert.deepEqual(first.body, {
    connectionId: id,
    documents: 1,
    new: 1,
    known: 0,
    setAside: ['line 3: "2,00" is not an amount with a decimal dot'],
  });
  assert.deepEqual(await statuses(id), ['quarantined']);
  const { body: payments } = await server.call('GET', '/api/v1/payments');
  assert.deepEqual(payments.data, []);
  await server.call('PATCH', `/api/v1/connections/${id}`, {
    body: { settings: { csvDecimalMark: 'comma' } },
  });
  const wrong = await upload(id, CSV);
  assert.match(wrong.body.setAside[0], /line 2: "1.00" is not an amount with a decimal comma/);
  const fitting = await upload(id, CSV.replace('1.00', '"1,00"'), { type: 'application/json' });
  assert.deepEqual([fitting.body.new, fitting.body.setAside], [1, []]);
  assert.deepEqual(await statuses(id), ['quarantined', 'quarantined', 'applied']);
  const again = await upload(id, CSV.replace('1.00', '"1,00"'));
  assert.deepEqual([again.body.new, again.body.known], [0, 1]);
});

test('settings that do not fit are sentences about their fields', async () => {
  const bad = { fieldMapping: '{"type":"t","amont":"a"}', csvColumns: '{}' };
  const answer = await server.call('POST', '/api/v1/connections', {
    body: { portal: 'generic', name: 'Bank', settings: bad },
  });
  assert.equal(answer.body.code, 'invalid-settings');
  const said = answer.body.errors.map(
    ({ field, message }: { field: string; message: string }) => `${field}: ${message}`,
  );
  assert.ok(
    said.some((one: string) => /^fieldMapping: "amont" is no field/.test(one)),
    said,
  );
  assert.ok(
    said.some((one: string) => /^csvColumns: date: is missing/.test(one)),
    said,
  );
});

test('only owners and bookkeepers may, and only where there are files', async () => {
  const id = await connect();
  for (const role of ['dispatcher', 'auditor'] as const) {
    const answer = await upload(id, 'x', { key: await server.keyFor(role) });
    assert.equal(answer.body.code, 'forbidden');
  }
  const bookkeeper = await upload(id, 'x', { key: await server.keyFor('bookkeeper') });
  assert.equal(bookkeeper.status, 202);
  assert.equal((await upload('con_none', 'x')).body.code, 'not-found');
  const stripe = await connect({ webhookSecret: 'whsec_x' }, 'stripe');
  assert.equal((await upload(stripe, 'x')).body.code, 'not-uploadable');
  assert.equal((await upload(id, '')).body.code, 'not-uploadable');
  await server.call('DELETE', `/api/v1/connections/${id}`);
  assert.equal((await upload(id, 'y')).body.code, 'not-uploadable');
});

test('a file may be larger than any other body, up to the limit of the portal', async () => {
  const id = await connect();
  const large = await upload(id, 'x'.repeat(3 * 1024 * 1024));
  assert.equal(large.status, 202);
  const over = await upload(id, 'x'.repeat(20 * 1024 * 1024 + 1));
  assert.equal(over.body.code, 'body-too-large');
  const [row] = await server.app.database.query<{ count: bigint }>(sql`
    select count(*) from documents where connection_id = ${id}`);
  assert.equal(row?.count, 1n);
});

test('a mapping can be tried against a pasted sample', async () => {
  const fieldMapping = { type: '=payment.succeeded', id: 'no', amount: 'sum', currency: '=USD' };
  const attempt = (settings: object, path = 'generic') =>
    server.call('POST', `/api/v1/portals/${path}/normalize`, {
      body: { body: '{"no":7,"sum":"12.50","at":"2026-11-13T09:00:00Z"}', settings },
    });
  const missing = await attempt({ fieldMapping });
  assert.equal(missing.body.code, 'invalid-settings');
  assert.match(missing.body.errors[0].message, /occurredAt: is missing/);
  const good = await attempt({ fieldMapping: { ...fieldMapping, occurredAt: 'at' } });
  assert.equal(good.status, 200);
  assert.equal(good.body.events[0].amountMinor, 1250);
  const misplaced = await attempt({ fieldMapping: { ...fieldMapping, occurredAt: 'when' } });
  assert.match(misplaced.body.quarantined[0].reason, /occurredAt: there is nothing at when/);
  assert.equal((await attempt({}, 'nowhere')).status, 404);
  assert.equal((await attempt({}, 'stripe')).body.quarantined.length, 1);
});

test('OpenAPI describes it', async () => {
  const { body } = await server.call('GET', '/openapi.json');
  const operation = body.paths['/api/v1/connections/{id}/files'].post;
  assert.ok(operation.requestBody.content['application/octet-stream']);
  assert.ok(operation.responses['202']);
});
