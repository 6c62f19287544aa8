/** The review queue: what waits for a person, and their decision. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, sql } from '../../db/database.ts';
import { recordAudit } from '../../intake/audit.ts';
import { reviewRecord } from '../../intake/own-document.ts';
import { actorOf } from '../access.ts';
import { idParams, readId, showId } from '../ids.ts';
import { type ReviewItemJson, readReviewItems, reviewItemJson } from '../json/review-item.ts';
import { acceptedJson } from '../json/shapes.ts';
import { enterRecord } from '../own-records.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';

const listQuery = pageQuery.extend({
  state: z.enum(['open', 'resolved']).optional(),
  kind: z.string().optional(),
  payment: z.string().optional(),
});

const list = pageOf(reviewItemJson).extend({
  total: z.number().int().meta({ description: 'How many items the filters let through.' }),
});

export function registerReviewItems(api: Api, app: App): void {
  api.get(
    '/review-items',
    {
      config: { access: 'read' },
      schema: { tags: ['review'], querystring: listQuery, response: { 200: list } },
    },
    async ({ query, caller }) => {
      const { organizationId } = caller;
      const cursor = readCursor(query);
      const filter = sql`true
        ${query.state === 'open' ? sql`and r.resolved_at is null` : empty}
        ${query.state === 'resolved' ? sql`and r.resolved_at is not null` : empty}
        ${query.kind ? sql`and r.kind = ${query.kind}` : empty}
        ${query.payment ? sql`and r.payment_id = ${readId('payment', query.payment)}` : empty}`;
      return readSnapshot(app.database, async (tx) => {
        const page = await readReviewItems(tx, {
          organizationId,
          condition: sql`${filter} ${cursor === undefined ? empty : sql`and r.id < ${cursor}`}`,
          order: sql`r.id desc`,
          limit: query.limit + 1,
        });
        const [count] = await tx.query<{ total: number }>(sql`
          select count(*)::integer as total from review_items r
          where r.organization_id = ${organizationId} and ${filter}`);
        const { rows, next } = cutPage(page, query.limit, (row) => row.id);
        return { data: rows.map((row) => row.json), next, total: count?.total ?? 0 };
      });
    },
  );

  api.get(
    '/review-items/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['review'], params: idParams, response: { 200: reviewItemJson } },
    },
    ({ params, caller }) => requireItem(app, caller.organizationId, params.id),
  );

  registerResolving(api, app);
}

function registerResolving(api: Api, app: App): void {
  api.post(
    '/review-items/:id/resolve',
    {
      config: { access: 'review' },
      schema: {
        tags: ['review'],
        params: idParams,
        body: z.strictObject({
          resolution: reviewRecord.shape.resolution,
          decision: reviewRecord.shape.decision.meta({
            description:
              'For an item of the kind possible-duplicate: `same` when it is the money that is booked already, `separate` when it is money of its own, which is then posted.',
          }),
        }),
        response: { 200: reviewItemJson, 202: acceptedJson },
      },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const { resolution, decision } = request.body;
      const item = await requireItem(app, organizationId, request.params.id);
      const by = actorOf(request.caller);
      const answer = await enterRecord(app, request, {
        record: {
          kind: 'review.resolved',
          reviewItemId: item.id,
          resolution,
          by,
          ...(decision ? { decision } : {}),
        },
        fields: { id: item.id, resolution, ...(decision ? { decision } : {}) },
        status: 200,
        read: () => requireItem(app, organizationId, item.id),
      });
      await recordAudit(app.database, {
        organizationId,
        actor: by,
        verb: 'review-item.resolved',
        subject: item.id,
        details: { resolution, ...(decision ? { decision } : {}) },
      });
      return reply.code(answer.status as 200).send(answer.body as ReviewItemJson);
    },
  );
}

async function requireItem(app: App, organizationId: number, text: string) {
  const id = readId('review-item', text);
  const [item] = await readReviewItems(app.database, {
    organizationId,
    condition: sql`r.id = ${id}`,
    order: sql`r.id`,
  });
  if (!item) throw notFound(showId('review-item', id));
  return item.json;
}
