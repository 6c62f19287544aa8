/** The simulated PayPal's objects as they look on the wire, in both generations. */
import { toDecimalText } from '../src/money/money.ts';
import {
  feeOf,
  type PaypalDispute,
  type PaypalPayment,
  type PaypalPayout,
  type PaypalRefund,
  type PaypalWorld,
  refundedOf,
} from './paypal-world.ts';

const HOST = 'https://api.paypal.com';

export const v2 = (minor: bigint, currency: string) => ({
  currency_code: currency,
  value: toDecimalText({ minor, currency }),
});
const v1 = (minor: bigint, currency: string) => ({
  total: toDecimalText({ minor, currency }),
  currency,
});
const link = (path: string, rel: string, method = 'GET') => ({
  href: `${HOST}${path}`,
  rel,
  method,
});

/** Whole seconds, in UTC. */
export const stamp = (at: Date): string => at.toISOString().replace(/\.\d{3}Z$/, 'Z');
/** As many resources write it: Pacific time with its offset. */
export const pacific = (at: Date): string =>
  new Date(at.getTime() - 8 * 3_600_000).toISOString().replace(/\.\d{3}Z$/, '-08:00');

const STATUS = {
  pending: 'PENDING',
  authorized: 'CREATED',
  succeeded: 'COMPLETED',
  failed: 'DECLINED',
  voided: 'VOIDED',
} as const;

/** A v2 capture, or a v1 sale. */
export function wirePayment(payment: PaypalPayment): Record<string, unknown> {
  return payment.generation === 'v1' ? wireSale(payment) : wireCapture(payment);
}

function wireCapture(payment: PaypalPayment): Record<string, unknown> {
  const { order, id, orderId, authorizationId, status } = payment;
  const { amountMinor, currency } = order;
  const fee = feeOf(payment);
  const refunded = refundedOf(payment);
  const whole = refunded === amountMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  return {
    payee: { email_address: 'office@airworks-repair.example', merchant_id: 'X5XAHHCG636FA' },
    amount: v2(amountMinor, currency),
    seller_protection: { status: 'ELIGIBLE' },
    supplementary_data: {
      related_ids: {
        order_id: orderId,
        ...(authorizationId === null ? {} : { authorization_id: authorizationId }),
      },
    },
    create_time: stamp(payment.paidAt ?? payment.createdAt),
    update_time: stamp(payment.changedAt),
    final_capture: true,
    ...(fee === null
      ? {}
      : {
          seller_receivable_breakdown: {
            gross_amount: v2(amountMinor, currency),
            paypal_fee: v2(fee, currency),
            net_amount: v2(amountMinor - fee, currency),
          },
        }),
    ...(order.invoiceNumber === undefined ? {} : { invoice_id: order.invoiceNumber }),
    ...(order.workOrder === undefined ? {} : { custom_id: order.workOrder }),
    links: [
      link(`/v2/payments/captures/${id}`, 'self'),
      authorizationId === null
        ? link(`/v2/checkout/orders/${orderId}`, 'up')
        : link(`/v2/payments/authorizations/${authorizationId}`, 'up'),
    ],
    id,
    status: refunded > 0n ? whole : STATUS[status],
    ...(status === 'pending' ? { status_details: { reason: 'ECHECK' } } : {}),
  };
}

function wireSale(payment: PaypalPayment): Record<string, unknown> {
  const { order, id, status } = payment;
  const fee = feeOf(payment);
  const state = { pending: 'pending', succeeded: 'completed', failed: 'denied' };
  return {
    amount: v1(order.amountMinor, order.currency),
    payment_mode: status === 'pending' ? 'ECHECK' : 'INSTANT_TRANSFER',
    create_time: stamp(payment.createdAt),
    update_time: stamp(payment.changedAt),
    ...(fee === null
      ? {}
      : {
          transaction_fee: {
            value: toDecimalText({ minor: fee, currency: order.currency }),
            currency: order.currency,
          },
        }),
    ...(order.invoiceNumber === undefined ? {} : { invoice_number: order.invoiceNumber }),
    ...(order.workOrder === undefined ? {} : { custom: order.workOrder }),
    id,
    state: state[status as keyof typeof state],
    links: [link(`/v1/payments/sale/${id}`, 'self')],
  };
}

/** A v2 authorization. */
export function wireAuthorization(payment: PaypalPayment): Record<string, unknown> {
  const { order, authorizationId, orderId, status } = payment;
  return {
    id: authorizationId,
    status: payment.id === null ? STATUS[status] : 'CAPTURED',
    amount: v2(order.amountMinor, order.currency),
    ...(order.invoiceNumber === undefined ? {} : { invoice_id: order.invoiceNumber }),
    ...(order.workOrder === undefined ? {} : { custom_id: order.workOrder }),
    supplementary_data: { related_ids: { order_id: orderId } },
    create_time: stamp(payment.createdAt),
    update_time: stamp(payment.changedAt),
    links: [link(`/v2/payments/authorizations/${authorizationId}`, 'self')],
  };
}

