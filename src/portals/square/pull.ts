/**
 * The pull, round by round: payments of each location and refunds by the time of their last change; disputes,
 * payouts and invoices, which cannot be asked for by it, from their lists.
 */
import { z } from 'zod';
import type { ApiAnswer, ApiCall, Portal, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { invoiceSearch } from './fetch.ts';
import { hasCredentials, type SquareSettings } from './settings.ts';

const DAY_MS = 86_400_000;
/** Lists lag some seconds behind, and clocks differ. */
const OVERLAP_SECONDS = 600;
/** Whether a window's end belongs to it is not documented: it lies behind the present. */
const AHEAD_MS = 60_000;
/** Payouts are listed by when they were made; a bank may return one weeks later. */
const PAYOUT_LOOK_BACK_DAYS = 45;

/** A round in its order of stages; `page` is Square's cursor of the stage, null for its first page. */
export type Cursor = {
  /** Everything that changed before is read. */
  readonly since: string;
  readonly round: {
    readonly startedAt: string;
    readonly locations: readonly string[];
    readonly stage: number;
    readonly page: string | null;
    /** The stage was begun anew, because Square no longer knew its cursor. */
    readonly again: boolean;
  } | null;
};
type Round = NonNullable<Cursor['round']>;

type Stage = {
  readonly list: 'payments' | 'refunds' | 'disputes' | 'payouts' | 'invoices';
  readonly location?: string;
};

const locations = z.object({ locations: z.array(z.object({ id: z.string().min(1) })).nullish() });
const page = z.object({ cursor: z.string().nullish() });
const problem = z.object({
  errors: z.array(z.object({ code: z.string().nullish(), field: z.string().nullish() })),
});

export const pull: NonNullable<Portal<SquareSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  possible: hasCredentials,
  start: (from) => ({ since: from.toISOString(), round: null }),
  async page(api, cursor, { settings, now }) {
    const { since, round } = cursor;
    if (!round) {
      const opened = await openRound(api, now);
      return { bodies: [], next: { since, round: opened }, more: true };
    }
    const stages = stagesOf(round, settings);
    const stage = stages[round.stage];
    if (!stage) throw new WireMismatch(`a pull has no stage ${round.stage}`);
    const answer = await api.request(callOf(stage, cursor, round));
    if (answer.status === 400) {
      return { bodies: [], next: { since, round: beginAgain(round, answer) }, more: true };
    }
    const { has, page: next } = readPage(stage, answer);
    const bodies = has ? [answer.body] : [];
    if (next) return { bodies, next: { since, round: { ...round, page: next } }, more: true };
    if (round.stage + 1 < stages.length) {
      const following = { ...round, stage: round.stage + 1, page: null, again: false };
      return { bodies, next: { since, round: following }, more: true };
    }
    const reached = new Date(round.startedAt);
    return { bodies, next: pull.start(reached), more: false, reached };
  },
};

/** Without a location only the main one's payments and payouts are listed, so all are named, closed ones too. */
async function openRound(api: PortalApi, now: Date): Promise<Round> {
  const { body } = await api.request({ path: '/v2/locations' });
  const found = readWire(locations, parseExactJson(body)).locations ?? [];
  return {
    startedAt: now.toISOString(),
    locations: found.map(({ id }) => id),
    stage: 0,
    page: null,
    again: false,
  };
}

function stagesOf(round: Round, settings: SquareSettings): readonly Stage[] {
  const each = (list: Stage['list']) => round.locations.map((location) => ({ list, location }));
  return [
    ...each('payments'),
    { list: 'refunds' },
    { list: 'disputes' },
    ...each('payouts'),
    ...(settings.importInvoices ? each('invoices') : []),
  ];
}

function callOf({ list, location }: Stage, { since }: Cursor, round: Round): ApiCall {
  if (list === 'invoices') {
    const search = { location: location ?? '', ...(round.page ? { cursor: round.page } : {}) };
    return { ...invoiceSearch(search), accept: accepted(round, 403) };
  }
  return {
    path: `/v2/${list}`,
    query: {
      ...window(list, since, round.startedAt),
      ...(location === undefined ? {} : { location_id: location }),
      ...(round.page ? { cursor: round.page } : {}),
    },
    // Payments are what we are here for; what else our permissions do not reach, `check` names.
    accept: list === 'payments' ? accepted(round) : accepted(round, 403),
  };
}

/** A cursor that Square no longer knows is answered 400. */
function accepted(round: Round, ...statuses: readonly number[]): readonly number[] {
  return round.page && !round.again ? [400, ...statuses] : statuses;
}

function window(
  list: Stage['list'],
  since: string,
  startedAt: string,
): Readonly<Record<string, string>> {
  const from = Math.min(Date.parse(since), Date.parse(startedAt));
  const end = iso(Date.parse(startedAt) + AHEAD_MS);
  if (list === 'disputes') return {};
  if (list === 'payouts') {
    const begin = iso(from - PAYOUT_LOOK_BACK_DAYS * DAY_MS);
    return { begin_time: begin, end_time: end, sort_order: 'ASC', limit: '100' };
  }
  return {
    updated_at_begin_time: iso(from - OVERLAP_SECONDS * 1000),
    updated_at_end_time: end,
    sort_field: 'UPDATED_AT',
    sort_order: 'ASC',
    limit: '100',
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** An empty answer has no key at all; a list that is forbidden counts as empty. */
function readPage(
  { list }: Stage,
  { status, body }: ApiAnswer,
): { readonly has: boolean; readonly page: string | null } {
  if (status === 403) return { has: false, page: null };
  const value = parseExactJson(body);
  const { cursor } = readWire(page, value);
  const records = (value as Readonly<Record<string, unknown>>)[list];
  return { has: Array.isArray(records) && records.length > 0, page: cursor || null };
}

/** @throws WireMismatch when it is not the cursor that Square refuses */
function beginAgain(round: Round, { body }: ApiAnswer): Round {
  const { errors } = readWire(problem, parseExactJson(body));
  if (errors.some(({ code, field }) => code === 'INVALID_CURSOR' || field === 'cursor')) {
    return { ...round, page: null, again: true };
  }
  throw new WireMismatch(`Square refuses the pull: ${errors.map(({ code }) => code).join(', ')}`);
}
