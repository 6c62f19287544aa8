/** What MYOB sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** The objects we read, as the last part of their path spells them. */
export const ENTITIES = ['CustomerPayment', 'CreditRefund', 'Invoice', 'Customer'] as const;
export type Entity = (typeof ENTITIES)[number];

/** Where each kind is listed, below the company file. */
export const PATHS = {
  CustomerPayment: 'Sale/CustomerPayment',
  CreditRefund: 'Sale/CreditRefund',
  Invoice: 'Sale/Invoice',
  Customer: 'Contact/Customer',
} as const satisfies Record<Entity, string>;

const uid = z.string().min(1).max(60);
const text = z.string().nullish();
const amount = wireDecimal.nullish();
const foreign = z.object({ Code: z.string() }).nullish();
const card = z.object({ UID: uid, Name: text, DisplayID: text }).nullish();
/** A signed 64-bit number: text, or digits that were kept as text. */
const record = {
  UID: uid,
  RowVersion: z.union([z.string().min(1).max(40), z.int()]).transform(String),
};

const line = z.object({
  UID: text,
  Number: text,
  AmountApplied: amount,
  AmountAppliedForeign: amount,
  Type: text,
});
export type WireLine = z.output<typeof line>;

export const customerPayment = z.object({
  ...record,
  Date: z.string(),
  AmountReceived: wireDecimal,
  AmountReceivedForeign: amount,
  ForeignCurrency: foreign,
  Customer: card,
  ReceiptNumber: text,
  PaymentMethod: text,
  Memo: text,
  Invoices: z.array(line).nullish(),
});
export type CustomerPayment = z.output<typeof customerPayment>;

export const creditRefund = z.object({
  ...record,
  Date: z.string(),
  Amount: wireDecimal,
  AmountForeign: amount,
  ForeignCurrency: foreign,
  Customer: card,
  Number: text,
  Memo: text,
});

export const invoice = z.object({
  ...record,
  Number: text,
  Date: z.string(),
  LastModified: text,
  TotalAmount: wireDecimal,
  TotalAmountForeign: amount,
  ForeignCurrency: foreign,
  Customer: card,
  CustomerPurchaseOrderNumber: text,
  JournalMemo: text,
  Comment: text,
  Terms: z.object({ DueDate: text }).nullish(),
});
export type Invoice = z.output<typeof invoice>;

export const customer = z.object({
  ...record,
  CompanyName: text,
  FirstName: text,
  LastName: text,
  LastModified: text,
  Addresses: z.array(z.object({ Email: text })).nullish(),
});

/** What a fully read list no longer held and MYOB answered 404 for. */
export const goneRecord = z.object({
  Entity: z.enum(['CustomerPayment', 'CreditRefund', 'Invoice']),
  UID: uid,
  /** A receipt of a negative amount was a refund. */
  Negative: z.boolean().default(false),
});

/** What paging and comparing need of a row. */
export const listed = z.object({
  Items: z.array(z.object({ UID: uid, Date: text, AmountReceived: amount, LastModified: text })),
  NextPageLink: z.string().nullish(),
});

export const errorAnswer = z.object({
  Errors: z.array(z.object({ Name: text, Message: text, AdditionalDetails: text })),
});
