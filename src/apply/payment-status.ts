/** What a person sees a payment to be. */
import { baseStatus } from '../payments/fold.ts';
import type { PaymentRow } from './rows.ts';

/** The status a person sees: the base state, refined by refunds and disputes of money received. */
export function statusOf(payment: PaymentRow): PaymentRow['status'] {
  if (payment.mirrors !== null) return 'voided';
  const base = baseStatus(payment);
  // Until it is certain whose money it is, nothing has been received.
  if (payment.suspect !== null && base === 'succeeded') return 'pending';
  if (base !== 'succeeded') return base;
  if (payment.disputedMinor > 0n || payment.lostMinor > 0n) return 'disputed';
  if (payment.refundedMinor === 0n) return 'succeeded';
  return payment.refundedMinor >= payment.amountMinor ? 'refunded' : 'partially_refunded';
}
