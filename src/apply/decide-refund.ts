/** Refunds and disputes: money that goes back, or is withheld until a decision. */
import { chart } from '../ledger/chart.ts';
import { toDecimalText } from '../money/money.ts';
import { latest } from '../payments/fold.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { matchKey } from '../receivables/match-key.ts';
import { freeAllocations, isWaiting, noteCause } from './apply-cash.ts';
import { findCustomer, findPayment, keyOf } from './books.ts';
import { statusOf } from './decide-payment.ts';
import {
  closeReviews,
  type Deciding,
  feePosting,
  nextId,
  openReview,
  type PostingDraft,
  post,
  Quarantined,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { invoicesOf, workOrdersNamed } from './payment-targets.ts';
import { type DisputeRow, type PaymentRow, type RefundRow, unappliedOf } from './rows.ts';

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
    succeededAt: null,
    failedAt: null,
    postedMinor: 0n,
    entry: null,
    customerId: null,
    details: {},
    updatedSequence: document.sequence,
  };
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
  } else settleUnlinkedRefund(ctx, refund);
}

/** Books what waited for this payment to be received. */
export function postWaiting(ctx: Deciding, payment: PaymentRow): void {
  const key = keyOf(payment.connectionId, payment.externalId);
  for (const refund of ctx.books.refunds.find('waiting', key)) {
    refund.paymentId = payment.id;
    ctx.books.refunds.put(refund);
  }
  for (const dispute of ctx.books.disputes.find('waiting', key)) {
    dispute.paymentId = payment.id;
    ctx.books.disputes.put(dispute);
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

/** Makes the ledger agree with the refund's state; true when something was booked. A failure is final. */
function settleRefund(ctx: Deciding, refund: RefundRow, payment: PaymentRow): boolean {
  const wanted = refund.succeededAt !== null && refund.failedAt === null ? refund.amountMinor : 0n;
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
      memo: `refund ${refund.externalId} of pay_${payment.id} failed`,
      occurredAt: refund.failedAt as string,
      reverses: refund.entry,
      postings: [{ debit: clearing, credit: unapplied, ...money }],
    });
    refund.entry = null;
    payment.refundedMinor -= amountMinor;
  }
  refund.postedMinor = wanted;
  ctx.books.refunds.put(refund);
  closeReviews(ctx, {
    refundId: refund.id,
    kinds: ['refund-waiting'],
    resolution: 'Its payment arrived.',
  });
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  return true;
}

