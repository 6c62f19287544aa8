import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '../../db/database.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server[Symbol.asyncDispose]());

const SECRET = 'whsec_very-secret-indeed';

function auditOf(subject: string) {
  return server.app.database.query<{ verb: string; details: unknown }>(sql`
    select verb, details from audit where subject = ${subject} order by id`);
}

test('portals are listed with their settings as JSON Schema', async () => {
  const { body } = await server.call('GET', '/api/v1/portals');
  const stripe = body.data.find((portal: { id: string }) => portal.id === 'stripe');
  assert.equal(stripe.capabilities.webhook, true);
  assert.equal(stripe.settings.properties.webhookSecret.secret, true);
});

test('a connection is made, changed, tested and disabled, and never shows its secret', async () => {
  const made = await server.call('POST', '/api/v1/connections', {
    body: { portal: 'stripe', name: 'Shop', settings: { webhookSecret: SECRET } },
  });
  assert.equal(made.status, 201);
  const { id } = made.body;
  assert.equal(made.body.webhookUrl, `http://checkvalve.test/webhooks/stripe/${id}`);
  const path = `/api/v1/connections/${id}`;
  const changed = await server.call('PATCH', path, { body: { name: 'Web shop' } });
  assert.equal(changed.body.name, 'Web shop');
  const tested = await server.call('POST', `${path}/test`);
  assert.ok(tested.body.findings.length > 0);
  const sync = await server.call('POST', `${path}/sync`, { body: {} });
  assert.equal(sync.body.code, 'not-syncable');
  const disabled = await server.call('DELETE', path);
  assert.equal(disabled.body.health.state, 'disabled');
  const list = await server.call('GET', '/api/v1/connections');
  const audit = await auditOf(id);
  assert.deepEqual(
    audit.map(({ verb }) => verb),
    ['connection.created', 'connection.changed', 'connection.changed'],
  );
  const shown = JSON.stringify([made, changed, tested, disabled, list, audit]);
  assert.ok(!shown.includes(SECRET));
});

test('settings that do not fit are named field by field', async () => {
  const answer = await server.call('POST', '/api/v1/connections', {
    body: { portal: 'stripe', name: 'Shop', settings: { webhookSecrt: SECRET } },
  });
  assert.equal(answer.status, 422);
  assert.equal(answer.body.code, 'invalid-settings');
  assert.equal(answer.body.errors[0].field, 'webhookSecrt');
});

test('our own records are no connection to be seen or changed', async () => {
  const { body } = await server.call('GET', '/api/v1/connections/con_own');
  assert.equal(body.code, 'not-found');
  const changed = await server.call('DELETE', '/api/v1/connections/con_own');
  assert.equal(changed.status, 404);
});

test('a system is made, changed and disabled, and never shows its secret', async () => {
  const signingSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const settings = { url: 'https://erp.example.com/hook', signingSecret };
  const body = { kind: 'webhook', name: 'ERP', settings };
  const made = await server.call('POST', '/api/v1/systems', { body });
  assert.equal(made.status, 201);
  const path = `/api/v1/systems/${made.body.id}`;
  const changed = await server.call('PATCH', path, { body: { enabled: false } });
  assert.equal(changed.body.enabled, false);
  const shown = JSON.stringify([made, changed, await server.call('GET', path)]);
  assert.ok(!shown.includes(signingSecret));
  const bad = { ...body, settings: { url: 'nowhere', signingSecret } };
  const refused = await server.call('POST', '/api/v1/systems', { body: bad });
  assert.equal(refused.body.code, 'invalid-settings');
  assert.equal((await auditOf(made.body.id)).length, 2);
});

test('a delivery is listed for its payment and can be hastened until it arrived', async () => {
  const settings = {
    url: 'https://erp.invalid/hook',
    signingSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  };
  await server.call('POST', '/api/v1/systems', { body: { kind: 'webhook', name: 'E', settings } });
  const paid = await server.call('POST', '/api/v1/payments', {
    body: { amount: { amount: '1.00', currency: 'USD' }, occurredAt: '2026-11-20T07:00:00Z' },
  });
  const list = await server.call('GET', `/api/v1/deliveries?payment=${paid.body.id}`);
  assert.equal(list.body.data[0].topic, 'payment.succeeded');
  const path = `/api/v1/deliveries/${list.body.data[0].id}`;
  assert.equal((await server.call('POST', `${path}/retry`)).status, 202);
  assert.ok(Array.isArray((await server.call('GET', path)).body.tries));
  await server.app.database.execute(sql`
    update deliveries set state = 'done', finished_at = now()`);
  assert.equal((await server.call('POST', `${path}/retry`)).body.code, 'not-retryable');
});
