/** Calls to a portal's API: one place that turns HTTP into the four causes of `errors.ts`. */
import { randomBytes } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { Agent, fetch as fetchTrusting } from 'undici';
import type {
  ApiAnswer,
  ApiAuth,
  ApiCall,
  ApiSession,
  PortalApi,
  PortalApiSettings,
} from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from './errors.ts';
import type { OAuthClient, TokenSource } from './oauth.ts';
import type { Secret } from './secret.ts';

type OAuth2 = Extract<ApiAuth, { kind: 'oauth2' }>;
/** How calls prove who we are; `none` when the connection has no credentials. */
export type Authorization =
  | Exclude<ApiAuth, OAuth2>
  | (Omit<OAuth2, 'client'> & { readonly tokens: TokenSource });

export type PortalApiOptions = {
  readonly baseUrl: string;
  /** Further hosts of the portal that absolute URLs may name. */
  readonly otherBaseUrls?: readonly string[];
  readonly authorization: Authorization;
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly requestsPerMinute: number;
  /** As `PortalApiSettings` says it. */
  readonly throttled?: NonNullable<PortalApiSettings<unknown>['throttled']>;
  readonly timeoutMs?: number;
  readonly bodyLimitBytes?: number;
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: () => Date;
  readonly pause?: (ms: number) => Promise<void>;
};

const USER_AGENT = 'Checkvalve';
const EXCERPT_LENGTH = 2_000;
const MIB = 1024 * 1024;

/** What a call is sent with beyond itself. */
type Proof = {
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the base URL. */
  readonly baseUrl?: string | undefined;
};
/** An answer, and where it came from. */
type Answered = ApiAnswer & { readonly url: URL };
/** Sends a call once and returns whatever is answered. */
type Send = (call: ApiCall, proof?: Proof) => Promise<Answered>;

/**
 * The API of one connection. Keep one per connection: the rate limit and the session live in it. Nothing is
 * retried here (except one repeat with a fresh token or session) and no body is ever logged.
 */
export function portalApi(options: PortalApiOptions): PortalApi {
  const clock = options.clock ?? (() => new Date());
  const takeTurn = tokenBucket(options.requestsPerMinute, clock, options.pause ?? pause);
  const send: Send = async (call, { headers, baseUrl = options.baseUrl } = {}) => {
    const url = callUrl(baseUrl, call, options.otherBaseUrls);
    await takeTurn();
    return exchange(options, call, url, headers);
  };
  const sendProven = proven(options, send, clock);
  return {
    async request(call) {
      const answer = await sendProven(call);
      return judge(options, call, answer, clock);
    },
  };
}

/** What a portal's definition says of the API of a connection with these settings. */
export function apiOptions<S>(
  api: PortalApiSettings<S>,
  settings: S,
  tokensOf: (client: OAuthClient) => TokenSource,
): Omit<PortalApiOptions, 'clock' | 'pause' | 'timeoutMs' | 'bodyLimitBytes'> {
  const auth = api.auth(settings);
  const certificates = api.certificates?.(settings);
  return {
    baseUrl: api.baseUrl(settings),
    otherBaseUrls: api.otherBaseUrls?.(settings) ?? [],
    authorization: auth.kind === 'oauth2' ? { ...auth, tokens: tokensOf(auth.client) } : auth,
    ...(api.headers ? { headers: api.headers(settings) } : {}),
    requestsPerMinute: api.requestsPerMinute,
    ...(api.throttled ? { throttled: api.throttled } : {}),
    ...(certificates === undefined ? {} : { fetch: fetchWith(certificates) }),
  };
}

/** A fetch that trusts these certificates beside the public ones. */
function fetchWith(certificates: string): typeof globalThis.fetch {
  const dispatcher = new Agent({ connect: { ca: [...rootCertificates, certificates] } });
  // The same function as the global one, which however takes no agent of another version.
  return ((url: URL, init: object) =>
    fetchTrusting(url, { ...init, dispatcher })) as unknown as typeof globalThis.fetch;
}

