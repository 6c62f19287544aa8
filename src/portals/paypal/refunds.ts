/** Refunds the firm makes, and money that PayPal takes back by itself (reversals). */
import type { Normalized } from '../contract.ts';
import { instantOf, money, reason, type Told, tell, unknownStatus } from './telling.ts';
import { at, type WireRefund } from './wire.ts';

/** Says of a `refund.succeeded` that PayPal took the money: a dispute of the payment is then the same money. */
export const REVERSAL = 'reversal';

const STATES: ReadonlyMap<string, 'refund.succeeded' | 'refund.failed' | null> = new Map([
  ['COMPLETED', 'refund.succeeded'],
  ['PENDING', null],
  ['FAILED', 'refund.failed'],
  ['CANCELLED', 'refund.failed'],
  ['CANCELED', 'refund.failed'],
]);

/** A refund of either generation, by event, in an order, or as fetched. */
export function refundState(refund: WireRefund, told: Told): Normalized {
  const status = (refund.status ?? refund.state ?? '').toUpperCase();
  const type = STATES.get(status);
  if (type === undefined) return unknownStatus(`refund ${refund.id}`, status);
  if (type === null) {
    return { ignored: `refund ${refund.id} is ${status}: it is told again when it is through` };
  }
  const { minor, currency } = money(refund.amount);
  if (minor === 0n) return { ignored: `refund ${refund.id} is of zero: no money moves` };
  const paymentId = paymentOf(refund);
  const reversed = told?.type.endsWith('.REVERSED') ?? false;
  const because = type === 'refund.failed' ? at(refund.status_details, 'reason') : null;
  return {
    events: [
      tell(told, refund.id, {
        type,
        externalPaymentId: paymentId,
        // A reversal may be told with the payment itself, which is not its own refund.
        refundId: refund.id === paymentId ? `${refund.id}:${REVERSAL}` : refund.id,
        occurredAt: instantOf(refund.id, refund.update_time, refund.create_time, told?.at),
        amountMinor: minor,
        currency,
        links: paymentId === null ? {} : { paymentExternalId: paymentId },
        ...reason(reversed ? REVERSAL : because),
      }),
    ],
  };
}

/** Hosts and generations of links vary, so only the id at the end of one is taken. */
function paymentOf(refund: WireRefund): string | null {
  if (refund.capture_id ?? refund.sale_id) return refund.capture_id ?? refund.sale_id ?? null;
  const hrefs = ['up', 'sale', 'capture', 'self'].flatMap((rel) =>
    (refund.links ?? []).filter((link) => link.rel === rel).map(({ href }) => href),
  );
  const ids = hrefs.map((href) => /\/(?:captures?|sale)\/([A-Za-z0-9]+)\/?$/.exec(href)?.[1]);
  return ids.find((id) => id !== undefined) ?? null;
}
