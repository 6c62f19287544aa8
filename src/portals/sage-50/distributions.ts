/** A receipt of the US edition: the rows of one transaction in the cash receipts journal. */
import { createHash } from 'node:crypto';
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Method, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { decimalText, hundredths, plainAmount } from './amounts.ts';
import type { ReceiptRow } from './columns.ts';
import { dayOf, midnightOf } from './dates.ts';
import { discountSign } from './files.ts';
import { idOf, type Sage50Settings, zoneOf } from './settings.ts';

/** @throws WireMismatch, MalformedAmount */
export function normalizeDistributions(
  rows: readonly ReceiptRow[],
  given: { readonly settings: Sage50Settings; readonly digest: string; readonly readAt: Date },
): Normalized {
  const { settings, digest, readAt } = given;
  if (settings.edition !== 'us') {
    throw new WireMismatch('it is of the US edition, the connection of the UK edition');
  }
  const [row = {}] = rows;
  const number = numberOf(row);
  if (truth(row, 'Vendor Receipt')) {
    return { ignored: `receipt ${number} is of a vendor, not of a customer` };
  }
  const currency = settings.baseCurrency;
  const { minor } = fromDecimalText(plainAmount(row['Cash Amount'] ?? ''), currency);
  if (minor === 0n) return { ignored: `receipt ${number} is of 0: no money moved` };
  if (minor < 0n) {
    return {
      quarantined: `receipt ${number} is negative: it takes back another one, which nothing names; do the same here by hand`,
    };
  }
  const { 'Customer ID': customerId = null, 'Customer Name': name = null } = row;
  if (customerId === null && name === null) {
    return { ignored: `receipt ${number} is of no customer: it went straight to the ledger` };
  }
  const occurredAt = midnightOf(dayOf(row.Date ?? '', 'mdy'), zoneOf(settings));
  const customer = { externalId: customerId, name, email: null };
  const bare = { currency, feeMinor: null, links: {}, customer };
  const payment: CanonicalEvent = {
    ...bare,
    type: 'payment.succeeded',
    externalPaymentId: idOf(settings, number),
    eventId: `${idOf(settings, number)}:${digest}`,
    occurredAt,
    amountMinor: minor,
    method: methodOf(row['Payment Method']),
    references: referencesOf(rows, minor, settings),
  };
  if (customerId === null) return { events: [payment] };
  const known: CanonicalEvent = {
    ...bare,
    type: 'customer.upserted',
    externalPaymentId: null,
    eventId: `${idOf(settings, customerId)}:${digest}`,
    // Nothing says when it was entered, only when it was read.
    occurredAt: readAt.toISOString(),
    amountMinor: 0n,
    method: null,
    references: [],
  };
  return { events: [known, payment] };
}

/** `11-184`; without numbers what tells receipts apart on paper. */
function numberOf(row: ReceiptRow): string {
  const { 'Transaction Period': period, 'Transaction Number': number } = row;
  if (period !== undefined && number !== undefined) return `${period}-${number}`;
  const { 'Customer ID': customer, Reference, Date: day, 'Cash Account': account } = row;
  const facts = [customer, Reference, dayOf(day ?? '', 'mdy'), account].map((one) => one ?? '');
  return `sha256-${createHash('sha256').update(facts.join('\u001f')).digest('hex').slice(0, 24)}`;
}

function truth(row: ReceiptRow, column: 'Vendor Receipt'): boolean {
  const said = (row[column] ?? 'FALSE').toUpperCase();
  if (said === 'TRUE' || said === 'FALSE') return said === 'TRUE';
  throw new WireMismatch(`${column}: "${said.slice(0, 20)}" is neither TRUE nor FALSE`);
}

/** What each invoice gets of the money, then job, check number and words; a prepayment names no invoice. */
function referencesOf(
  rows: readonly ReceiptRow[],
  minor: bigint,
  { baseCurrency }: Sage50Settings,
): readonly Reference[] {
  const sign = discountSign(rows);
  const invoices = rows.flatMap((row): readonly Reference[] => {
    const number = row['Invoice Paid'];
    if (number === undefined) return [];
    const share = -hundredths(row.Amount ?? '') + sign * hundredths(row['Discount Amount'] ?? '0');
    if (share <= 0n) return [];
    const amountMinor = fromDecimalText(decimalText(share), baseCurrency).minor;
    return [{ kind: 'invoice', number, ...(amountMinor <= minor ? { amountMinor } : {}) }];
  });
  const jobs = distinct(rows.map((row) => row['Job ID']));
  const texts = distinct([
    rows[0]?.Reference,
    rows[0]?.['Receipt Number'],
    ...rows.map(({ Description }) => Description),
  ]);
  return [
    ...invoices,
    ...jobs.map((number) => ({ kind: 'workOrder', number }) as const),
    ...texts.map((text) => ({ kind: 'memo', text }) as const),
  ];
}

function distinct(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== undefined))];
}

/** The names are the firm's own. */
function methodOf(said: string | undefined): Method | null {
  if (said === undefined) return null;
  return METHOD_NAMES.find(([pattern]) => pattern.test(said))?.[1] ?? 'other';
}

const METHOD_NAMES: readonly (readonly [RegExp, Method])[] = [
  [/card|visa|master|amex|american express|discover|diners/i, 'card'],
  [/che(ck|que)/i, 'check'],
  [/cash/i, 'cash'],
  [/\bach\b/i, 'ach'],
  [/\beft\b|bank|wire|transfer|deposit|electronic/i, 'bank'],
  [/paypal|wallet|apple pay|google pay/i, 'wallet'],
];
