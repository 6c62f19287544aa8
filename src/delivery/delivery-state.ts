/**
 * What a batch of deliveries is about, read at the moment of sending with a fixed number of
 * queries.
 */
import {
  type ActionRow,
  type AllocationRow,
  actionsTable,
  allocationsTable,
  type CustomerRow,
  customersTable,
  type DisputeRow,
  disputesTable,
  type InvoiceRow,
  invoicesTable,
  type PaymentRow,
  paymentsTable,
  type RefundRow,
  refundsTable,
  type WorkOrderRow,
  workOrdersTable,
} from '../apply/rows.ts';
import { type Queryable, sql } from '../db/database.ts';
import { selectRows } from '../db/table.ts';
import { matchKey } from '../receivables/match-key.ts';

export type ClaimedDelivery = {
  readonly id: bigint;
  readonly topic: string;
  readonly paymentId: bigint;
  readonly subject: string | null;
  /** This attempt's number. */
  readonly attempts: number;
  /** An earlier attempt broke off without a clear answer, so it may have arrived. */
  readonly mayHaveArrived: boolean;
  readonly createdAt: string;
};

/**
 * An allocation with what it pays. What was taken back has the amount zero and stays as a trace.
 */
export type StatedAllocation = {
  readonly row: AllocationRow;
  readonly invoice: InvoiceRow | undefined;
  readonly workOrder: WorkOrderRow | undefined;
};

export type DeliveryState = {
  readonly delivery: ClaimedDelivery;
  readonly portal: string;
  readonly payment: PaymentRow;
  readonly refund: RefundRow | undefined;
  readonly dispute: DisputeRow | undefined;
  readonly action: ActionRow | undefined;
  readonly customer: CustomerRow | undefined;
  readonly allocations: readonly StatedAllocation[];
  /** Numbers of the work orders it pays, spelled as the work orders themselves are. */
  readonly workOrders: readonly string[];
};

type Read = { readonly tx: Queryable; readonly organizationId: number };

/** One state for each delivery, in the same order. */
export async function loadStates(
  tx: Queryable,
  organizationId: number,
  deliveries: readonly ClaimedDelivery[],
): Promise<readonly DeliveryState[]> {
  const read: Read = { tx, organizationId };
  const paymentIds = [...new Set(deliveries.map(({ paymentId }) => paymentId))];
  const payments = await byId(read, paymentsTable, paymentIds);
  const [refunds, disputes, actions] = await Promise.all([
    byId(read, refundsTable, subjects(deliveries, 'ref')),
    byId(read, disputesTable, subjects(deliveries, 'dsp')),
    byId(read, actionsTable, subjects(deliveries, 'act')),
  ]);
  const customers = await byId(
    read,
    customersTable,
    [...payments.values()].flatMap(({ customerId }) => customerId ?? []),
  );
  const portals = await readPortals(read);
  const allocations = await selectRows(
    tx,
    allocationsTable,
    organizationId,
    sql`row.payment_id = any(${paymentIds}::bigint[])`,
  );
  allocations.sort((a, b) => (a.id < b.id ? -1 : 1));
  const targets = await readTargets(read, [...payments.values()], allocations);
  return deliveries.map((delivery) => {
    const payment = payments.get(delivery.paymentId);
    if (!payment) throw new Error(`delivery ${delivery.id} is about a payment that does not exist`);
    const subject = subjectId(delivery.subject);
    const stated = allocations
      .filter((row) => row.paymentId === payment.id)
      .map((row) => ({
        row,
        invoice: row.invoiceId === null ? undefined : targets.invoices.get(row.invoiceId),
        workOrder: row.workOrderId === null ? undefined : targets.workOrders.get(row.workOrderId),
      }));
    return {
      delivery,
      portal: portals.get(payment.connectionId) ?? 'unknown',
      payment,
      refund: subject?.prefix === 'ref' ? refunds.get(subject.id) : undefined,
      dispute: subject?.prefix === 'dsp' ? disputes.get(subject.id) : undefined,
      action: subject?.prefix === 'act' ? actions.get(subject.id) : undefined,
      customer: payment.customerId === null ? undefined : customers.get(payment.customerId),
      allocations: stated,
      workOrders: workOrdersOf(payment, stated, targets),
    };
  });
}

