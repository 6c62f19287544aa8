/**
 * Notices of systems that send none by themselves: a script, an add-on or a bridge at the firm signs them as
 * Checkvalve asks. `X-Sync-Timestamp` is the Unix time in seconds, `X-Sync-Signature` is `v1=` and the hexadecimal
 * HMAC-SHA256 over `<timestamp>.<body>`, keyed with the UTF-8 text of the secret.
 */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from './hmac.ts';
import type { Secret } from './secret.ts';
import { AUTHENTIC, likelyMistake, refused } from './verdict.ts';

const TIMESTAMP = 'x-sync-timestamp';
const SIGNATURE = 'x-sync-signature';
const TOLERANCE_SECONDS = 300;

/** Judges a delivery by the secrets of the connection; `setting` is what the refusals call them. */
export function judgeSyncSignature(
  { headers, body, receivedAt }: Notice,
  expected: { readonly secrets: readonly Secret[] | undefined; readonly setting: string },
): Verdict {
  const { secrets: keys = [], setting } = expected;
  const [timestamp, signature] = [headers[TIMESTAMP], headers[SIGNATURE]];
  if (!timestamp || !signature) {
    return refused('signature-missing', `${timestamp ? SIGNATURE : TIMESTAMP} is missing`);
  }
  // Hexadecimal digits may come in capitals: some scripting languages print them so.
  const [, digits] = /^v1=([0-9a-f]{64})$/i.exec(signature) ?? [];
  if (digits === undefined || !/^\d{1,12}$/.test(timestamp)) {
    return refused(
      'signature-malformed',
      `${SIGNATURE} must be v1= and 64 hexadecimal digits, ${TIMESTAMP} a Unix time in seconds`,
    );
  }
  const claimed = Buffer.from(digits, 'hex');
  const fits = (key: Secret | string | Buffer, of: Buffer): boolean =>
    sameBytes(hmac('sha256', key, `${timestamp}.`, of), claimed);
  if (!keys.some((key) => fits(key, body))) {
    return refused('signature-wrong', likelyMistake({ keys, body, setting, fits }));
  }
  const ageSeconds = Math.abs(receivedAt.getTime() / 1000 - Number(timestamp));
  if (ageSeconds > TOLERANCE_SECONDS) {
    const late = `it was signed ${Math.round(ageSeconds)} seconds away from now`;
    return refused('timestamp-stale', `${late}; compare the clocks of both machines`);
  }
  return AUTHENTIC;
}

/** True when a delivery has the headers of this scheme; which system it comes from its body tells. */
export function hasSyncSignature({ headers }: Pick<Notice, 'headers'>): boolean {
  return headers[SIGNATURE] !== undefined;
}
