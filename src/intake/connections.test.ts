import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import type { Secret } from '../portals/kit/secret.ts';
import { InvalidSettings } from './connection-settings.ts';
import {
  type ConnectionContext,
  connectionCache,
  createConnection,
  loadConnection,
  newId,
  updateConnection,
} from './connections.ts';
import { createSealer } from './sealing.ts';

const ORGANIZATION = 1;
const STRIPE = { webhookSecret: 'whsec_first_one', secretKey: 'rk_live_abc' };
const QUICKBOOKS = {
  clientId: 'client',
  clientSecret: 'client_secret_text',
  refreshToken: 'refresh_token_text',
  realmId: '9341453000000001',
};

let database: TestDatabase;
let db: Database;
let ctx: ConnectionContext;
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 3 });
  const key = createSecretKey(randomBytes(32));
  ctx = { database: db, sealer: createSealer([{ id: 'k', key }]) };
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});

type Input = Parameters<typeof createConnection>[1];

async function create(more: Partial<Input> = {}): Promise<string> {
  const { id } = await createConnection(ctx, {
    organizationId: ORGANIZATION,
    portal: 'stripe',
    name: 'Stripe',
    role: 'source',
    settings: STRIPE,
    actor: 'test',
    ...more,
  });
  return id;
}

function update(id: string, more: Omit<Partial<Parameters<typeof updateConnection>[1]>, 'id'>) {
  return updateConnection(ctx, { organizationId: ORGANIZATION, id, actor: 'test', ...more });
}

type StripeSettings = { readonly webhookSecret: readonly Secret[]; readonly secretKey?: Secret };

async function secretsOf(id: string): Promise<readonly string[]> {
  const connection = await loadConnection(ctx, id);
  assert.ok(connection);
  const { webhookSecret, secretKey } = connection.settings as StripeSettings;
  return [...webhookSecret, ...(secretKey ? [secretKey] : [])].map((one) => one.reveal());
}

async function jobsOf(id: string): Promise<number> {
  const rows = await db.query(
    sql`select from graphile_worker.jobs where key = ${`pull:${ORGANIZATION}:${id}`}`,
  );
  return rows.length;
}

