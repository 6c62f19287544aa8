import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import { connectionCache, createConnection, updateConnection } from './connections.ts';
import { nameOfDirectory, readFailedFiles } from './failed-files.ts';
import { createSealer } from './sealing.ts';
import { type Watch, type WatchContext, watchFolders } from './watch-folders.ts';
import { type Folder, folderOf } from './watched-folder.ts';

const ORGANIZATION = 1;
const CAMT = readFileSync(
  new URL('../portals/generic/fixtures/file-bank-camt053.in.xml', import.meta.url),
);

let database: TestDatabase;
let db: Database;
let filesDirectory: string;
let ctx: WatchContext;
let at = Date.parse('2026-11-21T23:30:00.000Z');
let id: string;
let folder: Folder;

before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 4 });
  filesDirectory = await mkdtemp(join(tmpdir(), 'checkvalve-files-'));
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  const now = () => new Date(at);
  ctx = {
    database: db,
    sealer,
    now,
    log: pino({ level: 'silent' }),
    connections: connectionCache({ database: db, sealer }, now),
    filesDirectory,
    wakeApplier: () => {},
  };
  await db.execute(sql`update organizations set time_zone = 'Europe/Berlin'`);
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
  await rm(filesDirectory, { recursive: true });
});
beforeEach(async () => {
  await db.execute(sql`update connections set enabled = false`);
  const made = { organizationId: ORGANIZATION, portal: 'generic', name: 'Bank', role: 'source' };
  ({ id } = await createConnection(ctx, {
    ...made,
    role: 'source',
    settings: {},
    actor: 'test',
  }));
  folder = folderOf(filesDirectory, id);
  ctx.connections.drop();
});

const open = (more: Partial<WatchContext> = {}): Watch => watchFolders({ ...ctx, ...more }, 0);

/** Looks as often as it takes for what is there now to be believed whole. */
async function settle(...watches: readonly Watch[]): Promise<void> {
  for (const passed of [0, 10_000]) {
    at += passed;
    await Promise.all(watches.map((watch) => watch.look()));
  }
}

const put = (name: string, body: Buffer | string = CAMT) => writeFile(join(folder.in, name), body);
const stored = async () => {
  const [row] = await db.query<{ count: bigint }>(
    sql`select count(*) from documents where connection_id = ${id}`,
  );
  return row?.count;
};
const audited = (verb: string) =>
  db.query<{ actor: string; details: Readonly<Record<string, unknown>> }>(
    sql`select actor, details from audit where subject = ${id} and verb = ${verb} order by id`,
  );
const failed = () => readFailedFiles(db, ORGANIZATION, [id]);

test('folders appear for a connection whose portal has files, and what is put there is taken in', async () => {
  const watch = open();
  await watch.look();
  await put('Auszug.xml');
  await settle(watch);
  assert.equal(await stored(), 4n);
  assert.deepEqual(await readdir(folder.in), []);
  assert.deepEqual(await readdir(folder.done), ['2026-11-22-Auszug.xml'], 'by the firm’s day');
  const [audit] = await audited('connection.file-uploaded');
  assert.equal(audit?.actor, 'watched folder');
  assert.equal(audit?.details.name, 'Auszug.xml');
  await put('Auszug.xml');
  await settle(watch);
  assert.equal(await stored(), 4n, 'the same file again is free');
  assert.deepEqual((await readdir(folder.done)).sort(), [
    '2026-11-22-Auszug-2.xml',
    '2026-11-22-Auszug.xml',
  ]);
});

test('a file that is still being written is left alone until it has been still for ten seconds', async () => {
  const watch = open();
  await watch.look();
  const half = CAMT.length / 2;
  await put('a.xml', CAMT.subarray(0, half));
  for (let look = 0; look < 5; look += 1) {
    await watch.look();
    at += 9_000;
    await appendFile(join(folder.in, 'a.xml'), CAMT.subarray(half + look, half + look + 1));
  }
  await appendFile(join(folder.in, 'a.xml'), CAMT.subarray(half + 5));
  await watch.look();
  at += 9_999;
  await watch.look();
  assert.equal(await stored(), 0n);
  at += 1;
  await watch.look();
  assert.equal(await stored(), 4n);
});

test('a file under a name for what is unfinished waits to be renamed', async () => {
  const watch = open();
  await watch.look();
  await put('a.xml.part');
  await settle(watch);
  assert.equal(await stored(), 0n);
  await rename(join(folder.in, 'a.xml.part'), join(folder.in, 'a.xml'));
  await settle(watch);
  assert.equal(await stored(), 4n);
});

test('nodes that share a directory agree on its name', async () => {
  const shared = await mkdtemp(join(tmpdir(), 'checkvalve-files-'));
  const names = await Promise.all(Array.from({ length: 8 }, () => nameOfDirectory(shared)));
  assert.equal(new Set(names).size, 1);
  assert.notEqual(names[0], '');
  assert.deepEqual(await readdir(shared), ['.directory']);
  await rm(shared, { recursive: true });
});

test('two watchers of one folder take each file once', async () => {
  const watches = [open(), open()];
  await settle(...watches);
  const names = Array.from({ length: 12 }, (_, number) => `${number}.xml`);
  for (const name of names) await put(name);
  await settle(...watches);
  await settle(...watches);
  assert.equal((await audited('connection.file-uploaded')).length, 12);
  assert.equal((await readdir(folder.done)).length, 12);
  assert.deepEqual(await readdir(folder.taking), []);
});

