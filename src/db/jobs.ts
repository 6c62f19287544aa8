/** Background jobs: added inside our transactions, run by graphile-worker. */
import { type Queryable, sql } from './database.ts';
import { encodeJson } from './table.ts';

/** Adds a background job inside the transaction; one with the same key that has not begun is replaced. */
export async function addJob(
  tx: Queryable,
  job: {
    readonly task: string;
    readonly key: string;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly queue?: string;
    readonly runAt?: Date;
  },
): Promise<void> {
  await tx.query(
    sql`select graphile_worker.add_job(${job.task}, payload := ${encodeJson(job.payload)}::json,
          job_key := ${job.key}, queue_name := ${job.queue ?? null},
          run_at := coalesce(${job.runAt ?? null}::timestamptz, now()))`,
  );
}
