/** Payments that turn out to be one: an id gives way to another, and what was booked twice is taken back. */
import { encodeJson } from '../db/json.ts';
import { chart } from '../ledger/chart.ts';
import { NO_MARKS } from '../payments/fold.ts';
import type { Reference } from '../portals/events.ts';
import { keepWaiting } from './apply-cash.ts';
import { findPayment } from './books.ts';
import type { PaymentEvent } from './decide-payment.ts';
import { adoptWaitingRefunds, moveRefunds, standInForRefunds } from './decide-refund.ts';
import {
  addIdentity,
  closeReviews,
  type Deciding,
  openReview,
  post,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { findLateCopy, findTwin } from './find-twin.ts';
import { moneyText, takeBackReceipt } from './receipt.ts';
import type { PaymentRow } from './rows.ts';
import { nearnessOf, rememberElsewhere, sameElsewhere } from './same-money.ts';
import { letGo, suspectsOf } from './suspicion.ts';

/** Payments under the ids whose place this money takes, as far as no other money has taken it already. */
function announcedFor(ctx: Deciding, event: PaymentEvent): readonly PaymentRow[] {
  const { connectionId } = ctx.document;
  if (event.type !== 'payment.succeeded' || event.provisional) return [];
  return (event.links.insteadOf ?? []).flatMap((id) => {
    const payment = findPayment(ctx.books, connectionId, id);
    const isFree =
      payment?.connectionId === connectionId &&
      payment.externalId === id &&
      (payment.provisional || payment.succeededAt === null);
    return payment && isFree ? [payment] : [];
  });
}

/** Money takes over what announced it; booked money only where it is all of it, so that nothing hides a rest. */
export function adoptAnnounced(ctx: Deciding, event: PaymentEvent): PaymentRow | undefined {
  const free = announcedFor(ctx, event).filter((payment) => payment.voidedAt === null);
  const announced =
    free.find(
      ({ receivedMinor, currency }) =>
        receivedMinor === event.amountMinor && currency === event.currency,
    ) ?? free.find(({ receivedMinor }) => receivedMinor === 0n);
  if (announced) rename(ctx, announced, event.externalPaymentId as string);
  return announced;
}

/** The ids whose place was taken lead to the money from now on, and what stood under them gives way. */
export function replaceAnnounced(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  for (const other of announcedFor(ctx, event)) {
    if (other.id === payment.id) continue;
    if (other.receivedMinor > 0n && other.amountMinor !== event.amountMinor) {
      openReview(ctx, {
        kind: 'amount-differs',
        reason: `${other.externalId} was booked with ${moneyText(other)}, ${payment.externalId} brought ${moneyText(event)} of it; if it was paid in parts, the others follow.`,
        paymentId: payment.id,
      });
    }
    giveWay(ctx, { weaker: other, stronger: payment });
  }
  leadHere(ctx, payment, event);
}

/** A payment that already stands under another id of the same money takes this event's id as well. */
export function adoptTwin(ctx: Deciding, event: PaymentEvent): PaymentRow | undefined {
  const { connectionId } = ctx.document;
  const linked = event.links.paymentExternalId;
  const byLink = linked && findPayment(ctx.books, connectionId, linked);
  const elsewhere = sameElsewhere(ctx, event).find((other) => mayReplace(ctx, event, other));
  const twin = byLink || announcedElsewhere(ctx, event) || elsewhere || findTwin(ctx, event);
  if (!twin) return undefined;
  if (isWeaker(ctx, event, twin)) takeId(ctx, twin, event);
  else rename(ctx, twin, event.externalPaymentId as string);
  return twin;
}

/** What announced this money (its order) turned out to be money that another portal holds. */
function announcedElsewhere(ctx: Deciding, event: PaymentEvent): PaymentRow | undefined {
  const { connectionId } = ctx.document;
  return (event.links.insteadOf ?? [])
    .map((id) => findPayment(ctx.books, connectionId, id))
    .find((payment) => payment && payment.connectionId !== connectionId);
}

/** A provisional id gives way to a final one, what only shows money to who holds it. */
function isWeaker(ctx: Deciding, event: PaymentEvent, twin: PaymentRow): boolean {
  const { connectionId } = ctx.document;
  if (event.provisional) return true;
  return twin.connectionId !== connectionId && !isNearer(ctx, connectionId, twin.connectionId);
}

function isNearer(ctx: Deciding, connectionId: string, otherId: string): boolean {
  return nearnessOf(ctx, connectionId) > nearnessOf(ctx, otherId);
}

/** Until the portal that holds the money says that it came, or was voided, the word of who shows it stands. */
function mayReplace(ctx: Deciding, { type }: PaymentEvent, other: PaymentRow): boolean {
  const nearer = isNearer(ctx, ctx.document.connectionId, other.connectionId);
  const isFinal = type === 'payment.succeeded' || type === 'payment.voided';
  return isFinal || !nearer || other.receivedMinor === 0n;
}

/** The event's id leads to the payment that it shows, and what it says of the purpose helps to apply it. */
function takeId(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  const { connectionId } = ctx.document;
  const externalId = event.externalPaymentId as string;
  addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId: payment.id });
  if (payment.connectionId === connectionId) return;
  leadHere(ctx, payment, event);
  learnPurpose(ctx, payment, event);
  adoptWaitingRefunds(ctx, payment, externalId);
}

