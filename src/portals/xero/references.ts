/** What Xero documents say they are for: invoices, work orders, notes, and who pays. */
import { fromDecimalText } from '../../money/money.ts';
import type { Payer, Reference } from '../events.ts';
import type { Advance, Invoice, Payment } from './wire.ts';

/** The document a payment pays or gives back; answers name it in one of four blocks. */
export type PaidDocument = {
  readonly id: string | null;
  readonly number: string | null;
  readonly reference: string | null;
  readonly currency: string | null;
  readonly customer: Payer | null;
};

export function paidDocument(row: Payment): PaidDocument {
  const { Invoice, CreditNote, Prepayment, Overpayment } = row;
  const block = Invoice ?? CreditNote ?? Prepayment ?? Overpayment;
  const ids = [
    Invoice?.InvoiceID,
    CreditNote?.CreditNoteID,
    Prepayment?.PrepaymentID,
    Overpayment?.OverpaymentID,
  ];
  return {
    id: ids.map(present).find((id) => id !== null) ?? null,
    number: present(Invoice?.InvoiceNumber) ?? present(CreditNote?.CreditNoteNumber),
    reference: present(block?.Reference),
    currency: present(block?.CurrencyCode),
    customer: payerOf(block?.Contact),
  };
}

/** The invoice with the whole amount (one payment pays one invoice), then every text; an own mark stays visible. */
export function paymentReferences(
  document: PaidDocument,
  payment: { readonly amountMinor: bigint; readonly note: string | null },
): readonly Reference[] {
  const { id, number, reference } = document;
  const { amountMinor, note } = payment;
  const workOrder = writtenWorkOrder(reference) ?? writtenWorkOrder(note);
  const invoice = {
    kind: 'invoice',
    ...(id === null ? {} : { externalId: id }),
    ...(number === null ? {} : { number }),
    ...(amountMinor > 0n ? { amountMinor } : {}),
  } as const;
  return [
    ...(id === null && number === null ? [] : [invoice]),
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...notes(note, reference),
  ];
}

/** The invoices that money received in advance was allocated to so far, each with its sum. */
export function allocatedInvoices(row: Advance): readonly Reference[] {
  const sums = new Map<string, { number: string | null; minor: bigint }>();
  for (const { Invoice, Amount, AppliedAmount, IsDeleted } of row.Allocations ?? []) {
    const id = present(Invoice?.InvoiceID);
    const amount = Amount ?? AppliedAmount;
    if (id === null || IsDeleted || amount === null || amount === undefined) continue;
    const { minor } = fromDecimalText(amount, row.CurrencyCode);
    const known = sums.get(id);
    const number = present(Invoice?.InvoiceNumber) ?? known?.number ?? null;
    sums.set(id, { number, minor: (known?.minor ?? 0n) + minor });
  }
  return [...sums].flatMap(([externalId, { number, minor }]) =>
    minor > 0n
      ? [
          {
            kind: 'invoice' as const,
            externalId,
            ...(number === null ? {} : { number }),
            amountMinor: minor,
          },
        ]
      : [],
  );
}

/** Texts as memos, each once. */
export function notes(...texts: readonly (string | null)[]): readonly Reference[] {
  const said = new Set(texts.filter((text) => text !== null));
  return [...said].map((text) => ({ kind: 'memo', text }));
}

/**
 * What stands in an invoice's free `Reference`: a work order or purchase order so named, else one word with a digit
 * in it is taken for the work order.
 */
export function invoiceNames({ Reference }: Pick<Invoice, 'Reference'>): {
  readonly workOrder: string | null;
  readonly purchaseOrder: string | null;
} {
  const reference = present(Reference);
  const workOrder = writtenWorkOrder(reference);
  const purchaseOrder = PURCHASE_ORDER.exec(reference ?? '')?.[1] ?? null;
  if (workOrder !== null || purchaseOrder !== null) return { workOrder, purchaseOrder };
  const isNumber = reference !== null && /^[\w./#-]*\d[\w./#-]*$/.test(reference);
  return { workOrder: isNumber && reference.length <= 40 ? reference : null, purchaseOrder: null };
}

/** `WO-20881`, `WO 20881`, `WO#20881` anywhere in a text. */
export function writtenWorkOrder(text: string | null): string | null {
  return /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0] ?? null;
}

const PURCHASE_ORDER = /\bP\.?O\.?(?:\s*(?:no\.?|number|#))?[-:#\s]{0,2}(\d[A-Z0-9-]*)/i;

/** E-mail addresses stand only in contacts and in invoices read one by one. */
export function payerOf(
  block:
    | {
        readonly ContactID?: string | null | undefined;
        readonly Name?: string | null | undefined;
        readonly EmailAddress?: string | null | undefined;
      }
    | null
    | undefined,
): Payer | null {
  const externalId = present(block?.ContactID);
  const name = present(block?.Name);
  if (externalId === null && name === null) return null;
  return { externalId, name, email: present(block?.EmailAddress) };
}

/** A text that says something; blanks are absences. */
export function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}
