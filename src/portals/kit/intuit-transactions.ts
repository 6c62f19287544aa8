/**
 * The transactions of QuickBooks accounting, and what people write into them: payers, methods, notes, custom
 * fields, linked invoices. Strict on the fields we use, indifferent to all others.
 */
import { z } from 'zod';
import { fromDecimalText } from '../../money/money.ts';
import type { Method, Payer, Reference } from '../events.ts';
import { wireDecimal } from './wire.ts';

/** Ids are text in the API, but were numbers in older answers. */
export const wireId = z.union([z.string().min(1), z.int()]).transform(String);
export const wireText = z.string().nullish();
export const wireAddress = z.object({ Address: wireText }).nullish();
const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .nullish();
const named = z.object({ value: wireId, name: wireText });

/** Notes in the margin: a shape we do not know costs us the invoice's number, not the payment. */
const lineEx = z
  .object({
    any: z.array(z.object({ value: z.object({ Name: wireText, Value: wireText }).nullish() })),
  })
  .nullish()
  .catch(null);

const line = z.object({
  Amount: wireDecimal.nullish(),
  LinkedTxn: z.array(z.object({ TxnId: wireId, TxnType: z.string() })).nullish(),
  LineEx: lineEx,
});
type WireLine = z.output<typeof line>;

const revision = z.union([z.string().regex(/^\d{1,15}$/), z.int().min(0)]).transform(Number);

/** What every object of accounting has. */
export const record = z.object({
  Id: wireId,
  SyncToken: revision,
  MetaData: z.object({ CreateTime: z.string(), LastUpdatedTime: z.string() }),
  CurrencyRef: named.nullish(),
});

/** Payment, SalesReceipt, RefundReceipt, Invoice and Deposit: money with a date, notes and lines. */
export const transaction = record.extend({
  TotalAmt: wireDecimal,
  TxnDate: day,
  DueDate: day,
  DocNumber: wireText,
  CustomerRef: named.nullish(),
  BillEmail: wireAddress,
  PaymentMethodRef: named.nullish(),
  PaymentRefNum: wireText,
  PrivateNote: wireText,
  CustomerMemo: z.object({ value: wireText }).nullish(),
  CustomField: z.array(z.object({ Name: wireText, StringValue: wireText })).nullish(),
  TxnSource: wireText,
  CreditCardPayment: z
    .object({ CreditChargeResponse: z.object({ CCTransId: wireText }).nullish() })
    .nullish(),
  Line: z.array(line).nullish(),
});
export type Transaction = z.output<typeof transaction>;

/** The customer of a transaction; e-mail only where QuickBooks puts one (receipts and invoices). */
export function payerOf({ CustomerRef, BillEmail }: Transaction): Payer | null {
  if (!CustomerRef) return null;
  return {
    externalId: CustomerRef.value,
    name: present(CustomerRef.name),
    email: present(BillEmail?.Address),
  };
}

/**
 * Every text that may name what is paid, linked invoices first. An own mark stays visible in them.
 */
export function referencesOf(transaction: Transaction, currency: string): readonly Reference[] {
  const { PaymentRefNum, PrivateNote, CustomerMemo } = transaction;
  const workOrder = workOrderOf(transaction);
  const purchaseOrder = purchaseOrderOf(transaction);
  const notes = [PaymentRefNum, PrivateNote, CustomerMemo?.value].map(present);
  return [
    ...linkedInvoices(transaction, currency),
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...(purchaseOrder === null ? [] : [{ kind: 'purchaseOrder', number: purchaseOrder } as const]),
    ...notes.flatMap((text) => (text === null ? [] : [{ kind: 'memo', text } as const])),
  ];
}

/** The transactions a payment's lines link: `Invoice`, `CreditMemo`, `JournalEntry` … */
export function linkedTypes({ Line }: Transaction): readonly string[] {
  return (Line ?? []).flatMap((line) => (line.LinkedTxn ?? []).map(({ TxnType }) => TxnType));
}