/** A refund in its payment's generation; v1 writes its amount below zero. */
export function wireRefund(
  payment: PaypalPayment,
  refund: PaypalRefund,
  status: string = refund.status,
): Record<string, unknown> {
  const { id, amountMinor, at, changedAt } = refund;
  const { currency } = payment.order;
  if (payment.generation === 'v1') {
    return {
      sale_id: payment.id,
      id,
      state: status.toLowerCase(),
      amount: v1(-amountMinor, currency),
      create_time: stamp(at),
      update_time: stamp(changedAt),
      links: [link(`/v1/payments/refund/${id}`, 'self')],
    };
  }
  return {
    seller_payable_breakdown: {
      gross_amount: v2(amountMinor, currency),
      paypal_fee: v2(0n, currency),
      net_amount: v2(amountMinor, currency),
    },
    amount: v2(amountMinor, currency),
    create_time: pacific(at),
    update_time: pacific(changedAt),
    links: [
      link(`/v2/payments/refunds/${id}`, 'self'),
      link(`/v2/payments/captures/${payment.id}`, 'up'),
    ],
    id,
    status,
  };
}

export function wireDispute(
  payment: PaypalPayment,
  dispute: PaypalDispute,
): Record<string, unknown> {
  const { currency } = payment.order;
  const { id, stage, amountMinor, at, changedAt, movements, outcome } = dispute;
  return {
    disputed_transactions: [
      { buyer_transaction_id: '3BC38643YC807283D', seller_transaction_id: payment.id, items: [] },
    ],
    reason: 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
    dispute_channel: stage === 'CHARGEBACK' ? 'EXTERNAL' : 'INTERNAL',
    create_time: at.toISOString(),
    update_time: changedAt.toISOString(),
    dispute_amount: v2(amountMinor, currency),
    dispute_id: id,
    dispute_life_cycle_stage: stage,
    status: outcome === null ? 'OPEN' : 'RESOLVED',
    ...(outcome === null ? {} : { dispute_outcome: { outcome_code: outcome } }),
    ...(movements.length === 0
      ? {}
      : {
          money_movements: movements.map(({ type, reason, amountMinor: moved }) => ({
            affected_party: 'SELLER',
            amount: v2(moved, currency),
            initiated_time: changedAt.toISOString(),
            type,
            reason,
          })),
        }),
    links: [link(`/v1/customer/disputes/${id}`, 'self')],
  };
}

/** The order of a payment, which alone names the payer. */
export function wireOrder(payment: PaypalPayment): Record<string, unknown> {
  const { customer, amountMinor, currency } = payment.order;
  const { id, authorizationId } = payment;
  const inside = { ...wirePayment(payment), supplementary_data: undefined };
  return {
    id: payment.orderId,
    intent: authorizationId === null ? 'CAPTURE' : 'AUTHORIZE',
    status: 'COMPLETED',
    payment_source: {
      paypal: { account_id: customer.externalId, business_name: customer.name },
    },
    purchase_units: [
      {
        reference_id: 'default',
        amount: v2(amountMinor, currency),
        payments: {
          ...(id === null ? {} : { captures: [inside] }),
          ...(authorizationId === null ? {} : { authorizations: [wireAuthorization(payment)] }),
        },
      },
    ],
    payer: { payer_id: customer.externalId, email_address: customer.email },
    create_time: stamp(payment.createdAt),
    links: [link(`/v2/checkout/orders/${payment.orderId}`, 'self')],
  };
}

/** A PayPal invoice that the payment paid. */
export function wireInvoice(payment: PaypalPayment): Record<string, unknown> {
  const { order, id, orderId } = payment;
  const { amountMinor, currency, customer } = order;
  return {
    id: `INV2-${orderId}`,
    status: 'PAID',
    detail: {
      currency_code: currency,
      invoice_number: order.invoiceNumber,
      ...(order.workOrder === undefined ? {} : { reference: order.workOrder }),
      metadata: { create_time: stamp(payment.createdAt) },
    },
    primary_recipients: [
      { billing_info: { business_name: customer.name, email_address: customer.email } },
    ],
    items: [{ name: 'Work', quantity: '1', unit_amount: v2(amountMinor, currency) }],
    amount: v2(amountMinor, currency),
    payments: {
      paid_amount: v2(amountMinor, currency),
      transactions: [
        {
          type: 'PAYPAL',
          payment_id: id,
          transaction_type: 'SALE',
          payment_date: payment.changedAt.toISOString().slice(0, 10),
          method: 'PAYPAL',
          amount: v2(amountMinor, currency),
          transaction_status: 'SUCCESS',
        },
      ],
    },
  };
}

