/** The simulated shop's objects on the wire: webhook bodies as of the REST API, and GraphQL records. */
import { toDecimalText } from '../src/money/money.ts';
import type {
  ShopDispute,
  ShopMovement,
  ShopOrder,
  ShopPayout,
  ShopTransaction,
} from './shopify-world.ts';

/** Webhooks tell the shop's own time, in whole seconds. */
function shopTime(at: Date): string {
  const local = new Date(at.getTime() - 5 * 3_600_000).toISOString();
  return local.replace(/\.\d{3}Z$/, '-05:00');
}

/** GraphQL tells UTC, in whole seconds. */
export function utc(at: Date): string {
  return at.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

const gid = (type: string, id: string): string => `gid://shopify/${type}/${id}`;

/** Manual gateways know no card. */
const isManual = ({ gateway, authorization }: ShopTransaction): boolean =>
  gateway !== 'shopify_payments' && authorization === undefined;

/** Shortest form with at least one digit after the point, as GraphQL prints decimals: `1284.5`, `1000.0`. */
function shortDecimal(minor: bigint, currency: string): string {
  const text = toDecimalText({ minor, currency });
  const whole = text.includes('.') ? text : `${text}.0`;
  return whole.replace(/(\.\d+?)0+$/, '$1');
}

const money = (minor: bigint, currency: string) => ({
  amount: shortDecimal(minor, currency),
  currencyCode: currency,
});

export function restTransaction(order: ShopOrder, transaction: ShopTransaction) {
  const { currency } = order.order;
  const time = shopTime(transaction.at);
  return {
    id: Number(transaction.id),
    order_id: Number(order.id),
    kind: transaction.kind,
    gateway: transaction.gateway,
    status: transaction.status,
    message: 'Transaction approved',
    created_at: time,
    test: false,
    parent_id: transaction.parentId === null ? null : Number(transaction.parentId),
    processed_at: time,
    error_code: null,
    source_name: 'web',
    payment_details: isManual(transaction)
      ? null
      : {
          credit_card_number: '•••• •••• •••• 4242',
          credit_card_company: 'Visa',
          credit_card_wallet: null,
          payment_method_name: 'visa',
        },
    authorization: transaction.authorization || null,
    receipt: {},
    amount: toDecimalText({ minor: transaction.amountMinor, currency }),
    currency,
    payment_id: `${order.name}.1`,
    manual_payment_gateway: isManual(transaction),
    admin_graphql_api_id: gid('OrderTransaction', transaction.id),
  };
}

/** The key and value of what the order's maker put on it. */
function attributesOf({ order, usesPoNumber }: ShopOrder): readonly (readonly [string, string])[] {
  const { invoiceNumber, workOrder } = order;
  return [
    ...(invoiceNumber === undefined ? [] : [['invoice_number', invoiceNumber] as const]),
    ...(workOrder === undefined || usesPoNumber ? [] : [['work_order', workOrder] as const]),
  ];
}

const poNumberOf = ({ order, usesPoNumber }: ShopOrder): string | null =>
  usesPoNumber ? (order.workOrder ?? null) : null;

export function restOrder(order: ShopOrder) {
  const { amountMinor, currency, customer, memo } = order.order;
  const amount = toDecimalText({ minor: amountMinor, currency });
  const bag = {
    shop_money: { amount, currency_code: currency },
    presentment_money: { amount, currency_code: currency },
  };
  return {
    id: Number(order.id),
    admin_graphql_api_id: gid('Order', order.id),
    created_at: shopTime(order.createdAt),
    currency,
    email: customer.email,
    financial_status: 'paid',
    name: order.name,
    note: memo ?? null,
    note_attributes: attributesOf(order).map(([name, value]) => ({ name, value })),
    payment_gateway_names: [...new Set(order.transactions.map(({ gateway }) => gateway))],
    po_number: poNumberOf(order),
    presentment_currency: currency,
    processed_at: shopTime(order.createdAt),
    test: false,
    total_outstanding: toDecimalText({ minor: 0n, currency }),
    total_price: amount,
    total_price_set: bag,
    updated_at: shopTime(order.updatedAt),
    billing_address: { company: customer.name, name: customer.name },
    customer: {
      id: Number(order.customerId),
      email: customer.email,
      first_name: null,
      last_name: null,
    },
  };
}

export function restRefund(order: ShopOrder, refundId: string, transaction: ShopTransaction) {
  return {
    id: Number(refundId),
    order_id: Number(order.id),
    created_at: shopTime(transaction.at),
    order_adjustments: [],
    refund_line_items: [],
    transactions: [restTransaction(order, transaction)],
  };
}

export function restDispute(dispute: ShopDispute) {
  return {
    id: Number(dispute.id),
    order_id: Number(dispute.orderId),
    type: 'chargeback',
    amount: toDecimalText({ minor: dispute.amountMinor, currency: dispute.currency }),
    currency: dispute.currency,
    reason: 'fraudulent',
    network_reason_code: '10.4',
    status: dispute.status,
    evidence_sent_on: null,
    finalized_on: dispute.closedAt && shopTime(dispute.closedAt),
    initiated_at: shopTime(dispute.at),
  };
}

export function graphTransaction(order: ShopOrder, transaction: ShopTransaction) {
  const { currency } = order.order;
  const amount = money(transaction.amountMinor, currency);
  return {
    id: gid('OrderTransaction', transaction.id),
    kind: transaction.kind.toUpperCase(),
    status: transaction.status.toUpperCase(),
    gateway: transaction.gateway,
    test: false,
    createdAt: utc(transaction.at),
    processedAt: utc(transaction.at),
    errorCode: null,
    paymentId: `${order.name}.1`,
    parentTransaction: transaction.parentId && {
      id: gid('OrderTransaction', transaction.parentId),
    },
    amountSet: { shopMoney: amount, presentmentMoney: amount },
    fees:
      order.tellsFees && transaction.feeMinor > 0n
        ? [{ type: 'processing_fee', amount: money(transaction.feeMinor, currency) }]
        : [],
  };
}

export function graphOrder(order: ShopOrder) {
  const { customer, memo } = order.order;
  return {
    id: gid('Order', order.id),
    legacyResourceId: order.id,
    name: order.name,
    poNumber: poNumberOf(order),
    note: memo ?? null,
    email: customer.email,
    customAttributes: attributesOf(order).map(([key, value]) => ({ key, value })),
    updatedAt: utc(order.updatedAt),
    test: false,
    customer: {
      id: gid('Customer', order.customerId),
      displayName: customer.name,
      defaultEmailAddress: { emailAddress: customer.email },
    },
    billingAddress: { company: customer.name },
    transactions: order.transactions.map((one) => graphTransaction(order, one)),
  };
}

export function graphDispute(dispute: ShopDispute, order: ShopOrder) {
  return {
    id: gid('ShopifyPaymentsDispute', dispute.id),
    type: 'CHARGEBACK',
    status: dispute.status.toUpperCase(),
    amount: money(dispute.amountMinor, dispute.currency),
    initiatedAt: utc(dispute.at),
    finalizedOn: dispute.closedAt && utc(dispute.closedAt).slice(0, 10),
    reasonDetails: { reason: 'FRAUDULENT', networkReasonCode: '10.4' },
    order: {
      id: gid('Order', order.id),
      transactions: order.transactions.map((one) => graphTransaction(order, one)),
    },
  };
}

export function graphPayout(payout: ShopPayout) {
  return {
    id: gid('ShopifyPaymentsPayout', payout.externalId),
    legacyResourceId: payout.externalId,
    issuedAt: utc(payout.at),
    status: 'PAID',
    transactionType: payout.amountMinor < 0n ? 'WITHDRAWAL' : 'DEPOSIT',
    net: money(payout.amountMinor, payout.currency),
  };
}

export function graphMovement(movement: ShopMovement) {
  const { order, source } = movement;
  const { currency } = order.order;
  return {
    id: gid('ShopifyPaymentsBalanceTransaction', movement.id),
    type: movement.type,
    test: false,
    transactionDate: utc(movement.at),
    amount: money(movement.amountMinor, currency),
    fee: money(movement.feeMinor, currency),
    net: money(movement.amountMinor - movement.feeMinor, currency),
    sourceType: source.type,
    sourceId: source.id,
    sourceOrderTransactionId: movement.transactionId,
    associatedOrder: { id: gid('Order', order.id), name: order.name },
    associatedPayout: null,
  };
}
