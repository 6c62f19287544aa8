import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { testDatabase } from './database.ts';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('each test has a migrated database of its own, gone at the end of its scope', async () => {
  const names: string[] = [];
  await using witness = await testDatabase();
  {
    const [first, second] = await Promise.all([testDatabase(), testDatabase()]);
    await using _first = first;
    await using _second = second;
    names.push(first.name, second.name);
    await query(first.url, 'create table mark (id integer)');
    assert.equal((await query(second.url, "select to_regclass('mark') as mark"))[0]?.mark, null);
    const migrations = await query(second.url, 'select number from migrations');
    assert.ok(migrations.length > 0);
  }
  const left = await query(witness.url, 'select datname from pg_database');
  assert.deepEqual(
    left.filter((row) => names.includes(String(row.datname))),
    [],
  );
});
