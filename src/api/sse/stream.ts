/** GET /stream: server-sent events of payments, documents, review items and connection health. */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { App } from '../../app.ts';
import type { Authenticate } from '../access.ts';
import { Problem } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readHead } from './changes.ts';
import { openFeed, type Subscriber } from './feed.ts';
import { formatEvent } from './format.ts';

const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2_000;
const MAX_STREAMS = 500;
/** A reader this far behind is cut off; it resumes by Last-Event-ID when it can keep up again. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** Beyond this a client had better read the lists afresh; the event `reset` tells it so. */
const MAX_RESUMED_DOCUMENTS = 10_000n;

const streamHeaders = z.looseObject({ 'last-event-id': z.string().max(40).optional() });

export async function registerStream(
  api: Api,
  app: App,
  authenticate: Authenticate,
): Promise<void> {
  const feed = await openFeed(app);
  const open = new Set<ServerResponse>();

  // preClose runs before the server waits for requests to end; streams never end by themselves.
  api.addHook('preClose', async () => {
    for (const response of open) response.end();
    await feed.close();
  });

  api.get(
    '/stream',
    {
      config: { access: 'read' },
      schema: {
        tags: ['stream'],
        summary: 'Server-sent events: payment, document, review-item, connection, reset.',
        headers: streamHeaders,
      },
    },
    async (request, reply) => {
      if (open.size >= MAX_STREAMS) {
        throw new Problem('too-many-streams', `${MAX_STREAMS} streams are open already.`);
      }
      const { organizationId } = request.caller;
      const head = await readHead(app.database, organizationId);
      const { position, reset } = placeToStart(request.headers['last-event-id'], head);
      reply.hijack();
      const response = reply.raw;
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      open.add(response);
      response.write(`retry: ${RECONNECT_MS}\nid: ${position}\n: connected\n\n`);
      if (reset) response.write(formatEvent('reset', { reason: 'Read the lists afresh.' }));
      const subscriber: Subscriber = {
        organizationId,
        position,
        send: (text) => sendBounded(response, text),
      };
      const unsubscribe = feed.subscribe(subscriber);
      const heartbeat = setInterval(async () => {
        // A revoked key ends its streams too. A database that is away is no reason to.
        const caller = await authenticate(request.headers.authorization).catch(
          () => request.caller,
        );
        if (caller) sendBounded(response, ': heartbeat\n\n');
        else response.end();
      }, HEARTBEAT_MS);
      response.on('close', () => {
        clearInterval(heartbeat);
        unsubscribe();
        open.delete(response);
      });
    },
  );
}

/** Where a stream begins: after the event last seen, if that is known and not too long ago. */
export function placeToStart(
  lastEventId: string | undefined,
  head: bigint,
): { readonly position: bigint; readonly reset: boolean } {
  if (!lastEventId) return { position: head, reset: false };
  const seen = /^\d{1,18}$/.test(lastEventId) ? BigInt(lastEventId) : undefined;
  const usable = seen !== undefined && seen <= head && head - seen <= MAX_RESUMED_DOCUMENTS;
  return usable ? { position: seen, reset: false } : { position: head, reset: true };
}

function sendBounded(response: ServerResponse, text: string): boolean {
  if (response.destroyed || response.writableEnded) return false;
  if (response.writableLength > MAX_BUFFERED_BYTES) {
    response.destroy();
    return false;
  }
  response.write(text);
  return true;
}
