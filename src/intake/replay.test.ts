import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openTestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { replayDocument } from './replay.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

test('only what was set aside can be tried again, and every attempt is kept', async () => {
  await using books = await openTestBooks(database.url);
  const { db, organizationId } = books;
  const stripe = await books.connect('stripe');
  const unreadable = (await books.webhook(stripe, Buffer.from('{"id":'))) ?? 0n;
  const applied = await books.own({ kind: 'customer.upserted', externalId: 'C-1' });

  const waiting = await replayDocument(db, organizationId, unreadable);
  assert.deepEqual(waiting, { status: 'queued' }, 'it waits already');
  await books.apply();

  assert.deepEqual(await replayDocument(db, organizationId, applied), {
    status: 'refused',
    reason: `doc_${applied} was applied; its effect stands and a replay would change nothing`,
  });
  assert.deepEqual(await replayDocument(db, organizationId, 999_999n), {
    status: 'refused',
    reason: 'doc_999999 does not exist',
  });
  const [once, twice] = await Promise.all([
    replayDocument(db, organizationId, unreadable),
    replayDocument(db, organizationId, unreadable),
  ]);
  assert.deepEqual([once, twice], [{ status: 'queued' }, { status: 'queued' }]);
  await books.apply();
  const attempts = await db.query<{ status: string }>(
    sql`select status from outcomes where organization_id = ${organizationId}
        and document_id = ${unreadable} order by sequence`,
  );
  assert.deepEqual(
    attempts.map(({ status }) => status),
    ['quarantined', 'quarantined'],
  );
});

test('a document of another organization does not exist', async () => {
  await using books = await openTestBooks(database.url);
  const document = await books.own({ kind: 'customer.upserted', externalId: 'C-1' });
  const result = await replayDocument(books.db, books.organizationId + 1, document);
  assert.equal(result.status, 'refused');
});
