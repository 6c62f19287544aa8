/** The three ways to sign in: chosen without doubt, and proven by somebody else's verifier or published vectors. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Reauthorize } from '../kit/errors.ts';
import { Secret } from '../kit/secret.ts';
import { clientAssertion } from './assertion.ts';
import { netsuite } from './index.ts';
import { authorizationHeader } from './request-signature.ts';
import { settings, signInOf, suiteTalkUrl, tokenUrl } from './settings.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'));

const CERTIFICATE = { clientId: 'c', certificateId: 'k', privateKey: 'p' };
const TOKENS = { consumerKey: 'ck', consumerSecret: 'cs', tokenId: 'ti', tokenSecret: 'ts' };
const CONSENT = { clientId: 'c', clientSecret: 's' };

describe('settings', () => {
  const parse = (given: object) => settings.safeParse({ accountId: '1234567', ...given });
  const problems = (given: object) => {
    const { success, error } = parse(given);
    assert.equal(success, false, JSON.stringify(given));
    return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  };

  test('choose one way each', () => {
    for (const [way, given] of [
      ['certificate', CERTIFICATE],
      ['tokens', TOKENS],
      ['consent', CONSENT],
      ['consent', { ...CONSENT, refreshToken: 'r' }],
    ] as const) {
      const { data } = parse(given);
      assert.equal(data && signInOf(data).way, way);
    }
  });

  test('a mixture is refused, naming what does not go together and what does', () => {
    const mixtures: readonly (readonly [object, RegExp])[] = [
      [{ ...CERTIFICATE, ...TOKENS }, /certificateId and consumerKey are of different ways/],
      [
        { ...CERTIFICATE, clientSecret: 's' },
        /certificateId and clientSecret are of different ways/,
      ],
      [{ ...TOKENS, clientSecret: 's' }, /consumerKey and clientSecret are of different ways/],
      [{ ...TOKENS, privateKey: 'p' }, /privateKey and consumerKey are of different ways/],
      [{ ...TOKENS, clientId: 'c' }, /clientId: is not for access tokens/],
      [{ ...CERTIFICATE, refreshToken: 'r' }, /certificateId and refreshToken/],
    ];
    for (const [given, words] of mixtures) {
      const [problem, ...others] = problems(given);
      assert.match(problem ?? '', words);
      assert.match(problem ?? '', /by certificate with clientId, certificateId and privateKey/);
      assert.deepEqual(others, []);
    }
  });

  test('what a way lacks is named field by field', () => {
    const { certificateId: _, ...lacking } = CERTIFICATE;
    assert.match(
      problems(lacking).join('\n'),
      /^certificateId: is missing to sign in with clientId/,
    );
    assert.equal(problems({ tokenId: 'ti' }).length, 3);
    assert.match(problems({ clientSecret: 's' }).join('\n'), /^clientId: is missing/);
    assert.match(problems({}).join('\n'), /nothing says how to sign in/);
    assert.match(problems({ clientId: 'c' }).join('\n'), /nothing says how to sign in/);
  });

  test('the account is one in whatever spelling, and gives host and realm', () => {
    for (const accountId of ['1234567_SB1', '1234567-sb1', ' 1234567_sb1 ']) {
      const { data } = parse({ ...TOKENS, accountId });
      assert.equal(data?.accountId, '1234567_SB1');
      assert.equal(data && suiteTalkUrl(data), 'https://1234567-sb1.suitetalk.api.netsuite.com');
      assert.equal(
        data && tokenUrl(data),
        'https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token',
      );
    }
    for (const accountId of ['', '1234567.evil.example', 'a/b', '1234567 SB1']) {
      assert.equal(parse({ ...TOKENS, accountId }).success, false, accountId);
    }
    const own = parse({
      ...CONSENT,
      apiBaseUrl: 'http://127.0.0.1:1',
      authBaseUrl: 'http://127.0.0.1:2/',
    });
    assert.equal(own.data && suiteTalkUrl(own.data), 'http://127.0.0.1:1');
    assert.equal(
      own.data && tokenUrl(own.data),
      'http://127.0.0.1:2/services/rest/auth/oauth2/v1/token',
    );
  });

  test('the consent page is another host, and the way back must be of the same account', () => {
    const { data } = parse({ ...CONSENT, accountId: '1234567_SB1' });
    assert.ok(data);
    const { page, fromRedirect, pkce } = netsuite.api?.consent ?? assert.fail('no consent');
    assert.equal(
      page(data).url,
      'https://1234567-sb1.app.netsuite.com/app/login/oauth2/authorize.nl',
    );
    assert.deepEqual(page(data).parameters, { scope: 'rest_webservices' });
    assert.equal(pkce, true);
    assert.deepEqual(fromRedirect?.(new URLSearchParams({ company: '1234567-sb1' }), data), {});
    assert.deepEqual(fromRedirect?.(new URLSearchParams({ code: 'x' }), data), {});
    assert.throws(
      () => fromRedirect?.(new URLSearchParams({ company: '1234567' }), data),
      /in account 1234567, not in 1234567_SB1/,
    );
  });
});

type Vector = {
  readonly name: string;
  readonly kind: string;
  readonly method: string;
  readonly url: string;
  readonly consumerKey: string;
  readonly consumerSecret: string;
  readonly token: string;
  readonly tokenSecret: string;
  readonly nonce: string;
  readonly timestamp: string;
  readonly realm: string;
  readonly expected: string;
};

describe('access tokens: OAuth 1.0a', () => {
  const vectors = (fixture('signature-vectors') as Vector[]).filter(
    ({ kind }) => kind === 'oauth1-hmac-sha256',
  );
  const header = (vector: Vector, change: Partial<Vector> = {}) => {
    const { method, url, realm, nonce, timestamp, ...keys } = { ...vector, ...change };
    return authorizationHeader(
      {
        way: 'tokens',
        consumerKey: keys.consumerKey,
        consumerSecret: new Secret(keys.consumerSecret),
        tokenId: keys.token,
        tokenSecret: new Secret(keys.tokenSecret),
      },
      realm,
      { method, url: new URL(url), now: new Date(Number(timestamp) * 1000), nonce },
    );
  };

  assert.equal(vectors.length, 3);
  for (const vector of vectors) {
    test(vector.name, () => {
      const signed = header(vector);
      const [, signature = ''] = /oauth_signature="([^"]+)"/.exec(signed) ?? [];
      assert.equal(decodeURIComponent(signature), vector.expected);
      assert.doesNotMatch(signature, /[+/=]/, 'percent-encoded');
      const { realm, consumerKey, token, timestamp, nonce } = vector;
      const fields = [
        `realm="${realm}"`,
        `oauth_consumer_key="${consumerKey}"`,
        `oauth_token="${token}"`,
        'oauth_signature_method="HMAC-SHA256"',
        `oauth_timestamp="${timestamp}"`,
        `oauth_nonce="${nonce}"`,
        'oauth_version="1.0"',
        `oauth_signature="${encodeURIComponent(vector.expected)}"`,
      ];
      assert.equal(signed, `OAuth ${fields.join(', ')}`);
      const shown = encodeURIComponent(vector.expected);
      for (const change of [
        { method: 'PUT' },
        { url: `${vector.url}${vector.url.includes('?') ? '&' : '?'}x=1` },
        { nonce: 'another' },
        { timestamp: '1508242307' },
        { tokenSecret: 'another' },
      ]) {
        assert.ok(!header(vector, change).includes(shown), JSON.stringify(change));
      }
      // The realm is no part of what is signed; neither is the order of the query.
      assert.ok(header(vector, { realm: '1234567_SB1' }).includes(shown));
    });
  }

  test('marks that JavaScript leaves are encoded, and blanks are no plus', () => {
    const [vector] = vectors;
    assert.ok(vector);
    for (const url of [
      "https://x.example/a?q=it's (a) *test*!&p=1%202&ü=ä~",
      'https://x.example/a?p=1+2&%C3%BC=%C3%A4%7E&q=it%27s%20%28a%29%20%2Atest%2A%21',
    ]) {
      // Computed in Python over the decoded pairs.
      const expected = encodeURIComponent('UKlgDi45iDY0gjk2GASuHNYCJJR7vGI8V4FYeE/xy4U=');
      assert.ok(header(vector, { method: 'GET', url }).includes(expected), url);
    }
  });
});

/** Verified by Web Crypto, which knows JWS's forms of signatures and none of Node's defaults. */
const ALGORITHMS = {
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
} as const;

