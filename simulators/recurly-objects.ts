/** The resources of a simulated Recurly site, in the form in which API v3 shows them. */
import { toDecimalText } from '../src/money/money.ts';
import type { SimulatedOrder } from './contract.ts';

export type Resource = {
  readonly id: string;
  readonly object: 'transaction' | 'invoice' | 'account';
  updated_at: string;
  [field: string]: unknown;
};

export type Transaction = Resource & {
  readonly object: 'transaction';
  readonly uuid: string;
  readonly original_transaction_id: string | null;
  readonly account: AccountMini;
  readonly invoice: { readonly id: string; readonly number: string } | null;
  type: 'purchase' | 'capture' | 'authorization' | 'refund' | 'verify';
  readonly origin: string;
  readonly currency: string;
  readonly amount: number;
  status: string;
};

export type AccountMini = {
  readonly id: string;
  readonly object: 'account';
  readonly code: string;
  readonly email: string;
  readonly company: string;
};

export type Invoice = Resource & {
  readonly object: 'invoice';
  readonly uuid: string;
  readonly number: string;
  state: string;
};

/** Recurly's instants have seconds. */
export function instant(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

/** Major units as a JSON number, whose shortest text is exact for every amount that people pay. */
export function amountOf(minor: bigint, currency: string): number {
  return Number(toDecimalText({ minor, currency }));
}

export function newAccount(id: string, { customer }: SimulatedOrder, at: Date): Resource {
  return {
    ...accountMini(id, { customer }),
    state: 'active',
    created_at: instant(at),
    updated_at: instant(at),
    deleted_at: null,
  };
}

export function accountMini(
  id: string,
  { customer }: Pick<SimulatedOrder, 'customer'>,
): AccountMini & { readonly first_name: null; readonly last_name: null } {
  return {
    id,
    object: 'account',
    code: customer.externalId,
    email: customer.email,
    first_name: null,
    last_name: null,
    company: customer.name,
  };
}

export function newInvoice(
  ids: { readonly id: string; readonly uuid: string; readonly number: string },
  account: AccountMini,
  facts: { readonly currency: string; readonly total: number; readonly po_number: string | null },
  at: Date,
): Invoice {
  return {
    ...ids,
    object: 'invoice',
    type: 'charge',
    origin: 'purchase',
    state: 'open',
    account,
    collection_method: 'automatic',
    net_terms: 14,
    ...facts,
    subtotal: facts.total,
    tax: 0,
    paid: 0,
    balance: facts.total,
    credit_payments: [],
    line_items: [],
    created_at: instant(at),
    updated_at: instant(at),
    due_at: instant(new Date(at.getTime() + 14 * 86_400_000)),
    closed_at: null,
  };
}

export function newTransaction(
  ids: { readonly id: string; readonly uuid: string },
  facts: Pick<Transaction, 'account' | 'type' | 'currency' | 'amount' | 'status'> &
    Readonly<Record<string, unknown>>,
  at: Date,
): Transaction {
  return {
    ...ids,
    object: 'transaction',
    original_transaction_id: null,
    invoice: null,
    voided_by_invoice: null,
    subscription_ids: [],
    origin: 'api',
    description: null,
    success: facts.status === 'success',
    refunded: false,
    collection_method: 'automatic',
    payment_method: { object: 'credit_card', card_type: 'Visa', last_four: '4242' },
    status_code: null,
    status_message: null,
    gateway_message: null,
    gateway_reference: `ch_${ids.id}`,
    gateway_response_time: 0.61,
    created_at: instant(at),
    updated_at: instant(at),
    voided_at: null,
    collected_at: null,
    ...facts,
  };
}
