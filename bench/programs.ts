/** The processes of a measurement: the server as firms run it, the load generator, and the peer. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Load, Sent } from './load-generator.ts';
import type { PeerLoad, PeerRun } from './peer.ts';

const START_MS = 60_000;

function fileIn(folder: string, name: string): string {
  return fileURLToPath(new URL(`../${folder}/${name}`, import.meta.url));
}

export type RunningServer = { readonly port: number; stop(): Promise<void> };

/** Starts `checkvalve start` on a database and waits until it is ready. */
export async function startServer(given: {
  readonly databaseUrl: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly nodeOptions: readonly string[];
}): Promise<RunningServer> {
  const { databaseUrl, dataDirectory, port } = given;
  const options = ['--port', `${port}`, '--database-url', databaseUrl, '--data', dataDirectory];
  const child = spawn(
    process.execPath,
    [...given.nodeOptions, fileIn('src', 'main.ts'), 'start', ...options],
    {
      env: {
        ...process.env,
        CHECKVALVE_LOG_LEVEL: 'warn',
        // The limit for each sender is above any rate measured here.
        CHECKVALVE_WEBHOOK_REQUESTS_PER_SECOND: '1000000',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  const deadline = performance.now() + START_MS;
  while (!(await isReady(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error('the server did not become ready');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    port,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Runs a load in its own process and resolves to what was sent and answered. */
export function sendLoad(load: Load): Promise<Sent> {
  return resultOf<Sent>(fork(fileIn('bench', 'load-generator.ts'), [JSON.stringify(load)]));
}

/** Runs the peer in its own process. */
export function runPeer(load: PeerLoad): Promise<PeerRun> {
  return resultOf<PeerRun>(fork(fileIn('bench', 'peer.ts'), [JSON.stringify(load)]));
}

async function resultOf<Result>(child: ChildProcess): Promise<Result> {
  let result: Result | undefined;
  child.once('message', (message) => {
    result = message as Result;
  });
  const [code] = await once(child, 'exit');
  if (result === undefined) throw new Error(`${child.spawnargs[1]} ended with ${code}`);
  return result;
}
