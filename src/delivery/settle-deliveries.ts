/**
 * Writes how a batch of deliveries ended: their states, the attempts and the breaker, in one
 * transaction.
 */
import { type Database, type Queryable, sql } from '../db/database.ts';
import { encodeJson } from '../db/json.ts';
import type { Breaker } from './breaker.ts';
import type { ClaimedDelivery } from './delivery-state.ts';
import { SERVICEMOBILITY_SCHEDULE, STANDARD_SCHEDULE, waitMs } from './retry-schedule.ts';
import type { SendResult } from './send-result.ts';
import type { System } from './systems.ts';

export type Tried = {
  readonly delivery: ClaimedDelivery;
  readonly at: Date;
  readonly durationMs: number;
  /** `held`: the breaker opened before its turn; it was not tried. */
  readonly result: SendResult | { readonly outcome: 'held' };
};

export type SettleContext = {
  readonly database: Database;
  readonly now: () => Date;
  readonly chance: () => number;
};

export function wasTried({ result }: Pick<Tried, 'result'>): boolean {
  return !['skip', 'held', 'wait'].includes(result.outcome);
}

/** Whether it shows how the system fares; a refusal shows that it answers. */
export function tellsOfSystem({ result }: Pick<Tried, 'result'>): boolean {
  return wasTried({ result }) && !(result.outcome === 'retry' && result.ourSide);
}

/** A delivery that a person has settled in the meantime stays as they left it. */
export async function settleDeliveries(
  ctx: SettleContext,
  system: Pick<System, 'organizationId' | 'id' | 'kind'>,
  batch: { readonly results: readonly Tried[]; readonly breaker: Breaker },
): Promise<void> {
  const { organizationId, id, kind } = system;
  const { breaker } = batch;
  const rows = batch.results.map((tried) => ({
    ...tried,
    ...settledAs(ctx, { kind, breaker }, tried),
  }));
  await ctx.database.transaction(async (tx) => {
    await tx.execute(
      sql`update deliveries d
          set state = u.state, due_at = u.due_at, attempts = d.attempts - u.uncounted,
              last_error =
                coalesce(u.last_error, case when u.state = 'waiting' then d.last_error end),
              finished_at = case when u.state in ('done', 'skipped') then u.due_at end
          from unnest(
            ${rows.map((row) => row.delivery.id)}::bigint[],
            ${rows.map((row) => row.state)}::text[],
            ${rows.map((row) => row.dueAt.toISOString())}::timestamptz[],
            ${rows.map((row) => row.uncounted)}::integer[],
            ${rows.map((row) => row.lastError)}::text[])
            u (id, state, due_at, uncounted, last_error)
          where d.organization_id = ${organizationId} and d.id = u.id and d.state = 'waiting'`,
    );
    await writeAttempts(tx, organizationId, rows.filter(wasTried));
    await writeBreaker(tx, { organizationId, id }, breaker);
  });
}

async function writeAttempts(
  tx: Queryable,
  organizationId: number,
  tried: readonly Tried[],
): Promise<void> {
  if (tried.length === 0) return;
  const answers = tried.map(({ result }) => ({
    ok: result.outcome === 'done',
    status: 'status' in result ? (result.status ?? null) : null,
    error: 'because' in result ? result.because : null,
    excerpt: 'excerpt' in result ? (result.excerpt ?? null) : null,
  }));
  await tx.execute(
    sql`insert into delivery_attempts
          (organization_id, delivery_id, attempt, at, duration_ms, ok, status, error,
           response_excerpt)
        select ${organizationId}::integer, u.* from unnest(
          ${tried.map(({ delivery }) => delivery.id)}::bigint[],
          ${tried.map(({ delivery }) => delivery.attempts)}::integer[],
          ${tried.map(({ at }) => at.toISOString())}::timestamptz[],
          ${tried.map(({ durationMs }) => durationMs)}::integer[],
          ${answers.map(({ ok }) => ok)}::boolean[],
          ${answers.map(({ status }) => status)}::integer[],
          ${answers.map(({ error }) => error)}::text[],
          ${answers.map(({ excerpt }) => excerpt)}::text[]) u
        on conflict do nothing`,
  );
}

export async function writeBreaker(
  tx: Queryable,
  where: { readonly organizationId: number; readonly id: string },
  breaker: Breaker,
): Promise<void> {
  await tx.execute(
    sql`update systems set breaker = ${encodeJson(breaker)}::jsonb
        where organization_id = ${where.organizationId} and id = ${where.id}`,
  );
}

type Settled = {
  readonly state: 'waiting' | 'done' | 'skipped' | 'parked';
  readonly dueAt: Date;
  readonly lastError: string | null;
  /** An attempt that did not take place is not counted. */
  readonly uncounted: 0 | 1;
};

function settledAs(
  ctx: SettleContext,
  system: { readonly kind: System['kind']; readonly breaker: Breaker },
  { delivery, result }: Tried,
): Settled {
  const now = ctx.now();
  const settled = { dueAt: now, lastError: null, uncounted: 0 } as const;
  switch (result.outcome) {
    case 'done':
      return { ...settled, state: 'done' };
    case 'skip':
      return { ...settled, state: 'skipped', lastError: result.because, uncounted: 1 };
    case 'wait':
      return {
        state: 'waiting',
        dueAt: result.until,
        lastError: result.because,
        uncounted: 1,
      };
    case 'park':
      return { ...settled, state: 'parked', lastError: result.because };
    case 'held': {
      const { breaker } = system;
      const dueAt = breaker.state === 'closed' ? now : new Date(breaker.until);
      return { ...settled, state: 'waiting', dueAt, uncounted: 1 };
    }
    case 'retry': {
      const schedule =
        system.kind === 'servicemobility' ? SERVICEMOBILITY_SCHEDULE : STANDARD_SCHEDULE;
      const { afterMs: askedMs } = result;
      const failures = delivery.attempts;
      const wait = waitMs(schedule, { failures, chance: ctx.chance(), askedMs });
      const lastError = result.because;
      if (wait !== undefined) {
        return { ...settled, state: 'waiting', dueAt: new Date(now.getTime() + wait), lastError };
      }
      return { ...settled, state: 'parked', lastError: `gave up after ${failures}: ${lastError}` };
    }
  }
}
