/**
 * What Stripe sends, as far as we use it; unknown fields pass. Covers every API version since 2019.
 */
import { z } from 'zod';

const id = z.string().min(1);
const text = z.string().nullish();
const unixSeconds = z.int().nonnegative();
const currency = z.string().regex(/^[a-z]{3}$/, 'expected a lower-case currency code');
/** Values are strings by the documentation; any other value is no reference and is passed over. */
const metadata = z.record(z.string(), z.unknown()).nullish();

/** A field that holds an id, or the object itself where the call expanded it. */
const reference = z.union([id, z.object({ id })]).nullish();

const customer = z.union([id, z.object({ id, name: text, email: text })]).nullish();

const invoiceReference = z.union([id, z.object({ id, number: text })]).nullish();

const expandedBalanceTransaction = z.object({
  id,
  object: z.literal('balance_transaction'),
  amount: z.int(),
  created: unixSeconds,
  currency,
  fee: z.int(),
  type: z.string(),
});

export const refund = z.object({
  id,
  object: z.literal('refund'),
  amount: z.int(),
  charge: reference,
  created: unixSeconds,
  currency,
  customer,
  failure_balance_transaction: z.union([id, expandedBalanceTransaction]).nullish(),
  failure_reason: text,
  metadata,
  payment_intent: reference,
  status: z.string(),
});

export const charge = z.object({
  id,
  object: z.literal('charge'),
  amount: z.int(),
  amount_captured: z.int().nullish(),
  balance_transaction: z.union([id, expandedBalanceTransaction]).nullish(),
  billing_details: z.object({ email: text, name: text }).nullish(),
  captured: z.boolean(),
  created: unixSeconds,
  currency,
  customer,
  description: text,
  failure_code: text,
  failure_message: text,
  /** Removed by 2025-03-31.basil. */
  invoice: invoiceReference,
  metadata,
  payment_intent: reference,
  payment_method_details: z
    .object({
      type: z.string(),
      card: z.object({ wallet: z.object({ type: z.string() }).nullish() }).nullish(),
    })
    .nullish(),
  receipt_email: text,
  refunded: z.boolean().nullish(),
  /** Not expanded by default since 2022-11-15. */
  refunds: z.object({ data: z.array(refund) }).nullish(),
  status: z.string(),
});

export const balanceTransaction = expandedBalanceTransaction.extend({
  source: z.union([id, charge, z.object({ id })]).nullish(),
});

export const paymentIntent = z.object({
  id,
  object: z.literal('payment_intent'),
  amount: z.int(),
  amount_capturable: z.int().nullish(),
  amount_received: z.int().nullish(),
  canceled_at: unixSeconds.nullish(),
  cancellation_reason: text,
  /** Until 2022-11-15, newest first; `latest_charge` since. */
  charges: z.object({ data: z.array(charge) }).nullish(),
  created: unixSeconds,
  currency,
  customer,
  description: text,
  /** Removed by 2025-03-31.basil. */
  invoice: invoiceReference,
  last_payment_error: z
    .object({
      code: text,
      decline_code: text,
      message: text,
      payment_method: z.object({ type: z.string() }).nullish(),
    })
    .nullish(),
  latest_charge: z.union([id, charge]).nullish(),
  metadata,
  payment_details: z.object({ customer_reference: text, order_reference: text }).nullish(),
  payment_method: z.union([id, z.object({ id, type: z.string() })]).nullish(),
  payment_method_types: z.array(z.string()).nullish(),
  receipt_email: text,
  status: z.string(),
});

export const dispute = z.object({
  id,
  object: z.literal('dispute'),
  amount: z.int(),
  balance_transactions: z.array(expandedBalanceTransaction).nullish(),
  charge: reference,
  created: unixSeconds,
  currency,
  metadata,
  payment_intent: reference,
  reason: text,
  status: z.string(),
});

