/**
 * Reading without any list of payments: what changed in accounting names transactions, and those that may still
 * change are asked for again by their ids.
 */
import { z } from 'zod';
import type { Portal, PortalApi } from '../contract.ts';
import { RetryLater } from '../kit/errors.ts';
import { type QueryPlace, queryChanged, queryPage } from '../kit/intuit-queries.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { readRecords, readRefund, readTaken, type Taken } from './fetch.ts';
import { companyOf, type IntuitPaymentsSettings } from './settings.ts';
import { toldBody } from './split.ts';
import { KINDS, type Kind, listedRecord, RECORDS, type RecordKind } from './wire.ts';

const OVERLAP_SECONDS = 600;
/** Authorizations live 30 days; a bank debit comes back within ten banking days of its success. */
const FOLLOW_DAYS = 31;
/** What succeeded is asked for once a day, at whatever hour the pull comes. */
const SETTLED_EVERY_MS = 20 * 3_600_000;
/** A refund that was issued may still be declined; so long it is asked for. */
const REFUNDS_FOR_MS = 15 * 24 * 3_600_000;
/** Every transaction is a call of its own; so many make a page. */
const CALLS_A_PAGE = 20;
const DAY_MS = 86_400_000;
const FORGET_RECEIPTS_MS = 2 * FOLLOW_DAYS * DAY_MS;

/**
 * What a transaction said: it may change any time, it is money that may still go back, it was refunded, it is over.
 * `missing`: the processor does not know it.
 */
type Said = 'open' | 'settled' | 'refunded' | 'over' | 'missing';
type Asked = { readonly at: string; readonly said: Said; readonly kind: Kind | null };
/** A refund that is issued and not settled, below its transaction. */
type OpenRefund = {
  readonly of: string;
  readonly kind: Kind;
  readonly since: string;
  readonly at: string;
};

type Step =
  | (QueryPlace & { readonly kind: 'query'; readonly entity: RecordKind })
  | { readonly kind: 'records'; readonly entity: RecordKind; readonly ids: readonly string[] }
  | { readonly kind: 'follow' }
  | { readonly kind: 'refunds' };

/** A round is a list of steps; when it is empty, the next round asks for what changed since it began. */
export type Cursor = {
  readonly steps: readonly Step[];
  readonly roundBeganAt: string | null;
  /** Everything before this instant has been read. */
  readonly readUntil: string;
  /** Revisions of records that name transactions, as read in the last round and in this one. */
  readonly read: readonly string[];
  readonly reading: readonly string[];
  /** Transactions by id: when they were asked for last, and what they said. */
  readonly asked: Readonly<Record<string, Asked>>;
  /** Transactions of which a refund receipt told, with the instant at which it was read. */
  readonly receipted: Readonly<Record<string, string>>;
  /** Refunds by id. */
  readonly refunds: Readonly<Record<string, OpenRefund>>;
};

type Context = {
  readonly settings: IntuitPaymentsSettings;
  readonly now: Date;
  readonly followed?: () => Promise<readonly string[]>;
};
type Page = {
  readonly bodies: readonly Buffer[];
  readonly following: readonly Step[];
  readonly learned?: Partial<Pick<Cursor, 'reading' | 'asked' | 'receipted' | 'refunds'>>;
};

export const pull: NonNullable<Portal<IntuitPaymentsSettings, Cursor>['pull']> = {
  everySeconds: 600,
  overlapSeconds: OVERLAP_SECONDS,
  followDays: FOLLOW_DAYS,
  start: (from) => ({
    steps: [],
    roundBeganAt: null,
    readUntil: from.toISOString(),
    read: [],
    reading: [],
    asked: {},
    receipted: {},
    refunds: {},
  }),
  async page(api, given, context) {
    const cursor = given.steps.length > 0 ? given : beginRound(given, context.now);
    const [step, ...rest] = cursor.steps;
    if (!step) throw new RangeError('a round of no steps');
    const { bodies, following, learned } = await take(api, step, { cursor, context });
    const next = { ...cursor, ...learned, steps: [...following, ...rest] };
    if (next.steps.length > 0) return { bodies, next, more: true };
    const readUntil = cursor.roundBeganAt ?? context.now.toISOString();
    return {
      bodies,
      next: { ...next, roundBeganAt: null, readUntil, read: next.reading, reading: [] },
      more: false,
      reached: new Date(readUntil),
    };
  },
};

