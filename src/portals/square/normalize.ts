/** Square documents to canonical events. The object's status is the truth; an event's name mostly a hint. */
import type { Normalized, PortalDocument } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { invoiceEvent, invoiceState } from './invoices.ts';
import { disputeState, payoutState, refundState } from './money-back.ts';
import { paymentInContext, paymentState } from './payments.ts';
import { type SquareSettings, settings as settingsSchema } from './settings.ts';
import * as wire from './wire.ts';

type EventReader = (
  object: unknown,
  told: { readonly type: string; readonly eventId: string },
  settings: SquareSettings,
) => Normalized;

/** By the first word of an event's type, which also names its object. */
const eventReaders: ReadonlyMap<string, EventReader> = new Map<string, EventReader>([
  [
    'payment',
    (object, { eventId }, settings) =>
      paymentState(readWire(wire.payment, object), eventId, settings),
  ],
  [
    'refund',
    (object, { eventId }, settings) =>
      refundState(readWire(wire.refund, object), eventId, settings),
  ],
  ['dispute', (object, told) => disputeState(readWire(wire.dispute, object), told)],
  ['payout', (object, { eventId }) => payoutState(readWire(wire.payout, object), eventId)],
  [
    'invoice',
    (object, { type, eventId }, settings) =>
      invoiceEvent(type, readWire(wire.invoice, object), eventId, settings),
  ],
]);

/** Event types of those words that are ignored, and why. */
const IGNORED: Readonly<Record<string, string>> = {
  'dispute.state.changed': 'the retired twin of dispute.state.updated',
  'webhooks.test_notification': 'a test of the subscription',
  'oauth.authorization.revoked': 'the seller took our permission back: connect Square again',
};

/** The two types of dispute event whose meaning is known. */
const DISPUTE_TYPES = ['dispute.created', 'dispute.state.updated'];

const objectReaders: ReadonlyMap<string, (object: unknown, of: SquareSettings) => Normalized> =
  new Map<string, (object: unknown, of: SquareSettings) => Normalized>([
    ['refund', (object, of) => refundState(readWire(wire.refund, object), undefined, of)],
    ['dispute', (object) => disputeState(readWire(wire.dispute, object), undefined)],
    ['payout', (object) => payoutState(readWire(wire.payout, object), undefined)],
    ['invoice', (object, of) => invoiceState(readWire(wire.invoice, object), undefined, of)],
    [
      'payout_entry',
      () => ({ ignored: 'a payout entry: payments, refunds and disputes tell of it themselves' }),
    ],
    ['order', () => ({ ignored: 'an order: its payments carry the money' })],
    ['customer', () => ({ ignored: 'a customer: payments name theirs' })],
  ]);

const defaults = settingsSchema.parse({});

/** Pure. @throws WireMismatch, MalformedAmount, UnknownCurrency: each quarantines the document. */
export function normalize(document: PortalDocument, given: SquareSettings): Normalized {
  const settings = { ...defaults, ...given };
  const body = parseExactJson(document.body);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { quarantined: 'the body is no object' };
  }
  const members = body as Readonly<Record<string, unknown>>;
  if ('type' in members && 'event_id' in members) {
    return readEvent(readWire(wire.webhookEvent, members), settings);
  }
  if (members.payment) return readPaymentAnswer(members, settings);
  for (const [name, read] of objectReaders) {
    if (members[name]) return read(members[name], settings);
  }
  if ('event_type' in members) {
    return { ignored: `${members.event_type}: a notice of the retired version 1` };
  }
  if (Object.values(members).some((value) => Array.isArray(value) && value.length > 0)) {
    return {
      quarantined: 'a list is read one object at a time, and this one cannot be taken apart',
    };
  }
  return { ignored: 'it carries no object' };
}

/** `fetch` says of a payment's order even that there is none, and then nothing more is asked for. */
function readPaymentAnswer(
  members: Readonly<Record<string, unknown>>,
  settings: SquareSettings,
): Normalized {
  if (!('order' in members)) {
    return paymentState(readWire(wire.payment, members.payment), undefined, settings);
  }
  return paymentInContext(readWire(wire.paymentWithContext, members), settings);
}

function readEvent({ type, event_id, data }: wire.WebhookEvent, settings: SquareSettings) {
  if (type.startsWith('dispute.evidence.')) return { ignored: `${type}: evidence moves no money` };
  const why = Object.hasOwn(IGNORED, type) ? IGNORED[type] : undefined;
  if (why) return { ignored: `${type}: ${why}` };
  const [word = ''] = type.split('.');
  const read = eventReaders.get(word);
  if (!read || !type.includes('.')) return { ignored: `${type}: not an event that moves money` };
  const object = data?.object?.[word];
  if (!object) return { ignored: `${type}: it carries no ${word}` };
  if (word === 'dispute' && !DISPUTE_TYPES.includes(type)) {
    return { quarantined: `${type}: it is not known what this says of a dispute` };
  }
  return read(object, { type, eventId: event_id }, settings);
}
