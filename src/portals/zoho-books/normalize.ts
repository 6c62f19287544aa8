/** Zoho Books documents into canonical events; see MAPPING.md for every field. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { elsewhereOf, methodOf, readInstant, referencesOf, workOrderIn } from './reading.ts';
import type { ReadingSettings } from './settings.ts';
import { contact, id, invoice, payment, refund, type ZohoPayment } from './wire.ts';

/**
 * A payment told whole is read, one that is only named is fetched.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function normalize(document: PortalDocument, settings: ReadingSettings): Normalized {
  const value = parseExactJson(document.body);
  if (!isRecord(value)) throw new WireMismatch('body: not an object');
  const { code } = value;
  if (code !== undefined && code !== 0) {
    return { quarantined: `Zoho answered with an error: ${code} ${value.message ?? ''}`.trim() };
  }
  if (isRecord(value.gone)) return gone(document, value.gone, settings);
  const { timeZone } = settings;
  if (isRecord(value.refunds_of)) {
    return refundOf(value.refunds_of, value.payment_refund, timeZone);
  }
  if (isRecord(value.invoice)) return invoiceOf(value.invoice, timeZone);
  if (isRecord(value.contact)) return contactOf(value.contact, settings);
  const organization = value.organization_id;
  const own = settings.organizationId;
  if (organization !== undefined && own !== undefined && String(organization) !== own) {
    return { ignored: `organization ${organization}: not the one of this connection` };
  }
  const told = paymentIn(value);
  if (!told) return withoutPayment(value);
  const paymentId = readWire(id, told.payment_id);
  const asked = { entity: 'payment', id: paymentId };
  // An answer of the API is whole; a delivery holds what somebody chose, and its deletion looks the same.
  if (code === 0) return paymentOf(readWire(payment, told), timeZone);
  if (!isWhole(told) || /delete/i.test(String(value.event ?? ''))) return { fetch: [asked] };
  return paymentOf(readWire(payment, told), timeZone);
}

/** Fields that somebody chose may be written for people (`$1,500.00`). */
function isWhole(told: Record<string, unknown>): boolean {
  const read = payment.safeParse(told);
  return read.success && /^-?\d+(\.\d+)?$/.test(read.data.amount);
}

const WRAPPERS = ['payment', 'customer_payment', 'customerpayment'] as const;

/** The payment under any name that deliveries give it, or bare. */
function paymentIn(value: Record<string, unknown>): Record<string, unknown> | undefined {
  const places = isRecord(value.data) ? [value, value.data] : [value];
  for (const place of places) {
    for (const name of WRAPPERS) {
      const inner = place[name];
      if (isRecord(inner) && 'payment_id' in inner) return inner;
    }
  }
  return places.find((place) => 'payment_id' in place);
}

function withoutPayment(value: Record<string, unknown>): Normalized {
  const lists = ['customerpayments', 'payment_refunds', 'invoices', 'contacts'];
  const list = lists.find((name) => Array.isArray(value[name]));
  if (list) return { ignored: `${list}: rows that name no currency, or none at all` };
  throw new WireMismatch('payment_id: missing; the webhook must send the payment or its id');
}

function paymentOf(facts: ZohoPayment, timeZone: string | undefined): Normalized {
  const { payment_id: paymentId, currency_code: currency, status } = facts;
  const amountMinor = fromDecimalText(facts.amount, currency).minor;
  if (amountMinor < 0n) throw new WireMismatch(`amount: ${facts.amount} is not documented`);
  if (amountMinor === 0n) return { ignored: `payment ${paymentId} is of 0: no money was received` };
  const type = STATUSES[status.toLowerCase()];
  if (!type) return { quarantined: `payment ${paymentId} has the unknown status "${status}"` };
  const changed = facts.last_modified_time ?? facts.created_time ?? facts.date;
  if (changed === null) throw new WireMismatch('last_modified_time: missing');
  const occurredAt = readInstant(changed, 'last_modified_time', timeZone);
  const fee = fromDecimalText(facts.bank_charges ?? '0', currency).minor;
  const event: CanonicalEvent = {
    type,
    externalPaymentId: paymentId,
    eventId: `${paymentId}:${changed}`,
    occurredAt,
    amountMinor,
    currency,
    feeMinor: fee > 0n ? fee : null,
    method: methodOf(facts.payment_mode),
    references: referencesOf(facts),
    customer:
      facts.customer_id === null
        ? null
        : { externalId: facts.customer_id, name: facts.customer_name, email: facts.email },
    links: elsewhereOf(facts),
    revision: Math.floor(Date.parse(occurredAt) / 1000),
  };
  const refunded = fromDecimalText(facts.amount_refunded ?? '0', currency).minor > 0n;
  return {
    events: [event],
    ...(refunded ? { fetch: [{ entity: 'refunds', id: paymentId }] } : {}),
  };
}

