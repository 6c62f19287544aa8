/** QuickBooks documents into canonical events; see MAPPING.md for every field. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, InvoiceFacts } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readInstant } from '../kit/intuit.ts';
import { fault } from '../kit/intuit-queries.ts';
import {
  linkedTypes,
  methodOf,
  payerOf,
  present,
  purchaseOrderOf,
  referencesOf,
  type Transaction,
  transaction,
  workOrderOf,
} from '../kit/intuit-transactions.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { depositIsNoPayout, removal, stateId } from './event.ts';
import { normalizeNotice } from './notice.ts';
import type { ReadingSettings } from './settings.ts';
import { customer, deletedRow, ENTITIES, type Entity } from './wire.ts';

/**
 * One event per notice or object; the state of the fetched object decides, never the kind of notice
 * that led to it, because a payment may be voided before its creation was read.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function normalize({ body }: PortalDocument, settings: ReadingSettings): Normalized {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  if (Array.isArray(value) || 'eventNotifications' in value) {
    return normalizeNotice(value, settings);
  }
  if ('Fault' in value || 'fault' in value) return { quarantined: describeFault(value) };
  const [only, ...others] = Object.entries(value).filter(([name]) => name !== 'time');
  if (!only || others.length > 0) throw new WireMismatch('body: neither a notice nor one object');
  const [name, row] = only;
  const entity = ENTITIES.find((known) => known === name);
  if (entity) return normalizeObject(entity, row, settings);
  if (typeof row === 'object' && row !== null && 'Id' in row) {
    return { ignored: `${name}: this kind of object tells of no customer payment` };
  }
  throw new WireMismatch('body: neither a notice nor an object of QuickBooks');
}

function normalizeObject(entity: Entity, row: unknown, settings: ReadingSettings): Normalized {
  if (typeof row === 'object' && row !== null && 'status' in row && row.status === 'Deleted') {
    const { Id, MetaData } = readWire(deletedRow, row);
    return removal(entity, 'deleted', settings, {
      ...bareEvent(settings.homeCurrency ?? 'USD'),
      id: Id,
      eventId: stateId(settings, entity, Id, 'deleted'),
      occurredAt: readInstant(MetaData.LastUpdatedTime, 'MetaData.LastUpdatedTime'),
    });
  }
  if (entity === 'Customer') return normalizeCustomer(row, settings);
  const facts = readWire(transaction, row);
  const event = eventOf(entity, facts, settings);
  if (event.amountMinor < 0n && entity !== 'Deposit') {
    throw new WireMismatch(`TotalAmt: a ${entity} of ${facts.TotalAmt} is not documented`);
  }
  const invoice = entity === 'Invoice' ? { invoice: invoiceOf(facts, event) } : {};
  if (event.amountMinor === 0n && isVoided(entity, facts)) {
    return removal(entity, 'voided', settings, { ...event, ...invoice, id: facts.Id });
  }
  switch (entity) {
    case 'Invoice':
      return { events: [{ ...event, ...invoice, type: 'invoice.upserted' }] };
    case 'Payment':
      return event.amountMinor === 0n ? zeroPayment(facts) : paid(facts, event);
    case 'SalesReceipt':
      return event.amountMinor === 0n ? zeroReceipt(entity, facts) : paid(facts, event);
    case 'RefundReceipt':
      return event.amountMinor === 0n
        ? zeroReceipt(entity, facts)
        : { events: [{ ...event, type: 'refund.succeeded', refundId: facts.Id }] };
    case 'Deposit':
      if (!settings.depositsArePayouts) return { ignored: depositIsNoPayout(facts.Id) };
      return event.amountMinor === 0n
        ? zeroReceipt(entity, facts)
        : { events: [{ ...event, type: 'payout.paid', payoutId: facts.Id }] };
  }
}

/**
 * QuickBooks marks a void in the note; a voided payment also loses its lines, other objects keep
 * them.
 */
function isVoided(entity: Entity, facts: Transaction): boolean {
  const noted = /^\s*voided\b/i.test(facts.PrivateNote ?? '');
  return noted && (entity !== 'Payment' || linkedTypes(facts).length === 0);
}

function paid(facts: Transaction, event: Omit<CanonicalEvent, 'type'>): Normalized {
  return { events: [{ ...event, type: 'payment.succeeded', externalPaymentId: facts.Id }] };
}

