/** The `x-square-hmacsha256-signature` header: base64 of an HMAC over the notification URL and the body. */
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import { parseJson } from '../kit/wire.ts';
import type { SquareSettings } from './settings.ts';

const HEADER = 'x-square-hmacsha256-signature';
const LEGACY_HEADER = 'x-square-signature';

/** No other portal signs with this header. */
export function recognizes({ headers }: Notice): boolean {
  return headers[HEADER] !== undefined;
}

/**
 * Any of our keys may fit, as a subscription's key is rotated. The address signed is the registered one from the
 * settings and never the request's own, which proxies change. It covers no time: a replay has a known event id.
 */
export function authenticate(notice: Notice, settings: SquareSettings): Verdict {
  const { headers, body } = notice;
  const signature = headers[HEADER];
  if (!signature) {
    const legacy = headers[LEGACY_HEADER] ? `, only the retired ${LEGACY_HEADER}` : '';
    return refused('signature-missing', `there is no ${HEADER} header${legacy}`);
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) {
    return refused('signature-malformed', `${HEADER} is not the base64 of 32 bytes`);
  }
  const { signatureKey: keys = [], notificationUrl } = settings;
  if (notificationUrl === undefined) {
    return refused(
      'signature-wrong',
      'this connection has no `notificationUrl`, which is part of what Square signs',
    );
  }
  const fits = (key: Secret | string | Buffer, of: Buffer, url = notificationUrl): boolean =>
    sameText(hmac('sha256', key, url, of).toString('base64'), signature);
  if (keys.some((key) => fits(key, body))) return ownSeller(body, settings);
  const otherUrl = likelyUrls(notificationUrl, notice.url).find((url) =>
    keys.some((key) => fits(key, body, url)),
  );
  if (otherUrl !== undefined) {
    return refused(
      'signature-wrong',
      `it is signed for ${otherUrl}, but \`notificationUrl\` is ${notificationUrl}: ` +
        'enter it letter for letter as it is registered at Square',
    );
  }
  const mistake = likelyMistake({ keys, body, setting: '`signatureKey`', fits });
  return refused('signature-wrong', `${mistake}; or \`notificationUrl\` is not the one registered`);
}

/** The text is compared, because base64 has several texts for the same bytes. */
function sameText(expected: string, candidate: string): boolean {
  return sameBytes(Buffer.from(expected), Buffer.from(candidate));
}

/** An app's subscription tells of all its sellers under one key. */
function ownSeller(body: Buffer, { merchantId }: SquareSettings): Verdict {
  const told = merchantId === undefined ? undefined : merchantOf(body);
  if (told === undefined || told === merchantId) return AUTHENTIC;
  return refused('wrong-account', `it is about seller ${told}, this connection is ${merchantId}`);
}

function merchantOf(body: Buffer): string | undefined {
  try {
    const told = (parseJson(body) as { merchant_id?: unknown } | null)?.merchant_id;
    return typeof told === 'string' ? told : undefined;
  } catch {
    // What cannot be read is stored and set aside with its reason.
    return undefined;
  }
}

/** Addresses that people mean to be the same. Only for the words of a refusal. */
function likelyUrls(registered: string, requested: string): readonly string[] {
  const [plain = ''] = registered.split('?');
  const swapped = registered.startsWith('https:')
    ? registered.replace(/^https:/, 'http:')
    : registered.replace(/^http:/, 'https:');
  const urls = [swapped, plain, registered.toLowerCase()];
  for (const url of [registered, swapped]) urls.push(`${url}/`, url.replace(/\/+$/, ''));
  for (const url of [registered, swapped]) {
    if (URL.canParse(requested, url)) urls.push(new URL(requested, url).href);
  }
  return urls.filter((url) => url !== registered);
}
