/** MYOB documents into canonical events; see MAPPING.md for every field. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { InvoiceFacts, Method, Payer, Reference } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { dayOf, instantOf, midnightOf } from './instants.ts';
import type { ReadingSettings } from './settings.ts';
import {
  type CustomerPayment,
  creditRefund,
  customer,
  customerPayment,
  ENTITIES,
  type Entity,
  errorAnswer,
  goneRecord,
  type Invoice,
  invoice,
  type WireLine,
} from './wire.ts';

const BASE_CURRENCY = 'AUD';
const TIME_ZONE = 'Australia/Sydney';
/** Revisions of payments are counted in seconds from here, so that they stay small. */
const REVISIONS_FROM_MS = Date.UTC(2020, 0, 1);

type Reading = {
  readonly settings: ReadingSettings;
  /** When a list held the record first in this version; undefined for a record that came by itself. */
  readonly readAt: string | undefined;
};

/** One event for each record. @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function normalize({ body }: PortalDocument, settings: ReadingSettings): Normalized {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  const failed = errorAnswer.safeParse(value);
  if (failed.success) {
    const [first] = failed.data.Errors;
    return { quarantined: `MYOB answered with an error: ${first?.Name} ${first?.Message}` };
  }
  const { ReadAt } = value as { readonly ReadAt?: unknown };
  const readAt = typeof ReadAt === 'string' ? instantOf(ReadAt, 'ReadAt') : undefined;
  const reading = { settings, readAt };
  if ('Gone' in value) return normalizeGone(value.Gone, reading);
  for (const entity of ENTITIES) {
    if (entity in value && !('UID' in value)) {
      return normalizeRecord(entity, (value as Record<string, unknown>)[entity], reading);
    }
  }
  throw new WireMismatch('body: not a record of MYOB that tells of customers’ money');
}

function normalizeRecord(entity: Entity, row: unknown, reading: Reading): Normalized {
  switch (entity) {
    case 'CustomerPayment':
      return normalizePayment(readWire(customerPayment, row), reading);
    case 'CreditRefund':
      return normalizeRefund(row, reading);
    case 'Invoice':
      return normalizeInvoice(readWire(invoice, row), reading);
    case 'Customer':
      return normalizeCustomer(row, reading);
  }
}

function normalizePayment(facts: CustomerPayment, reading: Reading): Normalized {
  const { UID, RowVersion, ForeignCurrency, AmountReceived, AmountReceivedForeign } = facts;
  const { settings } = reading;
  const money = moneyOf(
    { ForeignCurrency, base: AmountReceived, foreign: AmountReceivedForeign },
    settings,
  );
  if (money.minor === 0n) return { ignored: `receipt ${UID} is of 0: no money moved` };
  const event = {
    ...bareEvent(money.currency),
    eventId: stateId(settings, UID, RowVersion),
    occurredAt: midnightOf(facts.Date, 'Date', settings.timeZone ?? TIME_ZONE),
    amountMinor: money.minor < 0n ? -money.minor : money.minor,
    method: methodOf(facts.PaymentMethod),
    references: referencesOf(facts, money),
    customer: payerOf(facts.Customer),
    ...revisionOf(reading),
  };
  return money.minor < 0n
    ? { events: [{ ...event, type: 'refund.succeeded', refundId: UID, references: [] }] }
    : { events: [{ ...event, type: 'payment.succeeded', externalPaymentId: UID }] };
}

/** Money given back for a credit note; MYOB does not say which payment it came with. */
function normalizeRefund(row: unknown, { settings }: Reading): Normalized {
  const facts = readWire(creditRefund, row);
  const { UID, RowVersion, ForeignCurrency, Amount, AmountForeign } = facts;
  const money = moneyOf({ ForeignCurrency, base: Amount, foreign: AmountForeign }, settings);
  if (money.minor === 0n) return { ignored: `credit refund ${UID} is of 0: no money moved` };
  if (money.minor < 0n) return { quarantined: `credit refund ${UID} is of a negative amount` };
  return {
    events: [
      {
        ...bareEvent(money.currency),
        type: 'refund.succeeded',
        refundId: UID,
        eventId: stateId(settings, UID, RowVersion),
        occurredAt: midnightOf(facts.Date, 'Date', settings.timeZone ?? TIME_ZONE),
        amountMinor: money.minor,
        references: memos(facts.Number, facts.Memo),
        customer: payerOf(facts.Customer),
      },
    ],
  };
}

