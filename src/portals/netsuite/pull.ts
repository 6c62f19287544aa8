/** Reading an account: customers, transactions and deletions, by what changed since the last round and a day before. */
import type { Portal, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { wallTimeOf } from './instants.ts';
import { typeOf } from './notice.ts';
import { askSurely, idOf, readTransactions } from './reading.ts';
import type { NetSuiteSettings } from './settings.ts';
import { pageBody } from './split.ts';
import { ask, cell, type Row, type Rows, statements } from './suiteql.ts';

/**
 * More than a day, because a query compares with the clock of an account whose zone we may be told wrongly, and which
 * twice a year repeats or leaves out an hour.
 */
const OVERLAP_SECONDS = 25 * 3600;

const LISTS = ['customers', 'transactions', 'deletions'] as const;

/** One page still to read: `place` is the id it begins after (deletions: with). */
type Step = { readonly list: (typeof LISTS)[number]; readonly place: string };

/** A round is a list of steps; when it is empty, the next one begins. */
export type Cursor = {
  readonly steps: readonly Step[];
  readonly roundBeganAt: string | null;
  /** Changes before this instant have been read. */
  readonly readUntil: string;
};

type Page = {
  readonly rows: readonly Row[];
  /** Undefined when the list was read to its end. */
  readonly next?: string | undefined;
};

export const pull: NonNullable<Portal<NetSuiteSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({ steps: [], roundBeganAt: null, readUntil: from.toISOString() }),
  async page(api, given, { settings, now }) {
    const cursor = given.steps.length > 0 ? given : beginRound(given, now);
    const [step, ...rest] = cursor.steps;
    if (!step) throw new RangeError('a round of no steps');
    const { rows, next: place } = await read(api, step, {
      settings,
      since: sinceOf(cursor, settings),
    });
    const bodies = rows.length === 0 ? [] : [pageBody(rows)];
    const steps = [...(place === undefined ? [] : [{ ...step, place }]), ...rest];
    if (steps.length > 0) return { bodies, next: { ...cursor, steps }, more: true };
    const readUntil = cursor.roundBeganAt ?? now.toISOString();
    const next = { steps, roundBeganAt: null, readUntil };
    return { bodies, next, more: false, reached: new Date(readUntil) };
  },
};

function beginRound(cursor: Cursor, now: Date): Cursor {
  const steps = LISTS.map((list) => ({ list, place: '0' }));
  return { ...cursor, steps, roundBeganAt: now.toISOString() };
}

/** The beginning of the window on the account's clock. */
function sinceOf({ readUntil }: Cursor, { accountTimeZone }: NetSuiteSettings): string {
  return wallTimeOf(new Date(Date.parse(readUntil) - OVERLAP_SECONDS * 1000), accountTimeZone);
}

async function read(
  api: PortalApi,
  { list, place }: Step,
  { settings, since }: { readonly settings: NetSuiteSettings; readonly since: string },
): Promise<Page> {
  const after = { since, afterId: place };
  switch (list) {
    case 'customers': {
      const page = await askSurely(api, statements.changedCustomers(after));
      return { rows: page.rows, next: lastOf(page, idOf) };
    }
    case 'transactions': {
      const page = await readTransactions(api, statements.changedTransactions(settings, after));
      return { rows: page.rows, next: lastOf(page, idOf) };
    }
    case 'deletions':
      return readDeletions(api, { since, fromId: place });
  }
}

/**
 * An account may not let us see what was deleted: that must not keep us from the money, and the check of the
 * connection names it.
 */
async function readDeletions(
  api: PortalApi,
  place: { readonly since: string; readonly fromId: string },
): Promise<Page> {
  const page = await ask(api, statements.deletedRecords(place), { accept: [400, 403] });
  if (!page) return { rows: [] };
  const rows = page.rows.filter((row) => typeOf(cell(row, 'type') ?? '') !== undefined);
  const last = lastOf(page, (row) => cell(row, 'recordid'));
  // A page of one id alone would be asked for again and again.
  const stuck = last !== undefined && last === place.fromId;
  return { rows, next: stuck ? String(BigInt(last) + 1n) : last };
}

/** Where the next page begins. @throws WireMismatch for a row without id, whose place nobody knows */
function lastOf({ rows, hasMore }: Rows, id: (row: Row) => string | undefined): string | undefined {
  const last = rows.at(-1);
  if (!hasMore || !last) return undefined;
  const place = id(last);
  if (place === undefined || !/^\d{1,20}$/.test(place))
    throw new WireMismatch('id: missing in a row');
  return place;
}
