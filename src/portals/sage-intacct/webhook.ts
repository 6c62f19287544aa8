/** Nudges of a trigger: a static token proves who sends them, and nothing proves what they say. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import { refused } from '../kit/verdict.ts';
import type { SageIntacctSettings } from './settings.ts';

const TOKEN = 'x-nudge-token';
export const BODY_LIMIT_BYTES = 64 * 1024;

/** By the shape that the set-up page asks for: the trigger's headers are Sage's own and not documented. */
export function recognizes({ body }: Notice): boolean {
  if (body.length > BODY_LIMIT_BYTES) return false;
  return /"source"\s*:\s*"intacct-trigger"/.test(body.toString('utf8'));
}

/**
 * Genuine nudges are hints as well: the token says nothing of the body, so it may only make us look. Sage's own
 * `Authorization` is not looked at, because nobody can say how it is verified.
 */
export function authenticate(
  { headers, url, body }: Notice,
  { nudgeToken = [] }: SageIntacctSettings,
): Verdict {
  if (body.length > BODY_LIMIT_BYTES) {
    return refused('signature-malformed', `the body is longer than ${BODY_LIMIT_BYTES} bytes`);
  }
  const given = headers[TOKEN] || tokenIn(url);
  if (!given) {
    return refused(
      'signature-missing',
      'it came without a token: send X-Nudge-Token, or append ?token=… to the address',
    );
  }
  if (nudgeToken.length === 0) {
    return refused('signature-wrong', 'this connection has no nudgeToken to check with');
  }
  const genuine = nudgeToken.map((token) => same(given, token.reveal()));
  if (genuine.includes(true)) return { verdict: 'hint' };
  return refused('signature-wrong', 'the token is not the nudgeToken of this connection');
}

function tokenIn(url: string): string | undefined {
  const at = url.indexOf('?');
  return (at < 0 ? undefined : new URLSearchParams(url.slice(at + 1)).get('token')) ?? undefined;
}

/** Hashed first, so that neither content nor length shows in the time taken. */
function same(given: string, expected: string): boolean {
  const digest = (text: string) => hmac('sha256', Buffer.from(TOKEN), text);
  return sameBytes(digest(given), digest(expected));
}
