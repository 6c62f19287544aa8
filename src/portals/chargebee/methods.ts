/** Chargebee's payment methods; new ones appear every month, so an unlisted one is no error. */
import type { Method } from '../events.ts';

const WALLETS: ReadonlySet<string> = new Set([
  'alipay',
  'amazon_payments',
  'apple_pay',
  'cash_app_pay',
  'google_pay',
  'kakao_pay',
  'naver_pay',
  'pay_co',
  'paypal_express_checkout',
  'revolut_pay',
  'samsung_pay',
  'venmo',
  'wechat_pay',
]);

const BANK_DEBITS: ReadonlySet<string> = new Set([
  'ach_credit',
  'bank_transfer',
  'direct_debit',
  'sepa_credit',
]);

/** Null for `chargeback`, which says what a refund is and not how it was paid. */
export function methodOf(word: string | null | undefined): Method | null {
  if (!word || word === 'chargeback') return null;
  if (word === 'card' || word === 'check' || word === 'cash') return word;
  if (WALLETS.has(word)) return 'wallet';
  if (BANK_DEBITS.has(word) || word.endsWith('_bank_transfer')) return 'ach';
  return 'other';
}
