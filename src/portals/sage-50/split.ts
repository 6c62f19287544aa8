/** Cuts pages, pushes and files into documents of one transaction each. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim, unreadable } from '../kit/documents.ts';
import { readFile } from './files.ts';

type Json = Readonly<Record<string, unknown>>;

/** Never throws: a file that cannot be believed stays whole, and `normalize` says why. */
export function split(body: Buffer): readonly SplitDocument[] {
  if (!isJson(body)) return splitFile(body);
  try {
    const value = parseVerbatim(body);
    if (!isObject(value)) return unreadable(body);
    const { dataset, receipts } = value;
    if (!Array.isArray(receipts) || receipts.length === 0)
      return [{ key: keyOf(value, body), body }];
    return distinct(
      receipts.map((receipt: unknown) => {
        const bytes = printVerbatim({ dataset, receipt });
        return { key: keyOf({ dataset, receipt }, bytes), body: bytes };
      }),
    );
  } catch {
    return unreadable(body);
  }
}

/** By its first character; files begin with the name of a column. */
export function isJson(body: Buffer): boolean {
  return /^(?:\ufeff)?\s*[[{]/.test(body.subarray(0, 100).toString('utf8'));
}

function splitFile(body: Buffer): readonly SplitDocument[] {
  const whole = { key: `file:${digestOf(body)}`, body };
  try {
    const documents = readFile(body).map((one) => {
      const bytes = printVerbatim(one);
      return { key: keyOf(one, bytes), body: bytes };
    });
    return documents.length === 0 ? [whole] : distinct(documents);
  } catch {
    return [whole];
  }
}

function distinct(documents: readonly SplitDocument[]): readonly SplitDocument[] {
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}

/** Made of what is told, not of the way or the time at which it was told: the same again is the same document. */
function keyOf(value: Json, body: Buffer): string {
  const { dataset, receipt, rows, distributions, customer, gone, readAt } = value;
  if (isObject(receipt)) {
    // Which invoices were paid is worked out only once, by what changed.
    const { allocations: _, ...told } = receipt;
    const content = printVerbatim(readAt === undefined ? receipt : told);
    return `receipt:${name(dataset)}:${name(receipt.tranNumber)}:${digestOf(content)}`;
  }
  const [row] = Array.isArray(rows) ? rows : [];
  if (isObject(row)) return `audit:${name(row.TRAN_NUMBER)}:${digestOf(printVerbatim(rows))}`;
  const [line] = Array.isArray(distributions) ? distributions : [];
  if (isObject(line)) {
    const number = `${name(line['Transaction Period'])}-${name(line['Transaction Number'])}`;
    return `distributions:${number}:${digestOf(printVerbatim(distributions))}`;
  }
  if (isObject(customer)) {
    return `customer:${name(customer.accountRef)}:${digestOf(printVerbatim(customer))}`;
  }
  if (isObject(gone)) return `gone:${name(dataset)}:${name(gone.tranNumber)}`;
  return `bytes:${digestOf(body)}`;
}

/** A part of a key, short and of plain signs. */
function name(part: unknown): string {
  const text = typeof part === 'string' ? part : JSON.stringify(part ?? '');
  return encodeURIComponent(text.toWellFormed().slice(0, 60)).slice(0, 60);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
