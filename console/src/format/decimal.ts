/** Decimal texts, added exactly. */

/**
 * The exact sum of decimal texts of one currency, with as many digits as the longest of them has.
 */
export function sumDecimals(texts: Iterable<string>): string {
  const all = [...texts];
  const digits = Math.max(0, ...all.map((text) => fractionOf(text).length));
  const sum = all.reduce((total, text) => total + scaled(text, digits), 0n);
  const sign = sum < 0n ? '-' : '';
  const figures = (sum < 0n ? -sum : sum).toString().padStart(digits + 1, '0');
  if (digits === 0) return `${sign}${figures}`;
  return `${sign}${figures.slice(0, -digits)}.${figures.slice(-digits)}`;
}

/** The digits after the decimal point. */
export function fractionOf(text: string): string {
  return text.split('.')[1] ?? '';
}

/** True for `0`, `0.00`, `0.000`. */
export function isZero(text: string): boolean {
  return !/[1-9]/.test(text);
}

function scaled(text: string, digits: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(`${whole}${fraction.padEnd(digits, '0')}`);
}
