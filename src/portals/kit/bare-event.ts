/** What events have in common that say little: of invoices and customers, and of what is gone. */
import type { CanonicalEvent, InvoiceFacts } from '../events.ts';

/** The fields in which an event without amount, payer and references does not differ from others. */
export function bareEvent(currency: string) {
  return {
    externalPaymentId: null,
    amountMinor: 0n,
    currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
  } satisfies Omit<CanonicalEvent, 'type' | 'eventId' | 'occurredAt'>;
}

/** An invoice of which nothing can be read any more. */
export function goneInvoice(externalId: string, currency: string): InvoiceFacts {
  return {
    externalId,
    number: null,
    currency,
    totalMinor: 0n,
    issuedOn: null,
    dueOn: null,
    customerExternalId: null,
    workOrder: null,
    purchaseOrder: null,
  };
}
