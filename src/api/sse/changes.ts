/** What changed in an organization since a place in its sequence of documents. */
import { type Database, sql } from '../../db/database.ts';
import { readDocuments } from '../json/document.ts';
import { readPayments } from '../json/payment.ts';
import { readReviewItems } from '../json/review-item.ts';
import { readSnapshot } from '../snapshot.ts';

export type Change = {
  readonly sequence: bigint;
  readonly event: 'payment' | 'document' | 'review-item';
  readonly data: unknown;
};

/** `upTo` is where the next read begins; `behind` is true while there is more. */
export type Changes = {
  readonly changes: readonly Change[];
  readonly upTo: bigint;
  readonly behind: boolean;
};

/** Documents read at once; each touches a handful of payments. */
const SPAN = 200n;
const EVERYTHING = 1_000_000;

/** The newest place in the sequence. */
export async function readHead(database: Database, organizationId: number): Promise<bigint> {
  const [row] = await database.query<{ sequence: bigint }>(sql`
    select document_sequence as sequence from organization_heads
    where organization_id = ${organizationId}`);
  return row?.sequence ?? 0n;
}

/** Each thing that changed after `since`, once and as it is now, in the order of change. */
export function readChanges(
  database: Database,
  organizationId: number,
  since: bigint,
): Promise<Changes> {
  return readSnapshot(database, async (tx) => {
    const [row] = await tx.query<{ head: bigint }>(sql`
      select document_sequence as head from organization_heads
      where organization_id = ${organizationId}`);
    const head = row?.head ?? 0n;
    if (head <= since) return { changes: [], upTo: since, behind: false };
    const upTo = head > since + SPAN ? since + SPAN : head;
    const payments = await readPayments(tx, {
      organizationId,
      condition: sql`p.updated_sequence > ${since} and p.updated_sequence <= ${upTo}`,
      order: sql`p.updated_sequence, p.id`,
      limit: EVERYTHING,
    });
    const documents = await readDocuments(tx, {
      organizationId,
      condition: sql`d.id in (select document_id from outcomes
        where organization_id = ${organizationId} and sequence > ${since} and sequence <= ${upTo})`,
      order: sql`d.id`,
    });
    const items = await readReviewItems(tx, {
      organizationId,
      condition: sql`r.updated_sequence > ${since} and r.updated_sequence <= ${upTo}`,
      order: sql`r.updated_sequence, r.id`,
    });
    const changes: Change[] = [
      ...documents.map(({ sequence, json }) => ({
        sequence: sequence !== null && sequence < upTo ? sequence : upTo,
        event: 'document' as const,
        data: json,
      })),
      ...payments.map(({ updatedSequence, json }) => ({
        sequence: updatedSequence,
        event: 'payment' as const,
        data: json,
      })),
      ...items.map(({ updatedSequence, json }) => ({
        sequence: updatedSequence,
        event: 'review-item' as const,
        data: json,
      })),
    ];
    changes.sort((a, b) => Number(a.sequence - b.sequence));
    return { changes, upTo, behind: upTo < head };
  });
}
