/** The objects of a simulated Square seller, in Square's own shapes (Square-Version 2026-09-16). */
import type { SimulatedOrder } from './contract.ts';

/** A Square object: what the simulator itself reads and changes, beside all the fields it only shows. */
export type SquareObject = { readonly id: string; [field: string]: unknown };

export type Location = { readonly id: string; readonly currency: string; readonly name: string };

export type WireMoney = { readonly amount: number; readonly currency: string };

export function toMoney(minor: bigint, currency: string): WireMoney {
  return { amount: Number(minor), currency };
}

export function minorOf(money: unknown): bigint {
  return BigInt((money as WireMoney | undefined)?.amount ?? 0);
}

/** Square truncates nothing: RFC 3339 with milliseconds here, with none for payouts. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function newPayment(
  id: string,
  order: SimulatedOrder,
  facts: {
    readonly at: number;
    readonly location: Location;
    readonly orderId: string;
    readonly source: 'CARD' | 'WALLET' | 'BUY_NOW_PAY_LATER' | 'BANK_ACCOUNT';
    readonly product: string;
    readonly status: string;
    readonly referenceId: string | undefined;
    readonly note: string | undefined;
  },
): SquareObject {
  const { at, location, source, status } = facts;
  const money = toMoney(order.amountMinor, order.currency);
  return {
    id,
    created_at: iso(at),
    updated_at: iso(at),
    amount_money: money,
    total_money: money,
    ...(source === 'BANK_ACCOUNT' ? {} : { approved_money: money }),
    status,
    ...(source === 'CARD' ? { delay_duration: 'PT168H', delay_action: 'CANCEL' } : {}),
    source_type: source,
    ...sourceDetails(source, at),
    location_id: location.id,
    order_id: facts.orderId,
    ...(facts.referenceId === undefined ? {} : { reference_id: facts.referenceId.slice(0, 40) }),
    buyer_email_address: order.customer.email,
    ...(facts.note === undefined ? {} : { note: facts.note }),
    application_details: { square_product: facts.product, application_id: 'sq0idp-simulated' },
  };
}

function sourceDetails(source: string, at: number): Record<string, unknown> {
  switch (source) {
    case 'CARD':
      return {
        card_details: {
          status: 'AUTHORIZED',
          card: { card_brand: 'VISA', last_4: '1111', exp_month: 11, exp_year: 2029 },
          entry_method: 'KEYED',
          card_payment_timeline: { authorized_at: iso(at) },
        },
      };
    case 'WALLET':
      return { wallet_details: { status: 'AUTHORIZED', brand: 'CASH_APP' } };
    case 'BUY_NOW_PAY_LATER':
      return { buy_now_pay_later_details: { brand: 'AFTERPAY' } };
    default:
      return {
        bank_account_details: {
          bank_name: 'Test Bank',
          transfer_type: 'ACH',
          account_ownership_type: 'BUSINESS',
          country: 'US',
        },
      };
  }
}

export function newOrder(
  id: string,
  payment: { readonly id: string; readonly money: WireMoney },
  facts: { readonly at: number; readonly location: Location; readonly customerId: string },
): SquareObject {
  return {
    id,
    location_id: facts.location.id,
    source: { name: 'Simulated shop' },
    customer_id: facts.customerId,
    state: 'OPEN',
    version: 1,
    created_at: iso(facts.at),
    total_money: payment.money,
    tenders: [
      {
        id: payment.id,
        payment_id: payment.id,
        location_id: facts.location.id,
        type: 'OTHER',
        amount_money: payment.money,
      },
    ],
  };
}

export function newInvoice(
  id: string,
  order: SimulatedOrder,
  facts: { readonly at: number; readonly location: Location; readonly orderId: string },
): SquareObject {
  const money = toMoney(order.amountMinor, order.currency);
  return {
    id,
    version: 3,
    location_id: facts.location.id,
    order_id: facts.orderId,
    payment_requests: [
      {
        uid: `${id}-balance`,
        request_type: 'BALANCE',
        due_date: iso(facts.at + 30 * 86_400_000).slice(0, 10),
        computed_amount_money: money,
        total_completed_amount_money: money,
      },
    ],
    invoice_number: order.invoiceNumber,
    ...(order.memo === undefined ? {} : { title: order.memo }),
    status: 'PAID',
    timezone: 'America/New_York',
    created_at: iso(facts.at),
    updated_at: iso(facts.at),
    primary_recipient: {
      customer_id: order.customer.externalId,
      company_name: order.customer.name,
      email_address: order.customer.email,
    },
    ...(order.workOrder === undefined
      ? {}
      : { custom_fields: [{ label: 'Work order', value: order.workOrder }] }),
  };
}

export function newCustomer(order: SimulatedOrder): SquareObject {
  const { externalId, name, email } = order.customer;
  return { id: externalId, company_name: name, email_address: email };
}

export function newRefund(
  id: string,
  payment: SquareObject,
  facts: { readonly at: number; readonly money: WireMoney },
): SquareObject {
  return {
    id,
    status: 'PENDING',
    amount_money: facts.money,
    payment_id: payment.id,
    // A refund has an order of its own.
    order_id: `refund-of-${String(payment.order_id)}`,
    reason: 'Credit note',
    location_id: payment.location_id,
    created_at: iso(facts.at),
    updated_at: iso(facts.at),
    destination_type: payment.source_type,
  };
}

export function newDispute(
  id: string,
  payment: SquareObject,
  facts: { readonly at: number; readonly money: WireMoney; readonly state: string },
): SquareObject {
  return {
    id,
    amount_money: facts.money,
    reason: 'NOT_AS_DESCRIBED',
    state: facts.state,
    due_at: iso(facts.at + 14 * 86_400_000),
    disputed_payment: { payment_id: payment.id },
    card_brand: 'VISA',
    created_at: iso(facts.at),
    updated_at: iso(facts.at),
    reported_at: iso(facts.at),
    version: 1,
    location_id: payment.location_id,
  };
}

export function newPayout(
  id: string,
  facts: { readonly at: number; readonly location: Location; readonly amountMinor: bigint },
): SquareObject {
  const created = iso(facts.at).replace(/\.\d+Z$/, 'Z');
  return {
    id,
    status: 'SENT',
    location_id: facts.location.id,
    created_at: created,
    updated_at: created,
    // The published samples name the currency so.
    amount_money: { amount: Number(facts.amountMinor), currency_code: facts.location.currency },
    destination: { type: 'BANK_ACCOUNT', id: 'bact:simulated' },
    version: 1,
    type: 'BATCH',
    payout_fee: [],
    arrival_date: created.slice(0, 10),
  };
}
