import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { signatureHeaders } from '../../delivery/webhook-signature.ts';
import { Secret } from '../kit/secret.ts';
import { settings as schema } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const SECONDS = String(NOW.getTime() / 1000);
const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const BODY = '{"type":"payment.succeeded"}';

type Given = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly settings?: Readonly<Record<string, string>>;
  readonly receivedAt?: Date;
};

function judge({
  headers,
  body = BODY,
  settings = { webhookSecret: SECRET },
  receivedAt = NOW,
}: Given) {
  const notice = { headers, body: Buffer.from(body), url: '/', receivedAt };
  return authenticate(notice, schema.parse(settings));
}

function headersOf(
  signature: string,
  { id = 'msg_1', timestamp = SECONDS, family = 'webhook' } = {},
): Record<string, string> {
  return {
    [`${family}-id`]: id,
    [`${family}-timestamp`]: timestamp,
    [`${family}-signature`]: signature,
  };
}

function mac(key: Buffer | string, { timestamp = SECONDS, body = BODY } = {}): string {
  return createHmac('sha256', key).update(`msg_1.${timestamp}.${body}`).digest('base64');
}
const KEY = Buffer.from(SECRET.slice(6), 'base64');

function refusal(given: Given): string {
  const verdict = judge(given);
  assert.ok(verdict.verdict === 'refused', verdict.verdict);
  return `${verdict.code}: ${verdict.because}`;
}

describe('vectors', () => {
  const file = new URL('fixtures/signature-vectors.json', import.meta.url);
  const { vectors } = JSON.parse(readFileSync(file, 'utf8'));
  for (const { name, secret, publicKey, headers, body, valid } of vectors) {
    test(name, () => {
      const settings = secret ? { webhookSecret: secret } : { webhookPublicKey: publicKey };
      const receivedAt = new Date(Number(headers['webhook-timestamp']) * 1000 + 1000);
      const { verdict } = judge({ headers, body, settings, receivedAt });
      assert.equal(verdict, valid ? 'authentic' : 'refused');
    });
  }
});

describe('the official library', () => {
  test('signs what we accept, whatever the body', () => {
    const library = new Webhook(SECRET);
    const body = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(body, fc.string({ minLength: 1, unit: 'grapheme-ascii' }), (text, id) => {
        const signature = library.sign(id, NOW, text);
        const headers = headersOf(signature, { id });
        assert.deepEqual(judge({ headers, body: text }), { verdict: 'authentic' });
        assert.equal(judge({ headers, body: `${text} ` }).verdict, 'refused');
      }),
      { numRuns: 200 },
    );
  });

  test('takes what we take: our own deliveries', () => {
    const now = new Date();
    const message = { id: 'msg_1', sentAt: now, body: Buffer.from(BODY) };
    const headers = signatureHeaders(message, [new Secret(SECRET)]);
    assert.deepEqual(new Webhook(SECRET).verify(BODY, headers), JSON.parse(BODY));
    assert.deepEqual(judge({ headers, receivedAt: now }), { verdict: 'authentic' });
  });

  test('has a raw key, as we have', () => {
    const secret = 'not base64 at all but long enough';
    const signature = new Webhook(secret, { format: 'raw' }).sign('msg_1', NOW, BODY);
    const settings = { webhookSecret: secret, webhookKeyForm: 'text' };
    assert.deepEqual(judge({ headers: headersOf(signature), settings }), { verdict: 'authentic' });
    const { webhookKeyForm: _, ...decoded } = settings;
    assert.match(refusal({ headers: headersOf(signature), settings: decoded }), /webhookKeyForm/);
  });
});

