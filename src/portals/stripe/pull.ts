/**
 * The pull: what changed since the cursor by the events API, which remembers 30 days, and further
 * back what was created since, by the lists. A cursor names its place on the way, so that a crash
 * costs one page at most.
 */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { INVOICE_EVENT_TYPES } from './invoices.ts';
import { DISPUTE_EVENT_TYPES, PAYOUT_EVENT_TYPES, REFUND_EVENT_TYPES } from './money-back.ts';
import { CHARGE_EVENT_TYPES, INTENT_EVENT_TYPES } from './payments.ts';
import type { StripeSettings } from './settings.ts';
import { split } from './split.ts';

export const EVERY_SECONDS = 300;
/** Events can appear in the list somewhat after the second that they are stamped with. */
export const OVERLAP_SECONDS = 600;

/**
 * One day less than Stripe keeps events, so that a sweep which begins in time also ends in time.
 */
const EVENTS_REACH_SECONDS = 29 * 86_400;
const PAGE_SIZE = '100';

export type Cursor = {
  /** Unix seconds: everything before is read. */
  readonly since: number;
  /** The sweep under way; null between two sweeps. */
  readonly sweep: {
    readonly by: 'events' | 'lists';
    /** Where the next sweep begins once this one is done. */
    readonly startedAt: number;
    /** Index of the stage being read. */
    readonly stage: number;
    /** The last id read in this stage. */
    readonly after: string | null;
  } | null;
};

type Stage = {
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** Which records of a page are kept; all by default. */
  readonly keeps?: (record: unknown) => boolean;
};

const page = z.object({
  data: z.array(z.object({ id: z.string().min(1) })),
  has_more: z.boolean(),
});

/** A cursor that reads everything since `from`. */
export function start(from: Date): Cursor {
  return { since: Math.floor(from.getTime() / 1000), sweep: null };
}

/**
 * One page; newest first, so what arrives meanwhile does not shift the pages, it is met by the next
 * sweep.
 */
export async function pullPage(
  api: PortalApi,
  cursor: Cursor,
  context: { readonly settings: StripeSettings; readonly now: Date },
): Promise<{ readonly bodies: readonly Buffer[]; readonly next: Cursor; readonly more: boolean }> {
  const sweep = sweepAt(cursor, Math.floor(context.now.getTime() / 1000));
  const stages = (sweep.by === 'events' ? eventStages : listStages)(context.settings);
  const stage = stages[sweep.stage];
  if (!stage) return { bodies: [], next: { since: sweep.startedAt, sweep: null }, more: false };
  const { body } = await api.request({
    path: stage.path,
    query: {
      ...stage.query,
      'created[gte]': String(Math.max(0, cursor.since - OVERLAP_SECONDS)),
      limit: PAGE_SIZE,
      ...(sweep.after && { starting_after: sweep.after }),
    },
  });
  const { data, has_more } = readWire(page, parseJson(body));
  const after = has_more ? (data.at(-1)?.id ?? null) : null;
  const next = after ? { ...sweep, after } : { ...sweep, stage: sweep.stage + 1, after: null };
  const bodies = stage.keeps ? keep(body, stage.keeps) : [body];
  return next.stage < stages.length
    ? { bodies, next: { since: cursor.since, sweep: next }, more: true }
    : { bodies, next: { since: sweep.startedAt, sweep: null }, more: false };
}

/**
 * The sweep to go on with; one by events that took so long that events are being forgotten begins
 * anew.
 */
function sweepAt(cursor: Cursor, now: number): NonNullable<Cursor['sweep']> {
  const by = now - cursor.since > EVENTS_REACH_SECONDS ? 'lists' : 'events';
  if (cursor.sweep && (cursor.sweep.by === 'lists' || by === 'events')) return cursor.sweep;
  return { by, startedAt: now, stage: 0, after: null };
}

/**
 * Stripe takes at most 20 types in one query. `invoice.payment_succeeded` would only repeat
 * `invoice.paid`.
 */
function eventStages(settings: StripeSettings): readonly Stage[] {
  const money = [...INTENT_EVENT_TYPES, ...CHARGE_EVENT_TYPES];
  const back = [...REFUND_EVENT_TYPES, ...DISPUTE_EVENT_TYPES, ...PAYOUT_EVENT_TYPES];
  const invoices = [
    'invoice.paid',
    'invoice_payment.paid',
    ...(settings.importInvoices ? INVOICE_EVENT_TYPES : []),
  ];
  return [[...money, ...back], invoices].map((types) => ({
    path: '/v1/events',
    query: { 'types[]': types },
  }));
}

function listStages(settings: StripeSettings): readonly Stage[] {
  return [
    {
      path: '/v1/payment_intents',
      query: { 'expand[]': ['data.latest_charge.balance_transaction'] },
    },
    {
      path: '/v1/charges',
      query: { 'expand[]': ['data.balance_transaction'] },
      keeps: (record) => (record as { payment_intent?: unknown }).payment_intent == null,
    },
    { path: '/v1/refunds', query: { 'expand[]': ['data.failure_balance_transaction'] } },
    { path: '/v1/disputes', query: {} },
    { path: '/v1/payouts', query: { 'expand[]': ['data.balance_transaction'] } },
    { path: '/v1/invoice_payments', query: { status: 'paid', 'expand[]': ['data.invoice'] } },
    ...(settings.importInvoices ? [{ path: '/v1/invoices', query: {} }] : []),
  ];
}

function keep(body: Buffer, keeps: (record: unknown) => boolean): readonly Buffer[] {
  return split(body)
    .map((document) => document.body)
    .filter((bytes) => keeps(parseJson(bytes)));
}