function beginRound(cursor: Cursor, now: Date): Cursor {
  const since = new Date(Date.parse(cursor.readUntil) - OVERLAP_SECONDS * 1000).toISOString();
  const queries = RECORDS.map(
    (entity) => ({ kind: 'query', entity, since, startPosition: 1 }) as const,
  );
  return {
    ...cursor,
    steps: [...queries, { kind: 'follow' }, { kind: 'refunds' }],
    roundBeganAt: now.toISOString(),
    reading: [],
  };
}

type Place = { readonly cursor: Cursor; readonly context: Context };

function take(api: PortalApi, step: Step, place: Place): Promise<Page> {
  switch (step.kind) {
    case 'query':
      return takeQuery(api, step, place);
    case 'records':
      return takeRecords(api, step, place);
    case 'follow':
      return takeFollowed(api, place);
    case 'refunds':
      return takeRefunds(api, place);
  }
}

/** Most records are none of the processor's; the others are read with their transactions, unless the last round did. */
async function takeQuery(
  api: PortalApi,
  step: Step & { readonly kind: 'query' },
  { cursor, context }: Place,
): Promise<Page> {
  const { entity } = step;
  const { body, next } = await queryChanged(api, step, companyOf(context.settings));
  const { QueryResponse } = readWire(queryPage, parseExactJson(body));
  const rows = readWire(z.array(listedRecord), QueryResponse[entity] ?? [])
    .filter(({ named }) => named !== undefined)
    .map((row) => ({ ...row, name: `${entity}:${row.id}:${row.revision}` }));
  const known = new Set([...cursor.read, ...cursor.reading]);
  const ids = rows.filter(({ name }) => !known.has(name)).map(({ id }) => id);
  const records = inParts(ids, CALLS_A_PAGE / 2).map(
    (some) => ({ kind: 'records', entity, ids: some }) as const,
  );
  // The next round reads again from a little before this one began: what is older need not be remembered.
  const againFrom = beforeRound(cursor.roundBeganAt ?? context.now.toISOString());
  const late = rows.filter(({ changedAt }) => Date.parse(changedAt) >= againFrom);
  const reading = new Set([...cursor.reading, ...late.map(({ name }) => name)]);
  return {
    bodies: [],
    following: [...records, ...(next ? [{ ...step, ...next }] : [])],
    learned: { reading: [...reading] },
  };
}

/** QuickBooks keeps whole seconds, so a minute more is looked back. */
function beforeRound(beganAt: string): number {
  return Date.parse(beganAt) - (OVERLAP_SECONDS + 60) * 1000;
}

/** What came before the processor refused is kept; the rest is a step of its own. */
async function takeRecords(
  api: PortalApi,
  step: Step & { readonly kind: 'records' },
  { cursor, context }: Place,
): Promise<Page> {
  const { entity, ids } = step;
  const at = context.now.toISOString();
  const asked = { ...cursor.asked };
  const receipted = { ...cursor.receipted };
  const refunds = { ...cursor.refunds };
  const lacking: string[] = [];
  const bodies: Buffer[] = [];
  const left = new Set(ids);
  try {
    for await (const told of readRecords(api, entity, ids, context.settings)) {
      const { id, taken, refund } = told;
      bodies.push(told.body);
      left.delete(id);
      if (!told.complete) lacking.push(`${entity}:${id}:`);
      if (!taken) continue;
      asked[taken.id] = { at, said: saidBy(taken), kind: taken.kind };
      if (entity === 'RefundReceipt') receipted[taken.id] = at;
      if (refund?.status === 'ISSUED') {
        refunds[refund.id] = { of: taken.id, kind: taken.kind, since: at, at };
      }
    }
    // Deleted since the query named them: nothing is left to read.
    left.clear();
  } catch (error) {
    if (!(error instanceof RetryLater) || bodies.length === 0) throw error;
  }
  const following = left.size > 0 ? [{ ...step, ids: [...left] }] : [];
  // What the processor did not know is looked at once more by the next round.
  const reading = cursor.reading.filter((name) => !lacking.some((one) => name.startsWith(one)));
  return { bodies, following, learned: { reading, asked, receipted, refunds } };
}

