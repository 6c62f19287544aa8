/** What changed between two readings of the same transactions, where the bridge keeps no list of allocations. */
import { WireMismatch } from '../kit/errors.ts';
import { decimalText } from './amounts.ts';

/** A transaction as a bridge lists it; amounts in hundredths of its account's currency. */
export type Listed = {
  readonly number: number;
  readonly type: string;
  readonly account: string;
  readonly day: string;
  readonly reference: string | null;
  readonly gross: bigint;
  readonly outstanding: bigint;
  readonly deleted: boolean;
  /** Tells versions of it apart. */
  readonly digest: string;
};

/** What is kept of each: `type|account|day|outstanding|digest`, by number. */
export type Known = Readonly<Record<string, string>>;

export type Memory = {
  readonly known: Known;
  /** The highest number seen: what is above it was entered since. */
  readonly highest: number;
  /** Numbers that vanished: they are never given again. */
  readonly gone: readonly number[];
};

const MOST_GONE = 500;

export const NOTHING: Memory = { known: {}, highest: 0, gone: [] };

export type Allocation = {
  readonly invoiceTran: number;
  readonly invoiceRef: string | null;
  readonly amount: string;
};

/** Those that are new or changed. @throws WireMismatch when a number means another transaction than before */
export function changedOf<T extends Listed>(
  rows: readonly T[],
  { known, gone }: Memory,
): readonly T[] {
  for (const row of rows) requireSame(row, known[row.number], gone);
  return rows.filter((row) => known[row.number] !== entryOf(row));
}

/** Remembers the rows beside what was known, as far as it is dated on or after `since`. */
export function remember(memory: Memory, rows: readonly Listed[], since: string): Memory {
  const known = Object.fromEntries([
    ...Object.entries(memory.known).filter(([, entry]) => dayIn(entry) >= since),
    ...rows.map((row) => [String(row.number), entryOf(row)] as const),
  ]);
  return {
    known,
    gone: memory.gone,
    highest: rows.reduce((highest, { number }) => Math.max(highest, number), memory.highest),
  };
}

/**
 * Known transactions dated in the window that it does not hold, with their accounts. A list may end early without a
 * word, so only what a later number was listed behind is missing; the last ones wait for their successors.
 */
export function missingOf(
  { known }: Memory,
  rows: readonly Listed[],
  since: string,
): readonly { readonly number: number; readonly type: string; readonly account: string }[] {
  const numbers = rows.map(({ number }) => number);
  const inOrder = numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));
  const reached = inOrder ? (numbers.at(-1) ?? 0) : 0;
  const held = new Set(numbers.map(String));
  return Object.entries(known).flatMap(([number, entry]) => {
    if (held.has(number) || Number(number) > reached || dayIn(entry) < since) return [];
    const [type = '', account = ''] = entry.split('|');
    return [{ number: Number(number), type, account: decodeURIComponent(account) }];
  });
}

/** True when something is known that is dated on or after a day. */
export function holdsAny({ known }: Memory, since: string): boolean {
  return Object.values(known).some((entry) => dayIn(entry) >= since);
}

/** Takes note of what vanished. */
export function forget(memory: Memory, numbers: readonly number[]): Memory {
  const gone = new Set(numbers);
  const known = Object.entries(memory.known).filter(([number]) => !gone.has(Number(number)));
  return {
    ...memory,
    known: Object.fromEntries(known),
    gone: [...memory.gone, ...numbers].slice(-MOST_GONE),
  };
}

/**
 * Which invoices the changed receipts pay, where the account's own arithmetic leaves no doubt: what the receipts
 * gave is what the invoices lack less, and no other credit had a part in it.
 */
export function allocationsBetween(
  changed: readonly Listed[],
  memory: Memory,
): ReadonlyMap<number, readonly Allocation[]> {
  const accounts = Map.groupBy(changed, ({ account }) => account);
  const found = new Map<number, readonly Allocation[]>();
  for (const rows of accounts.values()) {
    for (const [number, shares] of allocationsOfAccount(rows, memory)) found.set(number, shares);
  }
  return found;
}

type Moved = { readonly row: Listed; readonly by: bigint };

function allocationsOfAccount(
  rows: readonly Listed[],
  memory: Memory,
): readonly (readonly [number, readonly Allocation[]])[] {
  const moves = rows.map((row) => movementOf(row, memory));
  if (moves.some((move) => move === undefined)) return [];
  const moved = moves.filter((move) => move !== undefined && move.by !== 0n) as readonly Moved[];
  const paid = moved.filter(({ row }) => row.type === 'SI');
  const receipts = moved.filter(({ row }) => row.type === 'SR' || row.type === 'SA');
  if (paid.length + receipts.length < moved.length || moved.some(({ by }) => by < 0n)) return [];
  if (sumOf(paid) !== sumOf(receipts)) return [];
  const [only] = receipts;
  if (receipts.length === 1 && only) return [[only.row.number, paid.map(allocationOf)]];
  // Of several receipts each must pay the one invoice of its amount.
  const amounts = new Map(paid.map((invoice) => [invoice.by, invoice]));
  const isClear = amounts.size === paid.length && paid.length === receipts.length;
  if (!isClear || new Set(receipts.map(({ by }) => by)).size < receipts.length) return [];
  const pairs = receipts.map(({ row, by }) => [row.number, amounts.get(by)] as const);
  if (pairs.some(([, invoice]) => invoice === undefined)) return [];
  return pairs.map(([number, invoice]) => [number, [allocationOf(invoice as Moved)]]);
}

/** By how much less is outstanding; undefined where nobody knows what it was before. */
function movementOf(row: Listed, { known, highest }: Memory): Moved | undefined {
  const entry = known[row.number];
  if (entry === undefined && row.number <= highest) return undefined;
  const before = entry === undefined ? row.gross : BigInt(entry.split('|')[3] ?? '0');
  // What was never given, or given and taken away again unseen, left nothing behind when it was deleted.
  if (row.deleted) return before === row.gross ? { row, by: 0n } : undefined;
  // A payment to a customer settles with receipts, never with invoices.
  if (row.type === 'SP') return { row, by: 0n };
  return { row, by: before - row.outstanding };
}

function allocationOf({ row, by }: Moved): Allocation {
  return { invoiceTran: row.number, invoiceRef: row.reference, amount: decimalText(by) };
}

function sumOf(moved: readonly Moved[]): bigint {
  return moved.reduce((sum, { by }) => sum + by, 0n);
}

/** After a backup was restored numbers are given anew: two transactions must not become one. */
function requireSame(row: Listed, entry: string | undefined, gone: readonly number[]): void {
  const [type, account = ''] = entry?.split('|') ?? [];
  // A payment on account stays one when it is allocated, as far as is known; either is money received.
  const kind = (one: string) => (one === 'SA' ? 'SR' : one);
  const same =
    type === undefined ||
    (kind(type) === kind(row.type) && decodeURIComponent(account) === row.account);
  if (same && !gone.includes(row.number)) return;
  throw new WireMismatch(
    `transaction ${row.number} is ${row.type} of ${row.account} now and was another one before: was a backup restored? Then numbers are used anew; give another dataset and read from the day of the restore, else read again from that day`,
  );
}

function entryOf({ type, account, day, outstanding, digest }: Listed): string {
  return [type, encodeURIComponent(account), day, outstanding, digest].join('|');
}

function dayIn(entry: string): string {
  return entry.split('|')[2] ?? '';
}