describe('when its process dies', () => {
  /** From a moment on its database cannot be reached any more, as after a kill. */
  const dying = (stored: number) => {
    let left = Number.POSITIVE_INFINITY;
    const context: WatchContext = {
      ...ctx,
      database: {
        ...db,
        transaction: async (work) => {
          left -= 1;
          if (left < 0) throw new Error('gone');
          return db.transaction(work);
        },
        query: async (text) => {
          if (stored > 0 && left === 0) throw new Error('gone');
          return db.query(text);
        },
      },
    };
    const arm = () => {
      left = stored;
    };
    return { context, arm };
  };

  for (const [when, after] of [
    ['before the file is stored', 0],
    ['after it was stored and before it is moved', 1],
  ] as const) {
    test(`${when}, another takes it up, and nothing is lost or doubled`, async () => {
      const { context, arm } = dying(after);
      const dead = open(context);
      const other = open();
      await other.look();
      await dead.look();
      arm();
      await put('a.xml');
      await settle(dead);
      assert.equal(await stored(), after === 0 ? 0n : 4n);
      assert.equal((await readdir(folder.taking)).length, 1);
      await other.look();
      assert.deepEqual(await readdir(folder.done), [], 'the other may still be at it');
      at += 120_000;
      await other.look();
      assert.equal(await stored(), 4n);
      assert.equal((await readdir(folder.done)).length, 1);
      assert.deepEqual(await readdir(folder.taking), []);
    });
  }

  test('one file that cannot be taken in keeps no other from it', async () => {
    const watch = open({ database: { ...db, transaction: failOnce(db) } });
    await watch.look();
    await put('a.xml');
    await put('b.xml', CAMT.toString().replace('<Document', '<!-- another --><Document'));
    await settle(watch);
    assert.equal((await readdir(folder.done)).length, 1);
    assert.equal((await readdir(folder.taking)).length, 1);
  });
});

/** Folders are mirrored in transactions too, so it fails at the second: the first file’s. */
function failOnce(real: Database): Database['transaction'] {
  let calls = 0;
  return async (work) => {
    calls += 1;
    if (calls === 2) throw new Error('gone');
    return real.transaction(work);
  };
}

describe('what cannot be taken in', () => {
  test('lies in failed with its reason, is seen by everybody, and not any more once it is taken away', async () => {
    const watch = open();
    await watch.look();
    await put('empty.csv', '');
    await put('huge.csv', '');
    await truncate(join(folder.in, 'huge.csv'), 2 ** 33);
    await settle(watch);
    assert.equal(await stored(), 0n);
    const why = await readFile(join(folder.failed, 'empty.csv.why.txt'), 'utf8');
    assert.equal(why, 'the file is empty.\n');
    const [empty, huge] = await failed();
    assert.equal(empty?.name, 'empty.csv');
    assert.match(huge?.because ?? '', /^the file has 8589934592 bytes; of Generic source at most/);
    const [audit] = await audited('connection.file-failed');
    assert.equal(audit?.details.name, 'empty.csv');
    await rm(join(folder.failed, 'empty.csv'));
    await rm(join(folder.failed, 'huge.csv'));
    await watch.look();
    assert.deepEqual(await failed(), []);
  });

  test('is told of each directory by itself', async () => {
    const watch = open();
    await watch.look();
    await put('empty.csv', '');
    await settle(watch);
    const elsewhere = await mkdtemp(join(tmpdir(), 'checkvalve-files-'));
    await open({ filesDirectory: elsewhere }).look();
    await rm(elsewhere, { recursive: true });
    assert.equal((await failed()).length, 1);
  });

  test('what of a stored file cannot be read is said in the audit and beside it', async () => {
    const watch = open();
    await watch.look();
    await put('a.xml', CAMT.toString().replace('10394.55', '10394.56'));
    await settle(watch);
    assert.deepEqual(await failed(), []);
    const [audit] = await audited('connection.file-uploaded');
    assert.match(String(audit?.details.setAside), /closing balance is 10394.56 EUR/);
    const why = await readFile(join(folder.done, '2026-11-22-a.xml.why.txt'), 'utf8');
    assert.match(why, /closing balance is 10394.56 EUR/);
  });
});

test('the folder of a connection that is switched off is left alone until it is on again', async () => {
  const watch = open();
  await watch.look();
  await put('a.xml');
  const change = (enabled: boolean) =>
    updateConnection(ctx, { organizationId: ORGANIZATION, id, enabled, actor: 'test' });
  await change(false);
  // The cache still believes that it is on: the claim is kept.
  await settle(watch);
  ctx.connections.drop();
  at += 120_000;
  await settle(watch);
  assert.equal(await stored(), 0n);
  assert.deepEqual(await readdir(folder.failed), []);
  await change(true);
  ctx.connections.drop();
  at += 120_000;
  await watch.look();
  assert.equal(await stored(), 4n);
});

test('a directory that cannot be used is said once and tried again', async () => {
  const told: unknown[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => told.push(line) });
  const taken = join(filesDirectory, 'a-file');
  await writeFile(taken, '');
  const watch = open({ log, filesDirectory: taken });
  await watch.look();
  await watch.look();
  assert.equal(told.length, 1);
  await rm(taken);
  await watch.look();
  assert.ok((await readdir(taken)).includes(id));
  await watch.stop();
});
