import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { allows, ROLES } from './access.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server[Symbol.asyncDispose]());

const usd = (amount: string) => ({ amount, currency: 'USD' });

async function invoice(externalId: string, amount: string, more: object = {}) {
  const body = { total: usd(amount), ...more };
  const answer = await server.call('PUT', `/api/v1/invoices/${externalId}`, { body });
  assert.ok(answer.status < 300, JSON.stringify(answer.body));
  return answer.body;
}

function pay(externalId: string, amount: string, references: readonly string[], more: object = {}) {
  return server.call('POST', '/api/v1/payments', {
    body: {
      externalId,
      amount: usd(amount),
      method: 'check',
      occurredAt: '2026-11-20T07:00:00Z',
      references: references.map((value) => ({ kind: 'invoice', value })),
    },
    ...more,
  });
}

test('is alive and ready, and shows its metrics without a key', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json']) {
    const response = await fetch(`${server.url}${path}`);
    assert.equal(response.status, 200, path);
    await response.arrayBuffer();
  }
});

test('describes every route of the contract as OpenAPI 3.1', async () => {
  const { body } = await server.call('GET', '/openapi.json');
  assert.equal(body.openapi, '3.1.0');
  for (const [path, verbs] of Object.entries(CONTRACT)) {
    assert.ok(body.paths[path], path);
    for (const verb of verbs) assert.ok(body.paths[path][verb], `${verb} ${path}`);
  }
  assert.ok(body.components.schemas.Payment);
  assert.ok(body.paths['/api/v1/payments'].get.responses['4XX']);
});

const CONTRACT: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/payments': ['get', 'post'],
  '/api/v1/payments/{id}': ['get'],
  '/api/v1/payments/{id}/trail': ['get'],
  '/api/v1/payments/{id}/allocations': ['post'],
  '/api/v1/payments/{id}/allocations/{allocationId}': ['delete'],
  '/api/v1/customers/{id}/balance': ['get'],
  '/api/v1/customers/{id}/statement': ['get'],
  '/api/v1/documents/{id}/raw': ['get'],
  '/api/v1/documents/{id}/replay': ['post'],
  '/api/v1/review-items/{id}/resolve': ['post'],
  '/api/v1/ledger/trial-balance': ['get'],
  '/api/v1/connections/{id}/test': ['post'],
  '/api/v1/connections/{id}/sync': ['post'],
  '/api/v1/deliveries/{id}/retry': ['post'],
  '/api/v1/stream': ['get'],
};

test('refuses callers without a key, also for paths that do not exist', async () => {
  for (const path of ['/api/v1/payments', '/api/v1/nothing']) {
    for (const key of ['', 'cvk_wrong']) {
      const answer = await server.call('GET', path, { key });
      assert.equal(answer.status, 401);
      assert.equal(answer.body.code, 'unauthenticated');
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
    }
  }
  assert.equal((await server.call('GET', '/api/v1/nothing')).body.code, 'not-found');
});

test('bodies that are no JSON, or too large, are refused by their own codes', async () => {
  const send = (type: string, body: string) =>
    server.call('POST', '/api/v1/payments', { headers: { 'content-type': type }, text: body });
  assert.equal((await send('text/plain', 'a=b')).body.code, 'unsupported-media-type');
  assert.equal((await send('application/json', '{')).body.code, 'invalid-request');
  const large = JSON.stringify({ text: 'x'.repeat(3_000_000) });
  assert.equal((await send('application/json', large)).body.code, 'body-too-large');
  assert.equal((await server.call('GET', '/nowhere')).body.code, 'not-found');
});

test('each role may do what the table says and nothing else', async () => {
  const attempts = [
    ['read', 'GET', '/api/v1/payments', undefined],
    ['read-books', 'GET', '/api/v1/ledger/accounts', undefined],
    ['read-raw', 'GET', '/api/v1/documents/doc_999999/raw', undefined],
    ['write-receivables', 'PUT', '/api/v1/customers/R1', {}],
    ['write-payments', 'POST', '/api/v1/payments', {}],
    ['allocate', 'DELETE', '/api/v1/payments/pay_9/allocations/al_9', undefined],
    ['review', 'POST', '/api/v1/review-items/rev_9/resolve', { resolution: 'x' }],
    ['replay', 'POST', '/api/v1/documents/doc_999999/replay', undefined],
    ['retry-delivery', 'POST', '/api/v1/deliveries/dlv_9/retry', undefined],
    ['sync', 'POST', '/api/v1/connections/con_none/sync', {}],
    ['configure', 'POST', '/api/v1/connections', {}],
  ] as const;
  for (const role of ROLES) {
    const key = await server.keyFor(role);
    for (const [access, method, path, body] of attempts) {
      const answer = await server.call(method, path, {
        key,
        ...(body === undefined ? {} : { body }),
      });
      assert.equal(answer.status !== 403, allows(access, role), `${role} ${method} ${path}`);
    }
  }
});

