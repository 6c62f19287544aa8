import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import { OWN_CONNECTION } from './own-document.ts';
import { countRefusals } from './refusals.ts';

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

const forged = {
  organizationId: 1,
  connectionId: OWN_CONNECTION,
  code: 'signature-wrong',
  because: 'the first',
};

test('a flood is one row an hour, with the last reason', async () => {
  let now = new Date('2026-11-21T08:59:59.000Z');
  const refusals = countRefusals(db, () => now);
  for (let count = 0; count < 1000; count += 1) refusals.count(forged);
  await refusals.flush();
  refusals.count({ ...forged, because: 'the last' });
  now = new Date('2026-11-21T09:00:00.000Z');
  refusals.count(forged);
  refusals.count({ ...forged, code: 'timestamp-stale' });
  await refusals.close();
  const rows = await db.query(
    sql`select code, hour, count, last_because, last_at from refusals order by code, hour`,
  );
  assert.deepEqual(rows, [
    {
      code: 'signature-wrong',
      hour: '2026-11-21T08:00:00.000Z',
      count: 1001n,
      last_because: 'the last',
      last_at: '2026-11-21T08:59:59.000Z',
    },
    {
      code: 'signature-wrong',
      hour: '2026-11-21T09:00:00.000Z',
      count: 1n,
      last_because: 'the first',
      last_at: '2026-11-21T09:00:00.000Z',
    },
    {
      code: 'timestamp-stale',
      hour: '2026-11-21T09:00:00.000Z',
      count: 1n,
      last_because: 'the first',
      last_at: '2026-11-21T09:00:00.000Z',
    },
  ]);
});

test('what cannot be written keeps nobody from stopping', async () => {
  const refusals = countRefusals(db, () => new Date());
  refusals.count({ ...forged, connectionId: 'con_gone' });
  await refusals.close();
});
