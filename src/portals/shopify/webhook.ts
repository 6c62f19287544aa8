/** `X-Shopify-Hmac-Sha256`: base64 of HMAC-SHA256 over the raw body, keyed with the secret's text. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import { type Settings, signingKeys } from './settings.ts';

/** Webhooks prefix their headers with `x-`; "Events", which will replace them, do not. */
const NAMES = {
  signature: ['x-shopify-hmac-sha256', 'shopify-hmac-sha256'],
  topic: ['x-shopify-topic', 'shopify-topic'],
  shop: ['x-shopify-shop-domain', 'shopify-shop-domain'],
  webhookId: ['x-shopify-webhook-id', 'shopify-webhook-id'],
} as const;

/** One of Shopify's headers, trimmed; undefined when it is absent or empty. */
export function shopifyHeader(
  headers: Readonly<Record<string, string>>,
  name: keyof typeof NAMES,
): string | undefined {
  for (const one of NAMES[name]) {
    const value = Object.hasOwn(headers, one) ? headers[one]?.trim() : undefined;
    if (value) return value;
  }
  return undefined;
}

/** No other portal signs with these headers. */
export function recognizes({ headers }: Notice): boolean {
  return NAMES.signature.some((name) => headers[name] !== undefined);
}

/**
 * Shopify signs no time: an old delivery is recognised by its id, not by its age. What is signed is the body alone,
 * so the shop that a header names only tells apart connections that share an app's secret.
 */
export function authenticate(notice: Notice, settings: Settings): Verdict {
  const header = shopifyHeader(notice.headers, 'signature');
  if (header === undefined) {
    return refused('signature-missing', 'there is no X-Shopify-Hmac-Sha256 header');
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(header)) {
    return refused('signature-malformed', 'X-Shopify-Hmac-Sha256 is not a SHA-256 in base64');
  }
  const keys = signingKeys(settings);
  // The text is compared, because base64 has several texts for the same bytes.
  const fits = (key: Secret | string | Buffer, of: Buffer): boolean =>
    sameBytes(Buffer.from(hmac('sha256', key, of).toString('base64')), Buffer.from(header));
  const genuine = keys.filter((key) => fits(key, notice.body));
  if (genuine.length === 0) {
    return refused('signature-wrong', whyWrong(notice.body, keys, fits));
  }
  const shop = shopifyHeader(notice.headers, 'shop')?.toLowerCase();
  if (shop !== undefined && shop !== settings.shopDomain) {
    const because = `it comes from ${shop}, this connection is for ${settings.shopDomain}`;
    return refused('wrong-account', because.slice(0, 300));
  }
  return AUTHENTIC;
}

function whyWrong(
  body: Buffer,
  keys: readonly Secret[],
  fits: (key: string | Buffer, of: Buffer) => boolean,
): string {
  const mistake = likelyMistake({ keys, body, setting: '`webhookSecret` or `clientSecret`', fits });
  return mistake.startsWith('the signature fits no')
    ? `${mistake}. Webhooks made in the admin and its test notifications have the key shown there, those of an app its client secret`
    : mistake;
}