const STATUSES: Readonly<Record<string, 'payment.succeeded' | 'payment.failed' | undefined>> = {
  __proto__: null as never,
  success: 'payment.succeeded',
  failure: 'payment.failed',
};

/** What was deleted can no longer be read: the stored copy of the payment counts. */
function gone(
  { receivedAt }: PortalDocument,
  named: Record<string, unknown>,
  { homeCurrency }: ReadingSettings,
): Normalized {
  const paymentId = readWire(id, named.payment_id);
  return {
    events: [
      {
        ...bareEvent(homeCurrency ?? 'USD'),
        type: 'payment.voided',
        externalPaymentId: paymentId,
        eventId: `${paymentId}:deleted`,
        occurredAt: receivedAt.toISOString(),
        reason: 'deleted in Zoho Books',
      },
    ],
  };
}

function refundOf(
  of: Record<string, unknown>,
  row: unknown,
  timeZone: string | undefined,
): Normalized {
  if (row === undefined) return { ignored: 'refunds: none' };
  const facts = readWire(refund, row);
  const paymentId = readWire(id, of.payment_id);
  const currency = String(of.currency_code);
  const amount = facts.amount_fcy ?? facts.amount;
  if (amount === undefined || amount === null) throw new WireMismatch('amount_fcy: missing');
  const amountMinor = fromDecimalText(amount, currency).minor;
  if (amountMinor <= 0n) throw new WireMismatch(`amount_fcy: ${amount} is not documented`);
  return {
    events: [
      {
        ...bareEvent(currency),
        type: 'refund.succeeded',
        externalPaymentId: paymentId,
        refundId: facts.payment_refund_id,
        eventId: `refund:${facts.payment_refund_id}`,
        occurredAt: readInstant(facts.date, 'date', timeZone),
        amountMinor,
        method: methodOf(facts.refund_mode),
      },
    ],
  };
}

function invoiceOf(row: unknown, timeZone: string | undefined): Normalized {
  const facts = readWire(invoice, row);
  const { invoice_id: externalId, currency_code: currency, status } = facts;
  if (/^(draft|pending_approval|approved|rejected)$/i.test(status)) {
    return { ignored: `invoice ${externalId} is not sent yet: ${status}` };
  }
  const changed = facts.last_modified_time ?? facts.created_time ?? facts.date;
  if (changed === null) throw new WireMismatch('last_modified_time: missing');
  const occurredAt = readInstant(changed, 'last_modified_time', timeZone);
  const totalMinor = fromDecimalText(facts.total, currency).minor;
  if (totalMinor < 0n) throw new WireMismatch(`total: ${facts.total} is not documented`);
  const written = workOrderIn(facts.reference_number);
  const event = {
    ...bareEvent(currency),
    eventId: `invoice:${externalId}:${changed}`,
    occurredAt,
    amountMinor: totalMinor,
    customer:
      facts.customer_id === null
        ? null
        : { externalId: facts.customer_id, name: facts.customer_name, email: null },
    revision: Math.floor(Date.parse(occurredAt) / 1000),
    invoice: {
      externalId,
      number: facts.invoice_number,
      currency,
      totalMinor,
      issuedOn: facts.date,
      dueOn: facts.due_date,
      customerExternalId: facts.customer_id,
      workOrder: facts.cf_work_order ?? written,
      purchaseOrder: facts.cf_purchase_order ?? (written ? null : facts.reference_number),
    },
  };
  return /^void$/i.test(status)
    ? { events: [{ ...event, type: 'invoice.voided', reason: 'voided in Zoho Books' }] }
    : { events: [{ ...event, type: 'invoice.upserted' }] };
}

function contactOf(row: unknown, { homeCurrency }: ReadingSettings): Normalized {
  const facts = readWire(contact, row);
  const { contact_id: externalId } = facts;
  if (facts.contact_type === 'vendor') return { ignored: `contact ${externalId} is a vendor` };
  const changed = facts.last_modified_time ?? facts.created_time;
  if (changed === null) throw new WireMismatch('last_modified_time: missing');
  const occurredAt = readInstant(changed, 'last_modified_time');
  return {
    events: [
      {
        ...bareEvent(facts.currency_code ?? homeCurrency ?? 'USD'),
        type: 'customer.upserted',
        eventId: `contact:${externalId}:${changed}`,
        occurredAt,
        customer: {
          externalId,
          name: facts.contact_name ?? facts.company_name,
          email: facts.email,
        },
        revision: Math.floor(Date.parse(occurredAt) / 1000),
      },
    ],
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
