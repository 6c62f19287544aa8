import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import type { ApiAnswer, ApiCall } from '../portals/contract.ts';
import { Reauthorize, Rejected, RetryLater } from '../portals/kit/errors.ts';
import { createConnection } from './connections.ts';
import { fetchObjects, type IntakeJobs } from './fetch-objects.ts';
import { createSealer } from './sealing.ts';
import { storeDocuments } from './store.ts';

const ORGANIZATION = 1;
const START = new Date('2026-11-21T08:00:00.000Z');

let database: TestDatabase;
let db: Database;
let ctx: IntakeJobs;
let connectionId: string;
let now: Date;
let noticeId: bigint;
let woken: number;
/** What the portal answers to a payment's id. */
let answer: (id: string) => ApiAnswer | Promise<ApiAnswer>;
let asked: string[];

before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 3 });
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});

beforeEach(async () => {
  now = START;
  woken = 0;
  asked = [];
  answer = payment;
  const request = async (call: ApiCall) => {
    const id = call.path.split('/').at(-1) ?? '';
    asked.push(id);
    return answer(id);
  };
  ctx = {
    database: db,
    sealer: createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]),
    now: () => now,
    log: pino({ level: 'silent' }),
    access: () => ({ request }),
    wakeApplier: () => {
      woken += 1;
    },
    pause: async () => {},
  };
  ({ id: connectionId } = await createConnection(ctx, {
    organizationId: ORGANIZATION,
    portal: 'mollie',
    name: 'Mollie',
    role: 'source',
    settings: { apiKey: 'live_abc' },
    actor: 'test',
  }));
  const [id] = await storeDocuments(db, [
    {
      organizationId: ORGANIZATION,
      connectionId,
      origin: 'webhook',
      key: 'notice',
      body: Buffer.from('id=tr_1'),
      headers: {},
      authentic: false,
      settingsVersion: 1,
      receivedAt: START,
    },
  ]);
  noticeId = id ?? 0n;
});

function payment(id: string): ApiAnswer {
  const body = Buffer.from(JSON.stringify({ resource: 'payment', id, status: 'open' }));
  return { status: 200, headers: {}, body };
}

function gone(): ApiAnswer {
  return { status: 404, headers: {}, body: Buffer.from('{}') };
}

async function announce(...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await db.execute(
      sql`insert into fetches (organization_id, connection_id, entity, external_id, notice_id, state, due_at)
          values (${ORGANIZATION}, ${connectionId}, 'payment', ${id}, ${noticeId}, 'waiting', ${now})
          on conflict (organization_id, connection_id, entity, external_id)
          do update set version = fetches.version + 1, state = 'waiting'`,
    );
  }
}

function run(): Promise<void> {
  return fetchObjects(ctx, { organizationId: ORGANIZATION, connectionId });
}

type Fetch = {
  readonly external_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly due_at: string;
  readonly last_error: string | null;
};

function fetches(): Promise<Fetch[]> {
  return db.query<Fetch>(
    sql`select external_id, state, attempts, due_at, last_error from fetches
        where connection_id = ${connectionId} order by external_id`,
  );
}

async function fetched(): Promise<readonly string[]> {
  const rows = await db.query<{ body: Buffer; parent_id: bigint; authentic: boolean }>(
    sql`select body, parent_id, authentic from documents
        where connection_id = ${connectionId} and origin = 'fetch' order by id`,
  );
  for (const row of rows) {
    assert.equal(row.parent_id, noticeId);
    assert.ok(row.authentic);
  }
  return rows.map(({ body }) => JSON.parse(body.toString()).id).sort();
}

test('what notices named becomes documents that name their notice', async () => {
  const ids = Array.from({ length: 120 }, (_, index) => `tr_${index}`);
  await announce(...ids);
  await run();
  assert.deepEqual(await fetched(), [...ids].sort());
  assert.deepEqual(await fetches(), []);
  assert.ok(woken > 0);
});

test('an object announced before it can be read is asked for again, but not for ever', async () => {
  answer = gone;
  await announce('tr_late');
  const delays: number[] = [];
  for (let attempt = 1; attempt < 4; attempt += 1) {
    await run();
    const [fetch] = await fetches();
    assert.deepEqual([fetch?.state, fetch?.attempts], ['waiting', attempt]);
    const due = new Date(fetch?.due_at ?? 0);
    delays.push(due.getTime() - now.getTime());
    now = new Date(due.getTime() - 1);
    await run();
    assert.equal(asked.length, attempt, 'not before it is due');
    now = due;
  }
  assert.deepEqual(delays, [2000, 4000, 8000]);
  await run();
  const [fetch] = await fetches();
  assert.deepEqual([fetch?.state, fetch?.attempts], ['missing', 4]);
  await run();
  assert.equal(asked.length, 4);
});