test('a payment pays its invoice, releases the work order and tells its whole trail', async () => {
  await server.call('PUT', '/api/v1/customers/C1', { body: { name: 'Acme Air' } });
  const order = { kind: 'service', customerExternalId: 'C1' };
  await server.call('PUT', '/api/v1/work-orders/WO-1', { body: order });
  await server.call('PUT', '/api/v1/warranties/W-1', { body: { workOrder: 'WO-1' } });
  await invoice('INV-1', '1075.00', { customerExternalId: 'C1', workOrder: 'WO-1' });
  const paid = await pay('CHK-1', '1075.00', ['INV-1']);
  assert.equal(paid.status, 201);
  const { id, allocations, releases, ...payment } = paid.body;
  assert.equal(payment.status, 'succeeded');
  assert.deepEqual(payment.amount, usd('1075.00'));
  assert.deepEqual(payment.unapplied, usd('0.00'));
  assert.equal(payment.customer.name, 'Acme Air');
  assert.equal(allocations[0].target.number, 'INV-1');
  assert.match(allocations[0].explanation.because, /INV-1/);
  assert.deepEqual(
    releases.map(({ name, state }: { name: string; state: string }) => [name, state]),
    [
      ['service.release', 'done'],
      ['warranty.activate', 'done'],
    ],
  );

  const trail = (await server.call('GET', `/api/v1/payments/${id}/trail`)).body;
  assert.deepEqual(trail.payment.id, id);
  assert.equal(trail.documents.length, 1);
  assert.equal(trail.documents[0].status, 'applied');
  assert.ok(trail.entries.length >= 2);
  assert.equal(trail.actions.length, 2);
  const raw = await server.call('GET', trail.documents[0].rawUrl);
  assert.match(raw.headers.get('content-disposition') ?? '', /^attachment/);
  assert.equal(raw.body.externalId, 'CHK-1');

  const one = (await server.call('GET', '/api/v1/invoices/INV-1')).body;
  assert.equal(one.status, 'paid');
  assert.deepEqual(one.balance, usd('0.00'));
  const statement = (await server.call('GET', '/api/v1/customers/C1/statement')).body;
  assert.deepEqual(statement.lines.at(-1).balance, usd('0.00'));
});

test('the filters of the list find a payment and only it', async () => {
  await invoice('INV-F', '10.00');
  const { body } = await pay('CHK-F', '10.00', ['INV-F']);
  const filters = ['externalId=CHK-F', 'reference=inv-f', 'externalId=CHK-F&portal=own'];
  for (const filter of filters) {
    const list = (await server.call('GET', `/api/v1/payments?${filter}`)).body;
    assert.deepEqual(
      list.data.map((payment: { id: string }) => payment.id),
      [body.id],
      filter,
    );
  }
  for (const filter of [
    'externalId=nope',
    'externalId=CHK-F&portal=stripe',
    'to=2020-01-01T00:00:00Z',
  ]) {
    assert.deepEqual(
      (await server.call('GET', `/api/v1/payments?${filter}`)).body.data,
      [],
      filter,
    );
  }
});

test('pages walk a list without gaps or repetitions', async () => {
  for (let n = 0; n < 7; n += 1) await server.call('PUT', `/api/v1/customers/P${n}`, { body: {} });
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = `limit=3${cursor ? `&cursor=${cursor}` : ''}`;
    const page = (await server.call('GET', `/api/v1/customers?${query}`)).body;
    seen.push(...page.data.map((row: { externalId: string }) => row.externalId));
    cursor = page.next;
  }
  assert.equal(new Set(seen).size, seen.length);
  for (let n = 0; n < 7; n += 1) assert.ok(seen.includes(`P${n}`));
  const bad = await server.call('GET', '/api/v1/customers?cursor=%7B%7D');
  assert.equal(bad.body.code, 'invalid-request');
});

