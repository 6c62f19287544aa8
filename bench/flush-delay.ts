/** The embedded PostgreSQL once more, with flushes that take as long as those of a network disk. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/db/embedded-server.ts';

const execute = promisify(execFile);
const quiet = { info: () => {}, warn: () => {} };

export type StartedDatabase = { readonly databaseUrl: string; stop(): Promise<void> };

/** Builds the shim inside `directory`; undefined where there is no C compiler. */
export async function buildFlushDelay(directory: string): Promise<string | undefined> {
  const source = fileURLToPath(new URL('flush-delay.c', import.meta.url));
  const shim = join(directory, 'flush-delay.so');
  try {
    await execute('gcc', ['-shared', '-fPIC', '-O2', '-o', shim, source, '-ldl']);
    return shim;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Starts the data directory's server as the product does, then again by the same command with the shim. */
export async function startWithFlushDelay(
  dataDirectory: string,
  delay: { readonly shim: string; readonly flushUs: number },
): Promise<StartedDatabase> {
  const product = await startEmbeddedPostgres({ dataDirectory, log: quiet });
  const command = await commandOf(product.databaseUrl);
  await product.stop();
  const [program = '', ...parameters] = command.text;
  const child = spawn(program, parameters, {
    cwd: '/',
    env: {
      PATH: process.env.PATH ?? '',
      LC_ALL: 'C',
      TZ: 'UTC',
      LD_PRELOAD: delay.shim,
      CHECKVALVE_BENCH_FLUSH_US: String(delay.flushUs),
    },
    uid: command.uid,
    gid: command.gid,
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await untilConnected(product.databaseUrl);
  return {
    databaseUrl: product.databaseUrl,
    stop: async () => {
      child.kill('SIGINT');
      await ended;
    },
  };
}

async function commandOf(databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(
    `select pg_read_file('postmaster.pid') as pid_file, current_setting('data_directory') as directory`,
  );
  await client.end();
  const pid = Number(String(rows[0].pid_file).split('\n')[0]);
  const text = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').filter(Boolean);
  const { uid, gid } = await stat(String(rows[0].directory));
  return { text, uid, gid };
}

async function untilConnected(databaseUrl: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const client = new pg.Client({ connectionString: databaseUrl });
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error('the database with slow flushes did not start');
}
