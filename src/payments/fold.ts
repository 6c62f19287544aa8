/**
 * Folds canonical events into a payment's state. Each event only ever moves marks forward (a join), so the
 * result does not depend on the order, the number or the way events arrive.
 */
import { type PaymentParts, takenOf } from './parts.ts';

/** The latest instants (ISO UTC) at which a payment was seen in each state; null when never. */
export type PaymentMarks = {
  readonly pendingAt: string | null;
  readonly authorizedAt: string | null;
  readonly succeededAt: string | null;
  readonly succeededLastAt: string | null;
  readonly failedAt: string | null;
  readonly voidedAt: string | null;
};

export type PaymentEventType =
  | 'payment.pending'
  | 'payment.authorized'
  | 'payment.succeeded'
  | 'payment.failed'
  | 'payment.voided'
  | 'payment.referenced';

export const NO_MARKS: PaymentMarks = {
  pendingAt: null,
  authorizedAt: null,
  succeededAt: null,
  succeededLastAt: null,
  failedAt: null,
  voidedAt: null,
};

/** The marks after one more event. `succeededAt` is the first instant, every other mark the last. */
export function foldMarks(
  marks: PaymentMarks,
  event: { readonly type: PaymentEventType; readonly occurredAt: string },
): PaymentMarks {
  const at = event.occurredAt;
  switch (event.type) {
    case 'payment.pending':
      return { ...marks, pendingAt: latest(marks.pendingAt, at) };
    case 'payment.authorized':
      return { ...marks, authorizedAt: latest(marks.authorizedAt, at) };
    case 'payment.succeeded':
      return {
        ...marks,
        succeededAt: earliest(marks.succeededAt, at),
        succeededLastAt: latest(marks.succeededLastAt, at),
      };
    case 'payment.failed':
      return { ...marks, failedAt: latest(marks.failedAt, at) };
    case 'payment.voided':
      return { ...marks, voidedAt: latest(marks.voidedAt, at) };
    case 'payment.referenced':
      return marks;
  }
}

export type BaseStatus = 'pending' | 'authorized' | 'succeeded' | 'failed' | 'voided';

/**
 * The state the marks add up to: precedence first, then time. A void is final. Success outranks whatever came
 * before or in the same second; only a failure strictly later takes the money back (a returned debit).
 * A new attempt (authorized or pending) strictly after a failure is alive again. Parts that were taken are received,
 * whatever became of the others or of the rest.
 */
export function baseStatus(
  marks: PaymentMarks & { readonly parts?: PaymentParts | null },
): BaseStatus {
  const taken = takenOf(marks.parts);
  if (taken !== null && taken > 0n) return 'succeeded';
  if (marks.voidedAt) return 'voided';
  if (taken !== null) return 'failed';
  if (marks.succeededLastAt) {
    return marks.failedAt !== null && marks.failedAt > marks.succeededLastAt
      ? 'failed'
      : 'succeeded';
  }
  const { failedAt, authorizedAt, pendingAt } = marks;
  if (failedAt !== null && !isAfter(authorizedAt, failedAt) && !isAfter(pendingAt, failedAt)) {
    return 'failed';
  }
  if (authorizedAt !== null && (failedAt === null || authorizedAt > failedAt)) return 'authorized';
  return 'pending';
}

/** ISO UTC texts of equal length compare as the instants they name. */
export function latest(left: string | null, right: string | null): string | null {
  if (left === null) return right;
  return right !== null && right > left ? right : left;
}

export function earliest(left: string | null, right: string | null): string | null {
  if (left === null) return right;
  return right !== null && right < left ? right : left;
}

function isAfter(instant: string | null, other: string): boolean {
  return instant !== null && instant > other;
}
