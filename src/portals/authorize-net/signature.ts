/** `X-ANET-Signature: sha512=<hex>`: HMAC-SHA512 over the raw body, keyed with the Signature Key's text. */
import { createHmac } from 'node:crypto';
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { Settings } from './settings.ts';

const HEADER = 'x-anet-signature';

/** No other portal signs with this header. */
export function recognizes(notice: Notice): boolean {
  return notice.headers[HEADER] !== undefined;
}

/**
 * The key looks like hexadecimal and is used as text all the same; only the transaction hash, another feature,
 * decodes it. No instant is signed, so a repetition is recognised by its notification id, not by its age.
 */
export function authenticate(notice: Notice, settings: Settings): Verdict {
  const header = notice.headers[HEADER];
  if (!header) {
    return refused(
      'signature-missing',
      'there is no X-ANET-Signature header: it is sent once a Signature Key has been made at Authorize.Net',
    );
  }
  // Proxies change the case of headers and hexadecimal digits.
  const [, digits] = /^\s*sha512=([0-9a-f]{128})\s*$/i.exec(header) ?? [];
  if (digits === undefined) {
    return refused('signature-malformed', 'X-ANET-Signature is not sha512= and 128 hex digits');
  }
  const given = Buffer.from(digits, 'hex');
  const keys = settings.signatureKey ?? [];
  const genuine = keys.map((key) => sameBytes(hmac('sha512', key, notice.body), given));
  if (genuine.includes(true)) return AUTHENTIC;
  return refused(
    'signature-wrong',
    likelyMistake({
      keys,
      body: notice.body,
      setting: 'signatureKey',
      fits: (key, body) => sameBytes(createHmac('sha512', key).update(body).digest(), given),
    }),
  );
}
