/**
 * OAuth 2 access tokens: refreshed once across all nodes, and never lost while refresh tokens
 * rotate.
 */
import { Reauthorize, RetryLater, WireMismatch } from './errors.ts';
import { Secret } from './secret.ts';

/**
 * The client a portal knows us by; `clientAuthentication` and `parameters` as the portal documents.
 */
export type OAuthClient = {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Absent for a client that proves itself by an assertion. */
  readonly clientSecret?: Secret;
  /**
   * A JWT signed with the client's own key (RFC 7523), in place of the secret; asked for each request.
   * @throws Reauthorize when the key cannot sign
   */
  assertion?(now: Date): string;
  /**
   * How tokens are asked for: for the client itself, or in a person's name. Absent: `refresh_token` when one is
   * given, else `client_credentials`.
   */
  readonly grant?: 'client_credentials' | 'refresh_token';
  readonly refreshToken?: Secret;
  /** Where client id and secret travel: HTTP Basic (default), the form, or a JSON body. */
  readonly clientAuthentication?: 'basic' | 'form' | 'json';
  /** Further fields of the token request (`redirect_uri`, `scope` …). */
  readonly parameters?: Readonly<Record<string, string>>;
};

/** What is kept between calls; the engine encrypts it at rest. */
export type StoredToken = {
  readonly accessToken: Secret;
  readonly expiresAt: Date;
  readonly refreshToken: Secret | undefined;
  /** When the refresh token dies unless it is used; undefined when nobody says. */
  readonly refreshExpiresAt?: Date | undefined;
  /** The one before, tried when the portal never saw us receive its successor. */
  readonly previousRefreshToken: Secret | undefined;
};

/** Storage of one connection's token, shared by all nodes. */
export type TokenStore = {
  load(): Promise<StoredToken | undefined>;
  /** Runs `work` while nobody else does (a row lock); what it saved is durable once this resolves. */
  exclusively<T>(
    work: (
      current: StoredToken | undefined,
      save: (next: StoredToken) => Promise<void>,
    ) => Promise<T>,
  ): Promise<T>;
};

export type TokenSource = {
  /** A token that is good for at least two more minutes. @throws RetryLater, Reauthorize */
  current(): Promise<Secret>;
  /**
   * The portal refused `token`: a newer one, refreshed unless another call did. @throws as above
   */
  insteadOf(token: Secret): Promise<Secret>;
};

const REFRESH_BEFORE_EXPIRY_MS = 120_000;
/** RFC 6749 lets `expires_in` be absent; asking again soon is the safe reading. */
const ASSUMED_LIFETIME_SECONDS = 300;
const TIMEOUT_MS = 30_000;
/** RFC 7523, section 2.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export type TokenSourceOptions = {
  readonly store: TokenStore;
  readonly client: OAuthClient;
  readonly clock: () => Date;
  readonly fetch?: typeof globalThis.fetch;
};

/** The tokens of one connection. Keep one source per connection; the store makes nodes agree. */
export function tokenSource(options: TokenSourceOptions): TokenSource {
  const { store, clock } = options;
  requireSafeUrl(options.client.tokenUrl);

  const usable = (token: StoredToken | undefined, refused: Secret | undefined): boolean =>
    token !== undefined &&
    token.accessToken.reveal() !== refused?.reveal() &&
    token.expiresAt.getTime() - clock().getTime() > REFRESH_BEFORE_EXPIRY_MS;

  const stored = async (refused: Secret | undefined): Promise<Secret | undefined> => {
    const token = await store.load();
    return token && usable(token, refused) ? token.accessToken : undefined;
  };

  // Calls of this node wait for each other here and not in the store, where each would hold a session.
  let turn: Promise<unknown> = Promise.resolve();
  const refresh = (refused: Secret | undefined): Promise<Secret> => {
    const token = turn.then(async () => (await stored(refused)) ?? exchange(refused));
    turn = token.catch(() => undefined);
    return token;
  };

  const exchange = (refused: Secret | undefined): Promise<Secret> =>
    store.exclusively(async (current, save) => {
      // Another node may have refreshed while we waited for the lock.
      if (current && usable(current, refused)) return current.accessToken;
      const next = await requestToken(options, current);
      // Saved before it is used: with rotation, an unsaved refresh token is a lost connection.
      await save(next);
      return next.accessToken;
    });

  return {
    current: async () => (await stored(undefined)) ?? refresh(undefined),
    insteadOf: (token) => refresh(token),
  };
}

