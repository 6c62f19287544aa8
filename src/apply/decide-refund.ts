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
    details: {},
    updatedSequence: document.sequence,
  };
  // The fee is often known only once the refund is done; a document without it says nothing of it.
  if (event.feeMinor !== null) {
    refund.feeMinor = event.feeMinor;
    refund.feeCurrency = event.feeCurrency ?? event.currency;
  }
  if (event.reason === REVERSAL) refund.details = { reversal: true };
  if (refund.amountMinor === 0n) {
    refund.amountMinor = event.amountMinor;
    refund.currency = event.currency;
  }
  if (event.type === 'refund.succeeded')
    refund.succeededAt = latest(refund.succeededAt, event.occurredAt);
  else refund.failedAt = latest(refund.failedAt, event.occurredAt);
  if (payment) refund.paymentId = payment.id;
  if (!payment && event.customer) {
    refund.customerId ??= findCustomer(books, document.connectionId, event.customer)?.id ?? null;
  }
  refund.updatedSequence = document.sequence;
  books.refunds.put(refund);
  if (payment) {
    ctx.toApply.add(payment.id);
    const changed = settleRefund(ctx, refund, payment);
    if (changed) {
      queueDelivery(ctx, { topic: event.type, paymentId: payment.id, subject: `ref_${refund.id}` });
    }
  } else {
    settleUnlinkedRefund(ctx, refund);
    settleRefundFee(ctx, refund);
  }
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
    if (!settleRefund(ctx, refund, payment)) continue;
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
  const gone = refund.succeededAt !== null && refund.failedAt === null;
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
  const clearing = chart.clearing(refund.connectionId);
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
  const { amountMinor, currency, connectionId, customerId } = refund;
  post(ctx, {
    kind: 'refund.reversed',
    memo: `refund ${refund.externalId} is of pay_${payment.id}`,
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
  closeReviews(ctx, {
    refundId: refund.id,
    kinds: ['refund-unlinked'],
    resolution: 'Its payment was named.',
  });
}

/** A refund no payment can be found for is real money all the same: the customer's, or nobody's yet. */
function settleUnlinkedRefund(ctx: Deciding, refund: RefundRow): void {
  if (refund.paymentExternalId !== null)
    return waitForPayment(ctx, refund, refund.paymentExternalId);
  const wanted = refund.succeededAt !== null && refund.failedAt === null ? refund.amountMinor : 0n;
  if (wanted === refund.postedMinor) return;
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

function waitForPayment(ctx: Deciding, refund: RefundRow, paymentExternalId: string): void {
  openReview(ctx, {
    kind: 'refund-waiting',
    reason: `Refund ${refund.externalId} belongs to ${paymentExternalId}, which has not been received yet.`,
    refundId: refund.id,
  });
}
