/** Customers, invoices, work orders and what hangs on them: registered, changed, voided. */

import type { OwnDecision } from '../intake/own-document.ts';
import { chart } from '../ledger/chart.ts';
import { fromDecimalText } from '../money/money.ts';
import type { CanonicalEvent, InvoiceFacts } from '../portals/events.ts';
import { emailKey, matchKey } from '../receivables/match-key.ts';
import {
  applyWaiting,
  deallocate,
  isWaiting,
  keepWaiting,
  moveDeposits,
  setInvoiceStatus,
} from './apply-cash.ts';
import { findCustomer, findInvoice, keyOf } from './books.ts';
import { addIdentity, type Deciding, nextId, openReview, post, Quarantined } from './deciding.ts';
import { targetKeys, workOrdersNamed } from './payment-targets.ts';
import type { CustomerRow, EntitlementRow, InvoiceRow, WorkOrderRow } from './rows.ts';
import { settleEntitlement } from './settle-releases.ts';
import { accept, doubtPayerOf, suspectsFor } from './suspicion.ts';

/** @throws Quarantined when an invoice event lacks its facts or has a negative total. */
export function objectToReceivable(event: CanonicalEvent): void {
  if (event.type === 'customer.upserted' && !event.customer?.externalId) {
    throw new Quarantined('customer.upserted names no customer');
  }
  if (!event.type.startsWith('invoice.')) return;
  if (!event.invoice) throw new Quarantined(`${event.type} names no invoice`);
  if (event.invoice.totalMinor < 0n) {
    throw new Quarantined(`invoice ${event.invoice.externalId} has a negative total`);
  }
}

export function decideCustomer(ctx: Deciding, event: CanonicalEvent): void {
  const { books, document } = ctx;
  const payer = event.customer;
  if (!payer?.externalId) return;
  const known = findCustomer(books, document.connectionId, { ...payer, email: null });
  const row: CustomerRow = known ?? {
    id: nextId(ctx),
    connectionId: document.connectionId,
    externalId: payer.externalId,
    name: null,
    email: null,
    emailKey: null,
    updatedSequence: document.sequence,
  };
  row.name = payer.name ?? row.name;
  row.email = payer.email ?? row.email;
  row.emailKey = emailKey(row.email);
  row.updatedSequence = document.sequence;
  books.customers.put(row);
}

export function decideInvoice(ctx: Deciding, event: CanonicalEvent): void {
  const facts = event.invoice;
  if (!facts) return;
  const known =
    findInvoice(ctx.books, ctx.document.connectionId, facts.externalId) ?? twinInvoice(ctx, facts);
  if (known && isOlder(ctx, known, event)) return;
  const invoice = known ?? newInvoice(ctx, facts);
  if (invoice.connectionId === ctx.document.connectionId) {
    invoice.statedAt = event.occurredAt;
    invoice.revision = event.revision === undefined ? null : BigInt(event.revision);
  }
  if (event.type === 'invoice.voided') {
    // Kept although nothing was known of it: what it was before may still arrive.
    invoice.number ??= facts.number;
    invoice.numberKey = matchKey(invoice.number);
    if (invoice.status !== 'void') voidInvoice(ctx, invoice);
    return;
  }
  const customerId = customerOfInvoice(ctx, facts) ?? invoice.customerId;
  const again =
    invoice.registeredEntry === null ||
    invoice.totalMinor !== facts.totalMinor ||
    invoice.currency !== facts.currency ||
    invoice.customerId !== customerId ||
    invoice.status === 'void';
  if (again) reregister(ctx, invoice, { facts, customerId });
  invoice.number = facts.number ?? invoice.number;
  invoice.numberKey = matchKey(invoice.number);
  invoice.issuedOn = facts.issuedOn ?? invoice.issuedOn;
  invoice.dueOn = facts.dueOn ?? invoice.dueOn;
  invoice.workOrder = facts.workOrder ?? invoice.workOrder;
  invoice.workOrderKey = matchKey(invoice.workOrder);
  invoice.purchaseOrder = facts.purchaseOrder ?? invoice.purchaseOrder;
  invoice.purchaseOrderKey = matchKey(invoice.purchaseOrder);
  setInvoiceStatus(ctx, invoice);
  for (const workOrder of workOrdersNamed(ctx.books, invoice.workOrder ?? '')) {
    moveDeposits(ctx, workOrder, invoice);
  }
  letWaitingLook(ctx, invoice);
}

