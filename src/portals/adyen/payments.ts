/** Authorisations, captures and what ends them. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { isOneOf, methodOf } from './methods.ts';
import { payerOf, paymentReferences } from './references.ts';
import type { AdyenSettings } from './settings.ts';
import {
  hasNoAmount,
  type ItemReader,
  one,
  originalOf,
  reasonOf,
  succeeded,
  tell,
} from './telling.ts';
import type { Item } from './wire.ts';

export const paymentReaders: readonly (readonly [string, ItemReader])[] = [
  ['AUTHORISATION', authorisation],
  ['PENDING', pending],
  ['CAPTURE', capture],
  ['CAPTURE_FAILED', captureFailed],
  ['CANCELLATION', (item) => cancelled(item, originalOf)],
  ['TECHNICAL_CANCEL', (item) => cancelled(item, originalOf)],
  ['EXPIRE', (item) => cancelled(item, (of) => of.originalReference || of.pspReference)],
  ['OFFER_CLOSED', offerClosed],
];

/** What a payment's own item tells besides its state. */
function circumstances(
  item: Item,
  settings: AdyenSettings,
): Pick<CanonicalEvent, 'method' | 'references' | 'customer'> {
  return {
    method: methodOf(item.paymentMethod),
    references: paymentReferences(item, settings),
    customer: payerOf(item),
  };
}

function authorisation(item: Item, settings: AdyenSettings): Normalized {
  if (hasNoAmount(item))
    return { ignored: `${item.pspReference} verifies a card; it pays nothing` };
  const told = { externalPaymentId: item.pspReference, ...circumstances(item, settings) };
  if (!succeeded(item)) {
    return one(
      tell(item, { type: 'payment.failed', ...told, ...reasonOf(item, 'refusalReasonRaw') }),
    );
  }
  const paid = isCapturedAtOnce(item.paymentMethod ?? '', settings);
  return one(tell(item, { type: paid ? 'payment.succeeded' : 'payment.authorized', ...told }));
}

/** Adyen does not say it in the item, at least not signed: the merchant account is set up one way or the other. */
function isCapturedAtOnce(method: string, settings: AdyenSettings): boolean {
  return settings.capture === 'automatic'
    ? !isOneOf(method, settings.manualCaptureMethods)
    : isOneOf(method, settings.automaticCaptureMethods);
}

function pending(item: Item, settings: AdyenSettings): Normalized {
  if (!succeeded(item)) return { ignored: 'PENDING: it did not become pending' };
  const told = { externalPaymentId: item.pspReference, ...circumstances(item, settings) };
  return one(tell(item, { type: 'payment.pending', ...told }));
}

/** A payment may be captured in several parts; what is received is their sum. */
function capture(item: Item, settings: AdyenSettings): Normalized {
  const told = {
    externalPaymentId: originalOf(item),
    part: item.pspReference,
    ...circumstances(item, settings),
  };
  return succeeded(item)
    ? one(tell(item, { type: 'payment.succeeded', ...told }))
    : one(tell(item, { type: 'payment.failed', ...told, ...reasonOf(item) }));
}

/** Success means that the failure is real. */
function captureFailed(item: Item): Normalized {
  if (!succeeded(item)) return { ignored: 'CAPTURE_FAILED: the capture did not fail' };
  return one(
    tell(item, {
      type: 'payment.failed',
      externalPaymentId: originalOf(item),
      part: item.pspReference,
      method: methodOf(item.paymentMethod),
      ...reasonOf(item),
    }),
  );
}

/** What was captured before stays: the engine lets captured parts outlive the void of the rest. */
function cancelled(item: Item, paymentOf: (item: Item) => string): Normalized {
  if (!succeeded(item)) {
    return { ignored: `${item.eventCode}: it was refused, the payment stays as it is` };
  }
  return one(
    tell(item, {
      type: 'payment.voided',
      externalPaymentId: paymentOf(item),
      method: methodOf(item.paymentMethod),
      ...reasonOf(item),
    }),
  );
}

/** The payer never paid what was offered (a voucher, a bank transfer). */
function offerClosed(item: Item, settings: AdyenSettings): Normalized {
  if (!succeeded(item)) return { ignored: 'OFFER_CLOSED: it is still open' };
  return one(
    tell(item, {
      type: 'payment.failed',
      externalPaymentId: item.originalReference || item.pspReference,
      ...circumstances(item, settings),
      ...reasonOf(item),
    }),
  );
}
