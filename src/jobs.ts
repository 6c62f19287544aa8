/** Background jobs: fetches, pulls and deliveries, run by graphile-worker with its retries and crash recovery. */
import { Logger as JobLogger, run } from 'graphile-worker';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { sql } from './db/database.ts';
import { drainDeliveries } from './delivery/drain.ts';
import { addPullJob } from './intake/connections.ts';
import { fetchObjects, type IntakeJobs } from './intake/fetch-objects.ts';
import { pullPortal } from './intake/pull-portal.ts';

export type Jobs = { stop(): Promise<void> };

const CONCURRENCY = 6;
const POLL_MS = 1000;

type Payload = { organizationId: number; connectionId: string; systemId: string; since?: string };

export async function startJobs(ctx: IntakeJobs & { readonly config: Config }): Promise<Jobs> {
  const pool = new pg.Pool({ connectionString: ctx.database.url, max: CONCURRENCY + 2 });
  pool.on('error', () => {});
  await addMissingPulls(ctx);
  const runner = await run({
    pgPool: pool,
    concurrency: CONCURRENCY,
    pollInterval: POLL_MS,
    noHandleSignals: true,
    logger: jobLogger(ctx.log),
    taskList: {
      fetch: (payload) => fetchObjects(ctx, payload as Payload),
      pull: (payload) => pullPortal(ctx, payload as Payload),
      deliver: (payload) => drainDeliveries(ctx, payload as Payload),
    },
  });
  return {
    stop: async () => {
      await runner.stop();
      await pool.end();
    },
  };
}

/** A pull always leaves a job for its next time; one lost with an old version is put back here. */
async function addMissingPulls(ctx: IntakeJobs): Promise<void> {
  const rows = await ctx.database.query<{ organization_id: number; id: string }>(
    sql`select c.organization_id, c.id from connections c
        where c.enabled and c.portal <> 'own' and not exists (
          select from graphile_worker.jobs j where j.key = 'pull:' || c.organization_id || ':' || c.id)`,
  );
  for (const row of rows)
    await addPullJob(ctx.database, { organizationId: row.organization_id, connectionId: row.id });
}

function jobLogger(log: Logger): JobLogger {
  return new JobLogger(() => (level, message, meta) => {
    if (level === 'error') log.error({ job: meta }, message);
    else if (level === 'warning') log.warn({ job: meta }, message);
    else log.debug(message);
  });
}
