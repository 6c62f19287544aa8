/** What part of a payment pays what, and why. */
import { z } from 'zod';
import { type Queryable, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { instantJson, money, moneyJson } from './shapes.ts';

export const explanationJson = z.looseObject({
  rule: z.string().optional(),
  because: z.string().optional(),
  alternatives: z.array(z.string()).optional(),
});

export const allocationJson = z
  .object({
    id: z.string(),
    target: z.object({
      kind: z.enum(['invoice', 'work-order']),
      id: z.string(),
      externalId: z.string(),
      number: z.string().nullable(),
    }),
    amount: moneyJson,
    explanation: explanationJson,
  })
  .meta({ id: 'Allocation' });
export type AllocationJson = z.output<typeof allocationJson>;

/** In a trail also what was taken back is shown. */
export const allocationHistoryJson = allocationJson.extend({
  paymentId: z.string(),
  originalAmount: moneyJson,
  state: z.enum(['standing', 'taken_back']),
  createdAt: instantJson,
  entry: z.string(),
});

export type AllocationRecord = {
  id: bigint;
  paymentId: bigint;
  invoiceId: bigint | null;
  workOrderId: bigint | null;
  currency: string;
  amountMinor: bigint;
  originalMinor: bigint;
  explanation: Readonly<Record<string, unknown>>;
  entry: bigint;
  createdAt: string;
  targetExternalId: string;
  targetNumber: string | null;
};

/** Every allocation of the payments or on the invoices, those taken back (amount zero) included. */
export function readAllocations(
  tx: Queryable,
  about: { readonly organizationId: number } & (
    | { readonly paymentIds: readonly bigint[] }
    | { readonly invoiceIds: readonly bigint[] }
  ),
): Promise<AllocationRecord[]> {
  const condition =
    'paymentIds' in about
      ? sql`a.payment_id = any(${about.paymentIds}::bigint[])`
      : sql`a.invoice_id = any(${about.invoiceIds}::bigint[])`;
  return tx.query<AllocationRecord>(sql`
    select a.id, a.payment_id as "paymentId", a.invoice_id as "invoiceId",
      a.work_order_id as "workOrderId", a.currency, a.amount_minor as "amountMinor",
      a.original_minor as "originalMinor", a.explanation, a.entry, a.created_at as "createdAt",
      coalesce(i.external_id, w.external_id) as "targetExternalId",
      coalesce(i.number, w.number) as "targetNumber"
    from allocations a
    left join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
    left join work_orders w on w.organization_id = a.organization_id and w.id = a.work_order_id
    where a.organization_id = ${about.organizationId} and ${condition}
    order by a.id`);
}

export function showAllocation(row: AllocationRecord): AllocationJson {
  const target =
    row.invoiceId === null
      ? { kind: 'work-order' as const, id: showId('work-order', row.workOrderId as bigint) }
      : { kind: 'invoice' as const, id: showId('invoice', row.invoiceId) };
  return {
    id: showId('allocation', row.id),
    target: { ...target, externalId: row.targetExternalId, number: row.targetNumber },
    amount: money(row.amountMinor, row.currency),
    explanation: row.explanation,
  };
}

export function showAllocationHistory(
  row: AllocationRecord,
): z.output<typeof allocationHistoryJson> {
  return {
    ...showAllocation(row),
    paymentId: showId('payment', row.paymentId),
    originalAmount: money(row.originalMinor, row.currency),
    state: row.amountMinor > 0n ? 'standing' : 'taken_back',
    createdAt: row.createdAt,
    entry: String(row.entry),
  };
}
