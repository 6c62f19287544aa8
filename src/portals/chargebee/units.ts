/** Chargebee's units: hundredths of every currency that has decimals, whole units of the others. */
import { exponentOf, fromMinor, type Money } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';

const CHARGEBEE_DIGITS = 2;

/**
 * Reads an amount as Chargebee sends it into ISO 4217 minor units, exactly: `12345` of KWD is 123.45, which is
 * 123450 fils; `1500` of JPY is 1500 yen.
 * @throws UnknownCurrency, MalformedAmount
 */
export function chargebeeMoney(amount: number, currency: string): Money {
  const { minor } = fromMinor(amount, currency);
  const digits = exponentOf(currency);
  return {
    minor: digits === 0 ? minor : minor * 10n ** BigInt(digits - CHARGEBEE_DIGITS),
    currency,
  };
}

const LAST_SECOND = 253_402_300_799;

/** The instant of a Unix time in seconds, `YYYY-MM-DDTHH:mm:ss.000Z`. @throws WireMismatch */
export function instant(unixSeconds: number): string {
  if (unixSeconds > LAST_SECOND) throw new WireMismatch(`${unixSeconds} is not a time in seconds`);
  return new Date(unixSeconds * 1000).toISOString();
}
