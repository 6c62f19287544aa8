/** Settled batches: the nearest that Authorize.Net comes to a payout. */
import type { Normalized } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readAmount } from './money.ts';
import type { Settings } from './settings.ts';
import { utc, type WireBatch } from './wire.ts';

/**
 * The net that was handed to the card processor or bank: charges less refunds, returned eChecks and chargebacks.
 * Booked only when the connection asks for it. @throws WireMismatch, MalformedAmount
 */
export function normalizeBatch(batch: WireBatch, { payouts, currency }: Settings): Normalized {
  const { batchId, settlementState, settlementTimeUTC, statistics } = batch;
  if (payouts === 'none') return { ignored: `batch ${batchId}: payouts are not booked (payouts)` };
  if (settlementState !== 'settledSuccessfully') {
    return { ignored: `batch ${batchId} is ${settlementState}: nothing has been paid` };
  }
  if (!statistics) throw new WireMismatch(`statistics: missing in batch ${batchId}`);
  if (!settlementTimeUTC) throw new WireMismatch(`settlementTimeUTC: missing in batch ${batchId}`);
  const amount = (written: string | null | undefined) => readAmount(written, currency) ?? 0n;
  const amountMinor = statistics
    .map(
      (of) =>
        amount(of.chargeAmount) -
        amount(of.refundAmount) -
        amount(of.returnedItemAmount) -
        amount(of.chargebackAmount),
    )
    .reduce((sum, net) => sum + net, 0n);
  if (amountMinor === 0n) return { ignored: `batch ${batchId} adds up to nothing` };
  return {
    events: [
      {
        type: 'payout.paid',
        externalPaymentId: null,
        payoutId: batchId,
        eventId: `${batchId}:${settlementState}`,
        occurredAt: utc(settlementTimeUTC, 'settlementTimeUTC'),
        amountMinor,
        currency,
        feeMinor: null,
        method: null,
        references: [],
        customer: null,
        links: {},
      },
    ],
  };
}

/** Kinds of account (`eCheck`, `Visa` …) whose transactions of a batch may still change: see `pull.ts`. */
export function watchedAccounts({ paymentMethod, statistics }: WireBatch): readonly string[] {
  const touched = (statistics ?? []).flatMap(({ accountType, ...of }) =>
    accountType && ((of.returnedItemCount ?? 0) > 0 || (of.chargebackCount ?? 0) > 0)
      ? [accountType]
      : [],
  );
  return [...new Set([...(paymentMethod === 'eCheck' ? ['eCheck'] : []), ...touched])];
}
