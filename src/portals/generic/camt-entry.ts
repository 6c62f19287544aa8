/** What one camt entry means for payments. */
import { z } from 'zod';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { creditorReference } from './creditor-reference.ts';
import {
  creditMeaning,
  derivedId,
  fileAmount,
  isNoReference,
  type Movement,
  memo,
  referenceOrNone,
  refundReturned,
  takenBack,
} from './movement.ts';
import type { GenericSettings } from './settings.ts';

const money = z.object({ amount: z.string(), currency: z.string() });
const direction = z.enum(['CRDT', 'DBIT']);
const optional = z.string().optional();

const invoice = z.object({ number: z.string(), paid: money.optional() });

const detail = z.object({
  amount: money.optional(),
  instructed: money.optional(),
  direction: direction.optional(),
  charges: money.optional(),
  reference: optional,
  uetr: optional,
  endToEndId: optional,
  mandateId: optional,
  family: optional,
  payer: optional,
  payerAccount: optional,
  returned: z.boolean(),
  returnCode: optional,
  text: z.string(),
  creditorReferences: z.array(z.string()),
  invoices: z.array(invoice),
});

export const camtEntry = z.object({
  format: z.literal('camt'),
  account: z.string(),
  amount: z.string(),
  currency: z.string(),
  direction,
  /** `BOOK`, `PDNG`, `INFO`, `FUTR`; empty where the bank says nothing. */
  status: z.string(),
  reversal: z.boolean(),
  reference: optional,
  bookedOn: optional,
  bookedAt: optional,
  valueOn: optional,
  family: optional,
  text: optional,
  charges: money.optional(),
  /** How many transactions the bank says the entry has. */
  transactions: z.number().int(),
  occurrence: z.number().int().optional(),
  details: z.array(detail),
});

export type CamtEntry = z.output<typeof camtEntry>;
export type CamtDetail = z.output<typeof detail>;
export type CamtInvoice = z.output<typeof invoice>;

/** One event for each transaction of the entry. @throws WireMismatch, MalformedAmount, UnknownCurrency */
export function camtMeaning(entry: CamtEntry, settings: GenericSettings): Normalized {
  const { status } = entry;
  if (status === 'INFO' || status === 'FUTR') {
    return { ignored: `status ${status}: nothing is booked by it` };
  }
  if (status !== 'BOOK' && status !== 'PDNG') {
    return { quarantined: `the entry's status "${status}" is neither BOOK nor PDNG` };
  }
  const outcomes = partsOf(entry).map((part) => meaningOf(entry, part, settings));
  const unclear = outcomes.find((one) => 'quarantined' in one);
  if (unclear) return unclear;
  const events = outcomes.flatMap((one) => ('events' in one ? one.events : []));
  const ignored = outcomes.flatMap((one) => ('ignored' in one ? one.ignored : []));
  return events.length > 0 ? { events } : { ignored: [...new Set(ignored)].join('; ') };
}

/** A transaction, or the entry as a whole. */
type Part = {
  readonly detail: CamtDetail;
  readonly direction: 'CRDT' | 'DBIT';
  /** What moved on the account for it; charges of a debit are part of it. */
  readonly minor: bigint;
  readonly charges: bigint;
  readonly feeMinor: bigint | null;
  readonly id: string;
  readonly note?: string;
};

const NO_DETAIL: CamtDetail = {
  returned: false,
  text: '',
  creditorReferences: [],
  invoices: [],
};

