/** The same money through two portals: a shop's order that a processor took, by what their documents name. Pure. */
import type { CanonicalEvent } from '../portals/events.ts';
import { emailKey } from '../receivables/match-key.ts';
import { findPayment, keyOf } from './books.ts';
import type { Deciding } from './deciding.ts';
import { isKnownIn } from './find-twin.ts';
import { isInDoubt, type PaymentRow } from './rows.ts';

const DAY_MS = 86_400_000;
const MEMO_LENGTH = 1000;
const SHORTEST_ID = 8;
const MOST_IDS = 6;

/**
 * How near a connection is to the money itself: 0, the books, which copy it; 1, what shows the money of others (a
 * shop, a billing system, what people enter); 2, who holds it.
 */
export function nearnessOf({ books }: Deciding, connectionId: string): 0 | 1 | 2 {
  const facts = books.organization.connections.get(connectionId);
  if (facts?.role === 'books') return 0;
  return facts === undefined || facts.relays ? 1 : 2;
}

/**
 * Payments of other portals that are this event's money by the ids that documents name, the nearest to it first. With
 * another amount it is not certain, and `isOwnMoney` asks a person.
 */
export function sameElsewhere(
  ctx: Deciding,
  event: CanonicalEvent,
  known?: PaymentRow,
): readonly PaymentRow[] {
  const { connectionId } = ctx.document;
  const named = event.links.elsewhere ?? [];
  const told = namedElsewhere(ctx, { connectionId, ids: idsOf(event), named });
  // People write down also the payment that this one was made in place of: then its money is not here.
  const written = namedElsewhere(ctx, { connectionId, ids: [], named: writtenIds(ctx, event) });
  const isHere = (one: PaymentRow) =>
    one.receivedMinor > 0n && one.refundedMinor + one.lostMinor === 0n;
  const byIds = [...new Set([...told, ...written.filter(isHere)])].filter(
    ({ amountMinor, currency }) =>
      event.amountMinor === 0n ||
      (amountMinor === event.amountMinor && currency === event.currency),
  );
  return [...byIds, ...(byIds.length > 0 ? [] : sameByGateway(ctx, event, known))].sort(
    (left, right) =>
      nearnessOf(ctx, right.connectionId) - nearnessOf(ctx, left.connectionId) ||
      (left.id < right.id ? -1 : 1),
  );
}

/** Stands in the place of a portal where the id is a word of a memo: it names a payment only if one has that id. */
const WRITTEN = 'memo';

/** Ids of portals that a bookkeeper, or who keeps the books for us, wrote beside a payment. */
function writtenIds(ctx: Deciding, event: CanonicalEvent): readonly Named[] {
  if (nearnessOf(ctx, ctx.document.connectionId) > 0) return [];
  return idsInMemos(event).map((one) => ({ ...one, portal: WRITTEN }));
}