describe('a genuine signature', () => {
  test('may stand anywhere among others, and under any of our secrets', () => {
    const signature = `v2,AAAA v1,${mac('former')} v1a,xyz v1,${mac(KEY)}`;
    const settings = { webhookSecret: `whsec_AAAA, ${SECRET}` };
    assert.equal(judge({ headers: headersOf(signature), settings }).verdict, 'authentic');
  });

  test('is taken under the names of Svix', () => {
    const headers = headersOf(`v1,${mac(KEY)}`, { family: 'svix' });
    assert.equal(judge({ headers }).verdict, 'authentic');
    assert.ok(recognizes({ headers, body: Buffer.alloc(0), url: '/', receivedAt: NOW }));
  });

  test('covers an empty body', () => {
    const headers = headersOf(`v1,${mac(KEY, { body: '' })}`);
    assert.equal(judge({ headers, body: '' }).verdict, 'authentic');
  });

  test('by ed25519 is believed under any of the public keys, and only as v1a', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { x } = publicKey.export({ format: 'jwk' });
    const key = `whpk_${Buffer.from(String(x), 'base64url').toString('base64')}`;
    const message = Buffer.from(`msg_1.${SECONDS}.${BODY}`);
    const signature = sign(null, message, privateKey).toString('base64');
    const other = `whpk_${Buffer.alloc(32, 1).toString('base64')}`;
    const settings = { webhookPublicKey: `${other},${key}` };
    assert.equal(judge({ headers: headersOf(`v1a,${signature}`), settings }).verdict, 'authentic');
    assert.match(refusal({ headers: headersOf(`v1a,${signature}`) }), /webhookPublicKey/);
    const changed = { headers: headersOf(`v1a,${signature}`), settings, body: `${BODY} ` };
    assert.match(refusal(changed), /signature-wrong/);
  });

  test('in hex, or with milliseconds, is taken where the setting says so', () => {
    const hex = headersOf(`v1,${Buffer.from(mac(KEY), 'base64').toString('hex')}`);
    const secret = { webhookSecret: SECRET };
    assert.match(refusal({ headers: hex }), /signature-malformed/);
    const asHex = { ...secret, webhookSignatureForm: 'hex' };
    assert.equal(judge({ headers: hex, settings: asHex }).verdict, 'authentic');
    const timestamp = String(NOW.getTime());
    const late = headersOf(`v1,${mac(KEY, { timestamp })}`, { timestamp });
    assert.match(refusal({ headers: late }), /webhookTimestampUnit/);
    const inMilliseconds = { ...secret, webhookTimestampUnit: 'milliseconds' };
    assert.equal(judge({ headers: late, settings: inMilliseconds }).verdict, 'authentic');
  });
});

describe('refused', () => {
  const good = headersOf(`v1,${mac(KEY)}`);

  test('without any one of the headers', () => {
    for (const name of Object.keys(good)) {
      const { [name]: _, ...headers } = good;
      assert.match(refusal({ headers }), /signature-missing/);
    }
    assert.match(refusal({ headers: {} }), /signature-missing/);
  });

  test('when the families are mixed', () => {
    const { 'webhook-id': id = '', ...headers } = good;
    assert.match(refusal({ headers: { ...headers, 'svix-id': id } }), /signature-missing/);
  });

  test('five minutes off, either way, but not a second before', () => {
    for (const sign of [1, -1]) {
      const at = (seconds: number) => new Date(NOW.getTime() + sign * seconds * 1000);
      assert.equal(judge({ headers: good, receivedAt: at(300) }).verdict, 'authentic');
      assert.match(refusal({ headers: good, receivedAt: at(301) }), /timestamp-stale/);
    }
  });

  test('with a timestamp that is no number', () => {
    for (const timestamp of ['', 'now', '1.5', '-1', `${SECONDS}, ${SECONDS}`]) {
      const verdict = judge({ headers: headersOf(`v1,${mac(KEY)}`, { timestamp }) });
      assert.equal(verdict.verdict, 'refused');
    }
  });

  test('saying what to look at', () => {
    assert.match(refusal({ headers: good, settings: {} }), /neither .webhookSecret. nor/);
    const otherEndpoint = { webhookSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' };
    assert.match(refusal({ headers: good, settings: otherEndpoint }), /another endpoint/);
    const quoted = { webhookSecret: `"${SECRET}"` };
    const body = '{"a": 1}';
    const rewritten = headersOf(`v1,${mac(KEY, { body: '{"a":1}' })}`);
    assert.match(refusal({ headers: rewritten, body }), /written anew/);
    assert.equal(judge({ headers: good, settings: quoted }).verdict, 'refused');
    const textual = headersOf(`v1,${mac(SECRET)}`);
    assert.match(refusal({ headers: textual }), /"text": set .webhookKeyForm./);
  });
});
