/** The three ways into a simulated NetSuite account, each checked as strictly as NetSuite checks it. */
import { createHmac, generateKeyPairSync, webcrypto } from 'node:crypto';
import { type AuthorizationServer, authorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import { type Random, seededRandom } from './random.ts';

export type Way = 'certificate' | 'tokens' | 'consent';

export type SignIn = {
  /** Settings as text, for this way alone. */
  readonly settings: Readonly<Record<string, string>>;
  /** Answers what belongs to signing in; undefined for any other call. */
  answer(request: SimulatedRequest): Promise<SimulatedAnswer | undefined>;
  /** True when the call proves that it may be made. */
  accepts(request: SimulatedRequest): boolean;
  /** Makes every access token given out so far worthless. */
  expireAccessTokens(): void;
};

const TOKEN_PATH = '/services/rest/auth/oauth2/v1/token';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const LONGEST_ASSERTION_SECONDS = 3600;

export type SignInOptions = {
  readonly seed: number;
  readonly accountId: string;
  readonly key: 'ec' | 'rsa';
  /** The account's clock, which is never ahead of a client's. */
  readonly clock: () => Date;
};

export function openWay(way: Way, options: SignInOptions): SignIn {
  switch (way) {
    case 'certificate':
      return byCertificate(options);
    case 'tokens':
      return byTokens(options);
    case 'consent':
      return byConsent(options);
  }
}

function bearer({ headers }: SimulatedRequest): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

/** Where the client reaches us, which is what it signs. */
function addressOf({ headers, url }: SimulatedRequest): string {
  return `http://${headers.host}${url.pathname}`;
}

type Known = { readonly clientId: string; readonly certificateId: string };

function byCertificate(options: SignInOptions): SignIn {
  const random = seededRandom(options.seed + 3);
  const known = {
    clientId: `simulated-client-${random.token(24)}`,
    certificateId: `simulated-certificate-${random.token(12)}`,
  };
  const pair =
    options.key === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 3072 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateKey = String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
  const tokens = new Set<string>();
  return {
    settings: { ...known, privateKey },
    async answer(request) {
      if (request.url.pathname !== TOKEN_PATH || request.method !== 'POST') return undefined;
      const form = new URLSearchParams(request.body.toString());
      const because =
        formProblem(form) ??
        (await assertionProblem(form.get('client_assertion') ?? '', {
          ...options,
          known,
          publicKey,
          audience: addressOf(request),
        }));
      if (because) return { status: 400, body: { error: 'invalid_request', because } };
      const token = `simulated-access-${random.token(24)}`;
      tokens.add(token);
      // The lifetime is a number, but sent as text.
      return {
        status: 200,
        body: { access_token: token, expires_in: '3600', token_type: 'Bearer' },
      };
    },
    accepts: (request) => tokens.has(bearer(request) ?? ''),
    expireAccessTokens: () => tokens.clear(),
  };
}

function formProblem(form: URLSearchParams): string | undefined {
  if (form.get('grant_type') !== 'client_credentials') return 'grant_type';
  return form.get('client_assertion_type') === ASSERTION_TYPE ? undefined : 'client_assertion_type';
}

/** What is wrong with an assertion; undefined when it proves the client. */
async function assertionProblem(
  jwt: string,
  expected: SignInOptions & {
    readonly known: Known;
    readonly publicKey: Buffer;
    readonly audience: string;
  },
): Promise<string | undefined> {
  const [header, payload, signature] = jwt.split('.');
  if (!header || !payload || !signature) return 'not a JWT';
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  const { alg, typ, kid } = read(header) as Record<string, unknown>;
  const claims = read(payload) as Record<string, unknown>;
  const { known, audience } = expected;
  if (typ !== 'JWT' || kid !== known.certificateId) return 'header';
  if (alg !== (expected.key === 'rsa' ? 'PS256' : 'ES256')) return `algorithm ${String(alg)}`;
  if (claims.iss !== known.clientId || claims.aud !== audience) return 'iss or aud';
  if (claims.scope !== 'rest_webservices') return 'scope';
  const [issued, ends] = [Number(claims.iat), Number(claims.exp)];
  if (!(ends > issued && ends - issued <= LONGEST_ASSERTION_SECONDS)) return 'iat and exp';
  if (ends < expected.clock().getTime() / 1000 - LONGEST_ASSERTION_SECONDS) return 'expired';
  const proven = await verify(
    expected,
    `${header}.${payload}`,
    Buffer.from(signature, 'base64url'),
  );
  return proven ? undefined : 'signature';
}

/** By Web Crypto, whose signatures are those of JWS: another way than the one the client goes. */
async function verify(
  { key, publicKey }: { readonly key: 'ec' | 'rsa'; readonly publicKey: Buffer },
  signed: string,
  signature: Buffer,
): Promise<boolean> {
  const { subtle } = webcrypto;
  const algorithm =
    key === 'rsa'
      ? { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 }
      : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const imported = await subtle.importKey('spki', publicKey, algorithm, false, ['verify']);
  return subtle.verify(algorithm, imported, signature, Buffer.from(signed));
}

/** Each call is signed by itself, with a nonce that is good once. */
function byTokens({ seed, accountId }: SignInOptions): SignIn {
  const random = seededRandom(seed + 3);
  const secret = () => random.token(64);
  const settings = {
    consumerKey: secret(),
    consumerSecret: secret(),
    tokenId: secret(),
    tokenSecret: secret(),
  };
  const nonces = new Set<string>();
  return {
    settings,
    answer: async () => undefined,
    accepts(request) {
      const given = oauthHeader(request.headers.authorization ?? '');
      const { realm, oauth_signature: signature, ...proof } = given;
      const { oauth_nonce: nonce = '' } = proof;
      const known =
        realm === accountId &&
        proof.oauth_consumer_key === settings.consumerKey &&
        proof.oauth_token === settings.tokenId &&
        proof.oauth_signature_method === 'HMAC-SHA256' &&
        proof.oauth_version === '1.0' &&
        /^\d{9,10}$/.test(proof.oauth_timestamp ?? '') &&
        /^[A-Za-z0-9]{6,64}$/.test(nonce) &&
        !nonces.has(nonce);
      if (!known || signature !== signatureOf(request, proof, settings)) return false;
      nonces.add(nonce);
      return true;
    },
    expireAccessTokens: () => {},
  };
}

function oauthHeader(header: string): Readonly<Record<string, string>> {
  if (!header.startsWith('OAuth ')) return {};
  const pairs = [...header.slice(6).matchAll(/(\w+)="([^"]*)"/g)];
  return Object.fromEntries(
    pairs.map(([, name, value]) => [name, decodeURIComponent(value ?? '')]),
  );
}

/** From the query as it came over the wire, pair by pair. */
function signatureOf(
  request: SimulatedRequest,
  proof: Readonly<Record<string, string>>,
  keys: { readonly consumerSecret: string; readonly tokenSecret: string },
): string {
  const query = request.url.search
    .replace(/^\?/, '')
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      const plain = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
      return `${escape3986(plain(name))}=${escape3986(plain(value.join('=')))}`;
    });
  const own = Object.entries(proof).map(
    ([name, value]) => `${escape3986(name)}=${escape3986(value)}`,
  );
  const parameters = [...query, ...own].sort().join('&');
  const base = [request.method, addressOf(request), parameters].map(escape3986).join('&');
  const key = [keys.consumerSecret, keys.tokenSecret].map(escape3986).join('&');
  return createHmac('sha256', key).update(base).digest('base64');
}

function escape3986(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const sign = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(sign)
        ? sign
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function byConsent({ seed, accountId }: SignInOptions): SignIn {
  const server: AuthorizationServer = authorizationServer({
    random: seededRandom(seed + 3) satisfies Random,
    authorizePath: '/app/login/oauth2/authorize.nl',
    tokenPath: TOKEN_PATH,
    client: 'basic',
    pkce: true,
    accessSeconds: 3600,
    rotation: 'none',
    redirect: () => ({ role: '1013', entity: '7', company: accountId }),
    extra: () => ({ expires_in: '3600' }),
    required: ['scope', 'state'],
  });
  const { clientId, clientSecret, refreshToken } = server;
  return {
    settings: { clientId, clientSecret, refreshToken },
    answer: async (request) => server.answer(request),
    accepts: (request) => server.accepts(bearer(request)),
    expireAccessTokens: () => server.expireAccessTokens(),
  };
}
