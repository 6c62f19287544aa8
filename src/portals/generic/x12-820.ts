/** Remittance of X12 820 (payment order): which invoices a payment pays, and how much of each. */
import { fromDecimalText } from '../../money/money.ts';
import type { Reference } from '../events.ts';

const MOST_SEGMENTS = 1000;

/**
 * The references in the `RMR` segments of a text, whole or in pieces: `RMR*IV*<invoice>**<paid>*…`. Terminator and
 * separator are those of the `ISA` segment where there is one. What cannot be read is left to the memo.
 */
export function readRemittance(text: string, currency: string): readonly Reference[] {
  const { separator, terminator } = marksOf(text);
  const found: Reference[] = [];
  for (const segment of text.split(terminator).slice(0, MOST_SEGMENTS)) {
    const [start, qualifier, number, , paid] = partsOf(segment, separator);
    if (start !== 'RMR' || !number) continue;
    const share = amountOf(paid, currency);
    const amount = share !== undefined && share > 0n ? { amountMinor: share } : {};
    if (qualifier === 'IV') found.push({ kind: 'invoice', number, ...amount });
    if (qualifier === 'PO') found.push({ kind: 'purchaseOrder', number, ...amount });
  }
  return found;
}

/** Where the elements of `ISA` end, whose lengths are fixed (X12.5): an invoice may be called ISA as well. */
const ISA_SEPARATORS = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];

/** The fourth character of `ISA` separates, its 106th ends segments. */
function marksOf(text: string): {
  readonly separator: string;
  readonly terminator: string | RegExp;
} {
  const start = text.indexOf('ISA');
  const separator = text[start + 3] ?? '';
  const terminator = text[start + 105];
  const isWhole =
    start >= 0 &&
    /[^A-Za-z0-9 ]/.test(separator) &&
    ISA_SEPARATORS.every((at) => text[start + at] === separator);
  return isWhole && terminator && !/[A-Za-z0-9]/.test(terminator)
    ? { separator, terminator }
    : { separator: '*', terminator: /[\\~\n]/ };
}

/** A piece may have words before its first segment (`REMIT: RMR*IV*…`). */
function partsOf(segment: string, separator: string): readonly string[] {
  const at = segment.search(/\bRMR/);
  return (at < 0 ? segment : segment.slice(at)).split(separator).map((part) => part.trim());
}

function amountOf(text: string | undefined, currency: string): bigint | undefined {
  const plain = text?.replace(/^\./, '0.');
  try {
    return plain ? fromDecimalText(plain, currency).minor : undefined;
  } catch {
    return undefined;
  }
}