/** Payments that wait for it look again; then those that seemed to be the same money, as far as it lacks both. */
function letWaitingLook(ctx: Deciding, row: InvoiceRow | WorkOrderRow): void {
  applyWaiting(ctx, row);
  const twofold = suspectsFor(ctx, row);
  for (const payment of twofold) {
    accept(ctx, payment, 'What both payments name lacks the money of both.');
  }
  if (twofold.length > 0) applyWaiting(ctx, row);
  // Two that are for one thing by what it says of itself, of which it needed one.
  const left = targetKeys(row).flatMap((key) => [...(ctx.books.waiting.get(key) ?? [])]);
  for (const id of [...new Set(left)].sort((a, b) => (a < b ? -1 : 1))) {
    const payment = ctx.books.payments.get(id);
    if (payment && isWaiting(payment) && payment.allocatedMinor === 0n) {
      doubtPayerOf(ctx, payment, row);
    }
  }
}

/**
 * True for a state that came late: its portal counts versions and this is an earlier one, or the invoice was voided
 * after it. Without a count, instants of different documents are too coarse to order anything else by.
 */
function isOlder(ctx: Deciding, invoice: InvoiceRow, event: CanonicalEvent): boolean {
  if (invoice.connectionId !== ctx.document.connectionId) return false;
  if (invoice.revision !== null && event.revision !== undefined) {
    return BigInt(event.revision) < invoice.revision;
  }
  return (
    invoice.status === 'void' && invoice.statedAt !== null && event.occurredAt < invoice.statedAt
  );
}

/** The same invoice as another system states it: same number, currency and total. */
function twinInvoice(ctx: Deciding, facts: InvoiceFacts): InvoiceRow | undefined {
  const key = matchKey(facts.number);
  if (!key) return undefined;
  const twins = ctx.books.invoices
    .find('number', key)
    .filter(
      (row) =>
        row.connectionId !== ctx.document.connectionId &&
        row.currency === facts.currency &&
        row.totalMinor === facts.totalMinor &&
        row.status !== 'void',
    );
  const [twin] = twins;
  if (!twin || twins.length > 1) return undefined;
  addIdentity(ctx, {
    kind: 'invoice',
    connectionId: ctx.document.connectionId,
    externalId: facts.externalId,
    entityId: twin.id,
  });
  return twin;
}

function customerOfInvoice(ctx: Deciding, facts: InvoiceFacts): bigint | null {
  if (facts.customerExternalId === null) return null;
  const payer = { externalId: facts.customerExternalId, name: null, email: null };
  return findCustomer(ctx.books, ctx.document.connectionId, payer)?.id ?? null;
}

function newInvoice(ctx: Deciding, facts: InvoiceFacts): InvoiceRow {
  return {
    id: nextId(ctx),
    connectionId: ctx.document.connectionId,
    externalId: facts.externalId,
    number: null,
    numberKey: null,
    customerId: null,
    currency: facts.currency,
    totalMinor: 0n,
    paidMinor: 0n,
    status: 'open',
    issuedOn: null,
    dueOn: null,
    workOrder: null,
    workOrderKey: null,
    purchaseOrder: null,
    purchaseOrderKey: null,
    registeredEntry: null,
    statedAt: null,
    revision: null,
    updatedSequence: ctx.document.sequence,
  };
}

/** Books the invoice as it now is: the former registration is reversed, allocations that no longer fit are freed. */
function reregister(
  ctx: Deciding,
  invoice: InvoiceRow,
  next: { readonly facts: InvoiceFacts; readonly customerId: bigint | null },
): void {
  const { facts, customerId } = next;
  const moved = invoice.currency !== facts.currency || invoice.customerId !== customerId;
  const excess = moved ? invoice.paidMinor : invoice.paidMinor - facts.totalMinor;
  if (excess > 0n) freeInvoice(ctx, invoice, excess, 'the invoice was changed');
  unregister(ctx, invoice, 'the invoice was changed');
  if (invoice.status === 'void') invoice.status = 'open';
  invoice.customerId = customerId;
  invoice.currency = facts.currency;
  invoice.totalMinor = facts.totalMinor;
  if (facts.totalMinor === 0n) return;
  invoice.registeredEntry = post(ctx, {
    kind: 'invoice.registered',
    memo: `invoice ${facts.number ?? facts.externalId}`,
    occurredAt: facts.issuedOn === null ? ctx.document.receivedAt : ctx.document.appliedAt,
    postings: [
      {
        debit: chart.receivable(customerId),
        credit: chart.invoiced,
        amountMinor: facts.totalMinor,
        currency: facts.currency,
        invoiceId: invoice.id,
      },
    ],
  });
}

function unregister(ctx: Deciding, invoice: InvoiceRow, because: string): void {
  if (invoice.registeredEntry === null) return;
  post(ctx, {
    kind: 'invoice.reversed',
    memo: `invoice ${invoice.number ?? invoice.externalId}: ${because}`,
    occurredAt: ctx.document.appliedAt,
    reverses: invoice.registeredEntry,
    postings: [
      {
        debit: chart.invoiced,
        credit: chart.receivable(invoice.customerId),
        amountMinor: invoice.totalMinor,
        currency: invoice.currency,
        invoiceId: invoice.id,
      },
    ],
  });
  invoice.registeredEntry = null;
}

