/** Reading invoices, the last changed first, until those that were read before. */
import type { Portal, PortalApi, RecordingNote } from '../contract.ts';
import { parseVerbatim } from '../kit/documents.ts';
import { Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askWave, DoesNotFitSchema } from './graphql.ts';
import { type Memory, type Remembering, remember } from './memory.ts';
import { invoicesQuery } from './queries.ts';
import { isUnsettled, recordedShares } from './recorded.ts';
import { businessOf, type WaveSettings } from './settings.ts';
import { isObject, pageOf, rowsOf } from './split.ts';
import { instantOf, invoicePage, paidByOthers, pulledRow } from './wire.ts';

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
  /** The earliest change seen in this round that must be read again; absent in cursors of former days. */
  readonly heldBack?: string | null;
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
    heldBack: null,
    memory: [],
  }),
  async page(api, cursor, { settings, now, recordings }) {
    const roundBeganAt = cursor.roundBeganAt ?? now.toISOString();
    const body = await askPage(api, cursor, businessOf(settings));
    const unsorted = { ...cursor, sorted: false, page: 1, roundBeganAt };
    if (!body) return { bodies: [], next: unsorted, more: true };
    const { pageInfo, edges } = invoicesOf(body);
    const times = edges.flatMap(({ node }) => timeOf(node) ?? []);
    if (cursor.sorted && !isDescending(times)) return { bodies: [], next: unsorted, more: true };
    const known = { ...cursor, now, states: remember(cursor.memory) };
    const notes = await readNotes(edges, { ...known, recordings });
    const told = (rowsOf(parseVerbatim(body)) ?? []).map((row, index) =>
      tell(row, edges[index]?.node, { ...known, notes }),
    );
    const rows = told.flatMap((one) => ('row' in one ? [one.row] : []));
    const held = told.flatMap((one) => ('heldBack' in one ? [one.heldBack] : []));
    const bodies = rows.length > 0 ? [pageOf(rows)] : [];
    const next = {
      ...cursor,
      roundBeganAt,
      newest: latest(cursor.newest, times),
      heldBack: earliest(cursor.heldBack ?? null, held),
      memory: known.states.memory(),
    };
    const oldest = times.at(-1);
    const isLast = edges.length === 0 || cursor.page >= (pageInfo?.totalPages ?? Infinity);
    const isRead = cursor.sorted && oldest !== undefined && oldest < cursor.since;
    if (!isLast && !isRead) {
      return { bodies, next: { ...next, page: cursor.page + 1 }, more: true };
    }
    const begun = { page: 1, roundBeganAt: null, newest: null, heldBack: null };
    return {
      bodies,
      next: { ...next, since: nextSince(next), ...begun },
      more: false,
      reached: new Date(roundBeganAt),
    };
  },
};

type Context = Parameters<NonNullable<Portal<WaveSettings, Cursor>['pull']>['page']>[2];
type Notes = ReadonlyMap<string, readonly RecordingNote[]>;

/** What recording left about the invoices of a page; read after the page, so that nothing of it is missing. */
async function readNotes(
  edges: readonly { readonly node: unknown }[],
  {
    since,
    recordings,
  }: Pick<Cursor, 'since'> & { readonly recordings: Context['recordings'] | undefined },
): Promise<Notes> {
  const ids = edges.flatMap(({ node }) => {
    const known = pulledRow.safeParse(node);
    return known.success && (timeOf(node) ?? '') >= since ? [known.data.id] : [];
  });
  if (!recordings || ids.length === 0) return new Map();
  return Map.groupBy(await recordings(ids), ({ about }) => about);
}

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

type Told =
  | { readonly row: unknown }
  /** It is read again, because what recording left about it may not yet fit it. */
  | { readonly heldBack: string }
  | { readonly known: true };

/** The row as it is stored: with what only the pull can know, and not at all when it was read before. */
function tell(
  row: unknown,
  node: unknown,
  given: {
    readonly since: string;
    readonly states: Remembering;
    readonly notes: Notes;
    readonly now: Date;
  },
): Told {
  const { since, states, now } = given;
  const at = timeOf(node);
  const known = pulledRow.safeParse(node);
  // What cannot be read is kept, so that somebody sees it.
  if (at === undefined || !known.success || !isObject(row)) return { row };
  if (at < since) return { known: true };
  const { id, amountPaid, currency } = known.data;
  const notes = given.notes.get(id) ?? [];
  if (isUnsettled(notes, now)) return { heldBack: at };
  const ours = recordedShares(notes, states.emptiedAt(id));
  const isEmpty = !/[1-9]/.test(amountPaid.value);
  const recorded = isEmpty ? [] : [...ours];
  const paid = isPaidByOthers({ amountPaid, currency, checkvalve: { recorded } });
  const emptied = isEmpty && ours.length > 0 ? { emptiedAt: now } : {};
  const falls = paid === undefined ? 0 : states.see({ id, at, paid, ...emptied });
  if (falls === undefined) return { known: true };
  const { checkvalve: _, ...rest } = row;
  const checkvalve = {
    ...(falls === 0 ? {} : { falls }),
    ...(recorded.length === 0 ? {} : { recorded }),
  };
  return { row: Object.keys(checkvalve).length === 0 ? rest : { ...rest, checkvalve } };
}

/** Undefined where it cannot be told because a payment of ours was removed or changed. */
function isPaidByOthers(row: Parameters<typeof paidByOthers>[0]): boolean | undefined {
  try {
    return paidByOthers(row) > 0n;
  } catch {
    // What is paid cannot be read, as `normalize` will say: that something is, can.
    const hasRecorded = (row.checkvalve?.recorded ?? []).length > 0;
    return hasRecorded ? undefined : /[1-9]/.test(row.amountPaid.value);
  }
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

function earliest(first: string | null, times: readonly string[]): string | null {
  return [...(first === null ? [] : [first]), ...times].sort()[0] ?? null;
}

/**
 * An hour before the last change that was seen, but not past what was held back; a clock that runs ahead must not
 * hide what follows.
 */
function nextSince({ since, newest, roundBeganAt, heldBack }: Cursor): string {
  if (newest === null) return since;
  const seen = roundBeganAt !== null && newest > roundBeganAt ? roundBeganAt : newest;
  const overlapping = new Date(Date.parse(seen) - OVERLAP_SECONDS * 1000).toISOString();
  const next = earliest(overlapping, heldBack ? [heldBack] : []) ?? overlapping;
  return next > since ? next : since;
}
