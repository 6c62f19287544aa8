import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Sage50Simulator, simulateSage50 } from '../../../simulators/sage-50.ts';
import { sql } from '../../db/database.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
let sage: Sage50Simulator;
let connectionId: string;
let path: string;
const NOW = new Date('2026-11-20T08:00:00.000Z');

before(async () => {
  server = await startTestServer();
  sage = await simulateSage50({ seed: 7, bridge: 'none' });
  const customer = sage.addCustomer({ name: 'Northfield', email: 'a@n.example' }, NOW);
  for (const number of ['INV-1', 'INV-2']) {
    const billed = { number, customerExternalId: customer, amountMinor: 10_000n, currency: 'USD' };
    sage.addInvoice(billed, NOW);
  }
  const body = { portal: 'sage-50', name: 'Sage', role: 'books', settings: sage.settings };
  const made = await server.call('POST', '/api/v1/connections', { body });
  connectionId = made.body.id;
  await upload();
  const { body: systems } = await server.call('GET', '/api/v1/systems');
  path = `/api/v1/systems/${systems.data[0].id}/import-files`;
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await sage.close();
});

async function upload(): Promise<void> {
  const files = `/api/v1/connections/${connectionId}/files`;
  const stored = await server.call('POST', files, {
    text: sage.exportFile(),
    headers: { 'content-type': 'application/octet-stream' },
  });
  assert.equal(stored.status, 202);
}

/** Pays an invoice in full and waits until its delivery does. */
async function pay(invoice: string): Promise<string> {
  const body = {
    amount: { amount: '100.00', currency: 'USD' },
    occurredAt: '2026-11-20T09:00:00Z',
    references: [{ kind: 'invoice', value: invoice }],
  };
  const paid = await server.call('POST', '/api/v1/payments', { body });
  await eventually(async () => (await deliveryOf(paid.body.id))?.state === 'waiting');
  return paid.body.id;
}

async function deliveryOf(paymentId: string) {
  const { body } = await server.call('GET', `/api/v1/deliveries?payment=${paymentId}`);
  return body.data.find(({ topic }: { topic: string }) => topic === 'payment.applied');
}

async function eventually(look: () => Promise<boolean>): Promise<void> {
  for (let times = 0; times < 200; times += 1) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen in time');
}

test('a file is cut when a person asks, listed, downloaded, and seen when the books show it', async () => {
  const none = await server.call('POST', path);
  assert.deepEqual([none.status, none.body.code], [409, 'no-import-file']);
  assert.match(none.body.detail, /Nothing waits/);
  const payment = await pay('INV-1');
  const cut = await server.call('POST', path);
  assert.equal(cut.status, 201, JSON.stringify(cut.body));
  assert.equal(cut.body.entries[0].paymentId, payment);
  assert.deepEqual([cut.body.seen, cut.body.firstDownloadedAt], [0, null]);
  const delivery = await deliveryOf(payment);
  assert.equal(delivery.lastError, `written into ${cut.body.name}, which nobody has imported yet`);

  const auditor = await server.keyFor('auditor');
  const content = `/api/v1/import-files/${cut.body.id}/content`;
  assert.equal((await server.call('GET', content, { key: auditor })).status, 403);
  const bookkeeper = await server.keyFor('bookkeeper');
  const file = await server.call('GET', content, { key: bookkeeper });
  assert.equal(file.status, 200);
  assert.match(String(file.headers.get('content-disposition')), new RegExp(cut.body.name));
  assert.equal(Buffer.byteLength(file.body), cut.body.size);
  const again = await server.call('GET', content);
  assert.equal(again.body, file.body);
  const listed = await server.call('GET', path, { key: auditor });
  assert.equal(listed.body.data[0].name, cut.body.name);
  assert.notEqual(listed.body.data[0].firstDownloadedAt, null);
  const audit = await server.app.database.query<{ verb: string }>(
    sql`select verb from audit where verb like 'import-file.%' order by id`,
  );
  assert.deepEqual(
    audit.map(({ verb }) => verb),
    ['import-file.cut', 'import-file.downloaded', 'import-file.downloaded'],
  );

  sage.importFile(file.body, new Date());
  await upload();
  await eventually(async () => (await deliveryOf(payment))?.state === 'done');
  const { body } = await server.call('GET', path);
  assert.equal(body.data[0].seen, 1);
});

test('the list comes in pages, the newest first', async () => {
  await pay('INV-2');
  const cut = await server.call('POST', path);
  const first = await server.call('GET', `${path}?limit=1`);
  assert.equal(first.body.data[0].id, cut.body.id);
  const second = await server.call('GET', `${path}?limit=1&cursor=${first.body.next}`);
  assert.equal(second.body.data[0].number, 1);
  assert.equal(second.body.next, null);
});

test('what is not there, or takes no files, says so', async () => {
  const refused = async (method: string, at: string) =>
    (await server.call(method, at)).body.code as string;
  assert.equal(await refused('GET', '/api/v1/systems/sys_none/import-files'), 'not-found');
  assert.equal(await refused('POST', '/api/v1/systems/sys_none/import-files'), 'not-found');
  assert.equal(await refused('GET', '/api/v1/import-files/imp_999/content'), 'not-found');
  assert.equal(await refused('GET', '/api/v1/import-files/999/content'), 'not-found');
  const settings = {
    url: 'https://erp.invalid/hook',
    signingSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  };
  const hook = { kind: 'webhook', name: 'ERP', settings };
  const { body } = await server.call('POST', '/api/v1/systems', { body: hook });
  const cut = await server.call('POST', `/api/v1/systems/${body.id}/import-files`);
  assert.equal(cut.body.code, 'no-import-file');
  assert.match(cut.body.detail, /ERP takes no import files/);
});
