/** What Recurly's JSON says, as far as we use it; unknown fields pass, and most fields may be missing. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

const id = z.string().min(1).max(100);
const text = z.string().nullish();
const instant = z.iso.datetime({ offset: true });
const currency = z.string().regex(/^[A-Z]{3}$/, 'expected a currency code in upper case');

const accountMini = z.object({
  code: text,
  email: text,
  first_name: text,
  last_name: text,
  company: text,
});

const invoiceMini = z.object({ id: text, number: text, type: text });

export const transaction = z.object({
  id,
  uuid: id.nullish(),
  original_transaction_id: text,
  account: accountMini.nullish(),
  invoice: invoiceMini.nullish(),
  subscription_ids: z.array(id).nullish(),
  type: z.string(),
  origin: text,
  currency,
  amount: wireDecimal,
  status: z.string(),
  description: text,
  payment_method: z.object({ object: text }).nullish(),
  status_code: text,
  status_message: text,
  gateway_message: text,
  gateway_reference: text,
  payment_gateway: z.object({ type: text, name: text }).nullish().catch(null),
  created_at: instant,
  updated_at: instant.nullish(),
  voided_at: instant.nullish(),
  collected_at: instant.nullish(),
});

const creditPayment = z.object({
  action: text,
  amount: wireDecimal,
  voided_at: instant.nullish(),
});

export const invoice = z.object({
  id,
  type: text,
  state: z.string(),
  number: text,
  account: accountMini.nullish(),
  po_number: text,
  currency,
  total: wireDecimal,
  credit_payments: z.array(creditPayment).nullish(),
  created_at: instant,
  updated_at: instant.nullish(),
  due_at: instant.nullish(),
});

export const account = accountMini.extend({
  code: id,
  preferred_currency: text,
  created_at: instant,
  updated_at: instant.nullish(),
});

/** A notification names an object and says what happened to it, never more. */
export const notice = z.object({
  id,
  object_type: z.string().min(1),
  event_type: z.string().min(1),
});

export type AccountMini = z.output<typeof accountMini>;
export type Account = z.output<typeof account>;
export type Invoice = z.output<typeof invoice>;
export type Transaction = z.output<typeof transaction>;
