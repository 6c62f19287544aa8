/** Decisions of people and of our own programs, applied to the books like any other document. */
import type { OwnDecision } from '../intake/own-document.ts';
import {
  fromDecimalText,
  MalformedAmount,
  toDecimalText,
  UnknownCurrency,
} from '../money/money.ts';
import { allocate, deallocate, keepWaiting } from './apply-cash.ts';
import { decideEntitlement, decideWorkOrder } from './decide-receivables.ts';
import { settleDoubtfulRefund } from './decide-refund.ts';
import { addIdentity, type Deciding, openReview, Quarantined, touchPayment } from './deciding.ts';
import { giveWay } from './merge-payments.ts';
import { invoiceTarget, workOrderTarget } from './payment-targets.ts';
import {
  type PaymentRow,
  type RefundRow,
  type ReviewItemRow,
  suspectedPayment,
  unappliedOf,
} from './rows.ts';
import { accept } from './suspicion.ts';

/** The number in an id such as `pay_12`. */
export function idNumber(id: string): bigint {
  return BigInt(id.slice(id.indexOf('_') + 1));
}

/** @throws Quarantined with the reason why the decision cannot be carried out. */
export function objectToOwn(ctx: Deciding, decision: OwnDecision): void {
  try {
    if (decision.kind === 'allocation.made') planAllocation(ctx, decision);
    if (decision.kind === 'work-order.upserted' && decision.total) {
      fromDecimalText(decision.total.amount, decision.total.currency);
    }
  } catch (error) {
    if (error instanceof MalformedAmount || error instanceof UnknownCurrency) {
      throw new Quarantined(error.message);
    }
    throw error;
  }
  if (decision.kind === 'allocation.reversed') {
    const allocation = ctx.books.allocations.get(idNumber(decision.allocationId));
    if (!allocation) throw new Quarantined(`${decision.allocationId} does not exist`);
    if (allocation.amountMinor === 0n)
      throw new Quarantined(`${decision.allocationId} was taken back already`);
  }
  if (decision.kind === 'review.resolved') {
    const item = ctx.books.reviewItems.get(idNumber(decision.reviewItemId));
    if (!item) throw new Quarantined(`${decision.reviewItemId} does not exist`);
    if (item.resolvedAt !== null)
      throw new Quarantined(`${decision.reviewItemId} is resolved already`);
    if (needsDecision(ctx, item) && decision.decision === undefined) {
      throw new Quarantined(`${decision.reviewItemId} needs a decision: same or separate`);
    }
  }
  if (decision.kind === 'copy.recorded' && !ctx.books.payments.get(idNumber(decision.paymentId))) {
    throw new Quarantined(`${decision.paymentId} does not exist`);
  }
}

export function decideOwn(ctx: Deciding, decision: OwnDecision): void {
  switch (decision.kind) {
    case 'work-order.upserted':
      return decideWorkOrder(ctx, decision);
    case 'service-contract.upserted':
    case 'warranty.upserted':
    case 'parts-order.upserted':
      return decideEntitlement(ctx, decision);
    case 'allocation.made': {
      const { payment, target, amountMinor } = planAllocation(ctx, decision);
      const because = `${decision.by} applied it${decision.reason ? `: ${decision.reason}` : ''}.`;
      allocate(ctx, payment, {
        target,
        amountMinor,
        explanation: { rule: 'person', because, alternatives: [] },
      });
      return;
    }
    case 'allocation.reversed': {
      const allocation = ctx.books.allocations.get(idNumber(decision.allocationId));
      const payment = allocation && ctx.books.payments.get(allocation.paymentId);
      if (!allocation || !payment) return;
      const because = `by ${decision.by}${decision.reason ? `: ${decision.reason}` : ''}`;
      deallocate(ctx, allocation, {
        amountMinor: allocation.amountMinor,
        because,
        takesBack: true,
      });
      payment.held = true;
      touchPayment(ctx, payment);
      keepWaiting(ctx, payment);
      openReview(ctx, {
        kind: 'unapplied-cash',
        reason: `An allocation was taken back ${because}.`,
        paymentId: payment.id,
      });
      return;
    }
    case 'review.resolved': {
      const item = ctx.books.reviewItems.get(idNumber(decision.reviewItemId));
      if (!item) return;
      if (decision.decision) decideSameness(ctx, item, decision.decision === 'same');
      item.resolvedAt = ctx.document.appliedAt;
      item.resolution = `${decision.resolution} (${decision.by})`;
      item.updatedSequence = ctx.document.sequence;
      ctx.books.reviewItems.put(item);
      return;
    }
    case 'copy.recorded': {
      const entityId = idNumber(decision.paymentId);
      const { connectionId, externalId } = decision;
      addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId });
    }
  }
}

