/** Amounts and dates in the cells of a CSV, by its profile and never by guessing. */
import { fromDecimalText } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { dayOf } from './movement.ts';
import type { GenericSettings } from './settings.ts';

export type Marks = {
  readonly currency: string;
  readonly mark: GenericSettings['csvDecimalMark'];
};

/** Marks that may stand between thousands, beside the one that the decimal mark leaves free. */
const BLANKS = "'\u2019 \u00a0\u202f";
const AMOUNTS = {
  dot: new RegExp(`^(?:\\d+|\\d{1,3}(?:([,${BLANKS}])\\d{3})(?:\\1\\d{3})*)(?:\\.\\d+)?$`),
  comma: new RegExp(`^(?:\\d+|\\d{1,3}(?:([.${BLANKS}])\\d{3})(?:\\1\\d{3})*)(?:,\\d+)?$`),
};

/**
 * Signed minor units; negative by a sign before or behind, or in parentheses; undefined for an empty cell.
 * @throws WireMismatch, MalformedAmount
 */
export function amountCell(text: string, { currency, mark }: Marks): bigint | undefined {
  if (text === '') return undefined;
  const [, sign = '', inner = ''] =
    /^([+-])\s*(.+)$/.exec(text) ??
    flipped(/^(.+?)\s*([+-])$/.exec(text)) ??
    flipped(/^\((.+)(\))$/.exec(text)) ??
    (['', '', text] as const);
  const digits = inner.trim();
  if (!AMOUNTS[mark].test(digits)) {
    throw new WireMismatch(`"${text}" is not an amount with a decimal ${mark}`);
  }
  const decimal = mark === 'comma' ? ',' : '.';
  const [whole = '', fraction] = digits.split(decimal);
  const plain = whole.replace(/\D/g, '') + (fraction === undefined ? '' : `.${fraction}`);
  const { minor } = fromDecimalText(plain, currency);
  return sign === '-' || sign === ')' ? -minor : minor;
}

function flipped(match: RegExpExecArray | null): readonly string[] | null {
  return match && [match[0], match[2] ?? '', match[1] ?? ''];
}

/** `YYYY-MM-DD`; a time behind the date is left out, for it says nothing without a zone. @throws WireMismatch */
export function dayCell(text: string, order: GenericSettings['csvDateOrder']): string {
  const [date = ''] = text.split(/[T ]\s*(?=\d\d?:\d\d)/);
  const parts = /^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})\.?$/.exec(date.trim());
  const digits = /^\d{8}$/.exec(date.trim());
  const found = parts
    ? [parts[1], parts[3], parts[4]].map(String)
    : digits
      ? order === 'YMD'
        ? [date.slice(0, 4), date.slice(4, 6), date.slice(6, 8)]
        : [date.slice(0, 2), date.slice(2, 4), date.slice(4, 8)]
      : undefined;
  if (!found) throw new WireMismatch(`"${text}" is not a date in the order ${order}`);
  const at = (part: 'Y' | 'M' | 'D') => String(found[order.indexOf(part)]);
  const year = at('Y');
  const fits =
    (year.length === 4 || year.length === 2) && at('M').length <= 2 && at('D').length <= 2;
  if (!fits) throw new WireMismatch(`"${text}" is not a date in the order ${order}`);
  return dayOf(Number(year.length === 2 ? `20${year}` : year), Number(at('M')), Number(at('D')));
}
