/** An OAuth 2 authorization server as portals run them: consent pages, codes, expiry, rotation, reuse detection. */
import { createHash } from 'node:crypto';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Random } from './random.ts';

export type AuthorizationServerOptions = {
  readonly random: Random;
  readonly authorizePath: string;
  readonly tokenPath: string;
  /** Where the client proves itself. */
  readonly client: 'basic' | 'form' | 'json';
  /** A code is only redeemed with its verifier (RFC 7636). */
  readonly pkce?: boolean;
  readonly accessSeconds: number;
  /**
   * What becomes of refresh tokens: they stay; each refresh gives a new one and the one before is honoured until its
   * successor is used; or a token used twice ends the whole consent.
   */
  readonly rotation: 'none' | 'with-grace' | 'single-use';
  /** What the redirect tells beside code and state. */
  readonly redirect?: () => Readonly<Record<string, string>>;
  /** What token answers tell beside the tokens. */
  readonly extra?: () => Readonly<Record<string, unknown>>;
  /** Fields that the consent page insists on (`scope`, `prompt` …). */
  readonly required?: readonly string[];
};

export type AuthorizationServer = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** A refresh token of a consent given before, as a person would paste it. */
  readonly refreshToken: string;
  /** Answers what is its own; undefined for any other path. */
  answer(request: SimulatedRequest): SimulatedAnswer | undefined;
  accepts(accessToken: string | undefined): boolean;
  /** Makes every access token given out so far worthless. */
  expireAccessTokens(): void;
  /** Successful refreshes, and uses of a refresh token that was spent. */
  readonly counts: { refreshes: number; reuses: number };
};

type Grant = {
  /** Newest last. */
  readonly refreshTokens: string[];
  readonly accessTokens: Set<string>;
  ended: boolean;
};

type Code = { readonly redirectUri: string; readonly challenge: string | null };

export function authorizationServer(options: AuthorizationServerOptions): AuthorizationServer {
  const { random } = options;
  const clientId = `simulated-client-${random.token(8)}`;
  const clientSecret = `simulated-secret-${random.token(16)}`;
  const codes = new Map<string, Code>();
  const grants: Grant[] = [];
  const counts = { refreshes: 0, reuses: 0 };

  const newGrant = (): Grant => {
    const refreshTokens = [`simulated-refresh-${random.token(24)}`];
    const grant: Grant = { refreshTokens, accessTokens: new Set(), ended: false };
    grants.push(grant);
    return grant;
  };
  const first = newGrant();

  const issue = (grant: Grant): SimulatedAnswer => {
    const access = `simulated-access-${random.token(24)}`;
    grant.accessTokens.add(access);
    return {
      status: 200,
      body: {
        token_type: 'bearer',
        access_token: access,
        expires_in: options.accessSeconds,
        refresh_token: grant.refreshTokens.at(-1),
        ...options.extra?.(),
      },
    };
  };

  const refresh = (given: string): SimulatedAnswer => {
    const grant = grants.find(({ refreshTokens }) => refreshTokens.includes(given));
    if (!grant || grant.ended) return refusal('invalid_grant');
    const place = grant.refreshTokens.indexOf(given);
    const newest = place === grant.refreshTokens.length - 1;
    if (options.rotation === 'single-use' && !newest) {
      counts.reuses += 1;
      grant.ended = true;
      grant.accessTokens.clear();
      return refusal('invalid_grant');
    }
    counts.refreshes += 1;
    if (options.rotation !== 'none') {
      // With grace, using a token ends those before it and not those that may have got lost after it.
      if (options.rotation === 'with-grace') grant.refreshTokens.splice(0, place);
      grant.refreshTokens.push(`simulated-refresh-${random.token(24)}`);
    }
    return issue(grant);
  };

  const redeem = (form: URLSearchParams): SimulatedAnswer => {
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    if (!code || code.redirectUri !== form.get('redirect_uri')) return refusal('invalid_grant');
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (code.challenge !== null && code.challenge !== proof) return refusal('invalid_grant');
    return issue(newGrant());
  };

  const token = (request: SimulatedRequest): SimulatedAnswer => {
    const form = readForm(request, options.client);
    if (!isClient(request, form, { ...options, clientId, clientSecret })) {
      return { status: 401, body: { error: 'invalid_client' } };
    }
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return redeem(form);
      case 'refresh_token':
        return refresh(form.get('refresh_token') ?? '');
      default:
        return refusal('unsupported_grant_type');
    }
  };

  const page = (url: URL): SimulatedAnswer => {
    const query = url.searchParams;
    const redirectUri = query.get('redirect_uri');
    const challenge = query.get('code_challenge');
    const missing = (options.required ?? []).filter((name) => !query.has(name));
    const known = query.get('client_id') === clientId && query.get('response_type') === 'code';
    const proven = !options.pkce || (challenge && query.get('code_challenge_method') === 'S256');
    if (!redirectUri || !known || !proven || missing.length > 0) {
      return {
        status: 400,
        body: `The app asks wrongly: ${missing.join(', ') || 'unknown client'}.`,
      };
    }
    const back = (fields: Readonly<Record<string, string>>): string => {
      const address = new URL(redirectUri);
      const all = { ...fields, state: query.get('state') ?? '' };
      for (const [name, value] of Object.entries(all)) address.searchParams.set(name, value);
      return address.href.replaceAll('&', '&amp;');
    };
    const code = random.token(32);
    codes.set(code, { redirectUri, challenge: options.pkce ? challenge : null });
    const allow = back({ code, ...options.redirect?.() });
    const deny = back({ error: 'access_denied', error_description: 'The user denied access' });
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body:
        '<!doctype html><title>Consent</title><h1>Let Checkvalve in?</h1>' +
        `<a href="${allow}">Allow</a> <a href="${deny}">Deny</a>`,
    };
  };

  return {
    clientId,
    clientSecret,
    refreshToken: first.refreshTokens[0] as string,
    counts,
    answer(request) {
      const { url, method } = request;
      if (url.pathname === options.tokenPath && method === 'POST') return token(request);
      if (url.pathname === options.authorizePath && method === 'GET') return page(url);
      return undefined;
    },
    accepts: (given) => given !== undefined && grants.some((one) => one.accessTokens.has(given)),
    expireAccessTokens: () => {
      for (const grant of grants) grant.accessTokens.clear();
    },
  };
}

function readForm({ body }: SimulatedRequest, client: 'basic' | 'form' | 'json'): URLSearchParams {
  if (client !== 'json') return new URLSearchParams(body.toString());
  try {
    return new URLSearchParams(JSON.parse(body.toString()) as Record<string, string>);
  } catch {
    return new URLSearchParams();
  }
}

function isClient(
  { headers }: SimulatedRequest,
  form: URLSearchParams,
  known: { readonly client: string; readonly clientId: string; readonly clientSecret: string },
): boolean {
  if (known.client === 'basic') {
    const pair = Buffer.from(`${known.clientId}:${known.clientSecret}`).toString('base64');
    return headers.authorization === `Basic ${pair}`;
  }
  const { clientId, clientSecret } = known;
  return form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
}

function refusal(error: string): SimulatedAnswer {
  return { status: 400, body: { error } };
}
