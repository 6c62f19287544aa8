/** Documents of Business One into canonical events; see MAPPING.md for every field. */
import type { Money } from '../../money/money.ts';
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, InvoiceFacts, Payer } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { meansOf, moneyOf } from './amounts.ts';
import { dayNumber, dayOf, midnightOf } from './days.ts';
import {
  invoiceId,
  numberOf,
  numbersElsewhere,
  present,
  referencesOf,
  textIn,
  workOrderIn,
} from './references.ts';
import { saidBy } from './refusal.ts';
import { isoOf, type ReadingSettings } from './settings.ts';
import { normalizeNudge } from './webhook.ts';
import {
  ENTITIES,
  type Entity,
  gonePayment,
  type Invoice,
  type InvoiceEntity,
  invoice,
  invoiceNumbers,
  type Payment,
  type PaymentEntity,
  partner,
  payment,
} from './wire.ts';

type Reading = {
  readonly settings: ReadingSettings;
  /** What Business One does not date (a cancellation) is dated by its first sight. */
  readonly seenAt: string;
  readonly numbers: Readonly<Record<string, string>>;
};

/** One event for each record. @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function normalize(
  { body, receivedAt }: PortalDocument,
  settings: ReadingSettings,
): Normalized {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  const said = saidBy(value);
  if (said) {
    return { quarantined: `Business One answered with an error: ${said.message} (${said.code})` };
  }
  if ('objectType' in value && 'companyDb' in value) return normalizeNudge(value, settings);
  const { InvoiceNumbers = {}, ...record } = value as Readonly<Record<string, unknown>>;
  const numbers = readWire(invoiceNumbers, InvoiceNumbers);
  const reading = { settings, seenAt: receivedAt.toISOString(), numbers };
  if ('Gone' in record) return normalizeGone(record.Gone, reading);
  const entity = ENTITIES.find((one) => one in record);
  if (entity === undefined) {
    throw new WireMismatch('body: not a record of Business One that tells of customers’ money');
  }
  return normalizeRecord(entity, record[entity], reading);
}

function normalizeRecord(entity: Entity, row: unknown, reading: Reading): Normalized {
  switch (entity) {
    case 'IncomingPayments':
    case 'VendorPayments':
      return normalizePayment(entity, readWire(payment, row), reading);
    case 'Invoices':
    case 'DownPayments':
      return normalizeInvoice(entity, readWire(invoice, row), reading);
    case 'BusinessPartners':
      return normalizePartner(row, reading);
  }
}

/** What is no customer's payment, by name. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  rAccount: 'is booked straight to an account: no customer is in it',
  rSupplier: 'is a supplier’s',
};

/** Where approvals are used, a payment is money once it is approved; `null` where there are none. */
const APPROVED: readonly (string | null)[] = [
  null,
  'pasWithout',
  'pasApproved',
  'pasGenerated',
  'pasGeneratedbyAuthorizer',
];

function normalizePayment(entity: PaymentEntity, facts: Payment, reading: Reading): Normalized {
  const outgoing = entity === 'VendorPayments';
  const what = `${outgoing ? 'outgoing' : 'incoming'} payment ${facts.DocEntry}`;
  const type = facts.DocType ?? facts.DocTypte ?? '';
  const other = Object.hasOwn(OTHER_TYPES, type) ? OTHER_TYPES[type] : undefined;
  if (other !== undefined) return { ignored: `${what} ${other}` };
  if (type !== 'rCustomer') return { quarantined: `${what}: DocType "${type}" is not known` };
  const money = moneyOf(facts, reading.settings, outgoing);
  if (money.minor === 0n) return { ignored: `${what} moves no money: it applies credits` };
  if (money.minor < 0n) return { quarantined: `${what} is of a negative amount` };
  const state = stateOf(facts);
  if (state === undefined) {
    const { AuthorizationStatus } = facts;
    return { quarantined: `${what}: AuthorizationStatus "${AuthorizationStatus}" is not known` };
  }
  const event = paymentEvent(entity, facts, { money, state, reading });
  return outgoing
    ? refundOf(event, { facts, state, what })
    : { events: [{ ...event, ...receipt(state), externalPaymentId: String(facts.DocEntry) }] };
}

type State = 'pending' | 'booked' | 'cancelled';

/** Undefined for a state of approval that nobody explained. */
function stateOf({ Cancelled, AuthorizationStatus }: Payment): State | undefined {
  if (Cancelled === 'tYES') return 'cancelled';
  if (AuthorizationStatus === 'pasPending') return 'pending';
  return APPROVED.includes(AuthorizationStatus ?? null) ? 'booked' : undefined;
}

