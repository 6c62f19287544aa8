/** A fresh, migrated database for each test that wants one. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findRunningDatabase } from '../../src/db/embedded-server.ts';
import { migrate } from '../../src/db/migrate.ts';
import { temporaryDataDirectory } from './test-server.ts';

/** Set by tools/test.ts; without it the tests of one checkout share a server that ends by itself. */
export const SERVER_VARIABLE = 'CHECKVALVE_TEST_DATABASE_URL';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);
const MIGRATE = new URL('../../src/db/migrate.ts', import.meta.url);
const PACKAGES = new URL('../../package-lock.json', import.meta.url);
/** Any constant will do; it only has to be the same in every test process. */
const TEMPLATE_LOCK = 48_700_001;
const SERVER_START_MS = 60_000;
/** PostgreSQL's code for "the template has connections"; they are those of a migration that just ended. */
const OBJECT_IN_USE = '55006';
const COPY_ATTEMPTS = 50;

export type TestDatabase = AsyncDisposable & {
  readonly url: string;
  readonly name: string;
};

let foundServer: Promise<string> | undefined;
let madeTemplate: Promise<string> | undefined;

/**
 * A new database with the newest schema, dropped with its connections at the end of the scope:
 * `await using database = await testDatabase();`
 */
export async function testDatabase(): Promise<TestDatabase> {
  madeTemplate ??= prepareTemplate();
  const server = await serverUrl();
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  await copyTemplate(server, { template: await madeTemplate, name });
  return {
    url: withDatabase(server, name),
    name,
    [Symbol.asyncDispose]: () =>
      administer(server, async (client) => {
        await client.query(`drop database ${name} with (force)`);
      }),
  };
}

/** A URL of the server's own database, with the right to make others. */
function serverUrl(): Promise<string> {
  foundServer ??= findServer();
  return foundServer;
}

async function findServer(): Promise<string> {
  const given = process.env[SERVER_VARIABLE];
  if (given) return given;
  const checkout = createHash('sha256')
    .update(import.meta.url)
    .digest('hex')
    .slice(0, 12);
  const dataDirectory = temporaryDataDirectory(checkout);
  const deadline = performance.now() + SERVER_START_MS;
  let started = false;
  while (performance.now() < deadline) {
    const url = await findRunningDatabase(dataDirectory);
    if (url !== undefined) return url;
    if (!started) {
      const program = fileURLToPath(new URL('shared-server.ts', import.meta.url));
      spawn(process.execPath, [program, dataDirectory], {
        detached: true,
        stdio: 'ignore',
      }).unref();
      started = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The test server in ${dataDirectory} did not start; see postgres.log there.`);
}

/** Made once per server and schema, by whichever process comes first. */
async function prepareTemplate(): Promise<string> {
  const url = await serverUrl();
  const name = `template_${await schemaHash()}`;
  await administer(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const known = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (known.rowCount !== 0) return;
    const draft = `${name}_draft`;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await migrate(withDatabase(url, draft));
    await retryWhileInUse(() => client.query(`alter database ${draft} rename to ${name}`));
  });
  return name;
}

/** Whatever decides what the schema is: our migrations, what runs them, and the job queue's version. */
async function schemaHash(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(MIGRATIONS)).sort();
  for (const file of [...names.map((name) => new URL(name, MIGRATIONS)), MIGRATE, PACKAGES]) {
    hash.update(file.pathname).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function copyTemplate(
  url: string,
  { template, name }: { readonly template: string; readonly name: string },
): Promise<void> {
  await administer(url, async (client) => {
    await retryWhileInUse(() => client.query(`create database ${name} template ${template}`));
  });
}

async function retryWhileInUse(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      const inUse = error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE;
      if (!inUse || attempt === COPY_ATTEMPTS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function administer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