type Row = { readonly at: Date; readonly affectsBalance: boolean; readonly wire: object };

/** All transactions of the account, as Transaction Search lists them: in the order of their first day. */
export function wireTransactions({ payments, payouts }: PaypalWorld): readonly Row[] {
  return [...payments.flatMap(rowsOfPayment), ...payouts.flatMap(rowsOfPayout)].sort(
    (a, b) => a.at.getTime() - b.at.getTime(),
  );
}

function row(
  at: Date,
  facts: {
    readonly id: string;
    readonly code: string;
    readonly status: 'S' | 'P' | 'D' | 'V';
    readonly amountMinor: bigint;
    readonly currency: string;
    readonly changedAt?: Date;
    readonly more?: object;
    readonly payer?: object;
  },
): Row {
  const date = (instant: Date) => pacific(instant).replace('-08:00', '-0800');
  const { id, code, status, amountMinor, currency, changedAt, more, payer } = facts;
  return {
    at,
    affectsBalance: status !== 'P' && !code.startsWith('T13'),
    wire: {
      transaction_info: {
        transaction_id: id,
        transaction_event_code: code,
        transaction_initiation_date: date(at),
        transaction_updated_date: date(changedAt ?? at),
        transaction_amount: v2(amountMinor, currency),
        transaction_status: status,
        ...more,
      },
      payer_info: payer ?? { address_status: 'N', payer_name: {} },
      shipping_info: {},
      cart_info: {},
    },
  };
}

const ROW_STATUS = {
  pending: 'P',
  authorized: 'P',
  succeeded: 'S',
  failed: 'D',
  voided: 'V',
} as const;

function rowsOfPayment(payment: PaypalPayment): readonly Row[] {
  const { order, id, authorizationId, status } = payment;
  const { currency, amountMinor, customer, invoiceNumber, workOrder, memo } = order;
  const about = {
    ...(invoiceNumber === undefined ? {} : { invoice_id: invoiceNumber }),
    ...(workOrder === undefined ? {} : { custom_field: workOrder }),
    ...(memo === undefined ? {} : { transaction_note: memo }),
  };
  const payer = {
    account_id: customer.externalId,
    email_address: customer.email,
    payer_name: { alternate_full_name: customer.name },
  };
  const common = { amountMinor, currency, payer };
  const rows: Row[] = [];
  if (authorizationId !== null) {
    const state = status === 'succeeded' ? 'S' : ROW_STATUS[status];
    const facts = { id: authorizationId, code: 'T1300', status: state, more: about } as const;
    rows.push(row(payment.createdAt, { ...common, ...facts, changedAt: payment.changedAt }));
  }
  if (id === null) return rows;
  const fee = feeOf(payment);
  const reference = { paypal_reference_id: authorizationId, paypal_reference_id_type: 'TXN' };
  const whole = refundedOf(payment) === amountMinor;
  rows.push(
    row(payment.paidAt ?? payment.createdAt, {
      ...common,
      id,
      code: payment.generation === 'v1' ? 'T0002' : 'T0006',
      status: whole ? 'V' : ROW_STATUS[status],
      changedAt: payment.changedAt,
      more: {
        ...about,
        instrument_type: 'PAYPAL',
        ...(fee === null ? {} : { fee_amount: v2(-fee, currency) }),
        ...(authorizationId === null ? {} : reference),
      },
    }),
    ...payment.refunds.map((refund) =>
      row(refund.at, {
        id: refund.id,
        code: refund.reversal ? 'T1106' : 'T1107',
        status: refund.status === 'COMPLETED' ? 'S' : 'D',
        amountMinor: -refund.amountMinor,
        currency,
        changedAt: refund.changedAt,
        more: { paypal_reference_id: id, paypal_reference_id_type: 'TXN' },
      }),
    ),
  );
  return rows;
}

function rowsOfPayout(payout: PaypalPayout): readonly Row[] {
  const { id, currency, amountMinor, at, returnedBy } = payout;
  const common = { currency, status: 'S' } as const;
  const made = row(at, { ...common, id, code: 'T0400', amountMinor: -amountMinor });
  if (returnedBy === null) return [made];
  const more = { paypal_reference_id: id, paypal_reference_id_type: 'TXN' };
  return [made, row(at, { ...common, id: returnedBy, code: 'T1101', amountMinor, more })];
}