export const payout = z.object({
  id,
  object: z.literal('payout'),
  amount: z.int(),
  arrival_date: unixSeconds,
  balance_transaction: z.union([id, expandedBalanceTransaction]).nullish(),
  created: unixSeconds,
  currency,
  failure_balance_transaction: z.union([id, expandedBalanceTransaction]).nullish(),
  failure_code: text,
  failure_message: text,
  status: z.string(),
});

const paidThrough = z.object({
  type: z.string(),
  charge: z.union([id, charge]).nullish(),
  payment_intent: z.union([id, paymentIntent]).nullish(),
});

const bareInvoicePayment = z.object({
  id,
  object: z.literal('invoice_payment'),
  amount_paid: z.int().nullish(),
  created: unixSeconds,
  currency,
  invoice: reference,
  payment: paidThrough,
  status: z.string(),
  status_transitions: z.object({ paid_at: unixSeconds.nullish() }).nullish(),
});

export const invoice = z.object({
  id,
  object: z.literal('invoice'),
  amount_paid: z.int(),
  /** The part of `amount_paid` that came by other ways than Stripe. */
  amount_paid_off_stripe: z.int().nullish(),
  attempt_count: z.int().nullish(),
  attempted: z.boolean().nullish(),
  /**
   * Removed by 2025-03-31.basil, as are `paid_out_of_band`, `payment_intent` and `subscription`.
   */
  charge: reference,
  created: unixSeconds,
  currency,
  custom_fields: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  customer,
  customer_email: text,
  customer_name: text,
  description: text,
  due_date: unixSeconds.nullish(),
  effective_at: unixSeconds.nullish(),
  metadata,
  number: text,
  paid_out_of_band: z.boolean().nullish(),
  parent: z
    .object({ subscription_details: z.object({ subscription: reference }).nullish() })
    .nullish(),
  payment_intent: reference,
  payments: z.object({ data: z.array(bareInvoicePayment) }).nullish(),
  status: z.string().nullable(),
  status_transitions: z
    .object({ finalized_at: unixSeconds.nullish(), paid_at: unixSeconds.nullish() })
    .nullish(),
  subscription: reference,
  total: z.int(),
});

export const invoicePayment = bareInvoicePayment.extend({
  invoice: z.union([id, invoice, z.object({ id })]),
});

/** A snapshot event; `data.object` is read by the schema of its kind. */
export const snapshotEvent = z.object({
  id,
  object: z.literal('event'),
  account: text,
  created: unixSeconds,
  data: z.object({ object: z.object({ object: z.string() }).loose() }),
  livemode: z.boolean().nullish(),
  type: id,
});

/** A thin event names its object and says nothing of its state. */
export const thinEvent = z.object({
  id,
  object: z.literal('v2.core.event'),
  context: text,
  livemode: z.boolean().nullish(),
  related_object: z.object({ id, type: z.string() }).nullish(),
  type: id,
});

/** Any API object, before its kind is known. */
export const anyObject = z.object({ object: z.string(), livemode: z.boolean().nullish() }).loose();

export type BalanceTransaction = z.output<typeof expandedBalanceTransaction>;
export type Charge = z.output<typeof charge>;
export type Dispute = z.output<typeof dispute>;
export type Invoice = z.output<typeof invoice>;
export type InvoicePayment = z.output<typeof invoicePayment>;
export type PaymentIntent = z.output<typeof paymentIntent>;
export type Payout = z.output<typeof payout>;
export type Refund = z.output<typeof refund>;
export type Metadata = z.output<typeof metadata>;
export type CustomerField = z.output<typeof customer>;
export type InvoiceField = z.output<typeof invoiceReference>;

/** The id in a field that may be expanded. */
export function idOf(field: string | { readonly id: string } | null | undefined): string | null {
  return typeof field === 'string' ? field : (field?.id ?? null);
}

/** The object in a field that may be only an id. */
export function expanded<T extends object>(field: string | T | null | undefined): T | undefined {
  return typeof field === 'object' && field !== null ? field : undefined;
}
