/** Loads, with a fixed number of set-based queries, everything of the books that a batch can touch. */
import { join, type Queryable, type Sql, sql } from '../db/database.ts';
import { selectRows } from '../db/table.ts';
import { foldPart, type PaymentParts, takenOf } from '../payments/parts.ts';
import { emailKey, matchKey } from '../receivables/match-key.ts';
import { addToWaiting, type Books, findPayment, keyOf } from './books.ts';
import {
  byAnyOf,
  identitiesOf,
  ids,
  inPairs,
  type Load,
  loadElsewhere,
  loadIdentities,
  loadNamesOfPayments,
  loadPayments,
  loadPaymentsById,
  loadPayouts,
  loadReversals,
  loadSuspects,
  loadTwins,
  loadUnappliedOfCustomers,
} from './load-payments.ts';
import { referenceKeys, targetKeys } from './payment-targets.ts';
import {
  actionsTable,
  allocationsTable,
  customersTable,
  entitlementsTable,
  invoicesTable,
  type PaymentRow,
  reviewItemsTable,
  workOrdersTable,
} from './rows.ts';
import { type Wanted, wantReferences, wantReview } from './wanted.ts';

/**
 * Fills the books. What is loaded is every row that matches a wanted key in the database; rows the batch itself
 * creates are in memory already, so decisions do not depend on how documents fall into batches.
 */
export async function loadBooks(tx: Queryable, books: Books, wanted: Wanted): Promise<void> {
  const organizationId = books.organization.id;
  const load = { tx, books, wanted, organizationId };
  await loadDecided(load);
  await loadElsewhere(load);
  await loadIdentities(load);
  await loadPayments(load);
  await loadSuspects(load);
  await loadReversals(load);
  for (const payment of books.payments.all()) {
    wantReferences(wanted, payment.connectionId, payment.references);
    if (payment.receivedMinor === 0n) {
      for (const key of referenceKeys(payment.references)) wanted.waitingKeys.add(key);
    }
    if (payment.customerId !== null) wanted.amounts.add(payment.amountMinor);
    else wantPayer(wanted, payment);
  }
  wantSums(books, wanted);
  await loadCustomers(load);
  for (const payment of await loadUnappliedOfCustomers(load)) {
    wantReferences(wanted, payment.connectionId, payment.references);
    wanted.amounts.add(payment.amountMinor);
  }
  await loadAllocations(
    load,
    [...books.payments.all()].map((row) => row.id),
  );
  await loadReceivables(load);
  await loadAllocationsOfTargets(load);
  await loadWaiting(load);
  await loadNamesOfPayments(load);
  await loadPayouts(load);
  await loadTwins(load);
  await loadActionsAndReviews(load);
}

/** The items that people decided, and what they decided about. */
async function loadDecided({ tx, books, wanted, organizationId }: Load): Promise<void> {
  if (wanted.reviewItemIds.size === 0) return;
  const condition = sql`row.id = any(${ids(wanted.reviewItemIds)}::bigint[])`;
  const items = await selectRows(tx, reviewItemsTable, organizationId, condition);
  books.reviewItems.load(items);
  for (const { paymentId, subject, details } of items) {
    if (paymentId !== null) wanted.paymentIds.add(paymentId);
    const { suspect = '' } = details as { readonly suspect?: string };
    for (const name of [suspect, subject]) {
      const [, kind, id] = /^(pay_|refund:)(\d{1,18})$/.exec(name) ?? [];
      if (kind === 'pay_') wanted.paymentIds.add(BigInt(id ?? ''));
      if (kind === 'refund:') wanted.refundIds.add(BigInt(id ?? ''));
    }
  }
}

/** Everyone whom the payer may be, also when this batch's events do not name the payer again. */
function wantPayer(wanted: Wanted, { connectionId, payer }: PaymentRow): void {
  wanted.customers.add(connectionId, payer?.externalId);
  const email = emailKey(payer?.email);
  if (email) wanted.emails.add(email);
}

