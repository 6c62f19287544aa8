/** What a payment's references name in the books at hand. */
import type { ResolvedReference, Target } from '../cash-application/propose.ts';
import type { Reference } from '../portals/events.ts';
import { matchKey, memoKeys } from '../receivables/match-key.ts';
import { type Books, findInvoice } from './books.ts';
import {
  balanceOf,
  type InvoiceRow,
  type PaymentRow,
  unappliedOf,
  type WorkOrderRow,
} from './rows.ts';

/** Every key by which the references may be met later, and under which the payment waits. */
export function referenceKeys(references: readonly Reference[]): readonly string[] {
  const keys = new Set<string>();
  for (const reference of references) {
    for (const text of [reference.number, reference.externalId]) {
      const key = matchKey(text);
      if (key) keys.add(key);
    }
    if (reference.text) for (const key of memoKeys(reference.text)) keys.add(key);
  }
  return [...keys];
}

/** The keys by which waiting payments may name this invoice or work order. */
export function targetKeys(row: InvoiceRow | WorkOrderRow): readonly string[] {
  const keys = [row.numberKey, matchKey(row.externalId)];
  if ('workOrderKey' in row) keys.push(row.workOrderKey, row.purchaseOrderKey);
  return [...new Set(keys.filter((key) => key !== null))];
}

/** The references of a payment with the open and settled targets each of them names. */
export function resolveReferences(books: Books, payment: PaymentRow): readonly ResolvedReference[] {
  return payment.references.map((reference) => {
    const found = targetsOf(books, payment, reference);
    return {
      reference,
      targets: found.filter(isOpen),
      settled: found.filter((target) => !isOpen(target)),
    };
  });
}

/** Open invoices of the payment's customer whose balance is exactly the payment's amount. */
export function sameAmountInvoices(books: Books, payment: PaymentRow): readonly Target[] {
  if (payment.customerId === null) return [];
  return books.invoices
    .find('customer', String(payment.customerId))
    .filter((row) => balanceOf(row) === payment.amountMinor && row.currency === payment.currency)
    .map(invoiceTarget);
}

export function invoiceTarget(row: InvoiceRow): Target {
  return {
    kind: 'invoice',
    id: row.id,
    number: row.number ?? row.externalId,
    customerId: row.customerId,
    currency: row.currency,
    openMinor: balanceOf(row),
    dueOn: row.dueOn,
  };
}

export function workOrderTarget(books: Books, row: WorkOrderRow): Target {
  return {
    kind: 'work-order',
    id: row.id,
    number: row.number,
    customerId: row.customerId,
    currency: row.currency,
    openMinor: row.totalMinor === null ? null : row.totalMinor - depositsOn(books, row),
    dueOn: null,
  };
}

/** Money applied to the work order itself, before it has an invoice. */
export function depositsOn(books: Books, row: WorkOrderRow): bigint {
  return books.allocations
    .find('workOrder', String(row.id))
    .reduce((sum, allocation) => sum + allocation.amountMinor, 0n);
}

/** The invoices of a work order that still count. */
export function invoicesOf(books: Books, row: WorkOrderRow): readonly InvoiceRow[] {
  const keys = new Set([row.numberKey, matchKey(row.externalId)]);
  const found = new Map<bigint, InvoiceRow>();
  for (const key of keys) {
    if (!key) continue;
    for (const invoice of books.invoices.find('workOrder', key)) {
      if (invoice.status !== 'void') found.set(invoice.id, invoice);
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Work orders a number or external id names. */
export function workOrdersNamed(books: Books, text: string): readonly WorkOrderRow[] {
  const key = matchKey(text);
  const found = new Map<bigint, WorkOrderRow>();
  if (key) for (const row of books.workOrders.find('number', key)) found.set(row.id, row);
  for (const row of books.workOrders.find('externalId', text)) found.set(row.id, row);
  return [...found.values()];
}

function isOpen(target: Target): boolean {
  return target.openMinor === null || target.openMinor > 0n;
}

function targetsOf(books: Books, payment: PaymentRow, reference: Reference): readonly Target[] {
  switch (reference.kind) {
    case 'invoice':
      return invoicesNamed(books, payment.connectionId, reference).map(invoiceTarget);
    case 'purchaseOrder': {
      const key = matchKey(reference.number);
      return key ? live(books.invoices.find('purchaseOrder', key)).map(invoiceTarget) : [];
    }
    case 'workOrder':
      return workOrderTargets(books, reference.number ?? reference.externalId ?? reference.text);
    case 'order': {
      const name = reference.number ?? reference.externalId;
      const byWorkOrder = workOrderTargets(books, name);
      if (byWorkOrder.length > 0) return byWorkOrder;
      return invoicesNamed(books, payment.connectionId, reference).map(invoiceTarget);
    }
    case 'memo':
      return memoTargets(books, payment, reference.text ?? '');
    case 'subscription':
      return [];
  }
}

function invoicesNamed(
  books: Books,
  connectionId: string,
  reference: Reference,
): readonly InvoiceRow[] {
  if (reference.externalId !== undefined) {
    const holder = reference.connectionId ?? connectionId;
    const own = findInvoice(books, holder, reference.externalId);
    if (own) return live([own]);
    // The ids of one portal mean nothing in another; the internal system knows invoices by any portal's.
    const { connections } = books.organization;
    const registered = live(books.invoices.find('externalId', reference.externalId)).filter(
      (row) => !connections.has(row.connectionId),
    );
    if (registered.length > 0) return registered;
  }
  const key = matchKey(reference.number);
  if (!key) return [];
  const byNumber = live(books.invoices.find('number', key));
  if (byNumber.length > 0) return byNumber;
  return reference.number ? live(books.invoices.find('externalId', reference.number)) : [];
}

function workOrderTargets(books: Books, name: string | undefined): readonly Target[] {
  if (!name) return [];
  const targets: Target[] = [];
  for (const row of workOrdersNamed(books, name)) {
    const invoices = invoicesOf(books, row);
    if (invoices.length > 0) targets.push(...invoices.map(invoiceTarget));
    else targets.push(workOrderTarget(books, row));
  }
  if (targets.length > 0) return targets;
  const key = matchKey(name);
  return key ? live(books.invoices.find('workOrder', key)).map(invoiceTarget) : [];
}

function memoTargets(books: Books, payment: PaymentRow, text: string): readonly Target[] {
  const found = new Map<string, Target>();
  for (const key of memoKeys(text)) {
    const targets = [
      ...live(books.invoices.find('number', key)).map(invoiceTarget),
      ...workOrderTargets(books, key),
    ];
    for (const target of targets) {
      if (/^\d+$/.test(key) && !plausible(payment, target)) continue;
      found.set(`${target.kind}:${target.id}`, target);
    }
  }
  return [...found.values()];
}

/** A bare number in a memo may be anything; it counts only when customer or amount agree. */
function plausible(payment: PaymentRow, target: Target): boolean {
  if (payment.customerId !== null && target.customerId === payment.customerId) return true;
  return target.openMinor === unappliedOf(payment);
}

function live(rows: readonly InvoiceRow[]): readonly InvoiceRow[] {
  return rows.filter((row) => row.status !== 'void');
}
