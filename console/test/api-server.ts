/**
 * The API from fixtures beside the built console, on loopback: what a browser needs to be shown.
 */
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { consolePlugin } from '../../src/api/console.ts';
import type { Payment } from '../src/api/payment.ts';
import { trailOf } from './payments.ts';

export const KEY = 'ck_test_7f3a';
export const ORIGINAL = '{"id":"evt_1","type":"payment_intent.succeeded"}';
const PAGE_ROWS = 100;

type ServedFile = {
  readonly id: string;
  readonly systemId: string;
  readonly name: string;
  readonly createdAt: string;
  firstDownloadedAt: string | null;
  readonly seen: number;
  readonly entries: readonly unknown[];
};

export type ApiServer = {
  readonly url: string;
  /** Newest first, as the API lists them. */
  payments: Payment[];
  /** Files for people to import into the only books. */
  importFiles: ServedFile[];
  /** Answers every list with this status. */
  failing: number | null;
  /** Puts the payment first in the list, or in the place of its earlier state, and streams it. */
  stream(payment: Payment): void;
  /** Breaks off every open stream. */
  cutStreams(): void;
  /** `Last-Event-ID` of every stream opened so far. */
  readonly resumedAfter: (string | undefined)[];
  close(): Promise<void>;
};

/** Serves the console from `dist` and an API that knows these payments. */
export async function openApiServer(dist: string): Promise<ApiServer> {
  const app = Fastify({ forceCloseConnections: true });
  const streams = new Set<ServerResponse>();
  let lastEventId = 40;

  await app.register(consolePlugin, { dist });
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/api/')) return;
    if (request.headers.authorization !== `Bearer ${KEY}`) await problem(reply, 401);
  });
  app.get<{ Querystring: { status?: string; portal?: string; cursor?: string; limit?: string } }>(
    '/api/v1/payments',
    async ({ query }, reply) => {
      if (server.failing !== null) return problem(reply, server.failing);
      const fitting = server.payments.filter(
        (payment) =>
          (!query.status || payment.status === query.status) &&
          (!query.portal || payment.portal === query.portal),
      );
      const from = Number(query.cursor ?? 0);
      const to = from + Number(query.limit ?? PAGE_ROWS);
      return { data: fitting.slice(from, to), next: to < fitting.length ? String(to) : null };
    },
  );
  app.get<{ Params: { id: string } }>('/api/v1/payments/:id/trail', async ({ params }, reply) => {
    const payment = server.payments.find(({ id }) => id === params.id);
    return payment ? trailOf(payment) : problem(reply, 404);
  });
  app.get('/api/v1/documents/:id/raw', async (_request, reply) =>
    reply.type('application/octet-stream').send(Buffer.from(ORIGINAL)),
  );
  app.get('/api/v1/systems/:id/import-files', async (_request, reply) =>
    server.failing === null
      ? { data: server.importFiles, next: null }
      : problem(reply, server.failing),
  );
  app.get<{ Params: { id: string } }>(
    '/api/v1/import-files/:id/content',
    async ({ params }, reply) => {
      const file = server.importFiles.find(({ id }) => id === params.id);
      if (!file) return problem(reply, 403);
      file.firstDownloadedAt = '2026-11-21T09:00:00.000Z';
      return reply.type('application/octet-stream').send(Buffer.from(ORIGINAL));
    },
  );
  answerWhatNeverChanges(app);
  app.get('/api/v1/stream', (request, reply) => {
    reply.hijack();
    server.resumedAfter.push(request.headers['last-event-id']?.toString());
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(`id: ${lastEventId}\n: connected\n\n`);
    streams.add(reply.raw);
    reply.raw.on('close', () => streams.delete(reply.raw));
  });

  const server: ApiServer = {
    url: '',
    payments: [],
    importFiles: [],
    failing: null,
    resumedAfter: [],
    stream(payment) {
      const known = server.payments.findIndex(({ id }) => id === payment.id);
      if (known === -1) server.payments.unshift(payment);
      else server.payments[known] = payment;
      lastEventId += 1;
      for (const stream of streams) {
        stream.write(`id: ${lastEventId}\nevent: payment\ndata: ${JSON.stringify(payment)}\n\n`);
      }
    },
    cutStreams() {
      for (const stream of streams) stream.destroy();
    },
    close: () => app.close(),
  };
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return Object.assign(server, { url: `http://127.0.0.1:${port}` });
}

function answerWhatNeverChanges(app: FastifyInstance): void {
  app.get('/api/v1/review-items', async () => ({ data: [], next: null, total: 2 }));
  app.get('/api/v1/connections', async () => ({
    data: [
      { id: 'con_cards', portal: 'stripe', name: 'Cards' },
      { id: 'con_shop', portal: 'mollie', name: 'Web shop' },
    ],
    next: null,
  }));
  app.get('/api/v1/systems', async () => ({
    data: [
      { id: 'sys_books', kind: 'books', name: 'Sage 50' },
      { id: 'sys_hook', kind: 'webhook', name: 'Dispatch board' },
    ],
    next: null,
  }));
  app.get('/api/v1/portals', async () => ({
    data: [
      { id: 'stripe', name: 'Stripe' },
      { id: 'mollie', name: 'Mollie' },
    ],
    next: null,
  }));
}

function problem(reply: FastifyReply, status: number): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ status, code: `test-${status}`, title: `Answered ${status} by the test.` });
}