/** What payments taken in parts amount to after each of the batch's events. */
function wantSums(books: Books, wanted: Wanted): void {
  const folded = new Map<string, PaymentParts>();
  for (const { connectionId, externalId, event } of wanted.parts) {
    const key = keyOf(connectionId, externalId);
    const before = folded.get(key) ?? findPayment(books, connectionId, externalId)?.parts ?? null;
    const parts = foldPart(before, event);
    folded.set(key, parts);
    wanted.amounts.add(takenOf(parts) ?? 0n);
  }
}

async function loadCustomers({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const known = ids(identitiesOf(books, 'customer'));
  const condition = byAnyOf(customersTable, organizationId, [
    wanted.customers.size > 0
      ? inPairs('row.connection_id', 'row.external_id', wanted.customers)
      : undefined,
    wanted.emails.size > 0 ? sql`row.email_key = any(${[...wanted.emails]}::text[])` : undefined,
    known.length > 0 ? sql`row.id = any(${known}::bigint[])` : undefined,
  ]);
  if (condition)
    books.customers.load(await selectRows(tx, customersTable, organizationId, condition));
}

async function loadAllocations(
  { tx, books, organizationId }: Load,
  paymentIds: readonly bigint[],
): Promise<void> {
  if (paymentIds.length === 0) return;
  const condition = sql`row.payment_id = any(${[...paymentIds]}::bigint[]) and row.amount_minor > 0`;
  books.allocations.load(await selectRows(tx, allocationsTable, organizationId, condition));
}

async function loadReceivables(load: Load): Promise<void> {
  const { tx, books, wanted, organizationId } = load;
  for (const allocation of books.allocations.all()) {
    if (allocation.invoiceId !== null) wanted.invoiceIds.add(allocation.invoiceId);
    if (allocation.workOrderId !== null) wanted.workOrderIds.add(allocation.workOrderId);
  }
  if (wanted.allocationIds.size > 0) {
    const condition = sql`row.id = any(${ids(wanted.allocationIds)}::bigint[])`;
    const rows = await selectRows(tx, allocationsTable, organizationId, condition);
    books.allocations.load(rows);
    for (const row of rows) {
      if (row.invoiceId !== null) wanted.invoiceIds.add(row.invoiceId);
      if (row.workOrderId !== null) wanted.workOrderIds.add(row.workOrderId);
    }
  }
  for (const id of identitiesOf(books, 'invoice')) wanted.invoiceIds.add(id);
  await loadInvoices(load);
  await loadWorkOrders(load);
  // Once more with what the first round brought: the orders of invoices, and the invoices of orders.
  const before = wanted.keys.size + wanted.externalIds.size;
  for (const invoice of books.invoices.all()) {
    for (const text of [invoice.workOrder, invoice.number, invoice.externalId])
      wantName(wanted, text);
  }
  for (const row of books.workOrders.all()) {
    for (const text of [row.number, row.externalId]) wantName(wanted, text);
  }
  if (wanted.keys.size + wanted.externalIds.size > before) {
    await loadWorkOrders(load);
    for (const row of books.workOrders.all()) {
      for (const text of [row.number, row.externalId]) wantName(wanted, text);
    }
    await loadInvoices(load);
  }
  await loadEntitlements(load);
}

function wantName(wanted: Wanted, text: string | null): void {
  const key = matchKey(text);
  if (!key || !text) return;
  wanted.keys.add(key);
  wanted.externalIds.add(text);
}

async function loadInvoices({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const customerIds = ids([
    ...[...books.customers.all()].map((row) => row.id),
    ...[...books.payments.all()].flatMap((row) => row.customerId ?? []),
    ...[...books.invoices.all()].flatMap((row) => row.customerId ?? []),
  ]);
  const keys = [...wanted.keys];
  const ways: Sql[] = [];
  const where = (condition: Sql) =>
    ways.push(
      sql`select id from invoices i where i.organization_id = ${organizationId} and ${condition}`,
    );
  if (wanted.invoiceIds.size > 0) where(sql`i.id = any(${ids(wanted.invoiceIds)}::bigint[])`);
  if (wanted.invoices.size > 0) where(inPairs('i.connection_id', 'i.external_id', wanted.invoices));
  if (keys.length > 0) {
    where(sql`i.number_key = any(${keys}::text[])`);
    where(sql`i.work_order_key = any(${keys}::text[])`);
    where(sql`i.purchase_order_key = any(${keys}::text[])`);
  }
  if (wanted.externalIds.size > 0)
    where(sql`i.external_id = any(${[...wanted.externalIds]}::text[])`);
  if (customerIds.length > 0 && wanted.amounts.size > 0) {
    where(sql`i.status in ('open', 'partially_paid') and i.customer_id = any(${customerIds}::bigint[])
      and i.balance_minor = any(${ids(wanted.amounts)}::bigint[])`);
  }
  if (ways.length === 0) return;
  const condition = sql`row.id = any(array(${join(ways, ' union ')}))`;
  books.invoices.load(await selectRows(tx, invoicesTable, organizationId, condition));
}

async function loadWorkOrders({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const ways: Sql[] = [];
  const where = (condition: Sql) =>
    ways.push(
      sql`select id from work_orders w where w.organization_id = ${organizationId} and ${condition}`,
    );
  if (wanted.workOrderIds.size > 0) where(sql`w.id = any(${ids(wanted.workOrderIds)}::bigint[])`);
  if (wanted.workOrders.size > 0)
    where(inPairs('w.connection_id', 'w.external_id', wanted.workOrders));
  if (wanted.keys.size > 0) where(sql`w.number_key = any(${[...wanted.keys]}::text[])`);
  if (wanted.externalIds.size > 0)
    where(sql`w.external_id = any(${[...wanted.externalIds]}::text[])`);
  if (ways.length === 0) return;
  const condition = sql`row.id = any(array(${join(ways, ' union ')}))`;
  books.workOrders.load(await selectRows(tx, workOrdersTable, organizationId, condition));
}

async function loadEntitlements({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const condition = byAnyOf(entitlementsTable, organizationId, [
    wanted.keys.size > 0 ? sql`row.work_order_key = any(${[...wanted.keys]}::text[])` : undefined,
    wanted.keys.size > 0 ? sql`row.invoice_key = any(${[...wanted.keys]}::text[])` : undefined,
    wanted.entitlements.length > 0
      ? sql`(row.kind, row.connection_id, row.external_id) in (select * from unnest(
          ${wanted.entitlements.map((one) => one.kind)}::text[],
          ${wanted.entitlements.map((one) => one.connectionId)}::text[],
          ${wanted.entitlements.map((one) => one.externalId)}::text[]))`
      : undefined,
  ]);
  if (condition)
    books.entitlements.load(await selectRows(tx, entitlementsTable, organizationId, condition));
}

/** The allocations that stand on loaded invoices and work orders, with their payments: they decide releases. */
async function loadAllocationsOfTargets(load: Load): Promise<void> {
  const { tx, books, wanted, organizationId } = load;
  const invoiceIds = [...books.invoices.all()].map((row) => row.id);
  const workOrderIds = [...books.workOrders.all()].map((row) => row.id);
  const condition = byAnyOf(allocationsTable, organizationId, [
    invoiceIds.length > 0 ? sql`row.invoice_id = any(${invoiceIds}::bigint[])` : undefined,
    workOrderIds.length > 0 ? sql`row.work_order_id = any(${workOrderIds}::bigint[])` : undefined,
  ]);
  if (!condition) return;
  const rows = await selectRows(
    tx,
    allocationsTable,
    organizationId,
    // What gave its money back still tells what it had paid.
    sql`(row.amount_minor > 0 or row.original_minor = any(${ids(wanted.amounts)}::bigint[])) and ${condition}`,
  );
  books.allocations.load(rows);
  await loadPaymentsById(
    load,
    [...books.allocations.all()].map((row) => row.paymentId),
  );
}

/** Payments with unapplied cash that an invoice or work order of this batch may end the waiting of. */
async function loadWaiting(load: Load): Promise<void> {
  const { tx, books, wanted, organizationId } = load;
  const found: bigint[] = [];
  // What is in doubt waits under the names of what it may pay, whichever of them this batch uses.
  for (const row of [...books.invoices.all(), ...books.workOrders.all()]) {
    for (const key of targetKeys(row)) wanted.waitingKeys.add(key);
  }
  if (wanted.waitingKeys.size > 0) {
    const rows = await tx.query<{ key: string; payment_id: bigint }>(
      sql`select key, payment_id from waiting_keys
          where organization_id = ${organizationId} and key = any(${[...wanted.waitingKeys]}::text[])`,
    );
    for (const row of rows) {
      addToWaiting(books, [row.key], row.payment_id);
      found.push(row.payment_id);
    }
  }
  if (wanted.receivables) {
    // Of any amount: what an invoice lacks, once payments that name it are applied, cannot be known here.
    const customerIds = ids([
      ...[...books.customers.all()].map((row) => row.id),
      ...[...books.invoices.all()].flatMap((row) => row.customerId ?? []),
    ]);
    const unapplied = await tx.query<{ id: bigint }>(
      sql`select id from payments where organization_id = ${organizationId} and unapplied_minor <> 0
            and customer_id = any(${customerIds}::bigint[])`,
    );
    found.push(...unapplied.map((row) => row.id));
  }
  await loadPaymentsById(load, found);
  await loadEqualInvoices(load, found);
}

/** The open invoices that are as large as a waiting payment of their customer: more than one make it ambiguous. */
async function loadEqualInvoices(
  { tx, books, organizationId }: Load,
  paymentIds: readonly bigint[],
): Promise<void> {
  const waiting = ids(paymentIds).flatMap((id) => books.payments.get(id) ?? []);
  const customerIds = ids(waiting.flatMap((payment) => payment.customerId ?? []));
  if (customerIds.length === 0) return;
  const amounts = ids(waiting.map((payment) => payment.amountMinor));
  const condition = sql`row.status in ('open', 'partially_paid')
    and row.customer_id = any(${customerIds}::bigint[]) and row.balance_minor = any(${amounts}::bigint[])`;
  books.invoices.load(await selectRows(tx, invoicesTable, organizationId, condition));
}

async function loadActionsAndReviews(load: Load): Promise<void> {
  const { tx, books, wanted, organizationId } = load;
  const kinds: string[] = [];
  const targets: bigint[] = [];
  for (const row of books.workOrders.all()) {
    kinds.push('work-order');
    targets.push(row.id);
  }
  for (const row of books.entitlements.all()) {
    kinds.push(row.kind);
    targets.push(row.id);
  }
  if (targets.length > 0) {
    const condition = sql`row.taken_back_at is null and (row.target_kind, row.target_id) in
      (select * from unnest(${kinds}::text[], ${targets}::bigint[]))`;
    const rows = await selectRows(tx, actionsTable, organizationId, condition);
    books.actions.load(rows);
    // What released them may have turned out to be another's money since, and is told when that goes.
    await loadPaymentsById(
      load,
      rows.map(({ paymentId }) => paymentId),
    );
  }
  for (const row of books.payments.all()) wantReview(wanted, { paymentId: row.id }, 0n);
  for (const row of books.refunds.all()) wantReview(wanted, { refundId: row.id }, 0n);
  for (const row of books.disputes.all()) wantReview(wanted, { disputeId: row.id }, 0n);
  const condition = sql`row.resolved_at is null
    and row.subject = any(${[...wanted.reviewSubjects]}::text[])`;
  books.reviewItems.load(await selectRows(tx, reviewItemsTable, organizationId, condition));
}
