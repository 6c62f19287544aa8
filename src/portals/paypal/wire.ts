/** What PayPal sends, in both generations: strict on what the books need, open to everything else. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** v2 writes `{value, currency_code}`, v1 `{total, currency}`, v1 fees `{value, currency}`. */
const amount = z
  .object({
    value: wireDecimal.nullish(),
    total: wireDecimal.nullish(),
    currency_code: z.string().nullish(),
    currency: z.string().nullish(),
  })
  .refine(({ value, total }) => (value ?? total) != null, 'an amount without a value')
  .refine((of) => (of.currency_code ?? of.currency) != null, 'an amount without a currency')
  .transform(({ value, total, currency_code, currency }) => ({
    value: (value ?? total) as string,
    currency: (currency_code ?? currency) as string,
  }));
export type WireAmount = z.infer<typeof amount>;

/** RFC 3339, in reporting with an offset without colon (`+0000`), which strict parsers refuse. */
const instant = z
  .string()
  .transform((text) => text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  .refine((text) => z.iso.datetime({ offset: true }).safeParse(text).success, 'is not an instant')
  .transform((text) => new Date(text).toISOString());

const day = z.iso.date();
const id = z.string().min(1).max(100);
/** Informs people and matching: whatever its shape, it must not keep money from the books. */
const free = z.unknown().optional();
const link = z.object({ href: z.string(), rel: z.string() });
const links = z.array(link).nullish();

export const envelopeWire = z.object({
  id,
  event_type: z.string().min(1),
  create_time: instant,
  resource_type: free,
  resource: z.looseObject({}),
});

/** A capture or authorization (v2: `status`), or a sale, capture or authorization of v1 (`state`). */
export const paymentWire = z
  .object({
    id,
    status: z.string().nullish(),
    state: z.string().nullish(),
    amount,
    create_time: instant.nullish(),
    update_time: instant.nullish(),
    status_details: free,
    reason_code: free,
    pending_reason: free,
    seller_receivable_breakdown: z
      .object({
        paypal_fee: amount.nullish(),
        paypal_fee_in_receivable_currency: amount.nullish(),
      })
      .nullish(),
    transaction_fee: amount.nullish(),
    supplementary_data: free,
    invoice_id: free,
    invoice_number: free,
    custom_id: free,
    custom: free,
    billing_agreement_id: free,
    links,
  })
  .refine(({ status, state }) => (status ?? state) != null, 'a payment without a status');
export type WirePayment = z.infer<typeof paymentWire>;

export const refundWire = z
  .object({
    id,
    status: z.string().nullish(),
    state: z.string().nullish(),
    amount,
    create_time: instant.nullish(),
    update_time: instant.nullish(),
    status_details: free,
    sale_id: id.nullish(),
    capture_id: id.nullish(),
    links,
  })
  .refine(({ status, state }) => (status ?? state) != null, 'a refund without a status');
export type WireRefund = z.infer<typeof refundWire>;

const moneyMovement = z.object({
  affected_party: z.string().nullish(),
  type: z.string().nullish(),
  reason: z.string().nullish(),
  amount: amount.nullish(),
});

export const disputeWire = z.object({
  dispute_id: id,
  create_time: instant,
  update_time: instant.nullish(),
  status: z.string().min(1),
  reason: free,
  dispute_amount: amount,
  dispute_life_cycle_stage: z.string().nullish(),
  disputed_transactions: z.array(z.object({ seller_transaction_id: id.nullish() })).nullish(),
  dispute_outcome: z
    .object({ outcome_code: z.string().nullish(), amount_refunded: amount.nullish() })
    .nullish(),
  money_movements: z.array(moneyMovement).nullish(),
});
export type WireDispute = z.infer<typeof disputeWire>;

const invoicePayment = z.object({
  type: z.string().nullish(),
  payment_id: id,
  payment_date: day,
  method: free,
  note: free,
  transaction_type: z.string().nullish(),
  transaction_status: z.string().nullish(),
  amount,
});
export type WireInvoicePayment = z.infer<typeof invoicePayment>;

const invoiceRefund = z.object({
  type: z.string().nullish(),
  refund_id: id,
  refund_date: day,
  amount,
});
export type WireInvoiceRefund = z.infer<typeof invoiceRefund>;

export const invoiceWire = z.object({
  id,
  status: z.string().min(1),
  detail: z.object({
    currency_code: z.string().nullish(),
    invoice_number: free,
    reference: free,
    note: free,
    invoice_date: day.nullish(),
    payment_term: z.object({ due_date: day.nullish() }).nullish(),
    metadata: z
      .object({ create_time: instant.nullish(), last_update_time: instant.nullish() })
      .nullish(),
  }),
  primary_recipients: free,
  amount: amount.nullish(),
  payments: z.object({ transactions: z.array(invoicePayment).nullish() }).nullish(),
  refunds: z.object({ transactions: z.array(invoiceRefund).nullish() }).nullish(),
});
export type WireInvoice = z.infer<typeof invoiceWire>;

export const orderWire = z.object({
  id,
  payer: free,
  payment_source: free,
  purchase_units: z.array(
    z.object({
      payments: z
        .object({
          captures: z.array(paymentWire).nullish(),
          authorizations: z.array(paymentWire).nullish(),
          refunds: z.array(refundWire).nullish(),
        })
        .nullish(),
    }),
  ),
});
export type WireOrder = z.infer<typeof orderWire>;

export const transactionWire = z.object({
  transaction_info: z.object({
    transaction_id: id,
    transaction_event_code: z.string().regex(/^T\d{4}$/),
    transaction_initiation_date: instant,
    transaction_updated_date: instant.nullish(),
    transaction_amount: amount,
    fee_amount: amount.nullish(),
    transaction_status: z.string().min(1),
    transaction_subject: free,
    transaction_note: free,
    invoice_id: free,
    custom_field: free,
    instrument_type: free,
    paypal_reference_id: id.nullish(),
    paypal_reference_id_type: free,
  }),
  payer_info: free,
});
export type WireTransaction = z.infer<typeof transactionWire>;

/** The value at a path of names, undefined where an object or member is missing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    if (!Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string | number, unknown>)[name];
  }
  return current;
}

/** A text that says something, trimmed; null for anything else. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return null;
  return value.trim() || null;
}
