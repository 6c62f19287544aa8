/** Invoices and customers, for a firm that bills in Chargebee. */
import { businessDay } from '../../money/business-day.ts';
import type { Normalized } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { workOf } from './references.ts';
import type { ChargebeeSettings } from './settings.ts';
import { payerOf, present, type Told, tell } from './telling.ts';
import { chargebeeMoney, instant } from './units.ts';
import type { Customer, Invoice } from './wire.ts';

export const INVOICE_EVENT_TYPES: readonly string[] = [
  'invoice_generated',
  'invoice_generated_with_backdating',
  'invoice_updated',
  'invoice_deleted',
  'pending_invoice_created',
  'pending_invoice_updated',
];

export const CUSTOMER_EVENT_TYPES: readonly string[] = ['customer_created', 'customer_changed'];

/** A pending invoice still collects charges: its total is not owed yet. */
const INVOICE_STATUSES: ReadonlyMap<string, 'owed' | 'pending' | 'void'> = new Map([
  ['not_paid', 'owed'],
  ['paid', 'owed'],
  ['payment_due', 'owed'],
  ['posted', 'owed'],
  ['pending', 'pending'],
  ['voided', 'void'],
]);

/**
 * An invoice as canonical facts. Its total is what payments have to bring: credits, adjustments and write-offs
 * settle the rest in Chargebee alone. @throws WireMismatch, UnknownCurrency
 */
export function invoiceState(
  invoice: Invoice,
  told: Told,
  settings: ChargebeeSettings,
): Normalized {
  const { id, status, currency_code: currency } = invoice;
  const standing = invoice.deleted ? 'void' : INVOICE_STATUSES.get(status);
  if (standing === undefined) {
    return { quarantined: `invoice ${id} has the status "${status}", which is not known` };
  }
  if (standing === 'pending') return { ignored: `invoice ${id} is pending: not closed yet` };
  const owed = owedOf(invoice);
  if (invoice.total === 0 && standing === 'owed') {
    return { ignored: `invoice ${id} has no total to be paid` };
  }
  const { minor } = chargebeeMoney(owed, currency);
  const at = invoice.updated_at ?? invoice.date;
  if (typeof at !== 'number') throw new WireMismatch(`updated_at: missing in invoice ${id}`);
  const customerExternalId = present(invoice.customer_id);
  const event = tell(
    told,
    { id, state: `${standing}:${at}`, at: instant(at) },
    {
      type: standing === 'void' ? 'invoice.voided' : 'invoice.upserted',
      externalPaymentId: null,
      amountMinor: minor,
      currency,
      customer: customerExternalId
        ? { externalId: customerExternalId, name: null, email: null }
        : null,
      invoice: {
        externalId: id,
        number: id,
        currency,
        totalMinor: minor,
        issuedOn: day(invoice.date, settings),
        dueOn: day(invoice.due_date, settings),
        customerExternalId,
        ...workOf(invoice.po_number, settings),
      },
    },
  );
  return { events: [event] };
}

function owedOf({
  id,
  total,
  credits_applied,
  amount_adjusted,
  write_off_amount,
}: Invoice): number {
  if (typeof total !== 'number') throw new WireMismatch(`total: missing in invoice ${id}`);
  const settled = (credits_applied ?? 0) + (amount_adjusted ?? 0) + (write_off_amount ?? 0);
  return Math.max(0, total - settled);
}

function day(unixSeconds: number | null | undefined, settings: ChargebeeSettings): string | null {
  return typeof unixSeconds === 'number'
    ? businessDay(instant(unixSeconds), settings.timeZone)
    : null;
}

/** A customer; one deleted at Chargebee stays with the invoices and payments that name it. */
export function customerState(customer: Customer, told: Told): Normalized {
  if (customer.deleted)
    return { ignored: `customer ${customer.id} is deleted: what it paid stays` };
  const at = customer.updated_at ?? customer.created_at;
  if (typeof at !== 'number') {
    throw new WireMismatch(`updated_at: missing in customer ${customer.id}`);
  }
  const event = tell(
    told,
    { id: customer.id, state: String(at), at: instant(at) },
    {
      type: 'customer.upserted',
      externalPaymentId: null,
      amountMinor: 0n,
      currency: present(customer.preferred_currency_code) ?? 'USD',
      customer: payerOf(customer),
    },
  );
  return { events: [event] };
}
