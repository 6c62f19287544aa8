/**
 * Turns one Payment Processor Webhook object into a canonical event. Pure; MAPPING.md explains
 * each choice.
 */

import { exponentOf, scaleDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, EventType, Method } from '../events.ts';
import { elsewhereAt } from '../kit/elsewhere.ts';
import { DEFAULT_CURRENCY, type ReadingSettings } from './settings.ts';
import { type Charge, type InvalidParam, invalidParam, readCharge } from './wire.ts';

const EVENT_OF: Readonly<
  Record<Charge['TransactionStatus'], Readonly<Record<Charge['TransactionType'], EventType | null>>>
> = {
  Approved: {
    Sales: 'payment.succeeded',
    Authorization: 'payment.authorized',
    Void: 'payment.voided',
    Cancel: 'payment.voided',
    Refund: 'refund.succeeded',
  },
  Declined: {
    Sales: 'payment.failed',
    Authorization: 'payment.failed',
    Void: null,
    Cancel: null,
    Refund: 'refund.failed',
  },
};

const METHOD_OF: Readonly<Record<string, Method>> = {
  Card: 'card',
  Check: 'check',
  Phone: 'phone',
};

/** What makes a body invalid, or the charge with its amount in minor units. Never throws. */
export function inspect(
  body: Buffer,
  settings: ReadingSettings,
):
  | { readonly charge: Charge; readonly amountMinor: bigint; readonly currency: string }
  | { readonly invalid: readonly InvalidParam[] } {
  const read = readCharge(body);
  if ('invalid' in read) return read;
  const { charge } = read;
  const currency =
    settings.currencyByMerchant?.[charge.MerchantID] ?? settings.currency ?? DEFAULT_CURRENCY;
  try {
    return { charge, currency, amountMinor: amountOf(charge, currency, settings.amountUnit) };
  } catch (error) {
    return { invalid: [invalidParam('Amount', (error as Error).message, charge.Amount)] };
  }
}

/**
 * @throws MalformedAmount, UnknownCurrency, or an Error that names what is wrong with the
 * amount.
 */
function amountOf(
  charge: Charge,
  currency: string,
  unit: ReadingSettings['amountUnit'] = 'major',
): bigint {
  const exponent = exponentOf(currency);
  const minor = scaleDecimalText(charge.Amount, unit === 'minor' ? 0 : exponent);
  // A void undoes the whole payment, whatever amount it repeats: none, or the sale's with a minus.
  if (charge.TransactionType === 'Void' || charge.TransactionType === 'Cancel') {
    return minor < 0n ? -minor : minor;
  }
  if (minor <= 0n) throw new Error('must be greater than zero');
  return minor;
}

/**
 * `MerchantID|TransactionID|TransactionType|TransactionStatus`: a sale and its void may share an
 * id.
 */
export function eventIdOf(charge: Charge): string {
  const { MerchantID, TransactionID, TransactionType, TransactionStatus } = charge;
  return [MerchantID, TransactionID, TransactionType, TransactionStatus].join('|');
}

export function normalize(document: PortalDocument, settings: ReadingSettings): Normalized {
  const inspected = inspect(document.body, settings);
  if ('invalid' in inspected) {
    const problems = inspected.invalid.map(({ name, reason }) => `${name} ${reason}`);
    return { quarantined: problems.join('; ') };
  }
  const { charge, amountMinor, currency } = inspected;
  const type = EVENT_OF[charge.TransactionStatus][charge.TransactionType];
  if (type === null) {
    return { ignored: `a declined ${charge.TransactionType} leaves the payment as it is` };
  }
  const isRefund = charge.TransactionType === 'Refund';
  const event: CanonicalEvent = {
    type,
    externalPaymentId: charge.TransactionID,
    ...(isRefund ? { refundId: charge.TransactionID } : {}),
    eventId: eventIdOf(charge),
    occurredAt: charge.PaymentUTC,
    amountMinor,
    currency,
    feeMinor: null,
    method: charge.Type ? (METHOD_OF[charge.Type] ?? null) : null,
    ...(charge.Source ? { channel: charge.Source } : {}),
    references: [{ kind: 'workOrder', number: charge.RefNum }],
    customer: null,
    // The id is the one of whoever processed the payment, whose own portal may tell of it, too.
    links: {
      ...(isRefund ? { paymentExternalId: charge.TransactionID } : {}),
      ...(isRefund ? {} : elsewhereAt(null, charge.TransactionID)),
    },
    ...(charge.TransactionStatus === 'Declined' ? { reason: 'Declined' } : {}),
  };
  return { events: [event] };
}
