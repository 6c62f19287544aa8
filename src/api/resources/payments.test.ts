import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server[Symbol.asyncDispose]());

const usd = (amount: string) => ({ amount, currency: 'USD' });

test('an allocation taken back frees cash and invoice, and stays in the trail', async () => {
  await server.call('PUT', '/api/v1/invoices/INV-1', { body: { total: usd('30.00') } });
  const paid = await server.call('POST', '/api/v1/payments', {
    body: {
      amount: usd('50.00'),
      occurredAt: '2026-11-20T07:00:00Z',
      references: [{ kind: 'invoice', value: 'INV-1' }],
    },
  });
  const { id, allocations } = paid.body;
  const path = `/api/v1/payments/${id}/allocations/${allocations[0].id}`;
  const reversed = await server.call('DELETE', `${path}?reason=wrong%20invoice`);
  assert.equal(reversed.status, 200);
  assert.deepEqual(reversed.body.unapplied, usd('50.00'));
  assert.deepEqual(reversed.body.allocations, []);
  const trail = (await server.call('GET', `/api/v1/payments/${id}/trail`)).body;
  assert.equal(trail.allocations[0].state, 'taken_back');
  assert.deepEqual(trail.allocations[0].originalAmount, usd('30.00'));
  assert.ok(trail.entries.some((entry: { reverses: string | null }) => entry.reverses !== null));
  const invoice = (await server.call('GET', '/api/v1/invoices/INV-1')).body;
  assert.deepEqual([invoice.status, invoice.balance], ['open', usd('30.00')]);
  assert.equal((await server.call('DELETE', path)).status, 422);
});
