/** Background jobs: fetches, pulls and deliveries, run by graphile-worker with its retries and crash recovery. */
import { Logger as JobLogger, run } from 'graphile-worker';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { sql } from './db/database.ts';
import { addJob } from './db/jobs.ts';
import { drainDeliveries } from './delivery/drain.ts';
import { fetchObjects, type IntakeJobs } from './intake/fetch-objects.ts';
import { pullPortal } from './intake/pull-portal.ts';

export type Jobs = { stop(): Promise<void> };

const CONCURRENCY = 6;
const POLL_MS = 1000;
const PUT_BACK_MS = 60_000;
const OVERDUE_SECONDS = 60;
const STALE_LOCK_SECONDS = 600;

type Payload = { organizationId: number; connectionId: string; systemId: string };

export async function startJobs(ctx: IntakeJobs & { readonly config: Config }): Promise<Jobs> {
  const pool = new pg.Pool({ connectionString: ctx.database.url, max: CONCURRENCY + 2 });
  // Broken connections are replaced; without listeners they would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  await putBackJobs(ctx, { all: true });
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
  const timer = setInterval(() => {
    putBackJobs(ctx, { all: false }).catch((error) =>
      ctx.log.error({ err: error }, 'overdue jobs cannot be put back; it is tried again'),
    );
  }, PUT_BACK_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await runner.stop();
      await pool.end();
    },
  };
}

/**
 * Puts back the jobs of nodes that died: their locks would hold for hours. Every job can run twice at once, so one
 * put back needlessly does no harm. At the start (`all`) nothing is known of other nodes, so all are put back.
 */
async function putBackJobs(
  { database }: IntakeJobs,
  options: { readonly all: boolean },
): Promise<void> {
  const overdueSeconds = options.all ? 0 : OVERDUE_SECONDS;
  const rows = await database.query<{ task: string; organization_id: number; id: string }>(
    sql`select 'pull' as task, c.organization_id, c.id from connections c
          where c.enabled and c.portal <> 'own' and (${options.all} or not exists (
            select from graphile_worker.jobs j where j.key = 'pull:' || c.organization_id || ':' || c.id
              and (j.locked_at is null or j.locked_at > now() - ${STALE_LOCK_SECONDS} * interval '1 second')))
        union all
        select distinct 'fetch', organization_id, connection_id from fetches
          where state = 'waiting' and due_at <= now() - ${overdueSeconds} * interval '1 second'
        union all
        select distinct 'deliver', organization_id, system_id from deliveries
          where state = 'waiting' and due_at <= now() - ${overdueSeconds} * interval '1 second'`,
  );
  for (const { task, organization_id: organizationId, id } of rows) {
    const payload =
      task === 'deliver' ? { organizationId, systemId: id } : { organizationId, connectionId: id };
    await addJob(database, {
      task,
      key: `${task}:${organizationId}:${id}`,
      payload,
      keepRunAt: true,
    });
  }
}

function jobLogger(log: Logger): JobLogger {
  return new JobLogger(() => (level, message, meta) => {
    if (level === 'error') log.error({ job: meta }, message);
    else if (level === 'warning') log.warn({ job: meta }, message);
    else log.debug(message);
  });
}
