/** Refunds: money that goes back to the payer. */
import { chart } from '../ledger/chart.ts';
import { latest } from '../payments/fold.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { findCustomer, keyOf } from './books.ts';
import { settleDispute } from './decide-dispute.ts';
import {
  closeReviews,
  type Deciding,
  feePosting,
  nextId,
  openReview,
  post,
  Quarantined,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { makeRoom, paymentOf } from './payment-of.ts';
import { statusOf } from './payment-status.ts';
import type { PaymentRow, RefundRow } from './rows.ts';

/** The reason of a refund that nobody here made: the portal took the money back by itself. */
const REVERSAL = 'reversal';

/** @throws Quarantined when the event lacks its id or a positive amount, or tells another amount than before. */
export function objectToRefundOrDispute(ctx: Deciding, event: CanonicalEvent): void {
  const { books, document } = ctx;
  const isRefund = event.type.startsWith('refund.');
  const id = isRefund ? event.refundId : event.disputeId;
  if (!id) throw new Quarantined(`${event.type} names no ${isRefund ? 'refund' : 'dispute'}`);
  // A taken-back refund may come without its amount: what we booked is what is reversed.
  const mayLackAmount = event.type === 'refund.failed' && event.amountMinor === 0n;
  if (mayLackAmount) return;
  if (event.amountMinor <= 0n) throw new Quarantined(`${event.type} ${id} has no positive amount`);
  const key = keyOf(document.connectionId, id);
  const [row] = isRefund
    ? books.refunds.find('external', key)
    : books.disputes.find('external', key);
  if (
    row &&
    row.amountMinor > 0n &&
    (row.amountMinor !== event.amountMinor || row.currency !== event.currency) &&
    isRefund
  ) {
    throw new Quarantined(
      `${id} is known with ${row.amountMinor} ${row.currency} (minor units); this document says ` +
        `${event.amountMinor} ${event.currency}`,
    );
  }
}

export function decideRefund(ctx: Deciding, event: CanonicalEvent): void {
  const { books, document } = ctx;
  const externalId = event.refundId as string;
  const [known] = books.refunds.find('external', keyOf(document.connectionId, externalId));
  const payment = paymentOf(ctx, event, known);
  if (known && payment) takeBackUnlinked(ctx, known, payment);
  const refund: RefundRow = known ?? {
    id: nextId(ctx),
    connectionId: document.connectionId,
    externalId,
    paymentId: null,
    paymentExternalId: event.externalPaymentId ?? event.links.paymentExternalId ?? null,
    amountMinor: event.amountMinor,
    currency: event.currency,
    feeMinor: event.feeMinor,
    feeCurrency: event.feeMinor === null ? null : (event.feeCurrency ?? event.currency),
    feePostedMinor: 0n,
    succeededAt: null,
    failedAt: null,
    postedMinor: 0n,
    entry: null,
    customerId: null,
    standing: 'own',
    details: {},
    updatedSequence: document.sequence,
  };
  // The fee is often known only once the refund is done; a document without it says nothing of it.
  if (event.feeMinor !== null) {
    refund.feeMinor = event.feeMinor;
    refund.feeCurrency = event.feeCurrency ?? event.currency;
  }
  if (event.reason === REVERSAL) refund.details = { ...(refund.details as object), reversal: true };
  if (refund.amountMinor === 0n) {
    refund.amountMinor = event.amountMinor;
    refund.currency = event.currency;
  }
  if (event.type === 'refund.succeeded')
    refund.succeededAt = latest(refund.succeededAt, event.occurredAt);
  else refund.failedAt = latest(refund.failedAt, event.occurredAt);
  if (payment) refund.paymentId = payment.id;
  if (payment && !known) refund.standing = standingOf(ctx, refund, payment);
  if (!payment && event.customer) {
    refund.customerId ??= findCustomer(books, document.connectionId, event.customer)?.id ?? null;
  }
  refund.updatedSequence = document.sequence;
  books.refunds.put(refund);
  if (payment) {
    ctx.toApply.add(payment.id);
    const stoodIn = relieveStandIn(ctx, refund, payment);
    const changed = settleRefund(ctx, refund, payment);
    if (changed && !stoodIn) {
      queueDelivery(ctx, { topic: event.type, paymentId: payment.id, subject: `ref_${refund.id}` });
    }
    doubtUnlinkedCopies(ctx, refund);
  } else {
    settleUnlinkedRefund(ctx, refund);
    settleRefundFee(ctx, refund);
  }
}

/** Of a payment that several portals show, the one that holds the money says what went back, if it says so at all. */
function standingOf(
  { books }: Deciding,
  { connectionId }: RefundRow,
  payment: PaymentRow,
): RefundRow['standing'] {
  if (connectionId === payment.connectionId) return 'own';
  const holder = books.organization.connections.get(payment.connectionId);
  return holder?.tellsRefunds ? 'copy' : 'own';
}

/** What was told of a payment by an id that turns out to be another portal's money. */
export function adoptWaitingRefunds(ctx: Deciding, payment: PaymentRow, externalId: string): void {
  const key = keyOf(ctx.document.connectionId, externalId);
  for (const refund of ctx.books.refunds.find('waiting', key)) {
    refund.paymentId = payment.id;
    refund.standing = standingOf(ctx, refund, payment);
    ctx.books.refunds.put(refund);
    endWaiting(ctx, refund, 'Its payment arrived.');
    settleRefund(ctx, refund, payment);
  }
}

/** The refunds of a payment that another portal holds from now on stay booked until that portal tells of them. */
export function standInForRefunds(ctx: Deciding, payment: PaymentRow, holderId: string): void {
  const tells = ctx.books.organization.connections.get(holderId)?.tellsRefunds;
  for (const refund of ctx.books.refunds.find('payment', String(payment.id))) {
    if (refund.connectionId === holderId || refund.standing !== 'own') continue;
    if (tells) refund.standing = refund.postedMinor > 0n ? 'stand-in' : 'copy';
    ctx.books.refunds.put(refund);
  }
}

/** What went back of a payment that gives way went back of the one that stays. */
export function moveRefunds(ctx: Deciding, weaker: PaymentRow, stronger: PaymentRow): void {
  const refunds = ctx.books.refunds.find('payment', String(weaker.id));
  const booked = refunds.filter(({ postedMinor }) => postedMinor > 0n);
  for (const refund of booked) unbook(ctx, refund, weaker);
  for (const refund of refunds) {
    refund.paymentId = stronger.id;
    refund.standing = standingOf(ctx, refund, stronger);
    const told = ownRefundLike(ctx, refund, stronger) !== undefined;
    if (refund.standing === 'copy' && booked.includes(refund) && !told)
      refund.standing = 'stand-in';
    ctx.books.refunds.put(refund);
    settleRefund(ctx, refund, stronger);
  }
}

/** A refund that the payment's own portal told, of the same amount. */
function ownRefundLike(
  { books }: Deciding,
  { amountMinor, currency, connectionId }: RefundRow,
  payment: PaymentRow,
): RefundRow | undefined {
  return books.refunds
    .find('payment', String(payment.id))
    .find(
      (other) =>
        other.connectionId === payment.connectionId &&
        other.connectionId !== connectionId &&
        other.amountMinor === amountMinor &&
        other.currency === currency,
    );
}

/** The payment's own portal tells of a refund that a copy stood in for; true when one did. */
function relieveStandIn(ctx: Deciding, refund: RefundRow, payment: PaymentRow): boolean {
  if (refund.connectionId !== payment.connectionId || refund.succeededAt === null) return false;
  const standIns = ctx.books.refunds
    .find('payment', String(payment.id))
    .filter(({ standing }) => standing === 'stand-in');
  const sum = (rows: readonly RefundRow[]) =>
    rows.reduce((total, row) => total + row.amountMinor, 0n);
  const equal = standIns.find(({ amountMinor }) => amountMinor === refund.amountMinor);
  const told = ctx.books.refunds
    .find('payment', String(payment.id))
    .filter(
      ({ connectionId, failedAt }) => connectionId === payment.connectionId && failedAt === null,
    );
  // In other portions than the copies said: once all of it is told, none of them is needed.
  const relieved = equal ? [equal] : sum(told) >= sum(standIns) ? standIns : [];
  for (const standIn of relieved) {
    unbook(ctx, standIn, payment);
    standIn.standing = 'copy';
    ctx.books.refunds.put(standIn);
  }
  return relieved.length > 0;
}

/** Takes the booking of a refund back, because it is booked under another name. */
function unbook(ctx: Deciding, refund: RefundRow, payment: PaymentRow): void {
  if (refund.postedMinor === 0n) return;
  post(ctx, {
    kind: 'refund.reversed',
    memo: `refund ${refund.externalId} of pay_${payment.id} is told by another portal`,
    occurredAt: ctx.document.appliedAt,
    reverses: refund.entry,
    postings: [
      {
        debit: chart.clearing(payment.connectionId),
        credit: chart.unappliedCash(payment.customerId),
        amountMinor: refund.postedMinor,
        currency: refund.currency,
        paymentId: payment.id,
      },
    ],
  });
  payment.refundedMinor -= refund.postedMinor;
  refund.postedMinor = 0n;
  refund.entry = null;
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
}

/** Books what waited for this payment to be received, under the id it has or one that the event names. */
export function postWaiting(ctx: Deciding, payment: PaymentRow, event: CanonicalEvent): void {
  const { paymentExternalId, insteadOf = [] } = event.links;
  const named = [payment.externalId, event.externalPaymentId, paymentExternalId, ...insteadOf];
  for (const externalId of new Set(named.filter((id) => id !== null && id !== undefined))) {
    const key = keyOf(payment.connectionId, externalId);
    for (const refund of ctx.books.refunds.find('waiting', key)) {
      refund.paymentId = payment.id;
      ctx.books.refunds.put(refund);
    }
    for (const dispute of ctx.books.disputes.find('waiting', key)) {
      dispute.paymentId = payment.id;
      ctx.books.disputes.put(dispute);
    }
  }
  for (const refund of ctx.books.refunds.find('payment', String(payment.id))) {
    const stoodIn = relieveStandIn(ctx, refund, payment);
    if (!settleRefund(ctx, refund, payment) || stoodIn) continue;
    queueDelivery(ctx, {
      topic: 'refund.succeeded',
      paymentId: payment.id,
      subject: `ref_${refund.id}`,
    });
  }
  for (const dispute of ctx.books.disputes.find('payment', String(payment.id))) {
    settleDispute(ctx, dispute, payment);
  }
}

/** What a portal took back by itself is the money of the payment's dispute, should there be one. */
export function settleReversals(ctx: Deciding, payment: PaymentRow): void {
  for (const refund of ctx.books.refunds.find('payment', String(payment.id))) {
    if (isReversal(refund)) settleRefund(ctx, refund, payment);
  }
}

function isReversal({ details }: RefundRow): boolean {
  return (details as { readonly reversal?: boolean } | null)?.reversal === true;
}

/** Until a dispute is won, and for what went before, it carries the money; later reversals are another matter. */
function isCarriedByDispute(ctx: Deciding, refund: RefundRow, payment: PaymentRow): boolean {
  if (!isReversal(refund) || refund.succeededAt === null) return false;
  const { succeededAt } = refund;
  return ctx.books.disputes
    .find('payment', String(payment.id))
    .some(({ wonAt }) => wonAt === null || succeededAt <= wonAt);
}

/** Makes the ledger agree with the refund's state and fee; true when its money was booked. A failure is final. */
function settleRefund(ctx: Deciding, refund: RefundRow, payment: PaymentRow): boolean {
  const changed = settleMoneyBack(ctx, refund, payment);
  settleRefundFee(ctx, refund);
  return changed;
}

/** What the portal charged for the refund, or gave back of the payment's fee, while the refund stands. */
function settleRefundFee(ctx: Deciding, refund: RefundRow): void {
  const wanted = refund.postedMinor > 0n ? (refund.feeMinor ?? 0n) : 0n;
  const more = wanted - refund.feePostedMinor;
  if (more === 0n) return;
  const fee = feePosting(refund.connectionId, {
    minor: more > 0n ? more : -more,
    currency: refund.feeCurrency ?? refund.currency,
    ...(refund.paymentId === null ? {} : { paymentId: refund.paymentId }),
  });
  post(ctx, {
    kind: more > 0n ? 'fee.charged' : 'fee.returned',
    memo: `fee of refund ${refund.externalId}`,
    occurredAt: refund.failedAt ?? refund.succeededAt ?? ctx.document.appliedAt,
    postings: [more > 0n ? fee : { ...fee, debit: fee.credit, credit: fee.debit }],
  });
  refund.feePostedMinor = wanted;
  ctx.books.refunds.put(refund);
}

function settleMoneyBack(ctx: Deciding, refund: RefundRow, payment: PaymentRow): boolean {
  const isTold = refund.standing === 'own' || refund.standing === 'stand-in';
  const gone = refund.succeededAt !== null && refund.failedAt === null && isTold;
  const carried = isCarriedByDispute(ctx, refund, payment);
  if (carried) endWaiting(ctx, refund, 'A dispute carries its money.');
  const wanted = gone && !carried ? refund.amountMinor : 0n;
  if (wanted === refund.postedMinor) return false;
  if (payment.receivedMinor === 0n && wanted > 0n) {
    if (payment.succeededAt === null) waitForPayment(ctx, refund, payment.externalId);
    return false;
  }
  if (refund.currency !== payment.currency) {
    openReview(ctx, {
      kind: 'refund-currency',
      reason: `Refund ${refund.externalId} is in ${refund.currency}, its payment in ${payment.currency}; book it by hand.`,
      paymentId: payment.id,
    });
    return false;
  }
  const amountMinor = refund.amountMinor;
  const money = {
    amountMinor,
    currency: refund.currency,
    paymentId: payment.id,
  };
  const unapplied = chart.unappliedCash(payment.customerId);
  const clearing = chart.clearing(payment.connectionId);
  if (wanted > 0n) {
    makeRoom(ctx, payment, amountMinor, `refund ${refund.externalId}`);
    refund.entry = post(ctx, {
      kind: 'refund.paid',
      memo: `refund ${refund.externalId} of pay_${payment.id}`,
      occurredAt: refund.succeededAt as string,
      postings: [{ debit: unapplied, credit: clearing, ...money }],
    });
    payment.refundedMinor += amountMinor;
  } else {
    post(ctx, {
      kind: 'refund.reversed',
      memo: `refund ${refund.externalId} of pay_${payment.id} ${refund.failedAt ? 'failed' : 'is carried by a dispute'}`,
      occurredAt: refund.failedAt ?? ctx.document.appliedAt,
      reverses: refund.entry,
      postings: [{ debit: clearing, credit: unapplied, ...money }],
    });
    refund.entry = null;
    payment.refundedMinor -= amountMinor;
  }
  refund.postedMinor = wanted;
  ctx.books.refunds.put(refund);
  endWaiting(ctx, refund, 'Its payment arrived.');
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  return true;
}

function endWaiting(ctx: Deciding, refund: RefundRow, resolution: string): void {
  closeReviews(ctx, { refundId: refund.id, kinds: ['refund-waiting'], resolution });
}

/** A refund that was booked as nobody's turns out to be this payment's: it is booked anew, as that. */
function takeBackUnlinked(ctx: Deciding, refund: RefundRow, payment: PaymentRow): void {
  if (refund.paymentId !== null || refund.postedMinor === 0n) return;
  unbookUnlinked(ctx, refund, `it is of pay_${payment.id}`);
  closeReviews(ctx, {
    refundId: refund.id,
    kinds: ['refund-unlinked'],
    resolution: 'Its payment was named.',
  });
}

function unbookUnlinked(ctx: Deciding, refund: RefundRow, because: string): void {
  const { amountMinor, currency, connectionId, customerId } = refund;
  post(ctx, {
    kind: 'refund.reversed',
    memo: `refund ${refund.externalId} taken back: ${because}`,
    occurredAt: ctx.document.appliedAt,
    reverses: refund.entry,
    postings: [
      {
        debit: chart.clearing(connectionId),
        credit: chart.unappliedCash(customerId),
        amountMinor,
        currency,
      },
    ],
  });
  refund.entry = null;
  refund.postedMinor = 0n;
}

/** A refund no payment can be found for is real money all the same: the customer's, or nobody's yet. */
function settleUnlinkedRefund(ctx: Deciding, refund: RefundRow): void {
  if (refund.paymentExternalId !== null)
    return waitForPayment(ctx, refund, refund.paymentExternalId);
  if (refund.standing === 'doubtful') return;
  const wanted = refund.succeededAt !== null && refund.failedAt === null ? refund.amountMinor : 0n;
  if (wanted === refund.postedMinor) return;
  const told = wanted > 0n ? toldRefundLike(ctx, refund) : undefined;
  if (told) return doubtRefund(ctx, refund, told);
  const unapplied = chart.unappliedCash(refund.customerId);
  const clearing = chart.clearing(refund.connectionId);
  const money = { amountMinor: refund.amountMinor, currency: refund.currency };
  const entry = post(ctx, {
    kind: wanted > 0n ? 'refund.paid' : 'refund.reversed',
    memo: `refund ${refund.externalId} without a payment`,
    occurredAt: (wanted > 0n ? refund.succeededAt : refund.failedAt) as string,
    reverses: wanted > 0n ? null : refund.entry,
    postings: [
      wanted > 0n
        ? { debit: unapplied, credit: clearing, ...money }
        : { debit: clearing, credit: unapplied, ...money },
    ],
  });
  refund.entry = wanted > 0n ? entry : null;
  refund.postedMinor = wanted;
  openReview(ctx, {
    kind: 'refund-unlinked',
    reason: `The portal does not say which payment refund ${refund.externalId} gives back.`,
    refundId: refund.id,
  });
}

const COPY_WINDOW_MS = 10 * 86_400_000;

/** The refund of a portal that one in the books, which names no payment, may be a copy of. */
function toldRefundLike(ctx: Deciding, copy: RefundRow): RefundRow | undefined {
  if (!isInBooks(ctx, copy) || isVouched(copy) || copy.customerId === null) return undefined;
  return ctx.books.refunds
    .find('amount', String(copy.amountMinor))
    .find((refund) => mayBeCopy(ctx, copy, refund));
}

function mayBeCopy({ books }: Deciding, copy: RefundRow, refund: RefundRow): boolean {
  const payment = refund.paymentId === null ? undefined : books.payments.get(refund.paymentId);
  const [left, right] = [copy.succeededAt, refund.succeededAt];
  return (
    payment !== undefined &&
    refund.postedMinor > 0n &&
    refund.connectionId !== copy.connectionId &&
    refund.currency === copy.currency &&
    payment.customerId === copy.customerId &&
    left !== null &&
    right !== null &&
    Math.abs(Date.parse(left) - Date.parse(right)) <= COPY_WINDOW_MS
  );
}

/** A refund of a payment was booked: one of the same amount that the books told of nobody may be the same. */
function doubtUnlinkedCopies(ctx: Deciding, refund: RefundRow): void {
  if (refund.postedMinor === 0n || isInBooks(ctx, refund)) return;
  for (const copy of ctx.books.refunds.find('amount', String(refund.amountMinor))) {
    const isUnlinked = copy.paymentId === null && copy.paymentExternalId === null;
    if (!isUnlinked || copy.postedMinor === 0n || copy.customerId === null) continue;
    if (!isInBooks(ctx, copy) || isVouched(copy) || !mayBeCopy(ctx, copy, refund)) continue;
    unbookUnlinked(ctx, copy, `it may be refund ${refund.externalId}`);
    doubtRefund(ctx, copy, refund);
  }
}

function doubtRefund(ctx: Deciding, copy: RefundRow, refund: RefundRow): void {
  copy.standing = 'doubtful';
  ctx.books.refunds.put(copy);
  openReview(ctx, {
    kind: 'possible-duplicate',
    reason:
      `Refund ${copy.externalId} in the books names no payment and is exactly refund ${refund.externalId}, booked ` +
      'already. If it is the same, say "same"; if the customer got money twice, say "separate" and it is booked.',
    refundId: copy.id,
    details: { suspect: `ref_${refund.id}`, decide: ['same', 'separate'] },
  });
}

/** A person said whether a refund in the books is one that is booked already. */
export function settleDoubtfulRefund(ctx: Deciding, refund: RefundRow, same: boolean): void {
  refund.standing = same ? 'copy' : 'own';
  refund.details = { ...(refund.details as object), vouched: true };
  ctx.books.refunds.put(refund);
  if (!same) settleUnlinkedRefund(ctx, refund);
}

function isInBooks({ books }: Deciding, { connectionId }: RefundRow): boolean {
  return books.organization.connections.get(connectionId)?.role === 'books';
}

function isVouched({ details }: RefundRow): boolean {
  return (details as { readonly vouched?: boolean } | null)?.vouched === true;
}

function waitForPayment(ctx: Deciding, refund: RefundRow, paymentExternalId: string): void {
  openReview(ctx, {
    kind: 'refund-waiting',
    reason: `Refund ${refund.externalId} belongs to ${paymentExternalId}, which has not been received yet.`,
    refundId: refund.id,
  });
}
