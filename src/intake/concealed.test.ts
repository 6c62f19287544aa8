/** A secret that a delivery introduces: sealed in everything that is stored, learned once the portal has proven it. */
import assert from 'node:assert/strict';
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { type FreshBooksSimulator, simulateFreshBooks } from '../../simulators/freshbooks.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { applyBatch } from '../apply/apply-batch.ts';
import { connectDatabase, type Database, raw, sql } from '../db/database.ts';
import type { FreshBooksSettings } from '../portals/freshbooks/settings.ts';
import { Secret } from '../portals/kit/secret.ts';
import { concealSecrets, revealSecrets } from './concealed.ts';
import { connectionCache, createConnection, learnSecret, loadConnection } from './connections.ts';
import { fetchObjects, type IntakeJobs } from './fetch-objects.ts';
import { askPortal, portalAccess, tokenStore } from './portal-access.ts';
import { type Receiving, receive } from './receive.ts';
import { countRefusals } from './refusals.ts';
import { createSealer } from './sealing.ts';
import { createIntake } from './store.ts';

const organizationId = 1;
const now = () => new Date('2026-11-21T08:00:00.000Z');
const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);

let database: TestDatabase;
let db: Database;
let account: FreshBooksSimulator;
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 4 });
  account = await simulateFreshBooks({ seed: 5 });
});
after(async () => {
  await account.close();
  await db.close();
  await database[Symbol.asyncDispose]();
});

/** A connection that knows no verifier, and what receives and fetches for it. */
async function connect(more: Readonly<Record<string, string>> = {}) {
  const { verifiers: _, ...settings } = account.settings;
  const { id: connectionId } = await createConnection(
    { database: db, sealer },
    {
      organizationId,
      portal: 'freshbooks',
      name: 'Books',
      role: 'books',
      settings: { ...settings, ...more },
      actor: 'test',
    },
  );
  const access = portalAccess({ database: db, sealer, now });
  const receiving: Receiving = {
    intake: createIntake(db),
    sealer,
    connections: connectionCache({ database: db, sealer }, now),
    refusals: countRefusals(db, now),
    asking: askPortal(access),
  };
  const jobs: IntakeJobs = {
    database: db,
    sealer,
    now,
    log: pino({ enabled: false }),
    access,
    wakeApplier: () => {},
    pause: async () => {},
  };
  const load = async () =>
    (await loadConnection({ database: db, sealer }, connectionId)) ?? assert.fail('gone');
  return {
    connectionId,
    load,
    deliver: async (body: string, headers: Readonly<Record<string, string>> = {}) => {
      receiving.connections.drop();
      const notice = { headers, body: Buffer.from(body), url: '/', receivedAt: now() };
      const { result } = await receive(receiving, {
        portalId: 'freshbooks',
        connectionId,
        notice,
      });
      return result;
    },
    work: async () => {
      await applyBatch(db, { organizationId, limit: 100, now: now() });
      await fetchObjects(jobs, { organizationId, connectionId });
      await applyBatch(db, { organizationId, limit: 100, now: now() });
    },
    verifiers: async () =>
      ((await load()).settings as FreshBooksSettings).verifiers?.map((one) => one.reveal()) ?? [],
  };
}

/** Every text in the database, bodies of documents included. */
async function everything(): Promise<string> {
  const tables = await db.query<{ name: string }>(
    sql`select quote_ident(table_name) as name from information_schema.tables
        where table_schema = current_schema() and table_type = 'BASE TABLE'`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await db.query<{ text: string }>(
      sql`select to_jsonb(t)::text as text from ${raw(name)} t`,
    );
    texts.push(...rows.map(({ text }) => text));
  }
  const bodies = await db.query<{ body: Buffer }>(sql`select body from documents`);
  return [...texts, ...bodies.map(({ body }) => body.toString('latin1'))].join('\n');
}

const introduction = (callbackid: number, verifier: string) =>
  `name=callback.verify&object_id=${callbackid}&verifier=${verifier}&account_id=${account.settings.accountId}`;

/** A callback that tells of a payment, signed with that verifier. */
function signedCallback(verifier: string) {
  const fields = { name: 'payment.create', object_id: '7', account_id: account.settings.accountId };
  const text = `{${Object.entries(fields)
    .map(([name, value]) => `"${name}": "${value}"`)
    .join(', ')}}`;
  const signature = createHmac('sha256', verifier).update(text).digest('base64');
  const headers = { 'x-freshbooks-hmac-sha256': signature };
  return [new URLSearchParams(fields as Record<string, string>).toString(), headers] as const;
}

