/** The running PostgreSQL server of one cluster directory: finding, starting and stopping it. */
import { spawn } from 'node:child_process';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { readIfPresent } from './data-directory.ts';
import { type Binaries, programOptions } from './postgres-binaries.ts';
import {
  identifyProcess,
  isAlive,
  isPostmasterOf,
  type ProcessIdentity,
  waitForEnd,
} from './process-identity.ts';

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_connections: '100',
  wal_compression: 'on',
  max_wal_size: '2GB',
  // A firm's first import grows empty tables a thousandfold; until they are analysed, plans are guesses.
  autovacuum_naptime: '5s',
  checkpoint_timeout: '15min',
  // Our statements are short; compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Statements and the details of errors hold customers' data, which has no place in a log.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
} as const;

const STOP_FAST_MS = 30_000;
const STOP_IMMEDIATE_MS = 10_000;
/** Long enough to replay `max_wal_size` on a slow disk after a crash. */
const START_MS = 300_000;
const START_ATTEMPTS = 40;
const RETRY_MS = 250;
const LOG_LIMIT_BYTES = 5 * 1024 * 1024;

export type Postmaster = { readonly identity: ProcessIdentity; readonly port: number };
export type StartOptions = {
  readonly binaries: Binaries;
  readonly logFile: string;
  /** Clients know the cluster's port: wait for it rather than take another. */
  readonly keepPort?: boolean;
  /** Settings of PostgreSQL that differ from ours, for tests and measurements. */
  readonly settings?: Readonly<Record<string, string>>;
};
export type StartedPostmaster = Postmaster & {
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
};

type PidFile = { readonly pid: number; readonly port: number; readonly ready: boolean };

async function readPidFile(directory: string): Promise<PidFile | undefined> {
  const lines = (await readIfPresent(join(directory, 'postmaster.pid')))?.split('\n');
  if (!lines) return undefined;
  // Lines: pid, data directory, start time, port, socket directory, address, shared memory, status.
  return {
    pid: Number(lines[0]),
    port: Number(lines[3]),
    ready: lines[7]?.trim() === 'ready',
  };
}

/** The live server of the directory; `ready` tells whether it takes connections. */
export async function findPostmaster(
  directory: string,
): Promise<(Postmaster & { readonly ready: boolean }) | undefined> {
  const file = await readPidFile(directory);
  if (!file || !Number.isSafeInteger(file.pid) || file.pid <= 1) return undefined;
  const identity = await identifyProcess(file.pid);
  if (!identity || !(await isPostmasterOf(file.pid, directory))) return undefined;
  return { identity, port: file.port, ready: file.ready };
}

/**
 * Ends a server that a killed process left behind, and removes a pid file whose pid is now somebody else's.
 * Resolves to whether there was such a server.
 */
export async function stopOrphan(directory: string): Promise<boolean> {
  const orphan = await findPostmaster(directory);
  if (orphan) {
    await stopPostmaster(orphan.identity);
    return true;
  }
  const file = await readPidFile(directory);
  // When no process has the pid, PostgreSQL itself proves that the file is stale, and more thoroughly.
  if (file && (await identifyProcess(file.pid))) await unlink(join(directory, 'postmaster.pid'));
  return false;
}

/** Fast shutdown, which is clean; immediate, which recovers at the next start, when that takes too long. */
export async function stopPostmaster(identity: ProcessIdentity): Promise<void> {
  const steps = [
    ['SIGINT', STOP_FAST_MS],
    ['SIGQUIT', STOP_IMMEDIATE_MS],
    ['SIGKILL', STOP_IMMEDIATE_MS],
  ] as const;
  for (const [signal, patienceMs] of steps) {
    if (!(await isAlive(identity))) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    if (await waitForEnd(identity, patienceMs)) return;
  }
  throw new Error(`PostgreSQL, process ${identity.pid}, does not end.`);
}

/**
 * Starts the server and waits until it takes connections. A port that was taken in the meantime, and the
 * last processes of a server that was killed, are waited out.
 */
export async function startPostmaster(
  cluster: Cluster,
  options: StartOptions,
): Promise<StartedPostmaster> {
  let preferred = cluster.port;
  for (let attempt = 1; ; attempt++) {
    const port = options.keepPort && preferred ? preferred : await freePort(preferred);
    const outcome = await tryStart(cluster, options, port);
    if ('identity' in outcome) return outcome;
    const portTaken = /could not bind|Address already in use/.test(outcome.log);
    const stillEnding = /pre-existing shared memory|lock file .* already exists/.test(outcome.log);
    if (attempt === START_ATTEMPTS || !(portTaken || stillEnding)) {
      throw new Error(
        `PostgreSQL did not start (see ${options.logFile}): ${outcome.log.trim() || 'it said nothing'}`,
      );
    }
    if (portTaken) preferred = undefined;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function tryStart(
  cluster: Cluster,
  { binaries, logFile, settings }: StartOptions,
  port: number,
): Promise<StartedPostmaster | { readonly log: string }> {
  const parameters = Object.entries({ ...SETTINGS, ...settings, port: `${port}` });
  const log = await openLog(logFile);
  const logStart = (await log.stat()).size;
  try {
    const child = spawn(
      binaries.postgres,
      [
        '-D',
        cluster.directory,
        ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      {
        ...programOptions(cluster.account),
        // A group of its own: Ctrl-C must reach us, who end the database last, and not the database.
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    child.unref();
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const identity = await waitUntilReady(cluster.directory, child.pid, ended);
    if (identity) return { identity, port, ended };
    const said = Buffer.alloc(4000);
    const { bytesRead } = await log.read(said, 0, said.length, logStart);
    return { log: said.toString('utf8', 0, bytesRead) };
  } finally {
    await log.close();
  }
}

async function waitUntilReady(
  directory: string,
  pid: number | undefined,
  ended: Promise<void>,
): Promise<ProcessIdentity | undefined> {
  let gone = false;
  ended.then(() => {
    gone = true;
  });
  const deadline = performance.now() + START_MS;
  while (!gone) {
    const file = await readPidFile(directory);
    if (file?.ready && file.pid === pid) return identifyProcess(file.pid);
    if (performance.now() > deadline) {
      const identity = pid === undefined ? undefined : await identifyProcess(pid);
      if (identity) await stopPostmaster(identity);
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}

/** Appends; the last log is kept beside it once it has grown. */
async function openLog(path: string) {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) await rename(path, `${path}.1`);
  return open(path, 'a+', 0o600);
}

/** `preferred` when nobody listens there, else any. */
async function freePort(preferred: number | undefined): Promise<number> {
  const port = await tryPort(preferred ?? 0);
  return port ?? (await tryPort(0)) ?? 0;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