/** The work order, from a custom field so named or written into the private note (`WO-20881 …`). */
export function workOrderOf(transaction: Transaction): string | null {
  const written = /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(transaction.PrivateNote ?? '');
  return customField(transaction, WORK_ORDER_FIELD) ?? written?.[0] ?? null;
}

/** The customer's purchase order, from a custom field so named. */
export function purchaseOrderOf(transaction: Transaction): string | null {
  return customField(transaction, PURCHASE_ORDER_FIELD);
}

/** How it was paid. Names of methods are the firm's own; an id without a name tells nothing. */
export function methodOf({ PaymentMethodRef, CreditCardPayment }: Transaction): Method | null {
  if (CreditCardPayment?.CreditChargeResponse) return 'card';
  const name = present(PaymentMethodRef?.name);
  if (name === null) return null;
  return METHOD_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

const WORK_ORDER_FIELD = /^(work\s*order|w\.?o\.?)\s*(number|no\.?|nr\.?|#|id)?$/i;
const PURCHASE_ORDER_FIELD = /^(purchase\s*order|p\.?o\.?)\s*(number|no\.?|nr\.?|#|id)?$/i;

/** In this order: an "e-check" is a bank debit and a "debit card" is a card. */
const METHOD_NAMES: readonly (readonly [RegExp, Method])[] = [
  [/\bach\b|\be-?che(ck|que)\b|direct debit/i, 'ach'],
  [/card|visa|master|amex|american express|discover|diners|\bjcb\b/i, 'card'],
  [/che(ck|que)/i, 'check'],
  [/cash/i, 'cash'],
  [/bank|wire|transfer|\beft\b|\bsepa\b/i, 'bank'],
  [/paypal|venmo|apple pay|google pay|wallet/i, 'wallet'],
];

/**
 * One reference per linked invoice. Lines also hold credit notes used beside the money: where the
 * lines exceed the payment, a single invoice takes all the money and several leave their shares
 * open.
 */
function linkedInvoices(transaction: Transaction, currency: string): readonly Reference[] {
  const total = fromDecimalText(transaction.TotalAmt, currency).minor;
  const invoices = new Map<string, { number: string | null; share: bigint | undefined }>();
  for (const line of transaction.Line ?? []) {
    for (const { TxnId, TxnType } of line.LinkedTxn ?? []) {
      if (TxnType !== 'Invoice') continue;
      const known = invoices.get(TxnId);
      const share = shareOf(line, currency);
      const sum =
        known &&
        (known.share === undefined || share === undefined ? undefined : known.share + share);
      invoices.set(TxnId, {
        number: invoiceNumber(line) ?? known?.number ?? null,
        share: known ? sum : share,
      });
    }
  }
  const linked = [...invoices].map(([externalId, facts]) => ({ externalId, ...facts }));
  const shares = linked.reduce((sum, { share }) => sum + (share ?? 0n), 0n);
  const only = linked.length === 1;
  return linked.map(({ externalId, number, share }) => {
    const money = shares <= total ? share : only ? total : undefined;
    return {
      kind: 'invoice',
      externalId,
      ...(number === null ? {} : { number }),
      ...(money === undefined || money <= 0n ? {} : { amountMinor: money }),
    };
  });
}

/** A line that links several transactions does not say how much each takes. */
function shareOf({ Amount, LinkedTxn }: WireLine, currency: string): bigint | undefined {
  if (Amount === null || Amount === undefined || LinkedTxn?.length !== 1) return undefined;
  return fromDecimalText(Amount, currency).minor;
}

function invoiceNumber({ LineEx }: WireLine): string | null {
  const named = LineEx?.any.find(({ value }) => value?.Name === 'txnReferenceNumber');
  return present(named?.value?.Value);
}

function customField({ CustomField }: Transaction, name: RegExp): string | null {
  const field = CustomField?.find(({ Name }) => name.test(Name?.trim() ?? ''));
  return present(field?.StringValue);
}

/** A text that says something; blanks are absences. */
export function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}
