import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from './database.ts';
import { addJob } from './jobs.ts';

let testing: TestDatabase;
let database: Database;
before(async () => {
  testing = await testDatabase();
  database = connectDatabase(testing.url, { poolSize: 2 });
});
after(async () => {
  await database.close();
  await testing[Symbol.asyncDispose]();
});

const job = { task: 'pull', key: 'pull:1:con_a', payload: {} };
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);

/** In how many whole minutes the job is due. */
async function dueIn(): Promise<number> {
  const rows = await database.query<{ run_at: string }>(
    sql`select run_at from graphile_worker.jobs where key = ${job.key}`,
  );
  assert.equal(rows.length, 1);
  const dueMs = Date.parse(rows[0]?.run_at ?? '') - Date.now();
  return Math.max(0, Math.round(dueMs / 60_000));
}

test('a job asked for now is not put off by one that asks for later, and is hastened by one that does not', async () => {
  await addJob(database, { ...job, runAt: inMinutes(15) });
  assert.equal(await dueIn(), 15);
  await addJob(database, { ...job, runAt: inMinutes(5) });
  assert.equal(await dueIn(), 5);
  await addJob(database, { ...job, keepRunAt: true });
  assert.equal(await dueIn(), 5);
  await addJob(database, job);
  assert.equal(await dueIn(), 0);
  // A pull that ends while another one is asked for.
  await addJob(database, { ...job, runAt: inMinutes(15) });
  assert.equal(await dueIn(), 0);
});
