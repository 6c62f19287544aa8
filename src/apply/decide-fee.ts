/** What a portal charges for a payment: booked once it is known, corrected when it is told anew. */
import { feeOfParts } from '../payments/parts.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { findPayment } from './books.ts';
import { type Deciding, feePosting, post, Quarantined } from './deciding.ts';
import type { PaymentRow } from './rows.ts';

/** @throws Quarantined when a share of a payment's fee is in another currency than the shares before it. */
export function objectToFee(ctx: Deciding, event: CanonicalEvent): void {
  if (event.part === undefined || event.feeMinor === null || event.externalPaymentId === null)
    return;
  const payment = findPayment(ctx.books, ctx.document.connectionId, event.externalPaymentId);
  const currency = event.feeCurrency ?? event.currency;
  if (!payment?.feeCurrency || payment.feeCurrency === currency) return;
  throw new Quarantined(
    `${event.part} costs ${currency}, what else was kept of pay_${payment.id} is ${payment.feeCurrency}`,
  );
}

/** Books the fee once it is known; a corrected fee reverses the former posting. */
export function settleFee(ctx: Deciding, payment: PaymentRow, event: CanonicalEvent): void {
  if (event.feeMinor === null) return;
  const feeMinor = event.part === undefined ? event.feeMinor : feeOfParts(payment.parts);
  if (feeMinor === null || feeMinor < 0n) return;
  const currency = event.feeCurrency ?? event.currency;
  if (payment.feeMinor === feeMinor && payment.feeCurrency === currency) return;
  if (payment.feeEntry !== null && payment.feeMinor !== null && payment.feeCurrency !== null) {
    const booked = feePosting(payment.connectionId, {
      minor: payment.feeMinor,
      currency: payment.feeCurrency,
      paymentId: payment.id,
    });
    post(ctx, {
      kind: 'fee.reversed',
      memo: `fee of pay_${payment.id} corrected`,
      occurredAt: event.occurredAt,
      reverses: payment.feeEntry,
      postings: [{ ...booked, debit: booked.credit, credit: booked.debit }],
    });
    payment.feeEntry = null;
  }
  payment.feeMinor = feeMinor;
  payment.feeCurrency = currency;
  if (feeMinor === 0n) return;
  payment.feeEntry = post(ctx, {
    kind: 'fee.charged',
    memo: `fee of pay_${payment.id}`,
    occurredAt: event.occurredAt,
    postings: [
      feePosting(payment.connectionId, { minor: feeMinor, currency, paymentId: payment.id }),
    ],
  });
}
