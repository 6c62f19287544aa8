/** Proof of a delivery: HMAC-SHA256 over the sorted query and form fields, then the body unless it is a form. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { ZohoBooksSettings } from './settings.ts';

const SIGNATURE = 'x-zoho-webhook-signature';

/** Zoho Payments, another product, uses the same header for `t=…,v=…`. */
export function recognizes({ headers }: Notice): boolean {
  const signature = headers[SIGNATURE];
  return signature !== undefined && !/\bv=/.test(signature);
}

/** Every secret is tried; the digest may be hexadecimal or base64, as Zoho does not say which. */
export function authenticate(notice: Notice, { webhookSecret }: ZohoBooksSettings): Verdict {
  const signature = notice.headers[SIGNATURE];
  if (signature === undefined || signature === '') {
    return refused(
      'signature-missing',
      `no ${SIGNATURE} header: give the webhook a secret in Zoho Books`,
    );
  }
  const claimed = readDigest(signature);
  if (!claimed) {
    return refused(
      'signature-malformed',
      `${SIGNATURE} is neither the hexadecimal nor the base64 form of 32 bytes`,
    );
  }
  const keys = webhookSecret ?? [];
  const fits = (key: Secret | string | Buffer, body: Buffer): boolean =>
    sameBytes(hmac('sha256', key, ...messageOf({ ...notice, body })), claimed);
  // All are tried, so that the time does not tell which one fits.
  if (keys.map((key) => fits(key, notice.body)).includes(true)) return AUTHENTIC;
  const bare = (key: Secret): boolean => sameBytes(hmac('sha256', key, notice.body), claimed);
  if (keys.some(bare)) {
    return refused(
      'signature-wrong',
      'the address was given query parameters on its way: Zoho signs those of the address it calls',
    );
  }
  const mistake = likelyMistake({ keys, body: notice.body, setting: 'webhookSecret', fits });
  return refused('signature-wrong', mistake);
}

/** What Zoho signs: `key value key value …` without separators, by key, then the body as it came. */
function messageOf({ url, headers, body }: Notice): readonly (string | Buffer)[] {
  const at = url.indexOf('?');
  const fields = [...new URLSearchParams(at < 0 ? '' : url.slice(at + 1))];
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  if (isForm) fields.push(...new URLSearchParams(body.toString('utf8')));
  fields.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return [fields.map(([key, value]) => key + value).join(''), ...(isForm ? [] : [body])];
}

function readDigest(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
