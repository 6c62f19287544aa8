import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { AddressRefused, NoAnswer, type OutboundRequest, type Post } from './outbound.ts';
import { sendWebhook } from './send-webhook.ts';
import { webhookSettings } from './system-settings.ts';
import { newSigningSecret } from './webhook-signature.ts';

const secret = newSigningSecret();
const settings = webhookSettings.parse({
  url: 'https://erp.example.com/hook',
  signingSecret: secret,
});
const message = { id: 'dlv_3', body: Buffer.from('{"type":"payment.succeeded"}') };
const now = () => new Date();

function answering(status: number, headers: Readonly<Record<string, string>> = {}) {
  return (): ReturnType<Post> => Promise.resolve({ status, headers, body: Buffer.from('said') });
}

test('the receiver can verify it, and an attempt can be told from a new message', async () => {
  const requests: OutboundRequest[] = [];
  const post: Post = (request) => {
    requests.push(request);
    return answering(204)();
  };
  assert.equal((await sendWebhook({ post, now }, settings, message)).outcome, 'done');
  await sendWebhook({ post, now }, settings, message);
  const [first, second] = requests;
  assert.ok(first && second);
  new Webhook(secret).verify(first.body.toString(), first.headers);
  assert.equal(first.headers['webhook-id'], second.headers['webhook-id']);
  assert.equal(first.allowPrivateAddresses, false);
});

test('what follows from each answer', async () => {
  const outcome = async (post: Post) => sendWebhook({ post, now }, settings, message);
  for (const status of [200, 201, 299]) {
    assert.equal((await outcome(answering(status))).outcome, 'done');
  }
  for (const status of [301, 400, 404, 429, 500]) {
    assert.equal((await outcome(answering(status))).outcome, 'retry');
  }
  assert.equal((await outcome(answering(410))).outcome, 'park');
  const patient = await outcome(answering(503, { 'retry-after': '90' }));
  assert.ok(patient.outcome === 'retry' && patient.afterMs === 90_000);
  assert.equal((await outcome(() => Promise.reject(new NoAnswer('silence')))).outcome, 'retry');
  const refused = await outcome(() => Promise.reject(new AddressRefused('private')));
  assert.deepEqual(refused, { outcome: 'park', because: 'private' });
});