/** The ids that announced the money lead to it, as far as nothing else stands under them. */
function leadHere(ctx: Deciding, { id: entityId }: PaymentRow, event: PaymentEvent): void {
  const { connectionId } = ctx.document;
  if (event.type !== 'payment.succeeded' || event.provisional) return;
  for (const externalId of event.links.insteadOf ?? []) {
    if (findPayment(ctx.books, connectionId, externalId)) continue;
    addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId });
  }
}

/** What a shop or billing system says of the purpose helps to apply the payment that it shows. */
export function learnPurpose(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  // A memo of somebody else's is not what the payer meant.
  const purposes = event.references.filter(({ kind }) => kind !== 'memo');
  const more = unite(
    payment.references,
    ofConnection(ctx.document.connectionId, payment.connectionId, purposes),
  );
  if (more === payment.references) return;
  payment.references = more;
  ctx.toApply.add(payment.id);
  touchPayment(ctx, payment);
  const copy = findLateCopy(ctx, payment, { ...event, references: more });
  if (copy) giveWay(ctx, { weaker: copy, stronger: payment });
}

/** Payments that documents of several portals say are one: who holds the money stays, the others give way. */
export function mergeElsewhere(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  for (const other of sameElsewhere(ctx, event, payment)) {
    if (other.id === payment.id || payment.mirrors !== null) continue;
    const nearer = isNearer(ctx, payment.connectionId, other.connectionId);
    if (nearer && !mayReplace(ctx, event, other)) continue;
    const isOpen = other.receivedMinor === 0n && other.voidedAt === null;
    if (!nearer && payment.receivedMinor > 0n && isOpen) continue;
    const [weaker, stronger] = nearer ? [other, payment] : [payment, other];
    giveWay(ctx, { weaker, stronger });
  }
  if (payment.mirrors === null) rememberElsewhere(ctx, payment, event);
}

/**
 * A payment that was announced (pending, or only named) may have been booked meanwhile under another id. Of the two
 * the weaker gives way; true when that is the announced one.
 */
export function isOvertaken(ctx: Deciding, known: PaymentRow, event: PaymentEvent): boolean {
  if (event.type !== 'payment.succeeded' || known.succeededAt !== null) return false;
  const twin = sameElsewhere(ctx, event, known)[0] ?? findTwin(ctx, event);
  if (!twin || twin.id === known.id) return false;
  const weaker = isWeaker(ctx, event, twin);
  giveWay(ctx, weaker ? { weaker: known, stronger: twin } : { weaker: twin, stronger: known });
  return weaker;
}

/** When an event names two ids that were booked as two payments, the provisional or older one gives way. */
export function mergeLinked(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  const linked = event.links.paymentExternalId;
  if (!linked) return;
  const { connectionId } = ctx.document;
  const other = findPayment(ctx.books, connectionId, linked);
  if (!other) {
    addIdentity(ctx, { kind: 'payment', connectionId, externalId: linked, entityId: payment.id });
    return;
  }
  if (other.id === payment.id || !other.provisional) return;
  if (other.receivedMinor > 0n && other.amountMinor !== payment.amountMinor) {
    openReview(ctx, {
      kind: 'amount-differs',
      reason: `${linked} was booked with ${moneyText(other)}, ${payment.externalId} is ${moneyText(payment)}; they are one payment.`,
      paymentId: payment.id,
    });
  }
  giveWay(ctx, { weaker: other, stronger: payment });
}

