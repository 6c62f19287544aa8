/** PostgreSQL servers for tests: in the system's temporary folder, and never left there for good. */
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { readClusterRecord } from '../../src/db/cluster.ts';
import { findHolder } from '../../src/db/data-directory.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded-server.ts';
import { SYSTEM_DIRECTORY } from '../../src/db/postgres-binaries.ts';
import { stopOrphan } from '../../src/db/postmaster.ts';

const PREFIX = 'checkvalve-test-';
export const QUIET = { info: () => {}, warn: () => {} };

/** A path of its own in the temporary folder; `sharedBy` makes it the same for all who say the same. */
export function temporaryDataDirectory(sharedBy?: string): string {
  const owner = process.getuid?.() ?? 'user';
  return join(tmpdir(), `${PREFIX}${owner}-${sharedBy ?? crypto.randomUUID()}`);
}

/** Starts a server for tests. What tests write need not survive a power failure, so nothing is flushed. */
export function startTestServer(dataDirectory: string): Promise<EmbeddedPostgres> {
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  return startEmbeddedPostgres({ dataDirectory, log: QUIET, settings });
}

/** Deletes a data directory, what root keeps for it elsewhere, and a server that was left in it. */
export async function removeDataDirectory(dataDirectory: string): Promise<void> {
  const record = await readClusterRecord(dataDirectory).catch(() => undefined);
  if (record) {
    await stopOrphan(record.directory);
    const outside = dirname(record.directory);
    if (dirname(outside) === SYSTEM_DIRECTORY) await rm(outside, { recursive: true, force: true });
  }
  await rm(dataDirectory, { recursive: true, force: true });
}

/** Removes what test runs that were killed have left. */
export async function removeAbandonedServers(): Promise<void> {
  const prefix = basename(temporaryDataDirectory(''));
  for (const name of await readdir(tmpdir())) {
    const path = join(tmpdir(), name);
    if (!name.startsWith(prefix) || (await findHolder(path))) continue;
    // Without a record nothing has been started there yet: somebody may be about to.
    if (await readClusterRecord(path).catch(() => undefined)) await removeDataDirectory(path);
  }
}
