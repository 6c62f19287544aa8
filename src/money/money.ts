/** Money as integers of minor units in an ISO 4217 currency; nothing here ever uses floating point. */
import currencyCodes from 'currency-codes';

/** An amount: `minor` counts the currency's smallest unit (cents for USD, yen for JPY, fils for KWD). */
export type Money = { readonly minor: bigint; readonly currency: string };

export class UnknownCurrency extends Error {
  override readonly name = 'UnknownCurrency';
  readonly currency: string;
  constructor(currency: string) {
    super(`"${currency}" is not an ISO 4217 currency in use`);
    this.currency = currency;
  }
}

export class MalformedAmount extends Error {
  override readonly name = 'MalformedAmount';
}

/** Codes ISO 4217 lists that no payment is ever made in: metals, funds units, testing and "no currency". */
const NOT_MONEY = /^X(A[GU]|P[DT]|BA|BB|BC|BD|DR|SU|UA|TS|XX)$/;

const exponents = new Map(
  currencyCodes
    .codes()
    .filter((code) => !NOT_MONEY.test(code))
    .map((code) => [code, currencyCodes.code(code)?.digits ?? 2] as const),
);

/**
 * Digits after the decimal point (ISO 4217 exponent): 0 for JPY, 2 for USD, 3 for KWD.
 * @throws UnknownCurrency when the code is not an active ISO 4217 currency in upper case.
 */
export function exponentOf(currency: string): number {
  const exponent = exponents.get(currency);
  if (exponent === undefined) throw new UnknownCurrency(currency);
  return exponent;
}

/**
 * Reads minor units as portals send them (`125050`, `"125050"`).
 * @throws MalformedAmount for fractions, exponents, blanks and unsafe integers; UnknownCurrency.
 */
export function fromMinor(minor: bigint | number | string, currency: string): Money {
  exponentOf(currency);
  if (typeof minor === 'number' && !Number.isSafeInteger(minor)) {
    throw new MalformedAmount(`${minor} is not a whole number of minor units`);
  }
  if (typeof minor === 'string' && !/^-?\d{1,30}$/.test(minor)) {
    throw new MalformedAmount(`"${minor}" is not a whole number of minor units`);
  }
  return { minor: BigInt(minor), currency };
}

/**
 * Reads decimal text in major units (`"1250.50"`); zeros beyond the currency's digits are harmless,
 * any other excess digit is an error, because nothing rounds silently.
 * @throws MalformedAmount, UnknownCurrency.
 */
export function fromDecimalText(text: string, currency: string): Money {
  return { minor: scaleDecimalText(text, exponentOf(currency)), currency };
}

/**
 * The integer `text × 10^digits`, exactly. For portals whose unit deviates from ISO 4217.
 * @throws MalformedAmount when the text is not a plain decimal or has non-zero excess digits.
 */
export function scaleDecimalText(text: string, digits: number): bigint {
  const match = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?$/.exec(text);
  if (!match) throw new MalformedAmount(`"${text}" is not a plain decimal amount`);
  const [, sign, whole, fraction = ''] = match;
  const excess = fraction.slice(digits);
  if (/[1-9]/.test(excess)) {
    throw new MalformedAmount(`"${text}" has more than ${digits} digits after the decimal point`);
  }
  const minor = BigInt(`${whole}${fraction.slice(0, digits).padEnd(digits, '0')}`);
  return sign ? -minor : minor;
}

/** Decimal text in major units with exactly the currency's digits: `{ 107500n, USD }` is `"1075.00"`. */
export function toDecimalText({ minor, currency }: Money): string {
  const digits = exponentOf(currency);
  const sign = minor < 0n ? '-' : '';
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  if (digits === 0) return `${sign}${text}`;
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Money as the API shows it: a decimal string with exactly the currency's digits. */
export function toJsonMoney(money: Money): { amount: string; currency: string } {
  return { amount: toDecimalText(money), currency: money.currency };
}