async function verifies(jwt: string, publicKey: KeyObject): Promise<boolean> {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string };
  const algorithm = ALGORITHMS[alg as keyof typeof ALGORITHMS];
  const { subtle } = webcrypto;
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const key = await subtle.importKey('spki', spki, algorithm, false, ['verify']);
  const bytes = Buffer.from(signature, 'base64url');
  return subtle.verify(algorithm, key, bytes, Buffer.from(`${header}.${payload}`));
}

describe('certificate: the signed assertion', () => {
  const NOW = new Date(1793719344_000);
  const AUDIENCE = 'https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token';
  const rsa = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8') =>
    String(key.export({ type: type as 'pkcs8', format: 'pem' }));
  const assertion = (privateKey: string) =>
    clientAssertion(
      {
        way: 'certificate',
        clientId: 'EXAMPLE-client-id',
        certificateId: 'EXAMPLE-certificate-id',
        privateKey: new Secret(privateKey),
      },
      AUDIENCE,
      NOW,
    );
  const parts = (jwt: string) =>
    jwt
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));

  test('says what NetSuite documents, with an RSA key', async () => {
    const jwt = assertion(pem(rsa.privateKey));
    const { header, payload } = fixture('oauth-m2m-assertion');
    assert.deepEqual(parts(jwt), [header, payload]);
    assert.equal(await verifies(jwt, rsa.publicKey), true);
    const other = generateKeyPairSync('rsa', { modulusLength: 3072 });
    assert.equal(await verifies(jwt, other.publicKey), false);
    const [head, body, signature = ''] = jwt.split('.');
    assert.equal(
      await verifies(`${head}.${body}.${signature.replace(/^./, 'A')}x`, rsa.publicKey),
      false,
    );
  });

  for (const [namedCurve, alg] of [
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
  ] as const) {
    test(`follows the key: ${namedCurve} signs ${alg}`, async () => {
      const pair = generateKeyPairSync('ec', { namedCurve });
      const jwt = assertion(pem(pair.privateKey));
      assert.equal(parts(jwt)[0].alg, alg);
      assert.equal(await verifies(jwt, pair.publicKey), true);
    });
  }

  test('a key is read in every form in which PEM is pasted', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forms = [
      pem(ec.privateKey, 'sec1'),
      pem(ec.privateKey).replaceAll('\n', '\\n'),
      pem(ec.privateKey).replaceAll('\n', ' '),
      pem(ec.privateKey).replaceAll('\n', '\r\n'),
      pem(ec.privateKey).replaceAll('\n', ''),
    ];
    for (const form of forms)
      assert.equal(await verifies(assertion(form), ec.publicKey), true, form);
    assert.equal(await verifies(assertion(pem(rsa.privateKey, 'pkcs1')), rsa.publicKey), true);
  });

  test('what NetSuite would refuse is refused here, without quoting the key', () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const odd = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const edwards = generateKeyPairSync('ed25519');
    const sealed = String(
      rsa.privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'x',
      }),
    );
    const refused: readonly (readonly [string, RegExp])[] = [
      [pem(small.privateKey), /2048 bits; NetSuite takes RSA keys of 3072 or 4096/],
      [pem(odd.privateKey), /ec secp256k1; NetSuite takes/],
      [pem(edwards.privateKey), /ed25519; NetSuite takes/],
      [sealed, /is encrypted/],
      [
        String(rsa.publicKey.export({ type: 'spki', format: 'pem' })),
        /is not a private key in PEM/,
      ],
      ['MIIEvQIBADANBg-secret', /is not a private key in PEM/],
    ];
    for (const [key, words] of refused) {
      assert.throws(
        () => assertion(key),
        (error) =>
          error instanceof Reauthorize &&
          words.test(error.message) &&
          !/secret/.test(error.message),
      );
    }
  });
});
