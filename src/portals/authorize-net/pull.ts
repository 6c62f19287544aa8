/**
 * The pull. Authorize.Net has no "changed since", so a round reads what is not settled and the batches settled
 * lately; returns and chargebacks, which no webhook tells, are looked for once a day further back.
 */
import { z } from 'zod';
import type { Portal, PortalApi } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { ask, askTransaction, PAGE_SIZE, paging } from './api.ts';
import { watchedAccounts } from './batch.ts';
import { credentials, type Settings } from './settings.ts';
import { batchWire, member, summaryWire, utc } from './wire.ts';

const DAY_MS = 86_400_000;
/** Batches appear with a delay, and returns of earlier days as rows of later ones. */
const OVERLAP_DAYS = 3;
/** One answer covers at most 31 days. */
const WINDOW_DAYS = 30;

/** In these states a transaction can leave the unsettled list without ever being in a batch. */
const WAITING: readonly string[] = [
  'authorizedPendingCapture',
  'authorizedPendingRelease',
  'FDSPendingReview',
  'FDSAuthorizedPendingReview',
  'underReview',
  'approvedReview',
];

type Watched = { readonly id: string; readonly accounts: readonly string[] };

type Round = {
  readonly startedAt: string;
  readonly looksBack: boolean;
  /** Page of the list being read, from 1. */
  readonly page: number;
  /** Batches settled before are read; null while the unsettled list is. */
  readonly batchesTo: string | null;
  /** Batches whose transactions are still to be listed, with the accounts whose details are read again. */
  readonly batches: readonly Watched[];
  /** Transactions whose details are still to be read again. */
  readonly transactions: readonly string[];
  /** Waiting now; and waiting last time but not met yet. */
  readonly waiting: readonly string[];
  readonly missing: readonly string[];
};

export type Cursor = {
  /** Where the connection began: nothing older is imported. */
  readonly first: string;
  readonly since: string;
  readonly lookedBackAt: string | null;
  /** Waiting for capture or review when the last round ended. */
  readonly waiting: readonly string[];
  readonly round: Round | null;
};

type Page = { readonly bodies: readonly Buffer[]; readonly round: Round };
type Asking = { readonly api: PortalApi; readonly settings: Settings; readonly cursor: Cursor };

export const pull: NonNullable<Portal<Settings, Cursor>['pull']> = {
  everySeconds: 900,
  overlapSeconds: (OVERLAP_DAYS * DAY_MS) / 1000,
  possible: (settings) => credentials(settings) !== undefined,
  start: (from) => ({
    first: from.toISOString(),
    since: from.toISOString(),
    lookedBackAt: null,
    waiting: [],
    round: null,
  }),
  async page(api, cursor, { settings, now }) {
    const { bodies, round } = await readPage(
      { api, settings, cursor },
      cursor.round ?? begin(cursor, now),
    );
    const done =
      round.transactions.length + round.batches.length === 0 && round.batchesTo === round.startedAt;
    if (!done) return { bodies, next: { ...cursor, round }, more: true };
    const next = {
      first: cursor.first,
      since: round.startedAt,
      lookedBackAt: round.looksBack ? round.startedAt : cursor.lookedBackAt,
      waiting: round.waiting,
      round: null,
    };
    return { bodies, next, more: false, reached: new Date(round.startedAt) };
  },
};

function begin(cursor: Cursor, now: Date): Round {
  const { lookedBackAt, waiting } = cursor;
  return {
    startedAt: now.toISOString(),
    looksBack: lookedBackAt === null || now.getTime() - Date.parse(lookedBackAt) >= DAY_MS,
    page: 1,
    batchesTo: null,
    batches: [],
    transactions: [],
    waiting: [],
    missing: waiting,
  };
}

/** The next thing to ask: what is queued first, so that the queues stay short. */
async function readPage(asking: Asking, round: Round): Promise<Page> {
  const [transId, ...transactions] = round.transactions;
  if (transId !== undefined) {
    const body = await askTransaction(asking.api, asking.settings, transId);
    return { bodies: body ? [body] : [], round: { ...round, transactions } };
  }
  const [batch] = round.batches;
  if (batch !== undefined) return readBatch(asking, round, batch);
  if (round.batchesTo === null) return readUnsettled(asking, round);
  return readBatches(asking, round, round.batchesTo);
}

