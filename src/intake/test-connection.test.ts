import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import type { ApiAnswer } from '../portals/contract.ts';
import { Reauthorize } from '../portals/kit/errors.ts';
import { createConnection, updateConnection } from './connections.ts';
import { createSealer } from './sealing.ts';
import { requestSync, testConnection } from './test-connection.ts';

const ORGANIZATION = 1;
const NOW = new Date('2026-11-21T08:00:00.000Z');

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

const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);

function contextWith(answer: () => ApiAnswer) {
  const access = () => ({ request: async () => answer() });
  return { database: db, sealer, now: () => NOW, access };
}

function account(): ApiAnswer {
  const body = { id: 'acct_1', business_profile: { name: 'Pneumatic Ltd' } };
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

async function connect(
  portal = 'stripe',
  settings: Record<string, string> = { secretKey: 'rk_1' },
) {
  const ctx = contextWith(account);
  const { id } = await createConnection(ctx, {
    organizationId: ORGANIZATION,
    portal,
    name: portal,
    role: 'source',
    settings,
    actor: 'test',
  });
  return id;
}

async function tested(id: string, answer = account) {
  const { ok, findings } = await testConnection(contextWith(answer), ORGANIZATION, id);
  return { ok, text: findings.map((finding) => `${finding.level}: ${finding.text}`).join('\n') };
}

test('a connection that works names its account', async () => {
  assert.deepEqual(await tested(await connect()), {
    ok: true,
    text: 'ok: Stripe account Pneumatic Ltd (acct_1)',
  });
});

describe('what keeps it from working is told with what to do', () => {
  test('a refused key', async () => {
    const result = await tested(await connect(), () => {
      throw new Reauthorize('401');
    });
    assert.equal(result.ok, false);
    assert.match(result.text, /^error: Stripe refuses the credentials: 401\./);
  });

  test('a clock that is wrong', async () => {
    const date = new Date(NOW.getTime() + 400_000).toUTCString();
    const result = await tested(await connect(), () => ({ ...account(), headers: { date } }));
    assert.equal(result.ok, false);
    assert.match(
      result.text,
      /^ok: Stripe account.*\nerror: The clock of this machine is 400 seconds/,
    );
  });

  test('nothing to call, or nothing to call it with', async () => {
    assert.match(
      (await tested(await connect('stripe', {}))).text,
      /^warning: Without API credentials/,
    );
    const settings = { merchantId: 'm-1', jwtSecret: 'a secret of some length' };
    const { ok, text } = await tested(await connect('servicemobility', settings));
    assert.ok(ok);
    assert.match(text, /^ok: ServiceMobility has nothing to call/);
  });

  test('deliveries that were refused today, and objects that could not be fetched', async () => {
    const id = await connect();
    for (const [code, at] of [
      ['signature-wrong', '2026-11-21T07:30:00Z'],
      ['timestamp-stale', '2026-11-19T07:30:00Z'],
    ]) {
      await db.execute(
        sql`insert into refusals (organization_id, connection_id, code, hour, count, last_because, last_at)
            values (${ORGANIZATION}, ${id}, ${code}, ${at}, 3, 'no v1 fits', ${at})`,
      );
    }
    const { ok, text } = await tested(id);
    assert.equal(ok, false);
    assert.match(text, /3 deliveries of the last day were refused \(signature-wrong\): no v1 fits/);
    assert.ok(!text.includes('timestamp-stale'));
  });

  test('a permission that nobody renews', async () => {
    const id = await connect();
    const keep = (dies: string) =>
      db.execute(
        sql`insert into oauth_tokens (organization_id, connection_id, token_sealed, access_expires_at,
              refresh_expires_at, updated_at)
            values (${ORGANIZATION}, ${id}, '\\x00', now(), ${dies}, '2026-09-01T00:00:00Z')
            on conflict (organization_id, connection_id) do update
            set refresh_expires_at = excluded.refresh_expires_at`,
      );
    await keep('2026-12-10T00:00:00Z');
    assert.ok(!(await tested(id)).text.includes('ends at'));
    await keep('2026-12-01T00:00:00Z');
    assert.match(
      (await tested(id)).text,
      /^ok.*\nwarning: The permission to call ends at 2026-12-01/,
    );
    await keep('2026-11-20T00:00:00Z');
    assert.match((await tested(id)).text, /error: The permission to call ends at 2026-11-20/);
  });

  test('that it is switched off, must be connected again, or does not exist', async () => {
    const id = await connect();
    await updateConnection(contextWith(account), {
      organizationId: ORGANIZATION,
      id,
      enabled: false,
      actor: 'test',
    });
    assert.match((await tested(id)).text, /^warning: The connection is switched off\./);
    await db.execute(
      sql`update connection_health set reauthorize_since = ${NOW} where connection_id = ${id}`,
    );
    assert.match((await tested(id)).text, /connected again since 2026-11-21T08:00:00\.000Z/);
    assert.match((await tested('con_gone')).text, /con_gone does not exist/);
    const elsewhere = await testConnection(contextWith(account), ORGANIZATION + 1, id);
    assert.equal(elsewhere.ok, false);
  });
});

describe('a sync on request', () => {
  const sync = (id: string, since?: Date) =>
    requestSync(contextWith(account), ORGANIZATION, id, since);

  test('is a job that reads from the day given', async () => {
    const id = await connect();
    await sync(id, NOW);
    const [job] = await db.query<{ payload: unknown }>(
      sql`select p.payload from graphile_worker._private_jobs p
          where p.key = ${`pull:${ORGANIZATION}:${id}`}`,
    );
    assert.deepEqual(job?.payload, { organizationId: ORGANIZATION, connectionId: id });
    const [place] = await db.query<{ started_at: string }>(
      sql`select started_at from pull_cursors where connection_id = ${id}`,
    );
    assert.equal(place?.started_at, NOW.toISOString());
  });

  test('is refused where it could do nothing', async () => {
    await assert.rejects(sync(await connect('stripe', {})), /without API credentials/);
    const settings = { merchantId: 'm-1', jwtSecret: 'a secret of some length' };
    await assert.rejects(sync(await connect('servicemobility', settings)), /it only sends/);
    await assert.rejects(sync('con_gone'), /does not exist/);
  });
});