async function takeFollowed(api: PortalApi, { cursor, context }: Place): Promise<Page> {
  const { now } = context;
  const at = now.toISOString();
  const followed = (await context.followed?.()) ?? [];
  const due = followed.filter((id) => isDue(cursor.asked[id], cursor, now));
  const asked = { ...cursor.asked };
  const bodies: Buffer[] = [];
  let left = due.length;
  try {
    for (const id of due.slice(0, CALLS_A_PAGE)) {
      const before = asked[id];
      const taken = await readTaken(api, id, before?.kind ? [before.kind] : KINDS);
      left -= 1;
      const { said, unexplained } = judge(taken, before, id in cursor.receipted);
      asked[id] = { at, said, kind: taken?.kind ?? null };
      if (taken) bodies.push(toldBody({ taken, ...(unexplained ? { unexplained } : {}) }));
    }
  } catch (error) {
    if (!(error instanceof RetryLater) || left === due.length) throw error;
  }
  if (left > 0) return { bodies, following: [{ kind: 'follow' }], learned: { asked } };
  return { bodies, following: [], learned: remembered({ ...cursor, asked }, followed, now) };
}

/** Once a day until they are settled, declined, or old enough to be believed. */
async function takeRefunds(api: PortalApi, { cursor, context: { now } }: Place): Promise<Page> {
  const at = now.toISOString();
  const ageOf = (instant: string) => now.getTime() - Date.parse(instant);
  const due = Object.entries(cursor.refunds).filter(
    ([, refund]) => ageOf(refund.at) >= SETTLED_EVERY_MS,
  );
  const refunds = { ...cursor.refunds };
  const bodies: Buffer[] = [];
  let left = due.length;
  try {
    for (const [id, known] of due.slice(0, CALLS_A_PAGE / 2)) {
      const found = await readRefund(api, { of: known.of, kinds: [known.kind], id });
      left -= 1;
      if (found) bodies.push(toldBody({ taken: found.taken, refund: found.refund.value }));
      if (found?.refund.status === 'ISSUED' && ageOf(known.since) < REFUNDS_FOR_MS) {
        refunds[id] = { ...known, at };
      } else delete refunds[id];
    }
  } catch (error) {
    if (!(error instanceof RetryLater) || left === due.length) throw error;
  }
  return { bodies, following: left > 0 ? [{ kind: 'refunds' }] : [], learned: { refunds } };
}

/** Open ones are asked for in each round, money that may still go back once a day. */
function isDue(asked: Asked | undefined, { roundBeganAt }: Cursor, now: Date): boolean {
  if (!asked) return true;
  if (asked.said === 'over') return false;
  if (asked.said === 'open') return asked.at < (roundBeganAt ?? now.toISOString());
  return now.getTime() - Date.parse(asked.at) >= SETTLED_EVERY_MS;
}

/** A refund that no receipt told of within a day is one that a person must enter. */
function judge(
  taken: Taken | undefined,
  before: Asked | undefined,
  isReceipted: boolean,
): { readonly said: Said; readonly unexplained?: true } {
  if (!taken) return { said: 'missing' };
  const said = saidBy(taken);
  if (said !== 'refunded' || before?.said !== 'refunded') return { said };
  return isReceipted ? { said: 'over' } : { said: 'over', unexplained: true };
}

function saidBy({ status }: Taken): Said {
  switch (status) {
    case 'AUTHORIZED':
    case 'PENDING':
      return 'open';
    case 'DECLINED':
    case 'FAILED':
    case 'CANCELLED':
    case 'VOIDED':
      return 'over';
    case 'REFUNDED':
      return 'refunded';
    default:
      return 'settled';
  }
}

/** Forgets what is followed no more; what was asked for lately may be followed once its document is applied. */
function remembered(
  { asked, receipted }: Pick<Cursor, 'asked' | 'receipted'>,
  followed: readonly string[],
  now: Date,
): Pick<Cursor, 'asked' | 'receipted'> {
  const ids = new Set(followed);
  const ageOf = (at: string) => now.getTime() - Date.parse(at);
  return {
    asked: Object.fromEntries(
      Object.entries(asked).filter(([id, { at }]) => ids.has(id) || ageOf(at) < DAY_MS),
    ),
    receipted: Object.fromEntries(
      Object.entries(receipted).filter(([, at]) => ageOf(at) < FORGET_RECEIPTS_MS),
    ),
  };
}

function inParts<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, part) =>
    list.slice(part * size, (part + 1) * size),
  );
}
