/** Token-based authentication: every call is signed by itself, OAuth 1.0a with HMAC-SHA256 (RFC 5849). */
import type { CallToSign } from '../contract.ts';
import { hmac } from '../kit/hmac.ts';
import type { SignIn } from './settings.ts';

type Pair = readonly [name: string, value: string];

/** The `Authorization` header of one call; `realm` is the account's id in capitals, a sandbox with its underscore. */
export function authorizationHeader(
  { consumerKey, consumerSecret, tokenId, tokenSecret }: Extract<SignIn, { way: 'tokens' }>,
  realm: string,
  { method, url, now, nonce }: CallToSign,
): string {
  const proof: readonly Pair[] = [
    ['oauth_consumer_key', consumerKey],
    ['oauth_token', tokenId],
    ['oauth_signature_method', 'HMAC-SHA256'],
    ['oauth_timestamp', String(Math.floor(now.getTime() / 1000))],
    ['oauth_nonce', nonce],
    ['oauth_version', '1.0'],
  ];
  const base = [
    method.toUpperCase(),
    encode(`${url.origin}${url.pathname}`),
    encode(sorted([...proof, ...url.searchParams])),
  ].join('&');
  const key = `${encode(consumerSecret.reveal())}&${encode(tokenSecret.reveal())}`;
  const signature = hmac('sha256', key, base).toString('base64');
  const shown: readonly Pair[] = [['realm', realm], ...proof, ['oauth_signature', signature]];
  return `OAuth ${shown.map(([name, value]) => `${name}="${encode(value)}"`).join(', ')}`;
}

/** By encoded name, then encoded value, as RFC 5849 orders them (section 3.4.1.3.2). */
function sorted(pairs: readonly Pair[]): string {
  return pairs
    .map(([name, value]): Pair => [encode(name), encode(value)])
    .sort((left, right) => order(left[0], right[0]) || order(left[1], right[1]))
    .map((pair) => pair.join('='))
    .join('&');
}

function order(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** RFC 3986, which also encodes the five marks that JavaScript leaves. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
