/** Payments that turn out to be one: an id gives way to another, and what was booked twice is taken back. */
import { encodeJson } from '../db/json.ts';
import { chart } from '../ledger/chart.ts';
import type { Reference } from '../portals/events.ts';
import { keepWaiting } from './apply-cash.ts';
import { findPayment } from './books.ts';
import type { PaymentEvent } from './decide-payment.ts';
import {
  addIdentity,
  type Deciding,
  openReview,
  post,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { findTwin } from './find-twin.ts';
import { moneyText, takeBackReceipt } from './receipt.ts';
import type { PaymentRow } from './rows.ts';

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
  if (event.type !== 'payment.succeeded' || event.provisional) return;
  const { connectionId } = ctx.document;
  for (const externalId of event.links.insteadOf ?? []) {
    if (findPayment(ctx.books, connectionId, externalId)) continue;
    addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId: payment.id });
  }
}

/** A payment that already stands under another id of the same money takes this event's id as well. */
export function adoptTwin(ctx: Deciding, event: PaymentEvent): PaymentRow | undefined {
  const linked = event.links.paymentExternalId;
  const byLink = linked && findPayment(ctx.books, ctx.document.connectionId, linked);
  const twin = byLink || findTwin(ctx, event);
  if (!twin) return undefined;
  const { connectionId } = ctx.document;
  const externalId = event.externalPaymentId as string;
  if (isWeaker(ctx, event, twin))
    addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId: twin.id });
  else rename(ctx, twin, externalId);
  return twin;
}

/** A provisional id gives way to a final one, a copy in the books to the payment it copies. */
function isWeaker(ctx: Deciding, event: PaymentEvent, twin: PaymentRow): boolean {
  const { connectionId } = ctx.document;
  const role = ctx.books.organization.connections.get(connectionId)?.role;
  return event.provisional || (twin.connectionId !== connectionId && role === 'books');
}

/**
 * A payment that was announced (pending, or only named) may have been booked meanwhile under another id. Of the two
 * the weaker gives way; true when that is the announced one.
 */
export function isOvertaken(ctx: Deciding, known: PaymentRow, event: PaymentEvent): boolean {
  if (event.type !== 'payment.succeeded' || known.succeededAt !== null) return false;
  const twin = findTwin(ctx, event);
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
  if (weaker.refundedMinor + weaker.disputedMinor + weaker.lostMinor > 0n) {
    openReview(ctx, {
      kind: 'possible-duplicate',
      reason: `${weaker.externalId} seems to be the same payment as ${stronger.externalId}, but money of it went back already.`,
      paymentId: weaker.id,
    });
    return;
  }
  const wasReceived = weaker.receivedMinor > 0n;
  takeBackReceipt(ctx, weaker, `it is the same payment as ${stronger.externalId}`);
  stronger.references = unite(stronger.references, weaker.references);
  weaker.mirrors = stronger.id;
  const { connectionId, externalId } = weaker;
  addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId: stronger.id });
  weaker.voidedAt = ctx.document.appliedAt;
  weaker.status = 'voided';
  touchPayment(ctx, weaker);
  keepWaiting(ctx, weaker);
  if (wasReceived) queueDelivery(ctx, { topic: 'payment.voided', paymentId: weaker.id });
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
  if (payment.connectionId !== connectionId && payment.receivedMinor > 0n) {
    post(ctx, {
      kind: 'clearing.moved',
      memo: `pay_${payment.id} came through another portal: ${externalId}`,
      occurredAt: ctx.document.appliedAt,
      postings: [
        {
          debit: chart.clearing(connectionId),
          credit: chart.clearing(payment.connectionId),
          amountMinor: payment.receivedMinor,
          currency: payment.currency,
          paymentId: payment.id,
        },
      ],
    });
  }
  payment.connectionId = connectionId;
  payment.externalId = externalId;
  payment.provisional = false;
  payment.revision = null;
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
function whatItNames({ kind, externalId, number, text, amountMinor }: Reference): string {
  return encodeJson([kind, externalId, number, text, amountMinor].map((part) => part ?? null));
}
