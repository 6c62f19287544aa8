/** Sage 50's documents into canonical events; see MAPPING.md for every field. */
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, Payer, Reference } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { digestOf } from '../kit/documents.ts';
import { WireMismatch } from '../kit/errors.ts';
import { isReversalMark } from '../kit/own-mark.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { midnightOf, utcOf } from './dates.ts';
import { normalizeDistributions } from './distributions.ts';
import { type Facts, factsOfReceipt, factsOfRows, present, requireDataset } from './facts.ts';
import { readFile } from './files.ts';
import { idOf, type Sage50Settings, zoneOf } from './settings.ts';
import { isJson } from './split.ts';
import { isNobodys, typeOf } from './types.ts';
import {
  auditDocument,
  customerDocument,
  distributionsDocument,
  goneDocument,
  receiptDocument,
} from './wire.ts';

/** Revisions are counted in seconds from here, so that they stay small. */
const REVISIONS_FROM_MS = Date.UTC(2000, 0, 1);

/** @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function normalize(
  { body, receivedAt }: PortalDocument,
  settings: Sage50Settings,
): Normalized {
  if (!isJson(body)) return normalizeFile(body);
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  if ('event' in value && value.event === 'ping') return { ignored: 'a ping of the bridge' };
  if ('success' in value && value.success === false) {
    const said = 'error' in value ? value.error : 'message' in value ? value.message : '';
    return { quarantined: `the bridge answered with an error: ${String(said)}` };
  }
  if ('receipts' in value && Array.isArray(value.receipts) && value.receipts.length === 0) {
    return { ignored: 'a page without receipts' };
  }
  if ('receipt' in value) {
    const facts = factsOfReceipt(readWire(receiptDocument, value), settings);
    return normalizeFacts(facts, { settings, digest: digestOf(body) });
  }
  if ('rows' in value) {
    const facts = factsOfRows(readWire(auditDocument, value), settings);
    return normalizeFacts(facts, { settings, digest: digestOf(body) });
  }
  if ('distributions' in value) {
    const { distributions } = readWire(distributionsDocument, value);
    const given = { settings, digest: digestOf(body), readAt: receivedAt };
    return normalizeDistributions(distributions, given);
  }
  if ('customer' in value) return normalizeCustomer(value, { settings, body, receivedAt });
  if ('gone' in value) return normalizeGone(value, settings);
  throw new WireMismatch('body: not a document of Sage 50');
}

/** A file that was not taken apart says why here. */
function normalizeFile(body: Buffer): Normalized {
  try {
    readFile(body);
    return { ignored: 'no row of the file is money of a customer, or an invoice' };
  } catch (error) {
    return { quarantined: `the file is refused as a whole: ${(error as Error).message}` };
  }
}

type Reading = { readonly settings: Sage50Settings; readonly digest: string };

function normalizeFacts(facts: Facts, { settings, digest }: Reading): Normalized {
  const { id, type, deleted, account } = facts;
  const reading = { settings, digest: facts.statedAt ?? digest };
  const customers = deleted ? [] : customerOf(facts, reading);
  switch (type) {
    case 'SI':
      return { events: [...customers, invoiceEvent(facts, reading)] };
    case 'SC':
      return { ignored: `${id} is a credit note: nobody pays it, and it is no money` };
    case 'SD':
      return { ignored: `${id} is a discount: no money moved` };
    case 'SR':
    case 'SA':
      return withMoney(facts, () => [...customers, paymentEvent(facts, reading)]);
    case 'SP':
      if (isReversalMark(facts.reference)) {
        return {
          ignored: deleted
            ? `${id} took a payment of ours back, and was deleted`
            : `${id} takes back by ${facts.reference} what we recorded ourselves`,
        };
      }
      return withMoney(facts, () => [...customers, refundEvent(facts, reading)]);
    case 'BR':
    case 'CR':
    case 'VR':
      // Without a customer's account they go straight to a nominal; some versions repeat the bank's own there.
      if (
        account === null ||
        account === facts.bank ||
        Object.hasOwn(settings.bankMethods, account)
      ) {
        return { ignored: `${id} (${type}) went straight to a nominal: no customer paid` };
      }
      return withMoney(facts, () => [...customers, paymentEvent(facts, reading)]);
    default:
      if (isNobodys(type)) return { ignored: `${id} (${type}) is no money of a customer` };
      return { quarantined: `${id} is of the unknown type "${type}"` };
  }
}

function withMoney({ id, grossMinor }: Facts, events: () => readonly CanonicalEvent[]): Normalized {
  return grossMinor === 0n ? { ignored: `${id} is of 0: no money moved` } : { events: events() };
}

function paymentEvent(facts: Facts, reading: Reading): CanonicalEvent {
  const { id, deleted, statedAt } = facts;
  const event = {
    ...moneyEvent(facts, reading),
    externalPaymentId: id,
    ...revisionOf(statedAt),
  };
  // What is deleted is named by its id alone: other payments may pay the same work.
  return deleted
    ? { ...event, type: 'payment.voided', references: memos(facts), reason: 'deleted in Sage 50' }
    : { ...event, type: 'payment.succeeded', references: referencesOf(facts) };
}

/** Sage 50 does not say which payment is given back. */
function refundEvent(facts: Facts, reading: Reading): CanonicalEvent {
  const event = { ...moneyEvent(facts, reading), refundId: facts.id, references: memos(facts) };
  return facts.deleted
    ? { ...event, type: 'refund.failed', reason: 'deleted in Sage 50' }
    : { ...event, type: 'refund.succeeded' };
}

