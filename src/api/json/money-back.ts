/** Refunds and disputes of payments. */
import { z } from 'zod';
import type { DisputeRow } from '../../apply/rows.ts';
import { type Queryable, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { instantJson, money, moneyJson } from './shapes.ts';

export const refundJson = z
  .object({
    id: z.string(),
    externalId: z.string(),
    amount: moneyJson,
    status: z.enum(['pending', 'succeeded', 'failed']),
    succeededAt: instantJson.nullable(),
    failedAt: instantJson.nullable(),
  })
  .meta({ id: 'Refund' });

export const disputeJson = z
  .object({
    id: z.string(),
    externalId: z.string(),
    amount: moneyJson,
    status: z.enum(['open', 'won', 'lost']),
    fundsWithdrawn: z.boolean(),
    reason: z.string().nullable(),
    openedAt: instantJson.nullable(),
    wonAt: instantJson.nullable(),
    lostAt: instantJson.nullable(),
  })
  .meta({ id: 'Dispute' });

type About = { readonly organizationId: number; readonly paymentIds: readonly bigint[] };
type ChildOf<Json> = { readonly paymentId: bigint; readonly json: Json };

type RefundRecord = {
  id: bigint;
  paymentId: bigint;
  externalId: string;
  amountMinor: bigint;
  currency: string;
  succeededAt: string | null;
  failedAt: string | null;
  postedMinor: bigint;
};

export async function readRefunds(
  tx: Queryable,
  { organizationId, paymentIds }: About,
): Promise<ChildOf<z.output<typeof refundJson>>[]> {
  const rows = await tx.query<RefundRecord>(sql`
    select id, payment_id as "paymentId", external_id as "externalId",
      amount_minor as "amountMinor", currency, succeeded_at as "succeededAt",
      failed_at as "failedAt", posted_minor as "postedMinor"
    from refunds
    where organization_id = ${organizationId} and payment_id = any(${paymentIds}::bigint[])
    order by id`);
  return rows.map((row) => ({
    paymentId: row.paymentId,
    json: {
      id: showId('refund', row.id),
      externalId: row.externalId,
      amount: money(row.amountMinor, row.currency),
      status: refundStatus(row),
      succeededAt: row.succeededAt,
      failedAt: row.failedAt,
    },
  }));
}

/** A refund may fail after it succeeded (a bank sent it back); what is posted decides. */
function refundStatus(row: RefundRecord): 'pending' | 'succeeded' | 'failed' {
  if (row.postedMinor > 0n) return 'succeeded';
  if (row.failedAt !== null) return 'failed';
  return row.succeededAt === null ? 'pending' : 'succeeded';
}

type DisputeRecord = Pick<
  DisputeRow,
  'id' | 'externalId' | 'amountMinor' | 'currency' | 'openedAt' | 'wonAt' | 'lostAt' | 'reason'
> & { paymentId: bigint; withdrawnAt: string | null };

export async function readDisputes(
  tx: Queryable,
  { organizationId, paymentIds }: About,
): Promise<ChildOf<z.output<typeof disputeJson>>[]> {
  const rows = await tx.query<DisputeRecord>(sql`
    select id, payment_id as "paymentId", external_id as "externalId",
      amount_minor as "amountMinor", currency, opened_at as "openedAt",
      withdrawn_at as "withdrawnAt", won_at as "wonAt", lost_at as "lostAt", reason
    from disputes
    where organization_id = ${organizationId} and payment_id = any(${paymentIds}::bigint[])
    order by id`);
  return rows.map((row) => ({
    paymentId: row.paymentId,
    json: {
      id: showId('dispute', row.id),
      externalId: row.externalId,
      amount: money(row.amountMinor, row.currency),
      status: disputeStatus(row),
      fundsWithdrawn: row.withdrawnAt !== null,
      reason: row.reason,
      openedAt: row.openedAt,
      wonAt: row.wonAt,
      lostAt: row.lostAt,
    },
  }));
}

/** Banks decide again on appeal: the later decision stands. */
function disputeStatus({ lostAt, wonAt }: DisputeRecord): 'open' | 'won' | 'lost' {
  if (lostAt !== null && (wonAt === null || lostAt >= wonAt)) return 'lost';
  return wonAt === null ? 'open' : 'won';
}
