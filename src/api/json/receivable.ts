/** Invoices, work orders, and what a paid one brings: contracts, warranties, parts orders. */
import { z } from 'zod';
import { balanceOf, type EntitlementKind, type InvoiceRow } from '../../apply/rows.ts';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { actionJson, readActions, showAction } from './action.ts';
import { explanationJson, readAllocations } from './allocation.ts';
import { customerSummaryJson, dayJson, groupBy, instantJson, money, moneyJson } from './shapes.ts';

export const INVOICE_STATUSES = ['open', 'partially_paid', 'paid', 'void'] as const;
export const WORK_ORDER_KINDS = ['service', 'repair', 'parts', 'contract', 'warranty'] as const;

const common = {
  id: z.string(),
  externalId: z.string(),
  connectionId: z.string(),
  portal: z.string(),
  number: z.string().nullable(),
  customer: customerSummaryJson.nullable(),
};

export const invoiceJson = z
  .object({
    ...common,
    status: z.enum(INVOICE_STATUSES),
    total: moneyJson,
    paid: moneyJson,
    balance: moneyJson,
    issuedOn: dayJson.nullable(),
    dueOn: dayJson.nullable(),
    workOrder: z.string().nullable(),
    purchaseOrder: z.string().nullable(),
    allocations: z.array(
      z.object({
        id: z.string(),
        paymentId: z.string(),
        amount: moneyJson,
        explanation: explanationJson,
        createdAt: instantJson,
      }),
    ),
  })
  .meta({ id: 'Invoice' });
export type InvoiceJson = z.output<typeof invoiceJson>;

export const workOrderJson = z
  .object({
    ...common,
    kind: z.enum(WORK_ORDER_KINDS),
    description: z.string().nullable(),
    total: moneyJson.nullable(),
    released: z.boolean(),
    releases: z.array(actionJson),
  })
  .meta({ id: 'WorkOrder' });
export type WorkOrderJson = z.output<typeof workOrderJson>;

export const entitlementJson = z
  .object({
    ...common,
    kind: z.enum(['service-contract', 'warranty', 'parts-order']),
    workOrder: z.string().nullable(),
    invoice: z.string().nullable(),
    attributes: z.looseObject({}),
    active: z.boolean(),
    releases: z.array(actionJson),
  })
  .meta({ id: 'Entitlement' });
export type EntitlementJson = z.output<typeof entitlementJson>;

type Common = {
  id: bigint;
  externalId: string;
  connectionId: string;
  portal: string;
  number: string | null;
  customerId: bigint | null;
  customerExternalId: string | null;
  customerName: string | null;
  customerEmail: string | null;
};

/** Rows of a list: `condition` names the table `r`, its connection `c` and its customer `u`. */
export type Reading = {
  readonly organizationId: number;
  readonly condition: Sql;
  readonly limit: number;
};
export type Read<Json> = readonly { readonly id: bigint; readonly json: Json }[];

const commonColumns = sql`r.id, r.external_id as "externalId", r.connection_id as "connectionId",
  c.portal, r.number, r.customer_id as "customerId", u.external_id as "customerExternalId",
  u.name as "customerName", u.email as "customerEmail"`;

const commonJoins = sql`
  join connections c on c.organization_id = r.organization_id and c.id = r.connection_id
  left join customers u on u.organization_id = r.organization_id and u.id = r.customer_id`;

const commonEnd = (input: Reading) => sql`
  where r.organization_id = ${input.organizationId} and ${input.condition}
  order by r.id desc
  limit ${input.limit}`;

function showCommon(row: Common) {
  return {
    externalId: row.externalId,
    connectionId: row.connectionId,
    portal: row.portal,
    number: row.number,
    customer:
      row.customerId === null
        ? null
        : {
            id: showId('customer', row.customerId),
            externalId: row.customerExternalId,
            name: row.customerName,
            email: row.customerEmail,
          },
  };
}

