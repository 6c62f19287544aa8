/** The receipt of a payment: its money posted to the portal's clearing account, and taken back. */
import { chart } from '../ledger/chart.ts';
import { toDecimalText } from '../money/money.ts';
import { freeAllocations } from './apply-cash.ts';
import { type Deciding, post } from './deciding.ts';
import type { PaymentRow } from './rows.ts';

/** An amount as people read it: `1075.00 USD`. */
export function moneyText(money: {
  readonly amountMinor: bigint;
  readonly currency: string;
}): string {
  return `${toDecimalText({ minor: money.amountMinor, currency: money.currency })} ${money.currency}`;
}

/** Posts what the payment brought; nothing of it is applied yet. */
export function postReceipt(ctx: Deciding, payment: PaymentRow): void {
  payment.receiptEntry = post(ctx, {
    kind: 'payment.received',
    memo: `pay_${payment.id} received: ${payment.externalId}`,
    occurredAt: payment.succeededAt as string,
    postings: [
      {
        debit: chart.clearing(payment.connectionId),
        credit: chart.unappliedCash(payment.customerId),
        amountMinor: payment.amountMinor,
        currency: payment.currency,
        paymentId: payment.id,
      },
    ],
  });
  payment.receivedMinor = payment.amountMinor;
  payment.postedAt = ctx.document.appliedAt;
}

/** Takes all of it back, what was applied of it first. */
export function takeBackReceipt(ctx: Deciding, payment: PaymentRow, because: string): void {
  if (payment.receivedMinor === 0n) return;
  freeAllocations(ctx, payment, { amountMinor: payment.allocatedMinor, because });
  post(ctx, {
    kind: 'payment.reversed',
    memo: `pay_${payment.id} taken back: ${because}`,
    occurredAt: ctx.document.appliedAt,
    reverses: payment.receiptEntry,
    postings: [
      {
        debit: chart.unappliedCash(payment.customerId),
        credit: chart.clearing(payment.connectionId),
        amountMinor: payment.receivedMinor,
        currency: payment.currency,
        paymentId: payment.id,
      },
    ],
  });
  payment.receivedMinor = 0n;
  payment.receiptEntry = null;
}
