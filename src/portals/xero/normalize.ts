/** Xero documents into canonical events; see MAPPING.md for every field. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, InvoiceFacts } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { changedAt, readDay } from './instants.ts';
import { normalizeNotice } from './notice.ts';
import {
  allocatedInvoices,
  invoiceNames,
  notes,
  paidDocument,
  payerOf,
  paymentReferences,
  present,
  writtenWorkOrder,
} from './references.ts';
import { describeRefusal } from './refusal.ts';
import type { ReadingSettings } from './settings.ts';
import {
  type Advance,
  advance,
  contact,
  ID_FIELDS,
  type Invoice,
  invoice,
  type Payment,
  payment,
  RESOURCES,
  type Resource,
} from './wire.ts';

const GIVEN_BACK = ['ARCREDITPAYMENT', 'AROVERPAYMENTPAYMENT', 'ARPREPAYMENTPAYMENT'];
const TO_SUPPLIERS = [
  'ACCPAYPAYMENT',
  'APCREDITPAYMENT',
  'APOVERPAYMENTPAYMENT',
  'APPREPAYMENTPAYMENT',
];
/** Counted from here, seconds fit the revision of a payment until 2088. */
const REVISIONS_SINCE_MS = Date.UTC(2020, 0, 1);

/**
 * At most one event per row; the state of the row decides, never the notice that led to it.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function normalize({ body }: PortalDocument, settings: ReadingSettings): Normalized {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  if ('events' in value && Array.isArray(value.events)) {
    return normalizeNotice(value.events, settings);
  }
  const refused = describeRefusal(value);
  if (refused !== undefined) return { quarantined: `Xero answered with an error: ${refused}` };
  const resource = RESOURCES.find((name) => name in value);
  const rows = resource && (value as Readonly<Record<string, unknown>>)[resource];
  if (!resource || !Array.isArray(rows)) {
    throw new WireMismatch('body: neither a delivery nor a list of Xero');
  }
  const [row, ...others] = rows as readonly unknown[];
  if (row === undefined) return { ignored: `${resource}: an empty list` };
  if (others.length > 0) throw new RangeError(`${rows.length} rows in one document`);
  return normalizeRow(resource, row);
}

function normalizeRow(resource: Resource, row: unknown): Normalized {
  switch (resource) {
    case 'Payments':
      return normalizePayment(readWire(payment, row));
    case 'Invoices':
      return normalizeInvoice(readWire(invoice, row));
    case 'Contacts':
      return normalizeContact(row);
    case 'Prepayments':
    case 'Overpayments':
      return normalizeAdvance(resource, row);
    case 'BatchPayments':
      return { ignored: 'BatchPayments: each payment of a batch is told by itself' };
    case 'CreditNotes':
      return { ignored: 'CreditNotes: no money moves until one is paid out, which is a payment' };
    case 'BankTransactions':
      return { ignored: 'BankTransactions: money of customers is told as payment or overpayment' };
  }
}

/** Payments cannot be edited, only deleted: so they have no revisions, and the row keeps its amount. */
function normalizePayment(row: Payment): Normalized {
  const { PaymentID: id, PaymentType: kind, Status: status } = row;
  if (TO_SUPPLIERS.includes(kind)) return { ignored: `${kind} ${id}: the supplier's side` };
  const isRefund = GIVEN_BACK.includes(kind);
  if (!isRefund && kind !== 'ACCRECPAYMENT') {
    return { quarantined: `Payment ${id} is of the unknown type ${kind}` };
  }
  if (status !== 'AUTHORISED' && status !== 'DELETED') {
    return { quarantined: `Payment ${id} has the unknown status ${status}` };
  }
  const document = paidDocument(row);
  // A trimmed row: fetching it by its id brings the currency of what it pays.
  if (document.currency === null) return { fetch: [{ entity: 'Payments', id }] };
  const amountMinor = amountOf(row.Amount, document.currency, 'Amount');
  const deleted = status === 'DELETED';
  const note = present(row.Reference);
  const event = {
    ...bareEvent(document.currency),
    eventId: `${id}:${changedAt(row)}`,
    occurredAt: changedAt(row),
    amountMinor,
    customer: document.customer,
    ...(deleted ? { reason: 'deleted in Xero' } : {}),
  };
  if (isRefund) {
    // An overpayment or prepayment given back is itself the payment; a credit note names none.
    const ofAdvance = kind !== 'ARCREDITPAYMENT';
    return {
      events: [
        {
          ...event,
          type: deleted ? 'refund.failed' : 'refund.succeeded',
          externalPaymentId: ofAdvance ? document.id : null,
          refundId: id,
          references: notes(note, document.number),
        },
      ],
    };
  }
  // A deleted payment names no target: another one of the same work order may be alive.
  return {
    events: [
      deleted
        ? { ...event, type: 'payment.voided', externalPaymentId: id }
        : {
            ...event,
            type: 'payment.succeeded',
            externalPaymentId: id,
            references: paymentReferences(document, { amountMinor, note }),
          },
    ],
  };
}

