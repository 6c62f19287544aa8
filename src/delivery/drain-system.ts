/**
 * Sends what is due to one system: the first unfinished delivery of each payment, from fresh
 * state, several at once, until nothing is due or the breaker opens. Any number of drains may
 * run at the same time.
 */
import { type Database, type Queryable, sql } from '../db/database.ts';
import type { Sealer } from '../intake/sealing.ts';
import { admit, afterAttempt, type Breaker } from './breaker.ts';
import { type ClaimedDelivery, type DeliveryState, loadStates } from './delivery-state.ts';
import type { SendResult } from './send-result.ts';
import {
  settleDeliveries,
  type Tried,
  tellsOfSystem,
  wasTried,
  writeBreaker,
} from './settle-deliveries.ts';
import { loadSystem, type System } from './systems.ts';

export type DrainContext = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => Date;
  /** In [0, 1): spreads the waits. */
  readonly chance: () => number;
  /** Prepares one batch; the result sends one delivery of it. */
  readonly sender: (
    system: System,
    states: readonly DeliveryState[],
  ) => Promise<(state: DeliveryState) => Promise<SendResult>>;
};

export type Drained = {
  readonly sent: number;
  /** When to drain again; undefined when nothing waits. */
  readonly nextAt: Date | undefined;
};

type Where = { readonly organizationId: number; readonly systemId: string };

const BATCH = 64;
const AT_ONCE = 8;
/**
 * A claimed delivery that is never heard of again becomes due after this; longer than a batch
 * can take.
 */
const LEASE_MS = 10 * 60_000;
/** A drain gives way to others after this many batches. */
const MAX_BATCHES = 50;

export async function drainSystem(ctx: DrainContext, where: Where): Promise<Drained> {
  const { organizationId, systemId: id } = where;
  const system = await loadSystem({ tx: ctx.database, sealer: ctx.sealer }, { organizationId, id });
  if (!system?.enabled) return { sent: 0, nextAt: undefined };
  let { breaker } = system;
  let sent = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const admission = admit(breaker, ctx.now());
    if (admission.admit === 'none') {
      const waits = (await nextDue(ctx.database, where)) !== undefined;
      return { sent, nextAt: waits ? admission.until : undefined };
    }
    const limit = admission.admit === 'one' ? 1 : BATCH;
    const states = await claim(ctx, where, { limit, breaker: admission.breaker });
    if (states.length === 0) return { sent, nextAt: await nextDue(ctx.database, where) };
    const done = await sendBatch(ctx, system, { states, breaker: admission.breaker });
    // A probe that never came to the system leaves the question open.
    breaker = done.results.some(tellsOfSystem) ? done.breaker : breaker;
    await settleDeliveries(ctx, system, { results: done.results, breaker });
    sent += done.results.filter(wasTried).length;
  }
  return { sent, nextAt: ctx.now() };
}

/**
 * Takes due deliveries and lets them seem not due for a while, so that no other drain sends them
 * too.
 */
async function claim(
  ctx: DrainContext,
  { organizationId, systemId }: Where,
  { limit, breaker }: { readonly limit: number; readonly breaker: Breaker },
): Promise<readonly DeliveryState[]> {
  const now = ctx.now();
  return ctx.database.transaction(async (tx) => {
    const claimed = await tx.query<ClaimedDelivery>(
      sql`with due as (
            select d.id from deliveries d
            where d.organization_id = ${organizationId} and d.system_id = ${systemId}
              and d.state = 'waiting' and d.due_at <= ${now.toISOString()}
              and not exists (
                select from deliveries before
                where before.organization_id = d.organization_id
                  and before.system_id = d.system_id and before.payment_id = d.payment_id
                  and before.id < d.id and before.state in ('waiting', 'parked')
              )
            order by d.due_at, d.id
            limit ${limit}
            for update of d skip locked
          ), taken as (
            update deliveries d
            set attempts = d.attempts + 1,
                due_at = ${new Date(now.getTime() + LEASE_MS).toISOString()}
            from due
            where d.organization_id = ${organizationId} and d.id = due.id
            returning d.id, d.topic, d.payment_id as "paymentId", d.subject, d.attempts,
              d.created_at as "createdAt",
              exists (
                select from generate_series(1, d.attempts - 1) number
                left join delivery_attempts a on a.organization_id = d.organization_id
                  and a.delivery_id = d.id and a.attempt = number
                where a.status is null or a.status >= 500
              ) as "mayHaveArrived"
          )
          select * from taken order by id`,
    );
    if (claimed.length === 0) return [];
    if (breaker.state === 'half-open') {
      await writeBreaker(tx, { organizationId, id: systemId }, breaker);
    }
    return loadStates(tx, organizationId, claimed);
  });
}

/** When the next delivery that may be sent becomes due. */
async function nextDue(tx: Queryable, where: Where): Promise<Date | undefined> {
  const [row] = await tx.query<{ at: string | null }>(
    sql`select min(d.due_at) as at from deliveries d
        where d.organization_id = ${where.organizationId} and d.system_id = ${where.systemId}
          and d.state = 'waiting'
          and not exists (
            select from deliveries before
            where before.organization_id = d.organization_id
              and before.system_id = d.system_id and before.payment_id = d.payment_id
              and before.id < d.id and before.state in ('waiting', 'parked')
          )`,
  );
  return row?.at ? new Date(row.at) : undefined;
}

async function sendBatch(
  ctx: DrainContext,
  system: System,
  batch: { readonly states: readonly DeliveryState[]; readonly breaker: Breaker },
): Promise<{ readonly results: readonly Tried[]; readonly breaker: Breaker }> {
  const send = await ctx.sender(system, batch.states);
  const waiting = [...batch.states];
  const results: Tried[] = [];
  let { breaker } = batch;

  async function work(): Promise<void> {
    for (let state = waiting.shift(); state !== undefined; state = waiting.shift()) {
      const at = ctx.now();
      const result = breaker.state === 'open' ? HELD : await send(state).catch(ourFailure);
      const durationMs = Math.max(0, ctx.now().getTime() - at.getTime());
      results.push({ delivery: state.delivery, at, durationMs, result });
      if (!tellsOfSystem({ result })) continue;
      breaker = afterAttempt(breaker, result.outcome !== 'retry', ctx.now());
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { results, breaker };
}

const HELD = { outcome: 'held' } as const;

/**
 * An error nobody expected is ours: it is shown at the delivery and tried again by the schedule.
 */
function ourFailure(error: unknown): SendResult {
  const because = error instanceof Error ? error.message : String(error);
  return { outcome: 'retry', because: `could not be sent: ${because}`, ourSide: true };
}
