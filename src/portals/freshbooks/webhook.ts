/** FreshBooks' callbacks: each is signed with a secret of its own, the verifier it was introduced by. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import { fieldOf, signedText, withField } from './form.ts';
import type { FreshBooksSettings } from './settings.ts';

const SIGNATURE = 'x-freshbooks-hmac-sha256';
const VERIFIER = 'verifier';
export const BODY_LIMIT_BYTES = 64 * 1024;

/**
 * A callback introduces itself by the very secret it will sign with, so nothing proves that post: it is a hint, and
 * FreshBooks decides whether the verifier is right when it is sent back. Everything else must be signed.
 */
export function authenticate(notice: Notice, { verifiers }: FreshBooksSettings): Verdict {
  const { headers, body } = notice;
  if (body.length > BODY_LIMIT_BYTES) {
    return refused('signature-malformed', `the body is longer than ${BODY_LIMIT_BYTES} bytes`);
  }
  const signature = headers[SIGNATURE] ?? '';
  const introduces = introducedBy(body);
  if (signature === '') {
    return introduces === undefined
      ? refused('signature-missing', `no ${SIGNATURE} header`)
      : { verdict: 'hint' };
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) {
    return refused('signature-malformed', `${SIGNATURE} is not the base64 of 32 bytes`);
  }
  const claimed = Buffer.from(signature, 'base64');
  const fits = (key: Secret | string | Buffer, bytes: Buffer): boolean =>
    sameBytes(hmac('sha256', key, signedText(bytes)), claimed);
  const keys = verifiers ?? [];
  if (keys.some((key) => fits(key, body))) return AUTHENTIC;
  if (introduces !== undefined && fits(introduces, body)) return { verdict: 'hint' };
  const mistake = likelyMistake({ keys, body, setting: 'verifiers', fits });
  return refused('signature-wrong', `${mistake}; each callback has a verifier of its own`);
}

/** The header is FreshBooks' own; a callback's introduction may come without it. */
export function recognizes({ headers, body }: Notice): boolean {
  if (headers[SIGNATURE] !== undefined) return true;
  return body.length <= BODY_LIMIT_BYTES && introducedBy(body) !== undefined;
}

/** The verifier of an introduction, which is the key of all that follows, is for nobody to read. */
export function conceal(body: Buffer, seal: (secret: string) => string): Buffer {
  return fieldOf(body, VERIFIER) === undefined ? body : withField(body, VERIFIER, seal);
}

/** The verifier in the post that introduces a callback, whose exact name is not documented. */
function introducedBy(body: Buffer): string | undefined {
  if (!/^\d+$/.test(fieldOf(body, 'object_id') ?? '')) return undefined;
  return fieldOf(body, VERIFIER) || undefined;
}
