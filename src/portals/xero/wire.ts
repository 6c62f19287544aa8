/** What Xero sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** Lists of the accounting API, as Xero spells them in paths and bodies, with the field that identifies a row. */
export const ID_FIELDS = {
  Payments: 'PaymentID',
  Invoices: 'InvoiceID',
  Contacts: 'ContactID',
  CreditNotes: 'CreditNoteID',
  Prepayments: 'PrepaymentID',
  Overpayments: 'OverpaymentID',
  BatchPayments: 'BatchPaymentID',
  BankTransactions: 'BankTransactionID',
} as const;
export type Resource = keyof typeof ID_FIELDS;
export const RESOURCES = Object.keys(ID_FIELDS) as readonly Resource[];

const id = z.string().min(1);
const text = z.string().nullish();

const contactBlock = z.object({ ContactID: text, Name: text, EmailAddress: text }).nullish();

/** `/Date(ms+0000)/` in all answers, beside ISO text in newer ones. */
const updated = { UpdatedDateUTC: text, UpdatedDateUTCString: text };

/** What a payment pays or gives back: trimmed answers leave out all but the id. */
const paidDocument = {
  Type: text,
  Reference: text,
  CurrencyCode: text,
  Contact: contactBlock,
};

export const payment = z.object({
  PaymentID: id,
  Amount: wireDecimal,
  Reference: text,
  PaymentType: z.string(),
  Status: z.string(),
  BatchPaymentID: text,
  ...updated,
  Invoice: z.object({ ...paidDocument, InvoiceID: text, InvoiceNumber: text }).nullish(),
  CreditNote: z.object({ ...paidDocument, CreditNoteID: text, CreditNoteNumber: text }).nullish(),
  Prepayment: z.object({ ...paidDocument, PrepaymentID: text }).nullish(),
  Overpayment: z.object({ ...paidDocument, OverpaymentID: text }).nullish(),
});
export type Payment = z.output<typeof payment>;

export const invoice = z.object({
  InvoiceID: id,
  InvoiceNumber: text,
  Type: z.string(),
  Status: z.string(),
  Reference: text,
  Total: wireDecimal,
  CurrencyCode: z.string(),
  Contact: contactBlock,
  Date: text,
  DateString: text,
  DueDate: text,
  DueDateString: text,
  ...updated,
});
export type Invoice = z.output<typeof invoice>;

const allocation = z.object({
  Amount: wireDecimal.nullish(),
  AppliedAmount: wireDecimal.nullish(),
  IsDeleted: z.boolean().nullish(),
  Invoice: z.object({ InvoiceID: text, InvoiceNumber: text }).nullish(),
});

/** A prepayment or an overpayment: money received before, or beyond, any invoice. */
export const advance = z.object({
  Type: z.string(),
  Status: z.string(),
  Total: wireDecimal,
  CurrencyCode: z.string(),
  Reference: text,
  Contact: contactBlock,
  Allocations: z.array(allocation).nullish(),
  ...updated,
});
export type Advance = z.output<typeof advance>;

export const contact = z.object({
  ContactID: id,
  Name: text,
  EmailAddress: text,
  DefaultCurrency: text,
  ...updated,
});

/** One event of a delivery; there is no event id. */
export const noticeEvent = z.object({
  resourceId: id,
  tenantId: id,
  eventCategory: z.string(),
  eventType: z.string(),
  eventDateUtc: z.string(),
  data: z.object({ Type: text, Status: text }).nullish().catch(null),
});

/** A row that Xero refused though the answer says 200. */
export const refusedRow = z.object({
  HasValidationErrors: z.boolean().nullish(),
  StatusAttributeString: text,
  ValidationErrors: z.array(z.object({ Message: text })).nullish(),
});

/** An error as an answer of its own. */
export const errorAnswer = z.object({
  ErrorNumber: z.union([z.int(), z.string()]).nullish(),
  Type: text,
  Title: text,
  Message: text,
  Detail: text,
  Elements: z.array(refusedRow).nullish(),
});

/** How far a list goes on. */
export const pageEnd = z.object({
  pagination: z.object({ page: z.int(), pageCount: z.int() }).nullish(),
});

export const connections = z.array(z.object({ tenantId: id, tenantType: text, tenantName: text }));