function proven(options: PortalApiOptions, send: Send, clock: () => Date): Send {
  const { authorization: by } = options;
  switch (by.kind) {
    case 'none':
      return (call) => send(call);
    case 'bearer':
      return (call) => send(call, { headers: bearer(by.token.reveal()) });
    case 'basic': {
      const pair = Buffer.from(`${by.user}:${by.password.reveal()}`).toString('base64');
      return (call) => send(call, { headers: { authorization: `Basic ${pair}` } });
    }
    case 'header':
      return (call) => send(call, { headers: { [by.name.toLowerCase()]: by.value.reveal() } });
    case 'signed':
      return (call) => {
        const url = callUrl(options.baseUrl, call, options.otherBaseUrls);
        const nonce = randomBytes(16).toString('hex');
        const method = call.method ?? 'GET';
        return send(call, { headers: lowerCase(by.sign({ method, url, now: clock(), nonce })) });
      };
    case 'oauth2':
      return async (call) => {
        const present = (token: Secret): Proof => {
          const [name, value] = by.present?.(token.reveal()) ?? [];
          const headers = name ? { [name.toLowerCase()]: value ?? '' } : bearer(token.reveal());
          return { headers };
        };
        const token = await by.tokens.current();
        const answer = await send(call, present(token));
        const unauthorized = answer.status === 401 && !call.accept?.includes(401);
        if (!unauthorized && !by.refused?.(answer)) return answer;
        return send(call, present(await by.tokens.insteadOf(token)));
      };
    case 'session':
      return inSession(by, send, (call, answer) => judge(options, call, answer, clock), clock);
  }
}

/** One session at a time, opened when first needed and again when the portal ended it. */
function inSession(
  by: ApiSession,
  send: Send,
  require: (call: ApiCall, answer: Answered) => ApiAnswer,
  clock: () => Date,
): Send {
  type Opened = Awaited<ReturnType<ApiSession['open']>>;
  type Opening = { readonly opened: Promise<Opened>; readonly untilMs: number };
  let opening: Opening | undefined;
  const logIn = async (call: ApiCall): Promise<ApiAnswer> => require(call, await send(call));
  const current = (): Opening => {
    if (opening && opening.untilMs > clock().getTime()) return opening;
    const next = { opened: by.open(logIn), untilMs: clock().getTime() + by.minutes * 60_000 };
    next.opened.catch(() => end(next));
    opening = next;
    return next;
  };
  /** Another call may have logged in again meanwhile: its session stays. */
  const end = (ended: Opening): void => {
    if (opening === ended) opening = undefined;
  };
  const sendIn = async (call: ApiCall, { opened }: Opening): Promise<Answered> => {
    const { session, baseUrl } = await opened;
    return send(by.attach(call, session), { baseUrl });
  };
  return async (call) => {
    const session = current();
    const answer = await sendIn(call, session);
    if (!by.ended(answer)) return answer;
    end(session);
    return sendIn(call, current());
  };
}

/** An answer that the caller may see, or the cause for which it may not. */
function judge(
  options: PortalApiOptions,
  call: ApiCall,
  { url, ...answer }: Answered,
  clock: () => Date,
): ApiAnswer {
  const { status } = answer;
  // The query stays out of messages: some portals put credentials there.
  const what = `${call.method ?? 'GET'} ${url.host}${url.pathname} answered ${status}`;
  const throttled = options.throttled?.(answer) ?? false;
  if (status === 429 || throttled) {
    const wait = answer.headers['retry-after'] ?? resetOf(answer.headers['x-ratelimit-reset']);
    const said = typeof throttled === 'object' ? throttled : {};
    throw new RetryLater(`${what}: too many requests`, { ...said, ...after(wait, clock) });
  }
  if ((status >= 200 && status < 300) || call.accept?.includes(status)) {
    if (isHtml(answer.body)) throw new RetryLater(`${what} with a web page`);
    return answer;
  }
  if (status >= 500 || status === 408 || status === 425) {
    throw new RetryLater(what, after(answer.headers['retry-after'], clock));
  }
  if (status === 401) throw new Reauthorize(`${what}: the credentials are no longer accepted`);
  throw new Rejected(what, {
    status,
    body: answer.body.subarray(0, EXCERPT_LENGTH).toString('utf8'),
  });
}

