/** For tests: the real server with a real database and a running applier, on a loopback port. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDatabase } from '../../test/support/database.ts';
import { type App, openApp } from '../app.ts';
import { readConfig } from '../config.ts';
import type { Role } from './access.ts';
import { createApiKey } from './api-keys.ts';
import { buildServer } from './server.ts';

export type TestServer = AsyncDisposable & {
  readonly app: App;
  readonly url: string;
  /** Calls the API as an owner, or with the key given; `body` is sent as JSON. */
  call(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown;
      /** Sent as it is, in place of `body`. */
      readonly text?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly key?: string;
    },
  ): Promise<Answer>;
  keyFor(role: Role): Promise<string>;
};

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the API answered.
  readonly body: any;
};

/** Starts it; `await using server = await startTestServer()`. */
export async function startTestServer(): Promise<TestServer> {
  const database = await testDatabase();
  const files = await mkdtemp(join(tmpdir(), 'checkvalve-files-'));
  const config = readConfig({
    environment: {
      DATABASE_URL: database.url,
      CHECKVALVE_FILES_DIR: files,
      CHECKVALVE_LOG_LEVEL: 'silent',
      CHECKVALVE_MASTER_KEY: randomBytes(32).toString('base64'),
      CHECKVALVE_PUBLIC_URL: 'http://checkvalve.test',
    },
  });
  const app = await openApp(config, { work: true });
  const server = await buildServer(app);
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const keyFor = async (role: Role) => {
    const input = { organizationId: 1, name: `test ${role}`, role, actor: 'test' };
    return (await createApiKey(app.database, input)).key;
  };
  const owner = await keyFor('owner');
  return {
    app,
    url,
    keyFor,
    call: async (method, path, options = {}) => {
      const sent = options.body === undefined ? options.text : JSON.stringify(options.body);
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${options.key ?? owner}`,
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
      });
      const text = await response.text();
      const json = response.headers.get('content-type')?.includes('json');
      return {
        status: response.status,
        headers: response.headers,
        body: json ? JSON.parse(text) : text,
      };
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await app.close();
      await database[Symbol.asyncDispose]();
      await rm(files, { recursive: true });
    },
  };
}
