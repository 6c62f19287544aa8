import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import Stripe from 'stripe';
import { stripe } from './index.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const KEY = 'whsec_test_vector_do_not_use_000000000000';
const settings = stripe.settings.parse({ webhookSecret: KEY });
const AT = 1763683200;

type Vector = {
  readonly name: string;
  readonly key: string;
  readonly timestamp: number;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly expected?: string;
  readonly sent?: string;
  readonly status?: number;
};

function verdict(
  header: string | undefined,
  body: Buffer | string,
  { at = AT, of = settings }: { at?: number; of?: unknown } = {},
): string {
  const found = stripe.webhook?.authenticate(
    {
      headers: header === undefined ? {} : { 'stripe-signature': header },
      body: Buffer.from(body),
      url: '/',
      receivedAt: new Date(at * 1000),
    },
    of,
  );
  return found?.verdict === 'refused' ? found.code : String(found?.verdict);
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('signature-vectors.json', fixtures), 'utf8'),
);

for (const vector of vectors) {
  test(vector.name, () => {
    const body = vector.bodyFile
      ? readFileSync(new URL(vector.bodyFile, fixtures))
      : Buffer.from(vector.body ?? '');
    const of = stripe.settings.parse({ webhookSecret: vector.key });
    const found = verdict(vector.sent ?? vector.expected, body, { at: vector.timestamp + 5, of });
    if ((vector.status ?? 200) === 200) assert.equal(found, 'authentic');
    else assert.match(found, /^signature-(wrong|malformed)$/);
  });
}

const [first] = vectors;
const good = first?.expected ?? '';
const body = first?.body ?? '';

test('a byte changed in the body, another time, or another secret is refused', () => {
  assert.equal(verdict(good, body), 'authentic');
  assert.equal(verdict(good, `${body} `), 'signature-wrong');
  assert.equal(verdict(good.replace(`t=${AT}`, `t=${AT + 1}`), body), 'signature-wrong');
  const other = stripe.settings.parse({ webhookSecret: 'whsec_other' });
  assert.equal(verdict(good, body, { of: other }), 'signature-wrong');
});

test('any of several secrets is enough while they are rotated', () => {
  const rotating = stripe.settings.parse({ webhookSecret: ` whsec_old , ${KEY}\n` });
  assert.equal(verdict(good, body, { of: rotating }), 'authentic');
});

test('without a secret nothing is authentic', () => {
  assert.equal(verdict(good, body, { of: stripe.settings.parse({}) }), 'signature-wrong');
});

test('300 seconds old is fresh, older is stale, ahead of our clock is fresh', () => {
  assert.equal(verdict(good, body, { at: AT + 300 }), 'authentic');
  assert.equal(verdict(good, body, { at: AT + 301 }), 'timestamp-stale');
  assert.equal(verdict(good, body, { at: AT - 3600 }), 'authentic');
});

test('a header that is absent or not in the documented form is named as such', () => {
  assert.equal(verdict(undefined, body), 'signature-missing');
  for (const header of ['', 't=1763683200', 'v1=00', 'gibberish', 't=,v1=', 't=1e9,v1=zz']) {
    assert.equal(verdict(header, body), header ? 'signature-malformed' : 'signature-missing');
  }
  assert.equal(verdict(good.toUpperCase(), body), 'signature-malformed');
});

test('what the official library signs is authentic', () => {
  const signer = new Stripe('sk_test_unused').webhooks;
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 1, max: 4e9 }),
      (payload, timestamp) => {
        const header = signer.generateTestHeaderString({ payload, secret: KEY, timestamp });
        assert.equal(verdict(header, payload, { at: timestamp }), 'authentic');
      },
    ),
    { numRuns: 30 },
  );
});

test('no header and no body makes authenticate throw', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (header, bytes) => {
      assert.notEqual(verdict(header, Buffer.from(bytes)), 'authentic');
    }),
  );
});

test('a delivery is recognized by its header alone', () => {
  const notice = { body: Buffer.from(body), url: '/', receivedAt: new Date(0) };
  assert.equal(
    stripe.webhook?.recognizes({ ...notice, headers: { 'stripe-signature': good } }),
    true,
  );
  assert.equal(stripe.webhook?.recognizes({ ...notice, headers: { 'x-signature': good } }), false);
});
