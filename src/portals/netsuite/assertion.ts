/** The signed JWT by which a client proves itself with its certificate (RFC 7523), as NetSuite takes it. */
import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { Reauthorize } from '../kit/errors.ts';
import type { SignIn } from './settings.ts';

/** NetSuite takes up to an hour; the token is asked for at once. */
const LIFETIME_SECONDS = 300;
const SCOPE = 'rest_webservices';
/** NetSuite refuses certificates of smaller keys. */
const SMALLEST_RSA_BITS = 3072;

type Algorithm = { readonly name: string; readonly hash: string };

const OF_CURVES: Readonly<Record<string, Algorithm>> = {
  prime256v1: { name: 'ES256', hash: 'sha256' },
  secp384r1: { name: 'ES384', hash: 'sha384' },
  secp521r1: { name: 'ES512', hash: 'sha512' },
};

/** A fresh assertion for the token endpoint `audience`. @throws Reauthorize for a key that NetSuite does not take */
export function clientAssertion(
  client: Extract<SignIn, { readonly way: 'certificate' }>,
  audience: string,
  now: Date,
): string {
  const key = readPrivateKey(client.privateKey.reveal());
  const algorithm = algorithmOf(key);
  const issuedAt = Math.floor(now.getTime() / 1000);
  const header = { typ: 'JWT', alg: algorithm.name, kid: client.certificateId };
  const payload = {
    iss: client.clientId,
    scope: SCOPE,
    iat: issuedAt,
    exp: issuedAt + LIFETIME_SECONDS,
    aud: audience,
  };
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  // JWS wants a salt as long as the hash, and both numbers of an EC signature side by side; Node's defaults do neither.
  const signature = sign(algorithm.hash, Buffer.from(signed), {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

function algorithmOf(key: KeyObject): Algorithm {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if (modulusLength >= SMALLEST_RSA_BITS) return { name: 'PS256', hash: 'sha256' };
    throw new Reauthorize(
      `privateKey has ${modulusLength} bits; NetSuite takes RSA keys of 3072 or 4096`,
    );
  }
  const algorithm = key.asymmetricKeyType === 'ec' ? OF_CURVES[namedCurve] : undefined;
  if (algorithm) return algorithm;
  const kind = [key.asymmetricKeyType, namedCurve].join(' ').trim();
  throw new Reauthorize(
    `privateKey is of the kind ${kind}; NetSuite takes RSA, and EC on P-256, P-384 or P-521`,
  );
}

function readPrivateKey(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) {
    throw new Reauthorize('privateKey is encrypted: take the passphrase off it first');
  }
  try {
    return createPrivateKey(withLines(pem));
  } catch {
    // The library's words may quote the key.
    throw new Reauthorize('privateKey is not a private key in PEM (-----BEGIN PRIVATE KEY-----)');
  }
}

/** Forms and environments make one line of several, or write their ends as `\n`. */
function withLines(pem: string): string {
  const [, kind, body = ''] =
    /-----BEGIN ([A-Z ]+)-----([\s\S]*?)-----END \1-----/.exec(pem.replaceAll('\\n', '\n')) ?? [];
  if (kind === undefined) return pem;
  const lines = (body.replace(/\s+/g, '').match(/.{1,64}/g) ?? []).join('\n');
  return `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`;
}
