/** Refunds, disputes and payouts: money that leaves Stripe again. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { metadataReferences } from './references.ts';
import type { StripeSettings } from './settings.ts';
import { contradiction, feeOf, reason, type Told, tell, unknownStatus } from './telling.ts';
import { instant, positiveMoney, stripeMoney } from './units.ts';
import type { Dispute, Payout, Refund } from './wire.ts';
import { expanded, idOf } from './wire.ts';

export const REFUND_EVENT_TYPES: readonly string[] = [
  'refund.created',
  'refund.updated',
  'refund.failed',
];

const REFUND_STATES: ReadonlyMap<string, 'refund.succeeded' | 'refund.failed' | null> = new Map([
  ['succeeded', 'refund.succeeded'],
  ['failed', 'refund.failed'],
  ['canceled', 'refund.failed'],
  ['pending', null],
  ['requires_action', null],
]);

/** A refund, by event or by itself. A failure may follow a success and takes it back. */
export function refundState(
  eventType: string | undefined,
  refund: Refund,
  told: Told,
  settings: StripeSettings,
): Normalized {
  const type = REFUND_STATES.get(refund.status);
  if (type === undefined) return unknownStatus('Refund', refund.id, refund.status);
  if (eventType === 'refund.failed' && type !== 'refund.failed') {
    return contradiction(eventType, refund.id, refund.status);
  }
  if (type === null) {
    return { ignored: `refund ${refund.id} is ${refund.status}: nothing has left yet` };
  }
  const { minor, currency } = positiveMoney(refund.amount, refund.currency);
  const failedAt = expanded(refund.failure_balance_transaction)?.created;
  const customerId = idOf(refund.customer);
  return {
    events: [
      tell(
        told,
        { id: refund.id, at: instant(failedAt ?? refund.created) },
        {
          type,
          ...paymentOf(refund),
          refundId: refund.id,
          amountMinor: minor,
          currency,
          ...(type === 'refund.failed' ? reason(refund.failure_reason ?? refund.status) : {}),
          references: metadataReferences(refund.metadata, settings),
          customer:
            customerId === null ? null : { externalId: customerId, name: null, email: null },
        },
      ),
    ],
  };
}

export const DISPUTE_EVENT_TYPES: readonly string[] = [
  'charge.dispute.created',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'charge.dispute.closed',
];

/**
 * An inquiry that ended (`warning_closed`) and a dispute that was `prevented` leave nothing to
 * book.
 */
const DISPUTE_STATES: ReadonlyMap<string, 'dispute.opened' | 'dispute.won' | 'dispute.lost'> =
  new Map([
    ['warning_needs_response', 'dispute.opened'],
    ['warning_under_review', 'dispute.opened'],
    ['needs_response', 'dispute.opened'],
    ['under_review', 'dispute.opened'],
    ['appeal_needs_response', 'dispute.opened'],
    ['appeal_under_review', 'dispute.opened'],
    ['warning_closed', 'dispute.won'],
    ['prevented', 'dispute.won'],
    ['won', 'dispute.won'],
    ['lost', 'dispute.lost'],
  ]);

/** A dispute, by event or by itself. */
export function disputeState(
  eventType: string | undefined,
  dispute: Dispute,
  told: Told,
  settings: StripeSettings,
): Normalized {
  const state = DISPUTE_STATES.get(dispute.status);
  if (state === undefined) return unknownStatus('Dispute', dispute.id, dispute.status);
  if (eventType === 'charge.dispute.closed' && state === 'dispute.opened') {
    return contradiction(eventType, dispute.id, dispute.status);
  }
  if (eventType === 'charge.dispute.funds_reinstated' && state !== 'dispute.won') {
    return { ignored: `${eventType} of ${dispute.id}: it is not decided in our favour yet` };
  }
  const opens =
    eventType === 'charge.dispute.created' || eventType === 'charge.dispute.funds_withdrawn';
  const type = opens ? 'dispute.opened' : state;
  const fundsWithdrawn = eventType === 'charge.dispute.funds_withdrawn' || tookMoney(dispute);
  const { minor, currency } = positiveMoney(dispute.amount, dispute.currency);
  return {
    events: [
      tell(
        told,
        {
          id: fundsWithdrawn ? dispute.id : `${dispute.id}:inquiry`,
          at: instant(type === 'dispute.opened' ? dispute.created : lastMove(dispute)),
        },
        {
          type,
          ...paymentOf(dispute),
          disputeId: dispute.id,
          amountMinor: minor,
          currency,
          ...feeOfDispute(dispute, type, currency),
          ...reason(dispute.reason),
          fundsWithdrawn,
          references: metadataReferences(dispute.metadata, settings),
        },
      ),
    ],
  };
}

