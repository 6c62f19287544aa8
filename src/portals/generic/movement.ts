/** What bank files have in common: movements on an account, their identity, and the events they become. */
import { createHash } from 'node:crypto';
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Payer, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';

/** A movement as its format tells it; a document of its own. */
export type BankRecord = { readonly format: string; readonly [field: string]: unknown };

/** What a movement means for payments; days are `YYYY-MM-DD`. */
export type Movement = {
  /** The bank's own id of it, or one derived from what it says. */
  readonly id: string;
  readonly bookedOn: string;
  /** Where the bank tells the instant. */
  readonly bookedAt?: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly method: CanonicalEvent['method'];
  readonly references: readonly Reference[];
  readonly payer: Payer | null;
  readonly feeMinor?: bigint | null;
  /** The payer's or the direct debit's own reference: a later return names the payment by it. */
  readonly endToEndId?: string | undefined;
};

/** Money that arrived, or is announced. */
function received(
  type: 'payment.succeeded' | 'payment.pending',
  movement: Movement,
  status: string,
): CanonicalEvent {
  const { id, endToEndId } = movement;
  return {
    ...factsOf(movement),
    type,
    externalPaymentId: id,
    eventId: `${id}:${status}`,
    occurredAt: movement.bookedAt ?? `${movement.bookedOn}T00:00:00.000Z`,
    // A return that came first, or comes later, names the payment so; the first payment of a name keeps it.
    links: endToEndId ? { insteadOf: returnNames(movement, endToEndId) } : {},
  };
}

/**
 * Names under which a return looks for the payment. References of payers are not unique, so all but a direct
 * debit's own need the amount beside them.
 */
function returnNames({ amountMinor, currency }: Movement, endToEndId: string): readonly string[] {
  return [`e2e:${endToEndId}`, `e2e:${endToEndId}:${amountMinor}:${currency}`];
}

/** How the payment that comes back is named. */
export type Returned = {
  readonly status: string;
  readonly reason: string;
  /** `debit`: ours, with a reference of ours; `credit`: the payer's, whose reference may occur again. */
  readonly undoes: 'debit' | 'credit';
  /** The bank's id of the payment that is undone. */
  readonly originalId?: string | undefined;
};

/**
 * A payment that the bank took back. Of a booking known by its day alone it is the end of that day, so that it
 * comes after the payment that was booked on the same day.
 */
export function takenBack(movement: Movement, returned: Returned): CanonicalEvent {
  const { endToEndId, id } = movement;
  const { originalId, undoes } = returned;
  const names = endToEndId ? returnNames(movement, endToEndId) : [];
  const named = undoes === 'debit' ? names[0] : names[1];
  const link = originalId ?? (undoes === 'debit' ? endToEndId : undefined);
  return {
    ...factsOf(movement),
    type: 'payment.failed',
    externalPaymentId: named ?? originalId ?? id,
    eventId: `${id}:${returned.status}`,
    occurredAt: movement.bookedAt ?? `${movement.bookedOn}T23:59:59.000Z`,
    links: named && link ? { paymentExternalId: link } : {},
    provisional: true,
    reason: returned.reason,
  };
}

/** Money of ours that could not be delivered: a refund, when one is known by that reference. */
export function refundReturned(
  movement: Movement,
  { status, reason, originalId }: Omit<Returned, 'undoes'>,
): CanonicalEvent {
  return {
    ...factsOf(movement),
    type: 'refund.failed',
    externalPaymentId: null,
    refundId: originalId ?? movement.endToEndId ?? movement.id,
    eventId: `${movement.id}:${status}`,
    occurredAt: movement.bookedAt ?? `${movement.bookedOn}T23:59:59.000Z`,
    links: {},
    reason,
  };
}

function factsOf({ amountMinor, currency, feeMinor, method, references, payer }: Movement) {
  if (amountMinor <= 0n) throw new WireMismatch('the movement has no positive amount');
  return { amountMinor, currency, feeMinor: feeMinor ?? null, method, references, customer: payer };
}

/** True where the bank writes that there is no reference. */
export function isNoReference(reference: string | undefined): boolean {
  return reference === undefined || /^(NOT ?PROVIDED|NON ?REF|NONE|0*)$/i.test(reference.trim());
}

