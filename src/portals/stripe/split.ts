/** The documents in what Stripe sends: one event, one object, a list page, or a batch. */
import { createHash } from 'node:crypto';
import type { SplitDocument } from '../contract.ts';

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const whole: unknown = JSON.parse(body.toString('utf8'));
    if (recordsOf(whole) === undefined) return [{ key: keyOf(whole, body), body }];
    const records = recordsOf(parseForRewriting(body)) ?? [];
    return records.map((record) => {
      const bytes = Buffer.from(JSON.stringify(record));
      return { key: keyOf(record, bytes), body: bytes };
    });
  } catch {
    return [{ key: `body:${digest(body)}`, body }];
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
  if (typeof object !== 'string' || typeof id !== 'string') return `body:${digest(bytes)}`;
  if (object === 'event' || object === 'v2.core.event') return `event:${id}`;
  return `object:${object}:${id}:${digest(bytes)}`;
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/**
 * `JSON.rawJSON` is in Node 24 but not yet in TypeScript's library: it writes a number's own digits
 * again.
 */
const { rawJSON } = JSON as unknown as { rawJSON(source: string): unknown };

function parseForRewriting(body: Buffer): unknown {
  return JSON.parse(
    body.toString('utf8'),
    (_key: string, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' && context?.source !== undefined ? rawJSON(context.source) : value,
  );
}
