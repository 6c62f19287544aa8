/** Root's data directory where PostgreSQL's user cannot go: its files are kept elsewhere, and never mixed up. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { QUIET, removeDataDirectory } from '../../test/support/test-server.ts';
import { readClusterRecord } from './cluster.ts';
import { isRoot } from './data-directory.ts';
import { startEmbeddedPostgres } from './embedded-server.ts';
import { canEnter, SYSTEM_DIRECTORY, systemAccount } from './postgres-binaries.ts';

const skip = !isRoot() && 'an ordinary user runs PostgreSQL as itself and needs no other place';

test('the files are kept elsewhere, follow their data directory and are never shared', {
  skip,
}, async (t) => {
  // mkdtemp makes a directory that only its owner, root, may enter.
  const closed = await mkdtemp(join(tmpdir(), 'checkvalve-closed-'));
  const dataDirectory = join(closed, 'data');
  t.after(async () => {
    await removeDataDirectory(dataDirectory);
    await rm(closed, { recursive: true });
  });
  assert.equal(await canEnter(await systemAccount(), closed), false);
  const start = (directory: string) =>
    startEmbeddedPostgres({ dataDirectory: directory, log: QUIET });

  await (await start(dataDirectory)).stop();
  const { directory } = (await readClusterRecord(dataDirectory))!;
  assert.equal(dirname(dirname(directory)), SYSTEM_DIRECTORY);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.equal((await stat(join(dataDirectory, 'postgres.json'))).mode & 0o777, 0o600);

  const copy = join(closed, 'copy');
  await cp(dataDirectory, copy, { recursive: true });
  await assert.rejects(start(copy), /copy is a copy of .*data: both name the database/);
  await rm(copy, { recursive: true });

  const moved = join(closed, 'moved');
  await rename(dataDirectory, moved);
  await (await start(moved)).stop();
  assert.equal(await readFile(join(dirname(directory), 'belongs-to'), 'utf8'), moved);
  await rename(moved, dataDirectory);
  await (await start(dataDirectory)).stop();
});
