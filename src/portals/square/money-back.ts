/** Refunds, disputes and payouts: money that leaves Square again. */
import type { Normalized } from '../contract.ts';
import type { EventType } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { isRecorded } from './methods.ts';
import type { SquareSettings } from './settings.ts';
import {
  feeOf,
  instantOf,
  readMoney,
  readUnsigned,
  type ToldBy,
  tell,
  unknownStatus,
} from './telling.ts';
import type { Dispute, Payout, Refund } from './wire.ts';

const REFUND_STATES: ReadonlyMap<string, 'refund.succeeded' | 'refund.failed' | null> = new Map([
  ['PENDING', null],
  ['COMPLETED', 'refund.succeeded'],
  ['REJECTED', 'refund.failed'],
  ['FAILED', 'refund.failed'],
] as const);

/** A refund by its status; one without a payment (unlinked) is money that leaves all the same. */
export function refundState(refund: Refund, told: ToldBy, settings: SquareSettings): Normalized {
  const { id, status, destination_type, created_at, updated_at, reason } = refund;
  const type = REFUND_STATES.get(status);
  if (type === undefined) return unknownStatus('refund', id, status);
  if (isRecorded(destination_type) && !settings.recordedPayments) {
    return {
      ignored: `${id} (${destination_type}) was only recorded: \`recordedPayments\` is off`,
    };
  }
  if (type === null) return { ignored: `refund ${id} is ${status}: nothing has left yet` };
  const { minor, currency } = readUnsigned(refund.amount_money, 'amount_money');
  return {
    events: [
      tell({
        type,
        externalPaymentId: refund.payment_id || null,
        refundId: id,
        eventId: told ?? `${id}:${status}`,
        occurredAt: instantOf({ updated_at, created_at }),
        amountMinor: minor,
        currency,
        ...(type === 'refund.succeeded' ? feeOf(refund.processing_fee, currency) : {}),
        ...(reason?.trim() ? { reason: reason.trim() } : {}),
      }),
    ],
  };
}

/** What a dispute's state says by itself. A closed inquiry leaves nothing to book. */
const DISPUTE_STATES: ReadonlyMap<string, 'dispute.opened' | 'dispute.won' | 'dispute.lost'> =
  new Map([
    ['INQUIRY_EVIDENCE_REQUIRED', 'dispute.opened'],
    ['INQUIRY_PROCESSING', 'dispute.opened'],
    ['EVIDENCE_REQUIRED', 'dispute.opened'],
    ['PROCESSING', 'dispute.opened'],
    ['INQUIRY_CLOSED', 'dispute.won'],
    ['WON', 'dispute.won'],
    ['LOST', 'dispute.lost'],
    ['ACCEPTED', 'dispute.lost'],
  ] as const);

/**
 * A dispute. `dispute.created` opens it whatever its state; `dispute.state.updated` only closes it: that an
 * inquiry became a dispute is read from the list, whose state alone decides.
 */
export function disputeState(
  dispute: Dispute,
  told: { readonly type: string; readonly eventId: string } | undefined,
): Normalized {
  const { state, created_at, updated_at, reason } = dispute;
  const id = dispute.dispute_id || dispute.id;
  if (!id) throw new WireMismatch('id: missing in a dispute');
  const current = DISPUTE_STATES.get(state);
  if (current === undefined) return unknownStatus('dispute', id, state);
  const type = told?.type === 'dispute.created' ? 'dispute.opened' : current;
  if (told?.type === 'dispute.state.updated' && type === 'dispute.opened') {
    return { ignored: `dispute ${id} is ${state}: it is not decided yet` };
  }
  const { minor, currency } = readUnsigned(dispute.amount_money, 'amount_money');
  return {
    events: [
      tell({
        type,
        externalPaymentId: paymentOf(dispute),
        disputeId: id,
        eventId: told?.eventId ?? `${id}:${state}`,
        occurredAt: instantOf(
          type === 'dispute.opened' ? { created_at, updated_at } : { updated_at, created_at },
        ),
        amountMinor: minor,
        currency,
        ...(reason ? { reason } : {}),
        fundsWithdrawn: !state.startsWith('INQUIRY_'),
      }),
    ],
  };
}

function paymentOf({ disputed_payment, disputed_payments, payment_id }: Dispute): string | null {
  return disputed_payment?.payment_id || disputed_payments?.[0]?.payment_id || payment_id || null;
}

const PAYOUT_STATES: ReadonlyMap<string, Extract<EventType, `payout.${string}`> | null> = new Map([
  ['SENT', null],
  ['PAID', 'payout.paid'],
  ['FAILED', 'payout.failed'],
] as const);

/** A payout by its status; a negative amount is a debit from the firm's bank. */
export function payoutState(payout: Payout, told: ToldBy): Normalized {
  const { id, status, created_at, updated_at } = payout;
  const type = PAYOUT_STATES.get(status);
  if (type === undefined) return unknownStatus('payout', id, status);
  if (type === null) return { ignored: `payout ${id} is ${status}: the bank has not got it yet` };
  const { minor, currency } = readMoney(payout.amount_money, 'amount_money');
  if (minor === 0n) return { ignored: `payout ${id} is of nothing: no money moves` };
  return {
    events: [
      tell({
        type,
        payoutId: id,
        eventId: told ?? `${id}:${status}`,
        occurredAt: instantOf({ updated_at, created_at }),
        amountMinor: minor,
        currency,
        ...feeOf(payout.payout_fee, currency),
      }),
    ],
  };
}
