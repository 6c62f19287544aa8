import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, readInstant, sql } from './database.ts';
import { addJob } from './jobs.ts';
import { encodeJson } from './json.ts';
import { insertRows, selectRows, type Table, upsertRows } from './table.ts';

const HEARD_WITHIN_MS = 10_000;

let database: TestDatabase;
let db: Database;
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 3 });
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});

describe('values', () => {
  test('come back as what they are in the books', async () => {
    const [row] = await db.query(
      sql`select 9223372036854775807::int8 as big, '2026-11-21 08:00:00.5+00'::timestamptz as at,
            '2026-02-28'::date as day, '\\x00ff'::bytea as bytes, null as nothing, 7::int4 as small`,
    );
    assert.deepEqual(row, {
      big: 9223372036854775807n,
      at: '2026-11-21T08:00:00.500Z',
      day: '2026-02-28',
      bytes: Buffer.from([0, 255]),
      nothing: null,
      small: 7,
    });
  });

  test('instants survive the way there and back', async () => {
    const instants = fc.sample(
      fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
      200,
    );
    const texts = instants.map((instant) => instant.toISOString());
    const rows = await db.query<{ at: string }>(
      sql`select at from unnest(${texts}::timestamptz[]) with ordinality as u(at, place) order by place`,
    );
    assert.deepEqual(
      rows.map(({ at }) => at),
      texts,
    );
    assert.equal(readInstant('2026-11-21 07:00:00+00'), '2026-11-21T07:00:00.000Z');
    assert.equal(readInstant('2026-11-21 07:00:00.120999+00'), '2026-11-21T07:00:00.120Z');
  });

  test('are never a part of the statement', async () => {
    const text = `'; drop table payments; --`;
    const [row] = await db.query<{ text: string }>(sql`select ${text}::text as text`);
    assert.equal(row?.text, text);
  });

  test('in JSON keep every digit of a bigint', () => {
    fc.assert(
      fc.property(fc.bigInt(), (amount) => {
        assert.equal(encodeJson({ a: [amount], b: 'x' }), `{"a":[${amount}],"b":"x"}`);
      }),
    );
  });
});

describe('a transaction', () => {
  test('takes all or nothing', async () => {
    await db.execute(sql`create table if not exists marks (id integer primary key)`);
    const failing = db.transaction(async (tx) => {
      await tx.execute(sql`insert into marks values (1)`);
      throw new Error('changed my mind');
    });
    await assert.rejects(failing, /changed my mind/);
    assert.deepEqual(await db.query(sql`select from marks`), []);
    const wrote = await db.transaction((tx) => tx.execute(sql`insert into marks values (1), (2)`));
    assert.equal(wrote, 2);
  });

  test('whose connection breaks fails, and the next one works', async () => {
    const broken = db.transaction(async (tx) => {
      await tx.query(sql`select pg_terminate_backend(pg_backend_pid())`);
    });
    await assert.rejects(broken);
    for (let time = 0; time < 5; time += 1) {
      const [row] = await db.transaction((tx) => tx.query<{ one: number }>(sql`select 1 as one`));
      assert.equal(row?.one, 1);
    }
  });
});

test('listening hears, and hears again after its connection was lost', async () => {
  const heard: string[] = [];
  const until = async (payload: string) => {
    const deadline = performance.now() + HEARD_WITHIN_MS;
    while (!heard.includes(payload) && performance.now() < deadline) {
      await db.query(sql`select pg_notify('test_channel', ${payload})`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(heard.includes(payload), payload);
  };
  const listening = await db.listen('test_channel', (payload) => heard.push(payload));
  await until('first');
  await db.query(
    sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'checkvalve-listen' and datname = current_database()`,
  );
  await until('second');
  await listening.close();
});

type Row = {
  readonly someId: bigint;
  readonly references: unknown;
  readonly seenAt: string | null;
  readonly dueOn: string | null;
  readonly isOpen: boolean;
  readonly body: Buffer;
};

const TABLE: Table<Row> = {
  name: 'examples',
  key: ['someId'],
  columns: {
    someId: 'bigint',
    references: 'json',
    seenAt: 'instant',
    dueOn: 'day',
    isOpen: 'boolean',
    body: 'bytes',
  },
};

function bySomeId(left: Row, right: Row): number {
  return left.someId < right.someId ? -1 : 1;
}

test('rows are written and read as they are, however many', async () => {
  await db.execute(
    sql`create table examples (organization_id integer, some_id bigint, "references" jsonb not null,
          seen_at timestamptz, due_on date, is_open boolean, body bytea,
          primary key (organization_id, some_id))`,
  );
  const rows = Array.from(
    { length: 500 },
    (_, index): Row => ({
      someId: BigInt(index) + 2n ** 60n,
      references: [{ kind: 'memo', text: `it's "${index}"` }, null, index],
      seenAt: index % 2 === 0 ? null : `2026-11-21T08:00:00.${String(index).padStart(3, '0')}Z`,
      dueOn: index % 3 === 0 ? null : '2026-11-30',
      isOpen: index % 5 === 0,
      body: Buffer.from([index % 256]),
    }),
  );
  await insertRows(db, TABLE, 1, rows);
  await insertRows(db, TABLE, 2, rows.slice(0, 1));
  const read = await selectRows(db, TABLE, 1, sql`row.some_id >= 0`);
  assert.deepEqual(read.sort(bySomeId), rows);
  await assert.rejects(insertRows(db, TABLE, 1, rows.slice(0, 1)), /duplicate key/);

  const changed = rows.slice(0, 2).map((row) => ({ ...row, isOpen: true, dueOn: '2027-01-01' }));
  await upsertRows(db, TABLE, 1, [...changed, { ...changed[0]!, someId: 1n }]);
  const after = await selectRows(db, TABLE, 1, sql`row.due_on = '2027-01-01'`);
  assert.deepEqual(after.sort(bySomeId), [{ ...changed[0], someId: 1n }, ...changed]);
  const [other] = await selectRows(db, TABLE, 2, sql`true`);
  assert.deepEqual(other, rows[0]);
  await upsertRows(db, TABLE, 1, []);
});

describe('a job', () => {
  const at = (second: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, second));
  const jobs = () =>
    db.query<{ run_at: string }>(sql`select run_at from graphile_worker.jobs where key = 'k'`);
  const add = (second: number, keepRunAt = false) =>
    addJob(db, { task: 'pull', key: 'k', payload: { n: 1n }, runAt: at(second), keepRunAt });

  test('is one for each key, hastened unless its time is kept, and never put off', async () => {
    await add(5);
    // A pull that ends plans the next one while another is asked for.
    await add(9);
    assert.deepEqual(await jobs(), [{ run_at: at(5).toISOString() }]);
    await add(3, true);
    assert.deepEqual(await jobs(), [{ run_at: at(5).toISOString() }]);
    await add(3);
    assert.deepEqual(await jobs(), [{ run_at: at(3).toISOString() }]);
  });

  test('vanishes with the transaction that added it', async () => {
    await assert.rejects(
      db.transaction(async (tx) => {
        await addJob(tx, { task: 'pull', key: 'never', payload: {} });
        throw new Error('undone');
      }),
    );
    assert.deepEqual(await db.query(sql`select from graphile_worker.jobs where key = 'never'`), []);
  });
});
