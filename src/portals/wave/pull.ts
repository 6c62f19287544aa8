/** Reading invoices, the last changed first, until those that were read before. */
import type { Portal, PortalApi } from '../contract.ts';
import { parseVerbatim } from '../kit/documents.ts';
import { Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askWave, DoesNotFitSchema } from './graphql.ts';
import { type Memory, type Remembering, remember } from './memory.ts';
import { invoicesQuery } from './queries.ts';
import { businessOf, type WaveSettings } from './settings.ts';
import { isObject, pageOf, rowsOf } from './split.ts';
import { instantOf, invoicePage, pulledRow } from './wire.ts';

/** Larger pages were refused in places. */
const PAGE_ROWS = 50;
const OVERLAP_SECONDS = 3_600;

export type Cursor = {
  /** Changes before this instant have been read. */
  readonly since: string;
  readonly page: number;
  /** False once Wave refused the order by last change: then every page is read. */
  readonly sorted: boolean;
  readonly roundBeganAt: string | null;
  /** The last change seen in this round. */
  readonly newest: string | null;
  readonly memory: Memory;
};

export const pull: NonNullable<Portal<WaveSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    since: from.toISOString(),
    page: 1,
    sorted: true,
    roundBeganAt: null,
    newest: null,
    memory: [],
  }),
  async page(api, cursor, { settings, now }) {
    const roundBeganAt = cursor.roundBeganAt ?? now.toISOString();
    const body = await askPage(api, cursor, businessOf(settings));
    const unsorted = { ...cursor, sorted: false, page: 1, roundBeganAt };
    if (!body) return { bodies: [], next: unsorted, more: true };
    const { pageInfo, edges } = invoicesOf(body);
    const times = edges.flatMap(({ node }) => timeOf(node) ?? []);
    if (cursor.sorted && !isDescending(times)) return { bodies: [], next: unsorted, more: true };
    const states = remember(cursor.memory);
    const rows = (rowsOf(parseVerbatim(body)) ?? []).flatMap((row, index) =>
      told(row, edges[index]?.node, { since: cursor.since, states }),
    );
    const bodies = rows.length > 0 ? [pageOf(rows)] : [];
    const next = { ...cursor, roundBeganAt, newest: latest(cursor.newest, times) };
    const memory = states.memory();
    const oldest = times.at(-1);
    const isLast = edges.length === 0 || cursor.page >= (pageInfo?.totalPages ?? Infinity);
    const isRead = cursor.sorted && oldest !== undefined && oldest < cursor.since;
    if (!isLast && !isRead) {
      return { bodies, next: { ...next, page: cursor.page + 1, memory }, more: true };
    }
    const since = nextSince(next);
    return {
      bodies,
      next: { ...next, since, page: 1, roundBeganAt: null, newest: null, memory },
      more: false,
      reached: new Date(roundBeganAt),
    };
  },
};

/** A page, or undefined when Wave does not know the order we ask for. @throws as `askWave` */
async function askPage(
  api: PortalApi,
  { sorted, page }: Cursor,
  businessId: string,
): Promise<Buffer | undefined> {
  const variables = { businessId, page, pageSize: PAGE_ROWS };
  try {
    return await askWave(api, { query: invoicesQuery({ sorted }), variables });
  } catch (error) {
    if (sorted && error instanceof DoesNotFitSchema) return undefined;
    throw error;
  }
}

function invoicesOf(body: Buffer) {
  const { business } = readWire(invoicePage, parseExactJson(body)).data;
  if (!business) {
    const excerpt = { status: 200, body: body.subarray(0, 2_000).toString('utf8') };
    throw new Rejected('Wave knows no business of the id in businessId', excerpt);
  }
  return business.invoices;
}

/** The row as it is stored: with the falls that only the pull can know, and not at all when read before. */
function told(
  row: unknown,
  node: unknown,
  { since, states }: { readonly since: string; readonly states: Remembering },
): readonly unknown[] {
  const at = timeOf(node);
  const known = pulledRow.safeParse(node);
  // What cannot be read is kept, so that somebody sees it.
  if (at === undefined || !known.success || !isObject(row)) return [row];
  if (at < since) return [];
  const { id, amountPaid } = known.data;
  const falls = states.see({ id, paid: /[1-9]/.test(amountPaid.value), at });
  if (falls === undefined) return [];
  const { checkvalve: _, ...rest } = row;
  return [falls === 0 ? rest : { ...rest, checkvalve: { falls } }];
}

function timeOf(node: unknown): string | undefined {
  const known = pulledRow.safeParse(node);
  if (!known.success) return undefined;
  try {
    return instantOf(known.data.modifiedAt);
  } catch {
    return undefined;
  }
}

/** The sort value stands in no page of Wave's that could be read, so its effect is looked at. */
function isDescending(times: readonly string[]): boolean {
  return times.every((time, index) => index === 0 || time <= (times[index - 1] as string));
}

function latest(newest: string | null, times: readonly string[]): string | null {
  return times.reduce<string | null>(
    (last, time) => (last === null || time > last ? time : last),
    newest,
  );
}

/** An hour before the last change that was seen; a clock that runs ahead must not hide what follows. */
function nextSince({ since, newest, roundBeganAt }: Cursor): string {
  if (newest === null) return since;
  const seen = roundBeganAt !== null && newest > roundBeganAt ? roundBeganAt : newest;
  const next = new Date(Date.parse(seen) - OVERLAP_SECONDS * 1000).toISOString();
  return next > since ? next : since;
}