const sorting = { orderBy: 'submitTimeUTC', orderDescending: false };

async function readUnsettled({ api, settings, cursor }: Asking, round: Round): Promise<Page> {
  const body = await ask(api, settings, {
    request: 'getUnsettledTransactionListRequest',
    fields: { sorting, paging: paging(round.page) },
  });
  const { rows, last } = readRows(body, round.page);
  const waiting = rows.filter((row) => WAITING.includes(row.transactionStatus));
  const met = new Set(rows.map((row) => row.transId));
  const read: Round = {
    ...round,
    waiting: [...round.waiting, ...waiting.map((row) => row.transId)],
    missing: round.missing.filter((id) => !met.has(id)),
  };
  const bodies = rows.length > 0 ? [body] : [];
  if (!last) return { bodies, round: { ...read, page: round.page + 1 } };
  const from = batchesFrom(cursor, round, settings);
  return {
    bodies,
    round: { ...read, page: 1, batchesTo: from, transactions: read.missing, missing: [] },
  };
}

function recentFrom(cursor: Cursor): number {
  return Date.parse(cursor.since) - OVERLAP_DAYS * DAY_MS;
}

function batchesFrom(cursor: Cursor, round: Round, { lookBackDays }: Settings): string {
  const recent = recentFrom(cursor);
  if (!round.looksBack) return new Date(recent).toISOString();
  const back = Math.max(
    Date.parse(round.startedAt) - lookBackDays * DAY_MS,
    Date.parse(cursor.first) - OVERLAP_DAYS * DAY_MS,
  );
  return new Date(Math.min(recent, back)).toISOString();
}

const batchList = z.object({ batchList: z.array(batchWire).nullish() });

async function readBatches(
  { api, settings, cursor }: Asking,
  round: Round,
  from: string,
): Promise<Page> {
  const end = Math.min(Date.parse(from) + WINDOW_DAYS * DAY_MS, Date.parse(round.startedAt));
  const to = new Date(end).toISOString();
  const body = await ask(api, settings, {
    request: 'getSettledBatchListRequest',
    fields: {
      includeStatistics: true,
      firstSettlementDate: wholeSeconds(from),
      lastSettlementDate: wholeSeconds(new Date(end + 999).toISOString()),
    },
  });
  const { batchList: found } = readWire(batchList, parseExactJson(body));
  const batches = (found ?? []).flatMap((batch): Watched[] => {
    const accounts = round.looksBack ? watchedAccounts(batch) : [];
    const at = batch.settlementTimeUTC;
    const recent = !at || Date.parse(utc(at, 'settlementTimeUTC')) >= recentFrom(cursor);
    return recent || accounts.length > 0 ? [{ id: batch.batchId, accounts }] : [];
  });
  const bodies = found && found.length > 0 ? [body] : [];
  return { bodies, round: { ...round, batchesTo: to, batches } };
}

function wholeSeconds(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z');
}

async function readBatch(
  { api, settings }: Asking,
  round: Round,
  { id, accounts }: Watched,
): Promise<Page> {
  const body = await ask(api, settings, {
    request: 'getTransactionListRequest',
    fields: { batchId: id, sorting, paging: paging(round.page) },
  });
  const { rows, last } = readRows(body, round.page);
  const transactions = rows.flatMap(({ transId, accountType }) =>
    accountType && accounts.includes(accountType) ? [transId] : [],
  );
  return {
    bodies: rows.length > 0 ? [body] : [],
    round: {
      ...round,
      transactions,
      ...(last ? { page: 1, batches: round.batches.slice(1) } : { page: round.page + 1 }),
    },
  };
}

const list = z.object({
  transactions: z
    .array(summaryWire.extend({ accountType: z.string().nullish().catch(undefined) }))
    .nullish(),
});

/** Rows of a page and whether it is the last; the total is believed where it is told. */
function readRows(body: Buffer, page: number) {
  const value = parseExactJson(body);
  const rows = readWire(list, value).transactions ?? [];
  const total = member(value, 'totalNumInResultSet');
  const last =
    rows.length === 0 ||
    (typeof total === 'number' ? page * PAGE_SIZE >= total : rows.length < PAGE_SIZE);
  return { rows, last };
}