/**
 * Whether the dispute ever took money: its balance transactions say so; without them, its status
 * does.
 */
function tookMoney(dispute: Dispute): boolean {
  if (dispute.balance_transactions) {
    return dispute.balance_transactions.some(({ amount }) => amount < 0);
  }
  return !/^(warning_|prevented$)/.test(dispute.status);
}

function lastMove(dispute: Dispute): number {
  const moves = (dispute.balance_transactions ?? []).map(({ created }) => created);
  return Math.max(dispute.created, ...moves);
}

/** The fee charged; for a dispute that ended in our favour, what is left of it after its return. */
function feeOfDispute(
  dispute: Dispute,
  type: 'dispute.opened' | 'dispute.won' | 'dispute.lost',
  disputeCurrency: string,
): Pick<CanonicalEvent, 'feeMinor' | 'feeCurrency'> {
  const moves = (dispute.balance_transactions ?? []).filter(
    ({ amount, fee }) => type === 'dispute.won' || (amount < 0 && fee > 0),
  );
  const [first] = moves;
  if (!first || moves.some(({ currency }) => currency !== first.currency))
    return { feeMinor: null };
  const fee = moves.reduce((sum, move) => sum + move.fee, 0);
  return feeOf({ ...first, fee }, disputeCurrency);
}

/**
 * The payment that money goes back from; a charge is its own payment where it has no PaymentIntent.
 */
function paymentOf(
  object: Pick<Refund, 'charge' | 'payment_intent'>,
): Pick<CanonicalEvent, 'externalPaymentId' | 'links'> {
  const paymentId = idOf(object.payment_intent) ?? idOf(object.charge);
  return {
    externalPaymentId: paymentId,
    links: paymentId === null ? {} : { paymentExternalId: paymentId },
  };
}

export const PAYOUT_EVENT_TYPES: readonly string[] = ['payout.paid', 'payout.failed'];

const PAYOUT_STATES: ReadonlyMap<string, 'payout.paid' | 'payout.failed' | null> = new Map([
  ['paid', 'payout.paid'],
  ['failed', 'payout.failed'],
  ['pending', null],
  ['in_transit', null],
  ['canceled', null],
]);

/** A payout, by event or by itself; a negative amount is a debit from our bank. */
export function payoutState(eventType: string | undefined, payout: Payout, told: Told): Normalized {
  const type = PAYOUT_STATES.get(payout.status);
  if (type === undefined) return unknownStatus('Payout', payout.id, payout.status);
  if (eventType !== undefined && eventType !== type) {
    return contradiction(eventType, payout.id, payout.status);
  }
  if (type === null) {
    return { ignored: `payout ${payout.id} is ${payout.status}: nothing has reached the bank` };
  }
  const { minor, currency } = stripeMoney(payout.amount, payout.currency);
  const failedAt = expanded(payout.failure_balance_transaction)?.created;
  return {
    events: [
      tell(
        told,
        { id: payout.id, at: instant(failedAt ?? payout.arrival_date) },
        {
          type,
          externalPaymentId: null,
          payoutId: payout.id,
          amountMinor: minor,
          currency,
          ...feeOf(payout.balance_transaction, currency),
          ...(type === 'payout.failed' ? reason(payout.failure_code, payout.failure_message) : {}),
        },
      ),
    ],
  };
}
