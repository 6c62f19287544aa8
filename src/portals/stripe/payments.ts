/** PaymentIntents, and the charges that stand alone or tell a fee. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { meansOfCharge, meansOfIntent, payer } from './payer.ts';
import { paymentReferences } from './references.ts';
import type { StripeSettings } from './settings.ts';
import { contradiction, feeOf, reason, type Told, tell, unknownStatus } from './telling.ts';
import { instant, positiveMoney } from './units.ts';
import type { Charge, PaymentIntent } from './wire.ts';
import { expanded, idOf } from './wire.ts';

type PaymentType =
  | 'payment.pending'
  | 'payment.authorized'
  | 'payment.succeeded'
  | 'payment.failed'
  | 'payment.voided';

/**
 * What a PaymentIntent's status says; null where the customer has yet to act. `*_source*`: before
 * 2019-02-11.
 */
const INTENT_STATES: ReadonlyMap<string, PaymentType | null> = new Map([
  ['succeeded', 'payment.succeeded'],
  ['processing', 'payment.pending'],
  ['requires_capture', 'payment.authorized'],
  ['canceled', 'payment.voided'],
  ['requires_payment_method', null],
  ['requires_source', null],
  ['requires_confirmation', null],
  ['requires_action', null],
  ['requires_source_action', null],
]);

const INTENT_EVENTS: ReadonlyMap<string, PaymentType> = new Map([
  ['payment_intent.processing', 'payment.pending'],
  ['payment_intent.amount_capturable_updated', 'payment.authorized'],
  ['payment_intent.succeeded', 'payment.succeeded'],
  ['payment_intent.payment_failed', 'payment.failed'],
  ['payment_intent.canceled', 'payment.voided'],
]);

export const INTENT_EVENT_TYPES: readonly string[] = [...INTENT_EVENTS.keys()];

/** An event of a PaymentIntent: its type decides, its status must agree. */
export function intentEvent(
  type: string,
  intent: PaymentIntent,
  told: Told,
  settings: StripeSettings,
): Normalized {
  const state = INTENT_STATES.get(intent.status);
  if (state === undefined) return unknownStatus('PaymentIntent', intent.id, intent.status);
  const wanted = INTENT_EVENTS.get(type);
  if (wanted === undefined) return { ignored: `${type}: no event about money` };
  if (wanted === 'payment.authorized' && (state !== wanted || !intent.amount_capturable)) {
    return { ignored: `${type} of ${intent.id}: nothing is left to be captured` };
  }
  // A failed attempt leaves the intent waiting for another one, or canceled where that was the
  // last.
  const agrees =
    wanted === 'payment.failed' ? state === null || state === 'payment.voided' : state === wanted;
  if (!agrees) return contradiction(type, intent.id, intent.status);
  return { events: [intentState(wanted, intent, told, settings)] };
}

/** A PaymentIntent as fetched or pulled: its status alone decides. */
export function intentObject(intent: PaymentIntent, settings: StripeSettings): Normalized {
  const state = INTENT_STATES.get(intent.status);
  if (state === undefined) return unknownStatus('PaymentIntent', intent.id, intent.status);
  if (state !== null) return { events: [intentState(state, intent, undefined, settings)] };
  const failed =
    intent.last_payment_error && /^requires_(payment_method|source)$/.test(intent.status);
  return failed
    ? { events: [intentState('payment.failed', intent, undefined, settings)] }
    : { ignored: `${intent.id} waits for the customer (${intent.status}): nothing is paid yet` };
}

function intentState(
  type: PaymentType,
  intent: PaymentIntent,
  told: Told,
  settings: StripeSettings,
): CanonicalEvent {
  const charge = chargeOfIntent(type, intent);
  const chargeId = charge?.id ?? idOf(intent.latest_charge);
  const { minor, currency } = positiveMoney(amountOfIntent(type, intent), intent.currency);
  const failure = [intent.last_payment_error?.code, intent.last_payment_error?.decline_code];
  const because =
    type === 'payment.failed'
      ? failure
      : type === 'payment.voided'
        ? [intent.cancellation_reason]
        : [];
  const changedAt = type === 'payment.voided' ? intent.canceled_at : charge?.created;
  return tell(
    told,
    { id: intent.id, at: instant(changedAt ?? intent.created) },
    {
      type,
      externalPaymentId: intent.id,
      amountMinor: minor,
      currency,
      ...(type === 'payment.succeeded' ? feeOf(charge?.balance_transaction, currency) : {}),
      ...meansOfIntent(intent, charge),
      // Shops and billing systems name the charge, not the intent.
      ...(type === 'payment.succeeded' && chargeId !== null
        ? { links: { elsewhere: [{ portal: 'stripe', externalId: chargeId }] } }
        : {}),
      ...reason(...because),
      references: paymentReferences(intent, settings),
      customer: payer(
        intent.customer,
        [charge?.billing_details?.name],
        [charge?.billing_details?.email, intent.receipt_email, charge?.receipt_email],
      ),
    },
  );
}

function amountOfIntent(type: PaymentType, intent: PaymentIntent): number {
  if (type === 'payment.succeeded') return required(intent.amount_received, 'amount_received');
  if (type === 'payment.authorized') return required(intent.amount_capturable, 'amount_capturable');
  return intent.amount;
}

/**
 * The charge that a state is about; older versions list all of an intent's charges, newest first.
 */