/**
 * Nothing was paid where a credit is applied to an invoice; any other payment of 0 is not
 * documented.
 */
function zeroPayment(facts: Transaction): Normalized {
  const credit = linkedTypes(facts).find((type) => type !== 'Invoice');
  return credit === undefined
    ? { quarantined: `Payment ${facts.Id} is of 0 but is neither voided nor applies a credit` }
    : { ignored: `Payment ${facts.Id} applies a ${credit} to invoices: no money was received` };
}

/**
 * A receipt of 0 from its start is a gift; one that became 0 may take back money that is in the
 * books.
 */
function zeroReceipt(entity: Entity, facts: Transaction): Normalized {
  return facts.SyncToken === 0
    ? { ignored: `${entity} ${facts.Id} is of 0: no money moved` }
    : { quarantined: `${entity} ${facts.Id} was edited to 0 but is not voided` };
}

function eventOf(
  entity: Entity,
  facts: Transaction,
  settings: ReadingSettings,
): Omit<CanonicalEvent, 'type'> {
  const { Id, SyncToken, MetaData, TxnSource } = facts;
  const currency = facts.CurrencyRef?.value ?? settings.homeCurrency ?? 'USD';
  const charge = present(facts.CreditCardPayment?.CreditChargeResponse?.CCTransId);
  const channel = present(TxnSource);
  const isPayment = entity === 'Payment' || entity === 'SalesReceipt';
  // An invoice is dated by its last change; money by its creation until somebody edits it.
  const at = SyncToken === 0 && entity !== 'Invoice' ? 'CreateTime' : 'LastUpdatedTime';
  return {
    ...bareEvent(currency),
    eventId: stateId(settings, entity, Id, SyncToken),
    occurredAt: readInstant(MetaData[at], `MetaData.${at}`),
    amountMinor: fromDecimalText(facts.TotalAmt, currency).minor,
    method: entity === 'Invoice' || entity === 'Deposit' ? null : methodOf(facts),
    references: entity === 'Invoice' ? [] : referencesOf(facts, currency),
    customer: payerOf(facts),
    links: charge === null ? {} : linksTo(charge, isPayment),
    ...(channel === null ? {} : { channel }),
    revision: SyncToken,
  };
}

/** The same money at Intuit's own processor, by its transaction: a payment's charge, or what a receipt refunds. */
function linksTo(charge: string, isPayment: boolean): CanonicalEvent['links'] {
  return {
    ...(isPayment ? { paymentExternalId: charge } : {}),
    elsewhere: [{ portal: 'intuit-payments', externalId: charge }],
  };
}

function invoiceOf(facts: Transaction, event: Omit<CanonicalEvent, 'type'>): InvoiceFacts {
  return {
    externalId: facts.Id,
    number: present(facts.DocNumber),
    currency: event.currency,
    totalMinor: event.amountMinor,
    issuedOn: facts.TxnDate ?? null,
    dueOn: facts.DueDate ?? null,
    customerExternalId: facts.CustomerRef?.value ?? null,
    workOrder: workOrderOf(facts),
    purchaseOrder: purchaseOrderOf(facts),
  };
}

function normalizeCustomer(row: unknown, settings: ReadingSettings): Normalized {
  const facts = readWire(customer, row);
  const name = facts.DisplayName ?? facts.FullyQualifiedName ?? facts.CompanyName;
  return {
    events: [
      {
        ...bareEvent(facts.CurrencyRef?.value ?? settings.homeCurrency ?? 'USD'),
        type: 'customer.upserted',
        eventId: stateId(settings, 'Customer', facts.Id, facts.SyncToken),
        occurredAt: readInstant(facts.MetaData.LastUpdatedTime, 'MetaData.LastUpdatedTime'),
        customer: {
          externalId: facts.Id,
          name: present(name),
          email: present(facts.PrimaryEmailAddr?.Address),
        },
        revision: facts.SyncToken,
      },
    ],
  };
}

function describeFault(value: unknown): string {
  const parsed = fault.safeParse(value);
  const error = parsed.success ? parsed.data.Fault.Error[0] : undefined;
  return `QuickBooks answered with an error: ${error?.code ?? '?'} ${error?.Message ?? ''}`.trim();
}
