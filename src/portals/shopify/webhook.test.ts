import '@shopify/shopify-api/adapters/node';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api';
import fc from 'fast-check';
import type { Notice } from '../contract.ts';
import { settings as schema } from './settings.ts';
import { authenticate, recognizes } from './webhook.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const SHOP = 'ironbark-parts.myshopify.com';
const KEY = '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';

type Vector = {
  readonly name: string;
  readonly key: string;
  readonly body: string;
  readonly signature: string;
  readonly authentic: boolean;
};
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('signature-vectors.json', FIXTURES), 'utf8'),
);

function notice(
  body: string | Buffer,
  signature: string,
  more: Record<string, string> = {},
): Notice {
  return {
    headers: {
      'x-shopify-hmac-sha256': signature,
      'x-shopify-topic': 'order_transactions/create',
      'x-shopify-shop-domain': SHOP,
      'x-shopify-api-version': '2026-10',
      'x-shopify-webhook-id': '6d1c3a5e-7b7a-4f5f-9c0d-2f1f8f6f0e11',
      ...more,
    },
    body: Buffer.from(body),
    url: '/webhooks/shopify/con_1',
    receivedAt: new Date('2026-11-21T08:00:00Z'),
  };
}

function verdict(of: Notice, settings: Record<string, string> = { webhookSecret: KEY }): string {
  const found = authenticate(of, schema.parse({ shopDomain: SHOP, ...settings }));
  return found.verdict === 'refused' ? found.code : found.verdict;
}

function because(of: Notice, settings: Record<string, string> = { webhookSecret: KEY }): string {
  const found = authenticate(of, schema.parse({ shopDomain: SHOP, ...settings }));
  return found.verdict === 'refused' ? found.because : '';
}

const sign = (body: string | Buffer, key: string | Buffer = KEY) =>
  createHmac('sha256', key).update(body).digest('base64');

/** Shopify's own library, as an app would check a delivery with it. */
async function official(of: Notice, key: string): Promise<boolean> {
  const api = shopifyApi({
    apiKey: 'unused',
    apiSecretKey: key,
    hostName: 'localhost',
    apiVersion: ApiVersion.October25,
    isEmbeddedApp: false,
    logger: { level: LogSeverity.Error },
  });
  const rawRequest = { method: 'POST', url: of.url, headers: of.headers } as never;
  const rawBody = of.body.toString('utf8');
  const found = await api.webhooks.validate({ rawBody, rawRequest, rawResponse: {} as never });
  return found.valid;
}

describe('signature', () => {
  for (const { name, key, body, signature, authentic } of vectors) {
    test(name, async () => {
      const given = notice(body, signature);
      const found = verdict(given, { webhookSecret: key });
      if (authentic) assert.equal(found, 'authentic');
      else assert.match(found, /^signature-(wrong|missing|malformed)$/);
      assert.equal(await official(given, key), authentic);
    });
  }

  test("Shopify's own library agrees on every delivery of the fixtures", async () => {
    const names = readdirSync(FIXTURES).filter((name) => /^webhook-.*\.in\.json$/.test(name));
    assert.ok(names.length > 20);
    for (const name of names) {
      const body = readFileSync(new URL(name, FIXTURES));
      const given = notice(body, sign(body));
      assert.equal(verdict(given), 'authentic', name);
      assert.ok(await official(given, KEY), name);
    }
  });

  test('any of several secrets, and the secret of the app', () => {
    const given = notice('{}', sign('{}'));
    assert.equal(verdict(given, { webhookSecret: `newer, ${KEY}` }), 'authentic');
    assert.equal(verdict(given, { clientSecret: KEY }), 'authentic');
    assert.equal(verdict(given, { webhookSecret: 'other', clientSecret: KEY }), 'authentic');
    assert.equal(verdict(given, { webhookSecret: 'other' }), 'signature-wrong');
    assert.equal(verdict(given, {}), 'signature-wrong');
  });

  test('a changed byte anywhere is refused', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.integer({ min: 1, max: 255 }), (text, at, by) => {
        const body = Buffer.from(text);
        const changed = Buffer.from(body);
        const place = at % body.length;
        changed[place] = (body[place] as number) ^ by;
        assert.equal(verdict(notice(body, sign(body))), 'authentic');
        assert.equal(verdict(notice(changed, sign(body))), 'signature-wrong');
      }),
      { numRuns: 200 },
    );
  });

  test('another shop under the secret of the same app is not this connection', () => {
    const given = notice('{}', sign('{}'), { 'x-shopify-shop-domain': 'other.myshopify.com' });
    assert.equal(verdict(given), 'wrong-account');
    assert.match(because(given), /other\.myshopify\.com/);
    const upper = notice('{}', sign('{}'), { 'x-shopify-shop-domain': SHOP.toUpperCase() });
    assert.equal(verdict(upper), 'authentic');
  });

  test('Events sign in a header without x-', () => {
    const { 'x-shopify-hmac-sha256': _, ...headers } = notice('{}', '').headers;
    const given = {
      ...notice('{}', ''),
      headers: { ...headers, 'shopify-hmac-sha256': sign('{}') },
    };
    assert.ok(recognizes(given));
    assert.equal(verdict(given), 'authentic');
  });

  test('a refusal says what to look at', () => {
    const body = '{"id":1}';
    assert.match(because(notice(' {"id": 1} ', sign(body))), /written anew/);
    assert.match(because(notice(body, sign(body)), { webhookSecret: `"${KEY}"` }), /quotes/);
    assert.match(because(notice(body, sign(body, 'another'))), /client secret/);
    assert.match(because(notice(body, sign(body)), {}), /no `webhookSecret`/);
    assert.equal(verdict(notice(body, '   ')), 'signature-missing');
    assert.equal(verdict(notice(body, sign(body).slice(2))), 'signature-malformed');
  });
});

test('settings: the shop in any spelling people paste', () => {
  for (const text of [SHOP, ` https://${SHOP}/admin `, SHOP.toUpperCase()]) {
    assert.equal(schema.parse({ shopDomain: text }).shopDomain, SHOP);
  }
  for (const text of ['ironbark.com', '', 'a.myshopify.com.evil.example']) {
    assert.equal(schema.safeParse({ shopDomain: text }).success, false, text);
  }
});
