/** HTTP to internal systems: checked addresses, no redirects, bounded time and answers. */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import {
  AddressRefused,
  type PinnedAddress,
  pinAddress,
  type Resolve,
  resolveHost,
} from './address-guard.ts';

export { AddressRefused } from './address-guard.ts';

/**
 * No answer came: the name did not resolve, the connection failed or broke off, or time ran out.
 */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export type OutboundRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly allowPrivateAddresses: boolean;
  readonly timeoutMs: number;
};

export type OutboundAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The first bytes of the answer; what exceeds the limit is not read. */
  readonly body: Buffer;
};

/** Keeps connections open between deliveries. Close it when the worker ends. */
export type Outbound = {
  /** POSTs the body. @throws NoAnswer, AddressRefused */
  post(request: OutboundRequest): Promise<OutboundAnswer>;
  close(): void;
};

export type Post = Outbound['post'];

const ANSWER_LIMIT_BYTES = 64 * 1024;
const SOCKETS_PER_HOST = 16;

/** `allowPrivateAddresses` permits them to every system, as in a demo. */
export function openOutbound(
  options: { readonly resolve?: Resolve; readonly allowPrivateAddresses?: boolean } = {},
): Outbound {
  const resolve = options.resolve ?? resolveHost;
  const pool = { keepAlive: true, maxSockets: SOCKETS_PER_HOST, scheduling: 'lifo' as const };
  // Kept apart, so that a connection opened under a permission never serves a request without it.
  const agents = [true, false].map((allowed) => ({
    allowed,
    http: new http.Agent(pool),
    https: new https.Agent(pool),
  }));

  return {
    post: async (request) => {
      const url = new URL(request.url);
      const signal = AbortSignal.timeout(request.timeoutMs);
      const allowPrivate = options.allowPrivateAddresses === true || request.allowPrivateAddresses;
      const pinned = await inTime(signal, pin(url, { allowPrivate, resolve }));
      const agent = agents.find(({ allowed }) => allowed === allowPrivate);
      return exchange(url, request, {
        signal,
        lookup: pinnedLookup(pinned),
        agent: url.protocol === 'https:' ? agent?.https : agent?.http,
      });
    },
    close: () => {
      for (const agent of agents) {
        agent.http.destroy();
        agent.https.destroy();
      }
    },
  };
}

async function pin(url: URL, options: { allowPrivate: boolean; resolve: Resolve }) {
  try {
    return await pinAddress(url, options);
  } catch (cause) {
    if (cause instanceof AddressRefused) throw cause;
    throw new NoAnswer(`the name ${url.hostname} does not resolve`, { cause });
  }
}

/** Name resolution cannot be cancelled, but it need not be waited for. */
function inTime<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new NoAnswer('the name did not resolve in time'));
    signal.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}

/**
 * Answers every look-up with the checked address, so that DNS cannot change its mind in between.
 */
function pinnedLookup({ address, family }: PinnedAddress): LookupFunction {
  return (_host, options, done) =>
    options.all ? done(null, [{ address, family }]) : done(null, address, family);
}

function exchange(
  url: URL,
  request: OutboundRequest,
  connection: {
    readonly signal: AbortSignal;
    readonly lookup: LookupFunction;
    readonly agent: http.Agent | undefined;
  },
): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => {
      const because = connection.signal.aborted
        ? `no answer within ${request.timeoutMs} ms`
        : `the connection failed: ${cause.message}`;
      reject(new NoAnswer(because, { cause }));
    };
    const client = url.protocol === 'https:' ? https : http;
    const call = client.request(url, {
      method: 'POST',
      headers: {
        'user-agent': 'Checkvalve',
        'accept-encoding': 'identity',
        'content-type': 'application/json',
        ...request.headers,
        'content-length': String(request.body.length),
      },
      ...connection,
    });
    call.on('error', failed);
    call.on('response', (answer) => {
      readBounded(answer).then((body) => {
        resolve({ status: answer.statusCode ?? 0, headers: flatten(answer), body });
      }, failed);
    });
    call.end(request.body);
  });
}

async function readBounded(answer: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    // Leaving the loop destroys the connection: the rest is never read.
    if (size >= ANSWER_LIMIT_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_LIMIT_BYTES);
}

function flatten(answer: http.IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
}