/** What was booked under the weaker id is taken back, and the id leads to the stronger payment from now on. */
export function giveWay(
  ctx: Deciding,
  { weaker, stronger }: { readonly weaker: PaymentRow; readonly stronger: PaymentRow },
): void {
  if (weaker.disputedMinor + weaker.lostMinor > 0n) {
    openReview(ctx, {
      kind: 'possible-duplicate',
      reason: `${weaker.externalId} seems to be the same payment as ${stronger.externalId}, but money of it went back already.`,
      paymentId: weaker.id,
    });
    return;
  }
  const wasReceived = weaker.receivedMinor > 0n;
  moveRefunds(ctx, weaker, stronger);
  takeBackReceipt(ctx, weaker, `it is the same payment as ${stronger.externalId}`);
  endDoubt(ctx, weaker, `It is the same payment as ${stronger.externalId}.`);
  for (const suspect of suspectsOf(ctx, `pay_${weaker.id}`)) {
    suspect.suspect = `pay_${stronger.id}`;
    touchPayment(ctx, suspect);
  }
  stronger.references = unite(
    stronger.references,
    ofConnection(weaker.connectionId, stronger.connectionId, weaker.references),
  );
  touchPayment(ctx, stronger);
  weaker.mirrors = stronger.id;
  const { connectionId, externalId } = weaker;
  addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId: stronger.id });
  weaker.voidedAt = ctx.document.appliedAt;
  weaker.status = 'voided';
  touchPayment(ctx, weaker);
  keepWaiting(ctx, weaker);
  if (wasReceived) queueDelivery(ctx, { topic: 'payment.voided', paymentId: weaker.id });
  const resolution = `The same money as pay_${stronger.id} was ${externalId}.`;
  letGo(ctx, stronger, { resolution, isKnownIn: connectionId });
}

/** The payment is from now on known by its final id; the former one stays a further id of it. */
function rename(ctx: Deciding, payment: PaymentRow, externalId: string): void {
  const { connectionId } = ctx.document;
  addIdentity(ctx, {
    kind: 'payment',
    connectionId: payment.connectionId,
    externalId: payment.externalId,
    entityId: payment.id,
  });
  if (payment.connectionId !== connectionId) changeHolder(ctx, payment, externalId);
  payment.references = ofConnection(payment.connectionId, connectionId, payment.references);
  payment.connectionId = connectionId;
  payment.externalId = externalId;
  payment.provisional = false;
  payment.entered = nearnessOf(ctx, connectionId) === 0;
  payment.revision = null;
}

/** Who holds the money says from now on how it stands; what lies at the portal lies there. */
function changeHolder(ctx: Deciding, payment: PaymentRow, externalId: string): void {
  const { connectionId } = ctx.document;
  const { receivedMinor, refundedMinor, feeMinor, feeCurrency } = payment;
  const feeHere = payment.feeEntry !== null && feeCurrency === payment.currency ? feeMinor : 0n;
  const heldMinor = receivedMinor - refundedMinor - (feeHere ?? 0n);
  if (heldMinor > 0n) {
    post(ctx, {
      kind: 'clearing.moved',
      memo: `pay_${payment.id} came through another portal: ${externalId}`,
      occurredAt: ctx.document.appliedAt,
      postings: [
        {
          debit: chart.clearing(connectionId),
          credit: chart.clearing(payment.connectionId),
          amountMinor: heldMinor,
          currency: payment.currency,
          paymentId: payment.id,
        },
      ],
    });
  }
  Object.assign(payment, NO_MARKS);
  payment.parts = null;
  standInForRefunds(ctx, payment, connectionId);
  endDoubt(ctx, payment, `It came through ${externalId}.`);
}

function endDoubt(ctx: Deciding, payment: PaymentRow, resolution: string): void {
  if (payment.suspect === null) return;
  payment.suspect = null;
  payment.suspicion = null;
  closeReviews(ctx, { paymentId: payment.id, kinds: ['possible-duplicate'], resolution });
}

/** References that one connection told, for a payment of another: their ids stay those of who told them. */
function ofConnection(
  teller: string,
  holder: string,
  references: readonly Reference[],
): readonly Reference[] {
  if (teller === holder) return references;
  return references.map((reference) =>
    reference.externalId === undefined ? reference : { connectionId: teller, ...reference },
  );
}

export function unite(
  left: readonly Reference[],
  right: readonly Reference[],
): readonly Reference[] {
  if (right.length === 0) return left;
  const known = new Set(left.map(whatItNames));
  const added = right.filter((reference) => !known.has(whatItNames(reference)));
  return added.length === 0 ? left : [...left, ...added];
}

/** The database keeps the properties of JSON in an order of its own, so they are compared in one that we choose. */
function whatItNames(reference: Reference): string {
  const { kind, externalId, number, text, amountMinor, connectionId } = reference;
  const parts = [kind, externalId, number, text, amountMinor, connectionId];
  return encodeJson(parts.map((part) => part ?? null));
}
