/** A loopback HTTP server for simulated portals, which misbehaves as real ones do, by seed. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from './random.ts';

export type SimulatedRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};
export type SimulatedAnswer = {
  readonly status: number;
  /** Several values are sent as headers of their own (cookies). */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Sent as it is when text or bytes, else as JSON. */
  readonly body?: unknown;
};

/**
 * Stands between a client and a simulator: sees each request, and may keep it or its answer from arriving, as a network
 * does that breaks.
 */
export type Between = (
  request: SimulatedRequest,
  answer: () => Promise<SimulatedAnswer>,
) => Promise<SimulatedAnswer>;

const HTML_502 = '<html><head><title>502 Bad Gateway</title></head><body>502</body></html>';

/** Starts the server on a free port of 127.0.0.1; `handle` answers requests that meet no fault. */
export async function serveFaulty(
  handle: (request: SimulatedRequest) => SimulatedAnswer | Promise<SimulatedAnswer>,
  options: {
    readonly random: Random;
    readonly faultRate: number;
    readonly tooMany: SimulatedAnswer;
    /**
     * Paths that meet no fault here: those asked for while deliveries arrive at the same time, where the order of
     * the requests, and with it who meets which fault, is not the seed's.
     */
    readonly spared?: RegExp;
    readonly between?: Between | undefined;
  },
): Promise<{ readonly baseUrl: string; requestCount(): number; close(): Promise<void> }> {
  let count = 0;
  const server = createServer(async (incoming, reply) => {
    count += 1;
    const isSpared = options.spared?.test(incoming.url ?? '') ?? false;
    const meetsFault = !isSpared && options.random.chance(options.faultRate);
    const fault = meetsFault ? options.random.between(0, 4) : -1;
    const body = await readBody(incoming);
    if (fault === 0) return send(options.tooMany);
    if (fault === 1) return send({ status: 500, body: { error: 'internal' } });
    if (fault === 2) {
      return send({ status: 502, headers: { 'content-type': 'text/html' }, body: HTML_502 });
    }
    const request: SimulatedRequest = {
      method: incoming.method ?? 'GET',
      url: new URL(incoming.url ?? '/', 'http://simulator'),
      headers: flatten(incoming),
      body,
    };
    const handled = async (): Promise<SimulatedAnswer> => handle(request);
    const answer = await (options.between?.(request, handled) ?? handled()).catch(
      (error: Error): SimulatedAnswer => ({ status: 500, body: { simulator: error.message } }),
    );
    if (fault === 3) {
      const whole = encode(answer);
      reply.writeHead(answer.status, { ...answer.headers, 'content-length': String(whole.length) });
      reply.write(whole.subarray(0, Math.floor(whole.length / 2)));
      return void reply.destroy();
    }
    if (fault === 4) await new Promise((resolve) => setTimeout(resolve, 50));
    return send(answer);

    function send(sent: SimulatedAnswer): void {
      reply.writeHead(sent.status, {
        ...(typeof sent.body === 'object' ? { 'content-type': 'application/json' } : {}),
        ...sent.headers,
      });
      reply.end(encode(sent));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requestCount: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function encode({ body }: SimulatedAnswer): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function flatten(incoming: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}
