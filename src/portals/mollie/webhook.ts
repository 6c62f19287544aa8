/** Mollie's two webhook systems on one URL: classic (unsigned form) and next-gen (signed JSON). */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { Settings } from './settings.ts';
import { classicId } from './wire.ts';

const SIGNATURE = 'x-mollie-signature';

/** True for what only Mollie delivers: its signature header, or a form that names a Mollie id. */
export function recognizes(notice: Notice): boolean {
  return notice.headers[SIGNATURE] !== undefined || classicId(notice.body) !== undefined;
}

/**
 * A signature header is proven or refused, whatever the body. Without one, only a form naming an id
 * passes, as a hint: its id comes from anyone. Unsigned JSON could carry amounts and is refused.
 */
export function authenticate(notice: Notice, settings: Settings): Verdict {
  const header = notice.headers[SIGNATURE]?.trim();
  if (!header) {
    if (classicId(notice.body) !== undefined) return { verdict: 'hint' };
    const because = 'a JSON notice of Mollie carries X-Mollie-Signature; this one does not';
    return refused('signature-missing', because);
  }
  const candidates = header.split(',').flatMap(signatureBytes);
  if (candidates.length === 0) {
    return refused('signature-malformed', 'X-Mollie-Signature holds no hex SHA-256 value');
  }
  const keys = settings.webhookSecret ?? [];
  const fits = (key: Secret | string | Buffer, body: Buffer): boolean => {
    const expected = hmac('sha256', key, body);
    return candidates.some((candidate) => sameBytes(expected, candidate));
  };
  if (keys.some((key) => fits(key, notice.body))) return AUTHENTIC;
  const mistake = likelyMistake({ keys, body: notice.body, setting: 'webhookSecret', fits });
  return refused('signature-wrong', mistake);
}

/** The bytes of one signature; the prefix `sha256=` may be absent. */
function signatureBytes(text: string): readonly Buffer[] {
  const match = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(text.trim());
  return match?.[1] ? [Buffer.from(match[1], 'hex')] : [];
}