describe('creating', () => {
  test('keeps settings by version, a place for its health, and begins to pull', async () => {
    const id = await create();
    assert.match(id, /^con_[a-z2-9]{16}$/);
    const connection = await loadConnection(ctx, id, ORGANIZATION);
    assert.equal(connection?.portal.id, 'stripe');
    assert.equal(connection?.settingsVersion, 1);
    assert.deepEqual(await secretsOf(id), ['whsec_first_one', 'rk_live_abc']);
    assert.equal(await jobsOf(id), 1);
    const health = await db.query(sql`select from connection_health where connection_id = ${id}`);
    assert.equal(health.length, 1);
  });

  test('leaves no secret readable anywhere in the database', async () => {
    const id = await create({ portal: 'quickbooks', role: 'books', settings: QUICKBOOKS });
    const [row] = await db.query<{ everything: string }>(
      sql`select (select string_agg(c::text, '') from connections c)
            || (select string_agg(s::text, '') from connection_settings s)
            || (select string_agg(y::text, '') from systems y)
            || (select string_agg(a::text, '') from audit a)
            || (select string_agg(j.payload::text, '') from graphile_worker._private_jobs j) as everything`,
    );
    assert.ok(row?.everything.includes(id));
    assert.ok(row?.everything.includes('9341453000000001'));
    const secrets = [
      STRIPE.webhookSecret,
      STRIPE.secretKey,
      'client_secret_text',
      'refresh_token_text',
    ];
    for (const text of secrets) {
      const hex = Buffer.from(text).toString('hex');
      assert.ok(!row?.everything.includes(text) && !row?.everything.includes(hex), text);
    }
  });

  test('in the role books makes it a system that payments are recorded in', async () => {
    const id = await create({ portal: 'quickbooks', role: 'books', settings: QUICKBOOKS });
    const systems = await db.query(sql`select kind from systems where connection_id = ${id}`);
    assert.deepEqual(systems, [{ kind: 'books' }]);
  });

  const REFUSED: readonly (readonly [string, Partial<Input>, RegExp])[] = [
    ['an unknown portal', { portal: 'stripes' }, /"stripes" is no portal; see checkvalve portals/],
    ['our own side', { portal: 'own' }, /"own" is no portal/],
    ['books of a portal that keeps none', { role: 'books' }, /Stripe keeps no books/],
    ['an unknown setting', { settings: { webhooksecret: 'x' } }, /webhooksecret: is no setting of/],
    [
      'a missing secret',
      { portal: 'quickbooks', settings: { clientId: 'c', realmId: '1' } },
      /clientSecret: required; Client Secret: developer\.intuit\.com/,
    ],
  ];
  for (const [what, input, message] of REFUSED) {
    test(`refuses ${what} with what to do`, async () => {
      await assert.rejects(create(input), (error: Error) => {
        assert.ok(error instanceof InvalidSettings);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('ids are never the same and cannot be guessed', () => {
    const ids = Array.from({ length: 10_000 }, () => newId('con'));
    assert.equal(new Set(ids).size, ids.length);
    const letters = new Set(ids.flatMap((id) => [...id.slice(4)]));
    assert.equal(letters.size, 32);
  });
});

describe('updating', () => {
  test('keeps what is not given, secrets included, and the versions before', async () => {
    const id = await create();
    await update(id, { name: 'Shop', settings: { accountId: 'acct_1' } });
    assert.deepEqual(await secretsOf(id), ['whsec_first_one', 'rk_live_abc']);
    const connection = await loadConnection(ctx, id);
    assert.deepEqual([connection?.name, connection?.settingsVersion], ['Shop', 2]);
    const versions = await db.query(
      sql`select version, public_settings from connection_settings where connection_id = ${id}
          order by version`,
    );
    const hidden = { webhookSecret: '[secret]', secretKey: '[secret]' };
    assert.deepEqual(versions, [
      { version: 1, public_settings: hidden },
      { version: 2, public_settings: { ...hidden, accountId: 'acct_1' } },
    ]);
  });

  test('takes overlapping secrets while one is rotated', async () => {
    const id = await create();
    await update(id, { settings: { webhookSecret: 'whsec_first_one, whsec_second' } });
    assert.deepEqual(await secretsOf(id), ['whsec_first_one', 'whsec_second', 'rk_live_abc']);
    await update(id, { settings: { webhookSecret: 'whsec_second' } });
    assert.deepEqual(await secretsOf(id), ['whsec_second', 'rk_live_abc']);
  });

  test('takes out what is null, so that another way to sign in can take its place', async () => {
    const id = await create();
    await update(id, { settings: { accountId: 'acct_1' } });
    await update(id, { settings: { accountId: null, secretKey: null } });
    assert.deepEqual(await secretsOf(id), ['whsec_first_one']);
    const [row] = await db.query<{ settings: unknown }>(
      sql`select public_settings as settings from connections where id = ${id}`,
    );
    assert.deepEqual(row?.settings, { webhookSecret: '[secret]' });
  });

  test('gives new credentials a new chance', async () => {
    const id = await create({ portal: 'quickbooks', role: 'books', settings: QUICKBOOKS });
    await db.execute(
      sql`update connection_health set reauthorize_since = now() where connection_id = ${id}`,
    );
    await db.execute(
      sql`insert into oauth_tokens (organization_id, connection_id, token_sealed, access_expires_at)
          values (${ORGANIZATION}, ${id}, '\\x00', now())`,
    );
    await update(id, { settings: { refreshToken: 'another' } });
    const [health] = await db.query<{ reauthorize_since: string | null }>(
      sql`select reauthorize_since from connection_health where connection_id = ${id}`,
    );
    assert.equal(health?.reauthorize_since, null);
    assert.equal(
      (await db.query(sql`select from oauth_tokens where connection_id = ${id}`)).length,
      0,
    );
  });

  test('that does not fit changes nothing', async () => {
    const id = await create();
    await assert.rejects(
      update(id, { name: 'New', settings: { accountId: '12' } }),
      InvalidSettings,
    );
    const connection = await loadConnection(ctx, id);
    assert.deepEqual([connection?.name, connection?.settingsVersion], ['Stripe', 1]);
  });

  test('finds no connection of another organization', async () => {
    const id = await create();
    await assert.rejects(update(id, { organizationId: 999, name: 'Mine' }), /does not exist/);
    assert.equal(await loadConnection(ctx, id, 999), undefined);
  });
});

test('our own side is no connection to be loaded', async () => {
  assert.equal(await loadConnection(ctx, 'con_own'), undefined);
});

test('the cache forgets when told, or after half a minute', async () => {
  let now = new Date('2026-11-21T08:00:00Z');
  const cache = connectionCache(ctx, () => now);
  const id = await create();
  const listed = async () => (await cache.ofPortal('stripe')).some((one) => one.id === id);
  assert.equal((await cache.find(id))?.enabled, true);
  assert.ok(await listed());
  await update(id, { enabled: false });
  assert.equal((await cache.find(id))?.enabled, true);
  cache.drop();
  assert.equal((await cache.find(id))?.enabled, false);
  assert.ok(!(await listed()));
  await update(id, { enabled: true });
  now = new Date(now.getTime() + 30_000);
  assert.equal((await cache.find(id))?.enabled, true);
  assert.ok(await listed());
});
