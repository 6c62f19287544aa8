import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Notice } from '../contract.ts';
import { settings } from './settings.ts';
import { authenticate, recognizes } from './webhook.ts';

const SECRET = 'VpQ3WukU6uSCGQ8TPTD3WPDpac3GyNEj';
const BODY =
  '{"resource":"event","id":"event_GvJ8WHrp5isUdRub9CJyH","type":"payment.paid",' +
  '"entityId":"tr_5B8cwPMGnU6qLbRvo7qEZo","createdAt":"2026-11-12T14:58:10+00:00"}';
const SIGNATURE = '84ffd3cc5f6f4c971b4dd39ddaee651d8c09ad9015e1feb5460182fbed18a677';
const CLASSIC = 'id=tr_5B8cwPMGnU6qLbRvo7qEZo';

function notice(body: string | Buffer, signature?: string): Notice {
  return {
    headers: signature === undefined ? {} : { 'x-mollie-signature': signature },
    body: Buffer.from(body),
    url: '/webhooks/mollie/con_1',
    receivedAt: new Date('2026-11-12T14:58:11Z'),
  };
}

function verdict(body: string | Buffer, signature?: string, webhookSecret = SECRET): string {
  const of = settings.parse({ webhookSecret });
  const result = authenticate(notice(body, signature), of);
  return result.verdict === 'refused' ? result.code : result.verdict;
}

describe('signature', () => {
  test('vectors: documented key and body, and those of the official PHP validator', () => {
    assert.equal(verdict(BODY, `sha256=${SIGNATURE}`), 'authentic');
    assert.equal(
      verdict(
        '{"id":"tr_12345","event_type":"payment-link.paid"}',
        'e479a5e4aaa17db94cfc546071e10e91c0b37f21e464e751ebdd7d7ad2ffd146',
        'test_webhook_secret',
      ),
      'authentic',
    );
  });

  test('prefix, case, several values and several secrets', () => {
    assert.equal(verdict(BODY, SIGNATURE), 'authentic');
    assert.equal(verdict(BODY, `sha256=${SIGNATURE.toUpperCase()}`), 'authentic');
    assert.equal(verdict(BODY, `sha256=${'0'.repeat(64)}, sha256=${SIGNATURE}`), 'authentic');
    assert.equal(verdict(BODY, `junk,${SIGNATURE}`), 'authentic');
    assert.equal(verdict(BODY, SIGNATURE, `newer, ${SECRET}`), 'authentic');
  });

  test('forged, altered and malformed ones are refused', () => {
    assert.equal(verdict(BODY.replace('paid', 'pai_'), `sha256=${SIGNATURE}`), 'signature-wrong');
    assert.equal(verdict(`${BODY}\n`, `sha256=${SIGNATURE}`), 'signature-wrong');
    assert.equal(verdict(BODY, SIGNATURE, 'another'), 'signature-wrong');
    assert.equal(verdict(BODY, `sha256=${SIGNATURE.slice(2)}`), 'signature-malformed');
    assert.equal(verdict(BODY, `sha1=${SIGNATURE}`), 'signature-malformed');
    assert.equal(verdict(BODY, 'sha256='), 'signature-malformed');
    assert.equal(verdict(CLASSIC, `sha256=${SIGNATURE}`), 'signature-wrong');
  });

  test('a signature without a secret to check it proves nothing', () => {
    const result = authenticate(notice(BODY, SIGNATURE), settings.parse({}));
    assert.ok(result.verdict === 'refused' && result.because.includes('no webhookSecret'));
  });

  test('bodies are signed as bytes, not as text', () => {
    const body = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    const mac = createHmac('sha256', SECRET).update(body).digest('hex');
    assert.equal(verdict(body, `sha256=${mac}`), 'authentic');
  });
});

describe('without a signature', () => {
  test('a form that names an id is a hint, everything else is refused', () => {
    assert.equal(verdict(CLASSIC), 'hint');
    assert.equal(verdict('id=ord_kEn1PlbGa', ' '), 'hint');
    for (const body of [BODY, '', 'id=', 'id=1', 'name=payment.create&object_id=1', '<x/>']) {
      assert.equal(verdict(body), 'signature-missing', body);
    }
  });
});

describe('recognizes', () => {
  test('both systems of Mollie and nothing of others', () => {
    assert.ok(recognizes(notice(BODY, SIGNATURE)));
    assert.ok(recognizes(notice(CLASSIC)));
    for (const body of [
      BODY,
      'bt_signature=a%7Cb&bt_payload=c',
      'name=payment.create&object_id=12&account_id=a1&business_id=3&identity_id=4&user_id=5',
      'JSONString=%7B%22id%22%3A%22tr_1%22%7D',
      'eventCode=AUTHORISATION&success=true&pspReference=88',
      '{"id":"evt_1","object":"event","type":"charge.succeeded"}',
    ]) {
      assert.ok(!recognizes(notice(body)), body);
    }
  });
});
