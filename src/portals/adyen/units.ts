/** Adyen's amounts: integers of its own minor units in webhooks, decimals of major units in reports. */
import {
  exponentOf,
  fromDecimalText,
  fromMinor,
  MalformedAmount,
  type Money,
} from '../../money/money.ts';

/** Digits after the decimal point that Adyen sends where ISO 4217 says otherwise (currency-codes page). */
const ADYEN_DIGITS: ReadonlyMap<string, number> = new Map([
  ['CLP', 2],
  ['ISK', 2],
  ['CVE', 0],
  ['IDR', 0],
]);

/** Nothing that anybody pays: beyond it, numbers are no longer exact everywhere. */
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Reads `amount.value` (minor units by Adyen's exponents) into ISO 4217 minor units, exactly.
 * @throws UnknownCurrency; MalformedAmount for negative values and where ISO 4217 has no unit that small.
 */
export function adyenMoney(value: number | string, currency: string): Money {
  const { minor } = fromMinor(value, currency);
  if (minor < 0n) throw new MalformedAmount(`${value} ${currency}: Adyen's amounts are positive`);
  const excess = (ADYEN_DIGITS.get(currency) ?? exponentOf(currency)) - exponentOf(currency);
  if (excess <= 0) return { minor: bounded(minor * 10n ** BigInt(-excess)), currency };
  const divisor = 10n ** BigInt(excess);
  if (minor % divisor !== 0n) {
    throw new MalformedAmount(`${value} is not a whole number of ${currency} in Adyen's units`);
  }
  return { minor: bounded(minor / divisor), currency };
}

/** Reads a report's column (`1250.50`); an empty one is nothing. @throws UnknownCurrency, MalformedAmount */
export function reportAmount(text: string, currency: string): bigint {
  return text === '' ? 0n : bounded(fromDecimalText(text, currency).minor);
}

function bounded(minor: bigint): bigint {
  if (minor > LARGEST || minor < -LARGEST) throw new MalformedAmount(`${minor} is no amount paid`);
  return minor;
}
