import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import { WireMismatch } from '../portals/kit/errors.ts';
import { OWN_CONNECTION } from './own-document.ts';
import {
  createIntake,
  type NewDocument,
  storableHeaders,
  storeDocuments,
  storeOwnRecord,
  storeOwnRecords,
} from './store.ts';

const ORGANIZATION = 1;
const NOW = new Date('2026-11-21T08:00:00.123Z');

let database: TestDatabase;
let db: Database;
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 6 });
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});

function document(key: string, more: Partial<NewDocument> = {}): NewDocument {
  return {
    organizationId: ORGANIZATION,
    connectionId: OWN_CONNECTION,
    origin: 'webhook',
    key,
    body: Buffer.from(`{"key":${JSON.stringify(key)}}`),
    headers: {},
    authentic: true,
    settingsVersion: 1,
    receivedAt: NOW,
    ...more,
  };
}

type Stored = {
  readonly dedupe_key: string;
  readonly body: Buffer;
  readonly sha256: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly received_at: string;
  readonly waits: boolean;
};

async function stored(id: bigint | undefined): Promise<Stored> {
  const [row] = await db.query<Stored>(
    sql`select dedupe_key, body, sha256, headers, received_at,
          exists (select from inbox i where i.organization_id = d.organization_id and i.document_id = d.id) as waits
        from documents d where organization_id = ${ORGANIZATION} and id = ${id}`,
  );
  assert.ok(row);
  return row;
}

async function countOf(key: string): Promise<number> {
  const rows = await db.query(
    sql`select from documents where organization_id = ${ORGANIZATION} and dedupe_key = ${key}`,
  );
  return rows.length;
}

describe('a document', () => {
  test('is kept byte for byte with its hash, and waits in the inbox', async () => {
    const body = Buffer.from([0x00, 0xff, 0x7b, 0x22, 0xc3, 0x28, 0x0d, 0x0a]);
    const [id] = await storeDocuments(db, [document('bytes', { body })]);
    const row = await stored(id);
    assert.deepEqual(row.body, body);
    assert.deepEqual(row.sha256, createHash('sha256').update(body).digest());
    assert.equal(row.received_at, NOW.toISOString());
    assert.ok(row.waits);
  });

  test('is stored once, whatever comes under its key later', async () => {
    const [first] = await storeDocuments(db, [document('once')]);
    const again = [document('once', { body: Buffer.from('other') }), document('not yet')];
    const [known, fresh] = await storeDocuments(db, again);
    assert.equal(known, undefined);
    assert.ok(fresh !== undefined && first !== undefined && fresh > first);
    assert.equal((await stored(first)).body.toString(), '{"key":"once"}');
  });

  test('that comes twice in one call is new once', async () => {
    const ids = await storeDocuments(db, [document('twin'), document('other'), document('twin')]);
    assert.ok(ids[0] !== undefined && ids[1] !== undefined);
    assert.equal(ids[2], undefined);
    assert.equal(await countOf('twin'), 1);
  });

  test('of another connection or organization is another document', async () => {
    const [row] = await db.query<{ organization_id: number }>(
      sql`insert into organizations (name, installation) values ('Other', 'other1')
          returning organization_id`,
    );
    const ids = await storeDocuments(db, [
      document('shared'),
      document('shared', { organizationId: row?.organization_id ?? 0 }),
    ]);
    assert.equal(new Set(ids).size, 2);
    assert.ok(!ids.includes(undefined));
  });

  test('has its card numbers masked before it is hashed and stored', async () => {
    const body = Buffer.from('{"memo":"card 4111 1111 1111 1111 12/29"}');
    const row = await stored((await storeDocuments(db, [document('card', { body })]))[0]);
    assert.equal(row.body.toString(), '{"memo":"card 4111 11** **** 1111 12/29"}');
    assert.deepEqual(row.sha256, createHash('sha256').update(row.body).digest());
  });

  test('none at all is no statement', async () => {
    assert.deepEqual(await storeDocuments(db, []), []);
  });
});

