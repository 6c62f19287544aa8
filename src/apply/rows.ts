/** The rows of the books as `decide` works on them, and the tables they come from. Names equal the columns. */
import type { Table } from '../db/table.ts';
import type { PaymentParts } from '../payments/parts.ts';
import type { Payer, Reference } from '../portals/events.ts';

export type PaymentStatus =
  | 'pending'
  | 'authorized'
  | 'succeeded'
  | 'partially_refunded'
  | 'refunded'
  | 'disputed'
  | 'failed'
  | 'voided';

/**
 * Why two payments may be one: documents name them, with other amounts; they are for the same thing; one says only its
 * gateway; nothing explains one, and somebody entered the other. Or a bank line is exactly a payout.
 */
export type SuspicionKind = 'named' | 'alike' | 'gateway' | 'unexplained' | 'payout';

export type PaymentRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  provisional: boolean;
  /** The books tell of it: somebody may have copied what another portal holds. */
  entered: boolean;
  status: PaymentStatus;
  amountMinor: bigint;
  currency: string;
  feeMinor: bigint | null;
  feeCurrency: string | null;
  feeEntry: bigint | null;
  method: string | null;
  channel: string | null;
  failureReason: string | null;
  pendingAt: string | null;
  authorizedAt: string | null;
  succeededAt: string | null;
  succeededLastAt: string | null;
  failedAt: string | null;
  voidedAt: string | null;
  parts: PaymentParts | null;
  revision: number | null;
  payer: Payer | null;
  payerKey: string | null;
  customerId: bigint | null;
  references: readonly Reference[];
  receivedMinor: bigint;
  allocatedMinor: bigint;
  refundedMinor: bigint;
  disputedMinor: bigint;
  lostMinor: bigint;
  held: boolean;
  mirrors: bigint | null;
  /** What it may be the same money as (`pay_12`, `po_5`): not posted until that is certain. */
  suspect: string | null;
  suspicion: SuspicionKind | null;
  /** A person said that it is money of its own. */
  vouched: boolean;
  occurredAt: string;
  receivedAt: string;
  postedAt: string | null;
  receiptEntry: bigint | null;
  updatedSequence: bigint;
};

export const paymentsTable: Table<PaymentRow> = {
  name: 'payments',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    provisional: 'boolean',
    entered: 'boolean',
    status: 'text',
    amountMinor: 'bigint',
    currency: 'text',
    feeMinor: 'bigint',
    feeCurrency: 'text',
    feeEntry: 'bigint',
    method: 'text',
    channel: 'text',
    failureReason: 'text',
    pendingAt: 'instant',
    authorizedAt: 'instant',
    succeededAt: 'instant',
    succeededLastAt: 'instant',
    failedAt: 'instant',
    voidedAt: 'instant',
    parts: 'json',
    revision: 'integer',
    payer: 'json',
    payerKey: 'text',
    customerId: 'bigint',
    references: 'json',
    receivedMinor: 'bigint',
    allocatedMinor: 'bigint',
    refundedMinor: 'bigint',
    disputedMinor: 'bigint',
    lostMinor: 'bigint',
    held: 'boolean',
    mirrors: 'bigint',
    suspect: 'text',
    suspicion: 'text',
    vouched: 'boolean',
    occurredAt: 'instant',
    receivedAt: 'instant',
    postedAt: 'instant',
    receiptEntry: 'bigint',
    updatedSequence: 'bigint',
  },
};

export type RefundRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  paymentId: bigint | null;
  paymentExternalId: string | null;
  amountMinor: bigint;
  currency: string;
  feeMinor: bigint | null;
  feeCurrency: string | null;
  feePostedMinor: bigint;
  succeededAt: string | null;
  failedAt: string | null;
  postedMinor: bigint;
  entry: bigint | null;
  customerId: bigint | null;
  /** See the comment of the column in the database. */
  standing: 'own' | 'copy' | 'stand-in' | 'doubtful';
  details: unknown;
  updatedSequence: bigint;
};

