/** Reading FreshBooks page by page: everything changed since a day, the deleted rows asked for by themselves. */
import type { Portal } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { accountingPath, type FreshBooksSettings } from './settings.ts';
import { wallTime } from './wall-time.ts';
import { pageNumbers } from './wire.ts';

/** More is silently reduced to this. */
const PAGE_ROWS = 100;
/** `updated_min` is a day in a zone that is not ours: a whole one more is read. */
const OVERLAP_SECONDS = 86_400;

const LISTS = {
  clients: 'users/clients',
  invoices: 'invoices/invoices',
  payments: 'payments/payments',
} as const;

type Step = {
  readonly list: keyof typeof LISTS;
  /** A list without `vis_state` may leave deleted rows out. */
  readonly deleted: boolean;
  readonly page: number;
};

const ROUND: readonly Step[] = [
  { list: 'clients', deleted: false, page: 1 },
  { list: 'invoices', deleted: false, page: 1 },
  { list: 'payments', deleted: false, page: 1 },
  { list: 'invoices', deleted: true, page: 1 },
  { list: 'payments', deleted: true, page: 1 },
];

/** A round reads every list once; the next begins where the one before began, less the overlap. */
export type Cursor = {
  readonly steps: readonly Step[];
  readonly roundBeganAt: string | null;
  readonly readUntil: string;
};

/** What a payment's row is asked to bring along. */
export const WITH_NAMES = { 'include[]': ['client', 'invoice'] } as const;

export const pull: NonNullable<Portal<FreshBooksSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({ steps: [], roundBeganAt: null, readUntil: from.toISOString() }),
  async page(api, cursor, { settings, now }) {
    const roundBeganAt = cursor.roundBeganAt ?? now.toISOString();
    const [step, ...rest] = cursor.steps.length > 0 ? cursor.steps : ROUND;
    if (!step) throw new RangeError('a round of no steps');
    const since = new Date(Date.parse(cursor.readUntil) - OVERLAP_SECONDS * 1000);
    const { body } = await api.request({
      path: accountingPath(settings, LISTS[step.list]),
      query: {
        'search[updated_min]': wallTime(since).slice(0, 10),
        ...(step.deleted ? { 'search[vis_state]': '1' } : {}),
        page: String(step.page),
        per_page: String(PAGE_ROWS),
        ...(step.list === 'payments' ? WITH_NAMES : {}),
      },
    });
    const { page, pages } = readWire(pageNumbers, parseExactJson(body)).response.result;
    const steps = page < pages ? [{ ...step, page: step.page + 1 }, ...rest] : rest;
    if (steps.length > 0) {
      return { bodies: [body], next: { ...cursor, steps, roundBeganAt }, more: true };
    }
    return {
      bodies: [body],
      next: { steps, roundBeganAt: null, readUntil: roundBeganAt },
      more: false,
      reached: new Date(roundBeganAt),
    };
  },
};
