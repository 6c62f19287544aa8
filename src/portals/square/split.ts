/** The documents in what Square sends: one event, one object in its envelope, or a page of objects. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';

/**
 * The lists of answers, with the name a record of each has in an answer of its own. Records name no kind
 * themselves, so each keeps that envelope.
 */
const LISTS: Readonly<Record<string, string>> = {
  payments: 'payment',
  refunds: 'refund',
  disputes: 'dispute',
  payouts: 'payout',
  payout_entries: 'payout_entry',
  invoices: 'invoice',
};
const OBJECTS: readonly string[] = [...Object.values(LISTS), 'order', 'customer'];

type Json = Readonly<Record<string, unknown>>;

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const whole = parseVerbatim(body);
    if (!isObject(whole)) return unreadable(body);
    if (Array.isArray(whole.events)) return unique(splitRecords(whole.events, keyOf));
    for (const [list, name] of Object.entries(LISTS)) {
      const records = whole[list];
      if (!Array.isArray(records)) continue;
      const parts = records.map((record: unknown) => ({ [name]: record }));
      return parts.length === 0 ? unreadable(body) : unique(splitRecords(parts, keyOf));
    }
    return [{ key: keyOf(whole, body), body }];
  } catch {
    return unreadable(body);
  }
}

/** Event ids are the same on every delivery; an object changes in place, so its bytes are part of its key. */
function keyOf(part: unknown, bytes: Buffer): string {
  // The key must not depend on blanks: a page and an answer of its own print the same object differently.
  const digest = () => digestOf(printVerbatim(part));
  if (!isObject(part)) return `unreadable:${digestOf(bytes)}`;
  const { type, event_id } = part;
  if (typeof type === 'string' && isKeyable(event_id)) return `event:${event_id}`;
  const name = OBJECTS.find((one) => isObject(part[one]));
  const object = name === undefined ? undefined : part[name];
  const id = isObject(object) ? object.id : undefined;
  return isKeyable(id) ? `${name}:${id}:${digest()}` : `unreadable:${digestOf(bytes)}`;
}

/** The same record twice in a page is one document. */
function unique(documents: readonly SplitDocument[]): readonly SplitDocument[] {
  const byKey = new Map(documents.map((document) => [document.key, document]));
  return [...byKey.values()];
}

function isKeyable(id: unknown): id is string {
  return typeof id === 'string' && id.length > 0 && Buffer.byteLength(id) <= 160;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
