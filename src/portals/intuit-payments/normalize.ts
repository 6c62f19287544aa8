/** Documents of Intuit's processor into canonical events; see MAPPING.md for every field. */
import type { Normalized, PortalDocument } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { readCreated } from './created.ts';
import { normalizeCreated, normalizeNotice } from './notice.ts';
import { nameOf, type Recorded, readRecorded } from './recorded.ts';
import { refundEvents, refundOfUnknown } from './refunds.ts';
import type { ReadingSettings } from './settings.ts';
import { describeError, paymentEvent, type Reading } from './transactions.ts';
import { errors, KINDS, type Kind, transaction } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Everything is keyed by the processor's id, however it was learned, so that a charge, its payment in QuickBooks and
 * every notice of either are one payment.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function normalize(
  { body, receivedAt }: PortalDocument,
  settings: ReadingSettings,
): Normalized {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  const created = readCreated(value);
  if (created) return normalizeCreated(created, settings);
  if (Array.isArray(value) || 'eventNotifications' in value) {
    return normalizeNotice(value, settings);
  }
  return normalizeTold({ ...value }, { settings, learnedAt: receivedAt.toISOString() });
}

function normalizeTold(value: Json, reading: Reading): Normalized {
  const recorded = readRecorded(value.recorded, value.invoiceNumbers);
  const kind = KINDS.find((one) => one in value) ?? kindOf(value);
  if (kind === undefined) {
    if (recorded) return withoutTransaction(recorded, reading);
    const refusal = errors.safeParse(value);
    if (!refusal.success) {
      throw new WireMismatch('body: neither a notice nor a transaction of Intuit Payments');
    }
    return { quarantined: `Intuit answered ${refusal.data.errors.map(describeError).join('; ')}` };
  }
  const facts = readWire(transaction, value[kind] ?? value);
  const what = `${kind} ${facts.id}`;
  const told = { kind, facts, recorded };
  const payment = paymentEvent(told, reading);
  if (!payment) return { ignored: `${what} is of nothing: it only verifies the card` };
  const refunds = refundEvents(payment, { ...told, refund: value.refund }, reading);
  if (value.unexplained === true && refunds.length === 0) {
    return {
      quarantined: `${what} was refunded, but no refund receipt in QuickBooks names it: enter its refund`,
    };
  }
  return { events: [payment, ...refunds] };
}

/** A record of accounting beside which the processor told nothing. */
function withoutTransaction(recorded: Recorded, reading: Reading): Normalized {
  const what = nameOf(recorded);
  if (recorded.named === undefined) {
    return {
      ignored: `${what} names no transaction of Intuit Payments: the connection of QuickBooks tells it`,
    };
  }
  if (recorded.entity !== 'RefundReceipt') {
    return {
      quarantined: `${what} names transaction ${recorded.named}, which Intuit Payments does not know`,
    };
  }
  const refunds = refundOfUnknown(recorded, reading);
  return refunds.length > 0
    ? { events: refunds }
    : { ignored: `${what} is of nothing: no money moved` };
}

/** A transaction as the API answers it by itself; a refund so told does not say what it refunds. */
function kindOf(value: Json): Kind | undefined {
  if (value.type === 'REFUND' || value.type === 'VOID') {
    throw new WireMismatch(`type: a ${value.type} names no charge; only the path to it does`);
  }
  if (!('id' in value && 'status' in value)) return undefined;
  if ('bankAccount' in value || 'checkNumber' in value) return 'echeck';
  return 'card' in value || 'capture' in value || 'cardOnFile' in value ? 'charge' : undefined;
}
