/** Shopify Payments' own account: payouts to the bank, and what was kept of each movement. */
import type { z } from 'zod';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import {
  type graphBalanceTransaction,
  type graphPayout,
  instant,
  orderGid,
  shopMoney,
} from './wire.ts';

const UNDECIDED: ReadonlySet<string> = new Set(['SCHEDULED', 'IN_TRANSIT']);

export function payoutState(payout: z.output<typeof graphPayout>): Normalized {
  const { id, status, transactionType, net } = payout;
  if (UNDECIDED.has(status)) return { ignored: `payout ${id} is ${status.toLowerCase()}` };
  if (!['PAID', 'FAILED', 'CANCELED'].includes(status)) {
    return { quarantined: `payout ${id} has the status "${status}", which is not known` };
  }
  if (transactionType !== 'DEPOSIT' && transactionType !== 'WITHDRAWAL') {
    return { quarantined: `payout ${id} is a "${transactionType}", which is not known` };
  }
  const { minor, currency } = shopMoney(net.amount, net.currencyCode);
  if (minor === 0n) return { ignored: `payout ${id} is of zero` };
  if (transactionType === 'DEPOSIT' && minor < 0n) {
    return { quarantined: `payout ${id} is a deposit of ${net.amount}: they contradict` };
  }
  const size = minor < 0n ? -minor : minor;
  const event: CanonicalEvent = {
    type: status === 'PAID' ? 'payout.paid' : 'payout.failed',
    externalPaymentId: null,
    payoutId: id,
    eventId: `shopify:payout:${id}:${status.toLowerCase()}`,
    occurredAt: instant(payout.issuedAt),
    amountMinor: transactionType === 'WITHDRAWAL' ? -size : size,
    currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
  };
  return { events: [event] };
}

type BalanceTransaction = z.output<typeof graphBalanceTransaction>;

/**
 * Only what was kept: money is told by transactions, disputes and payouts themselves. The fee of a charge is its
 * payment's; that of a dispute is told with the withdrawal, and comes back with the reversal.
 */
export function balanceTransactionState(movement: BalanceTransaction): Normalized {
  const { id, type, sourceType, sourceOrderTransactionId: paymentId } = movement;
  if (movement.test) return { ignored: `balance transaction ${id} is a test` };
  const kind = (sourceType ?? type).toUpperCase();
  if (kind === 'CHARGE' && type.toUpperCase() === 'CHARGE') {
    if (!paymentId)
      return { ignored: `balance transaction ${id}: a charge that names no transaction` };
    return { events: [feeOfPayment(movement, paymentId)] };
  }
  if (kind === 'DISPUTE') return disputeFee(movement);
  return {
    ignored: `balance transaction ${id} is a ${type.toLowerCase()}: told elsewhere, or no fee of a payment`,
  };
}

function feeOfPayment(movement: BalanceTransaction, paymentId: string): CanonicalEvent {
  return { ...keptOf(movement), type: 'payment.referenced', externalPaymentId: paymentId };
}

function disputeFee(movement: BalanceTransaction): Normalized {
  const { id, sourceId, sourceOrderTransactionId: paymentId, associatedOrder } = movement;
  const kept = keptOf(movement);
  const fee = kept.feeMinor ?? 0n;
  const moved = shopMoney(movement.amount.amount, movement.amount.currencyCode).minor;
  if (!sourceId || fee === 0n || moved === 0n) {
    return { ignored: `balance transaction ${id}: nothing was kept for a dispute` };
  }
  // The order is named even beside its transaction, as every other document of the dispute names it.
  const link = paymentId ?? (associatedOrder ? orderGid(associatedOrder.id) : undefined);
  const event: CanonicalEvent = {
    ...kept,
    type: moved < 0n ? 'dispute.opened' : 'dispute.won',
    externalPaymentId: paymentId ?? null,
    disputeId: sourceId,
    links: link ? { paymentExternalId: link } : {},
    // What comes back with a reversal is the fee: nothing of it is left.
    feeMinor: moved < 0n ? fee : 0n,
    ...(moved < 0n ? { fundsWithdrawn: true } : {}),
  };
  return { events: [event] };
}

function keptOf(movement: BalanceTransaction): Omit<CanonicalEvent, 'type' | 'externalPaymentId'> {
  const { id, amount, fee } = movement;
  const { minor, currency } = shopMoney(amount.amount, amount.currencyCode);
  const kept = shopMoney(fee.amount, fee.currencyCode);
  return {
    eventId: `shopify:balance:${id}`,
    occurredAt: instant(movement.transactionDate),
    amountMinor: minor < 0n ? -minor : minor,
    currency,
    feeMinor: kept.minor,
    ...(kept.currency === currency ? {} : { feeCurrency: kept.currency }),
    method: null,
    references: [],
    customer: null,
    links: {},
  };
}
