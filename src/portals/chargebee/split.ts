/** The documents in what Chargebee sends: an event, a list page, a single resource, or one of our own making. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';

/** Wrappers in which the API puts a resource: `{"transaction": {…}}`, with a card beside a customer. */
const RESOURCES = ['event', 'transaction', 'invoice', 'customer'];

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const whole = parseVerbatim(body);
    if (!isObject(whole)) return unreadable(body);
    if (Array.isArray(whole.list)) return splitRecords(distinct(whole.list.map(unwrap)), keyOf);
    const record = unwrap(whole);
    const bytes = record === whole ? body : printVerbatim(record);
    return [{ key: keyOf(record, bytes), body: bytes }];
  } catch {
    return unreadable(body);
  }
}

function unwrap(wrapped: unknown): unknown {
  // A transaction that was fetched with its invoices stays with them.
  if (!isObject(wrapped) || 'object' in wrapped || 'invoices' in wrapped) return wrapped;
  const name = RESOURCES.find((one) => isObject(wrapped[one]));
  return name === undefined ? wrapped : wrapped[name];
}

/** An event never changes; a resource is edited in place, so its bytes are part of its key. */
function keyOf(record: unknown, bytes: Buffer): string {
  const { object, id } = isObject(record) ? nameOf(record) : {};
  if (typeof object !== 'string' || typeof id !== 'string') return `body:${digestOf(bytes)}`;
  return object === 'event' ? `event:${id}` : `${object}:${id}:${digestOf(bytes)}`;
}

function nameOf(record: Record<string, unknown>): { object?: unknown; id?: unknown } {
  if ('object' in record || !isObject(record.transaction)) return record;
  return { object: 'transaction', id: record.transaction.id };
}

function distinct(records: readonly unknown[]): readonly unknown[] {
  const seen = new Set<string>();
  return records.filter((record) => {
    const key = keyOf(record, printVerbatim(record));
    return seen.has(key) ? false : seen.add(key);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