/** The reference itself, where it is one. */
export function referenceOrNone(reference: string | undefined): string | undefined {
  return isNoReference(reference) ? undefined : reference?.trim();
}

/** An id for a movement that the bank gives none: the same statement of it has the same. */
export function derivedId(...facts: readonly (string | number | undefined)[]): string {
  const text = facts.map((fact) => fact ?? '').join('\u001f');
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

/**
 * Numbers equal records of one file, which are as many movements; of a record with an id of its own
 * (`idOf`) a repetition is dropped.
 */
export function numberEqual<R extends BankRecord>(
  records: readonly R[],
  hasId: (record: R) => boolean,
): readonly R[] {
  const seen = new Map<string, number>();
  return records.flatMap((record) => {
    const text = JSON.stringify(record);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times === 1) return [record];
    return hasId(record) ? [] : [{ ...record, occurrence: times }];
  });
}

/** A credit on a statement, and what the bank says of it. */
export type Credit = {
  readonly type: 'payment.succeeded' | 'payment.pending';
  readonly movement: Movement;
  readonly status: string;
  /** Without a payer the bank's words tell whose money it is. */
  readonly payer: string | null | undefined;
  readonly text: string;
};

/**
 * What a credit is: money of a customer, or a payout when its payer is a card processor of the setting
 * `processorNames`, whose payments its own portal tells.
 */
export function credited(
  processorNames: readonly string[],
  { type, movement, status, payer, text }: Credit,
): { readonly event: CanonicalEvent } | { readonly ignored: string } {
  const said = (payer || text).toUpperCase();
  const processor = processorNames.find((name) => containsWords(said, name.toUpperCase()));
  if (processor === undefined) return { event: received(type, movement, status) };
  if (type === 'payment.pending')
    return { ignored: `a payout of ${processor} that is not final yet` };
  const { id, bookedAt, bookedOn } = movement;
  return {
    event: {
      ...factsOf(movement),
      type: 'payout.banked',
      externalPaymentId: null,
      payoutId: id,
      eventId: `${id}:banked`,
      occurredAt: bookedAt ?? `${bookedOn}T00:00:00.000Z`,
      links: {},
    },
  };
}

/** The same, of a document that is one movement. */
export function creditMeaning(processorNames: readonly string[], credit: Credit): Normalized {
  const meaning = credited(processorNames, credit);
  return 'event' in meaning ? { events: [meaning.event] } : meaning;
}

function containsWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + words.length] ?? ' ';
    if (!/[\p{L}\p{N}]/u.test(before) && !/[\p{L}\p{N}]/u.test(after)) return true;
  }
  return false;
}

/** A calendar day of numbers. @throws WireMismatch for one that does not exist. */
export function dayOf(year: number, month: number, day: number): string {
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new WireMismatch(`there is no day ${year}-${month}-${day}`);
  }
  return date.toISOString().slice(0, 10);
}

/** `YYMMDD`, of this century. @throws WireMismatch */
export function shortDay(text: string): string {
  const [, year, month, day] = /^(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  if (day === undefined) throw new WireMismatch(`"${text}" is not a date YYMMDD`);
  return dayOf(2000 + Number(year), Number(month), Number(day));
}

/**
 * Decimal text as files write it: `.5`, `+12.` and leading zeros are legal.
 * @throws MalformedAmount, UnknownCurrency
 */
export function fileAmount(text: string, currency: string): bigint {
  const plain = text
    .trim()
    .replace(/^\+/, '')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.$/, '');
  return fromDecimalText(plain, currency).minor;
}

/** Bytes of a text file: UTF-8 where they are, else Latin-1; without a byte order mark. */
export function fileText(body: Buffer): string {
  const utf8 = body.toString('utf8');
  const text = utf8.includes('\ufffd') ? body.toString('latin1') : utf8;
  return text.replace(/^\ufeff/, '');
}

/** A memo where there are words. */
export function memo(text: string | undefined): readonly Reference[] {
  const words = text?.replace(/\s+/g, ' ').trim();
  return words ? [{ kind: 'memo', text: words.slice(0, 1000) }] : [];
}
