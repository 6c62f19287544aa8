/**
 * Reading the receivables: what was changed since the last round, and once a day what was changed in a week, because
 * some changes of a payment do not touch its `WHENMODIFIED`.
 */
import type { Portal } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { type Asked, type Listed, openLedger } from './ledger.ts';
import type { SageIntacctSettings } from './settings.ts';
import { pageBody } from './split.ts';
import type { Kind } from './wire.ts';

const OVERLAP_SECONDS = 600;
const WIDE_MS = 7 * 86_400_000;
const WIDE_EVERY_MS = 20 * 3_600_000;
/** Older than Intacct: a first round reads all customers, as invoices only name them. */
const BEGINNING = '2000-01-01T00:00:00.000Z';
/** A list whose place is lost begins anew at once, so often; then with the next round. */
const MOST_RESTARTS = 3;

type Step = Asked & { readonly kind: Kind };

export type Cursor = {
  /** Nothing that was changed before is read, but for customers and what is still owed. */
  readonly from: string;
  /** Everything changed before this instant has been read. */
  readonly readUntil: string;
  /** When the last week was read again; null before the first round. */
  readonly wideAt: string | null;
  readonly round: { readonly beganAt: string; readonly steps: readonly Step[] } | null;
};

export const pull: NonNullable<Portal<SageIntacctSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    from: from.toISOString(),
    readUntil: from.toISOString(),
    wideAt: null,
    round: null,
  }),
  async page(api, cursor, { settings, now }) {
    const ledger = openLedger(api, settings);
    const { beganAt, steps } = cursor.round ?? beginRound(cursor, now, ledger.kinds);
    const [step, ...rest] = steps;
    if (!step) throw new RangeError('a round of no lists');
    const listed = await listOrSkip(step, (asked) => ledger.list(step.kind, asked));
    const bodies = listed.records.length > 0 ? [pageBody(listed.records)] : [];
    const left = [...goOn(step, listed), ...rest];
    if (left.length > 0) {
      const next = { ...cursor, round: { beganAt, steps: left } };
      return { bodies, next, more: !listed.lost || step.restarts < MOST_RESTARTS };
    }
    const wide = isWide(cursor, new Date(beganAt));
    return {
      bodies,
      next: {
        ...cursor,
        readUntil: beganAt,
        wideAt: wide ? beganAt : cursor.wideAt,
        round: null,
      },
      more: false,
      reached: new Date(beganAt),
    };
  },
};

function beginRound(cursor: Cursor, now: Date, kinds: readonly Kind[]) {
  const { from, readUntil, wideAt } = cursor;
  const changed = instantBefore(readUntil, OVERLAP_SECONDS * 1000);
  const week = instantBefore(now.toISOString(), WIDE_MS);
  const wide = isWide(cursor, now) && week < changed ? week : changed;
  const since = wide > from ? wide : from;
  const first = wideAt === null;
  const steps = kinds.map(
    (kind): Step => ({
      kind,
      since: first && kind === 'customer' ? BEGINNING : since,
      open: first && kind === 'invoice',
      place: null,
      restarts: 0,
    }),
  );
  return { beganAt: now.toISOString(), steps };
}

function isWide({ wideAt }: Cursor, now: Date): boolean {
  return wideAt === null || now.getTime() - Date.parse(wideAt) > WIDE_EVERY_MS;
}

/** What is left of a list after one page. */
function goOn(step: Step, { lost, following }: Listed): readonly Step[] {
  if (lost) {
    const restarts = step.restarts < MOST_RESTARTS ? step.restarts + 1 : 0;
    return [{ ...step, place: null, restarts }];
  }
  return following === null ? [] : [{ ...step, place: following }];
}

/** Advances stand in an object of their own in REST, which an app may not be let at: the check names it. */
async function listOrSkip(
  { kind, ...asked }: Step,
  list: (asked: Asked) => Promise<Listed>,
): Promise<Listed> {
  try {
    return await list(asked);
  } catch (error) {
    if (kind !== 'advance' || !(error instanceof Rejected)) throw error;
    return { records: [], following: null };
  }
}

function instantBefore(instant: string, milliseconds: number): string {
  return new Date(Date.parse(instant) - milliseconds).toISOString();
}
