/** Source documents: list, one, the exact bytes, and trying a quarantined one again. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, type Sql, sql } from '../../db/database.ts';
import { recordAudit } from '../../intake/audit.ts';
import { replayDocument } from '../../intake/replay.ts';
import { actorOf } from '../access.ts';
import { answerOnce, idempotencyKey } from '../idempotency.ts';
import { idParams, readId, showId } from '../ids.ts';
import { DOCUMENT_STATUSES, documentJson, ORIGINS, readDocuments } from '../json/document.ts';
import { type EventBody, eventJson, showEvent } from '../json/event.ts';
import { instantJson } from '../json/shapes.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound, Problem } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';

const listQuery = pageQuery.extend({
  status: z.enum(DOCUMENT_STATUSES).optional(),
  portal: z.string().optional(),
  connection: z.string().optional(),
  origin: z.enum(ORIGINS).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

const documentDetail = documentJson.extend({
  events: z.array(eventJson),
  attempts: z.array(
    z.object({
      sequence: z.string(),
      status: z.enum(DOCUMENT_STATUSES),
      reason: z.string().nullable(),
      appliedAt: instantJson,
    }),
  ),
});

const replayAnswer = z.object({ documentId: z.string(), status: z.literal('queued') });

export function registerDocuments(api: Api, app: App): void {
  api.get(
    '/documents',
    {
      config: { access: 'read' },
      schema: {
        tags: ['documents'],
        querystring: listQuery,
        response: { 200: pageOf(documentJson) },
      },
    },
    async ({ query, caller }) => {
      const page = await readDocuments(app.database, {
        organizationId: caller.organizationId,
        condition: listCondition(query),
        order: sql`d.id desc`,
        limit: query.limit + 1,
      });
      const { rows, next } = cutPage(page, query.limit, (row) => row.id);
      return { data: rows.map((row) => row.json), next };
    },
  );

  api.get(
    '/documents/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['documents'], params: idParams, response: { 200: documentDetail } },
    },
    async ({ params, caller }) => {
      const { organizationId } = caller;
      const id = readId('document', params.id);
      return readSnapshot(app.database, async (tx) => {
        const [document] = await readDocuments(tx, {
          organizationId,
          condition: sql`d.id = ${id}`,
          order: sql`d.id`,
        });
        if (!document) throw notFound(params.id);
        const events = await tx.query<{ type: string; documentId: bigint; body: EventBody }>(sql`
          select type, document_id as "documentId", body from events
          where organization_id = ${organizationId} and document_id = ${id} order by ordinal`);
        const attempts = await tx.query<{
          sequence: bigint;
          status: 'applied' | 'ignored' | 'quarantined';
          reason: string | null;
          appliedAt: string;
        }>(sql`
          select sequence, status, reason, applied_at as "appliedAt" from outcomes
          where organization_id = ${organizationId} and document_id = ${id}
            and status = 'quarantined'
          union all
          select sequence, status, reason, applied_at from outcomes
          where organization_id = ${organizationId} and document_id = ${id}
            and status <> 'quarantined'
          order by sequence`);
        return {
          ...document.json,
          events: events.map(showEvent),
          attempts: attempts.map((attempt) => ({
            ...attempt,
            sequence: String(attempt.sequence),
          })),
        };
      });
    },
  );

  registerRaw(api, app);
  registerReplay(api, app);
}

function listCondition(query: z.output<typeof listQuery>): Sql {
  const cursor = readCursor(query);
  return sql`true
    ${cursor === undefined ? empty : sql`and d.id < ${cursor}`}
    ${query.status ? sql`and s.status = ${query.status}` : empty}
    ${query.portal ? sql`and c.portal = ${query.portal}` : empty}
    ${query.connection ? sql`and d.connection_id = ${query.connection}` : empty}
    ${query.origin ? sql`and d.origin = ${query.origin}` : empty}
    ${query.from ? sql`and d.received_at >= ${query.from}::timestamptz` : empty}
    ${query.to ? sql`and d.received_at < ${query.to}::timestamptz` : empty}`;
}

function registerRaw(api: Api, app: App): void {
  api.get(
    '/documents/:id/raw',
    {
      config: { access: 'read-raw' },
      schema: {
        tags: ['documents'],
        summary: 'The exact bytes as stored (card numbers were masked before).',
        params: idParams,
      },
    },
    async ({ params, caller }, reply) => {
      const id = readId('document', params.id);
      const [row] = await app.database.query<{ body: Buffer; type: string | null }>(sql`
        select body, headers ->> 'content-type' as type from documents
        where organization_id = ${caller.organizationId} and id = ${id}`);
      if (!row) throw notFound(params.id);
      // Whatever a portal calls its bytes, a browser must never run them.
      const json = /^application\/([\w.-]+\+)?json\b/i.test(row.type ?? '');
      return reply
        .type(json ? 'application/json' : 'application/octet-stream')
        .header('content-disposition', `attachment; filename="${params.id}${json ? '.json' : ''}"`)
        .header('content-security-policy', "default-src 'none'; sandbox")
        .serializer((value: unknown) => value as string)
        .send(row.body);
    },
  );
}

function registerReplay(api: Api, app: App): void {
  api.post(
    '/documents/:id/replay',
    {
      config: { access: 'replay' },
      schema: { tags: ['documents'], params: idParams, response: { 202: replayAnswer } },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const documentId = readId('document', request.params.id);
      const [known] = await app.database.query(sql`
        select from documents where organization_id = ${organizationId} and id = ${documentId}`);
      if (!known) throw notFound(request.params.id);
      const id = showId('document', documentId);
      const once = {
        organizationId,
        key: idempotencyKey(request),
        fields: { request: 'POST /documents/:id/replay', id },
      };
      const answer = await answerOnce(app.database, once, async () => {
        const result = await replayDocument(app.database, organizationId, documentId);
        if (result.status === 'refused') throw new Problem('not-replayable', result.reason);
        await recordAudit(app.database, {
          organizationId,
          actor: actorOf(request.caller),
          verb: 'document.replayed',
          subject: id,
        });
        app.wakeApplier(organizationId);
        // Kept as the final answer of its key: queueing is all that a replay promises.
        return { status: 200, body: { documentId: id, status: 'queued' } };
      });
      return reply.code(202).send(answer.body as z.output<typeof replayAnswer>);
    },
  );
}
