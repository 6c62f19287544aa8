/** Adyen's payment methods by ours, and patterns of their names. */
import type { Method } from '../events.ts';

const CARDS = [
  'accel',
  'amex',
  'argencard',
  'bcmc',
  'bcmc_mobile',
  'cabal',
  'cartebancaire',
  'cup',
  'dankort',
  'diners',
  'discover',
  'elo',
  'hiper',
  'hipercard',
  'interac_card',
  'jcb',
  'laser',
  'maestro',
  'mc',
  'mcalphabankbonus',
  'naranja',
  'nyce',
  'oasis',
  'pulse',
  'scheme',
  'star',
  'troy',
  'uatp',
  'visa',
  'visadankort',
  'warehouse',
];

/** First match wins; a name without `*` is the whole method. */
const METHODS: readonly (readonly [Method, readonly string[]])[] = [
  ['wallet', ['*_applepay', '*_googlepay', '*_samsungpay', '*_androidpay', '*_clicktopay']],
  [
    'wallet',
    ['applepay', 'googlepay', 'paywithgoogle', 'samsungpay', 'paypal', 'venmo', 'cashapp'],
  ],
  [
    'wallet',
    ['alipay*', 'wechatpay*', 'amazonpay', 'mobilepay', 'vipps', 'twint', 'swish', 'mbway'],
  ],
  ['wallet', ['gcash', 'grabpay*', 'kakaopay', 'paypay', 'dana', 'momo_wallet', 'gopay_wallet']],
  ['card', [...CARDS, 'visa*', 'mc*', 'amex*', 'maestro*']],
  ['ach', ['ach', 'directdebit*', 'sepadirectdebit', 'eft_directdebit*']],
  [
    'bank',
    ['bankTransfer*', 'ideal', 'directEbanking', 'giropay', 'eps', 'trustly', 'blik', 'pix'],
  ],
  ['bank', ['multibanco', 'onlineBanking*', 'paybybank*', 'dotpay', 'molpay*', 'ebanking*']],
];

/** Ours for the method's name; a name that is not listed is `other`, none is null. */
export function methodOf(name: string | null | undefined): Method | null {
  if (!name) return null;
  return METHODS.find(([, patterns]) => isOneOf(name, patterns))?.[0] ?? 'other';
}

/** Whether one of the patterns fits; `*` stands for any beginning or end, letters of either case are equal. */
export function isOneOf(name: string, patterns: readonly string[]): boolean {
  const given = name.toLowerCase();
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase();
    if (wanted.startsWith('*')) return given.endsWith(wanted.slice(1));
    return wanted.endsWith('*') ? given.startsWith(wanted.slice(0, -1)) : given === wanted;
  });
}
