/** What each document becomes: deliveries by their topic, pulled and fetched records by their kind. */
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { balanceTransactionState, payoutState } from './account.ts';
import { disputeFromGraph, disputeFromRest, disputeState } from './disputes.ts';
import { graphOrderFacts, paidOrder, unknownOrder } from './orders.ts';
import { canAsk, type Settings } from './settings.ts';
import { fromGraph, fromRest, transactionState } from './transactions.ts';
import { shopifyHeader } from './webhook.ts';
import {
  gidOf,
  graphBalanceTransaction,
  graphDispute,
  graphOrder,
  graphPayout,
  member,
  restDispute,
  restOrder,
  restRefund,
  restTransaction,
} from './wire.ts';

/** @throws WireMismatch, UnknownCurrency, MalformedAmount: the document is quarantined with their message */
export function normalize(document: PortalDocument, settings: Settings): Normalized {
  const topic = shopifyHeader(document.headers, 'topic')?.toLowerCase();
  const whole = parseExactJson(document.body);
  if (topic === undefined) return recordState(whole, settings);
  return delivery(
    whole,
    { topic, webhookId: shopifyHeader(document.headers, 'webhookId') },
    settings,
  );
}

type Delivered = { readonly topic: string; readonly webhookId: string | undefined };

function delivery(whole: unknown, { topic, webhookId }: Delivered, settings: Settings): Normalized {
  switch (topic) {
    case 'order_transactions/create': {
      const transaction = fromRest(readWire(restTransaction, whole), null);
      const eventId = webhookId ?? `shopify:${transaction.id}:${transaction.status}`;
      const order = unknownOrder(transaction.orderId);
      const state = transactionState(transaction, eventId, order, settings);
      return withOrder(state, transaction.orderId, settings);
    }
    case 'refunds/create':
      return refunds(whole, webhookId, settings);
    case 'orders/paid':
      return orderPaid(whole, webhookId, settings);
    case 'orders/updated':
    case 'orders/cancelled': {
      const { id } = readWire(restOrder.pick({ id: true }), whole);
      return canAsk(settings)
        ? { fetch: [{ entity: 'order', id }] }
        : { ignored: `${topic} of ${id}: its money is told by its transactions` };
    }
    case 'disputes/create':
    case 'disputes/update': {
      const dispute = disputeFromRest(readWire(restDispute, whole));
      return disputeState(dispute, webhookId ?? `shopify:dispute:${dispute.id}:${dispute.status}`);
    }
    case 'tender_transactions/create':
      return { ignored: 'tender_transactions/create is a second view of order transactions' };
    default:
      return { ignored: `${topic.slice(0, 100)} tells of no money` };
  }
}

/** The money from the signed body; whom it is from and what it pays, by asking for its order. */
function withOrder(state: Normalized, orderId: string | null, settings: Settings): Normalized {
  if (!('events' in state) || orderId === null || !canAsk(settings)) return state;
  return { ...state, fetch: [{ entity: 'order', id: orderId }] };
}

/** The transactions are those that `order_transactions/create` tells of as well, under the same ids. */
function refunds(whole: unknown, webhookId: string | undefined, settings: Settings): Normalized {
  const { id, order_id, transactions } = readWire(restRefund, whole);
  const events: CanonicalEvent[] = [];
  const ignored: string[] = [];
  for (const one of transactions ?? []) {
    const transaction = fromRest(one, order_id);
    const eventId = webhookId
      ? `${webhookId}:${transaction.id}`
      : `shopify:${transaction.id}:${transaction.status}`;
    const order = unknownOrder(transaction.orderId);
    const state = transactionState(transaction, eventId, order, settings);
    if ('quarantined' in state) return state;
    if ('events' in state) events.push(...state.events);
    if ('ignored' in state) ignored.push(state.ignored);
  }
  if (events.length > 0) return { events };
  return { ignored: ignored.join('; ') || `refund ${id} gave no money back` };
}

function orderPaid(whole: unknown, webhookId: string | undefined, settings: Settings): Normalized {
  const order = readWire(restOrder, whole);
  if (order.test && settings.environment === 'production') {
    return { ignored: `order ${order.id} is a test, and this connection is for production` };
  }
  if (canAsk(settings)) return { fetch: [{ entity: 'order', id: order.id }] };
  return paidOrder(order, webhookId ?? `shopify:order:${order.id}:paid`, settings);
}

/** A record of a GraphQL answer; `split` left one transaction in each order. */
function recordState(whole: unknown, settings: Settings): Normalized {
  const gid = gidOf(member(whole, 'id'));
  switch (gid?.type) {
    case 'Order': {
      const order = readWire(graphOrder, whole);
      const [first] = order.transactions;
      if (!first) return { ignored: `order ${order.id} has no transactions` };
      const transaction = fromGraph(first, order.id);
      const eventId = `shopify:${transaction.id}:${transaction.status}`;
      return transactionState(transaction, eventId, graphOrderFacts(order, settings), settings);
    }
    case 'ShopifyPaymentsDispute': {
      const dispute = disputeFromGraph(readWire(graphDispute, whole));
      return disputeState(dispute, `shopify:dispute:${dispute.id}:${dispute.status}`);
    }
    case 'ShopifyPaymentsPayout':
      return payoutState(readWire(graphPayout, whole));
    case 'ShopifyPaymentsBalanceTransaction':
      return balanceTransactionState(readWire(graphBalanceTransaction, whole));
    default:
      return { quarantined: notOurs(whole) };
  }
}

function notOurs(whole: unknown): string {
  return member(whole, 'errors') === undefined
    ? 'it has neither a topic in its headers nor an id of the Admin API'
    : 'it is an error of the Admin API, not a record';
}
