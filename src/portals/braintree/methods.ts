/** How the customer paid, from the names that XML and GraphQL have for it. */
import type { Method } from '../events.ts';

const INSTRUMENTS: ReadonlyMap<string, Method> = new Map([
  ['credit_card', 'card'],
  ['network_token', 'card'],
  ['us_bank_account', 'ach'],
  ['sepa_debit_account', 'ach'],
  ['sepa_direct_debit_account', 'ach'],
  ['paypal_account', 'wallet'],
  ['paypal_here', 'wallet'],
  ['venmo_account', 'wallet'],
  ['apple_pay_card', 'wallet'],
  ['android_pay_card', 'wallet'],
  ['google_pay_card', 'wallet'],
  ['samsung_pay_card', 'wallet'],
  ['visa_checkout_card', 'wallet'],
  ['masterpass_card', 'wallet'],
  ['local_payment', 'other'],
]);

/** From `payment-instrument-type` of the XML; one added later is `other`. */
export function methodOfInstrument(type: string | undefined): Method | null {
  return type === undefined ? null : (INSTRUMENTS.get(type) ?? 'other');
}

const SNAPSHOTS: ReadonlyMap<string, Method> = new Map([
  ['CreditCardDetails', 'card'],
  ['CreditCardTransactionDetails', 'card'],
  ['UsBankAccountDetails', 'ach'],
  ['SEPADirectDebitTransactionDetails', 'ach'],
  ['PayPalTransactionDetails', 'wallet'],
  ['VenmoAccountDetails', 'wallet'],
  ['LocalPaymentDetails', 'other'],
]);

/** Wallets that lend the card which GraphQL then shows; a network token or a reader is still a card. */
const LENDING_WALLETS: readonly string[] = [
  'APPLE_PAY',
  'GOOGLE_PAY',
  'MASTERPASS',
  'META_CHECKOUT',
  'PAYPAL',
  'SAMSUNG_PAY',
  'VISA_CHECKOUT',
];

/** From the type of `paymentMethodSnapshot` in GraphQL, and the wallet its card came from. */
export function methodOfSnapshot(
  typename: string | undefined,
  origin: string | undefined,
): Method | null {
  if (typename === undefined) return null;
  const method = SNAPSHOTS.get(typename) ?? 'other';
  return method === 'card' && origin && LENDING_WALLETS.includes(origin) ? 'wallet' : method;
}