/** Only what customers owe; a draft is not owed yet. */
function normalizeInvoice(row: Invoice): Normalized {
  const { InvoiceID: id, Type: kind, Status: status } = row;
  if (kind !== 'ACCREC') return { ignored: `Invoice ${id}: ${kind} is not a customer's invoice` };
  if (status === 'DRAFT' || status === 'SUBMITTED') {
    return { ignored: `Invoice ${id} is a draft (${status})` };
  }
  const gone = status === 'VOIDED' || status === 'DELETED';
  if (!gone && status !== 'AUTHORISED' && status !== 'PAID') {
    return { quarantined: `Invoice ${id} has the unknown status ${status}` };
  }
  const totalMinor = amountOf(row.Total, row.CurrencyCode, 'Total');
  const customer = payerOf(row.Contact);
  const facts: InvoiceFacts = {
    externalId: id,
    number: present(row.InvoiceNumber),
    currency: row.CurrencyCode,
    totalMinor,
    issuedOn: readDay(row.Date, row.DateString),
    dueOn: readDay(row.DueDate, row.DueDateString),
    customerExternalId: customer?.externalId ?? null,
    ...invoiceNames(row),
  };
  return {
    events: [
      {
        ...bareEvent(row.CurrencyCode),
        type: gone ? 'invoice.voided' : 'invoice.upserted',
        eventId: `${id}:${changedAt(row)}`,
        occurredAt: changedAt(row),
        amountMinor: totalMinor,
        customer,
        ...(gone ? { reason: `${status.toLowerCase()} in Xero` } : {}),
        invoice: facts,
      },
    ],
  };
}

/** Money received without an invoice. Allocating it later is no new money, but says what it pays. */
function normalizeAdvance(resource: 'Prepayments' | 'Overpayments', value: unknown): Normalized {
  const row = readWire(advance, value);
  const id = String((value as Readonly<Record<string, unknown>>)[ID_FIELDS[resource]] ?? '');
  if (id === '') throw new WireMismatch(`${ID_FIELDS[resource]}: missing`);
  const { Type: kind, Status: status } = row;
  if (/^(SPEND-|AP)/.test(kind)) return { ignored: `${kind} ${id}: the supplier's side` };
  if (!/^RECEIVE-(PRE|OVER)PAYMENT$/.test(kind)) {
    return { quarantined: `${resource} ${id} is of the type ${kind}: was money received with it?` };
  }
  const voided = status === 'VOIDED' || status === 'DELETED';
  if (!voided && status !== 'AUTHORISED' && status !== 'PAID') {
    return { quarantined: `${kind} ${id} has the unknown status ${status}` };
  }
  const at = changedAt(row);
  const event = {
    ...bareEvent(row.CurrencyCode),
    externalPaymentId: id,
    eventId: `${id}:${at}`,
    occurredAt: at,
    amountMinor: amountOf(row.Total, row.CurrencyCode, 'Total'),
    customer: payerOf(row.Contact),
    revision: Math.max(0, Math.floor((Date.parse(at) - REVISIONS_SINCE_MS) / 1000)),
  };
  return {
    events: [
      voided
        ? { ...event, type: 'payment.voided', reason: 'voided in Xero' }
        : { ...event, type: 'payment.succeeded', references: advanceReferences(row) },
    ],
  };
}

function advanceReferences(row: Advance): CanonicalEvent['references'] {
  const note = present(row.Reference);
  const workOrder = writtenWorkOrder(note);
  return [
    ...allocatedInvoices(row),
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...notes(note),
  ];
}

function normalizeContact(value: unknown): Normalized {
  const row = readWire(contact, value);
  const home = present(row.DefaultCurrency) ?? '';
  return {
    events: [
      {
        ...bareEvent(/^[A-Z]{3}$/.test(home) ? home : 'USD'),
        type: 'customer.upserted',
        eventId: `${row.ContactID}:${changedAt(row)}`,
        occurredAt: changedAt(row),
        customer: payerOf(row),
      },
    ],
  };
}

/** @throws WireMismatch for an amount below zero, which Xero documents nowhere */
function amountOf(text: string, currency: string, path: string): bigint {
  const { minor } = fromDecimalText(text, currency);
  if (minor < 0n) throw new WireMismatch(`${path}: ${text} is below zero`);
  return minor;
}
