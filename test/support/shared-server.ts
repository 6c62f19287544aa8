/**
 * The server behind tests that are run by hand, a process of its own: it starts with the first of them, is
 * shared by all, and removes itself once nobody has been connected for a while.
 */
import pg from 'pg';
import { DataDirectoryInUse } from '../../src/db/data-directory.ts';
import { removeDataDirectory, startTestServer } from './test-server.ts';

const IDLE_MS = 600_000;
const LOOK_MS = 10_000;

const dataDirectory = process.argv[2] ?? '';
try {
  await serve();
} catch (error) {
  // Another process was quicker; its server is the one to use.
  if (!(error instanceof DataDirectoryInUse)) throw error;
}

async function serve(): Promise<void> {
  const server = await startTestServer(dataDirectory);
  let ending = false;
  process.on('SIGTERM', () => {
    ending = true;
  });
  let usedAt = performance.now();
  while (!ending && performance.now() - usedAt < IDLE_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (await isUsed(server.databaseUrl)) usedAt = performance.now();
  }
  await server.stop();
  await removeDataDirectory(dataDirectory);
}

async function isUsed(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select count(*)::integer as clients from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    return rows[0].clients > 0;
  } finally {
    await client.end();
  }
}
