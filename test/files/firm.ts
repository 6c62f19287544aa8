/** A firm on the server as it is shipped, with a directory of folders that tests put files into. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type CommandSettings, runCommand, serverProcess } from '../crash/server-process.ts';
import { testDatabase } from '../support/database.ts';

export type Firm = AsyncDisposable & {
  readonly filesDirectory: string;
  /** The address of the server that runs now; each start has another. */
  url(): string | undefined;
  /** Kills the server and starts it again. */
  restart(): Promise<void>;
  /** Calls the API as the owner; resolves to the JSON, or the bytes of what is none. @throws unless answered 2xx */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Runs a command of the command line to its end; resolves to what it printed. @throws unless it ends with 0 */
  command(...words: string[]): Promise<string>;
};

const PATIENCE_MS = 60_000;

export async function openFirm(environment: Readonly<Record<string, string>> = {}): Promise<Firm> {
  const database = await testDatabase();
  const filesDirectory = await mkdtemp(join(tmpdir(), 'checkvalve-files-'));
  const settings: CommandSettings = {
    where: ['--database-url', database.url, '--files', filesDirectory],
    environment: {
      CHECKVALVE_MASTER_KEY: randomBytes(32).toString('base64'),
      CHECKVALVE_LOG_LEVEL: 'silent',
      ...environment,
    },
  };
  const server = serverProcess(settings);
  const close = async (): Promise<void> => {
    await server.kill();
    await database[Symbol.asyncDispose]();
    await rm(filesDirectory, { recursive: true });
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
      filesDirectory,
      url: server.url,
      command,
      restart: async () => {
        await server.kill();
        await server.start();
      },
      call: (method, path, body) => call(`${server.url()}/api/v1${path}`, { method, key, body }),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function call<T>(
  url: string,
  { method, key, body }: { readonly method: string; readonly key: string; readonly body: unknown },
): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${bytes}`);
  const isJson = answer.headers.get('content-type')?.includes('json');
  return (isJson ? JSON.parse(bytes.toString()) : bytes) as T;
}

/** Asks until there is an answer. @throws Error when none comes in time */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`${what} did not happen in time`);
    await setTimeout(200);
  }
}
