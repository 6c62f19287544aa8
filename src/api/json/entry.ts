/** Journal entries with their postings. */
import { z } from 'zod';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { showId, showOptionalId } from '../ids.ts';
import { dayJson, groupBy, instantJson, money, moneyJson } from './shapes.ts';

export const entryJson = z
  .object({
    sequence: z.string(),
    kind: z.string(),
    memo: z.string(),
    postedAt: instantJson,
    effectiveOn: dayJson,
    reverses: z.string().nullable(),
    hash: z.string().meta({ description: 'SHA-256, chained to the entry before.' }),
    documentId: z.string(),
    postings: z.array(
      z.object({
        debitAccount: z.string(),
        creditAccount: z.string(),
        amount: moneyJson,
        paymentId: z.string().nullable(),
        invoiceId: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Entry' });
export type EntryJson = z.output<typeof entryJson>;

type EntryRecord = {
  sequence: bigint;
  kind: string;
  memo: string;
  postedAt: string;
  effectiveOn: string;
  reverses: bigint | null;
  hash: Buffer;
  documentId: bigint;
};

type PostingRecord = {
  entrySequence: bigint;
  debitAccount: string;
  creditAccount: string;
  amountMinor: bigint;
  currency: string;
  paymentId: bigint | null;
  invoiceId: bigint | null;
};

/** Reads the entries that meet `condition`, which names the table `e`. */
export async function readEntries(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly condition: Sql;
    readonly order: Sql;
    readonly limit?: number;
  },
): Promise<readonly { readonly sequence: bigint; readonly json: EntryJson }[]> {
  const { organizationId } = input;
  const rows = await tx.query<EntryRecord>(sql`
    select e.sequence, e.kind, e.memo, e.posted_at as "postedAt", e.effective_on as "effectiveOn",
      e.reverses, e.hash, e.document_id as "documentId"
    from entries e
    where e.organization_id = ${organizationId} and ${input.condition}
    order by ${input.order}
    limit ${input.limit ?? null}`);
  const postings = await tx.query<PostingRecord>(sql`
    select entry_sequence as "entrySequence", debit_account as "debitAccount",
      credit_account as "creditAccount", amount_minor as "amountMinor", currency,
      payment_id as "paymentId", invoice_id as "invoiceId"
    from postings
    where organization_id = ${organizationId}
      and entry_sequence = any(${rows.map((row) => row.sequence)}::bigint[])
    order by entry_sequence, line`);
  const byEntry = groupBy(postings, (posting) => posting.entrySequence);
  return rows.map((row) => ({
    sequence: row.sequence,
    json: {
      sequence: String(row.sequence),
      kind: row.kind,
      memo: row.memo,
      postedAt: row.postedAt,
      effectiveOn: row.effectiveOn,
      reverses: row.reverses === null ? null : String(row.reverses),
      hash: row.hash.toString('hex'),
      documentId: showId('document', row.documentId),
      postings: (byEntry.get(row.sequence) ?? []).map((posting) => ({
        debitAccount: posting.debitAccount,
        creditAccount: posting.creditAccount,
        amount: money(posting.amountMinor, posting.currency),
        paymentId: showOptionalId('payment', posting.paymentId),
        invoiceId: showOptionalId('invoice', posting.invoiceId),
      })),
    },
  }));
}