function chargeOfIntent(type: PaymentType, intent: PaymentIntent): Charge | undefined {
  const latest = expanded(intent.latest_charge);
  if (latest) return latest;
  const charges = intent.charges?.data ?? [];
  if (type !== 'payment.succeeded') return charges[0];
  return charges.find((charge) => charge.status === 'succeeded' && charge.captured);
}

export const CHARGE_EVENT_TYPES: readonly string[] = [
  'charge.pending',
  'charge.succeeded',
  'charge.failed',
  'charge.captured',
  'charge.expired',
  'charge.updated',
];

/** States of a charge without a PaymentIntent that each type of event may come with. */
const LONE_CHARGE_EVENTS: ReadonlyMap<string, readonly PaymentType[]> = new Map([
  ['charge.pending', ['payment.pending']],
  ['charge.succeeded', ['payment.succeeded', 'payment.authorized']],
  ['charge.failed', ['payment.failed']],
  ['charge.captured', ['payment.succeeded']],
  ['charge.expired', ['payment.voided']],
  ['charge.updated', ['payment.succeeded']],
]);

/**
 * An event of a charge. Money of a PaymentIntent is booked from the intent; its charge only tells
 * the fee.
 */
export function chargeEvent(
  type: string,
  charge: Charge,
  told: Told,
  settings: StripeSettings,
): Normalized {
  const state = type === 'charge.expired' ? 'payment.voided' : stateOfCharge(charge);
  if (state === undefined) return unknownStatus('Charge', charge.id, charge.status);
  const feeIsNamed = typeof charge.balance_transaction === 'string';
  const canFetchFee =
    feeIsNamed && state === 'payment.succeeded' && settings.secretKey !== undefined;
  const intentId = idOf(charge.payment_intent);
  if (canFetchFee && (intentId !== null || type === 'charge.updated')) {
    return { fetch: [{ entity: 'charge', id: charge.id }] };
  }
  if (intentId !== null) return feeOfIntent(charge, intentId, told, settings);
  if (!LONE_CHARGE_EVENTS.get(type)?.includes(state)) {
    return type === 'charge.updated'
      ? { ignored: `${type} of ${charge.id}: its state is told by events of its own` }
      : contradiction(type, charge.id, charge.status);
  }
  return { events: [chargeState({ type: state }, charge, told, settings)] };
}

/** A charge as fetched or pulled. */
export function chargeObject(charge: Charge, settings: StripeSettings): Normalized {
  const state = stateOfCharge(charge);
  if (state === undefined) return unknownStatus('Charge', charge.id, charge.status);
  const intentId = idOf(charge.payment_intent);
  if (intentId !== null) return feeOfIntent(charge, intentId, undefined, settings);
  return { events: [chargeState({ type: state }, charge, undefined, settings)] };
}

function stateOfCharge(charge: Charge): PaymentType | undefined {
  if (charge.status === 'pending') return 'payment.pending';
  if (charge.status === 'failed') return 'payment.failed';
  if (charge.status !== 'succeeded') return undefined;
  if (charge.captured) return 'payment.succeeded';
  // An authorization that was released shows as refunded without ever having been captured.
  return charge.refunded ? 'payment.voided' : 'payment.authorized';
}

function feeOfIntent(
  charge: Charge,
  intentId: string,
  told: Told,
  settings: StripeSettings,
): Normalized {
  const booked = `${charge.id}: the money is booked from ${intentId}`;
  if (stateOfCharge(charge) !== 'payment.succeeded') return { ignored: booked };
  const transaction = expanded(charge.balance_transaction);
  if (transaction) {
    // The fee's own instant: a bank debit's charge is days older than the success it is told of.
    const fee = { type: 'payment.succeeded', intentId, at: transaction.created } as const;
    return { events: [chargeState(fee, charge, told, settings)] };
  }
  return charge.balance_transaction
    ? { ignored: `${booked}; its fee stands in a balance transaction that needs \`secretKey\`` }
    : { ignored: `${booked}; its fee is not known yet` };
}

function chargeState(
  state: { readonly type: PaymentType; readonly intentId?: string; readonly at?: number },
  charge: Charge,
  told: Told,
  settings: StripeSettings,
): CanonicalEvent {
  const { type, intentId, at } = state;
  const captured = type === 'payment.succeeded' ? charge.amount_captured : null;
  const { minor, currency } = positiveMoney(captured ?? charge.amount, charge.currency);
  return tell(
    told,
    { id: charge.id, at: instant(at ?? charge.created) },
    {
      type,
      externalPaymentId: intentId ?? charge.id,
      amountMinor: minor,
      currency,
      ...(type === 'payment.succeeded' ? feeOf(charge.balance_transaction, currency) : {}),
      ...meansOfCharge(charge),
      ...(intentId === undefined
        ? {}
        : { links: { elsewhere: [{ portal: 'stripe', externalId: charge.id }] } }),
      ...(type === 'payment.failed' ? reason(charge.failure_code, charge.failure_message) : {}),
      references: paymentReferences(charge, settings),
      customer: payer(
        charge.customer,
        [charge.billing_details?.name],
        [charge.billing_details?.email, charge.receipt_email],
      ),
    },
  );
}

function required(amount: number | null | undefined, field: string): number {
  if (typeof amount === 'number') return amount;
  throw new WireMismatch(`${field}: expected an amount`);
}
