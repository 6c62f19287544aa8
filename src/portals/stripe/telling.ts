/** How an object reached us, and what every canonical event made of it has in common. */
import type { CanonicalEvent } from '../events.ts';
import { stripeMoney } from './units.ts';
import { type BalanceTransaction, expanded } from './wire.ts';

/** The event that told of an object; undefined for an object fetched or pulled. */
export type Told = { readonly eventId: string; readonly occurredAt: string } | undefined;

/** The same telling for one of several events of a document, which must not share an id. */
export function partOf(told: Told, part: string): Told {
  return told && { ...told, eventId: `${told.eventId}:${part}` };
}

type Facts = Omit<
  CanonicalEvent,
  'eventId' | 'occurredAt' | 'feeMinor' | 'method' | 'references' | 'customer' | 'links'
> &
  Partial<CanonicalEvent>;

/**
 * A canonical event. An object without an event gets an id made of its own, the type, instant,
 * amount and fee: the same state is the same event however often it is read, a fee learned later or
 * a new failure another one.
 */
export function tell(
  told: Told,
  object: { readonly id: string; readonly at: string },
  facts: Facts,
): CanonicalEvent {
  const fee = facts.feeMinor ?? null;
  const state = [
    object.id,
    facts.type,
    Date.parse(object.at) / 1000,
    facts.amountMinor,
    fee ?? 'no-fee',
  ];
  return {
    eventId: told?.eventId ?? state.join(':'),
    occurredAt: told?.occurredAt ?? object.at,
    method: null,
    references: [],
    customer: null,
    links: {},
    ...facts,
    feeMinor: fee,
  };
}

/** What an unknown word of Stripe's does to its document. */
export function unknownStatus(
  kind: string,
  id: string,
  status: string | null,
): { readonly quarantined: string } {
  return { quarantined: `${kind} ${id} has the status "${status}", which is not known` };
}

/** What an event does whose object is in a state that the event's type excludes. */
export function contradiction(
  eventType: string,
  id: string,
  status: string | null,
): { readonly quarantined: string } {
  return { quarantined: `${eventType} of ${id}, whose status is "${status}": they contradict` };
}

/** The fee once its balance transaction is expanded; it is in the settlement currency. */
export function feeOf(
  field: string | BalanceTransaction | null | undefined,
  paymentCurrency: string,
): Pick<CanonicalEvent, 'feeMinor' | 'feeCurrency'> {
  const transaction = expanded(field);
  if (!transaction) return { feeMinor: null };
  const fee = stripeMoney(transaction.fee, transaction.currency);
  return {
    feeMinor: fee.minor,
    ...(fee.currency === paymentCurrency ? {} : { feeCurrency: fee.currency }),
  };
}

/** Stripe's words for why, the coarse one first. */
export function reason(...words: readonly (string | null | undefined)[]): { reason?: string } {
  const said = words.filter((word) => word);
  return said.length === 0 ? {} : { reason: said.join(': ') };
}
