/** Payments, deposits of customers, refunds, invoices and bank deposits, by what their status says of them. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, InvoiceFacts } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { depositIsNoPayout, removal, stateId, TIME_ZONE } from './event.ts';
import { dayOf, instantOf, revisionOf } from './instants.ts';
import {
  absolute,
  elsewhere,
  type Money,
  memosOf,
  methodOf,
  payerOf,
  present,
  referencesOf,
  refundedPayment,
  workOrderIn,
} from './references.ts';
import type { ReadingSettings } from './settings.ts';
import { type Transaction, TYPES, type Type } from './wire.ts';

/** `counts`: the money or the debt exists. `waits`: somebody must approve it first. */
type Standing = 'counts' | 'waits' | 'gone';

/** By type, because the letters mean different things. */
const STANDINGS: Readonly<Record<Exclude<Type, 'Deposit'>, Readonly<Record<string, Standing>>>> = {
  // Unapproved; not deposited; deposited; voided.
  CustPymt: { A: 'waits', B: 'counts', C: 'counts', V: 'gone' },
  // Not deposited; deposited; fully applied; unapproved; voided.
  CustDep: { A: 'counts', B: 'counts', C: 'counts', D: 'waits', V: 'gone' },
  // Deposited; "undefined", which is what kinds without a status of their own have; voided.
  CustRfnd: { C: 'counts', Y: 'counts', V: 'gone' },
  // Open; paid in full; pending approval; rejected; voided.
  CustInvc: { A: 'counts', B: 'counts', D: 'waits', E: 'gone', V: 'gone' },
};

/** What a transaction is by itself; applications of credits and deposits move no money. */
const NO_MONEY: Readonly<Record<string, string>> = {
  DepAppl: 'the deposit was money when it came',
  CustCred: 'a credit memo is not money',
};

/** @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function normalizeTransaction(facts: Transaction, settings: ReadingSettings): Normalized {
  const type = TYPES.find((known) => known === facts.type);
  if (!type) {
    const why = NO_MONEY[facts.type] ?? 'this type tells of no customer payment';
    return { ignored: `${facts.type} ${facts.id}: ${why}` };
  }
  if (type === 'Deposit' && !settings.depositsArePayouts) return depositIsNoPayout(facts.id);
  const zone = settings.accountTimeZone ?? TIME_ZONE;
  const modifiedAt = instantOf(facts.modified, 'modified', zone);
  const state = {
    id: facts.id,
    eventId: stateId(settings, type, facts.id, facts.modified),
    revision: revisionOf(modifiedAt),
  };
  const standing = standingOf(type, facts);
  if (standing === 'gone') {
    const money = present(facts.foreigntotal) === null ? undefined : moneyOf(facts, settings);
    const occurredAt = modifiedAt;
    return removal(type, settings, { ...state, occurredAt, money, reason: 'voided in NetSuite' });
  }
  const money = moneyOf(facts, settings);
  if (type === 'CustInvc') {
    return standing === 'waits'
      ? { ignored: `invoice ${facts.id} is not approved yet: nobody owes it` }
      : normalizeInvoice(facts, money, { ...state, occurredAt: modifiedAt });
  }
  if (money.minor === 0n) {
    return { ignored: `${type} ${facts.id} is of 0: it only applies credits, no money moved` };
  }
  const event = {
    ...bareEvent(money.currency),
    eventId: state.eventId,
    revision: state.revision,
    occurredAt: instantOf(facts.created, 'created', zone),
    amountMinor: absolute(money.minor),
    method: methodOf(facts.method),
    customer: payerOf(facts),
  };
  return normalizeMoney(type, facts, { event, money, standing });
}

function normalizeMoney(
  type: Exclude<Type, 'CustInvc'>,
  facts: Transaction,
  told: {
    readonly event: Omit<CanonicalEvent, 'type'>;
    readonly money: Money;
    readonly standing: Standing;
  },
): Normalized {
  const { event, money, standing } = told;
  switch (type) {
    case 'CustPymt':
    case 'CustDep': {
      const kind = standing === 'waits' ? 'payment.pending' : 'payment.succeeded';
      const positive = { ...money, minor: absolute(money.minor) };
      // A deposit is applied by transactions of its own.
      const paid = type === 'CustDep' ? { ...facts, applications: [] } : facts;
      const references = referencesOf(paid, positive);
      const links = elsewhere(facts);
      return {
        events: [{ ...event, type: kind, externalPaymentId: facts.id, references, links }],
      };
    }
    case 'CustRfnd':
      return {
        events: [
          {
            ...event,
            type: 'refund.succeeded',
            refundId: facts.id,
            externalPaymentId: refundedPayment(facts),
            references: memosOf(facts),
          },
        ],
      };
    case 'Deposit':
      // The sign of one that takes money out of the bank is not known.
      if (money.minor < 0n)
        return { quarantined: `bank deposit ${facts.id} is of a negative amount` };
      return { events: [{ ...event, type: 'payout.paid', payoutId: facts.id }] };
  }
}

function normalizeInvoice(
  facts: Transaction,
  { minor, currency }: Money,
  state: Pick<CanonicalEvent, 'eventId' | 'occurredAt'> & { readonly revision: number },
): Normalized {
  if (minor < 0n) return { quarantined: `invoice ${facts.id} is of a negative amount` };
  const { eventId, occurredAt, revision } = state;
  const invoice: InvoiceFacts = {
    externalId: facts.id,
    number: present(facts.tranid),
    currency,
    totalMinor: minor,
    issuedOn: facts.trandate ? dayOf(facts.trandate, 'trandate') : null,
    dueOn: facts.duedate ? dayOf(facts.duedate, 'duedate') : null,
    customerExternalId: facts.entity ?? null,
    workOrder: workOrderIn(facts.otherrefnum, facts.memo),
    purchaseOrder: present(facts.otherrefnum),
  };
  return {
    events: [
      {
        ...bareEvent(currency),
        type: 'invoice.upserted',
        eventId,
        occurredAt,
        revision,
        amountMinor: minor,
        customer: payerOf(facts),
        invoice,
      },
    ],
  };
}

/** The column says it as `C` or as `CustPymt:C`. @throws WireMismatch for a status nobody documented */
function standingOf(type: Type, { id, status, voided }: Transaction): Standing {
  if (voided === 'T') return 'gone';
  // Bank deposits have none.
  if (type === 'Deposit') return 'counts';
  const letter = (status ?? '').split(':').at(-1)?.trim().toUpperCase() ?? '';
  const standing = STANDINGS[type][letter];
  if (standing) return standing;
  throw new WireMismatch(`status: "${status ?? ''}" of ${type} ${id} is not known`);
}

/** Of the transaction's own currency: `total` would be that of the subsidiary. */
function moneyOf(facts: Transaction, settings: ReadingSettings): Money {
  const currency = present(facts.currencycode) ?? settings.singleCurrency;
  if (currency === undefined) throw new WireMismatch(`currencycode: missing in ${facts.id}`);
  const { foreigntotal } = facts;
  if (foreigntotal === null || foreigntotal === undefined) {
    throw new WireMismatch(`foreigntotal: missing in ${facts.id}`);
  }
  return fromDecimalText(foreigntotal, currency);
}
