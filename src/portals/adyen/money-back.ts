/** Refunds, and cancellations that turn out to be one. */
import type { Normalized } from '../contract.ts';
import { methodOf } from './methods.ts';
import { memo } from './references.ts';
import { type ItemReader, one, originalOf, reasonOf, succeeded, tell } from './telling.ts';
import { additional, type Item } from './wire.ts';

export const moneyBackReaders: readonly (readonly [string, ItemReader])[] = [
  ['REFUND', (item) => refund(item, succeeded(item))],
  ['REFUND_WITH_DATA', (item) => refund(item, succeeded(item))],
  ['REFUND_FAILED', refundCameBack],
  ['REFUNDED_REVERSED', refundCameBack],
  ['CANCEL_OR_REFUND', cancelOrRefund],
];

/** A refund with data may go to a card that never paid here; then it names no payment. */
function refund(item: Item, went: boolean): Normalized {
  return one(
    tell(item, {
      type: went ? 'refund.succeeded' : 'refund.failed',
      externalPaymentId: item.originalReference || null,
      refundId: item.pspReference,
      references: memo(item.merchantReference),
      ...(went ? {} : reasonOf(item)),
    }),
  );
}

/** Success means that the failure is real, also days after the refund succeeded under the same reference. */
function refundCameBack(item: Item): Normalized {
  if (!succeeded(item)) return { ignored: `${item.eventCode}: the refund stands` };
  return refund(item, false);
}

/** Adyen found out whether there was something to give back yet. */
function cancelOrRefund(item: Item): Normalized {
  const action = additional(item, 'modification.action')?.toLowerCase();
  if (action === 'refund') return refund(item, succeeded(item));
  if (!succeeded(item)) {
    return { ignored: 'CANCEL_OR_REFUND: it was refused, the payment stays as it is' };
  }
  if (action !== 'cancel') {
    return {
      quarantined:
        `CANCEL_OR_REFUND of ${item.originalReference ?? item.pspReference} does not say which of ` +
        'the two it was: enable modification.action in the webhook’s additional settings',
    };
  }
  return one(
    tell(item, {
      type: 'payment.voided',
      externalPaymentId: originalOf(item),
      method: methodOf(item.paymentMethod),
      ...reasonOf(item),
    }),
  );
}