export const refundsTable: Table<RefundRow> = {
  name: 'refunds',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    paymentId: 'bigint',
    paymentExternalId: 'text',
    amountMinor: 'bigint',
    currency: 'text',
    feeMinor: 'bigint',
    feeCurrency: 'text',
    feePostedMinor: 'bigint',
    succeededAt: 'instant',
    failedAt: 'instant',
    postedMinor: 'bigint',
    entry: 'bigint',
    customerId: 'bigint',
    standing: 'text',
    details: 'json',
    updatedSequence: 'bigint',
  },
};

export type DisputeRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  paymentId: bigint | null;
  paymentExternalId: string | null;
  amountMinor: bigint;
  currency: string;
  feeMinor: bigint | null;
  feeCurrency: string | null;
  openedAt: string | null;
  withdrawnAt: string | null;
  wonAt: string | null;
  lostAt: string | null;
  reason: string | null;
  posted: 'none' | 'withdrawn' | 'lost';
  entry: bigint | null;
  updatedSequence: bigint;
};

export const disputesTable: Table<DisputeRow> = {
  name: 'disputes',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    paymentId: 'bigint',
    paymentExternalId: 'text',
    amountMinor: 'bigint',
    currency: 'text',
    feeMinor: 'bigint',
    feeCurrency: 'text',
    openedAt: 'instant',
    withdrawnAt: 'instant',
    wonAt: 'instant',
    lostAt: 'instant',
    reason: 'text',
    posted: 'text',
    entry: 'bigint',
    updatedSequence: 'bigint',
  },
};

export type CustomerRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  name: string | null;
  email: string | null;
  emailKey: string | null;
  updatedSequence: bigint;
};

export const customersTable: Table<CustomerRow> = {
  name: 'customers',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    name: 'text',
    email: 'text',
    emailKey: 'text',
    updatedSequence: 'bigint',
  },
};

export type InvoiceRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  number: string | null;
  numberKey: string | null;
  customerId: bigint | null;
  currency: string;
  totalMinor: bigint;
  paidMinor: bigint;
  status: 'open' | 'partially_paid' | 'paid' | 'void';
  issuedOn: string | null;
  dueOn: string | null;
  workOrder: string | null;
  workOrderKey: string | null;
  purchaseOrder: string | null;
  purchaseOrderKey: string | null;
  registeredEntry: bigint | null;
  statedAt: string | null;
  revision: bigint | null;
  updatedSequence: bigint;
};

export const invoicesTable: Table<InvoiceRow> = {
  name: 'invoices',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    number: 'text',
    numberKey: 'text',
    customerId: 'bigint',
    currency: 'text',
    totalMinor: 'bigint',
    paidMinor: 'bigint',
    status: 'text',
    issuedOn: 'day',
    dueOn: 'day',
    workOrder: 'text',
    workOrderKey: 'text',
    purchaseOrder: 'text',
    purchaseOrderKey: 'text',
    registeredEntry: 'bigint',
    statedAt: 'instant',
    revision: 'bigint',
    updatedSequence: 'bigint',
  },
};

export type WorkOrderKind = 'service' | 'repair' | 'parts' | 'contract' | 'warranty';

export type WorkOrderRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  number: string;
  numberKey: string;
  kind: WorkOrderKind;
  description: string | null;
  customerId: bigint | null;
  totalMinor: bigint | null;
  currency: string | null;
  released: boolean;
  updatedSequence: bigint;
};

export const workOrdersTable: Table<WorkOrderRow> = {
  name: 'work_orders',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    number: 'text',
    numberKey: 'text',
    kind: 'text',
    description: 'text',
    customerId: 'bigint',
    totalMinor: 'bigint',
    currency: 'text',
    released: 'boolean',
    updatedSequence: 'bigint',
  },
};

export type EntitlementKind = 'service-contract' | 'warranty' | 'parts-order';

export type EntitlementRow = {
  id: bigint;
  kind: EntitlementKind;
  connectionId: string;
  externalId: string;
  number: string;
  customerId: bigint | null;
  workOrder: string | null;
  workOrderKey: string | null;
  invoice: string | null;
  invoiceKey: string | null;
  attributes: unknown;
  active: boolean;
  updatedSequence: bigint;
};

