import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import braintree from 'braintree';
import fc from 'fast-check';
import type { Notice } from '../contract.ts';
import { settings } from './settings.ts';
import { authenticate, handshake, readForm, recognizes, xmlOf } from './webhook.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const KEYS = { publicKey: 'integration_public_key', privateKey: 'integration_private_key' };
const ours = settings.parse(KEYS);
const sdk = new braintree.BraintreeGateway({
  environment: braintree.Environment.Sandbox,
  merchantId: 'integration_merchant_id',
  ...KEYS,
});

type Vector = {
  readonly name: string;
  readonly challenge?: string;
  readonly expectedBody?: string;
  readonly bt_payload?: string;
  readonly bt_signature?: string;
  readonly bodyFile?: string;
  readonly valid?: boolean;
};
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('signature-vectors.json', fixtures), 'utf8'),
);

const formOf = (signature: string, payload: string): string =>
  new URLSearchParams({ bt_signature: signature, bt_payload: payload }).toString();

const noticeOf = (body: string | Buffer, more: Partial<Notice> = {}): Notice => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: Buffer.from(body),
  url: '/webhooks/payment-event',
  receivedAt: new Date('2026-11-21T08:00:00Z'),
  ...more,
});

function verdict(body: string | Buffer, of = ours): string {
  const found = authenticate(noticeOf(body), of);
  return found.verdict === 'refused' ? `${found.code}: ${found.because}` : found.verdict;
}

const genuine = vectors.find(({ name }) => /small check/.test(name)) as Required<Vector>;
const { bt_payload: payload, bt_signature: signature } = genuine;

describe('the documented vectors', () => {
  for (const vector of vectors) {
    test(vector.name, async () => {
      if (vector.challenge !== undefined) {
        const url = `/webhooks/braintree/con_1?bt_challenge=${vector.challenge}`;
        const reply = handshake(noticeOf('', { method: 'GET', url }), ours);
        assert.equal(reply?.status, 200);
        assert.equal(reply?.body, vector.expectedBody);
        return;
      }
      const name = vector.bodyFile?.replace(/\.json$/, '.in.form');
      const body = name
        ? readFileSync(new URL(name, fixtures))
        : formOf(vector.bt_signature ?? '', vector.bt_payload ?? '');
      assert.equal(verdict(body) === 'authentic', vector.valid);
      const form = readForm(Buffer.from(body));
      assert.ok(form);
      assert.equal(form.signature, vector.bt_signature);
      const parsed = sdk.webhookNotification.parse(form.signature, form.payload);
      if (vector.valid) assert.ok(xmlOf(form).includes(`<kind>${(await parsed).kind}</kind>`));
      else await assert.rejects(parsed);
    });
  }
});

describe('what the official SDK signs', () => {
  const kinds = ['check', 'transaction_disbursed', 'dispute_opened', 'disbursement'] as const;
  for (const kind of kinds) {
    test(kind, async () => {
      const sample = await sdk.webhookTesting.sampleNotification(kind, 'abc123');
      const body = formOf(sample.bt_signature, sample.bt_payload);
      assert.equal(verdict(body), 'authentic');
      assert.ok(recognizes(noticeOf(body)));
    });
  }

  test('any text, whatever its bytes; any other key is refused', async () => {
    const [mine, stranger] = [KEYS.privateKey, 'someone_elses_key'].map((privateKey) => {
      const key = { ...KEYS, privateKey };
      return new braintree.BraintreeGateway({
        environment: braintree.Environment.Sandbox,
        merchantId: 'm',
        ...key,
      }).webhookTesting as unknown as { sampleSignature(text: string): string };
    });
    assert.ok(mine && stranger);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const text = `${Buffer.from(bytes).toString('base64')}\n`;
        assert.equal(verdict(formOf(mine.sampleSignature(text), text)), 'authentic');
        assert.match(verdict(formOf(stranger.sampleSignature(text), text)), /^signature-wrong/);
      }),
      { numRuns: 50 },
    );
  });
});

describe('deliveries that a proxy touched', () => {
  test('the last newline may be gone', () => {
    assert.equal(verdict(formOf(signature, payload.replace(/\n$/, ''))), 'authentic');
  });

  test('the fields may stand in any order, and their escapes in lower case', () => {
    const swapped = new URLSearchParams({ bt_payload: payload, bt_signature: signature });
    assert.equal(verdict(swapped.toString().replaceAll('%0A', '%0a')), 'authentic');
  });

  test('a form decoded twice is refused with what happened', () => {
    const sample = vectors.find(({ bodyFile }) => bodyFile?.includes('disbursement'));
    const body = readFileSync(new URL('webhook-disbursement.in.form', fixtures));
    const twice = decodeURIComponent(body.toString());
    assert.ok(sample && twice.includes('+'));
    assert.match(verdict(twice), /^signature-malformed: .*twice/);
  });
});

describe('refusals say what to look at', () => {
  const other = (more: object) => settings.parse({ ...KEYS, ...more });
  const TABLE = [
    ['', ours, /^signature-missing/],
    ['{"kind":"check"}', ours, /^signature-missing/],
    [formOf('', payload), ours, /^signature-malformed/],
    [formOf('integration_public_key|abc', payload), ours, /^signature-malformed/],
    [`${formOf(signature, payload)}&bt_payload=x`, ours, /^signature-missing/],
    [formOf(signature, payload), other({ publicKey: 'other' }), /^wrong-account: .*publicKey/],
    [formOf(signature, payload), other({ privateKey: 'other' }), /^signature-wrong: .*privateKey/],
    [formOf(signature, payload), other({ privateKey: '"integration_private_key"' }), /quotes/],
  ] as const;
  for (const [body, of, expected] of TABLE) {
    test(`${body.slice(0, 30)} is refused as ${expected.source}`, () => {
      assert.match(verdict(body, of), expected);
    });
  }
});

describe('the challenge', () => {
  const get = (url: string): Notice => noticeOf('', { method: 'GET', url });

  test('is recognised by its name and answered as the SDK does', () => {
    const challenge = 'abcdef0123456789abcd';
    const notice = get(`/webhooks/braintree/con_1?x=1&bt_challenge=${challenge}`);
    assert.ok(recognizes(notice));
    // Its types leave `verify` out.
    const { verify } = sdk.webhookNotification as unknown as { verify(text: string): string };
    assert.equal(handshake(notice, ours)?.body, verify.call(sdk.webhookNotification, challenge));
  });

  test('that is none is not signed', () => {
    assert.equal(handshake(get('/x?bt_challenge=<script>'), ours)?.status, 400);
    assert.equal(handshake(get('/x'), ours), undefined);
    assert.equal(
      handshake(noticeOf('x', { url: '/?bt_challenge=abcdef0123456789abcd' }), ours),
      undefined,
    );
  });
});
