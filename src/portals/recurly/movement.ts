/** What a transaction becomes by its type and status, whichever generation told of it. */
import { fromMinor, type Money } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, EventType, Method, Payer, Reference } from '../events.ts';
import { elsewhereAt } from '../kit/elsewhere.ts';

/** A transaction as JSON and XML both tell it. Instants are UTC with milliseconds. */
export type Movement = {
  /** Of a payment: the id of the API, or the uuid where only that is known (XML). */
  readonly id: string;
  /** Both generations know it: it keys refunds and events, and is a further id of payments. */
  readonly uuid: string;
  /** The payment that a refund gives back, or the authorization that a capture takes. */
  readonly originalId: string | null;
  /** `purchase`, `capture`, `authorization`, `refund` or `verify`. */
  readonly type: string;
  /** In lower case. */
  readonly status: string;
  readonly isChargeback: boolean;
  readonly money: Money;
  /** When the money came, or was meant to. */
  readonly at: string;
  /** It did come, whatever became of it. */
  readonly wasCollected: boolean;
  /** When it failed or was voided, and when the bank took it back. */
  readonly endedAt: string;
  readonly changedAt: string;
  readonly method: Method | null;
  readonly references: readonly Reference[];
  readonly customer: Payer | null;
  /** Where the money really is, as far as it is told. */
  readonly gateway: { readonly name: string | null; readonly reference: string | null };
  /** Why it failed, in Recurly's words. */
  readonly reason: string | null;
};

/** Null: no money has moved. */
type States = ReadonlyMap<string, EventType | null>;

const PAYMENT_STATES: States = new Map([
  ['success', 'payment.succeeded'],
  ['pending', 'payment.pending'],
  ['processing', 'payment.pending'],
  ['scheduled', 'payment.pending'],
  ['declined', 'payment.failed'],
  ['error', 'payment.failed'],
  ['void', 'payment.voided'],
  // The money came, and the bank has taken it back.
  ['chargeback', 'dispute.opened'],
]);

const AUTHORIZATION_STATES: States = new Map([
  ['success', 'payment.authorized'],
  ['pending', 'payment.pending'],
  ['processing', 'payment.pending'],
  ['scheduled', 'payment.pending'],
  ['declined', 'payment.failed'],
  ['error', 'payment.failed'],
  ['void', 'payment.voided'],
]);

const REFUND_STATES: States = new Map([
  ['success', 'refund.succeeded'],
  ['pending', null],
  ['processing', null],
  ['scheduled', null],
  ['declined', 'refund.failed'],
  ['error', 'refund.failed'],
  ['void', 'refund.failed'],
]);

/** A chargeback that is voided has left the money with us. */
const CHARGEBACK_STATES: States = new Map([
  ['success', 'dispute.opened'],
  ['pending', null],
  ['processing', null],
  ['scheduled', null],
  ['declined', null],
  ['error', null],
  ['void', 'dispute.won'],
]);

const KINDS: ReadonlyMap<string, States> = new Map([
  ['purchase', PAYMENT_STATES],
  ['capture', PAYMENT_STATES],
  ['authorization', AUTHORIZATION_STATES],
  ['refund', REFUND_STATES],
]);

/** Set aside by name when no money moves, quarantined when type or status is not known. */
export function become(movement: Movement): Normalized {
  const { type, status, uuid, money } = movement;
  if (type === 'verify') {
    return { ignored: `${uuid} verifies a card and is taken back at once: no money moves` };
  }
  const isChargeback = type === 'refund' && movement.isChargeback;
  const states = isChargeback ? CHARGEBACK_STATES : KINDS.get(type);
  if (!states) return { quarantined: `transaction ${uuid} is of the unknown type "${type}"` };
  const state = states.get(status);
  if (state === undefined) {
    return { quarantined: `${type} ${uuid} has the status "${status}", which is not known` };
  }
  if (state === null) return { ignored: `${type} ${uuid} is ${status}: no money has moved` };
  if (money.minor === 0n) return { ignored: `${type} ${uuid} is of zero: no money moves` };
  // Refunds are documented without their sign; the type gives the direction.
  if (money.minor < 0n && type !== 'refund') {
    return { quarantined: `${type} ${uuid} is of a negative amount` };
  }
  if (type === 'refund') return { events: [moneyBack(state, movement)] };
  const now = state === 'dispute.opened' ? disputed(movement) : payment(state, movement);
  return { events: cameBefore(state, movement) ? [payment(CAME, movement), now] : [now] };
}

const CAME = 'payment.succeeded';

/**
 * What was charged back has come before. So has a capture that was voided since: unless it is told, its authorization
 * would still be held.
 */
function cameBefore(state: EventType, movement: Movement): boolean {
  if (state === 'dispute.opened') return true;
  const isEnd = state === 'payment.voided' || state === 'payment.failed';
  return isEnd && movement.wasCollected && authorizationOf(movement) !== null;
}

/** The authorization whose place a capture takes, being a transaction of its own. */
function authorizationOf({ type, id, originalId }: Movement): string | null {
  return type === 'capture' && originalId !== id ? originalId : null;
}

function payment(type: EventType, movement: Movement): CanonicalEvent {
  const { id, uuid, at, endedAt, reason } = movement;
  const authorizationId = authorizationOf(movement);
  return {
    ...common(movement, type),
    type,
    externalPaymentId: id,
    occurredAt: type === 'payment.failed' || type === 'payment.voided' ? endedAt : at,
    links: {
      ...(uuid === id ? {} : { paymentExternalId: uuid }),
      ...(authorizationId === null ? {} : { insteadOf: [authorizationId] }),
      ...elsewhereAt(movement.gateway.name, movement.gateway.reference),
    },
    ...(type === 'payment.failed' && reason !== null ? { reason } : {}),
  };
}

/** The chargeback that a payment's own status tells; its refund, should there be one, tells of the same. */
function disputed(movement: Movement): CanonicalEvent {
  return {
    ...common(movement, 'dispute.opened'),
    type: 'dispute.opened',
    externalPaymentId: movement.id,
    disputeId: disputeOf(movement.id),
    occurredAt: movement.changedAt,
    references: [],
    fundsWithdrawn: true,
  };
}

function moneyBack(type: EventType, movement: Movement): CanonicalEvent {
  const { uuid, originalId, at, endedAt, reason } = movement;
  const isEnd = type === 'refund.failed' || type === 'dispute.won';
  const isDispute = type.startsWith('dispute.');
  return {
    ...common(movement, type),
    type,
    externalPaymentId: originalId,
    ...(isDispute ? { disputeId: disputeOf(originalId ?? uuid) } : { refundId: uuid }),
    occurredAt: isEnd ? endedAt : at,
    ...(type === 'dispute.opened' ? { fundsWithdrawn: true } : {}),
    ...(isEnd && reason !== null ? { reason } : {}),
  };
}

function disputeOf(paymentId: string): string {
  return `chargeback:${paymentId}`;
}

/** One state of one transaction is one event, however often and by whatever way it is told. */
function common(movement: Movement, type: EventType) {
  const { minor, currency } = movement.money;
  const money = fromMinor(minor < 0n ? -minor : minor, currency);
  return {
    eventId: `recurly:${movement.uuid}:${type}`,
    amountMinor: money.minor,
    currency,
    feeMinor: null,
    method: movement.method,
    references: movement.references,
    customer: movement.customer,
    links: {},
  };
}
