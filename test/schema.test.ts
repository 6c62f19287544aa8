import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { connectDatabase, type Database, sql } from '../src/db/database.ts';
import { listMigrations, migrate } from '../src/db/migrate.ts';
import { dumpSchema } from '../src/db/schema-dump.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

let database: TestDatabase;
let db: Database;
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 2 });
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});

test('schema.sql is what the migrations make', async () => {
  const committed = await readFile(new URL('../schema.sql', import.meta.url), 'utf8');
  const current = await dumpSchema(db);
  assert.equal(current, committed, 'run: sh tools/node.sh tools/dump-schema.ts');
});

describe('every table distributes by organization', () => {
  /** Tables of the installation, not of an organization: which steps ran, and which nodes do. */
  const SHARED = ['migrations', 'nodes'];

  test('organization_id is first in every primary, unique and foreign key', async () => {
    const keys = await db.query<{ table: string; name: string; first: string }>(
      sql`select c.relname as table, k.conname as name, a.attname as first
          from pg_constraint k join pg_class c on c.oid = k.conrelid
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
          where k.connamespace = 'public'::regnamespace and k.contype in ('p', 'u', 'f')
            and c.relname <> all(${SHARED})`,
    );
    assert.ok(keys.length > 50);
    assert.deepEqual(
      keys.filter(({ first }) => first !== 'organization_id'),
      [],
    );
  });

  test('and in every unique index', async () => {
    const indexes = await db.query<{ index: string; first: string }>(
      sql`select i.indexrelid::regclass::text as index, a.attname as first
          from pg_index i join pg_class c on c.oid = i.indrelid
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
          where c.relnamespace = 'public'::regnamespace and i.indisunique
            and c.relname <> all(${SHARED})`,
    );
    assert.deepEqual(
      indexes.filter(({ first }) => first !== 'organization_id'),
      [],
    );
  });

  test('a foreign key refers to the same organization', async () => {
    const keys = await db.query<{ name: string; first: string }>(
      sql`select k.conrelid::regclass || '.' || k.conname as name, a.attname as first
          from pg_constraint k
          join pg_attribute a on a.attrelid = k.confrelid and a.attnum = k.confkey[1]
          where k.connamespace = 'public'::regnamespace and k.contype = 'f'`,
    );
    assert.deepEqual(
      keys.filter(({ first }) => first !== 'organization_id'),
      [],
    );
  });

  test('every table has a primary key, and organization_id unless it is shared', async () => {
    const tables = await db.query<{ name: string; keyed: boolean; tenant: boolean }>(
      sql`select c.relname as name,
            exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p') as keyed,
            exists (select from pg_attribute a where a.attrelid = c.oid
              and a.attname = 'organization_id' and a.attnotnull) as tenant
          from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`,
    );
    assert.deepEqual(
      tables.filter(({ keyed }) => !keyed),
      [],
    );
    assert.deepEqual(
      tables
        .filter(({ tenant }) => !tenant)
        .map(({ name }) => name)
        .sort(),
      SHARED,
    );
  });

  test('money is bigint beside a currency, never a fraction', async () => {
    const columns = await db.query<{ column: string; type: string }>(
      sql`select table_name || '.' || column_name as column, data_type as type
          from information_schema.columns where table_schema = 'public'
            and (column_name like '%\\_minor' or data_type in ('numeric', 'real', 'double precision', 'money'))`,
    );
    assert.ok(columns.length > 10);
    assert.deepEqual(
      columns.filter(({ type }) => type !== 'bigint'),
      [],
    );
  });
});

describe('migrations', () => {
  test('are numbered without gaps', async () => {
    const steps = await listMigrations();
    assert.deepEqual(
      steps.map(({ number }) => number),
      steps.map((_, index) => index + 1),
    );
  });

  test('run once when four nodes start together on an empty database', async () => {
    await using empty = await emptyDatabase();
    await Promise.all(Array.from({ length: 4 }, () => migrate(empty.url)));
    const fresh = connectDatabase(empty.url, { poolSize: 1 });
    try {
      const rows = await fresh.query<{ number: number }>(
        sql`select number from migrations order by number`,
      );
      assert.deepEqual(
        rows.map(({ number }) => number),
        (await listMigrations()).map(({ number }) => number),
      );
      const firms = await fresh.query(sql`select from organizations`);
      assert.equal(firms.length, 1);
      assert.equal(await dumpSchema(fresh), await dumpSchema(db));
    } finally {
      await fresh.close();
    }
  });

  test('a database newer than the code is refused, and is left as it was', async () => {
    await using newer = await testDatabase();
    const future = connectDatabase(newer.url, { poolSize: 1 });
    try {
      await future.execute(sql`insert into migrations (number, name) values (9001, '9001_x.sql')`);
      await assert.rejects(
        migrate(newer.url),
        /^Error: The database has migration 9001, which this .* does not know\. Start the newer version/,
      );
      const [row] = await future.query<{ count: bigint }>(
        sql`select count(*) as count from migrations`,
      );
      assert.equal(row?.count, BigInt((await listMigrations()).length + 1));
    } finally {
      await future.close();
    }
  });
});

/** A database without any schema, beside the test's own. */
async function emptyDatabase(): Promise<AsyncDisposable & { readonly url: string }> {
  const name = `${database.name}_empty`;
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`create database ${name} template template0`);
  const url = new URL(database.url);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      await client.query(`drop database ${name} with (force)`);
      await client.end();
    },
  };
}
