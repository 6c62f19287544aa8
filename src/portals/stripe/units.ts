/** Stripe's minor units, which are those of ISO 4217 but for three currencies. */
import { exponentOf, fromMinor, MalformedAmount, type Money } from '../../money/money.ts';

/**
 * Digits after the decimal point that Stripe sends where ISO 4217 says otherwise (MAPPING.md,
 * units).
 */
const STRIPE_DIGITS: ReadonlyMap<string, number> = new Map([
  ['ISK', 2],
  ['UGX', 2],
  ['MGA', 0],
]);

/**
 * Reads an amount as Stripe sends it, currency in lower case, into ISO 4217 minor units, exactly.
 * @throws UnknownCurrency; MalformedAmount when ISO 4217 has no unit that small.
 */
export function stripeMoney(amount: number, stripeCurrency: string): Money {
  const currency = stripeCurrency.toUpperCase();
  const { minor } = fromMinor(amount, currency);
  const excess = (STRIPE_DIGITS.get(currency) ?? exponentOf(currency)) - exponentOf(currency);
  if (excess <= 0) return { minor: minor * 10n ** BigInt(-excess), currency };
  const divisor = 10n ** BigInt(excess);
  if (minor % divisor !== 0n) {
    throw new MalformedAmount(`${amount} is not a whole number of ${currency} in Stripe's units`);
  }
  return { minor: minor / divisor, currency };
}

/** Like `stripeMoney`, for amounts that are only meaningful above zero. @throws MalformedAmount */
export function positiveMoney(amount: number, stripeCurrency: string): Money {
  if (amount <= 0)
    throw new MalformedAmount(`${amount} ${stripeCurrency} is not a positive amount`);
  return stripeMoney(amount, stripeCurrency);
}

/** The instant of a Unix time in seconds. @throws RangeError */
export function instant(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString();
}
