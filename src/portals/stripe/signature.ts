/** The `Stripe-Signature` header: `t=<unix seconds>,v1=<hex>[,v1=<hex>][,v0=…]`. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { StripeSettings } from './settings.ts';

const HEADER = 'stripe-signature';
const TOLERANCE_SECONDS = 300;

/** No other portal signs with this header. */
export function recognizes(notice: Notice): boolean {
  return notice.headers[HEADER] !== undefined;
}

/**
 * Any `v1` may match any of our secrets, as both sides rotate. The key is the secret's whole text,
 * `whsec_` included. Like the official libraries it refuses only old timestamps, because clocks run
 * ahead, too.
 */
export function authenticate(notice: Notice, settings: StripeSettings): Verdict {
  const header = notice.headers[HEADER];
  if (!header) return refused('signature-missing', 'there is no Stripe-Signature header');
  const { timestamp, digests } = parse(header);
  if (timestamp === undefined || digests.length === 0) {
    return refused('signature-malformed', 'Stripe-Signature needs t=<seconds> and a v1=<hex>');
  }
  const keys = settings.webhookSecret ?? [];
  const fits = (key: Secret | string | Buffer, body: Buffer): boolean => {
    const expected = hmac('sha256', key, `${timestamp}.`, body);
    return digests.some((digest) => sameBytes(expected, digest));
  };
  if (!keys.some((key) => fits(key, notice.body))) {
    const mistake = likelyMistake({ keys, body: notice.body, setting: 'webhookSecret', fits });
    return refused('signature-wrong', mistake);
  }
  const ageSeconds = notice.receivedAt.getTime() / 1000 - Number(timestamp);
  return ageSeconds > TOLERANCE_SECONDS
    ? refused('timestamp-stale', `it was signed ${Math.floor(ageSeconds)} seconds ago`)
    : AUTHENTIC;
}

function parse(header: string): {
  readonly timestamp: string | undefined;
  readonly digests: readonly Buffer[];
} {
  const pairs = header.split(',').map((part) => part.trim());
  return {
    timestamp: pairs.find((pair) => /^t=\d{1,12}$/.test(pair))?.slice(2),
    digests: pairs
      .filter((pair) => /^v1=[0-9a-f]{64}$/.test(pair))
      .map((pair) => Buffer.from(pair.slice(3), 'hex')),
  };
}