async function byId<Row extends { id: bigint }>(
  { tx, organizationId }: Read,
  table: Parameters<typeof selectRows<Row>>[1],
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, Row>> {
  if (ids.length === 0) return new Map();
  const rows = await selectRows(tx, table, organizationId, sql`row.id = any(${ids}::bigint[])`);
  return new Map(rows.map((row) => [row.id, row]));
}

async function readPortals({ tx, organizationId }: Read): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query<{ id: string; portal: string }>(
    sql`select id, portal from connections where organization_id = ${organizationId}`,
  );
  return new Map(rows.map(({ id, portal }) => [id, portal]));
}

/** `ref_12` names refund 12. */
function subjectId(subject: string | null): { prefix: string; id: bigint } | undefined {
  const match = /^([a-z]+)_(\d{1,18})$/.exec(subject ?? '');
  return match?.[1] && match[2] ? { prefix: match[1], id: BigInt(match[2]) } : undefined;
}

function subjects(deliveries: readonly ClaimedDelivery[], prefix: string): readonly bigint[] {
  return deliveries.flatMap(({ subject }) => {
    const read = subjectId(subject);
    return read?.prefix === prefix ? read.id : [];
  });
}

type Targets = {
  readonly invoices: ReadonlyMap<bigint, InvoiceRow>;
  readonly workOrders: ReadonlyMap<bigint, WorkOrderRow>;
};

/**
 * The invoices and work orders that allocations pay, that references name, and that those
 * invoices belong to.
 */
async function readTargets(
  { tx, organizationId }: Read,
  payments: readonly PaymentRow[],
  allocations: readonly AllocationRow[],
): Promise<Targets> {
  const invoiceKeys = payments.flatMap((payment) => referenceKeys(payment, 'invoice'));
  const invoices = await selectRows(
    tx,
    invoicesTable,
    organizationId,
    sql`row.id = any(${allocations.flatMap((row) => row.invoiceId ?? [])}::bigint[])
        or row.number_key = any(${invoiceKeys}::text[])`,
  );
  const workOrderKeys = [
    ...payments.flatMap((payment) => referenceKeys(payment, 'workOrder')),
    ...invoices.flatMap((invoice) => invoice.workOrderKey ?? []),
  ];
  const workOrders = await selectRows(
    tx,
    workOrdersTable,
    organizationId,
    sql`row.id = any(${allocations.flatMap((row) => row.workOrderId ?? [])}::bigint[])
        or row.number_key = any(${workOrderKeys}::text[])`,
  );
  const mapped = <Row extends { id: bigint }>(rows: readonly Row[]) =>
    new Map(rows.map((row) => [row.id, row] as const));
  return { invoices: mapped(invoices), workOrders: mapped(workOrders) };
}

function referenceKeys(payment: PaymentRow, kind: 'invoice' | 'workOrder'): readonly string[] {
  return payment.references
    .filter((reference) => reference.kind === kind)
    .flatMap((reference) => matchKey(reference.number ?? reference.externalId) ?? []);
}

/**
 * By what the money was applied to; when all of that was taken back, by what it had been applied
 * to; and for money that was never applied (a declined attempt) by what the portal said it pays.
 */
function workOrdersOf(
  payment: PaymentRow,
  allocations: readonly StatedAllocation[],
  targets: Targets,
): readonly string[] {
  const spelled = (key: string, written: string): string => {
    const known = [...targets.workOrders.values()].find((row) => row.numberKey === key);
    return known?.number ?? written;
  };
  const ofInvoice = (invoice: InvoiceRow | undefined): readonly string[] =>
    invoice?.workOrder && invoice.workOrderKey
      ? [spelled(invoice.workOrderKey, invoice.workOrder)]
      : [];
  const live = allocations.filter(({ row }) => row.amountMinor > 0n);
  const applied = (live.length > 0 ? live : allocations).flatMap(({ workOrder, invoice }) =>
    workOrder ? [workOrder.number] : ofInvoice(invoice),
  );
  if (applied.length > 0) return [...new Set(applied)];
  const named = payment.references.flatMap((reference) => {
    const written = reference.number ?? reference.externalId;
    const key = matchKey(written);
    if (!written || !key) return [];
    if (reference.kind === 'workOrder') return [spelled(key, written)];
    if (reference.kind !== 'invoice') return [];
    return [...targets.invoices.values()]
      .filter((invoice) => invoice.numberKey === key)
      .flatMap(ofInvoice);
  });
  return [...new Set(named)];
}
