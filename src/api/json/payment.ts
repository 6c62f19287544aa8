/** A payment as the API shows it, read for many payments with a fixed number of queries. */
import { z } from 'zod';
import type { PaymentStatus } from '../../apply/rows.ts';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import type { Payer, Reference } from '../../portals/events.ts';
import { showId, showOptionalId } from '../ids.ts';
import { actionJson, readActions, showAction } from './action.ts';
import { allocationJson, readAllocations, showAllocation } from './allocation.ts';
import { eventJson, readPaymentEvents, showEvent } from './event.ts';
import { disputeJson, readDisputes, readRefunds, refundJson } from './money-back.ts';
import { customerSummaryJson, groupBy, instantJson, money, moneyJson } from './shapes.ts';

export const PAYMENT_STATUSES = [
  'pending',
  'authorized',
  'succeeded',
  'partially_refunded',
  'refunded',
  'disputed',
  'failed',
  'voided',
] as const satisfies readonly PaymentStatus[];

export const paymentJson = z
  .object({
    id: z.string(),
    portal: z.string(),
    connectionId: z.string(),
    externalId: z.string(),
    provisional: z.boolean(),
    status: z.enum(PAYMENT_STATUSES),
    amount: moneyJson,
    fee: moneyJson.nullable(),
    refunded: moneyJson,
    disputed: moneyJson,
    unapplied: moneyJson,
    occurredAt: instantJson,
    receivedAt: instantJson,
    postedAt: instantJson.nullable(),
    method: z.string().nullable(),
    channel: z.string().nullable(),
    failureReason: z.string().nullable(),
    customer: customerSummaryJson.nullable(),
    references: z.array(z.object({ kind: z.string(), value: z.string() })),
    allocations: z.array(allocationJson),
    releases: z.array(actionJson),
    refunds: z.array(refundJson),
    disputes: z.array(disputeJson),
    events: z.array(eventJson),
  })
  .meta({ id: 'Payment' });
export type PaymentJson = z.output<typeof paymentJson>;

type PaymentRecord = {
  id: bigint;
  portal: string;
  connectionId: string;
  externalId: string;
  provisional: boolean;
  status: PaymentStatus;
  amountMinor: bigint;
  currency: string;
  feeMinor: bigint | null;
  feeCurrency: string | null;
  refundedMinor: bigint;
  disputedMinor: bigint;
  unappliedMinor: bigint;
  occurredAt: string;
  receivedAt: string;
  postedAt: string | null;
  method: string | null;
  channel: string | null;
  failureReason: string | null;
  payer: Payer | null;
  references: readonly Reference[];
  updatedSequence: bigint;
  customerId: bigint | null;
  customerExternalId: string | null;
  customerName: string | null;
  customerEmail: string | null;
};

/** A payment's JSON with what lists page and streams resume by. */
export type ReadPayment = {
  readonly id: bigint;
  readonly updatedSequence: bigint;
  readonly json: PaymentJson;
};

/** Reads the payments that meet `condition`, which names the table `p` and its connection `c`. */
export async function readPayments(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly condition: Sql;
    readonly order: Sql;
    readonly limit: number;
  },
): Promise<readonly ReadPayment[]> {
  const { organizationId } = input;
  const rows = await tx.query<PaymentRecord>(sql`
    select p.id, c.portal, p.connection_id as "connectionId", p.external_id as "externalId",
      p.provisional, p.status, p.amount_minor as "amountMinor", p.currency,
      p.fee_minor as "feeMinor", p.fee_currency as "feeCurrency",
      p.refunded_minor as "refundedMinor", p.disputed_minor as "disputedMinor",
      p.unapplied_minor as "unappliedMinor", p.occurred_at as "occurredAt",
      p.received_at as "receivedAt", p.posted_at as "postedAt", p.method, p.channel,
      p.failure_reason as "failureReason", p.payer, p."references",
      p.updated_sequence as "updatedSequence", p.customer_id as "customerId",
      u.external_id as "customerExternalId", u.name as "customerName", u.email as "customerEmail"
    from payments p
    join connections c on c.organization_id = p.organization_id and c.id = p.connection_id
    left join customers u on u.organization_id = p.organization_id and u.id = p.customer_id
    where p.organization_id = ${organizationId} and ${input.condition}
    order by ${input.order}
    limit ${input.limit}`);
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return [];
  const about = { organizationId, paymentIds: ids };
  const [allocations, actions, refunds, disputes, events] = [
    groupBy(await readAllocations(tx, about), (row) => row.paymentId),
    groupBy(await readActions(tx, about), (row) => row.paymentId),
    groupBy(await readRefunds(tx, about), (row) => row.paymentId),
    groupBy(await readDisputes(tx, about), (row) => row.paymentId),
    groupBy(await readPaymentEvents(tx, about), (row) => row.paymentId),
  ];
  return rows.map((row) => ({
    id: row.id,
    updatedSequence: row.updatedSequence,
    json: {
      ...showPayment(row),
      allocations: (allocations.get(row.id) ?? [])
        .filter((allocation) => allocation.amountMinor > 0n)
        .map(showAllocation),
      releases: (actions.get(row.id) ?? []).map(showAction),
      refunds: (refunds.get(row.id) ?? []).map(({ json }) => json),
      disputes: (disputes.get(row.id) ?? []).map(({ json }) => json),
      events: (events.get(row.id) ?? []).map(showEvent),
    },
  }));
}

/** Reads one payment by its id. */
export async function readPayment(
  tx: Queryable,
  organizationId: number,
  id: bigint,
): Promise<PaymentJson | undefined> {
  const [payment] = await readPayments(tx, {
    organizationId,
    condition: sql`p.id = ${id}`,
    order: sql`p.id`,
    limit: 1,
  });
  return payment?.json;
}

type Children = 'allocations' | 'releases' | 'refunds' | 'disputes' | 'events';

function showPayment(row: PaymentRecord): Omit<PaymentJson, Children> {
  const { currency } = row;
  return {
    id: showId('payment', row.id),
    portal: row.portal,
    connectionId: row.connectionId,
    externalId: row.externalId,
    provisional: row.provisional,
    status: row.status,
    amount: money(row.amountMinor, currency),
    fee: row.feeMinor === null ? null : money(row.feeMinor, row.feeCurrency ?? currency),
    refunded: money(row.refundedMinor, currency),
    disputed: money(row.disputedMinor, currency),
    unapplied: money(row.unappliedMinor, currency),
    occurredAt: row.occurredAt,
    receivedAt: row.receivedAt,
    postedAt: row.postedAt,
    method: row.method,
    channel: row.channel,
    failureReason: row.failureReason,
    customer: showCustomer(row),
    references: row.references.map((reference) => ({
      kind: reference.kind,
      value: reference.number ?? reference.externalId ?? reference.text ?? '',
    })),
  };
}

/** The customer in the books; else the payer as the portal named them, without an id of ours. */
function showCustomer(row: PaymentRecord): PaymentJson['customer'] {
  if (row.customerId !== null) {
    return {
      id: showOptionalId('customer', row.customerId),
      externalId: row.customerExternalId,
      name: row.customerName,
      email: row.customerEmail,
    };
  }
  if (row.payer === null) return null;
  const { externalId, name, email } = row.payer;
  return { id: null, externalId, name, email };
}
