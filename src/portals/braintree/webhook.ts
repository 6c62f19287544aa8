/** Braintree's webhooks: a form of two fields, signed for each API key of the account; and the challenge. */
import { createHash, createHmac } from 'node:crypto';
import type { Notice, Reply, Verdict } from '../contract.ts';
import { sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { Settings } from './settings.ts';

/** Notices hold one transaction, or the twenty newest of a subscription. */
export const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

type Form = { readonly signature: string; readonly payload: string };

/** The form of a delivery, decoded once; undefined when the body is none of Braintree's. */
export function readForm(body: Buffer): Form | undefined {
  if (body.length > BODY_LIMIT_BYTES || !looksLikeForm(body)) return undefined;
  const fields = new URLSearchParams(body.toString('utf8').trim());
  const [signature, ...others] = fields.getAll('bt_signature');
  const [payload, ...more] = fields.getAll('bt_payload');
  if (signature === undefined || payload === undefined) return undefined;
  return others.length + more.length === 0 ? { signature, payload } : undefined;
}

function looksLikeForm(body: Buffer): boolean {
  const start = body.subarray(0, 16).toString('latin1');
  return /^\s*bt_(signature|payload)=/.test(start) && body.includes('&bt_');
}

/** The XML inside a payload, as it was signed. */
export function xmlOf({ payload }: Form): Buffer {
  return Buffer.from(payload, 'base64');
}

/** True for what only Braintree sends: its two form fields, or the challenge in the address. */
export function recognizes(notice: Notice): boolean {
  if (notice.method === 'GET') return challengeIn(notice) !== undefined;
  return looksLikeForm(notice.body);
}

/**
 * HMAC-SHA1 over the decoded payload, keyed with the SHA-1 digest of the private key. The signature has a pair
 * for each API key of the account; only that of our public key counts.
 */
export function authenticate(notice: Notice, { publicKey, privateKey }: Settings): Verdict {
  const form = readForm(notice.body);
  if (!form) {
    return refused('signature-missing', 'it is not the form of bt_signature and bt_payload');
  }
  const { payload } = form;
  if (!/^[A-Za-z0-9+/=\n]+$/.test(payload)) {
    return refused(
      'signature-malformed',
      'bt_payload holds characters that it cannot: something on its way decoded the form twice',
    );
  }
  const pairs = form.signature.split('&').map((pair) => pair.split('|'));
  const signatures = pairs
    .filter(([key, hex]) => key === publicKey && /^[0-9a-f]{40}$/i.test(hex ?? ''))
    .map(([, hex]) => Buffer.from(hex as string, 'hex'));
  if (signatures.length === 0) return refusedKeys(pairs, publicKey);
  // A proxy that trims the body takes the payload's last newline away; the SDKs accept that, too.
  const fits = (key: string | Buffer, text: Buffer) =>
    [text, Buffer.concat([text, Buffer.from('\n')])]
      .flatMap((signed) => signatures.map((one) => sameBytes(digest(key, signed), one)))
      .includes(true);
  const signed = Buffer.from(payload);
  if (fits(privateKey.reveal(), signed)) return AUTHENTIC;
  const mistake = { keys: [privateKey], body: signed, setting: 'privateKey', fits };
  return refused('signature-wrong', likelyMistake(mistake));
}

function refusedKeys(pairs: readonly (readonly string[])[], publicKey: string): Verdict {
  const keys = pairs.flatMap(([key, hex]) => (key && hex ? [key.slice(0, 40)] : []));
  if (keys.length === 0 || keys.includes(publicKey)) {
    return refused('signature-malformed', 'bt_signature holds no public key with a SHA-1 in hex');
  }
  return refused(
    'wrong-account',
    `it is signed for the API keys ${keys.slice(0, 5).join(', ')}, and publicKey is ${publicKey}: ` +
      'was the key deleted, or is this the other environment?',
  );
}

/**
 * The challenge by which Braintree looks whether an address is ours: `bt_challenge` in the query of a GET,
 * answered with the public key and its signature.
 */
export function handshake(notice: Notice, settings: Settings): Reply | undefined {
  const challenge = notice.method === 'GET' ? challengeIn(notice) : undefined;
  if (challenge === undefined) return undefined;
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  if (!/^[a-f0-9]{20,32}$/.test(challenge)) {
    return { status: 400, headers, body: 'bt_challenge is not 20 to 32 hexadecimal digits' };
  }
  const { publicKey, privateKey } = settings;
  return { status: 200, headers, body: `${publicKey}|${signChallenge(challenge, privateKey)}` };
}

function signChallenge(challenge: string, privateKey: Secret): string {
  return digest(privateKey.reveal(), Buffer.from(challenge)).toString('hex');
}

function challengeIn({ url }: Notice): string | undefined {
  const query = url.indexOf('?');
  if (query < 0) return undefined;
  return new URLSearchParams(url.slice(query + 1)).get('bt_challenge') ?? undefined;
}

function digest(privateKey: string | Buffer, signed: Buffer): Buffer {
  const key = createHash('sha1').update(privateKey).digest();
  return createHmac('sha1', key).update(signed).digest();
}
