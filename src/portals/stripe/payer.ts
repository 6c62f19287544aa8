/** Who paid and with what, from the fields of a Stripe object. */
import type { Method, Payer } from '../events.ts';
import type { Charge, CustomerField, PaymentIntent } from './wire.ts';
import { expanded, idOf } from './wire.ts';

const TYPES_OF_METHOD: Readonly<Partial<Record<Method, string>>> = {
  card: 'card card_present interac_present kr_card',
  ach: 'us_bank_account ach_debit ach_credit_transfer',
  bank:
    'acss_debit au_becs_debit bacs_debit bancontact bizum blik customer_balance eps fpx giropay ' +
    'id_bank_transfer ideal multibanco nz_bank_account p24 pay_by_bank paynow payto pix ' +
    'promptpay sepa_credit_transfer sepa_debit sofort upi',
  wallet:
    'alipay amazon_pay cashapp gopay grabpay kakao_pay link mb_way mobilepay naver_pay payco ' +
    'paypal paypay revolut_pay samsung_pay satispay shopeepay swish twint wechat wechat_pay',
};

const methodOfType: ReadonlyMap<string, Method> = new Map(
  Object.entries(TYPES_OF_METHOD).flatMap(([method, types]) =>
    types.split(' ').map((type) => [type, method as Method] as const),
  ),
);

/** How a payment was made; `channel` keeps Stripe's own word. */
export type Means = { readonly method: Method | null; readonly channel?: string };

const UNKNOWN_MEANS: Means = { method: null };

/** The means of a charge: a card in a wallet counts as the wallet. */
export function meansOfCharge(charge: Charge | undefined): Means {
  const details = charge?.payment_method_details;
  if (!details) return UNKNOWN_MEANS;
  const wallet = details.card?.wallet?.type;
  return wallet ? { method: 'wallet', channel: wallet } : meansOfType(details.type);
}

/**
 * The means of a PaymentIntent: of its charge, else of the method that was tried, else the only
 * type that the intent allows. Several allowed types say nothing of the one used.
 */
export function meansOfIntent(intent: PaymentIntent, charge: Charge | undefined): Means {
  const told = meansOfCharge(charge);
  if (told.method !== null) return told;
  const tried = expanded(intent.payment_method) ?? intent.last_payment_error?.payment_method;
  if (tried) return meansOfType(tried.type);
  const [only, ...others] = intent.payment_method_types ?? [];
  return only !== undefined && others.length === 0 ? meansOfType(only) : UNKNOWN_MEANS;
}

function meansOfType(type: string): Means {
  return { method: methodOfType.get(type) ?? 'other', channel: type };
}

/**
 * The payer: the customer's id and what the charge, the receipt or the invoice says of them; null
 * for none.
 */
export function payer(
  customer: CustomerField,
  names: readonly (string | null | undefined)[],
  emails: readonly (string | null | undefined)[],
): Payer | null {
  const known = expanded(customer);
  const found = {
    externalId: idOf(customer),
    name: firstText(known?.name, ...names),
    email: firstText(known?.email, ...emails),
  };
  return found.externalId || found.name || found.email ? found : null;
}

function firstText(...candidates: readonly (string | null | undefined)[]): string | null {
  return candidates.find((candidate) => candidate?.trim())?.trim() ?? null;
}