/** Words of memos that may be a portal's id: long, and with a digit or without a vowel, as no word of a language is. */
export function idsInMemos({ references }: CanonicalEvent): readonly Named[] {
  const words = references
    .filter(({ kind }) => kind === 'memo')
    .flatMap(({ text = '' }) => text.slice(0, MEMO_LENGTH).split(/[\s,;:()[\]{}"'<>|]+/))
    .filter((word) => word.length >= SHORTEST_ID && (/\d/.test(word) || !/[aeiou]/i.test(word)));
  return [...new Set(words)].slice(0, MOST_IDS).map((externalId) => ({ externalId }));
}

type Named = { readonly portal?: string; readonly externalId?: string };

/** Payments of other connections that a payment's ids and the ids it is known by elsewhere lead to. */
function namedElsewhere(
  ctx: Deciding,
  payment: {
    readonly connectionId: string;
    readonly ids: readonly string[];
    readonly named: readonly Named[];
    /** Without what people wrote: they mention payments for many reasons. */
    readonly toldOnly?: boolean;
  },
): PaymentRow[] {
  const { books } = ctx;
  const { connections } = books.organization;
  const found = new Set<PaymentRow | undefined>();
  for (const { portal, externalId } of payment.named) {
    if (externalId === undefined) continue;
    for (const connection of connections.values()) {
      if (portal !== undefined && portal !== WRITTEN && portal !== connection.portal) continue;
      found.add(findPayment(books, connection.id, externalId));
    }
  }
  const own = connections.get(payment.connectionId)?.portal;
  const asked: readonly Named[] = [
    ...payment.ids.map((externalId) => ({ ...(own ? { portal: own } : {}), externalId })),
    ...payment.named,
  ];
  for (const { portal, externalId } of asked) {
    for (const row of books.elsewhere.named(externalId ?? '')) {
      if (!isSameName(portal, row.portal) || (payment.toldOnly && row.portal === WRITTEN)) continue;
      found.add(withoutCopies(ctx, books.payments.get(row.paymentId)));
    }
  }
  return [...found]
    .filter((one) => one !== undefined)
    .filter(({ connectionId }) => connectionId !== payment.connectionId);
}

type Money = Pick<PaymentRow, 'amountMinor' | 'currency'>;

/** Two memos may have a word in common: only a document's own field makes an id of it. */
function isSameName(asked: string | undefined, known: string): boolean {
  if (asked === WRITTEN || known === WRITTEN) return asked !== known;
  return !asked || !known || asked === known;
}

/** What a document that names only a gateway is remembered by, with the day: no portal has such an id. */
function amountName(money: Money): string {
  return `amount ${money.amountMinor} ${money.currency} `;
}

/** The names of an amount on that day, the day before and the day after. */
export function amountNamesNear(paid: Money & { readonly occurredAt: string }): readonly string[] {
  const ms = Date.parse(paid.occurredAt);
  return [ms, ms - DAY_MS, ms + DAY_MS].map((at) => `${amountName(paid)}${dayText(at)}`);
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** What a payment is compared by where a document names the gateway alone. */
type Paid = Pick<PaymentRow, 'connectionId' | 'amountMinor' | 'currency' | 'occurredAt'> & {
  readonly email: string | null | undefined;
  /** The portals that its document names without an id. */
  readonly gateways: readonly string[];
};

/**
 * Where only the gateway is named: the one payment there of the same amount, day and e-mail address, whichever of its
 * documents told these.
 */
function sameByGateway(
  ctx: Deciding,
  event: CanonicalEvent,
  known: PaymentRow | undefined,
): readonly PaymentRow[] {
  if (event.type !== 'payment.succeeded') return [];
  const named = (event.links.elsewhere ?? [])
    .filter(({ externalId }) => externalId === undefined)
    .flatMap(({ portal }) => portal ?? []);
  const gateways = [...named, ...(known ? gatewaysOf(ctx, known) : [])];
  const email = emailKey(event.customer?.email ?? known?.payer?.email);
  const { connectionId } = ctx.document;
  const certain = throughGateway(ctx, { ...event, connectionId, email, gateways }).filter(
    ({ payer }) => email !== null && emailKey(payer?.email) === email,
  );
  return certain.length === 1 ? certain : [];
}

/** Payments that may be this one by gateway, amount and day, and whose payer is not another. */
export function throughGateway(ctx: Deciding, paid: Paid): readonly PaymentRow[] {
  const { books } = ctx;
  const { connections } = books.organization;
  const own = connections.get(paid.connectionId)?.portal;
  const taken = books.payments
    .find('amount', String(paid.amountMinor))
    .filter(({ connectionId }) =>
      paid.gateways.includes(connections.get(connectionId)?.portal ?? ''),
    );
  const shown = amountNamesNear(paid)
    .flatMap((name) => books.elsewhere.named(name))
    .filter(({ portal }) => portal === own)
    .flatMap(({ paymentId }) => books.payments.get(paymentId) ?? []);
  return [...taken, ...shown].filter((other) => mayBeThatMoney(ctx, paid, other));
}

/** One of the two names the other's portal as its gateway, and nothing says that they are two. */
export function sharesGateway(ctx: Deciding, payment: PaymentRow, other: PaymentRow): boolean {
  const { connections } = ctx.books.organization;
  const names = (one: PaymentRow, portal = '') => gatewaysOf(ctx, one).includes(portal);
  const email = emailKey(payment.payer?.email);
  return (
    (names(payment, connections.get(other.connectionId)?.portal) ||
      names(other, connections.get(payment.connectionId)?.portal)) &&
    mayBeThatMoney(ctx, { ...payment, email, gateways: [] }, other)
  );
}

function mayBeThatMoney(ctx: Deciding, paid: Paid, other: PaymentRow): boolean {
  const theirs = emailKey(other.payer?.email);
  return (
    other.connectionId !== paid.connectionId &&
    (other.receivedMinor > 0n || isInDoubt(other)) &&
    !other.vouched &&
    other.mirrors === null &&
    other.amountMinor === paid.amountMinor &&
    other.currency === paid.currency &&
    (paid.email == null || theirs === null || theirs === paid.email) &&
    Math.abs(Date.parse(other.occurredAt) - Date.parse(paid.occurredAt)) <= DAY_MS &&
    !isKnownIn(ctx, other, paid.connectionId)
  );
}

/** The ids by which another portal may have named the event's payment. */
export function idsOf({ externalPaymentId, links }: CanonicalEvent): readonly string[] {
  return [externalPaymentId, links.paymentExternalId, ...(links.insteadOf ?? [])].filter(
    (id) => id !== null && id !== undefined,
  );
}

/** Remembers what the event says the payment is called elsewhere, for the day when that portal tells of it. */
export function rememberElsewhere(ctx: Deciding, payment: PaymentRow, event: CanonicalEvent): void {
  const { books } = ctx;
  const names: readonly Named[] = [...(event.links.elsewhere ?? []), ...writtenIds(ctx, event)];
  const { amountMinor, currency } = payment;
  const [today = ''] = amountNamesNear({ amountMinor, currency, occurredAt: event.occurredAt });
  for (const { portal = '', externalId = today } of names) {
    const row = { externalId, portal, paymentId: payment.id };
    books.elsewhere.add(row);
  }
}

/** The portals that its documents name without an id. */
export function gatewaysOf(ctx: Deciding, payment: PaymentRow): readonly string[] {
  return namesOf(ctx, payment)
    .filter(({ externalId }) => externalId?.startsWith(amountName(payment)))
    .flatMap(({ portal }) => portal ?? []);
}

/** What its documents say the payment is called elsewhere. */
function namesOf({ books }: Deciding, payment: PaymentRow): readonly Named[] {
  return books.elsewhere
    .of(String(payment.id))
    .map(({ portal, externalId }) => ({ ...(portal ? { portal } : {}), externalId }));
}

/**
 * A received payment that documents name, and that is not certainly this one: it brought another amount; or its money
 * went back, and only a person's words name it.
 */
export function doubtfulElsewhere(ctx: Deciding, payment: PaymentRow): PaymentRow | undefined {
  const { books } = ctx;
  const { connectionId, externalId } = payment;
  const named = namesOf(ctx, payment).filter(
    (one) => !one.externalId?.startsWith(amountName(payment)),
  );
  const further = books.identities
    .of(keyOf('payment', payment.id))
    .filter((one) => one.connectionId === connectionId)
    .map((one) => one.externalId);
  const ids = [externalId, ...further];
  const told = namedElsewhere(ctx, {
    connectionId,
    ids: ids.filter(isDistinct),
    named: named.filter((one) => one.portal !== WRITTEN && isDistinct(one.externalId)),
    toldOnly: true,
  });
  const written = namedElsewhere(ctx, {
    connectionId,
    ids,
    named: named.filter(({ portal }) => portal === WRITTEN),
  }).filter(
    ({ amountMinor, currency }) =>
      amountMinor === payment.amountMinor && currency === payment.currency,
  );
  return [...told, ...written]
    .filter(({ id, receivedMinor }) => id !== payment.id && receivedMinor > 0n)
    .sort((left, right) => (left.id < right.id ? -1 : 1))[0];
}

/** Two companies both have a payment 818: with other amounts that says nothing. */
function isDistinct(id: string | undefined): boolean {
  return (id?.length ?? 0) >= SHORTEST_ID;
}

function withoutCopies(
  { books }: Deciding,
  payment: PaymentRow | undefined,
): PaymentRow | undefined {
  return payment?.mirrors ? books.payments.get(payment.mirrors) : payment;
}
