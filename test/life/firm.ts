/** One firm for all systems: its server, a process that is killed and started again, as people and portals see it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { seededRandom } from '../../simulators/random.ts';
import { connectDatabase, sql } from '../../src/db/database.ts';
import {
  type CommandSettings,
  runCommand,
  type ServerProcess,
  serverProcess,
} from '../crash/server-process.ts';
import { openBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/database.ts';

export type Firm = AsyncDisposable & {
  /** The one address of the server, before and after each kill. */
  readonly url: string;
  readonly server: ServerProcess;
  /** Calls the API as the owner. @throws unless it is answered 2xx */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  browser(): Promise<Browser>;
  /** Lets the minutes pass in which what recording left about a connection's records may not yet fit what it lists. */
  notesSettle(connectionId: string): Promise<void>;
  /** Runs a command of the command line to its end; resolves to what it printed. @throws unless it ends with 0 */
  command(...words: string[]): Promise<string>;
};

/** Below those that the kernel gives to anybody who does not ask for one. */
const PORTS = { from: 20_000, to: 30_000 };

export async function openFirm(seed: number): Promise<Firm> {
  const database = await testDatabase();
  const port = await freePort(seed);
  const url = `http://127.0.0.1:${port}`;
  const files = await mkdtemp(join(tmpdir(), 'checkvalve-life-'));
  const settings: CommandSettings = {
    where: ['--database-url', database.url],
    environment: {
      CHECKVALVE_MASTER_KEY: randomBytes(32).toString('base64'),
      CHECKVALVE_LOG_LEVEL: 'silent',
      CHECKVALVE_PUBLIC_URL: url,
      CHECKVALVE_FILES_DIR: files,
    },
  };
  const server = serverProcess(settings, port);
  let opened: Promise<Browser> | undefined;
  const close = async (): Promise<void> => {
    await (await opened)?.close();
    await server.kill();
    await database[Symbol.asyncDispose]();
    await rm(files, { recursive: true, force: true });
  };
  const command = async (...words: string[]): Promise<string> => {
    const { code, output } = await runCommand(words, settings);
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}:\n${output}`);
    return output;
  };
  try {
    await server.start();
    const made = await command('api-key', 'create', '--name', 'me', '--role', 'owner', '--json');
    const { key } = JSON.parse(made) as { key: string };
    return {
      url,
      server,
      command,
      notesSettle: (connectionId) => ageNotes(database.url, connectionId),
      call: (method, path, body) => call({ url, key }, { method, path, body }),
      browser: () => {
        opened ??= openBrowser();
        return opened;
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing else looks at when a note was kept, so that its time alone is set back. */
async function ageNotes(databaseUrl: string, connectionId: string): Promise<void> {
  const database = connectDatabase(databaseUrl, { poolSize: 1 });
  try {
    await database.execute(
      sql`update recording_notes set updated_at = updated_at - interval '3 minutes'
          where connection_id = ${connectionId}`,
    );
  } finally {
    await database.close();
  }
}

async function call<T>(
  { url, key }: { readonly url: string; readonly key: string },
  asked: { readonly method: string; readonly path: string; readonly body: unknown },
): Promise<T> {
  const { method, path, body } = asked;
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** The server must come back where it was, so another port each time will not do. */
async function freePort(seed: number): Promise<number> {
  const random = seededRandom(seed);
  for (let tries = 0; tries < 100; tries += 1) {
    const port = random.between(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
