/** Which invoices, work orders and subscriptions a transaction is about. */
import type { Reference } from '../events.ts';
import type { ChargebeeSettings } from './settings.ts';
import { present } from './telling.ts';
import { chargebeeMoney } from './units.ts';
import type { NamedInvoice, Transaction } from './wire.ts';

/** What the PO number of an invoice says, by the connection's setting. */
export function workOf(
  poNumber: string | null | undefined,
  { poNumberHolds }: Pick<ChargebeeSettings, 'poNumberHolds'>,
): { readonly purchaseOrder: string | null; readonly workOrder: string | null } {
  const number = present(poNumber);
  return {
    purchaseOrder: poNumberHolds === 'workOrder' ? null : number,
    workOrder: poNumberHolds === 'purchaseOrder' ? null : number,
  };
}

/**
 * The references of a payment: each invoice with the share applied to it, what the invoices at hand (of those one
 * event shows one at most) say of the work, the subscription, and the reference number of an offline payment.
 */
export function paymentReferences(
  transaction: Transaction,
  invoices: readonly NamedInvoice[],
  settings: ChargebeeSettings,
): readonly Reference[] {
  const { currency_code: currency } = transaction;
  const linked = transaction.linked_invoices ?? [];
  const applied = linked.map((one) =>
    invoiceReference(one.invoice_id, one.applied_amount, currency),
  );
  const named = linked.length > 0 ? applied : invoices.map(({ id }) => invoiceReference(id));
  const subscription =
    present(transaction.subscription_id) ??
    invoices.map((one) => present(one.subscription_id)).find((id) => id !== null);
  return [
    ...named,
    ...invoices.flatMap((one) =>
      workReferences(workOf(one.po_number, settings), shareOf(one, applied)),
    ),
    ...(subscription ? [{ kind: 'subscription' as const, externalId: subscription }] : []),
    ...memo(transaction),
  ];
}

/** The references of money that went back: the invoices whose credit notes it paid out. */
export function refundReferences(transaction: Transaction): readonly Reference[] {
  const notes = transaction.linked_credit_notes ?? [];
  return [
    ...notes.flatMap((note) => {
      const invoiceId = present(note.cn_reference_invoice_id);
      return invoiceId === null
        ? []
        : [invoiceReference(invoiceId, note.applied_amount, transaction.currency_code)];
    }),
    ...memo(transaction),
  ];
}

/** The id of an invoice is the number printed on it. */
function invoiceReference(id: string, amount?: number | null, currency?: string): Reference {
  const share = amount && currency ? chargebeeMoney(amount, currency).minor : undefined;
  return {
    kind: 'invoice',
    externalId: id,
    number: id,
    ...(share !== undefined && { amountMinor: share }),
  };
}

/** Of a payment for several invoices, only the share of this one is meant for its work. */
function shareOf(
  { id }: NamedInvoice,
  applied: readonly Reference[],
): { readonly amountMinor?: bigint } {
  const amountMinor = applied.find(({ externalId }) => externalId === id)?.amountMinor;
  return amountMinor === undefined ? {} : { amountMinor };
}

function workReferences(
  { purchaseOrder, workOrder }: ReturnType<typeof workOf>,
  share: { readonly amountMinor?: bigint },
): readonly Reference[] {
  return [
    ...(workOrder === null ? [] : [{ kind: 'workOrder' as const, number: workOrder, ...share }]),
    ...(purchaseOrder === null
      ? []
      : [{ kind: 'purchaseOrder' as const, number: purchaseOrder, ...share }]),
  ];
}

function memo({ reference_number }: Transaction): readonly Reference[] {
  const text = present(reference_number);
  return text === null ? [] : [{ kind: 'memo', text }];
}
