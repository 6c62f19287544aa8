/** The record in QuickBooks accounting beside a transaction: what was paid, who paid, and its id there. */
import { z } from 'zod';
import type { CanonicalEvent, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import {
  payerOf,
  present,
  referencesOf,
  type Transaction,
  transaction,
} from '../kit/intuit-transactions.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { readWire } from '../kit/wire.ts';
import { RECORDS, type RecordKind, transactionNamed } from './wire.ts';

export type Recorded = {
  readonly entity: RecordKind;
  readonly facts: Transaction;
  /** The processor's id in it. */
  readonly named: string | undefined;
  /** Numbers of invoices by their ids, as far as its lines lack them. */
  readonly invoiceNumbers: Readonly<Record<string, string>>;
};

const numbers = z.record(z.string(), z.string()).default({});

/** The record under its kind, undefined when there is none of those we read. @throws WireMismatch */
export function readRecorded(value: unknown, invoiceNumbers: unknown): Recorded | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entity = RECORDS.find((one) => one in value);
  if (!entity) return undefined;
  const row: unknown = Reflect.get(value, entity);
  return {
    entity,
    facts: readWire(transaction, row),
    named: transactionNamed(row),
    invoiceNumbers: readWire(numbers, invoiceNumbers),
  };
}

/** `Payment 207`. */
export function nameOf({ entity, facts }: Recorded): string {
  return `${entity} ${facts.Id}`;
}

/** What the record of a payment adds to the event of its transaction. @throws WireMismatch for another currency */
export function sayingOf(
  recorded: Recorded,
  money: Pick<CanonicalEvent, 'amountMinor' | 'currency' | 'externalPaymentId'>,
): Pick<CanonicalEvent, 'references' | 'customer' | 'links'> {
  const { facts } = recorded;
  const { currency } = money;
  const kept = facts.CurrencyRef?.value ?? currency;
  if (kept !== currency) {
    throw new WireMismatch(`${nameOf(recorded)} is in ${kept}, its transaction in ${currency}`);
  }
  return {
    references: referencesIn(recorded, money),
    customer: payerOf(facts),
    links: { elsewhere: [{ portal: 'quickbooks', externalId: facts.Id }] },
  };
}

/**
 * A record that we wrote ourselves repeats what was decided here, and is known by its mark alone. The transaction's
 * own id stands among the notes of others and names no invoice.
 */
function referencesIn(
  { facts, invoiceNumbers }: Recorded,
  { amountMinor, currency, externalPaymentId }: Parameters<typeof sayingOf>[1],
): readonly Reference[] {
  const all = referencesOf(facts, currency)
    .filter(({ text }) => text !== externalPaymentId)
    .flatMap((reference) => numbered(reference, invoiceNumbers));
  const ours = all.filter(({ text }) => text !== undefined && findOwnMark(text) !== undefined);
  if (ours.length > 0) return ours;
  const shares = all.reduce((sum, one) => sum + (one.amountMinor ?? 0n), 0n);
  // Where less was captured than QuickBooks applied, nobody says which invoice lacks it.
  return shares <= amountMinor ? all : all.map(({ amountMinor: _, ...one }) => one);
}

/**
 * An invoice by its number: its id is that of an invoice in the company's books, which need not be connected, while
 * other books count their invoices alike.
 */
function numbered(
  { externalId, ...reference }: Reference,
  invoiceNumbers: Recorded['invoiceNumbers'],
): readonly Reference[] {
  if (reference.kind !== 'invoice') return [reference];
  const number = reference.number ?? invoiceNumbers[externalId ?? ''];
  return number === undefined ? [] : [{ ...reference, number }];
}

/** True for a receipt of nothing, as one that was voided. */
export function isOfNothing({ facts }: Pick<Recorded, 'facts'>): boolean {
  return /^0*\.?0*$/.test(present(facts.TotalAmt) ?? '');
}
