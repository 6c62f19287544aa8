/** Disputes: money that a portal withholds until it is decided whose it is. */
import { chart } from '../ledger/chart.ts';
import { latest } from '../payments/fold.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { noteCause } from './apply-cash.ts';
import { keyOf } from './books.ts';
import {
  closeReviews,
  type Deciding,
  feePosting,
  nextId,
  openReview,
  type PostingDraft,
  post,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { makeRoom, paymentOf } from './payment-of.ts';
import { statusOf } from './payment-status.ts';
import type { DisputeRow, PaymentRow } from './rows.ts';

/** `makeWay` takes back what a portal told both as its own reversal and by this dispute. */
export function decideDispute(
  ctx: Deciding,
  event: CanonicalEvent,
  makeWay: (ctx: Deciding, payment: PaymentRow) => void,
): void {
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
  if (event.type === 'dispute.lost') limitLoss(ctx, dispute, payment, event.amountMinor);
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
  makeWay(ctx, payment);
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

/** A dispute may be lost in part: of what was withheld for it the rest comes back. */
function limitLoss(
  ctx: Deciding,
  dispute: DisputeRow,
  payment: PaymentRow | undefined,
  lostMinor: bigint,
): void {
  const rest = dispute.amountMinor - lostMinor;
  if (rest === 0n || dispute.posted === 'lost') return;
  dispute.amountMinor = lostMinor;
  if (dispute.posted === 'none' || !payment) return;
  const sides = {
    debit: chart.clearing(dispute.connectionId),
    credit: chart.disputedFunds(dispute.connectionId),
  };
  const more = { debit: sides.credit, credit: sides.debit };
  const money = { currency: dispute.currency, paymentId: payment.id };
  post(ctx, {
    kind: rest > 0n ? 'dispute.won' : 'dispute.withdrawn',
    memo: `dispute ${dispute.externalId} lost for another amount than was withheld: pay_${payment.id}`,
    occurredAt: dispute.lostAt ?? ctx.document.appliedAt,
    postings: [{ ...(rest > 0n ? sides : more), ...money, amountMinor: rest > 0n ? rest : -rest }],
  });
  payment.disputedMinor -= rest;
}

/** Where the dispute's money is by all that is known: a later outcome outranks an earlier one. */
function disputeState(dispute: DisputeRow): DisputeRow['posted'] {
  const { lostAt, wonAt, withdrawnAt } = dispute;
  if (lostAt !== null && (wonAt === null || lostAt >= wonAt)) return 'lost';
  if (wonAt !== null) return 'none';
  return withdrawnAt === null ? 'none' : 'withdrawn';
}

/** Moves the ledger from what it says of the dispute to what is known; true when something was booked. */
export function settleDispute(ctx: Deciding, dispute: DisputeRow, payment: PaymentRow): boolean {
  const wanted = disputeState(dispute);
  closeReviews(ctx, {
    disputeId: dispute.id,
    kinds: ['dispute-waiting'],
    resolution: 'Its payment arrived.',
  });
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