/** Frees allocations as far as unapplied cash does not suffice; says so when the payment is exceeded. */
function makeRoom(ctx: Deciding, payment: PaymentRow, amountMinor: bigint, because: string): void {
  const spare = unappliedOf(payment) > 0n ? unappliedOf(payment) : 0n;
  if (spare >= amountMinor) return;
  const missing = freeAllocations(ctx, payment, { amountMinor: amountMinor - spare, because });
  if (missing > 0n) {
    openReview(ctx, {
      kind: 'refund-exceeds-payment',
      reason: `After ${because}, ${toDecimalText({ minor: missing, currency: payment.currency })} ${payment.currency} more has left than this payment brought.`,
      paymentId: payment.id,
    });
  }
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

/** The payment of a refund or dispute: as linked before, as the portal says, else the newest one for its work order. */
function paymentOf(
  ctx: Deciding,
  event: CanonicalEvent,
  known: { readonly paymentId: bigint | null } | undefined,
): PaymentRow | undefined {
  const { books, document } = ctx;
  if (known?.paymentId) return books.payments.get(known.paymentId);
  for (const id of [event.externalPaymentId, event.links.paymentExternalId]) {
    const payment = id ? findPayment(books, document.connectionId, id) : undefined;
    if (payment) return payment;
  }
  return paymentForWorkOrder(
    ctx,
    event,
    (payment) =>
      payment.receivedMinor - payment.refundedMinor - payment.lostMinor >= event.amountMinor,
  );
}

/** The newest payment of the event's connection, currency and work order that fits. */
export function paymentForWorkOrder(
  ctx: Deciding,
  event: CanonicalEvent,
  fits: (payment: PaymentRow) => boolean,
): PaymentRow | undefined {
  const names = event.references.flatMap((reference) =>
    reference.kind === 'workOrder' ? [reference.number ?? reference.externalId ?? ''] : [],
  );
  return names
    .flatMap((name) => paymentsForWorkOrder(ctx, name))
    .filter(
      (payment) =>
        payment.connectionId === ctx.document.connectionId &&
        payment.currency === event.currency &&
        fits(payment),
    )
    .sort(newestFirst)[0];
}

function newestFirst(a: PaymentRow, b: PaymentRow): number {
  if (a.occurredAt !== b.occurredAt) return a.occurredAt < b.occurredAt ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

/** Payments that wait for the work order or pay it or its invoices, which may be known before it is. */
function paymentsForWorkOrder(ctx: Deciding, name: string): readonly PaymentRow[] {
  const { books } = ctx;
  const key = matchKey(name);
  if (!key) return [];
  const found = new Set<PaymentRow>();
  for (const id of books.waiting.get(key) ?? []) {
    const payment = books.payments.get(id);
    if (payment && isWaiting(payment)) found.add(payment);
  }
  const add = (index: 'workOrder' | 'invoice', id: bigint) => {
    for (const { paymentId } of books.allocations.find(index, String(id))) {
      const payment = books.payments.get(paymentId);
      if (payment) found.add(payment);
    }
  };
  for (const workOrder of workOrdersNamed(books, name)) {
    add('workOrder', workOrder.id);
    for (const invoice of invoicesOf(books, workOrder)) add('invoice', invoice.id);
  }
  for (const invoice of books.invoices.find('workOrder', key)) add('invoice', invoice.id);
  return [...found];
}

export function decideDispute(ctx: Deciding, event: CanonicalEvent): void {
  const { books, document } = ctx;
  const externalId = event.disputeId as string;
  const [known] = books.disputes.find('external', keyOf(document.connectionId, externalId));
  const payment = paymentOf(ctx, event, known);
  const dispute: DisputeRow = known ?? {
    id: nextId(ctx),
    connectionId: document.connectionId,
    externalId,
    paymentId: null,
    paymentExternalId: event.externalPaymentId ?? event.links.paymentExternalId ?? null,
    amountMinor: event.amountMinor,
    currency: event.currency,
    feeMinor: null,
    feeCurrency: null,
    openedAt: null,
    withdrawnAt: null,
    wonAt: null,
    lostAt: null,
    reason: null,
    posted: 'none',
    entry: null,
    updatedSequence: document.sequence,
  };
  if (event.type === 'dispute.opened') {
    dispute.openedAt = latest(dispute.openedAt, event.occurredAt);
    if (event.fundsWithdrawn !== false)
      dispute.withdrawnAt = latest(dispute.withdrawnAt, event.occurredAt);
  } else if (event.type === 'dispute.won') dispute.wonAt = latest(dispute.wonAt, event.occurredAt);
  else dispute.lostAt = latest(dispute.lostAt, event.occurredAt);
  dispute.reason ??= event.reason ?? null;
  if (payment) dispute.paymentId = payment.id;
  dispute.updatedSequence = document.sequence;
  books.disputes.put(dispute);
  bookDisputeFee(ctx, dispute, event);
  if (!payment) {
    openReview(ctx, {
      kind: 'dispute-waiting',
      reason: `Dispute ${externalId} belongs to a payment that is not known yet.`,
      disputeId: dispute.id,
    });
    return;
  }
  ctx.toApply.add(payment.id);
  if (settleDispute(ctx, dispute, payment)) {
    queueDelivery(ctx, { topic: event.type, paymentId: payment.id, subject: `dsp_${dispute.id}` });
  }
}

/** Books the dispute's fee when it is first told, and gives back what a won dispute returns of it. */
function bookDisputeFee(ctx: Deciding, dispute: DisputeRow, event: CanonicalEvent): void {
  if (event.feeMinor === null || event.feeMinor < 0n) return;
  const booked = dispute.feeMinor;
  if (booked !== null && (event.type !== 'dispute.won' || event.feeMinor >= booked)) return;
  const currency = event.feeCurrency ?? event.currency;
  dispute.feeMinor = event.feeMinor;
  dispute.feeCurrency = currency;
  const minor = booked === null ? event.feeMinor : booked - event.feeMinor;
  if (minor === 0n) return;
  const fee = feePosting(dispute.connectionId, { minor, currency });
  post(ctx, {
    kind: booked === null ? 'fee.charged' : 'fee.returned',
    memo: `fee of dispute ${dispute.externalId}`,
    occurredAt: event.occurredAt,
    postings: [booked === null ? fee : { ...fee, debit: fee.credit, credit: fee.debit }],
  });
}

/** Where the dispute's money is by all that is known: a later outcome outranks an earlier one. */
function disputeState(dispute: DisputeRow): DisputeRow['posted'] {
  const { lostAt, wonAt, withdrawnAt } = dispute;
  if (lostAt !== null && (wonAt === null || lostAt >= wonAt)) return 'lost';
  if (wonAt !== null) return 'none';
  return withdrawnAt === null ? 'none' : 'withdrawn';
}

/** Moves the ledger from what it says of the dispute to what is known; true when something was booked. */
function settleDispute(ctx: Deciding, dispute: DisputeRow, payment: PaymentRow): boolean {
  const wanted = disputeState(dispute);
  if (wanted === dispute.posted) return false;
  if (payment.receivedMinor === 0n || dispute.currency !== payment.currency) {
    openReview(ctx, {
      kind: 'dispute-unbooked',
      reason: `Dispute ${dispute.externalId} of ${dispute.currency} cannot be booked against this payment as it stands.`,
      paymentId: payment.id,
    });
    return false;
  }
  if (dispute.posted === 'lost') moveDispute(ctx, dispute, payment, 'regained');
  if (dispute.posted === 'withdrawn' && wanted === 'none')
    moveDispute(ctx, dispute, payment, 'won');
  if (dispute.posted === 'none' && wanted !== 'none')
    moveDispute(ctx, dispute, payment, 'withdrawn');
  if (dispute.posted === 'withdrawn' && wanted === 'lost')
    moveDispute(ctx, dispute, payment, 'lost');
  if (dispute.posted === 'withdrawn' && wanted === 'none')
    moveDispute(ctx, dispute, payment, 'won');
  closeReviews(ctx, {
    disputeId: dispute.id,
    kinds: ['dispute-waiting'],
    resolution: 'Its payment arrived.',
  });
  payment.status = statusOf(payment);
  ctx.books.disputes.put(dispute);
  touchPayment(ctx, payment);
  return true;
}

type DisputeMove = 'withdrawn' | 'won' | 'lost' | 'regained';

function moveDispute(
  ctx: Deciding,
  dispute: DisputeRow,
  payment: PaymentRow,
  move: DisputeMove,
): void {
  const because = `dispute ${dispute.externalId} ${move === 'withdrawn' ? 'opened' : move}`;
  const { amountMinor } = dispute;
  if (move === 'lost') makeRoom(ctx, payment, amountMinor, because);
  const clearing = chart.clearing(dispute.connectionId);
  const disputed = chart.disputedFunds(dispute.connectionId);
  const unapplied = chart.unappliedCash(payment.customerId);
  const sides: Record<DisputeMove, Pick<PostingDraft, 'debit' | 'credit'>> = {
    withdrawn: { debit: disputed, credit: clearing },
    won: { debit: clearing, credit: disputed },
    lost: { debit: unapplied, credit: disputed },
    regained: { debit: disputed, credit: unapplied },
  };
  const at = {
    withdrawn: dispute.withdrawnAt ?? dispute.lostAt,
    won: dispute.wonAt,
    lost: dispute.lostAt,
    regained: dispute.wonAt,
  };
  const entry = post(ctx, {
    kind: `dispute.${move}`,
    memo: `${because}: pay_${payment.id}`,
    occurredAt: at[move] ?? ctx.document.appliedAt,
    reverses: move === 'won' || move === 'regained' ? dispute.entry : null,
    postings: [{ ...sides[move], amountMinor, currency: dispute.currency, paymentId: payment.id }],
  });
  if (move === 'withdrawn') payment.disputedMinor += amountMinor;
  if (move === 'won') payment.disputedMinor -= amountMinor;
  if (move === 'lost') {
    payment.disputedMinor -= amountMinor;
    payment.lostMinor += amountMinor;
  }
  if (move === 'regained') {
    payment.lostMinor -= amountMinor;
    payment.disputedMinor += amountMinor;
  }
  dispute.posted = move === 'lost' ? 'lost' : move === 'won' ? 'none' : 'withdrawn';
  dispute.entry = entry;
  for (const allocation of ctx.books.allocations.find('payment', String(payment.id))) {
    if (allocation.amountMinor === 0n) continue;
    const target =
      allocation.invoiceId === null
        ? { kind: 'work-order' as const, id: allocation.workOrderId as bigint }
        : { kind: 'invoice' as const, id: allocation.invoiceId };
    noteCause(ctx, target, {
      entry,
      paymentId: payment.id,
      takesBack: move === 'withdrawn' || move === 'lost',
      because,
    });
  }
}
