/** Recognises money that is already in the books under another id. */

import type { Target } from '../cash-application/propose.ts';
import { foldPart, takenOf } from '../payments/parts.ts';
import type { CanonicalEvent, Reference } from '../portals/events.ts';
import { findOwnMark } from '../portals/kit/own-mark.ts';
import { matchKey, memoKeys } from '../receivables/match-key.ts';
import { isWaiting } from './apply-cash.ts';
import { type Books, keyOf } from './books.ts';
import type { Deciding } from './deciding.ts';
import { resolveReferences, targetKeys } from './payment-targets.ts';
import { hasGoneBack, isInDoubt, type PaymentRow } from './rows.ts';

const DAY_MS = 86_400_000;
/** A provisional id and the final one tell of the same moment; a copy in the books may be entered days later. */
const PROVISIONAL_WINDOW_MS = 7 * DAY_MS;
const MIRROR_WINDOW_MS = 10 * DAY_MS;

/** The payment of ours that this record in the books is a copy of, by the mark we put on it. */
export function findOwnPayment(ctx: Deciding, event: CanonicalEvent): PaymentRow | undefined {
  for (const id of ownPaymentIds(ctx.books.organization.installation, event.references)) {
    const payment = ctx.books.payments.get(id);
    if (payment) return payment;
  }
  return undefined;
}

/** Ids of payments whose mark stands in the references. */
export function ownPaymentIds(
  installation: string,
  references: readonly Reference[],
): readonly bigint[] {
  const ids: bigint[] = [];
  for (const reference of references) {
    for (const text of [reference.text, reference.number]) {
      const mark = text === undefined ? undefined : findOwnMark(text);
      const digits =
        mark?.installation === installation ? /^pay_(\d{1,18})$/.exec(mark.paymentId) : null;
      if (digits?.[1]) ids.push(BigInt(digits[1]));
    }
  }
  return ids;
}

/**
 * The payment that a new event is about although it names another id: between a provisional and a final id of one
 * portal (same payer and amount, or same invoice and amount), and between a payment and its copy in the books
 * (same invoice and amount). Each payment has at most one twin, so two equal payments stay two.
 */
export function findTwin(ctx: Deciding, event: CanonicalEvent): PaymentRow | undefined {
  if (event.type !== 'payment.succeeded') return undefined;
  const candidates = [...provisionalCandidates(ctx, event), ...mirrorCandidates(ctx, event)];
  return best(
    candidates.filter((payment) => !hasTwin(ctx, payment)),
    event,
  );
}

/** A part with the amount that the payment has with it: by that its copies and other ids are recognised. */
export function withItsOtherParts<E extends CanonicalEvent>(
  event: E,
  known: PaymentRow | undefined,
): E {
  const { part } = event;
  if (part === undefined || event.type !== 'payment.succeeded') return event;
  const taken = takenOf(foldPart(known?.parts ?? null, { ...event, part }));
  return taken === null ? event : { ...event, amountMinor: taken };
}

/**
 * The copy in the books of a payment that was booked before anything said what it pays (its portal tells the payer and
 * the invoice later): found when it is said, unless the payment has its copy there already.
 */
export function findLateCopy(
  ctx: Deciding,
  payment: PaymentRow,
  event: CanonicalEvent,
): PaymentRow | undefined {
  const { connections } = ctx.books.organization;
  if (event.type !== 'payment.succeeded' || event.provisional) return undefined;
  if (connections.get(ctx.document.connectionId)?.role !== 'source') return undefined;
  const copies = mirrorCandidates(ctx, event).filter(
    (copy) => !hasTwin(ctx, copy) && !isKnownIn(ctx, payment, copy.connectionId),
  );
  return best(copies, event);
}

/** Of several the nearest in time, those first that name the same invoice themselves. */
function best(candidates: readonly PaymentRow[], event: CanonicalEvent): PaymentRow | undefined {
  const named = candidates.filter((payment) => sharesInvoice(payment, event));
  return nearest(named.length > 0 ? named : candidates, event.occurredAt);
}

function provisionalCandidates(ctx: Deciding, event: CanonicalEvent): readonly PaymentRow[] {
  const { books, document } = ctx;
  // It names what it takes the place of: nothing is left to recognise.
  if (event.links.insteadOf) return [];
  const payer = event.customer?.externalId;
  const byPayer = payer
    ? books.payments.find('payer', keyOf(document.connectionId, payer, event.amountMinor))
    : [];
  return distinct([...byPayer, ...payersOfInvoices(ctx, event)]).filter(
    (payment) =>
      payment.connectionId === document.connectionId &&
      payment.provisional !== (event.provisional ?? false) &&
      payment.receivedMinor > 0n &&
      payment.amountMinor === event.amountMinor &&
      payment.currency === event.currency &&
      within(payment, event, PROVISIONAL_WINDOW_MS),
  );
}