/** A store in memory, for tests and commands that run once. */
export function memoryTokenStore(first?: StoredToken): TokenStore {
  let token = first;
  let turn: Promise<unknown> = Promise.resolve();
  return {
    load: async () => token,
    exclusively(work) {
      const result = turn.then(() =>
        work(token, async (next) => {
          token = next;
        }),
      );
      turn = result.catch(() => undefined);
      return result;
    },
  };
}

/**
 * Asks with the newest refresh token first. An older one is tried only when the newer is refused:
 * when an answer with a rotated token was lost on its way, the portal still honours the token
 * before it for a while.
 */
async function requestToken(
  options: TokenSourceOptions,
  current: StoredToken | undefined,
): Promise<StoredToken> {
  const { client } = options;
  if (
    (client.grant ?? (client.refreshToken ? 'refresh_token' : 'client_credentials')) !==
    'refresh_token'
  ) {
    const issued = await askForToken(options, { grant_type: 'client_credentials' });
    if (issued) return { ...issued, previousRefreshToken: undefined };
    throw new Reauthorize('the portal does not accept our client id and secret');
  }
  const candidates = refreshTokens(client, current);
  if (candidates.length === 0) {
    throw new Reauthorize('nobody has let us in yet: open the consent page of this connection');
  }
  for (const candidate of candidates) {
    const fields = { grant_type: 'refresh_token', refresh_token: candidate.reveal() };
    const issued = await askForToken(options, fields);
    if (issued) {
      // A portal that does not rotate sends no refresh token: the one used stays.
      const refreshToken = issued.refreshToken ?? candidate;
      const refreshExpiresAt = issued.refreshExpiresAt ?? current?.refreshExpiresAt;
      return { ...issued, refreshToken, refreshExpiresAt, previousRefreshToken: candidate };
    }
  }
  throw new Reauthorize('the portal no longer accepts our refresh token; connect again');
}

/**
 * Redeems the code that a person's consent brought (RFC 6749, section 4.1.3), once.
 * @throws RetryLater, Reauthorize when the code is refused or no refresh token comes with it
 */
export async function redeemCode(
  options: Pick<TokenSourceOptions, 'client' | 'clock' | 'fetch'>,
  consent: { readonly code: string; readonly redirectUri: string; readonly verifier?: string },
): Promise<StoredToken> {
  requireSafeUrl(options.client.tokenUrl);
  const issued = await askForToken(options, {
    grant_type: 'authorization_code',
    code: consent.code,
    redirect_uri: consent.redirectUri,
    ...(consent.verifier === undefined ? {} : { code_verifier: consent.verifier }),
  });
  if (!issued) throw new Reauthorize('the portal no longer accepts this consent; begin again');
  return { ...issued, previousRefreshToken: undefined };
}

/**
 * Newest first, each once; the configured token last, because a person may have just renewed it.
 */
function refreshTokens(client: OAuthClient, current: StoredToken | undefined): Secret[] {
  const known = [current?.refreshToken, current?.previousRefreshToken, client.refreshToken];
  const seen = new Set<string>();
  return known.filter((token): token is Secret => {
    if (token === undefined || seen.has(token.reveal())) return false;
    seen.add(token.reveal());
    return true;
  });
}

type Issued = Omit<StoredToken, 'previousRefreshToken'>;

