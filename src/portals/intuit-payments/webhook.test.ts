/** Signatures, and which notices are whose. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice, Verdict } from '../contract.ts';
import { portals } from '../index.ts';
import { intuitPayments } from './index.ts';

const webhook = intuitPayments.webhook ?? assert.fail('no webhook');
const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const least = JSON.parse(fixture('contract.json').toString()).settings;

type Vector = { name: string; key: string; body: string; expected: string };
const vectors = JSON.parse(fixture('signature-vectors.json').toString()) as Vector[];

function notice(body: Buffer | string, headers: Record<string, string>): Notice {
  return { headers, body: Buffer.from(body), url: '/', receivedAt: new Date(0) };
}

function verdict(body: string | Buffer, signature: string | undefined, verifierToken?: string) {
  const settings = intuitPayments.settings.parse({
    ...least,
    ...(verifierToken === undefined ? {} : { verifierToken }),
  });
  const headers = signature === undefined ? {} : { 'intuit-signature': signature };
  const result: Verdict = webhook.authenticate(notice(body, headers), settings);
  return result.verdict === 'refused' ? result.code : result.verdict;
}

describe('signatures', () => {
  for (const { name, key, body, expected } of vectors) {
    test(name, () => {
      assert.equal(verdict(body, expected, key), 'authentic');
      assert.equal(verdict(body, expected, `old-token, ${key}`), 'authentic', 'rotation');
      assert.equal(verdict(body, expected, 'another'), 'signature-wrong');
      assert.equal(verdict(`${body}\n`, expected, key), 'signature-wrong');
      assert.equal(verdict(body.replace('1', '2'), expected, key), 'signature-wrong');
      assert.equal(verdict(body, undefined, key), 'signature-missing');
      assert.equal(verdict(body, expected.slice(0, -1), key), 'signature-malformed');
      assert.equal(verdict(body, expected), 'signature-wrong', 'without a verifier token');
    });
  }

  test('the samples of accounting are the bytes of their vectors', () => {
    const [legacy, cloudEvents] = vectors;
    assert.equal(fixture('api-notice-accounting-legacy.in.json').toString(), legacy?.body);
    assert.equal(
      fixture('api-notice-accounting-cloudevents.in.json').toString(),
      cloudEvents?.body,
    );
  });

  test('PaymentCreated is signed in the same way', () => {
    const body = fixture('webhook-payment-created.in.json');
    const signature = createHmac('sha256', 'a-token').update(body).digest('base64');
    assert.equal(verdict(body, signature, 'a-token'), 'authentic');
    assert.equal(verdict(body, signature, 'b-token'), 'signature-wrong');
  });
});

describe('recognition at the address of all portals', () => {
  const takers = (body: string | Buffer, headers = { 'intuit-signature': 'x' }) =>
    portals
      .filter((portal) => portal.webhook?.recognizes(notice(body, headers)))
      .map(({ id }) => id);

  test('PaymentCreated in any shape is ours alone', () => {
    for (const body of [
      '{"eventType":"PaymentCreated","id":"EZXGXZQXGXCF"}',
      '{ "event" : "PaymentCreated" , "data" : { "id" : "EZXGXZQXGXCF" } }',
      '[{"type":"PaymentCreated","paymentId":"EZXGXZQXGXCF"},{"type":"PaymentCreated","id":"a9"}]',
      '{"name":"payment.created","chargeId":"EZXGXZQXGXCF"}',
      '{"data":{"eventName":"PAYMENT_CREATED","id":"EZXGXZQXGXCF"}}',
    ]) {
      assert.deepEqual(takers(body), ['intuit-payments'], body);
    }
  });

  test("accounting's notices are QuickBooks', whatever else stands among them", () => {
    for (const { body } of vectors) assert.deepEqual(takers(body), ['quickbooks']);
    const mixed = '[{"type":"qbo.payment.created.v1"},{"type":"PaymentCreated","id":"E1"}]';
    assert.deepEqual(takers(mixed), ['quickbooks']);
  });

  test('nothing without the signature header, and no other event', () => {
    const body = '{"eventType":"PaymentCreated","id":"EZXGXZQXGXCF"}';
    assert.ok(!webhook.recognizes(notice(body, {})));
    for (const other of [
      '{"eventType":"PaymentUpdated","id":"E1"}',
      '{"eventType":"InvoicePaymentCreated","id":"E1"}',
      '{"memo":"PaymentCreated"}',
      'PaymentCreated',
      '',
    ]) {
      assert.deepEqual(takers(other), [], other);
    }
  });
});
