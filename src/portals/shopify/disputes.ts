/** Disputes: chargebacks, which withdraw money, and inquiries, which do not. */

import type { z } from 'zod';
import type { Money } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { type GraphDispute, instant, orderGid, positiveMoney, type restDispute } from './wire.ts';

/** A dispute in the words both dialects share; `kind` and `status` in lower case. */
type Dispute = {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly amount: Money;
  readonly reason: string;
  readonly openedAt: string | null | undefined;
  readonly closedAt: string | null | undefined;
  /** The payment, where it is known, else the id under which its order stands for it. */
  readonly paymentId: string | null;
  readonly order: string | null;
};

export function disputeFromRest(dispute: z.output<typeof restDispute>): Dispute {
  return {
    id: dispute.id,
    kind: dispute.type.toLowerCase(),
    status: dispute.status.toLowerCase(),
    amount: positiveMoney({ amount: dispute.amount, currencyCode: dispute.currency }),
    reason: [dispute.reason, dispute.network_reason_code].filter(Boolean).join(': '),
    openedAt: dispute.initiated_at,
    closedAt: dispute.finalized_on,
    paymentId: null,
    order: dispute.order_id ? orderGid(dispute.order_id) : null,
  };
}

export function disputeFromGraph(dispute: GraphDispute): Dispute {
  const { order, reasonDetails } = dispute;
  return {
    id: dispute.id,
    kind: dispute.type.toLowerCase(),
    status: dispute.status.toLowerCase(),
    amount: positiveMoney(dispute.amount),
    reason: [reasonDetails?.reason?.toLowerCase(), reasonDetails?.networkReasonCode]
      .filter(Boolean)
      .join(': '),
    openedAt: dispute.initiatedAt,
    closedAt: dispute.finalizedOn,
    paymentId: order ? onlyPayment(order.transactions) : null,
    order: order ? orderGid(order.id) : null,
  };
}

/** The order's only receipt, or the only one through Shopify Payments, which alone has disputes. */
function onlyPayment(
  transactions: NonNullable<GraphDispute['order']>['transactions'],
): string | null {
  const received = transactions.filter(
    ({ kind, status }) => /^(sale|capture)$/i.test(kind) && /^success$/i.test(status),
  );
  const own = received.filter(({ gateway }) => gateway === 'shopify_payments');
  const [only, another] = own.length > 0 ? own : received;
  return only && !another ? only.id : null;
}

/** What a dispute becomes. `isNew`: the delivery that announces it, where even an inquiry is told. */
export function disputeState(dispute: Dispute, eventId: string): Normalized {
  const { id, kind, status } = dispute;
  if (kind !== 'chargeback' && kind !== 'inquiry') {
    return { quarantined: `dispute ${id} is of the type "${kind}", which is not known` };
  }
  switch (status) {
    case 'needs_response':
    case 'under_review':
      return { events: [opened(dispute, eventId)] };
    case 'won':
      return { events: [closed(dispute, 'dispute.won', eventId)] };
    case 'lost':
    case 'accepted':
      if (kind === 'chargeback') return { events: [closed(dispute, 'dispute.lost', eventId)] };
      return { ignored: `dispute ${id}: an inquiry that is ${status} moves no money by itself` };
    case 'charge_refunded':
      return { ignored: `dispute ${id}: the refund that ended it is told by its own transaction` };
    case 'prevented':
      return { ignored: `dispute ${id} was prevented: no money moved` };
    default:
      return { quarantined: `dispute ${id} has the status "${status}", which is not known` };
  }
}

/** Told by every open state alike: an inquiry may become a chargeback under the same id. */
function opened(dispute: Dispute, eventId: string): CanonicalEvent {
  return {
    ...disputeEvent(dispute, eventId),
    type: 'dispute.opened',
    occurredAt: instant(dispute.openedAt),
    fundsWithdrawn: dispute.kind === 'chargeback',
  };
}

function closed(
  dispute: Dispute,
  type: 'dispute.won' | 'dispute.lost',
  eventId: string,
): CanonicalEvent {
  return {
    ...disputeEvent(dispute, eventId),
    type,
    occurredAt: instant(dispute.closedAt, dispute.openedAt),
  };
}

function disputeEvent(
  { id, amount, paymentId, order, reason }: Dispute,
  eventId: string,
): Omit<CanonicalEvent, 'type' | 'occurredAt'> {
  const link = paymentId ?? order;
  return {
    externalPaymentId: paymentId,
    disputeId: id,
    eventId,
    amountMinor: amount.minor,
    currency: amount.currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: link ? { paymentExternalId: link } : {},
    ...(reason ? { reason } : {}),
  };
}