/** The transactions where they add up to the entry, else the entry once, with a note. */
function partsOf(entry: CamtEntry): readonly Part[] {
  const { details, currency, transactions } = entry;
  const total = fileAmount(entry.amount, currency);
  const isSingle = details.length <= 1 && transactions <= 1;
  const listed = isSingle ? [details[0] ?? { ...NO_DETAIL, text: entry.text ?? '' }] : details;
  const parts = listed.map((one, at): Part => {
    const minor = (one.amount && minorIn(one.amount, currency)) ?? (isSingle ? total : undefined);
    const charges = isSingle ? chargesIn(entry, one) : (minorIn(one.charges, currency) ?? 0n);
    return {
      detail: one,
      direction: one.direction ?? entry.direction,
      minor: minor ?? 0n,
      charges,
      feeMinor: null,
      id: idOf(entry, one, isSingle ? 0 : at + 1),
    };
  });
  const isComplete = listed.length === Math.max(1, transactions);
  if (!isComplete || parts.some(({ minor }) => minor === 0n)) return [wholeEntry(entry, total)];
  const sum = parts.reduce(
    (all, { minor, direction: way }) => all + (way === entry.direction ? minor : -minor),
    0n,
  );
  if (sum === total) return parts;
  return settleCharges(entry, parts, { sum, total }) ?? [wholeEntry(entry, total)];
}

/** Charges explain the difference: kept from credits they are fees, added to debits they are part of them. */
function settleCharges(
  entry: CamtEntry,
  parts: readonly Part[],
  { sum, total }: { readonly sum: bigint; readonly total: bigint },
): readonly Part[] | undefined {
  const kept = parts.reduce((all, { charges }) => all + charges, 0n);
  if (kept === 0n) return undefined;
  if (entry.direction === 'CRDT' && sum - kept === total) {
    return parts.map((part) => ({ ...part, feeMinor: part.charges }));
  }
  if (entry.direction === 'DBIT' && sum + kept === total) {
    return parts.map((part) => ({ ...part, minor: part.minor + part.charges }));
  }
  return undefined;
}

function wholeEntry(entry: CamtEntry, minor: bigint): Part {
  const { details, transactions, direction: way } = entry;
  const [first, ...others] = details;
  const joined: CamtDetail = {
    ...(first && others.length === 0 ? first : NO_DETAIL),
    text: [entry.text, ...details.map(({ text }) => text)].filter(Boolean).join(' '),
    creditorReferences: details.flatMap((one) => one.creditorReferences),
    invoices: details.flatMap((one) => one.invoices),
    returned: details.length > 0 && details.every((one) => one.returned),
  };
  return {
    detail: joined,
    direction: way,
    minor,
    charges: chargesIn(entry, joined),
    feeMinor: null,
    id: idOf(entry, joined, 0),
    note: `Of ${transactions} transactions in this entry the details told do not add up to it.`,
  };
}

function minorIn(
  amount: { readonly amount: string; readonly currency: string } | undefined,
  currency: string,
): bigint | undefined {
  return amount?.currency === currency ? fileAmount(amount.amount, currency) : undefined;
}

function chargesIn(entry: CamtEntry, one: CamtDetail): bigint {
  return minorIn(one.charges ?? entry.charges, entry.currency) ?? 0n;
}

/** The bank's reference of the transaction, else of the entry with the place in it, else a digest. */
function idOf(entry: CamtEntry, one: CamtDetail, place: number): string {
  const own = [one.reference, one.uetr].find((id) => !isNoReference(id));
  // Some banks repeat the entry's reference in each of its transactions.
  const shared = entry.details.filter(
    (other) => [other.reference, other.uetr].find((id) => !isNoReference(id)) === own,
  );
  if (own !== undefined) return shared.length > 1 ? `${own}/${place}` : own;
  const ofEntry = referenceOrNone(entry.reference);
  if (ofEntry !== undefined) return place > 0 ? `${ofEntry}/${place}` : ofEntry;
  return derivedId(
    'camt',
    entry.account,
    dayIn(entry),
    entry.amount,
    entry.direction,
    one.endToEndId,
    one.text,
    place,
    entry.occurrence,
  );
}

function dayIn({ bookedOn, bookedAt, valueOn }: CamtEntry): string {
  const day = (bookedOn ?? bookedAt ?? valueOn ?? '').slice(0, 10);
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw new WireMismatch('the entry has no booking date');
  if (Number.isNaN(Date.parse(day))) throw new WireMismatch(`there is no day ${day}`);
  return day;
}

