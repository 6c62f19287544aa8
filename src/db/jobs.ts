/** Background jobs: added inside our transactions, run by graphile-worker. */
import { type Queryable, sql } from './database.ts';
import { encodeJson } from './json.ts';

/**
 * Adds a background job inside the transaction. One with the same key that has not begun is replaced and never put off;
 * with `keepRunAt` its time stays. One that is running is followed by the new one.
 */
export async function addJob(
  tx: Queryable,
  job: {
    readonly task: string;
    readonly key: string;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly runAt?: Date;
    readonly keepRunAt?: boolean;
  },
): Promise<void> {
  await tx.query(
    sql`select graphile_worker.add_job(${job.task}, payload := ${encodeJson(job.payload)}::json,
          job_key := ${job.key}, job_key_mode := ${job.keepRunAt ? 'preserve_run_at' : 'replace'},
          run_at := least(coalesce(${job.runAt ?? null}::timestamptz, now()),
            (select min(run_at) from graphile_worker.jobs
              where key = ${job.key} and locked_at is null)))`,
  );
}