describe('keys', () => {
  test('of any characters and length can be stored and are recognised', async () => {
    const prefix = randomUUID();
    const key = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('a\u0000b', '\n', 'ë'.repeat(150), 'x'.repeat(5000), "'; drop table x"),
    );
    await fc.assert(
      fc.asyncProperty(key, async (text) => {
        const one = document(`${prefix}${text}`);
        await storeDocuments(db, [one]);
        assert.deepEqual(await storeDocuments(db, [one]), [undefined]);
      }),
      { numRuns: 100 },
    );
  });

  test('that differ in one control character stay different', async () => {
    const ids = await storeDocuments(db, [document('c\u0000'), document('c\u0001'), document('c')]);
    assert.equal(new Set(ids).size, 3);
  });
});

test('credentials in headers are not stored, signatures are', async () => {
  const headers = {
    authorization: 'Bearer secret',
    'proxy-authorization': 'secret',
    cookie: 'session=secret',
    'x-access-token': 'secret',
    'x-api-key': 'secret',
    'stripe-signature': 't=1,v1=abc',
    'x-long': 'x'.repeat(5000),
  };
  const kept = { 'stripe-signature': 't=1,v1=abc', 'x-long': 'x'.repeat(2000) };
  assert.deepEqual(storableHeaders(headers), kept);
  const [id] = await storeDocuments(db, [document('headers', { headers })]);
  assert.deepEqual((await stored(id)).headers, kept);
});

describe('own records', () => {
  const customer = { kind: 'customer.upserted', externalId: 'C-1' } as const;
  const entry = (key?: string) => ({
    organizationId: ORGANIZATION,
    record: customer,
    origin: 'api' as const,
    ...(key === undefined ? {} : { key }),
    receivedAt: NOW,
  });

  test('with a key enter once, and the first is named again', async () => {
    const first = await storeOwnRecord(db, entry('key-1'));
    assert.ok(first.isNew);
    assert.deepEqual(await storeOwnRecord(db, entry('key-1')), { ...first, isNew: false });
    const [a, b] = await storeOwnRecords(db, [entry('key-2'), entry('key-2')]);
    assert.equal(a?.documentId, b?.documentId);
    assert.deepEqual([a?.isNew, b?.isNew], [true, false]);
  });

  test('without a key enter each time', async () => {
    const [first, second] = [await storeOwnRecord(db, entry()), await storeOwnRecord(db, entry())];
    assert.ok(first.isNew && second.isNew);
    assert.notEqual(first.documentId, second.documentId);
  });

  test('that do not fit their schema are refused before anything is stored', async () => {
    const before = await db.query(sql`select from documents`);
    const wrong = { ...entry('wrong'), record: { ...customer, externalId: '' } };
    await assert.rejects(storeOwnRecords(db, [entry('right'), wrong]), WireMismatch);
    assert.equal((await db.query(sql`select from documents`)).length, before.length);
  });
});

describe('the group commit', () => {
  test('stores one of fifty that come at once', async () => {
    const intake = createIntake(db);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => intake.accept([document('at once')])),
    );
    assert.equal(await countOf('at once'), 1);
    assert.equal(answers.flat().filter((id) => id !== undefined).length, 1);
  });

  test('gives every request the answer of its own documents', async () => {
    const intake = createIntake(db);
    const requests = Array.from({ length: 120 }, (_, index) =>
      Array.from({ length: index % 4 }, (_, part) => document(`own ${index} ${part}`)),
    );
    const answers = await Promise.all(requests.map((documents) => intake.accept(documents)));
    for (const [index, ids] of answers.entries()) {
      assert.equal(ids.length, requests[index]?.length);
      for (const [part, id] of ids.entries()) {
        assert.equal((await stored(id)).dedupe_key, `own ${index} ${part}`);
      }
    }
  });

  test('lets a request that cannot be stored fail alone', async () => {
    const intake = createIntake(db);
    const answers = await Promise.allSettled([
      intake.accept([document('good 1')]),
      intake.accept([document('bad', { connectionId: 'con_unknown' })]),
      intake.accept([document('good 2')]),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(
      [await countOf('good 1'), await countOf('bad'), await countOf('good 2')],
      [1, 0, 1],
    );
  });

  test('answers only once it is committed', async () => {
    const intake = createIntake(db);
    const [id] = await intake.accept([document('durable')]);
    const other = connectDatabase(database.url, { poolSize: 1 });
    const rows = await other.query(sql`select from documents where id = ${id}`);
    await other.close();
    assert.equal(rows.length, 1);
  });
});
