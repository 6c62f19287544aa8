/** How a resource reached us, and what every canonical event made of it has in common. */
import type { CanonicalEvent, Payer } from '../events.ts';
import type { Customer } from './wire.ts';

/** The event that told of a resource; undefined for one fetched or pulled. */
export type Told = { readonly eventId: string; readonly occurredAt: string } | undefined;

type Facts = Omit<
  CanonicalEvent,
  'eventId' | 'occurredAt' | 'feeMinor' | 'method' | 'references' | 'customer' | 'links'
> &
  Partial<CanonicalEvent>;

/**
 * A canonical event. A resource that no event told of gets the id `chargebee:{id}:{state}`, so that one state is one
 * event however often it is read. Chargebee knows no fees: the gateway keeps them.
 */
export function tell(
  told: Told,
  resource: { readonly id: string; readonly state: string; readonly at: string },
  facts: Facts,
): CanonicalEvent {
  return {
    eventId: told?.eventId ?? `chargebee:${resource.id}:${resource.state}`,
    occurredAt: told?.occurredAt ?? resource.at,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
    ...facts,
  };
}

/** Names are optional: the company, else the person. */
export function payerOf(customer: Customer): Payer {
  const person = [customer.first_name, customer.last_name].map(present).filter((part) => part);
  return {
    externalId: customer.id,
    name: present(customer.company) ?? (person.join(' ') || null),
    email: present(customer.email),
  };
}

/** The text without blanks around it; null when nothing is left. */
export function present(text: string | null | undefined): string | null {
  return text?.trim() || null;
}
