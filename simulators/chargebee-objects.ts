/** The resources of a simulated Chargebee site, in the form in which its API and its events show them. */
import { exponentOf } from '../src/money/money.ts';
import type { SimulatedOrder } from './contract.ts';

export type Resource = {
  readonly id: string;
  readonly object: 'transaction' | 'invoice' | 'customer';
  updated_at: number;
  resource_version: number;
  deleted: boolean;
  [field: string]: unknown;
};

export type LinkedInvoice = { readonly invoice_id: string; applied_amount: number };

export type Transaction = Resource & {
  readonly object: 'transaction';
  readonly type: 'payment' | 'authorization' | 'refund' | 'payment_reversal';
  readonly amount: number;
  readonly currency_code: string;
  readonly customer_id: string;
  status: string;
  linked_invoices: LinkedInvoice[];
  linked_refunds: Record<string, unknown>[];
  linked_payments?: Record<string, unknown>[];
};

export type Invoice = Resource & {
  readonly object: 'invoice';
  total: number;
  amount_paid: number;
  status: string;
};

type Facts = Record<string, unknown>;

/** Hundredths, or whole units of a currency without decimals. @throws RangeError for what Chargebee cannot express. */
export function toChargebeeAmount(minor: bigint, currency: string): number {
  const divisor = 10n ** BigInt(Math.max(0, exponentOf(currency) - 2));
  if (minor % divisor !== 0n) throw new RangeError(`${minor} ${currency} has too many decimals`);
  return Number(minor / divisor);
}

export function toMinor(amount: number, currency: string): bigint {
  return BigInt(amount) * 10n ** BigInt(Math.max(0, exponentOf(currency) - 2));
}

export function newTransaction(
  id: string,
  money: { readonly amount: number; readonly currency_code: string; readonly customer_id: string },
  facts: Facts & Pick<Transaction, 'type' | 'status'>,
): Transaction {
  return {
    id,
    object: 'transaction',
    gateway_account_id: 'gw_SimAirworks',
    payment_method: 'card',
    gateway: 'stripe',
    exchange_rate: 1,
    base_currency_code: 'USD',
    amount_unused: 0,
    updated_at: 0,
    resource_version: 0,
    deleted: false,
    linked_invoices: [],
    linked_refunds: [],
    ...money,
    ...facts,
  };
}

export function newInvoice(
  id: string,
  order: SimulatedOrder,
  facts: { readonly date: number; readonly po_number?: string },
): Invoice {
  return {
    id,
    object: 'invoice',
    customer_id: order.customer.externalId,
    recurring: false,
    status: 'payment_due',
    price_type: 'tax_exclusive',
    due_date: facts.date + 14 * 86_400,
    exchange_rate: 1,
    total: 0,
    amount_paid: 0,
    amount_adjusted: 0,
    write_off_amount: 0,
    credits_applied: 0,
    updated_at: 0,
    resource_version: 0,
    deleted: false,
    currency_code: order.currency,
    base_currency_code: 'USD',
    ...facts,
  };
}

export function newCustomer({ customer }: SimulatedOrder, created_at: number): Resource {
  return {
    id: customer.externalId,
    object: 'customer',
    company: customer.name,
    email: customer.email,
    auto_collection: 'on',
    created_at,
    updated_at: 0,
    resource_version: 0,
    deleted: false,
  };
}
