/**
 * The objects of a simulated Stripe account, in Stripe's own shapes (API version
 * 2026-10-28.endive).
 */
import { exponentOf } from '../src/money/money.ts';
import type { SimulatedOrder } from './contract.ts';

export const API_VERSION = '2026-10-28.endive';

/**
 * A Stripe object: what the simulator itself reads and changes, beside all the fields it only
 * shows.
 */
export type StripeObject = {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  [field: string]: unknown;
};

/** Currencies whose unit at Stripe is not that of ISO 4217. */
const DIGITS: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/** Stripe's integer for an amount in ISO 4217 minor units. */
export function toStripeAmount(minor: bigint, currency: string): number {
  const shift = (DIGITS[currency] ?? exponentOf(currency)) - exponentOf(currency);
  if (shift >= 0) return Number(minor * 10n ** BigInt(shift));
  const divisor = 10n ** BigInt(-shift);
  if (minor % divisor !== 0n) throw new RangeError(`Stripe cannot charge ${minor} of ${currency}`);
  return Number(minor / divisor);
}

/** ISO 4217 minor units of Stripe's integer. */
export function toMinor(amount: number, stripeCurrency: string): bigint {
  const currency = stripeCurrency.toUpperCase();
  const shift = exponentOf(currency) - (DIGITS[currency] ?? exponentOf(currency));
  return shift >= 0
    ? BigInt(amount) * 10n ** BigInt(shift)
    : BigInt(amount) / 10n ** BigInt(-shift);
}

export function newIntent(
  id: string,
  order: SimulatedOrder,
  facts: { readonly created: number; readonly method: string; readonly manual: boolean },
): StripeObject {
  const { invoiceNumber, workOrder } = order;
  return {
    id,
    object: 'payment_intent',
    amount: toStripeAmount(order.amountMinor, order.currency),
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: facts.manual ? 'manual' : 'automatic_async',
    client_secret: `${id}_secret_redacted`,
    confirmation_method: 'automatic',
    created: facts.created,
    currency: order.currency.toLowerCase(),
    customer: order.customer.externalId,
    description: order.memo ?? (invoiceNumber ? `Payment for Invoice ${invoiceNumber}` : null),
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata: {
      ...(invoiceNumber && { invoice_number: invoiceNumber }),
      ...(workOrder && { work_order: workOrder }),
    },
    next_action: null,
    payment_details: {
      customer_reference: invoiceNumber ?? null,
      order_reference: workOrder ?? null,
    },
    payment_method_types: [facts.method],
    receipt_email: order.customer.email,
    status: 'requires_confirmation',
  };
}

export function newCharge(
  id: string,
  intent: StripeObject,
  order: SimulatedOrder,
  facts: { readonly created: number; readonly method: string },
): StripeObject {
  const details =
    facts.method === 'card'
      ? { card: { brand: 'visa', country: 'US', funding: 'credit', last4: '4242', wallet: null } }
      : { us_bank_account: { bank_name: 'TEST BANK', last4: '6789', account_type: 'checking' } };
  return {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    balance_transaction: null,
    billing_details: {
      address: { country: 'US', postal_code: '44114' },
      email: order.customer.email,
      name: order.customer.name,
      phone: null,
    },
    captured: false,
    created: facts.created,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: intent.metadata,
    paid: false,
    payment_intent: intent.id,
    payment_method_details: { ...details, type: facts.method },
    receipt_email: order.customer.email,
    refunded: false,
    status: 'pending',
  };
}

export function newBalanceTransaction(
  id: string,
  source: StripeObject,
  facts: {
    readonly type: string;
    readonly category: string;
    readonly amount: number;
    readonly fee: number;
    readonly created: number;
  },
): StripeObject {
  const { type, category, amount, fee, created } = facts;
  return {
    id,
    object: 'balance_transaction',
    amount,
    available_on: created + 2 * 86_400,
    balance_type: 'payments',
    created,
    currency: source.currency,
    description: source.description ?? null,
    exchange_rate: null,
    fee,
    fee_details:
      fee === 0
        ? []
        : [
            {
              amount: fee,
              currency: source.currency,
              description: 'Stripe fees',
              type: 'stripe_fee',
            },
          ],
    net: amount - fee,
    reporting_category: category,
    source: source.id,
    status: 'pending',
    type,
  };
}

export function newRefund(
  id: string,
  charge: StripeObject,
  facts: { readonly amount: number; readonly created: number; readonly status: string },
): StripeObject {
  return {
    id,
    object: 'refund',
    amount: facts.amount,
    balance_transaction: null,
    charge: charge.id,
    created: facts.created,
    currency: charge.currency,
    customer: charge.customer,
    destination_details: { card: { reference_status: 'pending', type: 'refund' }, type: 'card' },
    metadata: {},
    payment_intent: charge.payment_intent,
    reason: 'requested_by_customer',
    receipt_number: null,
    status: facts.status,
  };
}

export function newDispute(
  id: string,
  charge: StripeObject,
  facts: { readonly amount: number; readonly created: number },
): StripeObject {
  return {
    id,
    object: 'dispute',
    amount: facts.amount,
    balance_transactions: [],
    charge: charge.id,
    created: facts.created,
    currency: charge.currency,
    evidence: {},
    evidence_details: { due_by: facts.created + 12 * 86_400, has_evidence: false, past_due: false },
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: { card: { brand: 'visa', case_type: 'chargeback' }, type: 'card' },
    reason: 'product_not_received',
    status: 'needs_response',
  };
}

export function newPayout(
  id: string,
  facts: { readonly amount: number; readonly currency: string; readonly created: number },
): StripeObject {
  return {
    id,
    object: 'payout',
    amount: facts.amount,
    arrival_date: facts.created - (facts.created % 86_400),
    automatic: true,
    balance_transaction: null,
    created: facts.created,
    currency: facts.currency,
    description: 'STRIPE PAYOUT',
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: {},
    method: 'standard',
    reconciliation_status: 'completed',
    status: 'paid',
    type: 'bank_account',
  };
}

export function newInvoice(
  id: string,
  intent: StripeObject,
  order: SimulatedOrder,
  created: number,
): StripeObject {
  return {
    id,
    object: 'invoice',
    amount_due: intent.amount_received,
    amount_overpaid: 0,
    amount_paid: intent.amount_received,
    amount_remaining: 0,
    attempt_count: 1,
    attempted: true,
    billing_reason: 'manual',
    collection_method: 'send_invoice',
    created,
    currency: intent.currency,
    custom_fields: order.workOrder ? [{ name: 'Work order', value: order.workOrder }] : null,
    customer: intent.customer,
    customer_email: order.customer.email,
    customer_name: order.customer.name,
    description: order.memo ?? null,
    due_date: created + 30 * 86_400,
    effective_at: created,
    livemode: false,
    metadata: {},
    number: order.invoiceNumber ?? null,
    parent: null,
    status: 'paid',
    status_transitions: { finalized_at: created, paid_at: created, voided_at: null },
    total: intent.amount_received,
  };
}

export function newInvoicePayment(
  id: string,
  invoice: StripeObject,
  intent: StripeObject,
  created: number,
): StripeObject {
  return {
    id,
    object: 'invoice_payment',
    amount_paid: intent.amount_received,
    amount_requested: intent.amount,
    created,
    currency: intent.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: created },
  };
}