function moneyEvent(facts: Facts, { settings, digest }: Reading) {
  const { id, day, deleted, statedAt } = facts;
  const midnight = midnightOf(day, zoneOf(settings));
  return {
    ...bareEvent(facts.currency),
    eventId: `${id}:${deleted ? 'deleted:' : ''}${digest}`,
    // Money counts on the day it is dated; that it was deleted, when that was done.
    occurredAt: deleted ? (statedAt ?? midnight) : midnight,
    amountMinor: facts.grossMinor,
    method: facts.method,
    customer: payerOf(facts),
  };
}

function invoiceEvent(facts: Facts, { settings, digest }: Reading): CanonicalEvent {
  const { id, reference, currency, grossMinor, day, dueOn, account, statedAt, deleted } = facts;
  return {
    ...bareEvent(currency),
    type: deleted ? 'invoice.voided' : 'invoice.upserted',
    eventId: `${id}:${deleted ? 'deleted:' : ''}${digest}`,
    occurredAt: statedAt ?? midnightOf(day, zoneOf(settings)),
    amountMinor: grossMinor,
    customer: payerOf(facts),
    ...revisionOf(statedAt),
    invoice: {
      externalId: id,
      number: reference,
      currency,
      totalMinor: grossMinor,
      issuedOn: day,
      dueOn,
      customerExternalId: account,
      workOrder: workOrderIn(facts),
      purchaseOrder: null,
    },
  };
}

function customerOf(facts: Facts, reading: Reading): readonly CanonicalEvent[] {
  const { account, accountName: name, email, statedAt, day } = facts;
  if (account === null) return [];
  const occurredAt = statedAt ?? midnightOf(day, zoneOf(reading.settings));
  return [customerEvent({ externalId: account, name, email }, { ...reading, occurredAt })];
}

function customerEvent(
  customer: Payer & { readonly externalId: string },
  { settings, digest, occurredAt }: Reading & { readonly occurredAt: string },
): CanonicalEvent {
  return {
    ...bareEvent(settings.baseCurrency),
    type: 'customer.upserted',
    eventId: `${idOf(settings, customer.externalId)}:${digest}`,
    occurredAt,
    customer,
  };
}

function normalizeCustomer(
  value: object,
  given: { readonly settings: Sage50Settings; readonly body: Buffer; readonly receivedAt: Date },
): Normalized {
  const { customer, readAt } = readWire(customerDocument, value);
  const { accountRef: externalId, name, email } = customer;
  const { settings, body, receivedAt } = given;
  const occurredAt = readAt ? utcOf(readAt, 'readAt') : receivedAt.toISOString();
  const payer = { externalId, name: present(name), email: present(email) };
  return { events: [customerEvent(payer, { settings, digest: digestOf(body), occurredAt })] };
}

/** What vanished no longer tells its amount: the stored copy counts. */
function normalizeGone(value: object, settings: Sage50Settings): Normalized {
  const { dataset, gone, readAt } = readWire(goneDocument, value);
  requireDataset(dataset, settings);
  const { baseCurrency: currency } = settings;
  const id = idOf(settings, gone.tranNumber);
  const event = {
    ...bareEvent(currency),
    eventId: `${id}:gone`,
    occurredAt: utcOf(readAt, 'readAt'),
    reason: 'deleted in Sage 50',
  };
  switch (typeOf(gone.type)) {
    case 'SR':
    case 'SA':
      return { events: [{ ...event, type: 'payment.voided', externalPaymentId: id }] };
    case 'SP':
      return { events: [{ ...event, type: 'refund.failed', refundId: id }] };
    case 'SI': {
      const nothing = { number: null, issuedOn: null, dueOn: null, customerExternalId: null };
      const orders = { workOrder: null, purchaseOrder: null };
      const invoice = { externalId: id, currency, totalMinor: 0n, ...nothing, ...orders };
      return { events: [{ ...event, type: 'invoice.voided', invoice }] };
    }
    default:
      return { ignored: `${id} (${gone.type}) is gone: it was no money` };
  }
}

/** Invoices by what Sage 50 allocated, then the work order, then every text; our own mark stands in them. */
function referencesOf(facts: Facts): readonly Reference[] {
  const invoices = facts.allocations.flatMap((share): readonly Reference[] => {
    const { invoiceId: externalId, invoiceNumber: number, amountMinor } = share;
    if (amountMinor <= 0n) return [];
    const amount = amountMinor <= facts.grossMinor ? { amountMinor } : {};
    return [{ kind: 'invoice', externalId, ...(number === null ? {} : { number }), ...amount }];
  });
  const workOrder = workOrderIn(facts);
  return [
    ...invoices,
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...memos(facts),
  ];
}

function memos({ reference, notes }: Facts): readonly Reference[] {
  const texts = new Set([...(reference === null ? [] : [reference]), ...notes]);
  return [...texts].map((text) => ({ kind: 'memo', text }));
}

function workOrderIn({ reference, notes }: Facts): string | null {
  const texts = [...notes, reference ?? ''];
  const found = texts.map((text) => /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text)?.[0]);
  return found.find((one) => one !== undefined) ?? null;
}

function payerOf({ account, accountName, email }: Facts): Payer | null {
  if (account === null && accountName === null) return null;
  return { externalId: account, name: accountName, email };
}

/** What was stated later is the later state, be it by its change or by when it was read. */
function revisionOf(statedAt: string | null): { readonly revision?: number } {
  if (statedAt === null) return {};
  return { revision: Math.floor((Date.parse(statedAt) - REVISIONS_FROM_MS) / 1000) };
}
