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

/** `ISA` has a fixed length of 106: its fourth character separates, its last one ends segments. */
function marksOf(text: string): {
  readonly separator: string;
  readonly terminator: string | RegExp;
} {
  const start = text.indexOf('ISA');
  const separator = text[start + 3];
  const terminator = text[start + 105];
  const isWhole = start >= 0 && separator && terminator && !/[A-Za-z0-9 ]/.test(separator);
  return isWhole && !/[A-Za-z0-9]/.test(terminator)
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
