/** The embedded database is started, killed and found again, as it happens on a real machine. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import {
  QUIET,
  removeDataDirectory,
  temporaryDataDirectory,
} from '../../test/support/test-server.ts';
import { readClusterRecord } from './cluster.ts';
import { DataDirectoryInUse, findHolder } from './data-directory.ts';
import { findRunningDatabase, openDatabaseUrl, startEmbeddedPostgres } from './embedded-server.ts';
import { findPostmaster } from './postmaster.ts';

function temporaryDirectory(t: TestContext): string {
  const dataDirectory = temporaryDataDirectory();
  t.after(() => removeDataDirectory(dataDirectory));
  return dataDirectory;
}

const start = (dataDirectory: string) => startEmbeddedPostgres({ dataDirectory, log: QUIET });

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Another process that starts the database and says so; `end` is how it goes. */
async function startElsewhere(t: TestContext, dataDirectory: string) {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(import.meta.resolve('./embedded-server.ts'))});
    const log = { info() {}, warn() {} };
    const server = await startEmbeddedPostgres({ dataDirectory: process.argv[1], log });
    console.log(server.databaseUrl);
    process.stdin.resume().once('end', () => server.stop());`;
  const child: ChildProcess = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, dataDirectory],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  const [databaseUrl] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return {
    pid: child.pid!,
    databaseUrl,
    end: async (how: 'stop' | 'kill') => {
      const exit = once(child, 'exit');
      if (how === 'kill') child.kill('SIGKILL');
      else child.stdin!.end();
      await exit;
    },
  };
}

test('data, password and port outlive a restart; settings are durable ones', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const first = await start(dataDirectory);
  assert.equal(first.adopted, false);
  await query(first.databaseUrl, "create table mark as select 'kept' as word");
  const settings = await query(
    first.databaseUrl,
    `select string_agg(name || '=' || setting, ' ' order by name) as text from pg_settings
      where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums',
        'listen_addresses', 'server_encoding')`,
  );
  assert.equal(
    settings[0]?.text,
    'data_checksums=on fsync=on full_page_writes=on listen_addresses=127.0.0.1 ' +
      'server_encoding=UTF8 synchronous_commit=on',
  );
  assert.equal(await findRunningDatabase(dataDirectory), first.databaseUrl);
  await Promise.all([first.stop(), first.stop()]);
  assert.equal(await findRunningDatabase(dataDirectory), undefined);

  const second = await start(dataDirectory);
  assert.equal(second.databaseUrl, first.databaseUrl);
  assert.deepEqual(await query(second.databaseUrl, 'select word from mark'), [{ word: 'kept' }]);
  await second.stop();
});

test('a wrong password is refused, and nothing secret is written to the log', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const server = await start(dataDirectory);
  const url = new URL(server.databaseUrl);
  url.password = 'guess';
  await assert.rejects(query(url.href, 'select 1'), /password authentication failed/);
  await assert.rejects(
    query(server.databaseUrl, `select 'ann@example.com'::integer, 'payer'`),
    /invalid input syntax/,
  );
  await server.stop();
  const log = await readFile(join(dataDirectory, 'postgres.log'), 'utf8');
  assert.doesNotMatch(log, /'payer'/);
});

test('after kill -9 of the parent the orphan is stopped and its data is there', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const killed = await startElsewhere(t, dataDirectory);
  await query(killed.databaseUrl, "create table mark as select 'committed' as word");
  await killed.end('kill');
  const { directory } = (await readClusterRecord(dataDirectory))!;
  const orphan = await findPostmaster(directory);
  assert.ok(orphan, 'PostgreSQL lives on without its parent');
  assert.equal(await findRunningDatabase(dataDirectory), undefined);

  const server = await start(dataDirectory);
  assert.equal(server.adopted, true);
  assert.notEqual((await findPostmaster(directory))?.identity.pid, orphan.identity.pid);
  assert.deepEqual(await query(server.databaseUrl, 'select word from mark'), [
    { word: 'committed' },
  ]);
  await server.stop();
});

test('a pid file whose process is gone, or whose pid is now another process, is stale', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  await (await start(dataDirectory)).stop();
  const { directory } = (await readClusterRecord(dataDirectory))!;
  const gone = spawn('true');
  await once(gone, 'exit');
  for (const pid of [gone.pid!, process.pid]) {
    const pidFile = [pid, directory, 1_700_000_000, 1, '', '127.0.0.1', '   1   1', 'ready', ''];
    await writeFile(join(directory, 'postmaster.pid'), pidFile.join('\n'));
    const lock = { pid, startMark: 'before the reboot', purpose: 'server' };
    await writeFile(join(dataDirectory, 'checkvalve.lock'), JSON.stringify(lock));
    const server = await start(dataDirectory);
    assert.equal(server.adopted, false);
    await server.stop();
  }
});

test('a second start says who uses the directory; starts at once leave exactly one', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const other = await startElsewhere(t, dataDirectory);
  await assert.rejects(start(dataDirectory), (error) => {
    assert.ok(error instanceof DataDirectoryInUse);
    assert.match(error.message, new RegExp(`^Process ${other.pid} already uses .*--data\\.$`));
    return true;
  });
  assert.deepEqual(await query(other.databaseUrl, 'select 1 as one'), [{ one: 1 }]);
  await other.end('kill');

  const starts = await Promise.allSettled([1, 2, 3, 4].map(() => start(dataDirectory)));
  const started = starts.filter((outcome) => outcome.status === 'fulfilled');
  assert.equal(started.length, 1);
  await started[0]!.value.stop();
  assert.equal(await findHolder(dataDirectory), undefined);
});

test('commands use the running server, and share what the first of them starts', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const config = { databaseUrl: undefined, dataDirectory };
  const first = await openDatabaseUrl(config, QUIET);
  const second = await openDatabaseUrl(config, QUIET);
  assert.equal(second.databaseUrl, first.databaseUrl);
  const closing = first.close();
  assert.deepEqual(await query(second.databaseUrl, 'select 1 as one'), [{ one: 1 }]);
  await second.close();
  await closing;
  assert.equal(await findHolder(dataDirectory), undefined);

  const server = await startElsewhere(t, dataDirectory);
  const command = await openDatabaseUrl(config, QUIET);
  assert.equal(command.databaseUrl, server.databaseUrl);
  await command.close();
  await server.end('stop');
  const configured = await openDatabaseUrl({ ...config, databaseUrl: 'postgres://x/y' }, QUIET);
  assert.equal(configured.databaseUrl, 'postgres://x/y');
});

test('a server starts once a command that runs has ended', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const command = await openDatabaseUrl({ databaseUrl: undefined, dataDirectory }, QUIET);
  const starting = start(dataDirectory);
  await command.close();
  await (await starting).stop();
});

test('a server that is killed alone is started again at the same address', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const server = await start(dataDirectory);
  const { directory } = (await readClusterRecord(dataDirectory))!;
  const before = (await findPostmaster(directory))!.identity.pid;
  process.kill(before, 'SIGKILL');
  const deadline = performance.now() + 20_000;
  let now = await findPostmaster(directory);
  while (!(now?.ready && now.identity.pid !== before) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    now = await findPostmaster(directory);
  }
  assert.deepEqual(await query(server.databaseUrl, 'select 1 as one'), [{ one: 1 }]);
  await server.stop();
});

test('a half-made database is made anew, a missing one is an error', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  await (await start(dataDirectory)).stop();
  const recordFile = join(dataDirectory, 'postgres.json');
  const record = await readFile(recordFile, 'utf8');
  await rm(join(dataDirectory, 'postgres', 'PG_VERSION'));
  await assert.rejects(start(dataDirectory), /should be in .*postgres, but is not there/);
  await writeFile(recordFile, record.replace('"ready"', '"creating"'));
  await (await start(dataDirectory)).stop();
  await writeFile(recordFile, '{');
  await assert.rejects(start(dataDirectory), /postgres\.json is damaged/);
});

test('a data directory may be copied while it runs, and the copy has a life of its own', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const copied = temporaryDirectory(t);
  const original = await start(dataDirectory);
  execFileSync('cp', ['-a', dataDirectory, copied]);
  await rm(join(copied, 'checkvalve.lock'));
  const copy = await start(copied);
  await query(copy.databaseUrl, 'create table only_here (id integer)');
  const there = await query(original.databaseUrl, "select to_regclass('only_here') as found");
  assert.equal(there[0]?.found, null);
  await copy.stop();
  await original.stop();
});
