/** Lists in pages: by the key of the last row seen, so a page costs the same however deep it is. */
import { z } from 'zod';
import { Problem } from './problems.ts';

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
});
export type PageQuery = z.output<typeof pageQuery>;

/** The answer of a list: `next` is the cursor of the following page, null at the end. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), next: z.string().nullable() });
}

/** The id after which a page begins; undefined for the first. @throws Problem invalid-request */
export function readCursor(query: PageQuery): bigint | undefined {
  if (query.cursor === undefined) return undefined;
  const text = Buffer.from(query.cursor, 'base64url').toString('utf8');
  if (!/^\d{1,18}$/.test(text)) {
    throw new Problem('invalid-request', 'cursor: use the "next" of the page before');
  }
  return BigInt(text);
}

function writeCursor(key: bigint): string {
  return Buffer.from(String(key)).toString('base64url');
}

/**
 * Cuts the page from rows that were read with one more than `limit`, newest first.
 */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => bigint,
): { readonly rows: readonly Row[]; readonly next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { rows: page, next: more ? writeCursor(keyOf(last)) : null };
}
