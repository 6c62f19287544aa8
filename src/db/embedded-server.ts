/** The embedded PostgreSQL: a real server from npm, one per data directory, recovered after any end. */
import { join } from 'node:path';
import pg from 'pg';
import {
  accountOf,
  type Cluster,
  DATABASE_NAME,
  prepareCluster,
  readClusterRecord,
  recordPort,
} from './cluster.ts';
import {
  DataDirectoryInUse,
  type DataDirectoryLock,
  findHolder,
  hasBorrowers,
  lockDataDirectory,
  type Purpose,
  prepareDataDirectory,
  registerBorrower,
} from './data-directory.ts';
import { reachableBinaries, systemAccount } from './postgres-binaries.ts';
import {
  findPostmaster,
  type StartedPostmaster,
  type StartOptions,
  startPostmaster,
  stopOrphan,
  stopPostmaster,
} from './postmaster.ts';

/** How long a server waits for a command, and a command for whoever starts or stops the database. */
const WAIT_FOR_OTHERS_MS = 60_000;
/** How long a finished command keeps the database up for commands that use it too. */
const WAIT_FOR_BORROWERS_MS = 600_000;
/** A server that ends by itself this often, each time this soon, has a lasting cause. */
const SHORT_LIFE_MS = 60_000;
const SHORT_LIVES_MAX = 5;
const POLL_MS = 50;

export type Log = { info(text: string): void; warn(text: string): void };

export type EmbeddedPostgres = {
  readonly databaseUrl: string;
  /** Whether a server that a killed process had left running was found and stopped first. */
  readonly adopted: boolean;
  /** Fast shutdown within a bounded time; gives the data directory free. Further calls do nothing. */
  stop(): Promise<void>;
};

export type EmbeddedOptions = {
  readonly dataDirectory: string;
  readonly log: Log;
  readonly purpose?: Purpose;
  readonly settings?: StartOptions['settings'];
};

/**
 * Starts the data directory's database, made on the first start. While a command holds the directory, a
 * server waits for it to end.
 * @throws DataDirectoryInUse naming the process that uses the directory
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDirectory = await prepareDataDirectory(options.dataDirectory);
  const lock = await lockAfterCommands(dataDirectory, options.purpose ?? 'server');
  try {
    return await startLocked(dataDirectory, lock, options);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startLocked(
  dataDirectory: string,
  lock: DataDirectoryLock,
  { log, purpose, settings }: EmbeddedOptions,
): Promise<EmbeddedPostgres> {
  const account = await accountOf(dataDirectory, await systemAccount());
  const binaries = await reachableBinaries(account);
  const cluster = await prepareCluster(dataDirectory, { binaries, account });
  const adopted = await stopOrphan(cluster.directory);
  if (adopted) log.warn('Stopped the database that a killed process had left running.');
  const startOptions: StartOptions = {
    binaries,
    logFile: join(dataDirectory, 'postgres.log'),
    ...(settings && { settings }),
  };
  const first = await startPostmaster(cluster, startOptions);
  const supervised = supervise({ ...cluster, port: first.port }, first, startOptions, log);
  const databaseUrl = urlOf(cluster, first.port, DATABASE_NAME);
  try {
    await ensureDatabase(urlOf(cluster, first.port, 'postgres'));
    // Only now may others find it.
    await recordPort(dataDirectory, cluster, first.port);
  } catch (error) {
    await supervised.stop();
    throw error;
  }
  log.info(`Database in ${cluster.directory}, port ${first.port}.`);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    if (purpose === 'command') await waitForBorrowers(dataDirectory, lock);
    await supervised.stop();
    await lock.release();
  };
  return {
    databaseUrl,
    adopted,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Starts the server again, at the same port, when it ends though nobody stopped it. */
