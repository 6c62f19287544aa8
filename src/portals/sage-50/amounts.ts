/** Amounts as exports write them: decimal text, perhaps with commas between thousands. */
import { scaleDecimalText } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';

/** Plain decimal text. @throws WireMismatch */
export function plainAmount(text: string): string {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  if (/^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text)) return text.replaceAll(',', '');
  throw new WireMismatch(`"${text.slice(0, 40)}" is not an amount`);
}

/** Sage 50 keeps two decimals in every currency. @throws WireMismatch, MalformedAmount */
export function hundredths(text: string): bigint {
  return scaleDecimalText(plainAmount(text), 2);
}

/** Hundredths as decimal text. */
export function decimalText(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(3, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
