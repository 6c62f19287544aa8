/** The `recurly-signature` header of JSON webhooks: `<unix milliseconds>,<hex>[,<hex>…]`. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';

export const SIGNATURE_HEADER = 'recurly-signature';

/**
 * Any of the signatures may fit any of our secrets, as both sides rotate. The key is the secret's text, not the
 * bytes that its hexadecimal digits spell; the message is the time as it was sent, a dot and the body.
 */
export function judgeSignature(
  { headers, body, receivedAt }: Notice,
  expected: { readonly secrets: readonly Secret[]; readonly toleranceMinutes: number },
): Verdict {
  const [timestamp = '', ...signatures] = (headers[SIGNATURE_HEADER] ?? '').split(',');
  const digests = signatures
    .map((signature) => signature.trim())
    .filter((signature) => /^[0-9a-f]{64}$/.test(signature))
    .map((signature) => Buffer.from(signature, 'hex'));
  if (!/^\d{1,15}$/.test(timestamp) || digests.length === 0) {
    return refused(
      'signature-malformed',
      `${SIGNATURE_HEADER} needs a time in milliseconds and a signature in hexadecimal`,
    );
  }
  const fits = (key: Secret | string | Buffer, of: Buffer): boolean => {
    const right = hmac('sha256', key, `${timestamp}.`, of);
    return digests.map((digest) => sameBytes(right, digest)).includes(true);
  };
  const { secrets, toleranceMinutes } = expected;
  if (!secrets.map((key) => fits(key, body)).includes(true)) {
    const mistake = likelyMistake({ keys: secrets, body, setting: '`webhookSecret`', fits });
    return refused('signature-wrong', mistake);
  }
  const awayMs = Math.abs(receivedAt.getTime() - Number(timestamp));
  if (awayMs <= toleranceMinutes * 60_000) return AUTHENTIC;
  return refused(
    'timestamp-stale',
    `it was signed ${Math.round(awayMs / 60_000)} minutes away from our time: set the clock, or raise ` +
      '`toleranceMinutes` if Recurly repeats deliveries with the time of the first',
  );
}