function supervise(
  cluster: Cluster,
  first: StartedPostmaster,
  options: StartOptions,
  log: Log,
): { stop(): Promise<void> } {
  let stopping = false;
  let current = first;
  let startedAt = performance.now();
  let shortLives = 0;
  let restart = Promise.resolve();
  const watch = () => {
    current.ended.then(() => {
      if (!stopping) restart = revive();
    });
  };
  const revive = async () => {
    shortLives = performance.now() - startedAt < SHORT_LIFE_MS ? shortLives + 1 : 0;
    if (shortLives > SHORT_LIVES_MAX) {
      log.warn(`The database keeps ending; it stays down. See ${options.logFile}.`);
      return;
    }
    log.warn('The database ended unexpectedly; starting it again.');
    try {
      current = await startPostmaster(cluster, { ...options, keepPort: true });
      startedAt = performance.now();
      watch();
    } catch (error) {
      log.warn(`The database could not be started again: ${(error as Error).message}`);
    }
  };
  watch();
  return {
    stop: async () => {
      stopping = true;
      await restart;
      await stopPostmaster(current.identity);
    },
  };
}

/** The URL of the database that a live process runs on this data directory, once it takes connections. */
export async function findRunningDatabase(dataDirectory: string): Promise<string | undefined> {
  const holder = await findHolder(dataDirectory);
  const record = holder && (await readClusterRecord(dataDirectory));
  if (!record) return undefined;
  const postmaster = await findPostmaster(record.directory);
  const complete = postmaster?.ready && postmaster.port === record.port;
  return complete ? urlOf(record, postmaster.port, DATABASE_NAME) : undefined;
}

/**
 * A database for a command: the configured one, the running server's, or one started until `close`. Commands
 * that run at once share what the first started.
 */
export async function openDatabaseUrl(
  config: { readonly databaseUrl: string | undefined; readonly dataDirectory: string },
  log: Log,
): Promise<{ readonly databaseUrl: string; close(): Promise<void> }> {
  if (config.databaseUrl !== undefined) {
    return { databaseUrl: config.databaseUrl, close: async () => {} };
  }
  const dataDirectory = await prepareDataDirectory(config.dataDirectory);
  const deadline = performance.now() + WAIT_FOR_OTHERS_MS;
  for (;;) {
    const borrowed = await borrow(dataDirectory);
    if (borrowed) return borrowed;
    try {
      const started = await startEmbeddedPostgres({ dataDirectory, log, purpose: 'command' });
      return { databaseUrl: started.databaseUrl, close: () => started.stop() };
    } catch (error) {
      if (!(error instanceof DataDirectoryInUse) || performance.now() > deadline) throw error;
    }
    await pause();
  }
}

/** Registered first, then looked: a holder that is about to stop either sees us or has said that it closes. */
async function borrow(dataDirectory: string) {
  if (!(await findHolder(dataDirectory))) return undefined;
  const borrower = await registerBorrower(dataDirectory);
  const holder = await findHolder(dataDirectory);
  const databaseUrl =
    holder && !holder.closing ? await findRunningDatabase(dataDirectory) : undefined;
  if (databaseUrl !== undefined) return { databaseUrl, close: borrower.release };
  await borrower.release();
  return undefined;
}

async function waitForBorrowers(dataDirectory: string, lock: DataDirectoryLock): Promise<void> {
  const deadline = performance.now() + WAIT_FOR_BORROWERS_MS;
  while (performance.now() < deadline) {
    if (!(await hasBorrowers(dataDirectory))) {
      await lock.announceClosing(true);
      if (!(await hasBorrowers(dataDirectory))) return;
      await lock.announceClosing(false);
    }
    await pause();
  }
}

async function lockAfterCommands(dataDirectory: string, purpose: Purpose) {
  const deadline = performance.now() + WAIT_FOR_OTHERS_MS;
  for (;;) {
    try {
      return await lockDataDirectory(dataDirectory, purpose);
    } catch (error) {
      const passing = error instanceof DataDirectoryInUse && error.holder?.purpose === 'command';
      if (!passing || purpose === 'command' || performance.now() > deadline) throw error;
    }
    await pause();
  }
}

function urlOf(cluster: { readonly password: string }, port: number, database: string): string {
  return `postgres://${DATABASE_NAME}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const known = await client.query('select 1 from pg_database where datname = $1', [
      DATABASE_NAME,
    ]);
    if (known.rowCount === 0) await client.query(`create database ${DATABASE_NAME}`);
  } finally {
    await client.end();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
