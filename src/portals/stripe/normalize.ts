/**
 * What a Stripe document becomes. Pure; anything it cannot be certain of is set aside with the
 * reason.
 */
import type { Normalized, PortalDocument } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import {
  INVOICE_EVENT_TYPES,
  invoiceFacts,
  invoiceObject,
  invoicePaymentState,
  PAID_INVOICE_EVENT_TYPES,
  paidInvoice,
} from './invoices.ts';
import {
  DISPUTE_EVENT_TYPES,
  disputeState,
  PAYOUT_EVENT_TYPES,
  payoutState,
  REFUND_EVENT_TYPES,
  refundState,
} from './money-back.ts';
import {
  CHARGE_EVENT_TYPES,
  chargeEvent,
  chargeObject,
  INTENT_EVENT_TYPES,
  intentEvent,
  intentObject,
} from './payments.ts';
import { type StripeSettings, settings as settingsSchema } from './settings.ts';
import type { Told } from './telling.ts';
import { instant } from './units.ts';
import * as wire from './wire.ts';

type EventReader = (
  type: string,
  object: unknown,
  told: Told,
  settings: StripeSettings,
) => Normalized;

/** Every type of event that can mean money, and what reads it; all others are ignored by name. */
const eventReaders: ReadonlyMap<string, EventReader> = new Map([
  ...each(INTENT_EVENT_TYPES, (type, object, told, settings) =>
    intentEvent(type, readWire(wire.paymentIntent, object), told, settings),
  ),
  ...each(CHARGE_EVENT_TYPES, (type, object, told, settings) =>
    chargeEvent(type, readWire(wire.charge, object), told, settings),
  ),
  ...each(['charge.refunded'], (_type, object, _told, settings) =>
    refundsOfCharge(readWire(wire.charge, object), settings),
  ),
  ...each(REFUND_EVENT_TYPES, (type, object, told, settings) =>
    refundState(type, readWire(wire.refund, object), told, settings),
  ),
  ...each(DISPUTE_EVENT_TYPES, (type, object, told, settings) =>
    disputeState(type, readWire(wire.dispute, object), told, settings),
  ),
  ...each(PAYOUT_EVENT_TYPES, (type, object, told) =>
    payoutState(type, readWire(wire.payout, object), told),
  ),
  ...each(PAID_INVOICE_EVENT_TYPES, (type, object, told, settings) =>
    paidInvoice(type, readWire(wire.invoice, object), told, settings),
  ),
  ...each(INVOICE_EVENT_TYPES, (type, object, told, settings) =>
    settings.importInvoices
      ? invoiceFacts(readWire(wire.invoice, object), told, settings)
      : { ignored: `${type}: invoices are taken over only with \`importInvoices\`` },
  ),
  ...each(['invoice_payment.paid'], (_type, object, told, settings) =>
    invoicePaymentState(readWire(wire.invoicePayment, object), told, settings),
  ),
]);

type ObjectReader = (object: unknown, settings: StripeSettings) => Normalized;

/**
 * Objects as fetched or pulled. None of them asks for a further fetch of itself, so a fetch ends.
 */
const objectReaders: ReadonlyMap<string, ObjectReader> = new Map<string, ObjectReader>([
  [
    'payment_intent',
    (object, settings) => intentObject(readWire(wire.paymentIntent, object), settings),
  ],
  ['charge', (object, settings) => chargeObject(readWire(wire.charge, object), settings)],
  [
    'refund',
    (object, settings) =>
      refundState(undefined, readWire(wire.refund, object), undefined, settings),
  ],
  [
    'dispute',
    (object, settings) =>
      disputeState(undefined, readWire(wire.dispute, object), undefined, settings),
  ],
  ['payout', (object) => payoutState(undefined, readWire(wire.payout, object), undefined)],
  ['invoice', (object, settings) => invoiceObject(readWire(wire.invoice, object), settings)],
  [
    'invoice_payment',
    (object, settings) =>
      invoicePaymentState(readWire(wire.invoicePayment, object), undefined, settings),
  ],
  ['balance_transaction', balanceTransactionObject],
]);

const defaults = settingsSchema.parse({});

