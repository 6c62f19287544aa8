/** Where the figures come from: the machine, the versions and PostgreSQL's settings. */
import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectDatabase, sql } from '../src/db/database.ts';

const execute = promisify(execFile);

export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly postgres: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly commit: string;
  /** The load average when the benchmark began: what other programs took of the cores. */
  readonly loadBefore: number;
};

const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'shared_buffers',
  'wal_compression',
  'max_wal_size',
];

export async function describeMachine(databaseUrl: string, loadBefore: number): Promise<Machine> {
  const database = connectDatabase(databaseUrl, { poolSize: 1 });
  const settings = await database.query<{ name: string; value: string }>(
    sql`select name, current_setting(name) as value from unnest(${SETTINGS}::text[]) name`,
  );
  const [row] = await database.query<{ version: string }>(
    sql`select current_setting('server_version') as version`,
  );
  await database.close();
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout } = await execute('git', ['rev-parse', '--short', 'HEAD'], { cwd });
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    postgres: row?.version ?? 'unknown',
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    commit: stdout.trim(),
    loadBefore,
  };
}