async function exchange(
  options: PortalApiOptions,
  call: ApiCall,
  url: URL,
  proof: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const send = options.fetch ?? globalThis.fetch;
  const { type, body } = requestBody(call);
  const what = `${call.method ?? 'GET'} ${url.host}${url.pathname}`;
  try {
    const response = await send(url, {
      method: call.method ?? 'GET',
      // A redirect would carry our credentials wherever the answer points.
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
      headers: {
        accept: 'application/json',
        'user-agent': USER_AGENT,
        ...(type === undefined ? {} : { 'content-type': type }),
        ...lowerCase(options.headers),
        ...lowerCase(call.headers),
        ...proof,
      },
      ...(body === undefined ? {} : { body }),
    });
    const cookies = response.headers.getSetCookie();
    const { 'set-cookie': _, ...headers } = Object.fromEntries(response.headers);
    return {
      url,
      status: response.status,
      headers,
      ...(cookies.length > 0 ? { cookies } : {}),
      body: await readBounded(response, options.bodyLimitBytes ?? 32 * MIB, what),
    };
  } catch (cause) {
    if (cause instanceof WireMismatch) throw cause;
    const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
    throw new RetryLater(`${what} ${timedOut ? 'timed out' : 'broke off'}`, { cause });
  }
}

async function readBounded(response: Response, limitBytes: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limitBytes) throw new WireMismatch(`${what} with more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function requestBody(call: ApiCall): { type?: string; body?: string } {
  if (call.body !== undefined) return { type: call.body.type, body: call.body.text };
  if (call.form !== undefined) {
    return {
      type: 'application/x-www-form-urlencoded',
      body: new URLSearchParams(call.form).toString(),
    };
  }
  if (call.json !== undefined) {
    return { type: 'application/json', body: JSON.stringify(call.json) };
  }
  return {};
}

/**
 * The address of a call: a path below the base URL, or an absolute URL of its origin or another one of the portal's.
 * @throws WireMismatch for any other origin: a `next` link must not lead our credentials astray.
 */
export function callUrl(
  baseUrl: string,
  call: Pick<ApiCall, 'path' | 'query'>,
  otherBaseUrls: readonly string[] = [],
): URL {
  const base = new URL(baseUrl);
  const origins = [base, ...otherBaseUrls.map((other) => new URL(other))].map(
    ({ origin }) => origin,
  );
  const url = /^https?:\/\//i.test(call.path)
    ? new URL(call.path)
    : new URL(`${baseUrl.replace(/\/+$/, '')}/${call.path.replace(/^\/+/, '')}`);
  if (!origins.includes(url.origin) || url.username !== '' || url.password !== '') {
    throw new WireMismatch(`path: ${url.origin} is not ${base.origin}`);
  }
  for (const [name, value] of Object.entries(call.query ?? {})) {
    for (const one of typeof value === 'string' ? [value] : value)
      url.searchParams.append(name, one);
  }
  return url;
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

function lowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** Judged by the body: portals label JSON `text/html` and gateways label their pages anything. */
function isHtml(body: Buffer): boolean {
  return /^(?:\ufeff)?\s*<(?:!doctype\s+html|html|head|body)[\s>]/i.test(
    body.subarray(0, 200).toString('utf8'),
  );
}

/** `Retry-After` as seconds or an HTTP date. */
function after(header: string | undefined, clock: () => Date): { afterMs?: number } {
  if (header === undefined) return {};
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return { afterMs: Math.ceil(Number(header) * 1000) };
  const at = Date.parse(header);
  return Number.isNaN(at) ? {} : { afterMs: Math.max(0, at - clock().getTime()) };
}

/** `X-RateLimit-Reset` as the HTTP date it means, where it is a Unix time in seconds; portals vary. */
function resetOf(header: string | undefined): string | undefined {
  if (header === undefined || !/^[1-9]\d{9}$/.test(header)) return undefined;
  return new Date(Number(header) * 1000).toUTCString();
}

/**
 * Lets one second's worth of calls through at once and the rest at the permitted pace, first come
 * first.
 */
function tokenBucket(
  requestsPerMinute: number,
  clock: () => Date,
  sleep: (ms: number) => Promise<void>,
): () => Promise<void> {
  const msPerCall = 60_000 / requestsPerMinute;
  const burstMs = Math.max(0, 1000 - msPerCall);
  let nextAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock().getTime();
    const at = Math.max(nextAt, now - burstMs);
    nextAt = at + msPerCall;
    if (at > now) await sleep(at - now);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
