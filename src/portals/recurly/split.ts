/** The documents in what Recurly sends: a notification of either generation, a list, or a single resource. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, splitRecords, unreadable } from '../kit/documents.ts';

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  const root = xmlRootOf(body);
  if (root !== undefined) return [{ key: `${root}:${digestOf(body)}`, body }];
  try {
    const whole = parseVerbatim(body);
    if (!isObject(whole)) return unreadable(body);
    if (whole.object === 'list' && Array.isArray(whole.data)) {
      return splitRecords(distinct(whole.data), keyOf);
    }
    return [{ key: keyOf(whole, body), body }];
  } catch {
    return unreadable(body);
  }
}

function xmlRootOf(body: Buffer): string | undefined {
  const start = body.subarray(0, 1_000).toString('utf8');
  return /^\ufeff?\s*(?:<[?!][^>]*>\s*)*<([a-z_]{1,80}_notification)[\s>]/.exec(start)?.[1];
}

/** Nothing here has an id of its own that changes with it, so the bytes are part of every key. */
function keyOf(record: unknown, bytes: Buffer): string {
  const digest = digestOf(bytes);
  if (!isObject(record)) return `body:${digest}`;
  const { object, object_type, event_type, id } = record;
  if (typeof id !== 'string' || id.length > 100) return `body:${digest}`;
  if (isWord(object_type) && isWord(event_type)) {
    return `${object_type}.${event_type}:${id}:${digest}`;
  }
  return isWord(object) ? `${object}:${id}:${digest}` : `body:${digest}`;
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z_]{1,40}$/.test(value);
}

/** A row that is changed while pages are read can appear on two of them, and, who knows, twice on one. */
function distinct(records: readonly unknown[]): readonly unknown[] {
  const seen = new Set<string>();
  return records.filter((record) => {
    const text = JSON.stringify(record);
    return seen.has(text) ? false : seen.add(text);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