test('what FreshBooks proved is believed from then on, and is nowhere to be read', async () => {
  const { deliver, work, verifiers, load, connectionId } = await connect();
  const { callbackid, verifier } = account.registerCallback('payment');
  assert.equal(await deliver(...signedCallback(verifier)), 'refused');
  assert.equal(await deliver(introduction(callbackid, verifier)), 'stored');
  assert.deepEqual(await verifiers(), [], 'not by its word alone');
  await work();
  assert.ok(account.isVerified(callbackid));
  assert.deepEqual(await verifiers(), [verifier]);
  assert.equal(await deliver(...signedCallback(verifier)), 'stored');
  assert.ok(!(await everything()).includes(verifier));
  assert.ok((await everything()).includes('verifier=sealed.'));

  // A second time, by a notice that FreshBooks repeats: nothing changes and nothing is noted.
  const { settingsVersion } = await load();
  assert.equal(settingsVersion, 2, 'the setting was empty before');
  await deliver(introduction(callbackid, verifier));
  await work();
  assert.deepEqual(await verifiers(), [verifier]);
  const further = account.registerCallback('invoice');
  await deliver(introduction(further.callbackid, further.verifier));
  await work();
  assert.deepEqual(await verifiers(), [verifier, further.verifier]);
  assert.equal((await load()).settingsVersion, settingsVersion, 'only the secret changed');
  const audit = await db.query(
    sql`select actor, verb, details from audit
        where subject = ${connectionId} and verb <> 'connection.created'`,
  );
  const note = { actor: 'freshbooks', verb: 'connection.learned' };
  const details = { setting: 'verifiers' };
  assert.deepEqual(audit, [
    { ...note, details },
    { ...note, details },
  ]);
});

test('an introduction that somebody made up teaches nothing, and its key opens nothing', async () => {
  const { deliver, work, verifiers } = await connect();
  const { callbackid } = account.registerCallback('payment');
  for (const id of [callbackid, 9999]) {
    assert.equal(await deliver(introduction(id, 'forged-by-me')), 'stored');
  }
  await work();
  assert.deepEqual(await verifiers(), []);
  assert.equal(await deliver(...signedCallback('forged-by-me')), 'refused');
  assert.ok(!account.isVerified(callbackid));
});

test('who reads a stored introduction cannot use what is sealed in it', async () => {
  const connection = await (await connect()).load();
  const other = await (await connect()).load();
  const stored = concealSecrets(sealer, connection, Buffer.from(introduction(1, 'the-verifier')));
  const token = /sealed\.[\w-]+/.exec(String(stored))?.[0] ?? '';
  assert.equal(revealSecrets(sealer, connection, `1:${token}`), '1:the-verifier');
  assert.equal(revealSecrets(sealer, other, `1:${token}`), `1:${token}`, 'of one connection only');
  assert.equal(revealSecrets(sealer, connection, '1:sealed.AAAA'), '1:sealed.AAAA');
  // Posted as if it were a verifier it is sealed once more, and opened once.
  const again = concealSecrets(sealer, connection, Buffer.from(introduction(1, token)));
  const twice = /sealed\.[\w-]+/.exec(String(again))?.[0] ?? '';
  assert.equal(revealSecrets(sealer, connection, twice), token);
});

test('tokens and all other settings stay, and what a setting cannot hold is an error', async () => {
  const { connectionId, load, verifiers } = await connect({ verifiers: 'one, two' });
  const connection = await load();
  const kept = {
    accessToken: new Secret('access'),
    expiresAt: now(),
    refreshToken: new Secret('refresh'),
    previousRefreshToken: undefined,
  };
  const store = tokenStore({ database: db, sealer }, connection);
  await store.exclusively((_current, save) => save(kept));
  const learn = (setting: string, secret: string) =>
    db.transaction((tx) =>
      learnSecret(tx, sealer, {
        organizationId,
        id: connectionId,
        setting,
        secret: new Secret(secret),
      }),
    );
  await Promise.all([
    learn('verifiers', 'three'),
    learn('verifiers', 'three'),
    learn('verifiers', 'two'),
  ]);
  assert.deepEqual(await verifiers(), ['one', 'two', 'three']);
  assert.equal((await store.load())?.refreshToken?.reveal(), 'refresh');
  assert.equal((await load()).settingsVersion, connection.settingsVersion);
  await assert.rejects(learn('clientSecret', 'x'), /cannot hold/);
  await assert.rejects(learn('verifiers', 'a,b'), /cannot hold/);
  await assert.rejects(learn('nothing', 'x'), /no setting of FreshBooks/);
  assert.deepEqual(await verifiers(), ['one', 'two', 'three']);
});
