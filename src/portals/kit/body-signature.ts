/** Deliveries signed by a header that holds the base64 of HMAC-SHA256 over their raw bytes (Xero, Intuit). */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from './hmac.ts';
import type { Secret } from './secret.ts';
import { AUTHENTIC, likelyMistake, refused } from './verdict.ts';

/** Keyed with the text of one of the secrets: it may look like base64 and is not decoded. */
export function authenticateBody(
  notice: Notice,
  by: {
    readonly header: string;
    readonly keys: readonly Secret[] | undefined;
    /** The setting that holds the keys, for the reason of a refusal. */
    readonly setting: string;
  },
): Verdict {
  const { header, keys = [], setting } = by;
  const signature = notice.headers[header];
  if (signature === undefined || signature === '') {
    return refused('signature-missing', `no ${header} header`);
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) {
    return refused('signature-malformed', `${header} is not the base64 of 32 bytes`);
  }
  const claimed = Buffer.from(signature, 'base64');
  const fits = (key: Secret | string | Buffer, body: Buffer): boolean =>
    sameBytes(hmac('sha256', key, body), claimed);
  if (keys.some((key) => fits(key, notice.body))) return AUTHENTIC;
  return refused('signature-wrong', likelyMistake({ keys, body: notice.body, setting, fits }));
}