test('the same idempotency key gives the same answer, other content names the field', async () => {
  const headers = { 'idempotency-key': 'pay-once' };
  const first = await pay('CHK-I', '5.00', [], { headers });
  const again = await pay('CHK-I', '5.00', [], { headers });
  assert.deepEqual([again.status, again.body], [first.status, first.body]);
  const other = await pay('CHK-I', '6.00', [], { headers });
  assert.equal(other.status, 409);
  assert.equal(other.body.code, 'idempotency-conflict');
  assert.deepEqual(other.body.fields, ['amount.amount']);
  const list = (await server.call('GET', '/api/v1/payments?externalId=CHK-I')).body;
  assert.equal(list.data.length, 1);
});

test('an amount that its currency cannot hold is refused before anything is stored', async () => {
  const before = (await server.call('GET', '/api/v1/documents?limit=1')).body.data[0].id;
  const body = { total: { amount: '10.5', currency: 'JPY' } };
  const answer = await server.call('PUT', '/api/v1/invoices/INV-JPY', { body });
  assert.equal(answer.status, 400);
  assert.match(answer.body.detail, /digits/);
  const now = (await server.call('GET', '/api/v1/documents?limit=1')).body.data[0].id;
  assert.equal(now, before);
});

test('people apply unapplied cash; what does not fit is quarantined with the reason', async () => {
  const target = { kind: 'invoice', id: (await invoice('INV-A', '30.00')).id };
  const { id } = (await pay('CHK-A', '50.00', [])).body;
  const path = `/api/v1/payments/${id}/allocations`;
  const tooMuch = await server.call('POST', path, { body: { target, amount: '31.00' } });
  assert.equal(tooMuch.status, 422);
  assert.equal(tooMuch.body.code, 'quarantined');
  assert.match(tooMuch.body.detail, /at most 30.00 USD/);
  const applied = await server.call('POST', path, { body: { target, amount: usd('30.00') } });
  assert.equal(applied.status, 201);
  assert.deepEqual(applied.body.unapplied, usd('20.00'));
});

test('a review item is resolved once, by name', async () => {
  await pay('CHK-R', '9.00', ['INV-UNKNOWN']);
  const list = (await server.call('GET', '/api/v1/review-items?state=open')).body;
  assert.ok(list.total >= 1);
  const [item] = list.data;
  const path = `/api/v1/review-items/${item.id}/resolve`;
  const body = { resolution: 'Kept as a credit.' };
  const resolved = await server.call('POST', path, { body });
  assert.equal(resolved.body.state, 'resolved');
  assert.match(resolved.body.resolution, /Kept as a credit. \(test owner/);
  assert.equal((await server.call('POST', path, { body })).status, 422);
});

test('the trial balance balances, by effective day too, and the books verify', async () => {
  const all = (await server.call('GET', '/api/v1/ledger/trial-balance')).body;
  assert.ok(all.balanced && all.rows.length > 0);
  const none = (await server.call('GET', '/api/v1/ledger/trial-balance?asOf=2020-01-01')).body;
  assert.deepEqual(none.rows, []);
  assert.equal((await server.call('GET', '/api/v1/ledger/verify')).body.ok, true);
  const entries = (await server.call('GET', '/api/v1/ledger/entries?account=bank')).body;
  assert.deepEqual(entries.data, []);
});

test('only a quarantined document can be replayed', async () => {
  const { data } = (await server.call('GET', '/api/v1/documents?status=applied&limit=1')).body;
  const applied = await server.call('POST', `/api/v1/documents/${data[0].id}/replay`);
  assert.equal(applied.body.code, 'not-replayable');
  const { id } = (await pay('CHK-Q', '1.00', [])).body;
  const target = { kind: 'invoice', id: 'inv_999999' };
  const path = `/api/v1/payments/${id}/allocations`;
  const { documentId } = (await server.call('POST', path, { body: { target } })).body;
  const replayed = await server.call('POST', `/api/v1/documents/${documentId}/replay`);
  assert.deepEqual([replayed.status, replayed.body.status], [202, 'queued']);
});
