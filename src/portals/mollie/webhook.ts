/** Mollie's two webhook systems on one URL: classic (unsigned form) and next-gen (signed JSON). */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
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
    return {
      verdict: 'refused',
      code: 'signature-missing',
      because: 'a JSON notice of Mollie carries X-Mollie-Signature; this one does not',
    };
  }
  const candidates = header.split(',').flatMap(signatureBytes);
  if (candidates.length === 0) {
    return {
      verdict: 'refused',
      code: 'signature-malformed',
      because: 'X-Mollie-Signature holds no hex SHA-256 value',
    };
  }
  const keys = settings.webhookSecret ?? [];
  const matches = keys
    .map((key) => hmac('sha256', key, notice.body))
    .flatMap((expected) => candidates.map((candidate) => sameBytes(expected, candidate)));
  if (matches.includes(true)) return { verdict: 'authentic' };
  return {
    verdict: 'refused',
    code: 'signature-wrong',
    because:
      keys.length === 0
        ? 'the notice is signed but this connection has no webhookSecret to check it with'
        : 'X-Mollie-Signature fits none of the webhook secrets; was the webhook made again?',
  };
}

/** The bytes of one signature; the prefix `sha256=` may be absent. */
function signatureBytes(text: string): readonly Buffer[] {
  const match = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(text.trim());
  return match?.[1] ? [Buffer.from(match[1], 'hex')] : [];
}
