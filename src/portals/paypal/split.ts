/** The documents in what PayPal sends: a webhook event, one object, or the records of a list. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim, unreadable } from '../kit/documents.ts';
import { at } from './wire.ts';

/** Lists whose records do not say by themselves what they are: each record stays in a list of its own. */
const LISTS = ['transaction_details', 'items'] as const;

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const whole = parseVerbatim(body);
    for (const list of LISTS) {
      const records = at(whole, list);
      if (!Array.isArray(records) || at(whole, 'id') !== undefined) continue;
      return distinct(
        records.map((record) => {
          const bytes = printVerbatim({ [list]: [record] });
          return { key: keyOf(list, record, bytes), body: bytes };
        }),
      );
    }
    return [{ key: keyOfOne(whole, body), body }];
  } catch {
    return unreadable(body);
  }
}

/** Reporting rows and summaries change in place, so the digest tells their versions apart. */
function keyOf(list: (typeof LISTS)[number], record: unknown, bytes: Buffer): string {
  if (list === 'items') {
    const id = at(record, 'dispute_id') ?? at(record, 'id');
    return `listed:${idOf(id)}:${digestOf(bytes)}`;
  }
  const info = at(record, 'transaction_info');
  const code = idOf(at(info, 'transaction_event_code'));
  return `transaction:${idOf(at(info, 'transaction_id'))}:${code}:${digestOf(bytes)}`;
}

function keyOfOne(value: unknown, bytes: Buffer): string {
  const id = at(value, 'id');
  // An event is resent with the same id and body, whatever its transmission.
  if (at(value, 'event_type') !== undefined && idOf(id) !== '') return `event:${idOf(id)}`;
  return `object:${idOf(at(value, 'dispute_id') ?? id)}:${digestOf(bytes)}`;
}

function idOf(value: unknown): string {
  return typeof value === 'string' && /^[\w-]{1,60}$/.test(value) ? value : '';
}

function distinct(documents: readonly SplitDocument[]): readonly SplitDocument[] {
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}