/** True for an item about money that may be in the books already, while that is open. */
function needsDecision(ctx: Deciding, item: ReviewItemRow): boolean {
  return item.kind === 'possible-duplicate' && doubtful(ctx, item) !== undefined;
}

function doubtful({ books }: Deciding, item: ReviewItemRow): PaymentRow | RefundRow | undefined {
  const [, id] = /^refund:(\d+)$/.exec(item.subject) ?? [];
  const refund = id === undefined ? undefined : books.refunds.get(BigInt(id));
  if (refund) return refund.standing === 'doubtful' ? refund : undefined;
  const payment = item.paymentId === null ? undefined : books.payments.get(item.paymentId);
  return payment?.suspect ? payment : undefined;
}

/** A person said whether it is the same money, or money of its own, which is then posted. */
function decideSameness(ctx: Deciding, item: ReviewItemRow, same: boolean): void {
  const subject = doubtful(ctx, item);
  if (!subject) return;
  if ('standing' in subject) return settleDoubtfulRefund(ctx, subject, same);
  if (!same) {
    subject.vouched = true;
    accept(ctx, subject, 'A person said that it is money of its own.');
    ctx.toApply.add(subject.id);
    return;
  }
  const other = suspectedPayment(subject);
  const named = other === undefined ? undefined : ctx.books.payments.get(other);
  const stronger = named?.mirrors ? ctx.books.payments.get(named.mirrors) : named;
  if (stronger) {
    giveWay(ctx, { weaker: subject, stronger });
    ctx.toApply.add(stronger.id);
    return;
  }
  // A payout on a bank statement is no payment at all.
  subject.voidedAt = ctx.document.appliedAt;
  subject.status = 'voided';
  touchPayment(ctx, subject);
  keepWaiting(ctx, subject);
}

type AllocationDecision = Extract<OwnDecision, { kind: 'allocation.made' }>;

/** @throws Quarantined, MalformedAmount, UnknownCurrency */
function planAllocation(ctx: Deciding, decision: AllocationDecision) {
  const payment = ctx.books.payments.get(idNumber(decision.paymentId));
  if (!payment) throw new Quarantined(`${decision.paymentId} does not exist`);
  const target = findTarget(ctx, decision);
  if (!target) throw new Quarantined(`${decision.target.id} does not exist or is void`);
  if (target.currency !== null && target.currency !== payment.currency) {
    throw new Quarantined(
      `${target.number} is in ${target.currency}, the payment in ${payment.currency}`,
    );
  }
  const available = unappliedOf(payment);
  const open =
    target.openMinor === null || target.openMinor > available ? available : target.openMinor;
  const amountMinor =
    decision.amount === undefined ? open : fromDecimalText(decision.amount, payment.currency).minor;
  if (amountMinor <= 0n || amountMinor > open) {
    throw new Quarantined(
      `at most ${decimal(open, payment)} of ${decision.paymentId} can go to ${target.number}: ` +
        `${decimal(available, payment)} is unapplied`,
    );
  }
  return { payment, target, amountMinor };
}

function findTarget(ctx: Deciding, { target }: AllocationDecision) {
  if (target.kind === 'invoice') {
    const row = ctx.books.invoices.get(idNumber(target.id));
    return row && row.status !== 'void' ? invoiceTarget(row) : undefined;
  }
  const row = ctx.books.workOrders.get(idNumber(target.id));
  return row && workOrderTarget(ctx.books, row);
}

function decimal(minor: bigint, { currency }: PaymentRow): string {
  return `${toDecimalText({ minor, currency })} ${currency}`;
}
