/** Mollie documents to canonical events. The object's state is the truth, a notice's name a hint. */
import type { FetchRequest, Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import {
  eventsOfChargeback,
  eventsOfPayment,
  eventsOfRefund,
  feeEvents,
  payoutEvent,
} from './events.ts';
import { expectedMode, type Settings } from './settings.ts';
import {
  balanceTransactionWire,
  captureWire,
  chargebackWire,
  classicId,
  eventWire,
  member,
  PAYMENT_ID,
  PAYOUT_ID,
  paymentWire,
  payoutWire,
  readResource,
  refundWire,
  settlementWire,
  textOf,
  type WireEvent,
} from './wire.ts';

/**
 * The event types that concern money here, each with the state its entity reaches, named as in our
 * event keys; null where that state moves nothing.
 */
const EVENT_STATES: Readonly<Record<string, string | null>> = {
  'payment.pending': 'pending',
  'payment.authorized': 'authorized',
  'payment.paid': 'paid',
  'payment.failed': 'failed',
  'payment.expired': 'expired',
  'payment.canceled': 'canceled',
  'refund.queued': null,
  'refund.pending': null,
  'refund.processing': null,
  'refund.refunded': 'refunded',
  'refund.failed': 'failed',
  'refund.canceled': null,
  'chargeback.received': 'received',
  'chargeback.reversed': 'reversed',
  'capture.succeeded': 'captured',
  'capture.failed': null,
  'payout.requested': null,
  'payout.initiated': null,
  'payout.processing-at-bank': null,
  'payout.completed': 'paid',
  'payout.failed': 'failed',
  'payout.canceled': null,
};

/** Event types that tell of money only in other words, or of no payment at all. */
const IGNORED_EVENTS: readonly (readonly [prefix: string, why: string])[] = [
  ['payment-link.', 'the payment made through the link has notices of its own'],
  ['sales-invoice.', 'its payment has notices of its own'],
  ['balance-transaction.', "it repeats a payment in Mollie's own books"],
  ['business-account-transfer.', 'a transfer between bank accounts is no customer payment'],
  ['hook.', "a test of the webhook's address"],
];

/** Pure. @throws WireMismatch, MalformedAmount, UnknownCurrency: each quarantines the document. */
export function normalize(document: PortalDocument, settings: Settings): Normalized {
  const id = classicId(document.body);
  if (id !== undefined) return classicNotice(id);
  const { resource, value } = readResource(document.body);
  if (resource === 'event') return signedEvent(readWire(eventWire, value), settings);
  return entity(resource, value, settings);
}

function classicNotice(id: string): Normalized {
  if (PAYMENT_ID.test(id)) return { fetch: [{ entity: 'payment', id }] };
  return { ignored: `classic notice of ${id}: only payments (tr_…) are fetched` };
}

function signedEvent(event: WireEvent, settings: Settings): Normalized {
  const state = Object.hasOwn(EVENT_STATES, event.type) ? EVENT_STATES[event.type] : undefined;
  if (state === undefined) {
    const known = IGNORED_EVENTS.find(([prefix]) => event.type.startsWith(prefix));
    return { ignored: `${event.type}: ${known?.[1] ?? 'not an event type we know'}` };
  }
  if (state === null) return { ignored: `${event.type}: no money has moved` };
  const snapshot = event._embedded?.entity;
  if (snapshot === undefined || snapshot === null) return { fetch: [fetchFor(event)] };

  const resource = textOf(member(snapshot, 'resource')) ?? '';
  const id = textOf(member(snapshot, 'id'));
  if (resource !== event.type.split('.')[0] || id !== event.entityId) {
    throw new WireMismatch(
      `_embedded.entity: ${resource} ${id} is not what ${event.type} ${event.entityId} names`,
    );
  }
  const normalized = entity(resource, snapshot, settings, event.createdAt);
  if (!('events' in normalized)) return normalized;
  // A snapshot behind its own notice tells nothing yet; the entity itself knows by now.
  if (normalized.events.length === 0) return { fetch: [fetchFor(event)] };
  const subject = `${event.entityId}:${state}`;
  return {
    events: normalized.events.map((one) =>
      one.eventId === subject ? { ...one, eventId: event.id } : one,
    ),
  };
}

/**
 * Refunds, chargebacks and captures have no address without their payment, whose id stands in the
 * snapshot or in the link to the entity; failing both, the event is fetched with its snapshot.
 */
function fetchFor(event: WireEvent): FetchRequest {
  const { entityId } = event;
  if (event.type.startsWith('payout.') && PAYOUT_ID.test(entityId)) {
    return { entity: 'payout', id: entityId };
  }
  const link = textOf(member(member(event._links, 'entity'), 'href')) ?? '';
  const candidates = [
    entityId,
    textOf(member(event._embedded?.entity, 'paymentId')) ?? '',
    /\/payments\/(tr_[A-Za-z0-9]+)(?:\/|$)/.exec(link)?.[1] ?? '',
  ];
  const paymentId = candidates.find((candidate) => PAYMENT_ID.test(candidate));
  return paymentId ? { entity: 'payment', id: paymentId } : { entity: 'event', id: event.id };
}

/** `toldAt` is the instant of the notice that carries this object as its snapshot. */
function entity(resource: string, value: unknown, settings: Settings, toldAt?: string): Normalized {
  switch (resource) {
    case 'payment': {
      const payment = readWire(paymentWire, value);
      return (
        ours(payment.mode, payment.profileId, settings) ??
        moved(eventsOfPayment(payment, toldAt), payment, toldAt)
      );
    }
    case 'refund': {
      const refund = readWire(refundWire, value);
      const profileId = refund._embedded?.payment.profileId;
      return (
        ours(refund.mode, profileId, settings) ??
        moved(eventsOfRefund(refund, toldAt), refund, toldAt)
      );
    }
    case 'chargeback': {
      const chargeback = readWire(chargebackWire, value);
      const profileId = chargeback._embedded?.payment.profileId;
      return (
        ours(chargeback.mode, profileId, settings) ?? { events: eventsOfChargeback(chargeback) }
      );
    }
    case 'capture': {
      const capture = readWire(captureWire, value);
      if (capture.status !== 'succeeded') {
        return { ignored: `capture ${capture.id} is ${capture.status}: no money has moved` };
      }
      return { fetch: [{ entity: 'payment', id: capture.paymentId }] };
    }
    case 'settlement':
    case 'payout':
      return payout(resource, value, settings, toldAt);
    case 'balance-transaction': {
      const transaction = readWire(balanceTransactionWire, value);
      const events = feeEvents(transaction);
      if (events.length > 0) return { events };
      return { ignored: `${transaction.id} (${transaction.type}): it tells no payment's fee` };
    }
    default:
      return { ignored: `a Mollie ${resource} is not a payment` };
  }
}

/** An empty list from a snapshot stays one, so that its notice can fetch; else there is nothing. */
function moved(
  events: readonly CanonicalEvent[],
  { id, status }: { readonly id: string; readonly status: string },
  toldAt: string | undefined,
): Normalized {
  if (events.length > 0 || toldAt !== undefined) return { events };
  return { ignored: `${id} is ${status}: no money has moved` };
}

/** What is not this connection's money: undefined when it is. */
function ours(
  mode: 'live' | 'test' | null | undefined,
  profileId: string | null | undefined,
  settings: Settings,
): Normalized | undefined {
  const expected = expectedMode(settings);
  if (mode && expected && mode !== expected) {
    if (mode === 'test') return { ignored: 'test mode: play money on a live connection' };
    return { quarantined: 'live mode: real money reached a connection made for test data' };
  }
  if (profileId && settings.profileId && profileId !== settings.profileId) {
    return { ignored: `profile ${profileId}: this connection takes ${settings.profileId} only` };
  }
  return undefined;
}

/** Settlements and payouts describe the same transfers, so a connection books one of the two. */
function payout(
  resource: 'settlement' | 'payout',
  value: unknown,
  settings: Settings,
  toldAt: string | undefined,
): Normalized {
  if (settings.payouts !== undefined && settings.payouts !== `${resource}s`) {
    return { ignored: `a ${resource}: this connection books payouts from "${settings.payouts}"` };
  }
  if (resource === 'settlement') {
    const settlement = readWire(settlementWire, value);
    const { id, status, amount } = settlement;
    const at = settlement.settledAt ?? toldAt;
    if (status === 'paidout') return { events: [payoutEvent({ id, state: 'paid', amount, at })] };
    if (status !== 'failed') return { ignored: `${id} is ${status}: not paid out yet` };
    const failedAt = at ?? settlement.createdAt;
    return { events: [payoutEvent({ id, state: 'failed', amount, at: failedAt })] };
  }
  const { id, mode, status, amount, createdAt, completedAt, statusReason } = readWire(
    payoutWire,
    value,
  );
  const foreign = ours(mode, undefined, settings);
  if (foreign) return foreign;
  if (status === 'completed') {
    return { events: [payoutEvent({ id, state: 'paid', amount, at: completedAt ?? toldAt })] };
  }
  if (status !== 'failed') return moved([], { id, status }, toldAt);
  const reason = textOf(member(statusReason, 'code'));
  // Mollie keeps no instant of failure: the notice tells it, else the last instant that is known.
  const at = toldAt ?? completedAt ?? createdAt;
  return { events: [payoutEvent({ id, state: 'failed', amount, at, reason })] };
}
