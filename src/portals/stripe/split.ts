/** The documents in what Stripe sends: one event, one object, a list page, or a batch. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, splitRecords } from '../kit/documents.ts';

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const whole: unknown = JSON.parse(body.toString('utf8'));
    if (recordsOf(whole) === undefined) return [{ key: keyOf(whole, body), body }];
    return splitRecords(recordsOf(parseVerbatim(body)) ?? [], keyOf);
  } catch {
    return [{ key: `body:${digestOf(body)}`, body }];
  }
}

/**
 * The records of a v1 list, a v2 list (which has no `object`) or a batch; undefined for a single
 * object.
 */
function recordsOf(whole: unknown): readonly unknown[] | undefined {
  if (Array.isArray(whole)) return whole;
  if (typeof whole !== 'object' || whole === null || !('data' in whole)) return undefined;
  const isList = !('object' in whole) || whole.object === 'list';
  return isList && Array.isArray(whole.data) ? whole.data : undefined;
}

function keyOf(record: unknown, bytes: Buffer): string {
  const { object, id } = (record ?? {}) as { object?: unknown; id?: unknown };
  if (typeof object !== 'string' || typeof id !== 'string') return `body:${digestOf(bytes)}`;
  if (object === 'event' || object === 'v2.core.event') return `event:${id}`;
  return `object:${object}:${id}:${digestOf(bytes)}`;
}
