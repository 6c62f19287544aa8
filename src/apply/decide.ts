/** decide: one document's events and the books before become the books after. Pure: no clock, network or database. */
import type { OwnDecision } from '../intake/own-document.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { applyCash } from './apply-cash.ts';
import type { Books } from './books.ts';
import { decideDispute } from './decide-dispute.ts';
import { decideOwn, objectToOwn } from './decide-own.ts';
import { decidePayment, isPaymentEvent, objectToPayment } from './decide-payment.ts';
import { decidePayout, objectToPayout } from './decide-payout.ts';
import { decideCustomer, decideInvoice, objectToReceivable } from './decide-receivables.ts';
import { decideRefund, objectToRefundOrDispute, settleReversals } from './decide-refund.ts';
import {
  closeReviews,
  type Deciding,
  type DocumentAtHand,
  openReview,
  Quarantined,
  queueDelivery,
} from './deciding.ts';
import { settleReleases } from './settle-releases.ts';

/** What normalising said of a document. */
export type Reading =
  | { readonly events: readonly CanonicalEvent[] }
  | { readonly decision: OwnDecision }
  | { readonly notice: true }
  | { readonly ignored: string }
  | { readonly quarantined: string };

export type Outcome = {
  readonly sequence: bigint;
  readonly documentId: bigint;
  readonly status: 'applied' | 'ignored' | 'quarantined';
  readonly reason: string | null;
  readonly appliedAt: string;
};

/**
 * Applies one document to the books in memory and gives it its place in the organization's sequence. A document
 * whose events cannot be believed is quarantined without any other effect.
 */
export function decide(books: Books, document: DocumentAtHand, reading: Reading): Outcome {
  books.head.documentSequence += 1n;
  const ctx: Deciding = {
    books,
    document: { ...document, sequence: books.head.documentSequence },
    touched: { payments: new Set(), invoices: new Set(), workOrders: new Set() },
    toApply: new Set(),
    applied: new Set(),
    causes: new Map(),
  };
  const outcome = (status: Outcome['status'], reason: string | null): Outcome => ({
    sequence: ctx.document.sequence,
    documentId: document.id,
    status,
    reason,
    appliedAt: document.appliedAt,
  });
  if ('ignored' in reading) {
    closeQuarantine(ctx);
    return outcome('ignored', reading.ignored);
  }
  const objection = 'quarantined' in reading ? reading.quarantined : objectionTo(ctx, reading);
  if (objection !== null) {
    openReview(ctx, { kind: 'quarantined-document', reason: objection });
    return outcome('quarantined', objection);
  }
  closeQuarantine(ctx);
  if ('events' in reading)
    reading.events.forEach((event, ordinal) => {
      applyEvent(ctx, event);
      books.events.push({
        documentId: document.id,
        ordinal,
        sequence: ctx.document.sequence,
        connectionId: document.connectionId,
        event,
      });
    });
  if ('decision' in reading) decideOwn(ctx, reading.decision);
  for (const id of [...ctx.toApply].sort((a, b) => (a < b ? -1 : 1))) {
    const payment = books.payments.get(id);
    if (payment) applyCash(ctx, payment);
  }
  settleReleases(ctx);
  for (const paymentId of ctx.applied) queueDelivery(ctx, { topic: 'payment.applied', paymentId });
  for (const id of ctx.touched.payments) {
    const payment = books.payments.get(id);
    if (!payment || payment.updatedSequence === ctx.document.sequence) continue;
    payment.updatedSequence = ctx.document.sequence;
    books.payments.put(payment);
  }
  return outcome('applied', null);
}

/** Everything that stands against the document, before anything is changed. */
function objectionTo(ctx: Deciding, reading: Reading): string | null {
  try {
    if ('decision' in reading) objectToOwn(ctx, reading.decision);
    if ('events' in reading) for (const event of reading.events) objectToEvent(ctx, event);
    return null;
  } catch (error) {
    if (error instanceof Quarantined) return error.message;
    throw error;
  }
}

function objectToEvent(ctx: Deciding, event: CanonicalEvent): void {
  if (isPaymentEvent(event)) return objectToPayment(ctx, event);
  if (event.type.startsWith('payout.')) return objectToPayout(ctx, event);
  if (event.type.startsWith('refund.') || event.type.startsWith('dispute.')) {
    return objectToRefundOrDispute(ctx, event);
  }
  objectToReceivable(event);
}

function applyEvent(ctx: Deciding, event: CanonicalEvent): void {
  if (isPaymentEvent(event)) return decidePayment(ctx, event);
  switch (event.type) {
    case 'refund.succeeded':
    case 'refund.failed':
      return decideRefund(ctx, event);
    case 'dispute.opened':
    case 'dispute.won':
    case 'dispute.lost':
      return decideDispute(ctx, event, settleReversals);
    case 'payout.paid':
    case 'payout.failed':
    case 'payout.banked':
      return decidePayout(ctx, event);
    case 'invoice.upserted':
    case 'invoice.voided':
      return decideInvoice(ctx, event);
    case 'customer.upserted':
      return decideCustomer(ctx, event);
  }
}

function closeQuarantine(ctx: Deciding): void {
  closeReviews(ctx, {
    kinds: ['quarantined-document'],
    resolution: 'The document was applied after all.',
  });
}
