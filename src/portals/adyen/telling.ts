/** What every canonical event made of a notification item has in common. */
import { MalformedAmount, type Money } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { instantOf } from './instants.ts';
import type { AdyenSettings } from './settings.ts';
import { adyenMoney } from './units.ts';
import { additional, type Item } from './wire.ts';

export type ItemReader = (item: Item, settings: AdyenSettings) => Normalized;

type Facts = Pick<CanonicalEvent, 'type' | 'externalPaymentId'> & Partial<CanonicalEvent>;

/** The event of an item with its amount; Adyen has no event id, so its rule for repeats makes one. @throws */
export function tell(item: Item, facts: Facts): CanonicalEvent {
  const { minor, currency } = amountOf(item);
  return {
    eventId: [item.merchantAccountCode, item.pspReference, item.eventCode, item.success].join(':'),
    occurredAt: instantOf(item.eventDate),
    amountMinor: minor,
    currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
    ...facts,
  };
}

/** @throws WireMismatch, UnknownCurrency, MalformedAmount unless the item has a positive amount. */
function amountOf(item: Item): Money {
  if (!item.amount) throw new WireMismatch(`amount: ${item.eventCode} has none`);
  const money = adyenMoney(item.amount.value, item.amount.currency);
  if (money.minor === 0n) {
    throw new MalformedAmount(`${item.eventCode} of ${item.pspReference} has no positive amount`);
  }
  return money;
}

export function hasNoAmount({ amount }: Item): boolean {
  return amount !== null && amount !== undefined && /^0+$/.test(String(amount.value));
}

export function one(event: CanonicalEvent): Normalized {
  return { events: [event] };
}

export function succeeded({ success }: Item): boolean {
  return success === 'true';
}

/** The payment that a modification is about. @throws WireMismatch */
export function originalOf(item: Item): string {
  if (item.originalReference) return item.originalReference;
  throw new WireMismatch(`originalReference: ${item.eventCode} does not say of which payment`);
}

/** Adyen's words for why, the coarse one first. */
export function reasonOf(item: Item, detail?: string): { reason?: string } {
  const words = [item.reason?.trim(), detail === undefined ? undefined : additional(item, detail)];
  const said = words.filter((word) => word);
  return said.length === 0 ? {} : { reason: said.join(': ') };
}
