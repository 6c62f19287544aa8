/** The signature of Standard Webhooks and Svix: `webhook-id`, `webhook-timestamp`, `webhook-signature`. */
import { createPublicKey, verify } from 'node:crypto';
import type { Notice, Verdict } from '../contract.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { GenericSettings } from './settings.ts';

const TOLERANCE_SECONDS = 300;
const FAMILIES = ['webhook', 'svix'] as const;

type Headers = Notice['headers'];

/** Either family of headers; no other portal signs with them. */
export function recognizes({ headers }: Notice): boolean {
  return familyOf(headers) !== undefined;
}

/** The sender's id of the event, which is the same on every attempt; undefined for what was not delivered. */
export function deliveryId(headers: Headers): string | undefined {
  const family = familyOf(headers);
  return family && headers[`${family}-id`];
}

/** The families are never mixed: where one header of the standard's own stands, all three must. */
function familyOf(headers: Headers): (typeof FAMILIES)[number] | undefined {
  return FAMILIES.find((family) =>
    ['id', 'timestamp', 'signature'].some((name) => headers[`${family}-${name}`] !== undefined),
  );
}

/**
 * Signed are `{id}.{timestamp}.` and the raw body. Any signature of a kind we hold a key for may match, as both
 * sides rotate; versions that are not known are skipped. Five minutes off either way is stale.
 */
export function authenticate(notice: Notice, settings: GenericSettings): Verdict {
  const family = familyOf(notice.headers) ?? 'webhook';
  const [id, timestamp, header] = (['id', 'timestamp', 'signature'] as const).map(
    (name) => notice.headers[`${family}-${name}`],
  );
  if (!id || !timestamp || !header) {
    return refused(
      'signature-missing',
      `it needs the headers ${family}-id, ${family}-timestamp and ${family}-signature`,
    );
  }
  if (!/^\d{1,15}$/.test(timestamp)) {
    return refused('signature-malformed', `${family}-timestamp is not a number of seconds`);
  }
  const signatures = parse(header, settings);
  if (signatures.length === 0) {
    return refused('signature-malformed', `${family}-signature holds no v1 or v1a signature`);
  }
  const { webhookSecret = [], webhookPublicKey = [] } = settings;
  if (webhookSecret.length + webhookPublicKey.length === 0) {
    return refused(
      'signature-wrong',
      'this connection has neither `webhookSecret` nor `webhookPublicKey` to check with',
    );
  }
  const signed: Signed = { prefix: `${id}.${timestamp}.`, body: notice.body };
  const genuine = [
    ...webhookSecret.map((secret) => matchesMac(keyOf(secret.reveal(), settings), signed)),
    ...webhookPublicKey.map((key) => matchesPublicKey(key, signed)),
  ].some((matches) => signatures.some(matches));
  if (!genuine) return refused('signature-wrong', mistake(signatures, signed, settings));
  return judgeAge(Number(timestamp), notice.receivedAt, settings);
}

type Signed = { readonly prefix: string; readonly body: Buffer };
type Signature = { readonly version: 'v1' | 'v1a'; readonly bytes: Buffer };
type Matches = (signature: Signature) => boolean;

function matchesMac(key: Buffer, { prefix, body }: Signed): Matches {
  const expected = hmac('sha256', key, prefix, body);
  return ({ version, bytes }) => version === 'v1' && sameBytes(expected, bytes);
}

function matchesPublicKey(key: string, { prefix, body }: Signed): Matches {
  const x = Buffer.from(key.replace(/^whpk_/, ''), 'base64').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const message = Buffer.concat([Buffer.from(prefix), body]);
  return ({ version, bytes }) => version === 'v1a' && verify(null, message, publicKey, bytes);
}

function keyOf(secret: string, { webhookKeyForm }: GenericSettings): Buffer {
  return webhookKeyForm === 'text'
    ? Buffer.from(secret, 'utf8')
    : Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

const LENGTHS: Readonly<Record<string, number>> = { v1: 32, v1a: 64 };

/** `v1,<signature> v1a,<signature> …`, separated by blanks; a repeated header adds a comma behind. */
function parse(header: string, { webhookSignatureForm }: GenericSettings): readonly Signature[] {
  return header.split(/\s+/).flatMap((token) => {
    const [version = '', encoded = ''] = token.split(',');
    const form = webhookSignatureForm === 'hex' ? /^[0-9a-f]+$/i : /^[A-Za-z0-9+/_-]+={0,2}$/;
    if (!Object.hasOwn(LENGTHS, version) || !form.test(encoded)) return [];
    const bytes = Buffer.from(encoded, webhookSignatureForm);
    return bytes.length === LENGTHS[version] ? [{ version: version as 'v1' | 'v1a', bytes }] : [];
  });
}

/** Only for the words of the refusal. */
function mistake(
  signatures: readonly Signature[],
  { prefix, body }: Signed,
  settings: GenericSettings,
): string {
  const { webhookSecret = [], webhookKeyForm } = settings;
  const versions = new Set(signatures.map(({ version }) => version));
  if (webhookSecret.length === 0 && !versions.has('v1a')) {
    return 'it is signed with a shared secret (v1), and this connection has no `webhookSecret`';
  }
  if (!versions.has('v1')) {
    return settings.webhookPublicKey === undefined
      ? 'it is signed with ed25519 (v1a), and this connection has no `webhookPublicKey`'
      : 'the signature fits no `webhookPublicKey`: it is probably that of another endpoint';
  }
  const fits = (key: Buffer, of: Buffer) => signatures.some(matchesMac(key, { prefix, body: of }));
  const otherForm = webhookKeyForm === 'text' ? 'base64' : 'text';
  const inOtherForm = webhookSecret.some((secret) =>
    fits(keyOf(secret.reveal(), { ...settings, webhookKeyForm: otherForm }), body),
  );
  if (inOtherForm) {
    return `the sender uses the secret in the form "${otherForm}": set \`webhookKeyForm\` to it`;
  }
  return likelyMistake({
    keys: webhookSecret,
    body,
    setting: '`webhookSecret`',
    fits: (key, of) => fits(typeof key === 'string' ? keyOf(key, settings) : key, of),
  });
}

function judgeAge(
  timestamp: number,
  receivedAt: Date,
  { webhookTimestampUnit }: GenericSettings,
): Verdict {
  const seconds = webhookTimestampUnit === 'milliseconds' ? timestamp / 1000 : timestamp;
  const age = Math.round(receivedAt.getTime() / 1000 - seconds);
  if (Math.abs(age) <= TOLERANCE_SECONDS) return AUTHENTIC;
  const inMilliseconds = Math.abs(receivedAt.getTime() - timestamp) <= TOLERANCE_SECONDS * 1000;
  return refused(
    'timestamp-stale',
    inMilliseconds
      ? 'its timestamp is in milliseconds: set `webhookTimestampUnit` to milliseconds'
      : `it was signed ${Math.abs(age)} seconds ${age > 0 ? 'ago' : 'ahead of our clock'}`,
  );
}
