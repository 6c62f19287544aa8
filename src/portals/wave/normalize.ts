/**
 * An invoice's state as canonical events. Wave tells no payments: what an invoice says was paid, less what we recorded
 * ourselves, is one payment, which grows and shrinks with it.
 */
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, InvoiceFacts, Payer, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import type { ReadingSettings } from './settings.ts';
import { isObject, rowsOf } from './split.ts';
import { DRAFT, instantOf, invoice, minorOf, paidByOthers, type WireInvoice } from './wire.ts';

/** @throws WireMismatch, MalformedAmount, UnknownCurrency for what cannot be read */
export function normalize(
  { body }: PortalDocument,
  { importInvoices = true }: ReadingSettings,
): Normalized {
  const page = parseExactJson(body);
  if (isObject(page) && Array.isArray(page.errors) && page.errors.length > 0) {
    return { quarantined: `Wave answered with an error: ${firstError(page.errors)}` };
  }
  const rows = rowsOf(page);
  if (!rows) {
    const data = isObject(page) && isObject(page.data) ? page.data : {};
    if (isObject(data.businesses)) return { ignored: 'a list of businesses' };
    if (isObject(data.invoicePaymentCreateManual)) {
      return { ignored: 'the answer to a payment being recorded; its invoice tells what was paid' };
    }
    return { quarantined: 'not a page of invoices' };
  }
  const all = rows.flatMap((row) => eventsOf(readWire(invoice, row)));
  if (all.length === 0) return { ignored: 'a draft is no invoice yet' };
  const events = importInvoices ? all : all.filter(({ type }) => type.startsWith('payment.'));
  return events.length > 0
    ? { events }
    : { ignored: 'nothing is paid; invoices are taken over only with `importInvoices`' };
}

function eventsOf(row: WireInvoice): readonly CanonicalEvent[] {
  const currency = row.currency.code;
  const totalMinor = minorOf(row.total.value, currency);
  const paidMinor = paidByOthers(row);
  const occurredAt = instantOf(row.modifiedAt);
  const common = {
    externalPaymentId: null,
    occurredAt,
    amountMinor: 0n,
    currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: payerOf(row),
    links: {},
    revision: revisionOf(occurredAt),
  } satisfies Omit<CanonicalEvent, 'type' | 'eventId'>;
  const state = (what: string) => `${row.id}:${what}:${occurredAt}`;
  const facts = factsOf(row, { currency, totalMinor });
  return [
    ...(common.customer && row.status !== DRAFT
      ? [{ ...common, type: 'customer.upserted', eventId: state('customer') } as const]
      : []),
    ...invoiceEvent(row, { ...common, eventId: state('invoice'), amountMinor: totalMinor }, facts),
    ...paymentEvent(row, {
      ...common,
      eventId: state(`paid-${paidMinor}`),
      amountMinor: paidMinor,
    }),
  ];
}

const REVISIONS_FROM = Date.UTC(2020, 0, 1);
const LARGEST_REVISION = 2 ** 31 - 1;

/** Seconds since 2020, so that a revision fits 32 bits until 2088. */
function revisionOf(occurredAt: string): number {
  const revision = Math.max(0, Math.floor((Date.parse(occurredAt) - REVISIONS_FROM) / 1000));
  if (revision > LARGEST_REVISION) throw new WireMismatch(`modifiedAt: ${occurredAt} is too late`);
  return revision;
}

type Bare = Omit<CanonicalEvent, 'type'>;

/** An invoice of nothing claims nothing, whatever it was before. */
function invoiceEvent(
  { status, amountPaid }: WireInvoice,
  event: Bare,
  facts: InvoiceFacts,
): readonly CanonicalEvent[] {
  if (status === DRAFT && !/[1-9]/.test(amountPaid.value)) return [];
  const type = facts.totalMinor === 0n ? 'invoice.voided' : 'invoice.upserted';
  return [{ ...event, type, invoice: facts }];
}

/**
 * The payment of all that others than we paid. Once it fell to nothing it is void for good, and what is paid after
 * that is another payment: the pull counts the falls.
 */
function paymentEvent(row: WireInvoice, event: Bare): readonly CanonicalEvent[] {
  const falls = row.checkvalve?.falls ?? 0;
  if (event.amountMinor === 0n) {
    if (falls === 0) return [];
    return [
      {
        ...event,
        type: 'payment.voided',
        externalPaymentId: `${row.id}#${falls}`,
        reason: 'the invoice shows nothing paid any more',
      },
    ];
  }
  return [
    {
      ...event,
      type: 'payment.succeeded',
      externalPaymentId: `${row.id}#${falls + 1}`,
      references: referencesOf(row, event.amountMinor),
    },
  ];
}

function referencesOf(row: WireInvoice, amountMinor: bigint): readonly Reference[] {
  const number = present(row.invoiceNumber);
  const workOrder = workOrderOf(row);
  const purchaseOrder = purchaseOrderOf(row);
  const memo = present(row.memo);
  return [
    {
      kind: 'invoice',
      externalId: row.id,
      ...(number === null ? {} : { number }),
      amountMinor,
    },
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...(purchaseOrder === null ? [] : [{ kind: 'purchaseOrder', number: purchaseOrder } as const]),
    ...(memo === null ? [] : [{ kind: 'memo', text: memo } as const]),
  ];
}

function factsOf(
  row: WireInvoice,
  { currency, totalMinor }: Pick<InvoiceFacts, 'currency' | 'totalMinor'>,
): InvoiceFacts {
  return {
    externalId: row.id,
    number: present(row.invoiceNumber),
    currency,
    totalMinor,
    issuedOn: row.invoiceDate ?? null,
    dueOn: row.dueDate ?? null,
    customerExternalId: row.customer?.id ?? null,
    workOrder: workOrderOf(row),
    purchaseOrder: purchaseOrderOf(row),
  };
}

function payerOf({ customer }: WireInvoice): Payer | null {
  if (!customer) return null;
  return {
    externalId: customer.id,
    name: present(customer.name),
    email: present(customer.email),
  };
}

/** Wave's one field for both (P.O./S.O. number) holds the work order unless it says that it is a purchase order. */
const PURCHASE_ORDER = /^p\.?\s?o\b/i;

function workOrderOf({ poNumber }: WireInvoice): string | null {
  const number = present(poNumber);
  return number !== null && PURCHASE_ORDER.test(number) ? null : number;
}

function purchaseOrderOf({ poNumber }: WireInvoice): string | null {
  const number = present(poNumber);
  return number !== null && PURCHASE_ORDER.test(number) ? number : null;
}

/** A text that says something; blanks are absences. */
function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function firstError([error]: readonly unknown[]): string {
  return isObject(error) && typeof error.message === 'string' ? error.message : 'no message';
}