function voidInvoice(ctx: Deciding, invoice: InvoiceRow): void {
  freeInvoice(ctx, invoice, invoice.paidMinor, 'the invoice was voided');
  unregister(ctx, invoice, 'voided');
  invoice.status = 'void';
  setInvoiceStatus(ctx, invoice);
}

/** Turns part of what was paid of an invoice into the payers' unapplied cash, the newest allocation first. */
function freeInvoice(
  ctx: Deciding,
  invoice: InvoiceRow,
  amountMinor: bigint,
  because: string,
): void {
  let left = amountMinor;
  const standing = ctx.books.allocations
    .find('invoice', String(invoice.id))
    .filter((allocation) => allocation.amountMinor > 0n)
    .reverse();
  for (const allocation of standing) {
    if (left <= 0n) break;
    const part = allocation.amountMinor < left ? allocation.amountMinor : left;
    deallocate(ctx, allocation, { amountMinor: part, because, takesBack: false });
    left -= part;
    const payment = ctx.books.payments.get(allocation.paymentId);
    if (payment) keepWaiting(ctx, payment);
    openReview(ctx, {
      kind: 'unapplied-cash',
      reason: `It was applied to ${invoice.number ?? invoice.externalId}, but ${because}.`,
      paymentId: allocation.paymentId,
    });
  }
}

export function decideWorkOrder(
  ctx: Deciding,
  record: Extract<OwnDecision, { kind: 'work-order.upserted' }>,
): void {
  const { books, document } = ctx;
  const [known] = books.workOrders.find(
    'external',
    keyOf(document.connectionId, record.externalId),
  );
  const number = record.number ?? record.externalId;
  const row: WorkOrderRow = known ?? {
    id: nextId(ctx),
    connectionId: document.connectionId,
    externalId: record.externalId,
    number,
    numberKey: matchKey(number) ?? number,
    kind: record.workOrderKind,
    description: null,
    customerId: null,
    totalMinor: null,
    currency: null,
    released: false,
    updatedSequence: document.sequence,
  };
  const total = record.total ? fromDecimalText(record.total.amount, record.total.currency) : null;
  row.number = number;
  row.numberKey = matchKey(number) ?? number;
  row.kind = record.workOrderKind;
  row.description = record.description ?? row.description;
  row.customerId = customerByOwnId(ctx, record.customerExternalId) ?? row.customerId;
  row.totalMinor = total?.minor ?? null;
  row.currency = total?.currency ?? null;
  row.updatedSequence = document.sequence;
  books.workOrders.put(row);
  ctx.touched.workOrders.add(row.id);
  for (const invoice of books.invoices.find('workOrder', row.numberKey))
    moveDeposits(ctx, row, invoice);
  letWaitingLook(ctx, row);
}

type EntitlementRecord = Extract<
  OwnDecision,
  { kind: 'service-contract.upserted' | 'warranty.upserted' | 'parts-order.upserted' }
>;

export function decideEntitlement(ctx: Deciding, record: EntitlementRecord): void {
  const { books, document } = ctx;
  const kind = record.kind.slice(0, -'.upserted'.length) as EntitlementRow['kind'];
  const [known] = books.entitlements.find(
    'external',
    keyOf(kind, document.connectionId, record.externalId),
  );
  const row: EntitlementRow = known ?? {
    id: nextId(ctx),
    kind,
    connectionId: document.connectionId,
    externalId: record.externalId,
    number: record.number ?? record.externalId,
    customerId: null,
    workOrder: null,
    workOrderKey: null,
    invoice: null,
    invoiceKey: null,
    attributes: {},
    active: false,
    updatedSequence: document.sequence,
  };
  row.number = record.number ?? record.externalId;
  row.customerId = customerByOwnId(ctx, record.customerExternalId) ?? row.customerId;
  row.workOrder = record.workOrder ?? null;
  row.workOrderKey = matchKey(row.workOrder);
  row.invoice = record.invoice ?? null;
  row.invoiceKey = matchKey(row.invoice);
  row.attributes = record.attributes;
  row.updatedSequence = document.sequence;
  books.entitlements.put(row);
  settleEntitlement(ctx, row);
}

function customerByOwnId(ctx: Deciding, externalId: string | null | undefined): bigint | null {
  if (!externalId) return null;
  const payer = { externalId, name: null, email: null };
  return findCustomer(ctx.books, ctx.document.connectionId, payer)?.id ?? null;
}
