/** The documents in a Mollie body: a classic form, a signed event, one object, or a list's page. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, splitRecords, unreadable } from '../kit/documents.ts';
import { classicId, member } from './wire.ts';

/** Never throws: what cannot be read is one document, which `normalize` then refuses by name. */
export function split(body: Buffer): readonly SplitDocument[] {
  const id = classicId(body);
  // The same bytes announce every change of a payment, so equal bytes are not the same document.
  if (id !== undefined) return [{ key: `classic:${id}`, body, repeatable: true }];
  try {
    const value = parseVerbatim(body);
    const records = recordsOf(value);
    if (!records) return [{ key: keyOf(value, body), body }];
    return splitRecords(records, keyOf);
  } catch {
    return unreadable(body);
  }
}

/** The records of a list page (HAL: one array under `_embedded`), undefined for anything else. */
function recordsOf(value: unknown): readonly unknown[] | undefined {
  if (member(value, 'resource') !== undefined) return undefined;
  const embedded = member(value, '_embedded');
  if (typeof embedded !== 'object' || embedded === null) return undefined;
  const lists = Object.values(embedded).filter((list) => Array.isArray(list));
  return lists.length > 0 ? lists.flat(1) : undefined;
}

function keyOf(value: unknown, bytes: Buffer): string {
  const hash = digestOf(bytes);
  const resource = member(value, 'resource');
  const id = member(value, 'id');
  if (typeof resource !== 'string' || typeof id !== 'string') return `unreadable:${hash}`;
  return resource === 'event' ? `event:${id}` : `object:${resource}:${id}:${hash}`;
}
