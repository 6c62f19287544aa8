/** What automation released, and what it took back. */
import { z } from 'zod';
import type { ActionRow } from '../../apply/rows.ts';
import { type Queryable, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { instantJson } from './shapes.ts';

const TARGET_KINDS = [
  'work-order',
  'service-contract',
  'warranty',
  'parts-order',
] as const satisfies readonly ActionRow['targetKind'][];

export const actionJson = z
  .object({
    id: z.string(),
    name: z.string(),
    target: z.object({
      kind: z.enum(TARGET_KINDS),
      id: z.string(),
      number: z.string().nullable(),
    }),
    state: z.enum(['done', 'taken_back']),
    at: instantJson,
    takenBackAt: instantJson.nullable(),
  })
  .meta({ id: 'Release' });

/** In a trail an action also names the entries and documents behind it. */
export const actionHistoryJson = actionJson.extend({
  paymentId: z.string(),
  entry: z.string(),
  documentId: z.string(),
  takenBackEntry: z.string().nullable(),
  takenBackDocumentId: z.string().nullable(),
  takenBackBecause: z.string().nullable(),
});

export type ActionRecord = {
  id: bigint;
  name: string;
  targetKind: ActionRow['targetKind'];
  targetId: bigint;
  targetNumber: string | null;
  paymentId: bigint;
  entry: bigint;
  documentId: bigint;
  doneAt: string;
  takenBackAt: string | null;
  takenBackEntry: bigint | null;
  takenBackDocumentId: bigint | null;
  takenBackBecause: string | null;
};

/** Actions that payments caused, or that were done to targets of one kind. */
export function readActions(
  tx: Queryable,
  about: { readonly organizationId: number } & (
    | { readonly paymentIds: readonly bigint[] }
    | { readonly targetKind: ActionRow['targetKind']; readonly targetIds: readonly bigint[] }
  ),
): Promise<ActionRecord[]> {
  const condition =
    'paymentIds' in about
      ? sql`a.payment_id = any(${about.paymentIds}::bigint[])`
      : sql`a.target_kind = ${about.targetKind}
          and a.target_id = any(${about.targetIds}::bigint[])`;
  return tx.query<ActionRecord>(sql`
    select a.id, a.name, a.target_kind as "targetKind", a.target_id as "targetId",
      coalesce(w.number, e.number) as "targetNumber", a.payment_id as "paymentId", a.entry,
      a.document_id as "documentId", a.done_at as "doneAt", a.taken_back_at as "takenBackAt",
      a.taken_back_entry as "takenBackEntry", a.taken_back_document_id as "takenBackDocumentId",
      a.taken_back_because as "takenBackBecause"
    from actions a
    left join work_orders w on w.organization_id = a.organization_id
      and a.target_kind = 'work-order' and w.id = a.target_id
    left join entitlements e on e.organization_id = a.organization_id
      and a.target_kind <> 'work-order' and e.id = a.target_id
    where a.organization_id = ${about.organizationId} and ${condition}
    order by a.id`);
}

export function showAction(row: ActionRecord): z.output<typeof actionJson> {
  return {
    id: showId('action', row.id),
    name: row.name,
    target: {
      kind: row.targetKind,
      id: showId(row.targetKind, row.targetId),
      number: row.targetNumber,
    },
    state: row.takenBackAt === null ? 'done' : 'taken_back',
    at: row.doneAt,
    takenBackAt: row.takenBackAt,
  };
}

export function showActionHistory(row: ActionRecord): z.output<typeof actionHistoryJson> {
  const takenBackId = row.takenBackDocumentId;
  return {
    ...showAction(row),
    paymentId: showId('payment', row.paymentId),
    entry: String(row.entry),
    documentId: showId('document', row.documentId),
    takenBackEntry: row.takenBackEntry === null ? null : String(row.takenBackEntry),
    takenBackDocumentId: takenBackId === null ? null : showId('document', takenBackId),
    takenBackBecause: row.takenBackBecause,
  };
}
