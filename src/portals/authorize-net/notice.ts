/** Signed notifications: what they prove by themselves, and what has to be fetched. */
import type { FetchRequest, Normalized } from '../contract.ts';
import type { CanonicalEvent, EventType, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import { readAmount } from './money.ts';
import { credentials, type Settings } from './settings.ts';
import { payloadWire, utc, type WireNotification, type WirePayload } from './wire.ts';

const PAYMENT_EVENT = /^net\.authorize\.payment\.(.+)$/i;

/** `responseCode`: what the processor answered. */
const TEST = 0;
const APPROVED = 1;
const DECLINED = 2;
const FAILED = 3;
const HELD = 4;

type Told = {
  readonly notification: WireNotification;
  readonly payload: WirePayload;
  readonly settings: Settings;
};

/**
 * Without API credentials the notification is all there is. With them its transaction is always fetched, and what
 * the body proves beyond doubt is posted at once: not a refund (it does not say of what), a void (of a payment or
 * a refund?), a capture of an earlier authorization (of how much?), or an approval (captured or not?).
 */
export function normalizeNotice(notification: WireNotification, settings: Settings): Normalized {
  const { eventType } = notification;
  const [, name] = PAYMENT_EVENT.exec(eventType) ?? [];
  if (name === undefined) return { ignored: `${eventType}: not an event that moves money` };
  const payload = readWire(payloadWire, notification.payload);
  const { id } = payload;
  if (payload.responseCode === TEST) return { ignored: `${eventType}: a test of the webhook` };
  if (/^0+$/.test(id)) {
    return { ignored: `${eventType}: transaction 0 was made in test mode and is no money` };
  }
  const told = { notification, payload, settings };
  if (!credentials(settings)) return whatItProves(name, told, alone);
  const fetch: readonly FetchRequest[] = [{ entity: 'transaction', id }];
  try {
    const proven = whatItProves(name, told, () => ({ fetch }));
    return 'events' in proven ? { ...proven, fetch } : proven;
  } catch {
    // A body that is not clear is no loss: the details are.
    return { fetch };
  }
}

/** `doubtful` decides about types that the body alone does not explain. */
function whatItProves(
  name: string,
  told: Told,
  doubtful: (name: string, told: Told) => Normalized,
): Normalized {
  switch (name.toLowerCase()) {
    case 'authcapture.created':
    case 'capture.created':
      return answered(told, 'payment.succeeded');
    case 'authorization.created':
      return answered(told, 'payment.authorized');
    case 'fraud.held':
      return payment(told, 'payment.pending');
    case 'fraud.declined':
      return payment(told, 'payment.failed', reasonOf(told.payload));
    default:
      return doubtful(name, told);
  }
}

/** What a doubtful type most likely means when nothing can be asked. */
function alone(name: string, told: Told): Normalized {
  switch (name.toLowerCase()) {
    case 'priorauthcapture.created':
      return answered(told, 'payment.succeeded');
    case 'refund.created':
      return refund(told);
    case 'void.created':
      return voided(told);
    case 'fraud.approved':
      return {
        quarantined:
          `transaction ${told.payload.id} was approved after a review; whether it is captured only its ` +
          'details tell: set apiLoginId and transactionKey, then replay',
      };
    default:
      return {
        quarantined: `${told.notification.eventType} is not a type we know, and may be money`,
      };
  }
}

/** An attempt by the answer of the processor; `approved` is what it is when approved. */
function answered(told: Told, approved: 'payment.succeeded' | 'payment.authorized'): Normalized {
  switch (told.payload.responseCode) {
    case APPROVED:
      return payment(told, approved);
    case HELD:
      return payment(told, 'payment.pending');
    case DECLINED:
      return payment(told, 'payment.failed', 'declined');
    case FAILED:
      return payment(told, 'payment.failed', 'error');
    default:
      throw unknownAnswer(told);
  }
}

function payment(told: Told, type: EventType, reason?: string): Normalized {
  const event = eventOf(told, type, told.payload.id);
  if (event.amountMinor === 0n) {
    return { ignored: `transaction ${told.payload.id} of 0.00 verifies a card: no money moves` };
  }
  return { events: [reason === undefined ? event : { ...event, reason }] };
}

/** Which payment it gives back stands in the details only; a work order would be a guess. */
function refund(told: Told): Normalized {
  const { id, responseCode } = told.payload;
  if (responseCode === HELD) return { ignored: `refund ${id} is held for review: no money moves` };
  const type = responseCode === APPROVED ? 'refund.succeeded' : 'refund.failed';
  if (type === 'refund.failed' && responseCode !== DECLINED && responseCode !== FAILED) {
    throw unknownAnswer(told);
  }
  const event = eventOf(told, type, null);
  const references = event.references.filter(({ kind }) => kind === 'invoice');
  return { events: [{ ...event, references, refundId: id }] };
}

/**
 * The id may be that of a payment or of a refund. One of the two events concerns nothing that ever was, and so
 * moves nothing; neither may reach another payment by a reference.
 */
function voided(told: Told): Normalized {
  const { id, responseCode } = told.payload;
  if (responseCode === DECLINED || responseCode === FAILED) {
    return { ignored: `transaction ${id} could not be voided: nothing has changed` };
  }
  if (responseCode === HELD) return { ignored: `the void of ${id} is held for review` };
  const event = { ...eventOf(told, 'payment.voided', id), references: [] };
  const undone: CanonicalEvent = {
    ...event,
    type: 'refund.failed',
    externalPaymentId: null,
    refundId: id,
    eventId: `${event.eventId}:refund`,
    // Whatever was booked of it is taken back.
    amountMinor: 0n,
    reason: 'voided',
  };
  return { events: [event, undone] };
}

function eventOf(
  { notification, payload, settings }: Told,
  type: EventType,
  externalPaymentId: string | null,
): CanonicalEvent {
  const amountMinor = readAmount(payload.authAmount, settings.currency);
  if (amountMinor === null) throw new WireMismatch('payload.authAmount: missing');
  return {
    type,
    externalPaymentId,
    eventId: notification.notificationId,
    occurredAt: utc(notification.eventDate, 'eventDate'),
    amountMinor,
    currency: settings.currency,
    feeMinor: null,
    method: null,
    references: referencesOf(payload),
    customer: null,
    links: {},
  };
}

function referencesOf({ invoiceNumber, merchantReferenceId }: WirePayload): readonly Reference[] {
  return [
    ...(invoiceNumber ? [{ kind: 'invoice', number: invoiceNumber } as const] : []),
    ...(merchantReferenceId ? [{ kind: 'workOrder', number: merchantReferenceId } as const] : []),
  ];
}

function reasonOf({ fraudList }: WirePayload): string {
  const filters = (fraudList ?? []).flatMap((one) => one?.fraudFilter ?? []);
  return ['declined after review', ...filters].join(': ');
}

function unknownAnswer({ payload }: Told): WireMismatch {
  return new WireMismatch(`payload.responseCode: ${payload.responseCode} is not one we know`);
}
