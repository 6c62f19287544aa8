import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import type { ApiAnswer, ApiCall } from '../portals/contract.ts';
import { Reauthorize, RetryLater } from '../portals/kit/errors.ts';
import { createConnection } from './connections.ts';
import type { IntakeJobs } from './fetch-objects.ts';
import { pullPortal } from './pull-portal.ts';
import { createSealer } from './sealing.ts';
import { requestSync } from './test-connection.ts';

const ORGANIZATION = 1;
const START = new Date('2026-11-21T08:00:00.000Z');
const YESTERDAY = '2026-11-20T08:00:00.000Z';
const PAGE_SIZE = 2;
const EVENTS = Array.from({ length: 7 }, (_, index) => `evt_${7 - index}`);

let database: TestDatabase;
let db: Database;
let ctx: IntakeJobs;
let connectionId: string;
let now: Date;
let calls: ApiCall[];
/** Called before each answer; what it throws is the portal's failure. */
let trouble: () => void;

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
  calls = [];
  trouble = () => {};
  ctx = {
    database: db,
    sealer: createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]),
    now: () => now,
    log: pino({ level: 'silent' }),
    access: () => ({
      request: async (call) => {
        calls.push(call);
        trouble();
        return listEvents(call);
      },
    }),
    wakeApplier: () => {},
    pause: async () => {},
  };
  ({ id: connectionId } = await createConnection(ctx, {
    organizationId: ORGANIZATION,
    portal: 'stripe',
    name: 'Stripe',
    role: 'source',
    settings: { secretKey: 'rk_live_abc' },
    actor: 'test',
  }));
});

/** Stripe's list of events, newest first, a few a page; invoices' events are a list of their own. */
function listEvents({ query = {} }: ApiCall): ApiAnswer {
  const ofMoney = [query['types[]']].flat().includes('payment_intent.succeeded');
  const all = ofMoney ? EVENTS : [];
  const from = query.starting_after ? all.indexOf(String(query.starting_after)) + 1 : 0;
  const data = all.slice(from, from + PAGE_SIZE).map((id) => ({ id, object: 'event' }));
  const has_more = from + PAGE_SIZE < all.length;
  const body = Buffer.from(JSON.stringify({ object: 'list', data, has_more }));
  return { status: 200, headers: {}, body };
}

async function run(since?: string): Promise<void> {
  if (since !== undefined) await requestSync(ctx, ORGANIZATION, connectionId, new Date(since));
  await pullPortal(ctx, { organizationId: ORGANIZATION, connectionId });
}

async function pulled(): Promise<readonly string[]> {
  const rows = await db.query<{ body: Buffer }>(
    sql`select body from documents where connection_id = ${connectionId} and origin = 'pull'`,
  );
  return rows.map(({ body }) => JSON.parse(body.toString()).id).sort();
}

async function nextRunInMs(): Promise<number> {
  const [job] = await db.query<{ run_at: string }>(
    sql`select run_at from graphile_worker.jobs where key = ${`pull:${ORGANIZATION}:${connectionId}`}`,
  );
  return Date.parse(job?.run_at ?? '') - now.getTime();
}

type Health = { readonly last_pulled_at: string | null; readonly reauthorize_since: string | null };

async function health(): Promise<Health | undefined> {
  const [row] = await db.query<Health>(
    sql`select last_pulled_at, reauthorize_since from connection_health
        where connection_id = ${connectionId}`,
  );
  return row;
}

test('reads page after page, notes that it works, and comes again', async () => {
  await run(YESTERDAY);
  assert.deepEqual(await pulled(), EVENTS.toSorted());
  assert.equal((await health())?.last_pulled_at, START.toISOString());
  assert.equal(await nextRunInMs(), 300_000);
  now = new Date(START.getTime() + 300_000);
  await run();
  assert.deepEqual(await pulled(), EVENTS.toSorted(), 'what is read again is known');
});

test('goes on from the last page that was stored, wherever it was cut off', async () => {
  for (let cut = 1; cut <= 5; cut += 1) {
    const before = await pulled();
    await db.execute(sql`delete from pull_cursors where connection_id = ${connectionId}`);
    calls = [];
    trouble = () => {
      if (calls.length === cut) throw new Error('the process was killed');
    };
    await run(YESTERDAY);
    const asked = calls.map(({ query }) => query?.starting_after);
    trouble = () => {};
    calls = [];
    await run();
    assert.equal(calls[0]?.query?.starting_after, asked.at(-1), `cut off at call ${cut}`);
    assert.deepEqual(await pulled(), EVENTS.toSorted());
    assert.ok(before.length === 0 || before.length === EVENTS.length);
  }
});

