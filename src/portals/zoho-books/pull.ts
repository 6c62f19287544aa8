/**
 * Walking Zoho's lists from the newest change back to the watermark: there is no filter for "changed since", rows of
 * payments lack currency and shares, and deleted ones are only missed.
 */
import { createHash } from 'node:crypto';
import type { Portal, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { ask, hasMore, readPayment } from './fetch.ts';
import { readInstant } from './reading.ts';
import type { ZohoBooksSettings } from './settings.ts';

const PAGE_ROWS = 200;
const DAY_MS = 86_400_000;
const OVERLAP_SECONDS = 86_400;
/** How long payments are looked at again, to miss those that were deleted. */
const LOOK_BACK_MS = 35 * DAY_MS;
/** Payments that a webhook told of, and that may have been deleted before any list had them. */
const FOLLOW_DAYS = 30;

const LISTS = ['contacts', 'invoices', 'customerpayments'] as const;
type List = (typeof LISTS)[number];

/** Payments by id, with a digest of their row and the instant of their last change. */
type Known = Readonly<Record<string, readonly [digest: string, changedAt: string]>>;

/** A round walks each list, then reads the payments that are new, different or missed. */
export type Cursor = {
  readonly readUntil: string;
  readonly known: Known;
  readonly round: {
    readonly beganAt: string;
    readonly list: List | null;
    readonly page: number;
    readonly seen: Known;
    readonly wanted: readonly string[];
  } | null;
};

type Round = NonNullable<Cursor['round']>;

export const pull: NonNullable<Portal<ZohoBooksSettings, Cursor>['pull']> = {
  everySeconds: 900,
  overlapSeconds: OVERLAP_SECONDS,
  followDays: FOLLOW_DAYS,
  start: (from) => ({ readUntil: from.toISOString(), known: {}, round: null }),
  async page(api, cursor, { settings, now, followed }) {
    const round = cursor.round ?? {
      beganAt: now.toISOString(),
      list: LISTS[0],
      page: 1,
      seen: {},
      wanted: [],
    };
    if (round.list !== null) {
      const walked = { ...cursor, round, list: round.list };
      return walk(api, settings, { ...walked, followed: followed ?? (async () => []) });
    }
    const [id, ...wanted] = round.wanted;
    const bodies = id === undefined ? [] : [await readPayment(api, settings, id)];
    return step(cursor, { ...round, wanted }, bodies);
  },
};

async function walk(
  api: PortalApi,
  settings: ZohoBooksSettings,
  {
    list,
    followed,
    ...cursor
  }: Cursor & {
    readonly round: Round;
    readonly list: List;
    readonly followed: () => Promise<readonly string[]>;
  },
) {
  const { round } = cursor;
  const found = await ask(api, settings, list, {
    query: {
      page: String(round.page),
      per_page: String(PAGE_ROWS),
      sort_column: 'last_modified_time',
      sort_order: 'D',
    },
  });
  const rows = found?.answer[list];
  if (!found || !Array.isArray(rows)) throw new WireMismatch(`${list}: missing in the answer`);
  const isPayments = list === 'customerpayments';
  const changes = rows.map(changeOf);
  const seen = isPayments ? { ...round.seen, ...rowsById(rows) } : round.seen;
  const floor = floorOf(cursor, isPayments);
  const isBehind = changes.length > 0 && changes.every((at) => at < floor);
  const bodies = isPayments || rows.length === 0 ? [] : [found.body];
  if (hasMore(found.answer) && !isBehind) {
    return step(cursor, { ...round, page: round.page + 1, seen }, bodies);
  }
  const following = LISTS[LISTS.indexOf(list) + 1] ?? null;
  const wanted = isPayments ? missingOrNew(cursor, seen, await followed()) : [];
  return step(cursor, { ...round, list: following, page: 1, seen, wanted }, bodies);
}

/** Lists are read a day beyond the watermark; payments as far back as deletions are looked for. */
function floorOf({ readUntil, round }: Cursor, isPayments: boolean): string {
  const overlap = Date.parse(readUntil) - OVERLAP_SECONDS * 1000;
  const lookBack = Date.parse(round?.beganAt ?? readUntil) - LOOK_BACK_MS;
  return new Date(isPayments ? Math.min(overlap, lookBack) : overlap).toISOString();
}

/** Payments to read: rows not known like this, then known ones that the list has not or no longer. */
function missingOrNew(
  { known, readUntil }: Cursor,
  seen: Known,
  followed: readonly string[],
): readonly string[] {
  const since = new Date(Date.parse(readUntil) - OVERLAP_SECONDS * 1000).toISOString();
  const fresh = Object.keys(seen).filter((id) => {
    const [digest, at] = seen[id] ?? [];
    return known[id] ? known[id][0] !== digest : at !== undefined && at >= since;
  });
  // Oldest first, as things happened.
  const missed = new Set([...Object.keys(known), ...followed].filter((id) => !seen[id]));
  return [...fresh.reverse(), ...missed];
}

function step(cursor: Cursor, round: Round, bodies: readonly Buffer[]) {
  if (round.list !== null || round.wanted.length > 0) {
    return { bodies, next: { ...cursor, round }, more: true };
  }
  const reached = new Date(round.beganAt);
  const oldest = new Date(reached.getTime() - LOOK_BACK_MS + DAY_MS).toISOString();
  const known = Object.fromEntries(Object.entries(round.seen).filter(([, [, at]]) => at >= oldest));
  return { bodies, next: { readUntil: round.beganAt, known, round: null }, more: false, reached };
}

function rowsById(rows: readonly unknown[]): Known {
  return Object.fromEntries(
    rows.map((row) => {
      const id = field(row, 'payment_id');
      if (id === undefined) throw new WireMismatch('customerpayments: a row without payment_id');
      const digest = createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 8);
      return [id, [digest, changeOf(row)]];
    }),
  );
}

function changeOf(row: unknown): string {
  const names = ['last_modified_time', 'created_time', 'date'];
  const told = names.map((name) => field(row, name)).find((text) => text !== undefined);
  if (told === undefined) throw new WireMismatch('last_modified_time: missing in a row');
  // A bare day is taken at its end, so that no change of that day is held to be older than it is.
  return readInstant(told.length === 10 ? `${told}T23:59:59Z` : told, 'last_modified_time');
}

function field(row: unknown, name: string): string | undefined {
  const value = typeof row === 'object' && row !== null ? { ...row } : {};
  const told = (value as Readonly<Record<string, unknown>>)[name];
  return told === undefined || told === null || told === '' ? undefined : String(told);
}
