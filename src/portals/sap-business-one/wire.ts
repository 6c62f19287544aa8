/** What the Service Layer and our own nudges send: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** The entity sets we read, as the Service Layer spells them. */
export const ENTITIES = [
  'IncomingPayments',
  'VendorPayments',
  'Invoices',
  'DownPayments',
  'BusinessPartners',
] as const;
export type Entity = (typeof ENTITIES)[number];
/** Both are documents of one kind, `Payment`. */
export type PaymentEntity = 'IncomingPayments' | 'VendorPayments';
export type InvoiceEntity = 'Invoices' | 'DownPayments';

/** The type of document by which payments, and nudges, name what they mean. */
export const OBJECT_TYPES: Readonly<Record<string, Entity>> = {
  '2': 'BusinessPartners',
  '13': 'Invoices',
  '24': 'IncomingPayments',
  '46': 'VendorPayments',
  '203': 'DownPayments',
};

const text = z.string().nullish();
const amount = wireDecimal.nullish();
const yesNo = z.enum(['tYES', 'tNO']);
export const docEntry = z.int().nonnegative();

const appliedLine = z.object({
  DocEntry: docEntry,
  InvoiceType: z.string(),
  SumApplied: amount,
  AppliedFC: amount,
});
export type AppliedLine = z.output<typeof appliedLine>;

/** A collection may be null; one that is missing was not asked for, and may hold money. */
function rows<T extends z.ZodType>(row: T) {
  return z
    .array(row)
    .nullable()
    .transform((list): readonly z.output<T>[] => list ?? []);
}

/** Loose, for user-defined fields. The spelling of `DocTypte` is the Service Layer's own. */
export const payment = z.looseObject({
  DocEntry: docEntry,
  DocType: text,
  DocTypte: text,
  DocDate: z.string(),
  CardCode: text,
  CardName: text,
  DocCurrency: text,
  LocalCurrency: text,
  DocRate: amount,
  CashSum: wireDecimal.nullable(),
  CashSumFC: amount,
  TransferSum: wireDecimal.nullable(),
  BillOfExchangeAmount: amount,
  BankChargeAmount: amount,
  BankChargeAmountInFC: amount,
  TransferReference: text,
  CounterReference: text,
  Reference2: text,
  Remarks: text,
  JournalRemarks: text,
  Cancelled: yesNo,
  AuthorizationStatus: text,
  PaymentChecks: rows(z.object({ CheckNumber: amount, CheckSum: wireDecimal })),
  PaymentInvoices: rows(appliedLine),
  PaymentCreditCards: rows(
    z.object({ CreditSum: wireDecimal, VoucherNum: text, ConfirmationNum: text }),
  ),
});
export type Payment = z.output<typeof payment>;

/** The fields of an invoice that are asked for; those of `workOrderField` come on top. */
export const INVOICE_FIELDS = [
  'DocEntry',
  'DocNum',
  'NumAtCard',
  'CardCode',
  'CardName',
  'DocDate',
  'DocDueDate',
  'DocTotal',
  'DocTotalFc',
  'DocCurrency',
  'Comments',
  'Cancelled',
  'CancelStatus',
  'UpdateDate',
] as const;

export const invoice = z.looseObject({
  DocEntry: docEntry,
  DocNum: wireDecimal.nullish(),
  NumAtCard: text,
  CardCode: text,
  CardName: text,
  DocDate: text,
  DocDueDate: text,
  DocTotal: wireDecimal,
  DocTotalFc: amount,
  DocCurrency: z.string(),
  Comments: text,
  Cancelled: yesNo,
  CancelStatus: text,
  UpdateDate: text,
});
export type Invoice = z.output<typeof invoice>;

export const PARTNER_FIELDS = [
  'CardCode',
  'CardName',
  'CardType',
  'EmailAddress',
  'UpdateDate',
] as const;

export const partner = z.object({
  CardCode: z.string().min(1),
  CardName: text,
  CardType: z.string(),
  EmailAddress: text,
  UpdateDate: text,
});

/** A payment that waited for approval and is no longer there. */
export const gonePayment = z.object({
  Entity: z.enum(['IncomingPayments', 'VendorPayments']),
  DocEntry: docEntry,
});

/** Invoice numbers by the id that references have, as the pull looked them up. */
export const invoiceNumbers = z.record(z.string(), z.string());

const identifier = z.union([z.string(), z.int()]).transform(String);

/** What a script or add-on at the firm posts; the signature proves it, and it is fetched all the same. */
export const nudge = z.object({
  eventId: z.string().nullish(),
  companyDb: z.string(),
  objectType: identifier,
  transactionType: z.string().nullish(),
  key: identifier,
});

/** What paging needs of a page, in the spelling of either version. */
export const page = z
  .object({
    value: z.array(z.looseObject({})),
    '@odata.nextLink': text,
    'odata.nextLink': text,
  })
  .transform(({ value, ...links }) => ({
    value,
    nextLink: links['@odata.nextLink'] ?? links['odata.nextLink'] ?? null,
  }));

/** What looking up a number needs of a row. */
export const listedInvoice = z.looseObject({ DocEntry: docEntry });

/** What following a payment needs of a row; whether the rest of it can be read shows when it is applied. */
export const listedPayment = z.object({
  DocEntry: docEntry,
  Cancelled: text.catch(null),
  AuthorizationStatus: text.catch(null),
  PaymentInvoices: z.array(z.object({ DocEntry: docEntry, InvoiceType: z.string() })).catch([]),
});
export type ListedPayment = z.output<typeof listedPayment>;
