/** Bridges that list transactions by dates and say nothing of what changed: windows, compared with what they held. */
import { printVerbatim } from '../kit/documents.ts';
import { RetryLater } from '../kit/errors.ts';
import {
  type Allocation,
  allocationsBetween,
  changedOf,
  forget,
  holdsAny,
  type Listed,
  type Memory,
  missingOf,
  NOTHING,
  remember,
} from './changes.ts';
import { shiftDay } from './dates.ts';
import type { Page, Place } from './own-bridge.ts';

/** About once a day customers are read, and the whole window where rounds are shorter. */
const LONG_EVERY_MS = 20 * 3_600_000;

export type WindowCursor = {
  readonly bridge: 'oss' | 'hyperaccounts';
  readonly dataset: string;
  /** The day up to which the past was read; undefined once it was read to the window. */
  readonly past?: string;
  readonly longAt: string | null;
  /** The day of the last round. */
  readonly readOn: string | null;
  readonly memory: Memory;
};

/** A transaction listed, with what becomes its document. */
export type Found = Listed & { document(allocations: readonly Allocation[] | undefined): object };

/** How such a bridge is asked. */
export type Lister = {
  /** So far a round looks back; what lies before is read once, in portions of as many days. */
  readonly windowDays: number;
  /** The days are those of changes: most rounds need the last of them only. */
  readonly byChange: boolean;
  /** Transactions from a day on, to a day where one is given. */
  list(
    place: Place,
    days: { readonly since: string; readonly until?: string },
  ): Promise<readonly Found[]>;
  /** What the list does not tell of the changed ones. */
  complete?(place: Place, rows: readonly Found[]): Promise<readonly Found[]>;
  /** All transactions of an account, whatever their date; absent where deletions are told. */
  account?(place: Place, account: string): Promise<readonly Found[]>;
  customers(place: Place): Promise<readonly object[]>;
};

export async function readWindow(
  lister: Lister,
  place: Place,
  known: WindowCursor | undefined,
): Promise<Page<WindowCursor>> {
  const { settings, from, now } = place;
  const { windowDays, byChange } = lister;
  const today = now.toISOString().slice(0, 10);
  // A day earlier: the PC may be ahead of us, or behind.
  const first = shiftDay(from.slice(0, 10), -1);
  const windowed = shiftDay(today, -windowDays);
  const { bridge, dataset } = settings as { bridge: WindowCursor['bridge']; dataset: string };
  const start = { bridge, dataset, past: first, longAt: null, readOn: null, memory: NOTHING };
  const cursor: WindowCursor = known ?? start;
  const { past, longAt, readOn } = cursor;
  if (past !== undefined && past < windowed) {
    const until = shiftDay(past, windowDays - 1);
    return readPast(lister, place, { cursor, since: past, until });
  }
  const isLong = longAt === null || now.getTime() - Date.parse(longAt) > LONG_EVERY_MS;
  const last = byChange && !isLong && readOn !== null ? shiftDay(readOn, -1) : windowed;
  const since = [first, windowed, last].sort().at(-1) as string;
  const customers = isLong ? await lister.customers(place) : [];
  const listed = await lister.list(place, { since });
  const page = await compare(lister, place, { cursor, listed, since });
  const { past: _, ...kept } = cursor;
  const readAt = now.toISOString();
  return {
    bodies: [...customers.map((one) => printVerbatim({ customer: one, readAt })), ...page.bodies],
    next: {
      ...kept,
      memory: page.memory,
      longAt: isLong ? readAt : longAt,
      readOn: today,
    },
    more: false,
  };
}

async function readPast(
  lister: Lister,
  place: Place,
  given: { readonly cursor: WindowCursor; readonly since: string; readonly until: string },
): Promise<Page<WindowCursor>> {
  const { cursor, since, until } = given;
  const rows = await lister.list(place, { since, until });
  const whole = (await lister.complete?.(place, rows)) ?? rows;
  return {
    bodies: bodiesOf(whole, new Map()),
    next: { ...cursor, past: shiftDay(until, 1) },
    more: true,
  };
}

async function compare(
  lister: Lister,
  place: Place,
  given: {
    readonly cursor: WindowCursor;
    readonly listed: readonly Found[];
    readonly since: string;
  },
): Promise<{ readonly bodies: readonly Buffer[]; readonly memory: Memory }> {
  const { cursor, listed, since } = given;
  const { memory } = cursor;
  if (lister.account && listed.length === 0 && holdsAny(memory, since)) {
    throw new RetryLater('the bridge lists nothing at all: has it lost Sage 50?');
  }
  // Only a list by the transactions' own dates misses what is deleted.
  const missing = lister.account ? missingOf(memory, listed, since) : [];
  const moved = await findMoved(lister, place, missing);
  const rows = [...listed, ...moved];
  const changed = changedOf(rows, memory);
  // Before anything was read, nobody knows what was outstanding.
  const isFirst = cursor.past !== undefined;
  const allocations = isFirst ? new Map() : allocationsBetween(changed, memory);
  const whole = (await lister.complete?.(place, changed)) ?? changed;
  const there = new Set(moved.map(({ number }) => number));
  const gone = missing.filter(({ number }) => !there.has(number));
  const readAt = place.now.toISOString();
  const kept = shiftDay(readAt.slice(0, 10), -lister.windowDays);
  const { dataset } = place.settings;
  const goneBodies = gone.map(({ number: tranNumber, type }) =>
    printVerbatim({ dataset, gone: { tranNumber, type }, readAt }),
  );
  const numbers = gone.map(({ number }) => number);
  return {
    bodies: [...bodiesOf(whole, allocations), ...goneBodies],
    memory: forget(remember(memory, rows, kept), numbers),
  };
}

/** Dated elsewhere now, or deleted: each account concerned is read whole. */
async function findMoved(
  { account: ask }: Lister,
  place: Place,
  missing: readonly { readonly number: number; readonly account: string }[],
): Promise<readonly Found[]> {
  const numbers = new Set(missing.map(({ number }) => number));
  const found: Found[] = [];
  for (const account of new Set(missing.map((one) => one.account))) {
    const rows = (await ask?.(place, account)) ?? [];
    found.push(...rows.filter(({ number }) => numbers.has(number)));
  }
  return found;
}

/** Invoices go first, so that what pays them finds them. */
function bodiesOf(
  rows: readonly Found[],
  allocations: ReadonlyMap<number, readonly Allocation[]>,
): readonly Buffer[] {
  const order = (row: Found) => (row.type === 'SI' ? 0 : 1);
  return rows
    .toSorted((left, right) => order(left) - order(right) || left.number - right.number)
    .map((row) => printVerbatim(row.document(allocations.get(row.number))));
}
