/** Runs the forward-only migrations, once, however many nodes start together. */
import { readdir, readFile } from 'node:fs/promises';
import { runMigrations as migrateJobs } from 'graphile-worker';
import pg from 'pg';

const FOLDER = new URL('../../migrations/', import.meta.url);
/** Any constant will do; it only has to be the same in every node. */
const MIGRATION_LOCK = 4870;

/**
 * Brings the database at `databaseUrl` to the newest schema, including the job queue's.
 * @throws when the database is newer than this code, or a migration fails (it is rolled back).
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(
      `create table if not exists migrations (
         number integer primary key, name text not null, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query('select number from migrations');
    const done = new Set(rows.map((row: { number: number }) => row.number));
    const steps = await listMigrations();
    const unknown = [...done].filter((number) => !steps.some((step) => step.number === number));
    if (unknown.length > 0) {
      throw new Error(
        `The database has migration ${unknown.join(', ')}, which this version of Checkvalve does not know. ` +
          'Start the newer version that wrote it.',
      );
    }
    for (const step of steps) {
      if (!done.has(step.number)) await runStep(client, step);
    }
    await migrateJobs({ connectionString: databaseUrl });
  } finally {
    await client.end();
  }
}

type Step = { readonly number: number; readonly name: string };

/** The migration files in order. @throws when two share a number or a name does not fit. */
export async function listMigrations(): Promise<readonly Step[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  const steps = names.map((name) => {
    const match = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name);
    if (!match) throw new Error(`migrations/${name} must be named like 0001_what_it_does.sql`);
    return { number: Number(match[1]), name };
  });
  steps.forEach((step, index) => {
    if (step.number !== index + 1) {
      throw new Error(`migrations/${step.name} should have the number ${index + 1}`);
    }
  });
  return steps;
}

async function runStep(client: pg.Client, step: Step): Promise<void> {
  const text = await readFile(new URL(step.name, FOLDER), 'utf8');
  await client.query('begin');
  try {
    await client.query('insert into migrations (number, name) values ($1, $2)', [
      step.number,
      step.name,
    ]);
    await client.query(text);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new Error(`migrations/${step.name} failed: ${(cause as Error).message}`, { cause });
  }
}
