/** What Zoho Books sends, as far as it is read. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** Texts may be numbers (ids), absent, null or blank. */
const text = wireDecimal
  .nullish()
  .transform((value) => (value === undefined || value === null ? null : value.trim() || null));

const customFields = z
  .array(z.object({ label: text, api_name: text, value: z.unknown() }))
  .nullish()
  .transform((fields) => fields ?? []);

export const id = wireDecimal.pipe(z.string().regex(/^\d{1,40}$/, 'is not an id of Zoho'));

export const payment = z.object({
  payment_id: id,
  payment_mode: text,
  amount: wireDecimal,
  amount_refunded: wireDecimal.nullish(),
  bank_charges: wireDecimal.nullish(),
  date: text,
  status: z.string(),
  reference_number: text,
  description: text,
  customer_id: text,
  customer_name: text,
  email: text,
  currency_code: z.string(),
  invoices: z
    .array(
      z.object({ invoice_id: id, invoice_number: text, amount_applied: wireDecimal.nullish() }),
    )
    .nullish()
    .transform((invoices) => invoices ?? []),
  custom_fields: customFields,
  online_transaction_id: text,
  created_time: text,
  last_modified_time: text,
});
export type ZohoPayment = z.output<typeof payment>;

export const refund = z.object({
  payment_refund_id: id,
  date: z.string(),
  refund_mode: text,
  amount_fcy: wireDecimal.nullish(),
  amount: wireDecimal.nullish(),
});

export const invoice = z.object({
  invoice_id: id,
  invoice_number: text,
  status: z.string(),
  date: text,
  due_date: text,
  total: wireDecimal,
  currency_code: z.string(),
  customer_id: text,
  customer_name: text,
  reference_number: text,
  cf_work_order: text,
  cf_purchase_order: text,
  created_time: text,
  last_modified_time: text,
});

export const contact = z.object({
  contact_id: id,
  contact_type: text,
  contact_name: text,
  company_name: text,
  email: text,
  currency_code: text,
  created_time: text,
  last_modified_time: text,
});
