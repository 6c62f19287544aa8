/** Recurly's payment methods; new ones appear every year, so an unlisted one is no error. */
import type { Method } from '../events.ts';

const METHODS: ReadonlyMap<string, Method> = new Map([
  ...words('card', 'credit_card gateway_token'),
  ...words('ach', 'bank_account_info ach eft sepadirectdebit iban_bank_account bacs wire_transfer'),
  ...words('check', 'check money_order'),
  ...words(
    'wallet',
    'amazon amazon_billing_agreement apple_pay apple_pay_merchant_token braintree_apple_pay ' +
      'braintree_google_pay braintree_v_zero cash_app google_pay google_pay_device_pan mercadopago ' +
      'paypal paypal_billing_agreement stripe_link venmo',
  ),
]);

function words(method: Method, list: string): readonly (readonly [string, Method])[] {
  return list.split(' ').map((word) => [word, method] as const);
}

/** The method of `payment_method.object`, which XML has as its text; null when there is none. */
export function methodOf(word: string | null): Method | null {
  return word === null ? null : (METHODS.get(word) ?? 'other');
}
