/** Taking bodies apart without changing what they say: numbers keep their digits, equal bytes their key. */
import { createHash } from 'node:crypto';
import { rawNumber } from '../../money/raw-number.ts';
import type { SplitDocument } from '../contract.ts';

/**
 * Parses JSON that is to be written again with `JSON.stringify`: every number is an opaque value that prints
 * as it came. Read values with `parseExactJson` instead. @throws SyntaxError
 */
export function parseVerbatim(body: Buffer): unknown {
  return JSON.parse(
    body.toString('utf8'),
    (_key: string, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' && context?.source !== undefined
        ? rawNumber(context.source)
        : value,
  );
}

/** The bytes of a part of a body that `parseVerbatim` read. */
export function printVerbatim(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Short digest that tells versions of one object apart: the first 16 hex digits of SHA-256. */
export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** A body that cannot be taken apart, as one document that `normalize` sets aside by name. */
export function unreadable(body: Buffer): readonly SplitDocument[] {
  return [{ key: `unreadable:${digestOf(body)}`, body }];
}

/** The records inside a page as documents of their own, each keyed by what `keyOf` makes of it. */
export function splitRecords(
  records: readonly unknown[],
  keyOf: (record: unknown, bytes: Buffer) => string,
): readonly SplitDocument[] {
  return records.map((record) => {
    const body = printVerbatim(record);
    return { key: keyOf(record, body), body };
  });
}