test('an object that appears in time is stored', async () => {
  answer = gone;
  await announce('tr_late');
  await run();
  answer = payment;
  now = new Date(now.getTime() + 2000);
  await run();
  assert.deepEqual(await fetched(), ['tr_late']);
  assert.deepEqual(await fetches(), []);
});

test('a portal that asks for patience is given it, and nothing is lost', async () => {
  answer = () => {
    throw new RetryLater('429', { afterMs: 60_000 });
  };
  await announce('tr_1', 'tr_2', 'tr_3');
  await run();
  assert.equal(asked.length, 1, 'the others are not tried against its will');
  for (const fetch of await fetches()) {
    assert.equal(fetch.state, 'waiting');
    assert.equal(Date.parse(fetch.due_at) - now.getTime(), 60_000);
  }
  const [job] = await db.query<{ run_at: string }>(
    sql`select run_at from graphile_worker.jobs where key = ${`fetch:${ORGANIZATION}:${connectionId}`}`,
  );
  assert.equal(Date.parse(job?.run_at ?? '') - now.getTime(), 60_000);
  answer = payment;
  now = new Date(now.getTime() + 60_000);
  await run();
  assert.deepEqual(await fetched(), ['tr_1', 'tr_2', 'tr_3']);
});

test('a portal that stumbles now and then is read all the same, however much is asked of it', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `tr_${index + 10}`);
  let calls = 0;
  answer = (id) => {
    calls += 1;
    if (calls % 6 === 0) throw new RetryLater('502');
    return payment(id);
  };
  await announce(...ids);
  for (let attempt = 0; attempt < 60 && (await fetches()).length > 0; attempt += 1) {
    await run();
    now = new Date(now.getTime() + 3_600_000);
  }
  assert.deepEqual(await fetched(), ids);
});

test('a portal that is down is not asked for everything', async () => {
  answer = () => {
    throw new RetryLater('502');
  };
  await announce(...Array.from({ length: 50 }, (_, index) => `tr_${index}`));
  await run();
  assert.ok(asked.length <= 7, String(asked.length));
  assert.ok((await fetches()).every(({ state }) => state === 'waiting'));
});

test('one bad object does not keep the others', async () => {
  answer = (id) => {
    if (id === 'tr_bad') throw new Rejected('422', { status: 422, body: '' });
    return payment(id);
  };
  await announce('tr_1', 'tr_bad', 'tr_2');
  await run();
  assert.deepEqual(await fetched(), ['tr_1', 'tr_2']);
  assert.ok(woken > 0, 'they are applied at once');
  const [bad, ...others] = await fetches();
  assert.deepEqual(others, []);
  assert.deepEqual([bad?.external_id, bad?.state, bad?.last_error], ['tr_bad', 'waiting', '422']);
});

test('a bad object is given up in the end', async () => {
  answer = () => {
    throw new Rejected('422', { status: 422, body: '' });
  };
  await announce('tr_bad');
  for (let attempt = 0; attempt < 30; attempt += 1) {
    await run();
    now = new Date(now.getTime() + 3_600_001);
  }
  const [bad] = await fetches();
  assert.deepEqual([bad?.state, bad?.attempts], ['failed', 25]);
});

test('credentials that do not work wait for a person, however long it takes', async () => {
  answer = () => {
    throw new Reauthorize('401');
  };
  await announce('tr_1');
  for (let attempt = 0; attempt < 30; attempt += 1) {
    await run();
    now = new Date(now.getTime() + 3_600_001);
  }
  assert.equal((await fetches())[0]?.state, 'waiting');
  const [health] = await db.query<{ reauthorize_since: string | null; last_error: string }>(
    sql`select reauthorize_since, last_error from connection_health where connection_id = ${connectionId}`,
  );
  assert.equal(health?.reauthorize_since, START.toISOString());
  assert.equal(health?.last_error, '401');
});

test('a notice that arrives during a fetch causes another', async () => {
  await announce('tr_1');
  let times = 0;
  answer = async (id) => {
    times += 1;
    if (times === 1) await announce('tr_1');
    return payment(id);
  };
  await run();
  assert.equal(times, 2);
  assert.deepEqual(await fetches(), []);
});

test('a connection that is switched off is left alone', async () => {
  await announce('tr_1');
  await db.execute(sql`update connections set enabled = false where id = ${connectionId}`);
  await run();
  assert.deepEqual(asked, []);
  assert.equal((await fetches()).length, 1);
});
