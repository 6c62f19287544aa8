import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Secret } from '../portals/kit/secret.ts';
import { isSigningSecret, newSigningSecret, signatureHeaders } from './webhook-signature.ts';

const body = Buffer.from('{"type":"payment.succeeded","data":{"name":"Grüße"}}');
// The official verifier compares with its own clock.
const message = { id: 'msg_12', sentAt: new Date(), body };

test('the official library accepts what we sign', () => {
  const secret = newSigningSecret();
  const headers = signatureHeaders(message, [new Secret(secret)]);
  assert.deepEqual(
    new Webhook(secret).verify(body.toString(), headers),
    JSON.parse(body.toString()),
  );
});

test('each of several secrets verifies while one is being replaced', () => {
  const [former, next, other] = [newSigningSecret(), newSigningSecret(), newSigningSecret()];
  const headers = signatureHeaders(message, [new Secret(next), new Secret(former)]);
  for (const secret of [former, next]) new Webhook(secret).verify(body.toString(), headers);
  assert.throws(() => new Webhook(other).verify(body.toString(), headers));
});

test('another body, id or time does not verify', () => {
  const secret = newSigningSecret();
  const headers = signatureHeaders(message, [new Secret(secret)]);
  const verifier = new Webhook(secret);
  assert.throws(() => verifier.verify(`${body} `, headers));
  assert.throws(() => verifier.verify(body.toString(), { ...headers, 'webhook-id': 'msg_13' }));
  const earlier = { ...message, sentAt: new Date(message.sentAt.getTime() - 600_000) };
  assert.throws(() =>
    verifier.verify(body.toString(), signatureHeaders(earlier, [new Secret(secret)])),
  );
});

test('the published example has its published signature', () => {
  const headers = signatureHeaders(
    {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      sentAt: new Date(1614265330 * 1000),
      body: Buffer.from('{"test": 2432232314}'),
    },
    [new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
  );
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('knows a signing secret', () => {
  assert.ok(isSigningSecret(newSigningSecret()));
  assert.ok(isSigningSecret('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'));
  for (const text of ['', 'whsec_', 'whsec_short', 'whsec_!!!!', `whsec_${'A'.repeat(90)}`]) {
    assert.ok(!isSigningSecret(text), text);
  }
});