function normalizeInvoice(facts: Invoice, reading: Reading): Normalized {
  const { UID, RowVersion, ForeignCurrency, TotalAmount, TotalAmountForeign, LastModified } = facts;
  const { settings } = reading;
  const money = moneyOf(
    { ForeignCurrency, base: TotalAmount, foreign: TotalAmountForeign },
    settings,
  );
  if (money.minor < 0n) return { ignored: `invoice ${UID} is a credit note: nobody pays it` };
  const at = LastModified
    ? instantOf(LastModified, 'LastModified')
    : midnightOf(facts.Date, 'Date', settings.timeZone ?? TIME_ZONE);
  return {
    events: [
      {
        ...bareEvent(money.currency),
        type: 'invoice.upserted',
        eventId: stateId(settings, UID, RowVersion),
        occurredAt: at,
        amountMinor: money.minor,
        customer: payerOf(facts.Customer),
        ...(LastModified ? { revision: Date.parse(at) } : {}),
        invoice: invoiceOf(facts, money),
      },
    ],
  };
}

function invoiceOf(facts: Invoice, { minor, currency }: Money): InvoiceFacts {
  const dueOn = facts.Terms?.DueDate;
  return {
    externalId: facts.UID,
    number: present(facts.Number),
    currency,
    totalMinor: minor,
    issuedOn: dayOf(facts.Date, 'Date'),
    dueOn: dueOn ? dayOf(dueOn, 'Terms.DueDate') : null,
    customerExternalId: facts.Customer?.UID ?? null,
    workOrder: workOrderIn(facts.CustomerPurchaseOrderNumber, facts.JournalMemo, facts.Comment),
    purchaseOrder: present(facts.CustomerPurchaseOrderNumber),
  };
}

function normalizeCustomer(row: unknown, { settings, readAt }: Reading): Normalized {
  const { UID, RowVersion, LastModified, Addresses, ...facts } = readWire(customer, row);
  const at = LastModified ? instantOf(LastModified, 'LastModified') : readAt;
  if (at === undefined) throw new WireMismatch('LastModified: missing');
  const person = [facts.FirstName, facts.LastName].flatMap((part) => present(part) ?? []).join(' ');
  const email = Addresses?.map(({ Email }) => present(Email)).find((one) => one !== null);
  return {
    events: [
      {
        ...bareEvent(settings.baseCurrency ?? BASE_CURRENCY),
        type: 'customer.upserted',
        eventId: stateId(settings, UID, RowVersion),
        occurredAt: at,
        customer: {
          externalId: UID,
          name: present(facts.CompanyName) ?? present(person),
          email: email ?? null,
        },
        revision: Date.parse(at),
      },
    ],
  };
}

/** What vanished was deleted, which is how MYOB voids. It no longer tells its amount: the stored copy counts. */
function normalizeGone(gone: unknown, { settings, readAt }: Reading): Normalized {
  const { Entity, UID, Negative } = readWire(goneRecord, gone);
  if (readAt === undefined) throw new WireMismatch('ReadAt: missing');
  const currency = settings.baseCurrency ?? BASE_CURRENCY;
  const event = {
    ...bareEvent(currency),
    eventId: stateId(settings, UID, 'gone'),
    occurredAt: readAt,
    reason: 'deleted in MYOB',
  };
  if (Entity === 'Invoice') {
    const nothing = { number: null, issuedOn: null, dueOn: null, customerExternalId: null };
    const orders = { workOrder: null, purchaseOrder: null };
    const facts = { externalId: UID, currency, totalMinor: 0n, ...nothing, ...orders };
    return { events: [{ ...event, type: 'invoice.voided', invoice: facts }] };
  }
  return Entity === 'CreditRefund' || Negative
    ? { events: [{ ...event, type: 'refund.failed', refundId: UID }] }
    : { events: [{ ...event, type: 'payment.voided', externalPaymentId: UID }] };
}

