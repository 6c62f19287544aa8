/**
 * The same money through two portals: a shop's order that a processor took, a charge in the books. What a document
 * names is certain; what only looks alike waits for a person and is not posted a second time. Pure.
 */
import { baseStatus } from '../payments/fold.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { emailKey } from '../receivables/match-key.ts';
import { findPayment, keyOf } from './books.ts';
import {
  closeReviews,
  type Deciding,
  openReview,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { isKnownIn, payersOf } from './find-twin.ts';
import { statusOf } from './payment-status.ts';
import {
  invoiceTarget,
  referenceKeys,
  resolveReferences,
  targetKeys,
  workOrderTarget,
} from './payment-targets.ts';
import { payoutSuspicion } from './payout-lines.ts';
import { moneyText, postReceipt, takeBackReceipt } from './receipt.ts';
import type { InvoiceRow, PaymentRow, WorkOrderRow } from './rows.ts';

const DAY_MS = 86_400_000;
/** A shop shows a payment when it is made; a bookkeeper enters it when there is time. */
const SHOWN_WINDOW_MS = 3 * DAY_MS;
const ENTERED_WINDOW_MS = 45 * DAY_MS;

/** References by which two payments may turn out to be for the same thing. */
const PURPOSES = ['invoice', 'workOrder', 'order', 'purchaseOrder', 'memo'] as const;

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
export function sameElsewhere(ctx: Deciding, event: CanonicalEvent): readonly PaymentRow[] {
  const { connectionId } = ctx.document;
  const named = event.links.elsewhere ?? [];
  const byIds = namedElsewhere(ctx, { connectionId, ids: idsOf(event), named }).filter(
    ({ amountMinor, currency }) =>
      event.amountMinor === 0n ||
      (amountMinor === event.amountMinor && currency === event.currency),
  );
  return [...byIds, ...(byIds.length > 0 ? [] : sameByGateway(ctx, event))].sort(
    (left, right) =>
      nearnessOf(ctx, right.connectionId) - nearnessOf(ctx, left.connectionId) ||
      (left.id < right.id ? -1 : 1),
  );
}

type Named = { readonly portal?: string; readonly externalId?: string };

/** Payments of other connections that a payment's ids and the ids it is known by elsewhere lead to. */
function namedElsewhere(
  ctx: Deciding,
  payment: {
    readonly connectionId: string;
    readonly ids: readonly string[];
    readonly named: readonly Named[];
  },
): PaymentRow[] {
  const { books } = ctx;
  const { connections } = books.organization;
  const found = new Set<PaymentRow | undefined>();
  for (const { portal, externalId } of payment.named) {
    if (externalId === undefined) continue;
    for (const connection of connections.values()) {
      if (portal !== undefined && portal !== connection.portal) continue;
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
      if (portal && row.portal && row.portal !== portal) continue;
      found.add(withoutCopies(ctx, books.payments.get(row.paymentId)));
    }
  }
  return [...found]
    .filter((one) => one !== undefined)
    .filter(({ connectionId }) => connectionId !== payment.connectionId);
}

/** What a document that names only a gateway is remembered by: no portal has such an id. */
export function amountName(money: {
  readonly amountMinor: bigint;
  readonly currency: string;
}): string {
  return `amount ${money.amountMinor} ${money.currency}`;
}

/** What a payment is compared by where a document names the gateway alone. */
type Paid = Pick<PaymentRow, 'connectionId' | 'amountMinor' | 'currency' | 'occurredAt'> & {
  readonly email: string | null | undefined;
  /** The portals that its document names without an id. */
  readonly gateways: readonly string[];
};

/** Where only the gateway is named: the one payment there of the same amount, day and e-mail address. */
function sameByGateway(ctx: Deciding, event: CanonicalEvent): readonly PaymentRow[] {
  if (event.type !== 'payment.succeeded') return [];
  const gateways = (event.links.elsewhere ?? [])
    .filter(({ externalId }) => externalId === undefined)
    .flatMap(({ portal }) => portal ?? []);
  const email = emailKey(event.customer?.email);
  const { connectionId } = ctx.document;
  const certain = throughGateway(ctx, { ...event, connectionId, email, gateways }).filter(
    ({ payer }) => email !== null && emailKey(payer?.email) === email,
  );
  return certain.length === 1 ? certain : [];
}

/** Payments that may be this one by gateway, amount and day, and whose payer is not another. */
function throughGateway(ctx: Deciding, paid: Paid): readonly PaymentRow[] {
  const { books } = ctx;
  const { connections } = books.organization;
  const own = connections.get(paid.connectionId)?.portal;
  const taken = books.payments
    .find('unapplied', String(paid.amountMinor))
    .filter(({ connectionId }) =>
      paid.gateways.includes(connections.get(connectionId)?.portal ?? ''),
    );
  const shown = books.elsewhere
    .named(amountName(paid))
    .filter(({ portal }) => portal === own)
    .flatMap(({ paymentId }) => books.payments.get(paymentId) ?? []);
  return [...taken, ...shown].filter((other) => {
    const theirs = emailKey(other.payer?.email);
    return (
      other.connectionId !== paid.connectionId &&
      other.receivedMinor > 0n &&
      !other.vouched &&
      other.mirrors === null &&
      other.amountMinor === paid.amountMinor &&
      other.currency === paid.currency &&
      (paid.email == null || theirs === null || theirs === paid.email) &&
      Math.abs(Date.parse(other.occurredAt) - Date.parse(paid.occurredAt)) <= DAY_MS &&
      !isKnownIn(ctx, other, paid.connectionId)
    );
  });
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
  for (const { portal = '', externalId = amountName(payment) } of event.links.elsewhere ?? []) {
    const row = { externalId, portal, paymentId: payment.id };
    books.elsewhere.add(row);
  }
}

/** What a payment about to be posted may be the same money as. */
type Suspicion = {
  /** `pay_12`, `po_5` */
  readonly suspect: string;
  readonly reason: string;
  /** The payment that waits in its place: it only shows what this one holds. */
  readonly waits?: PaymentRow;
};

/** True when the payment may be posted; else it waits for a person, with the reason. */
export function isOwnMoney(ctx: Deciding, payment: PaymentRow): boolean {
  if (payment.vouched) return true;
  const suspicion: Suspicion | undefined =
    suspicionOf(ctx, payment) ?? payoutSuspicion(ctx, payment);
  if (!suspicion) return true;
  const { waits } = suspicion;
  hold(ctx, waits ?? payment, suspicion);
  return waits !== undefined;
}

/** A payment that was posted without doubt has one now. */
export function doubtAgain(ctx: Deciding, payment: PaymentRow): void {
  const suspicion = payment.vouched ? undefined : payoutSuspicion(ctx, payment);
  if (suspicion) hold(ctx, payment, suspicion);
}

/** The payments that wait because they may be the same money as this. */
export function suspectsOf({ books }: Deciding, suspect: string): readonly PaymentRow[] {
  return books.payments.find('suspect', suspect).filter(isInDoubt);
}

/** What two payments name lacks the money of both: they are two. */
export function suspectsFor(ctx: Deciding, row: InvoiceRow | WorkOrderRow): readonly PaymentRow[] {
  const { books } = ctx;
  const keys = targetKeys(row);
  const target = 'workOrderKey' in row ? invoiceTarget(row) : workOrderTarget(books, row);
  const waiting = [...new Set(keys.flatMap((key) => [...(books.waiting.get(key) ?? [])]))];
  let room = target.openMinor;
  return waiting
    .sort((left, right) => (left < right ? -1 : 1))
    .flatMap((id) => books.payments.get(id) ?? [])
    .filter(isInDoubt)
    .filter((payment) => {
      const named = referenceKeys(payment.references.filter(({ kind }) => kind !== 'memo'));
      const fits =
        named.some((key) => keys.includes(key)) &&
        (target.currency === null || target.currency === payment.currency) &&
        (room === null || room >= payment.amountMinor);
      if (fits && room !== null) room -= payment.amountMinor;
      return fits;
    });
}

function isInDoubt({ suspect, voidedAt, mirrors }: PaymentRow): boolean {
  return suspect !== null && voidedAt === null && mirrors === null;
}

/** Ends the doubt: the payment is money of its own, and posted. */
export function accept(ctx: Deciding, payment: PaymentRow, resolution: string): void {
  payment.suspect = null;
  if (baseStatus(payment) === 'succeeded' && payment.receivedMinor === 0n) {
    postReceipt(ctx, payment);
    queueDelivery(ctx, { topic: 'payment.succeeded', paymentId: payment.id });
  }
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  closeReviews(ctx, { paymentId: payment.id, kinds: ['possible-duplicate'], resolution });
}

function suspicionOf(ctx: Deciding, payment: PaymentRow): Suspicion | undefined {
  const named = otherAmountElsewhere(ctx, payment);
  const payers = payersOf(ctx, payment, { kinds: PURPOSES, givenBack: true });
  const alike = payers.filter((other) => looksLike(ctx, payment, other)).sort(byId);
  const gateways = namesOf(ctx, payment)
    .filter(({ externalId }) => externalId === amountName(payment))
    .flatMap(({ portal }) => portal ?? []);
  const through = throughGateway(ctx, {
    ...payment,
    email: emailKey(payment.payer?.email),
    gateways,
  }).filter(({ id }) => id !== payment.id);
  const other = named ?? alike[0] ?? [...through].sort(byId)[0];
  if (!other) return undefined;
  const { connections } = ctx.books.organization;
  const nameOf = (one: PaymentRow) =>
    `${connections.get(one.connectionId)?.portal ?? 'own'} (${one.externalId})`;
  const nearer = nearnessOf(ctx, payment.connectionId) > nearnessOf(ctx, other.connectionId);
  const [held, stays] = nearer ? [other, payment] : [payment, other];
  const brings = `${nameOf(held)} brings ${moneyText(held)}`;
  const why = named
    ? `${nameOf(held)} and pay_${stays.id} of ${nameOf(stays)} name each other, but bring ${moneyText(held)} and ${moneyText(stays)}.`
    : alike.length > 0
      ? `${brings} for the same thing as pay_${stays.id} of ${nameOf(stays)} did.`
      : `${brings} by the gateway and on the day of pay_${stays.id} of ${nameOf(stays)}.`;
  return {
    suspect: `pay_${stays.id}`,
    reason: `${why} If it is the same money, say "same"; if it was paid twice, say "separate" and it is posted.`,
    ...(nearer ? { waits: other } : {}),
  };
}

/** What its documents say the payment is called elsewhere. */
function namesOf({ books }: Deciding, payment: PaymentRow): readonly Named[] {
  return books.elsewhere
    .of(String(payment.id))
    .map(({ portal, externalId }) => ({ ...(portal ? { portal } : {}), externalId }));
}

/** A received payment that documents say is the same, with another amount. */
function otherAmountElsewhere(ctx: Deciding, payment: PaymentRow): PaymentRow | undefined {
  const { books } = ctx;
  const { connectionId, externalId } = payment;
  const named = namesOf(ctx, payment).filter((one) => one.externalId !== amountName(payment));
  const further = books.identities
    .of(keyOf('payment', payment.id))
    .filter((one) => one.connectionId === connectionId)
    .map((one) => one.externalId);
  return namedElsewhere(ctx, { connectionId, ids: [externalId, ...further], named })
    .filter(({ id, receivedMinor }) => id !== payment.id && receivedMinor > 0n)
    .sort(byId)[0];
}

function byId(left: PaymentRow, right: PaymentRow): number {
  return left.id < right.id ? -1 : 1;
}

/** The same amount for the same thing by another portal, of which at least one shows the money of others. */
function looksLike(ctx: Deciding, payment: PaymentRow, other: PaymentRow): boolean {
  const nearness = [payment, other].map(({ connectionId }) => nearnessOf(ctx, connectionId));
  const entered = nearness.includes(0);
  const apartMs = Math.abs(Date.parse(payment.occurredAt) - Date.parse(other.occurredAt));
  if (
    other.id === payment.id ||
    other.connectionId === payment.connectionId ||
    other.receivedMinor === 0n ||
    other.amountMinor !== payment.amountMinor ||
    other.currency !== payment.currency ||
    nearness.every((one) => one === 2) ||
    apartMs > (entered ? ENTERED_WINDOW_MS : SHOWN_WINDOW_MS)
  ) {
    return false;
  }
  if (isKnownIn(ctx, other, payment.connectionId) || isKnownIn(ctx, payment, other.connectionId)) {
    return false;
  }
  // What was paid back leaves its invoice open: a copy of it looks like money that pays it anew.
  const gaveBack = other.refundedMinor + other.lostMinor > 0n;
  return gaveBack || !hasRoom(ctx, payment);
}

/** Something that the payment names still lacks all of its money: then it is another part, not the same one. */
function hasRoom(ctx: Deciding, payment: PaymentRow): boolean {
  const resolved = resolveReferences(ctx.books, payment);
  // A memo may mention anything; it counts where nothing else says what was paid.
  const exact = resolved.filter(({ reference }) => reference.kind !== 'memo');
  const isNamed = exact.some(({ targets, settled }) => targets.length + settled.length > 0);
  return (isNamed ? exact : resolved).some(({ targets }) =>
    targets.some(({ openMinor }) => openMinor === null || openMinor >= payment.amountMinor),
  );
}

function hold(ctx: Deciding, payment: PaymentRow, { suspect, reason }: Suspicion): void {
  const wasReceived = payment.receivedMinor > 0n;
  takeBackReceipt(ctx, payment, `it may be the same money as ${suspect}`);
  payment.suspect = suspect;
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  ctx.toApply.add(payment.id);
  for (const other of suspectsOf(ctx, `pay_${payment.id}`)) {
    other.suspect = suspect;
    touchPayment(ctx, other);
  }
  openReview(ctx, {
    kind: 'possible-duplicate',
    reason,
    paymentId: payment.id,
    details: { suspect, decide: ['same', 'separate'] },
  });
  if (wasReceived) queueDelivery(ctx, { topic: 'payment.voided', paymentId: payment.id });
}

function withoutCopies(
  { books }: Deciding,
  payment: PaymentRow | undefined,
): PaymentRow | undefined {
  return payment?.mirrors ? books.payments.get(payment.mirrors) : payment;
}
