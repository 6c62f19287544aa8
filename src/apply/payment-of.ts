/** Which payment a refund, dispute or void is about, and room in it for money that leaves. */
import { toDecimalText } from '../money/money.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { matchKey } from '../receivables/match-key.ts';
import { freeAllocations, isWaiting } from './apply-cash.ts';
import { findPayment } from './books.ts';
import { type Deciding, openReview } from './deciding.ts';
import { invoicesOf, workOrdersNamed } from './payment-targets.ts';
import { type PaymentRow, unappliedOf } from './rows.ts';

/** The payment of a refund or dispute: as linked before, as the portal says, else the newest one for its work order. */
export function paymentOf(
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
    for (const { paymentId, amountMinor } of books.allocations.find(index, String(id))) {
      const payment = books.payments.get(paymentId);
      if (payment && amountMinor > 0n) found.add(payment);
    }
  };
  for (const workOrder of workOrdersNamed(books, name)) {
    add('workOrder', workOrder.id);
    for (const invoice of invoicesOf(books, workOrder)) add('invoice', invoice.id);
  }
  for (const invoice of books.invoices.find('workOrder', key)) add('invoice', invoice.id);
  return [...found];
}

/** Frees allocations as far as unapplied cash does not suffice; says so when the payment is exceeded. */
export function makeRoom(
  ctx: Deciding,
  payment: PaymentRow,
  amountMinor: bigint,
  because: string,
): void {
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