export const entitlementsTable: Table<EntitlementRow> = {
  name: 'entitlements',
  key: ['id'],
  columns: {
    id: 'bigint',
    kind: 'text',
    connectionId: 'text',
    externalId: 'text',
    number: 'text',
    customerId: 'bigint',
    workOrder: 'text',
    workOrderKey: 'text',
    invoice: 'text',
    invoiceKey: 'text',
    attributes: 'json',
    active: 'boolean',
    updatedSequence: 'bigint',
  },
};

export type AllocationRow = {
  id: bigint;
  paymentId: bigint;
  invoiceId: bigint | null;
  workOrderId: bigint | null;
  customerId: bigint | null;
  currency: string;
  originalMinor: bigint;
  amountMinor: bigint;
  explanation: unknown;
  entry: bigint;
  createdAt: string;
  updatedSequence: bigint;
};

export const allocationsTable: Table<AllocationRow> = {
  name: 'allocations',
  key: ['id'],
  columns: {
    id: 'bigint',
    paymentId: 'bigint',
    invoiceId: 'bigint',
    workOrderId: 'bigint',
    customerId: 'bigint',
    currency: 'text',
    originalMinor: 'bigint',
    amountMinor: 'bigint',
    explanation: 'json',
    entry: 'bigint',
    createdAt: 'instant',
    updatedSequence: 'bigint',
  },
};

export type ActionRow = {
  id: bigint;
  name: string;
  targetKind: 'work-order' | EntitlementKind;
  targetId: bigint;
  paymentId: bigint;
  entry: bigint;
  documentId: bigint;
  doneAt: string;
  takenBackAt: string | null;
  takenBackEntry: bigint | null;
  takenBackDocumentId: bigint | null;
  takenBackBecause: string | null;
  updatedSequence: bigint;
};

export const actionsTable: Table<ActionRow> = {
  name: 'actions',
  key: ['id'],
  columns: {
    id: 'bigint',
    name: 'text',
    targetKind: 'text',
    targetId: 'bigint',
    paymentId: 'bigint',
    entry: 'bigint',
    documentId: 'bigint',
    doneAt: 'instant',
    takenBackAt: 'instant',
    takenBackEntry: 'bigint',
    takenBackDocumentId: 'bigint',
    takenBackBecause: 'text',
    updatedSequence: 'bigint',
  },
};

export type ReviewItemRow = {
  id: bigint;
  kind: string;
  subject: string;
  reason: string;
  paymentId: bigint | null;
  documentId: bigint | null;
  details: unknown;
  openedAt: string;
  resolvedAt: string | null;
  resolution: string | null;
  updatedSequence: bigint;
};

export const reviewItemsTable: Table<ReviewItemRow> = {
  name: 'review_items',
  key: ['id'],
  columns: {
    id: 'bigint',
    kind: 'text',
    subject: 'text',
    reason: 'text',
    paymentId: 'bigint',
    documentId: 'bigint',
    details: 'json',
    openedAt: 'instant',
    resolvedAt: 'instant',
    resolution: 'text',
    updatedSequence: 'bigint',
  },
};

/** It waits because it may be the same money as another payment. */
export function isInDoubt({ suspect, voidedAt, mirrors }: PaymentRow): boolean {
  return suspect !== null && voidedAt === null && mirrors === null;
}

/** The payment that it may be the same money as; a payout is none. */
export function suspectedPayment({ suspect }: Pick<PaymentRow, 'suspect'>): bigint | undefined {
  const [, id] = /^pay_(\d{1,18})$/.exec(suspect ?? '') ?? [];
  return id === undefined ? undefined : BigInt(id);
}

/** Money of it went back or was taken back, and none of it is applied. */
export function hasGoneBack(payment: PaymentRow): boolean {
  return payment.allocatedMinor === 0n && payment.refundedMinor + payment.lostMinor > 0n;
}

/** What of a payment is neither applied, refunded nor lost: the column of that name is generated from the same sum. */
export function unappliedOf(payment: PaymentRow): bigint {
  return payment.receivedMinor - payment.allocatedMinor - payment.refundedMinor - payment.lostMinor;
}

export function balanceOf(invoice: InvoiceRow): bigint {
  return invoice.status === 'void' ? 0n : invoice.totalMinor - invoice.paidMinor;
}
