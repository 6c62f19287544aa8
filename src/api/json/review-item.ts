/** What waits for a person's decision. */
import { z } from 'zod';
import type { ReviewItemRow } from '../../apply/rows.ts';
import { reviewItemsTable } from '../../apply/rows.ts';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { columnsOf } from '../../db/table.ts';
import { showId, showOptionalId } from '../ids.ts';
import { instantJson } from './shapes.ts';

export const reviewItemJson = z
  .object({
    id: z.string(),
    kind: z.string(),
    state: z.enum(['open', 'resolved']),
    subject: z.string(),
    reason: z.string(),
    paymentId: z.string().nullable(),
    documentId: z.string().nullable(),
    details: z.looseObject({}),
    openedAt: instantJson,
    resolvedAt: instantJson.nullable(),
    resolution: z.string().nullable(),
  })
  .meta({ id: 'ReviewItem' });
export type ReviewItemJson = z.output<typeof reviewItemJson>;

export type ReadReviewItem = {
  readonly id: bigint;
  readonly updatedSequence: bigint;
  readonly json: ReviewItemJson;
};

/** Reads the items that meet `condition`, which names the table `r`. */
export async function readReviewItems(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly condition: Sql;
    readonly order: Sql;
    readonly limit?: number;
  },
): Promise<readonly ReadReviewItem[]> {
  const rows = await tx.query<ReviewItemRow>(sql`
    select ${columnsOf(reviewItemsTable, 'r')} from review_items r
    where r.organization_id = ${input.organizationId} and ${input.condition}
    order by ${input.order}
    limit ${input.limit ?? null}`);
  return rows.map((row) => ({
    id: row.id,
    updatedSequence: row.updatedSequence,
    json: {
      id: showId('review-item', row.id),
      kind: row.kind,
      state: row.resolvedAt === null ? 'open' : 'resolved',
      subject: row.subject,
      reason: row.reason,
      paymentId: showOptionalId('payment', row.paymentId),
      documentId: showOptionalId('document', row.documentId),
      details: row.details as Record<string, unknown>,
      openedAt: row.openedAt,
      resolvedAt: row.resolvedAt,
      resolution: row.resolution,
    },
  }));
}
