/** What Chargebee sends, as far as we use it; unknown fields pass, and most fields may be missing. */
import { z } from 'zod';

const id = z.string().min(1);
const text = z.string().nullish();
const unixSeconds = z.int().nonnegative();
const amount = z.int().nonnegative();
const currency = z.string().regex(/^[A-Z]{3}$/, 'expected a currency code in upper case');

const linkedInvoice = z.object({ invoice_id: id, applied_amount: amount.nullish() });

const linkedCreditNote = z.object({
  applied_amount: amount.nullish(),
  cn_reason_code: text,
  cn_create_reason_code: text,
  cn_reference_invoice_id: text,
});

export const transaction = z.object({
  id,
  customer_id: text,
  subscription_id: text,
  payment_method: text,
  reference_number: text,
  gateway: text,
  id_at_gateway: text,
  type: z.string(),
  date: unixSeconds.nullish(),
  amount: amount.nullish(),
  currency_code: currency,
  status: text,
  error_code: text,
  error_text: text,
  updated_at: unixSeconds.nullish(),
  reference_transaction_id: text,
  refunded_txn_id: text,
  /** The authorization that a payment captured, in whole or in part. */
  reference_authorization_id: text,
  deleted: z.boolean().nullish(),
  linked_invoices: z.array(linkedInvoice).nullish(),
  linked_credit_notes: z.array(linkedCreditNote).nullish(),
});

export const invoice = z.object({
  id,
  customer_id: text,
  subscription_id: text,
  status: z.string(),
  po_number: text,
  date: unixSeconds.nullish(),
  due_date: unixSeconds.nullish(),
  currency_code: currency,
  total: amount.nullish(),
  credits_applied: amount.nullish(),
  amount_adjusted: amount.nullish(),
  write_off_amount: amount.nullish(),
  updated_at: unixSeconds.nullish(),
  deleted: z.boolean().nullish(),
});

export const customer = z.object({
  id,
  first_name: text,
  last_name: text,
  email: text,
  company: text,
  preferred_currency_code: text,
  updated_at: unixSeconds.nullish(),
  created_at: unixSeconds.nullish(),
  deleted: z.boolean().nullish(),
});

/** Beside a transaction, an invoice is only asked for what it says of the work; its own state is no matter. */
export const namedInvoice = z.object({ id, subscription_id: text, po_number: text });

/** The parts of `content` are read by what the type of event is about. */
export const event = z.object({
  id,
  occurred_at: unixSeconds,
  api_version: text,
  event_type: z.string().min(1),
  content: z.record(z.string(), z.unknown()).nullish(),
});

/** A transaction fetched with the invoices and the customer that it names. */
export const transactionInFull = z.object({
  transaction,
  invoices: z.array(namedInvoice),
  customer: customer.nullish(),
});

export type Customer = z.output<typeof customer>;
export type Invoice = z.output<typeof invoice>;
export type NamedInvoice = z.output<typeof namedInvoice>;
export type Transaction = z.output<typeof transaction>;
