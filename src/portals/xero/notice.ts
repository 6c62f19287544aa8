/** What each event of a delivery asks for: it names an object that changed and never says how. */
import type { FetchRequest, Normalized } from '../contract.ts';
import { readWire } from '../kit/wire.ts';
import { readInstant } from './instants.ts';
import type { ReadingSettings } from './settings.ts';
import { noticeEvent } from './wire.ts';

/** Lists may lag behind events, and clocks differ. */
const BEFORE_EVENT_MS = 5 * 60_000;
const MINUTE_MS = 60_000;

/**
 * There is no event for payments: whatever may come with one also asks for the payments changed since shortly
 * before, in one call, which finds new and deleted ones alike. @throws WireMismatch
 */
export function normalizeNotice(
  events: readonly unknown[],
  { tenantId }: ReadingSettings,
): Normalized {
  const [first, ...others] = events;
  if (first === undefined) return { ignored: 'no events: Xero tries whether we check signatures' };
  if (others.length > 0) throw new RangeError(`${events.length} events in one document`);
  const event = readWire(noticeEvent, first);
  const { resourceId: id, eventCategory, eventType, data } = event;
  if (tenantId !== undefined && event.tenantId.toLowerCase() !== tenantId.toLowerCase()) {
    return { ignored: `organisation ${event.tenantId} is not this connection's ${tenantId}` };
  }
  const what = `${eventCategory} ${eventType} ${id}`;
  if (isSupplierSide(data?.Type))
    return { ignored: `${what}: ${data?.Type} is the supplier's side` };
  const payments = () => paymentsSince(event.eventDateUtc);
  switch (eventCategory.toUpperCase()) {
    case 'INVOICE':
      return { fetch: [{ entity: 'Invoices', id }, payments()] };
    case 'CREDITNOTE':
      // Money given back is a payment of the credit note; the note itself moves none.
      return { fetch: [payments()] };
    case 'PREPAYMENT':
      return { fetch: [{ entity: 'Prepayments', id }, payments()] };
    case 'OVERPAYMENT':
      return { fetch: [{ entity: 'Overpayments', id }, payments()] };
    case 'CONTACT':
      return { fetch: [{ entity: 'Contacts', id }] };
    default:
      return { ignored: `${what}: a category that tells of no customer payment` };
  }
}

/** By whole minutes, so that the events of one change ask once. */
function paymentsSince(eventDateUtc: string): FetchRequest {
  const at = Date.parse(readInstant(eventDateUtc, 'eventDateUtc')) - BEFORE_EVENT_MS;
  const minute = new Date(Math.max(0, Math.floor(at / MINUTE_MS) * MINUTE_MS));
  return { entity: PAYMENTS_SINCE, id: minute.toISOString().slice(0, 19) };
}

/** Not an object of Xero's: every payment changed after the instant that stands in place of an id. */
export const PAYMENTS_SINCE = 'PaymentsSince';

function isSupplierSide(type: string | null | undefined): boolean {
  return /^(ACCPAY|SPEND-|AP)/.test(type ?? '');
}