/** The bank's instant; without an offset it is its local time, of which only the day is certain. */
function instantIn({ bookedAt }: CamtEntry): { readonly bookedAt?: string } {
  if (!bookedAt || !/(Z|[+-]\d\d:?\d\d)$/.test(bookedAt)) return {};
  const instant = new Date(bookedAt);
  return Number.isNaN(instant.getTime()) ? {} : { bookedAt: instant.toISOString() };
}

function meaningOf(entry: CamtEntry, part: Part, settings: GenericSettings): Normalized {
  const { detail: one, direction: way } = part;
  const undone = one.returned || entry.reversal;
  if (entry.status === 'PDNG' && (undone || way === 'DBIT')) {
    return { ignored: 'a debit or return that is not booked yet' };
  }
  if (way === 'DBIT') {
    if (one.returned) return { events: [returnedDebit(entry, part)] };
    return entry.reversal
      ? { events: [reversedCredit(entry, part)] }
      : { ignored: 'a debit that returns no payment of ours' };
  }
  if (one.returned) {
    const movement = movementOf(entry, part);
    return {
      events: [
        refundReturned(movement, { status: 'returned', reason: one.returnCode ?? 'returned' }),
      ],
    };
  }
  if (entry.reversal) return { ignored: 'a credit that undoes a debit of ours' };
  return creditMeaning(settings.processorNames, {
    type: entry.status === 'BOOK' ? 'payment.succeeded' : 'payment.pending',
    movement: movementOf(entry, part),
    status: entry.status,
    payer: one.payer,
    text: `${one.text} ${entry.text ?? ''}`,
  });
}

/** A direct debit of ours came back; what the bank took beyond the original amount is its fee. */
function returnedDebit(entry: CamtEntry, part: Part): CanonicalEvent {
  const { detail: one, minor, charges } = part;
  const instructed = minorIn(one.instructed, entry.currency);
  const original = instructed ?? minor - charges;
  const fee = minor - original;
  const movement = movementOf(entry, { ...part, minor: original, feeMinor: fee > 0n ? fee : null });
  return takenBack(movement, {
    status: 'returned',
    reason: one.returnCode ?? 'returned',
    undoes: 'debit',
    ...originalOf(entry, one),
  });
}

function reversedCredit(entry: CamtEntry, part: Part): CanonicalEvent {
  return takenBack(movementOf(entry, part), {
    status: 'reversed',
    reason: 'reversal',
    undoes: 'credit',
    ...originalOf(entry, part.detail),
  });
}

/** Inside a return the transaction's reference may be that of the original, when it is not the entry's own. */
function originalOf(entry: CamtEntry, { reference }: CamtDetail): { readonly originalId?: string } {
  const id = referenceOrNone(reference);
  return id !== undefined && entry.reference !== undefined && !id.startsWith(entry.reference)
    ? { originalId: id }
    : {};
}

function movementOf(entry: CamtEntry, part: Part): Movement {
  const { detail: one } = part;
  const { payer, payerAccount } = one;
  return {
    id: part.id,
    bookedOn: dayIn(entry),
    ...instantIn(entry),
    amountMinor: part.minor,
    currency: entry.currency,
    method: 'bank',
    references: referencesOf(entry, part),
    payer:
      payer || payerAccount
        ? { externalId: payerAccount ?? null, name: payer ?? null, email: null }
        : null,
    feeMinor: part.feeMinor,
    endToEndId: referenceOrNone(one.endToEndId),
  };
}

function referencesOf(entry: CamtEntry, { detail: one, note }: Part): readonly Reference[] {
  const invoices = one.invoices.map(({ number, paid }): Reference => {
    const share = minorIn(paid, entry.currency);
    return { kind: 'invoice', number, ...(share && share > 0n ? { amountMinor: share } : {}) };
  });
  const endToEndId = referenceOrNone(one.endToEndId);
  return [
    ...invoices,
    ...one.creditorReferences.flatMap(creditorReference),
    ...memo(one.text),
    ...memo(endToEndId),
    ...memo(note),
  ];
}