/** One token request; undefined means the grant itself was refused (`invalid_grant`). */
async function askForToken(
  options: Pick<TokenSourceOptions, 'client' | 'clock' | 'fetch'>,
  grant: Readonly<Record<string, string>>,
): Promise<Issued | undefined> {
  const { client, clock } = options;
  const askedAt = clock().getTime();
  const send = options.fetch ?? globalThis.fetch;
  const { host } = new URL(client.tokenUrl);
  let status: number;
  let text: string;
  // Outside of the attempt: a key that cannot sign is no broken connection.
  const request = tokenRequest(client, { ...client.parameters, ...grant }, clock());
  try {
    const answer = await send(client.tokenUrl, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...request,
    });
    status = answer.status;
    text = await answer.text();
  } catch (cause) {
    throw new RetryLater(`no token from ${host}: the connection failed`, { cause });
  }
  if (status === 429 || status >= 500)
    throw new RetryLater(`${host} answered ${status} for a token`);
  const body = readObject(text);
  // A gateway's page instead of an answer says nothing about our grant.
  if (!body) throw new RetryLater(`${host} answered ${status} without JSON for a token`);
  if (status >= 200 && status < 300) return issuedToken(body, askedAt, host);
  const code = typeof body.error === 'string' ? body.error : `status ${status}`;
  if (code === 'invalid_grant') return undefined;
  throw new Reauthorize(`${host} refused to issue a token: ${code}`);
}

/*
 * Written with fetch rather than openid-client: its HTTP Basic percent-encodes `-` and `_` of
 * client id and secret as RFC 6749 asks, which portals that issue ids containing them do not
 * decode.
 */
function tokenRequest(
  client: OAuthClient,
  fields: Readonly<Record<string, string>>,
  now: Date,
): { headers: Record<string, string>; body: string } {
  const accept = 'application/json';
  if (client.assertion) {
    const proof = {
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: client.assertion(now),
    };
    return {
      headers: { accept, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...fields, ...proof }).toString(),
    };
  }
  const secret = client.clientSecret?.reveal() ?? '';
  const where = client.clientAuthentication ?? 'basic';
  if (where === 'basic') {
    const pair = Buffer.from(`${client.clientId}:${secret}`).toString('base64');
    return {
      headers: {
        accept,
        authorization: `Basic ${pair}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(fields).toString(),
    };
  }
  const all = { ...fields, client_id: client.clientId, client_secret: secret };
  return where === 'json'
    ? { headers: { accept, 'content-type': 'application/json' }, body: JSON.stringify(all) }
    : {
        headers: { accept, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(all).toString(),
      };
}

function issuedToken(body: Record<string, unknown>, askedAt: number, host: string): Issued {
  const { access_token: access, refresh_token: refresh, expires_in: lifetime } = body;
  if (typeof access !== 'string' || access === '') {
    throw new WireMismatch(`access_token: missing in the answer of ${host}`);
  }
  const seconds = Number(lifetime ?? secondsUntil(body.expires_at, askedAt));
  if (!Number.isFinite(seconds)) throw new WireMismatch('expires_in: not a number of seconds');
  const refreshSeconds = Number(body.x_refresh_token_expires_in ?? body.refresh_token_expires_in);
  return {
    accessToken: new Secret(access),
    expiresAt: new Date(askedAt + seconds * 1000),
    refreshToken: typeof refresh === 'string' && refresh !== '' ? new Secret(refresh) : undefined,
    refreshExpiresAt: refreshSeconds > 0 ? new Date(askedAt + refreshSeconds * 1000) : undefined,
  };
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Square tells an instant in place of a lifetime. */
function secondsUntil(expiresAt: unknown, askedAt: number): number {
  const at = typeof expiresAt === 'string' ? Date.parse(expiresAt) : Number.NaN;
  return Number.isNaN(at) ? ASSUMED_LIFETIME_SECONDS : (at - askedAt) / 1000;
}

/** Secrets travel encrypted, except to this machine itself. */
function requireSafeUrl(address: string): void {
  const url = new URL(address);
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback)) return;
  throw new Reauthorize(`the token address ${url.origin} is not https`);
}