/** Reads invoices with what stands on them. */
export async function readInvoices(tx: Queryable, input: Reading): Promise<Read<InvoiceJson>> {
  const rows = await tx.query<Common & InvoiceRow>(sql`
    select ${commonColumns}, r.status, r.currency, r.total_minor as "totalMinor",
      r.paid_minor as "paidMinor", r.issued_on as "issuedOn", r.due_on as "dueOn",
      r.work_order as "workOrder", r.purchase_order as "purchaseOrder"
    from invoices r ${commonJoins} ${commonEnd(input)}`);
  const allocations = groupBy(
    await readAllocations(tx, {
      organizationId: input.organizationId,
      invoiceIds: rows.map((row) => row.id),
    }),
    (allocation) => allocation.invoiceId,
  );
  return rows.map((row) => ({
    id: row.id,
    json: {
      ...showCommon(row),
      id: showId('invoice', row.id),
      status: row.status,
      total: money(row.totalMinor, row.currency),
      paid: money(row.paidMinor, row.currency),
      balance: money(balanceOf(row), row.currency),
      issuedOn: row.issuedOn,
      dueOn: row.dueOn,
      workOrder: row.workOrder,
      purchaseOrder: row.purchaseOrder,
      allocations: (allocations.get(row.id) ?? [])
        .filter((allocation) => allocation.amountMinor > 0n)
        .map((allocation) => ({
          id: showId('allocation', allocation.id),
          paymentId: showId('payment', allocation.paymentId),
          amount: money(allocation.amountMinor, allocation.currency),
          explanation: allocation.explanation,
          createdAt: allocation.createdAt,
        })),
    },
  }));
}

type WorkOrderRecord = Common & {
  kind: (typeof WORK_ORDER_KINDS)[number];
  description: string | null;
  totalMinor: bigint | null;
  currency: string | null;
  released: boolean;
};

/** Reads work orders with their releases. */
export async function readWorkOrders(tx: Queryable, input: Reading): Promise<Read<WorkOrderJson>> {
  const rows = await tx.query<WorkOrderRecord>(sql`
    select ${commonColumns}, r.kind, r.description, r.total_minor as "totalMinor", r.currency,
      r.released
    from work_orders r ${commonJoins} ${commonEnd(input)}`);
  const actions = groupBy(
    await readActions(tx, {
      organizationId: input.organizationId,
      targetKind: 'work-order',
      targetIds: rows.map((row) => row.id),
    }),
    (action) => action.targetId,
  );
  return rows.map((row) => ({
    id: row.id,
    json: {
      ...showCommon(row),
      id: showId('work-order', row.id),
      kind: row.kind,
      description: row.description,
      total:
        row.totalMinor === null || row.currency === null
          ? null
          : money(row.totalMinor, row.currency),
      released: row.released,
      releases: (actions.get(row.id) ?? []).map(showAction),
    },
  }));
}

type EntitlementRecord = Common & {
  workOrder: string | null;
  invoice: string | null;
  attributes: Record<string, unknown>;
  active: boolean;
};

/** Reads contracts, warranties or parts orders with their releases. */
export async function readEntitlements(
  tx: Queryable,
  input: Reading & { readonly kind: EntitlementKind },
): Promise<Read<EntitlementJson>> {
  const { kind } = input;
  const rows = await tx.query<EntitlementRecord>(sql`
    select ${commonColumns}, r.work_order as "workOrder", r.invoice, r.attributes, r.active
    from entitlements r ${commonJoins}
    ${commonEnd({ ...input, condition: sql`r.kind = ${kind} and ${input.condition}` })}`);
  const actions = groupBy(
    await readActions(tx, {
      organizationId: input.organizationId,
      targetKind: kind,
      targetIds: rows.map((row) => row.id),
    }),
    (action) => action.targetId,
  );
  return rows.map((row) => ({
    id: row.id,
    json: {
      ...showCommon(row),
      id: showId(kind, row.id),
      kind,
      workOrder: row.workOrder,
      invoice: row.invoice,
      attributes: row.attributes,
      active: row.active,
      releases: (actions.get(row.id) ?? []).map(showAction),
    },
  }));
}
