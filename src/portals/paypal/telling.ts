/** How an object reached us, and what every canonical event made of it has in common. */
import { fromDecimalText, type Money } from '../../money/money.ts';
import type { CanonicalEvent, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { textOf, type WireAmount } from './wire.ts';

/** The webhook event that told of an object; undefined for an object fetched or pulled. */
export type Told =
  | { readonly eventId: string; readonly type: string; readonly at: string }
  | undefined;

type Facts = Omit<
  CanonicalEvent,
  'eventId' | 'feeMinor' | 'method' | 'references' | 'customer' | 'links'
> &
  Partial<CanonicalEvent>;

/** A canonical event. Without a webhook event its id is made of the object and the state it has reached. */
export function tell(told: Told, objectId: string, facts: Facts): CanonicalEvent {
  return {
    eventId: told?.eventId ?? `${objectId}:${facts.type}`,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
    ...facts,
  };
}

/** The same telling for one of several events of a document, which must not share an id. */
export function partOf(told: Told, part: string): Told {
  return told && { ...told, eventId: `${told.eventId}:${part}` };
}

/** Decimal text in major units, whatever its sign: v1 writes refunds, reporting all debits below zero. */
export function money(amount: WireAmount): Money {
  const { minor, currency } = fromDecimalText(amount.value, amount.currency);
  return { minor: minor < 0n ? -minor : minor, currency };
}

/** The fee of a payment in its own currency, or in the one it was charged in. */
export function feeOf(
  fee: WireAmount | null | undefined,
  paymentCurrency: string,
): Pick<CanonicalEvent, 'feeMinor' | 'feeCurrency'> {
  if (!fee) return { feeMinor: null };
  const { minor, currency } = money(fee);
  return { feeMinor: minor, ...(currency === paymentCurrency ? {} : { feeCurrency: currency }) };
}

/** A reference by number, when the field says one. */
export function numbered(kind: Reference['kind'], value: unknown): readonly Reference[] {
  const number = textOf(value);
  return number === null ? [] : [{ kind, number }];
}

/** A reference by PayPal's own id. */
export function named(kind: Reference['kind'], value: unknown): readonly Reference[] {
  const externalId = textOf(value);
  return externalId === null ? [] : [{ kind, externalId }];
}

/** Free text that may name what is paid. */
export function memo(value: unknown): readonly Reference[] {
  const text = textOf(value);
  return text === null ? [] : [{ kind: 'memo', text }];
}

/** PayPal's word for why, when it says one. */
export function reason(...words: readonly unknown[]): { readonly reason?: string } {
  const said = words.map(textOf).find((word) => word !== null);
  return said ? { reason: said } : {};
}

/** The first instant that is known. @throws WireMismatch when none is. */
export function instantOf(
  what: string,
  ...instants: readonly (string | null | undefined)[]
): string {
  const found = instants.find((one) => one !== null && one !== undefined);
  if (found) return found;
  throw new WireMismatch(`create_time: missing in ${what}`);
}

/** What an unknown word of PayPal's does to its document. */
export function unknownStatus(what: string, status: string): { readonly quarantined: string } {
  return { quarantined: `${what} has the status "${status}", which is not known` };
}
