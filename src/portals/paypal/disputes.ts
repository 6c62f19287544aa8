/** Disputes, claims and chargebacks: PayPal tells them as one object that changes its stage. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { money, reason, type Told, tell } from './telling.ts';
import type { WireDispute } from './wire.ts';

type Outcome = 'dispute.won' | 'dispute.lost';

/** `RESOLVED_WITH_PAYOUT`: PayPal pays the buyer. `DENIED` is unverified. `NONE` says nothing. */
const OUTCOMES: ReadonlyMap<string, Outcome | null> = new Map([
  ['RESOLVED_SELLER_FAVOUR', 'dispute.won'],
  ['CANCELED_BY_BUYER', 'dispute.won'],
  ['RESOLVED_WITH_PAYOUT', 'dispute.won'],
  ['DENIED', 'dispute.won'],
  ['RESOLVED_BUYER_FAVOUR', 'dispute.lost'],
  ['ACCEPTED', 'dispute.lost'],
  ['NONE', null],
]);

const STATUSES = [
  'OPEN',
  'WAITING_FOR_BUYER_RESPONSE',
  'WAITING_FOR_SELLER_RESPONSE',
  'UNDER_REVIEW',
  'RESOLVED',
  'OTHER',
];

/** Movements that are PayPal's price for the dispute, not the disputed money. */
const FEES = /_FEE$/;

/** A dispute, by event or as fetched: its status decides. */
export function disputeState(dispute: WireDispute, told: Told): Normalized {
  const { dispute_id: disputeId, status } = dispute;
  if (!STATUSES.includes(status)) {
    return { quarantined: `dispute ${disputeId} has the status "${status}", which is not known` };
  }
  if (told?.type === 'CUSTOMER.DISPUTE.RESOLVED' && status !== 'RESOLVED') {
    return { quarantined: `${told.type} of ${disputeId}, which is ${status}: they contradict` };
  }
  const disputed = money(dispute.dispute_amount);
  if (disputed.minor === 0n) return { ignored: `dispute ${disputeId} is of no money` };
  const paymentId = paymentOf(dispute);
  const { currency } = disputed;
  const taken = netDebit(dispute, currency, (why) => !FEES.test(why));
  const common = {
    externalPaymentId: paymentId,
    disputeId,
    currency,
    ...feeOfDispute(dispute, currency),
    ...reason(dispute.reason),
    links: paymentId === null ? {} : { paymentExternalId: paymentId },
  };
  if (status !== 'RESOLVED') {
    // An inquiry between buyer and seller moves nothing; a claim or chargeback withholds the money.
    const inquiry = (dispute.dispute_life_cycle_stage ?? 'INQUIRY') === 'INQUIRY' && taken <= 0n;
    return {
      events: [
        tell(told, inquiry ? `${disputeId}:inquiry` : disputeId, {
          type: 'dispute.opened',
          occurredAt: dispute.create_time,
          amountMinor: disputed.minor,
          ...common,
          ...(inquiry ? { fundsWithdrawn: false } : {}),
        }),
      ],
    };
  }
  const outcome = outcomeOf(dispute, taken);
  if (outcome === undefined) {
    const code = dispute.dispute_outcome?.outcome_code ?? '';
    return { quarantined: `dispute ${disputeId} ended with "${code}", which is not known` };
  }
  return {
    events: [
      tell(told, disputeId, {
        type: outcome,
        occurredAt: dispute.update_time ?? told?.at ?? dispute.create_time,
        amountMinor: outcome === 'dispute.won' ? disputed.minor : lostMinor(dispute, taken),
        ...common,
      }),
    ],
  };
}

function outcomeOf(dispute: WireDispute, taken: bigint): Outcome | undefined {
  const code = dispute.dispute_outcome?.outcome_code ?? 'NONE';
  const outcome = OUTCOMES.get(code);
  if (outcome !== null) return outcome;
  if (!dispute.money_movements) return undefined;
  return taken > 0n ? 'dispute.lost' : 'dispute.won';
}

/** What the seller paid: perhaps a part of what was disputed. */
function lostMinor(dispute: WireDispute, taken: bigint): bigint {
  if (taken > 0n) return taken;
  const disputed = money(dispute.dispute_amount);
  const refunded = dispute.dispute_outcome?.amount_refunded;
  const given = refunded ? money(refunded) : disputed;
  return given.currency === disputed.currency && given.minor > 0n ? given.minor : disputed.minor;
}

/** What was taken from the seller less what was given back, of movements for these reasons in this currency. */
function netDebit(
  dispute: WireDispute,
  currency: string,
  counts: (reason: string) => boolean,
): bigint {
  return (dispute.money_movements ?? []).reduce((sum, movement) => {
    const { affected_party, type, amount } = movement;
    if (affected_party !== 'SELLER' || !amount || !counts(movement.reason ?? '')) return sum;
    const moved = money(amount);
    if (moved.currency !== currency) return sum;
    return type === 'DEBIT' ? sum + moved.minor : type === 'CREDIT' ? sum - moved.minor : sum;
  }, 0n);
}

function feeOfDispute(dispute: WireDispute, currency: string): Pick<CanonicalEvent, 'feeMinor'> {
  const charged = (dispute.money_movements ?? []).some(
    ({ affected_party, reason: why, amount }) =>
      affected_party === 'SELLER' && FEES.test(why ?? '') && amount?.currency === currency,
  );
  if (!charged) return { feeMinor: null };
  const fee = netDebit(dispute, currency, (why) => FEES.test(why));
  return { feeMinor: fee > 0n ? fee : 0n };
}

function paymentOf({ disputed_transactions: transactions }: WireDispute): string | null {
  const ids = (transactions ?? []).map(({ seller_transaction_id: id }) => id);
  return ids.find((id) => id) ?? null;
}
