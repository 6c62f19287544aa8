/** What Square sends, as far as it is read; unknown fields pass, and what Square does not know is absent or null. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

const id = z.string().min(1);
const text = z.string().nullish();

/** Integer minor units; payout samples name the currency `currency_code`. */
const money = z.object({ amount: wireDecimal, currency: text, currency_code: text });
export type WireMoney = z.output<typeof money>;

const processingFee = z.object({ amount_money: money.nullish() });
const failure = z.object({ code: text, detail: text });
const failures = z.object({ errors: z.array(failure).nullish() });

export const payment = z.object({
  id,
  status: z.string(),
  created_at: text,
  updated_at: text,
  total_money: money,
  amount_money: money.nullish(),
  tip_money: money.nullish(),
  processing_fee: z.array(processingFee).nullish(),
  source_type: text,
  card_details: failures
    .extend({
      entry_method: text,
      card_payment_timeline: z
        .object({ authorized_at: text, captured_at: text, voided_at: text })
        .nullish(),
    })
    .nullish(),
  bank_account_details: failures.extend({ transfer_type: text }).nullish(),
  external_details: z.object({ type: text }).nullish(),
  offline_payment_details: z.object({ client_created_at: text }).nullish(),
  application_details: z.object({ square_product: text }).nullish(),
  location_id: text,
  order_id: text,
  reference_id: text,
  note: text,
  customer_id: text,
  buyer_email_address: text,
});
export type Payment = z.output<typeof payment>;

export const refund = z.object({
  id,
  status: z.string(),
  amount_money: money,
  payment_id: text,
  processing_fee: z.array(processingFee).nullish(),
  destination_type: text,
  reason: text,
  created_at: text,
  updated_at: text,
});
export type Refund = z.output<typeof refund>;

/** The payment stood in `disputed_payments` and `payment_id` before it stood in `disputed_payment`. */
export const dispute = z.object({
  id: text,
  dispute_id: text,
  state: z.string(),
  amount_money: money,
  reason: text,
  disputed_payment: z.object({ payment_id: text }).nullish(),
  disputed_payments: z.array(z.object({ payment_id: text })).nullish(),
  payment_id: text,
  created_at: text,
  updated_at: text,
});
export type Dispute = z.output<typeof dispute>;

export const payout = z.object({
  id,
  status: z.string(),
  amount_money: money,
  payout_fee: z.array(processingFee).nullish(),
  created_at: text,
  updated_at: text,
});
export type Payout = z.output<typeof payout>;

export const invoice = z.object({
  id,
  status: z.string(),
  order_id: text,
  invoice_number: text,
  title: text,
  subscription_id: text,
  timezone: text,
  created_at: text,
  updated_at: text,
  payment_requests: z
    .array(z.object({ due_date: text, computed_amount_money: money.nullish() }))
    .nullish(),
  primary_recipient: z
    .object({
      customer_id: text,
      given_name: text,
      family_name: text,
      company_name: text,
      email_address: text,
    })
    .nullish(),
  custom_fields: z.array(z.object({ label: text, value: text })).nullish(),
});
export type Invoice = z.output<typeof invoice>;

export const order = z.object({
  id,
  location_id: text,
  customer_id: text,
  reference_id: text,
  tenders: z.array(z.object({ id: text, payment_id: text })).nullish(),
});
export type Order = z.output<typeof order>;

export const customer = z.object({
  id,
  company_name: text,
  given_name: text,
  family_name: text,
  email_address: text,
});
export type Customer = z.output<typeof customer>;

export const webhookEvent = z.object({
  type: z.string(),
  event_id: id,
  data: z.object({ id: text, object: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});
export type WebhookEvent = z.output<typeof webhookEvent>;

/** A payment as `fetch` brings it: with its order, the invoice of that order and its customer, where there are any. */
export const paymentWithContext = z.object({
  payment,
  order: order.nullish(),
  invoice: invoice.nullish(),
  customer: customer.nullish(),
});
export type PaymentWithContext = z.output<typeof paymentWithContext>;
