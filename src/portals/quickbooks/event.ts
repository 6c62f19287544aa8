/**
 * The parts that QuickBooks events share: identity and the taking back of what is gone.
 */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { goneInvoice } from '../kit/bare-event.ts';
import type { ReadingSettings } from './settings.ts';
import type { Entity } from './wire.ts';

/**
 * What a voided or deleted object takes back. QuickBooks no longer tells its amount, so it is 0 and
 * the stored copy of the payment, refund or invoice counts.
 */
export function removal(
  entity: Entity,
  how: 'voided' | 'deleted',
  settings: ReadingSettings,
  gone: Omit<CanonicalEvent, 'type'> & { readonly id: string },
): Normalized {
  const { id, ...rest } = gone;
  const event = { ...rest, reason: `${how} in QuickBooks` };
  switch (entity) {
    case 'Payment':
    case 'SalesReceipt':
      return { events: [{ ...event, type: 'payment.voided', externalPaymentId: id }] };
    case 'RefundReceipt':
      return { events: [{ ...event, type: 'refund.failed', refundId: id }] };
    case 'Invoice':
      return {
        events: [{ invoice: goneInvoice(id, event.currency), ...event, type: 'invoice.voided' }],
      };
    case 'Deposit':
      return settings.depositsArePayouts
        ? { events: [{ ...event, type: 'payout.failed', payoutId: id }] }
        : { ignored: depositIsNoPayout(id) };
    case 'Customer':
      return { ignored: `Customer ${id} ${how}: its payments and invoices keep their names` };
  }
}

export function depositIsNoPayout(id: string): string {
  return `Deposit ${id}: deposits group payments already known (setting depositsArePayouts is off)`;
}

/** The id of a state that no notice announced: company, object and revision. */
export function stateId(
  { realmId }: ReadingSettings,
  entity: Entity,
  id: string,
  state: number | string,
): string {
  return [...(realmId === undefined ? [] : [realmId]), entity, id, state].join(':');
}
