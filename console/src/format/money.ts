/**
 * Money as people read it, from the decimal text; no amount ever becomes a floating-point number.
 */
import type { MoneyText } from '../api/payment.ts';
import { fractionOf, isZero, sumDecimals } from './decimal.ts';

const formats = new Map<string, Intl.NumberFormat>();

/**
 * The amount with its currency's symbol, in the reader's language and with the text's own digits.
 */
export function formatMoney({ amount, currency }: MoneyText, locale?: string): string {
  const digits = fractionOf(amount).length;
  const id = `${locale}/${currency}/${digits}`;
  let format = formats.get(id);
  if (!format) {
    format = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formats.set(id, format);
  }
  return format.format(asNumeral(amount));
}

/** `Intl` formats decimal texts exactly; its type wants to see that the text is one. */
function asNumeral(text: string): Intl.StringNumericLiteral {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new RangeError(`"${text}" is not a decimal amount`);
  return text as Intl.StringNumericLiteral;
}

/**
 * One sum per currency, the currency with the most amounts first; currencies that sum to nothing
 * are left out.
 */
export function totals(amounts: Iterable<MoneyText>): readonly MoneyText[] {
  const byCurrency = new Map<string, string[]>();
  for (const { amount, currency } of amounts) {
    const texts = byCurrency.get(currency);
    if (texts) texts.push(amount);
    else byCurrency.set(currency, [amount]);
  }
  return [...byCurrency]
    .sort(([a, left], [b, right]) => right.length - left.length || (a < b ? -1 : 1))
    .map(([currency, texts]) => ({ amount: sumDecimals(texts), currency }))
    .filter(({ amount }) => !isZero(amount));
}

/** The money when there is some. */
export function present(money: MoneyText | null): MoneyText | null {
  return money === null || isZero(money.amount) ? null : money;
}
