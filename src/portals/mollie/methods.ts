/** How the customer paid, from Mollie's payment methods. */
import type { Method } from '../events.ts';

const METHODS_OF_MOLLIE: Readonly<Record<Method, readonly string[]>> = {
  card: ['creditcard', 'pointofsale'],
  wallet: [
    'applepay',
    'bancomatpay',
    'bizum',
    'blik',
    'googlepay',
    'mbway',
    'mobilepay',
    'payconiq',
    'paypal',
    'satispay',
    'swish',
    'twint',
    'vipps',
    'wero',
  ],
  bank: [
    'bacs',
    'bancontact',
    'banktransfer',
    'belfius',
    'directdebit',
    'eps',
    'giropay',
    'ideal',
    'inghomepay',
    'kbc',
    'multibanco',
    'mybank',
    'paybybank',
    'przelewy24',
    'sofort',
    'trustly',
  ],
  other: [
    'alma',
    'billie',
    'giftcard',
    'in3',
    'klarna',
    'klarnapaylater',
    'klarnapaynow',
    'klarnasliceit',
    'paysafecard',
    'riverty',
    'voucher',
  ],
  ach: [],
  phone: [],
  check: [],
  cash: [],
};

const byName: ReadonlyMap<string, Method> = new Map(
  (Object.keys(METHODS_OF_MOLLIE) as Method[]).flatMap((method) =>
    METHODS_OF_MOLLIE[method].map((name) => [name, method] as const),
  ),
);

/** Null before the shopper has chosen; a method added later is `other`, for the money is the same. */
export function methodOf(name: unknown): Method | null {
  if (name === null || name === undefined) return null;
  return byName.get(String(name)) ?? 'other';
}