test('documents and cursor are one: a page that cannot be stored is read again', async () => {
  await requestSync(ctx, ORGANIZATION, connectionId, new Date(YESTERDAY));
  await db.execute(
    sql`create function fail_once() returns trigger language plpgsql as $$ begin
          raise exception 'the disk is full'; end $$`,
  );
  await db.execute(
    sql`create trigger fail before insert or update on pull_cursors execute function fail_once()`,
  );
  await run();
  assert.deepEqual(await pulled(), []);
  await db.execute(sql`drop trigger fail on pull_cursors`);
  await db.execute(sql`drop function fail_once`);
  await run();
  assert.deepEqual(await pulled(), EVENTS.toSorted());
});

test('a portal that asks for patience is asked again when it says', async () => {
  trouble = () => {
    throw new RetryLater('429', { afterMs: 70_000 });
  };
  await run();
  assert.equal(calls.length, 1);
  assert.equal(await nextRunInMs(), 70_000);
  assert.equal((await health())?.last_pulled_at, null);
});

test('a short refusal is waited for in place, so that a long reading goes on', async () => {
  const pauses: number[] = [];
  ctx = { ...ctx, pause: async (ms) => void pauses.push(ms) };
  trouble = () => {
    if (calls.length % 3 !== 0)
      throw new RetryLater('429', calls.length === 1 ? { afterMs: 2000 } : {});
  };
  await run(YESTERDAY);
  assert.deepEqual(await pulled(), EVENTS.toSorted());
  assert.deepEqual(pauses.slice(0, 3), [2000, 1000, 500]);
  pauses.length = 0;
  trouble = () => {
    throw new RetryLater('429');
  };
  await run();
  assert.deepEqual(pauses, [500, 1000, 2000], 'then it gives up until later');
});

test('a request to read again goes on where it was after a crash, and overtakes a run under way', async () => {
  await requestSync(ctx, ORGANIZATION, connectionId, new Date(YESTERDAY));
  trouble = () => {
    if (calls.length === 2) throw new Error('the process was killed');
  };
  await run();
  calls = [];
  trouble = () => {};
  await run();
  assert.equal(calls[0]?.query?.starting_after, 'evt_6', 'not from the beginning');
  await requestSync(ctx, ORGANIZATION, connectionId, new Date(YESTERDAY));
  calls = [];
  let asked = false;
  const { access } = ctx;
  const asking: IntakeJobs = {
    ...ctx,
    access: (connection) => ({
      request: async (call) => {
        if (calls.length === 1 && !asked) {
          asked = true;
          await requestSync(ctx, ORGANIZATION, connectionId, START);
        }
        return access(connection).request(call);
      },
    }),
  };
  await pullPortal(asking, { organizationId: ORGANIZATION, connectionId });
  const [place] = await db.query<{ started_at: string; pages: bigint }>(
    sql`select started_at, pages from pull_cursors where connection_id = ${connectionId}`,
  );
  assert.deepEqual(place, { started_at: START.toISOString(), pages: 0n });
});

test('credentials that do not work are shown, and tried rarely', async () => {
  trouble = () => {
    throw new Reauthorize('401');
  };
  await run();
  assert.equal((await health())?.reauthorize_since, START.toISOString());
  assert.equal(await nextRunInMs(), 3_600_000);
  trouble = () => {};
  now = new Date(START.getTime() + 3_600_000);
  await run(YESTERDAY);
  assert.equal((await health())?.reauthorize_since, null);
});

test('without credentials, or switched off, nobody is asked', async () => {
  await db.execute(sql`update connections set enabled = false where id = ${connectionId}`);
  await run();
  const { id } = await createConnection(ctx, {
    organizationId: ORGANIZATION,
    portal: 'stripe',
    name: 'Only heard',
    role: 'source',
    settings: {},
    actor: 'test',
  });
  await pullPortal(ctx, { organizationId: ORGANIZATION, connectionId: id });
  await pullPortal(ctx, { organizationId: ORGANIZATION, connectionId: 'con_gone' });
  assert.deepEqual(calls, []);
});
