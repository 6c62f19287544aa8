/** What the processor sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireId, wireText } from '../kit/intuit-transactions.ts';
import { wireDecimal } from '../kit/wire.ts';

/** How money was taken: a card charged, a bank account debited. Both are called transactions here. */
export const KINDS = ['charge', 'echeck'] as const;
export type Kind = (typeof KINDS)[number];

/** The objects of accounting that may name a transaction. */
export const RECORDS = ['Payment', 'SalesReceipt', 'RefundReceipt'] as const;
export type RecordKind = (typeof RECORDS)[number];

const error = z.object({ code: wireText, type: wireText, message: wireText, detail: wireText });
export const errors = z.object({ errors: z.array(error).min(1) });
export type WireError = z.output<typeof error>;

/** Money that went back, or a charge undone (`VOID`). Neither names its charge or its currency. */
export const refund = z.object({
  id: wireId,
  status: z.string(),
  type: wireText,
  amount: wireDecimal,
  created: z.string(),
});
export type Refund = z.output<typeof refund>;

/** The field is in Intuit's library and in no recorded answer: another shape costs its refunds, not the payment. */
const refundDetail = z
  .union([z.array(refund), refund.transform((one) => [one])])
  .nullish()
  .catch(null);

/** A charge or an eCheck. */
export const transaction = z.object({
  id: wireId,
  status: z.string(),
  amount: wireDecimal,
  currency: wireText,
  created: z.string(),
  description: wireText,
  captureDetail: z
    .object({ amount: wireDecimal, created: z.string(), description: wireText })
    .nullish(),
  card: z.object({ name: wireText }).nullish(),
  bankAccount: z.object({ name: wireText }).nullish(),
  paymentMode: wireText,
  refundDetail,
  errors: z.array(error).nullish(),
});
export type Transaction = z.output<typeof transaction>;

/** What a pull must know of a record; `named` is the transaction it names. */
export const listedRecord = z
  .looseObject({
    Id: wireId,
    SyncToken: wireId,
    MetaData: z.object({ LastUpdatedTime: z.string() }),
  })
  .transform((row) => ({
    id: row.Id,
    revision: row.SyncToken,
    changedAt: row.MetaData.LastUpdatedTime,
    named: transactionNamed(row),
  }));

const paidInvoices = z.object({
  Line: z.array(
    z.object({
      LinkedTxn: z.array(z.object({ TxnId: wireId, TxnType: z.string() })).nullish(),
      LineEx: z.unknown(),
    }),
  ),
});

/** Ids of the invoices that a record pays without saying their numbers. */
export function invoicesToName(row: unknown): readonly string[] {
  const lines = paidInvoices.safeParse(row).data?.Line ?? [];
  const ids = lines
    .filter(({ LineEx }) => !JSON.stringify(LineEx ?? null).includes('txnReferenceNumber'))
    .flatMap(({ LinkedTxn }) => LinkedTxn ?? [])
    .filter(({ TxnType }) => TxnType === 'Invoice')
    .map(({ TxnId }) => TxnId);
  return [...new Set(ids)];
}

/** Where bank debits of an invoice are named is not documented, so every field of such a name is looked at. */
const TRANSACTION_FIELD = /trans(action)?id$/i;

/** The processor's id in a record of accounting; undefined when the processor has nothing to do with it. */
export function transactionNamed(row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  const found = [
    ...textsOf(Reflect.get(row, 'CreditCardPayment'), TRANSACTION_FIELD),
    ...textsOf(Reflect.get(row, 'CheckPayment'), TRANSACTION_FIELD),
  ];
  return found.map((text) => text.trim()).find((text) => text !== '');
}

/** Texts under names that fit, two objects deep. */
function textsOf(value: unknown, name: RegExp, depth = 2): readonly string[] {
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  return Object.entries(value).flatMap(([key, held]) =>
    name.test(key) && typeof held === 'string' ? [held] : textsOf(held, name, depth - 1),
  );
}
