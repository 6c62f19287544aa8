/** The webhook routes. This plugin owns the raw body: what portals sign are bytes, so nothing here parses them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../app.ts';
import { type Received, receive, receiveAnywhere } from '../intake/receive.ts';
import type { Notice } from '../portals/contract.ts';
import { portals } from '../portals/index.ts';
import { type ProblemCode, problemBody } from './problems.ts';
import { requestBudget } from './request-budget.ts';

/** A sender that floods a connection with refused deliveries is answered 429 before its bytes are checked. */
const REFUSED_PER_MINUTE = 600;

export async function webhooks(
  server: FastifyInstance,
  { app }: { readonly app: App },
): Promise<void> {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: app.config.bodyLimitBytes },
    (_request, body, done) => done(null, body),
  );
  const accepted = requestBudget({ perSecond: app.config.webhookRequestsPerSecond, now: app.now });
  const refused = requestBudget({ perSecond: REFUSED_PER_MINUTE / 60, now: app.now });

  server.post('/webhooks/payment-event', (request, reply) =>
    answer(request, reply, 'payment-event', (notice) => receiveAnywhere(app.receiving, notice)),
  );
  for (const path of portals.flatMap((portal) => portal.webhook?.paths ?? [])) {
    server.post(path, (request, reply) =>
      answer(request, reply, path, (notice) => receiveAnywhere(app.receiving, notice)),
    );
  }
  const addressed = (request: FastifyRequest, reply: FastifyReply) => {
    const { portal, connectionId } = request.params as { portal: string; connectionId: string };
    return answer(request, reply, connectionId, (notice) =>
      receive(app.receiving, { portalId: portal, connectionId, notice }),
    );
  };
  server.post('/webhooks/:portal/:connectionId', addressed);
  // A challenge; nothing that comes by GET is ever stored.
  server.get('/webhooks/:portal/:connectionId', addressed);
  // Some portals append paths of their own to the address they are given.
  server.post('/webhooks/:portal/:connectionId/*', addressed);

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    budgetKey: string,
    take: (notice: Notice) => Promise<Received>,
  ) {
    const started = performance.now();
    if (!accepted.take(budgetKey) || refused.isSpent(budgetKey)) {
      app.meters.refused.inc({ portal: 'any', code: 'too-many-requests' });
      return problem(
        reply.header('retry-after', '1'),
        'too-many-requests',
        'Send it again, slower.',
      );
    }
    const received = await take(noticeOf(request, app.now()));
    switch (received.result) {
      case 'unknown':
        refused.take(budgetKey);
        app.meters.refused.inc({ portal: 'any', code: 'unknown-connection' });
        return problem(
          reply,
          'unknown-connection',
          'No connection of that portal has this address.',
        );
      case 'refused': {
        refused.take(budgetKey);
        const portal = received.connection.portal.id;
        app.meters.refused.inc({ portal, code: received.code });
        app.log.warn(
          { connectionId: received.connection.id, code: received.code },
          received.because,
        );
        return problem(reply, 'not-authentic', received.because);
      }
      case 'too-large':
        app.meters.refused.inc({ portal: received.connection.portal.id, code: 'too-large' });
        return problem(
          reply,
          'body-too-large',
          `${received.connection.portal.name} never sends this much.`,
        );
      case 'undecided':
        app.meters.refused.inc({ portal: received.connection.portal.id, code: 'undecided' });
        app.log.warn({ connectionId: received.connection.id }, received.because);
        return problem(reply.header('retry-after', '30'), 'portal-unavailable', received.because);
      case 'answered':
        return reply
          .code(received.reply.status)
          .headers(received.reply.headers ?? {})
          .send(received.reply.body ?? '');
      case 'stored': {
        app.wakeApplier(received.connection.organizationId);
        const portal = received.connection.portal.id;
        app.meters.received.inc({ portal }, received.documents);
        app.meters.duplicates.inc({ portal }, received.documents - received.fresh);
        app.meters.acknowledged.observe((performance.now() - started) / 1000);
        return reply
          .code(received.reply.status)
          .headers(received.reply.headers ?? {})
          .send(received.reply.body ?? '');
      }
    }
  }
}

const EMPTY = Buffer.alloc(0);

function noticeOf(request: FastifyRequest, receivedAt: Date): Notice {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.raw.headersDistinct)) {
    headers[name] = values?.join(', ') ?? '';
  }
  const body = Buffer.isBuffer(request.body) ? request.body : EMPTY;
  const method = request.method === 'GET' ? 'GET' : 'POST';
  return { method, headers, body, url: request.url, receivedAt };
}

function problem(reply: FastifyReply, code: ProblemCode, detail: string) {
  const body = problemBody(code, detail);
  return reply.code(body.status).type('application/problem+json').send(JSON.stringify(body));
}