type Money = { readonly minor: bigint; readonly currency: string };

/** The foreign amount where there is one: the base amount of such a record follows an exchange rate. */
function moneyOf(
  said: {
    readonly ForeignCurrency: { readonly Code: string } | null | undefined;
    readonly base: string;
    readonly foreign: string | null | undefined;
  },
  settings: ReadingSettings,
): Money {
  const { ForeignCurrency, base, foreign } = said;
  const baseCurrency = settings.baseCurrency ?? BASE_CURRENCY;
  if (!ForeignCurrency || ForeignCurrency.Code === baseCurrency) {
    return fromDecimalText(base, baseCurrency);
  }
  if (foreign === null || foreign === undefined) {
    throw new WireMismatch(`ForeignCurrency: ${ForeignCurrency.Code}, but no amount in it`);
  }
  return fromDecimalText(foreign, ForeignCurrency.Code);
}

/** Invoices first, then orders, then every text that may name what is paid; our own mark stands in them. */
function referencesOf(facts: CustomerPayment, { minor, currency }: Money): readonly Reference[] {
  const foreign = currency === facts.ForeignCurrency?.Code;
  const shareOf = ({ AmountApplied, AmountAppliedForeign }: WireLine): bigint => {
    const text = foreign ? (AmountAppliedForeign ?? AmountApplied) : AmountApplied;
    return fromDecimalText(text ?? '0', currency).minor;
  };
  const linked = (facts.Invoices ?? []).flatMap((line): readonly Reference[] => {
    const { UID, Number: number, Type } = line;
    const share = shareOf(line);
    const kind = Type === 'Order' ? 'order' : 'invoice';
    // "Purged": the invoice is gone from the file; a line of 0 pays nothing.
    if (Type === 'Purged' || share <= 0n || !UID) return [];
    const amount = share <= minor ? { amountMinor: share } : {};
    return [{ kind, externalId: UID, ...(number ? { number } : {}), ...amount }];
  });
  const workOrder = workOrderIn(facts.Memo, facts.ReceiptNumber);
  return [
    ...linked,
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...memos(facts.ReceiptNumber, facts.Memo),
  ];
}

function memos(...texts: readonly (string | null | undefined)[]): readonly Reference[] {
  return texts.flatMap((one) => {
    const text = present(one);
    return text === null ? [] : [{ kind: 'memo', text } as const];
  });
}

function workOrderIn(...texts: readonly (string | null | undefined)[]): string | null {
  const found = texts.map((text) => /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0]);
  return found.find((one) => one !== undefined) ?? null;
}

/** Names of methods are the company file's own. */
function methodOf(said: string | null | undefined): Method | null {
  const name = present(said);
  if (name === null) return null;
  return METHOD_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

const METHOD_NAMES: readonly (readonly [RegExp, Method])[] = [
  [/card|visa|master|amex|american express|diners|bankcard|eftpos/i, 'card'],
  [/che(ck|que)/i, 'check'],
  [/cash/i, 'cash'],
  [/\beft\b|bank|bpay|deposit|transfer|debit|electronic/i, 'bank'],
  [/paypal|wallet|apple pay|google pay/i, 'wallet'],
];

/** Receipts name their customer without an address; that comes with the customer. */
function payerOf(card: CustomerPayment['Customer']): Payer | null {
  return card ? { externalId: card.UID, name: present(card.Name), email: null } : null;
}

/** Row versions do not sort; what was read later is the later version, which no pull reads twice. */
function revisionOf({ readAt }: Reading): { readonly revision?: number } {
  if (readAt === undefined) return {};
  return { revision: Math.floor((Date.parse(readAt) - REVISIONS_FROM_MS) / 1000) };
}

function stateId({ companyFileId }: ReadingSettings, uid: string, state: string): string {
  return [...(companyFileId === undefined ? [] : [companyFileId]), uid, state].join(':');
}

function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}