function mirrorCandidates(ctx: Deciding, event: CanonicalEvent): readonly PaymentRow[] {
  const { connections } = ctx.books.organization;
  const role = connections.get(ctx.document.connectionId)?.role;
  const named = event.links.elsewhere?.map(({ portal }) => portal) ?? [];
  return payersOfInvoices(ctx, event).filter((payment) => {
    const other = connections.get(payment.connectionId);
    return (
      other !== undefined &&
      other.role !== role &&
      // It says which portal's money it is, so it is no other portal's.
      (other.role === 'books' ||
        named.length === 0 ||
        named.includes(undefined) ||
        named.includes(other.portal)) &&
      (payment.receivedMinor > 0n || isInDoubt(payment)) &&
      payment.amountMinor === event.amountMinor &&
      payment.currency === event.currency &&
      within(payment, event, MIRROR_WINDOW_MS)
    );
  });
}

/** Payments applied to an invoice that the event names, or waiting for one of that name. */
function payersOfInvoices(ctx: Deciding, event: CanonicalEvent): readonly PaymentRow[] {
  const { connectionId } = ctx.document;
  const naming = { references: event.references, connectionId, customerId: null };
  return payersOf(ctx, naming as PaymentRow, { kinds: ['invoice'] });
}

/** Payments applied to what another one names, or waiting for a thing of that name. */
export function payersOf(
  { books }: Deciding,
  payment: PaymentRow,
  options: {
    readonly kinds: readonly Reference['kind'][];
    /** Those, too, that gave their money back since. */
    readonly givenBack?: boolean;
  },
): readonly PaymentRow[] {
  const { kinds, givenBack = false } = options;
  // Every shop counts its orders from one: only what we know by such a number is one thing.
  const naming: Reference['kind'][] = kinds.filter((kind) => kind !== 'order');
  const found: PaymentRow[] = [];
  for (const { reference, targets, settled } of resolveReferences(books, payment)) {
    if (!kinds.includes(reference.kind)) continue;
    for (const key of naming.includes(reference.kind) ? namesIn(reference) : []) {
      for (const id of books.waiting.get(key) ?? []) {
        const other = books.payments.get(id);
        const isHere = other && (isWaiting(other) || (givenBack && hasGoneBack(other)));
        if (isHere && sharesName(other, payment, naming)) found.push(other);
      }
    }
    for (const target of [...targets, ...settled]) {
      const index = target.kind === 'invoice' ? 'invoice' : 'workOrder';
      found.push(...inDoubtFor(books, target));
      for (const allocation of books.allocations.find(index, String(target.id))) {
        const other = books.payments.get(allocation.paymentId);
        const gaveBack = givenBack && allocation.originalMinor === payment.amountMinor;
        if (other && (allocation.amountMinor > 0n || gaveBack)) found.push(other);
      }
    }
  }
  return distinct(found);
}

/** Payments in doubt that name the same thing, by whatever name: nothing of them is applied to it. */
function inDoubtFor(books: Books, target: Target): readonly PaymentRow[] {
  const row =
    target.kind === 'invoice' ? books.invoices.get(target.id) : books.workOrders.get(target.id);
  const waiting = new Set(
    (row ? targetKeys(row) : []).flatMap((key) => [...(books.waiting.get(key) ?? [])]),
  );
  return [...waiting]
    .flatMap((id) => books.payments.get(id) ?? [])
    .filter(isInDoubt)
    .filter((payment) =>
      resolveReferences(books, payment).some(({ reference, targets, settled }) =>
        [...targets, ...settled].some(
          ({ kind, id }) => reference.kind !== 'memo' && kind === target.kind && id === target.id,
        ),
      ),
    );
}

/** A twin of the same kind was found before: a further id from this event's connection. */
function hasTwin(ctx: Deciding, payment: PaymentRow): boolean {
  return isKnownIn(ctx, payment, ctx.document.connectionId);
}

/** True when the payment has a further id that is of that connection. */
export function isKnownIn(ctx: Deciding, payment: PaymentRow, connectionId: string): boolean {
  return ctx.books.identities
    .of(keyOf('payment', payment.id))
    .some((identity) => identity.connectionId === connectionId);
}

type Naming = { readonly references: readonly Reference[] };

function sharesInvoice(payment: Naming, event: Naming): boolean {
  return sharesName(payment, event, ['invoice']);
}

function sharesName(left: Naming, right: Naming, kinds: readonly Reference['kind'][]): boolean {
  const namesOf = ({ references }: Naming) =>
    references.filter(({ kind }) => kinds.includes(kind)).flatMap(namesIn);
  const names = new Set(namesOf(left));
  return namesOf(right).some((name) => names.has(name));
}

/** Numbers alone in a memo (a date, a part's number) name nothing. */
function namesIn({ kind, number, externalId, text = '' }: Reference): readonly string[] {
  if (kind === 'memo') return memoKeys(text).filter((key) => /\p{L}/u.test(key));
  return [matchKey(number), matchKey(externalId)].filter((key) => key !== null);
}

function within(payment: PaymentRow, event: CanonicalEvent, windowMs: number): boolean {
  return Math.abs(Date.parse(payment.occurredAt) - Date.parse(event.occurredAt)) <= windowMs;
}

function nearest(payments: readonly PaymentRow[], occurredAt: string): PaymentRow | undefined {
  const distance = (payment: PaymentRow) =>
    Math.abs(Date.parse(payment.occurredAt) - Date.parse(occurredAt));
  return [...payments].sort((a, b) => distance(a) - distance(b) || (a.id < b.id ? -1 : 1))[0];
}

function distinct(payments: readonly PaymentRow[]): readonly PaymentRow[] {
  return [...new Set(payments)];
}
