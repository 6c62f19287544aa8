/** References that billers print for payers to repeat: ISO 11649 (`RF…`) and the Swiss QR reference. */
import type { Reference } from '../events.ts';
import { memo } from './movement.ts';

/** A number of ours where its check digits fit, else words that a payer wrote. */
export function creditorReference(text: string): readonly Reference[] {
  const number = text.replace(/\s+/g, '').toUpperCase();
  return isIso11649(number) || isQrReference(number) ? [{ kind: 'order', number }] : memo(text);
}

/** `RF`, two check digits and up to 21 letters and digits: modulo 97 of the rearranged number is 1. */
function isIso11649(number: string): boolean {
  if (!/^RF\d\d[A-Z0-9]{1,21}$/.test(number)) return false;
  const rearranged = `${number.slice(4)}${number.slice(0, 4)}`;
  const digits = [...rearranged].map((sign) => Number.parseInt(sign, 36)).join('');
  return BigInt(digits) % 97n === 1n;
}

const CARRIES = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];

/** 27 digits, the last of them the recursive modulo-10 check digit. */
function isQrReference(number: string): boolean {
  if (!/^\d{27}$/.test(number)) return false;
  let carry = 0;
  for (const digit of number.slice(0, 26)) carry = CARRIES[(carry + Number(digit)) % 10] as number;
  return (10 - carry) % 10 === Number(number[26]);
}