function paymentEvent(
  entity: PaymentEntity,
  facts: Payment,
  known: { readonly money: Money; readonly state: State; readonly reading: Reading },
): Omit<CanonicalEvent, 'type'> {
  const { money, state, reading } = known;
  const { settings, seenAt } = reading;
  const [largest, ...others] = meansOf(facts);
  const elsewhere = entity === 'IncomingPayments' ? numbersElsewhere(facts) : [];
  const channel = [largest, ...others].map((one) => one?.name);
  const checks = facts.PaymentChecks.flatMap(({ CheckNumber }) => CheckNumber ?? []);
  return {
    ...bareEvent(money.currency),
    eventId: stateId(settings, entity, facts.DocEntry, state),
    occurredAt:
      state === 'cancelled' ? seenAt : midnightOf(facts.DocDate, 'DocDate', settings.timeZone),
    amountMinor: money.minor,
    method: largest?.method ?? null,
    // A number of a check must not be taken for that of an invoice, so that it is no reference.
    channel: [channel.join(', '), ...checks.map((number) => `no. ${number}`)].join(' '),
    references: referencesOf(facts, money, { settings, numbers: reading.numbers }),
    customer: payerOf(facts),
    links: elsewhere.length > 0 ? { elsewhere } : {},
    ...(state === 'booked' ? feeOf(facts, money.currency, settings) : {}),
  };
}

function receipt(state: State) {
  switch (state) {
    case 'pending':
      return { type: 'payment.pending' } as const;
    case 'booked':
      return { type: 'payment.succeeded' } as const;
    case 'cancelled':
      return { type: 'payment.voided', reason: 'cancelled in Business One' } as const;
  }
}

/** Money paid back to a customer, of the incoming payment that its line names, if it names one. */
function refundOf(
  event: Omit<CanonicalEvent, 'type'>,
  given: { readonly facts: Payment; readonly state: State; readonly what: string },
): Normalized {
  const { facts, state, what } = given;
  if (state === 'pending') return { ignored: `${what} awaits approval: no money has moved` };
  const [line, ...others] = facts.PaymentInvoices;
  const single = line?.InvoiceType === 'it_Receipt' && others.length === 0;
  const refund = {
    ...event,
    externalPaymentId: single ? String(line.DocEntry) : null,
    refundId: `out:${facts.DocEntry}`,
    references: event.references.filter(({ kind }) => kind === 'memo'),
  };
  return state === 'cancelled'
    ? { events: [{ ...refund, type: 'refund.failed', reason: 'cancelled in Business One' }] }
    : { events: [{ ...refund, type: 'refund.succeeded' }] };
}

/** What the bank kept; in foreign currency it is told twice. */
function feeOf(facts: Payment, currency: string, { localCurrency }: ReadingSettings) {
  const foreign = currency === localCurrency ? '0' : (facts.BankChargeAmountInFC ?? '0');
  const charged = fromDecimalText(foreign, currency).minor;
  if (charged > 0n) return { feeMinor: charged };
  const feeMinor = fromDecimalText(facts.BankChargeAmount ?? '0', localCurrency).minor;
  if (feeMinor <= 0n) return {};
  return { feeMinor, ...(currency === localCurrency ? {} : { feeCurrency: localCurrency }) };
}

/** A draft that waited for approval was removed: it never was money. */
function normalizeGone(gone: unknown, { settings, seenAt }: Reading): Normalized {
  const { Entity: entity, DocEntry } = readWire(gonePayment, gone);
  if (entity === 'VendorPayments') {
    return { ignored: `outgoing payment ${DocEntry} was never approved: no money has moved` };
  }
  return {
    events: [
      {
        ...bareEvent(settings.localCurrency),
        type: 'payment.voided',
        externalPaymentId: String(DocEntry),
        eventId: stateId(settings, entity, DocEntry, 'gone'),
        occurredAt: seenAt,
        reason: 'removed in Business One before it was approved',
      },
    ],
  };
}

