/** How a transaction was paid, from its gateway and what it says of the card. */
import type { Method } from '../events.ts';

const WALLETS = /paypal|apple.?pay|google.?pay|amazon|venmo|shop.?pay$|alipay|wechat/i;
const CARDS =
  /visa|master|amex|american.?express|discover|diners|jcb|maestro|union.?pay|elo|bancontact|card/i;
const BANKS = /ideal|sofort|eps|giropay|przelewy|p24|sepa|bank|wire|transfer|deposit|eft/i;

/** Manual gateways are named by the merchant: by what the words say. */
const BY_HAND: readonly (readonly [RegExp, Method])[] = [
  [/\bach\b/i, 'ach'],
  [BANKS, 'bank'],
  [/che(ck|que)|money.?order/i, 'check'],
  [/\bcash\b|\bcod\b/i, 'cash'],
];

/** Null when nothing says it. `shopify_payments` without details is a card, by far the commonest there. */
export function methodOf(paid: {
  readonly gateway: string | null | undefined;
  readonly wallet?: string | null | undefined;
  readonly brand?: string | null | undefined;
  readonly methodName?: string | null | undefined;
}): Method | null {
  const { gateway, wallet, brand, methodName } = paid;
  if (wallet) return 'wallet';
  if (methodName && WALLETS.test(methodName)) return 'wallet';
  if (brand || (methodName && CARDS.test(methodName))) return 'card';
  if (methodName && BANKS.test(methodName)) return 'bank';
  if (methodName) return 'other';
  if (!gateway) return null;
  if (gateway === 'gift_card' || gateway === 'store_credit') return 'other';
  const byHand = BY_HAND.find(([words]) => words.test(gateway));
  if (byHand) return byHand[1];
  if (WALLETS.test(gateway)) return 'wallet';
  return gateway === 'shopify_payments' || CARDS.test(gateway) ? 'card' : 'other';
}