/** Understands snapshot events, thin events and API objects, told apart by their `object`. */
export function normalize(document: PortalDocument, given: StripeSettings): Normalized {
  const settings = { ...defaults, ...given };
  const body = parseExactJson(document.body);
  const { object, livemode } = readWire(wire.anyObject, body);
  if (settings.livemode !== undefined && typeof livemode === 'boolean') {
    if (livemode !== settings.livemode) {
      return { ignored: `${livemode ? 'live' : 'test'} mode: this connection takes the other one` };
    }
  }
  if (object === 'event') return readSnapshot(readWire(wire.snapshotEvent, body), settings);
  if (object === 'v2.core.event') return readThin(readWire(wire.thinEvent, body), settings);
  if (object === 'list') return { quarantined: 'a list of objects is read one object at a time' };
  const read = objectReaders.get(object);
  return read ? read(body, settings) : { ignored: `${object}: an object that carries no money` };
}

type SnapshotEvent = ReturnType<typeof wire.snapshotEvent.parse>;
type ThinEvent = ReturnType<typeof wire.thinEvent.parse>;

function readSnapshot(event: SnapshotEvent, settings: StripeSettings): Normalized {
  if (isForeign(event.account, settings)) return foreign(event.type, event.account);
  const read = eventReaders.get(event.type);
  if (!read) return { ignored: whyIgnored(event.type) };
  const told = { eventId: event.id, occurredAt: instant(event.created) };
  return read(event.type, event.data.object, told, settings);
}

/** A thin event tells which object changed; the object's state now, not then, is what we book. */
function readThin(event: ThinEvent, settings: StripeSettings): Normalized {
  if (isForeign(event.context, settings)) return foreign(event.type, event.context);
  const type = event.type.replace(/^v1\./, '');
  const unread = type === event.type || !eventReaders.has(type) || type === 'charge.refunded';
  if (unread) return { ignored: whyIgnored(event.type) };
  if (INVOICE_EVENT_TYPES.includes(type) && !settings.importInvoices) {
    return { ignored: `${event.type}: invoices are taken over only with \`importInvoices\`` };
  }
  if (!event.related_object) return { quarantined: `${event.type} names no related object` };
  if (!settings.secretKey) {
    return {
      quarantined:
        `${event.type} of ${event.related_object.id} is a thin event: it needs \`secretKey\`, ` +
        'because the object it names must be fetched',
    };
  }
  const { id, type: kind } = event.related_object;
  const entity = PAID_INVOICE_EVENT_TYPES.includes(type) ? 'invoice_payments' : kind;
  return { fetch: [{ entity, id }] };
}

/** Only events of connected accounts name an account; theirs is not our money. */
function isForeign(account: string | null | undefined, settings: StripeSettings): boolean {
  return typeof account === 'string' && account !== '' && account !== settings.accountId;
}

function foreign(type: string, account: string | null | undefined): Normalized {
  return {
    ignored: `${type} of the connected account ${account}; set \`accountId\` if it is ours`,
  };
}

function whyIgnored(type: string): string {
  if (type === 'charge.refund.updated' || type === 'charge.refunded') {
    return `${type}: the refund itself is told by refund.*`;
  }
  return `${type}: not an event that moves money`;
}

/** Cumulative since 2022-11-15 and then ignored; before, it lists the refunds themselves. */
function refundsOfCharge(charge: wire.Charge, settings: StripeSettings): Normalized {
  const read = (charge.refunds?.data ?? []).map((refund) =>
    refundState(
      undefined,
      { ...refund, payment_intent: charge.payment_intent },
      undefined,
      settings,
    ),
  );
  const unclear = read.find((one) => 'quarantined' in one);
  if (unclear) return unclear;
  const events = read.flatMap((one) => ('events' in one ? one.events : []));
  return events.length > 0 ? { events } : { ignored: whyIgnored('charge.refunded') };
}

/** A balance transaction only matters for the fee of the charge it settles. */
function balanceTransactionObject(object: unknown, settings: StripeSettings): Normalized {
  const { source, ...transaction } = readWire(wire.balanceTransaction, object);
  if (typeof source === 'object' && source !== null && 'object' in source) {
    return chargeObject({ ...source, balance_transaction: transaction }, settings);
  }
  return {
    ignored: `balance transaction ${transaction.id} (${transaction.type}): no money of its own`,
  };
}

function each(
  types: readonly string[],
  read: EventReader,
): readonly (readonly [string, EventReader])[] {
  return types.map((type) => [type, read] as const);
}