function normalizeInvoice(entity: InvoiceEntity, facts: Invoice, reading: Reading): Normalized {
  const { settings, seenAt } = reading;
  const { DocEntry, UpdateDate, CancelStatus } = facts;
  const what = `${entity === 'Invoices' ? 'invoice' : 'down payment invoice'} ${facts.DocNum ?? DocEntry}`;
  if (CancelStatus === 'csCancellation') {
    return { ignored: `${what} only cancels another: nobody pays it` };
  }
  const money = invoiceMoney(facts, settings);
  if (money.minor < 0n) return { ignored: `${what} is a credit: nobody pays it` };
  const cancelled = facts.Cancelled === 'tYES';
  const event = {
    ...bareEvent(money.currency),
    eventId: stateId(settings, entity, DocEntry, [changedOn(facts), facts.Cancelled]),
    occurredAt: UpdateDate ? midnightOf(UpdateDate, 'UpdateDate', settings.timeZone) : seenAt,
    amountMinor: money.minor,
    customer: payerOf(facts),
    // Of two states of one day a cancellation is the later: nothing follows it.
    ...(UpdateDate
      ? { revision: 2 * dayNumber(UpdateDate, 'UpdateDate') + (cancelled ? 1 : 0) }
      : {}),
    invoice: invoiceFacts(entity, facts, { money, settings }),
  };
  return cancelled
    ? { events: [{ ...event, type: 'invoice.voided', reason: 'cancelled in Business One' }] }
    : { events: [{ ...event, type: 'invoice.upserted' }] };
}

function invoiceMoney(facts: Invoice, settings: ReadingSettings): Money {
  const { DocCurrency, DocTotal, DocTotalFc } = facts;
  const currency = isoOf(DocCurrency, settings);
  if (currency === settings.localCurrency) return fromDecimalText(DocTotal, currency);
  if (DocTotalFc === null || DocTotalFc === undefined) {
    throw new WireMismatch(`DocTotalFc: missing, and DocCurrency is ${DocCurrency}`);
  }
  const money = fromDecimalText(DocTotalFc, currency);
  if (money.minor === 0n && !/^[0.]+$/.test(DocTotal)) {
    throw new WireMismatch(`DocTotalFc: 0, but DocTotal is ${DocTotal}`);
  }
  return money;
}

function invoiceFacts(
  entity: InvoiceEntity,
  facts: Invoice,
  { money, settings }: { readonly money: Money; readonly settings: ReadingSettings },
): InvoiceFacts {
  const { NumAtCard, Comments, DocDate, DocDueDate, CardCode } = facts;
  const field = settings.workOrderField && textIn(facts, settings.workOrderField);
  return {
    externalId: invoiceId(entity, facts.DocEntry),
    number: numberOf(facts, settings),
    currency: money.currency,
    totalMinor: money.minor,
    issuedOn: DocDate ? dayOf(DocDate, 'DocDate') : null,
    dueOn: DocDueDate ? dayOf(DocDueDate, 'DocDueDate') : null,
    customerExternalId: present(CardCode),
    workOrder: field || workOrderIn(NumAtCard, Comments),
    purchaseOrder: present(NumAtCard),
  };
}

const PARTNER_TYPES: Readonly<Record<string, string>> = {
  cSupplier: 'a supplier',
  cLid: 'a lead',
};

function normalizePartner(row: unknown, { settings, seenAt }: Reading): Normalized {
  const facts = readWire(partner, row);
  const { CardCode, CardName, CardType, EmailAddress, UpdateDate } = facts;
  if (CardType !== 'cCustomer') {
    const other = Object.hasOwn(PARTNER_TYPES, CardType) ? PARTNER_TYPES[CardType] : undefined;
    return other === undefined
      ? { quarantined: `business partner ${CardCode}: CardType "${CardType}" is not known` }
      : { ignored: `business partner ${CardCode} is ${other}` };
  }
  return {
    events: [
      {
        ...bareEvent(settings.localCurrency),
        type: 'customer.upserted',
        eventId: stateId(settings, 'BusinessPartners', CardCode, changedOn(facts)),
        occurredAt: UpdateDate ? midnightOf(UpdateDate, 'UpdateDate', settings.timeZone) : seenAt,
        customer: {
          externalId: CardCode,
          name: present(CardName),
          email: present(EmailAddress),
        },
        ...(UpdateDate ? { revision: dayNumber(UpdateDate, 'UpdateDate') } : {}),
      },
    ],
  };
}

/** Payments and invoices name their customer without an address; that comes with the customer. */
function payerOf({ CardCode, CardName }: Pick<Payment, 'CardCode' | 'CardName'>): Payer | null {
  const externalId = present(CardCode);
  return externalId === null ? null : { externalId, name: present(CardName), email: null };
}

function changedOn({ UpdateDate }: Pick<Invoice, 'UpdateDate'>): string {
  return UpdateDate ? dayOf(UpdateDate, 'UpdateDate') : 'undated';
}

/** The id of a state: numbers are only unique inside a company database. */
function stateId(
  { companyDb }: ReadingSettings,
  entity: Entity,
  id: number | string,
  state: string | readonly string[],
): string {
  return [companyDb, entity, id, state].flat().join(':');
}
