/**
 * The JWT in `x-access-token`: HS256 and nothing else, so that no header can choose a weaker
 * proof.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { RefusalCode } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';

/** How long after its `exp` a token still counts, for clocks that disagree. */
const LEEWAY_SECONDS = 60;

const headerSchema = z.looseObject({
  alg: z.literal('HS256'),
  typ: z.string().toUpperCase().pipe(z.literal('JWT')).optional(),
  // RFC 7515: an extension we do not know must not be skipped when the token calls it critical.
  crit: z.never().optional(),
});
const claimsSchema = z.looseObject({
  iat: z.number(),
  exp: z.number(),
  name: z.string().optional(),
  email: z.string().optional(),
});
export type Claims = z.output<typeof claimsSchema>;

export type TokenVerdict =
  | { readonly valid: true; readonly claims: Claims }
  | { readonly valid: false; readonly code: RefusalCode; readonly because: string };

/** Checks a compact JWT against any of the secrets at the instant `now`. Never throws. */
export function verifyToken(
  token: string,
  options: { readonly secrets: readonly Secret[]; readonly now: Date },
): TokenVerdict {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/.exec(token);
  if (!parts) return refused('signature-malformed', 'x-access-token is not a compact JWT');
  const [, header = '', payload = '', signature = ''] = parts;
  if (!headerSchema.safeParse(decodePart(header)).success) {
    return refused('signature-malformed', 'the token is not signed with HS256');
  }
  const given = Buffer.from(signature, 'base64url');
  const signed = `${header}.${payload}`;
  if (!options.secrets.some((secret) => sameBytes(hmac('sha256', secret, signed), given))) {
    return refused('signature-wrong', 'the token is not signed with jwtSecret');
  }
  const claims = claimsSchema.safeParse(decodePart(payload));
  if (!claims.success) return refused('signature-malformed', 'the token lacks iat or exp');
  if (options.now.getTime() >= (claims.data.exp + LEEWAY_SECONDS) * 1000) {
    return refused('token-expired', 'the token has expired: log in again at /createjwt');
  }
  return { valid: true, claims: claims.data };
}

/** A token that `verifyToken` accepts for `lifetimeSeconds` from `now`. */
export function issueToken(
  claims: { readonly name?: string; readonly email?: string },
  options: { readonly secret: Secret; readonly now: Date; readonly lifetimeSeconds?: number },
): string {
  const iat = Math.floor(options.now.getTime() / 1000);
  const exp = iat + (options.lifetimeSeconds ?? 3600);
  const header = encodePart({ alg: 'HS256', typ: 'JWT' });
  const signed = `${header}.${encodePart({ ...claims, iat, exp })}`;
  return `${signed}.${hmac('sha256', options.secret, signed).toString('base64url')}`;
}

/** Compares texts of any length without telling by time where they differ. */
export function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

function refused(code: RefusalCode, because: string): TokenVerdict {
  return { valid: false, code, because };
}

function encodePart(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decodePart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
