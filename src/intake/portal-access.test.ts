import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import { type Connection, createConnection, loadConnection } from './connections.ts';
import { portalAccess } from './portal-access.ts';
import { createSealer } from './sealing.ts';

const ORGANIZATION = 1;

let database: TestDatabase;
let db: Database;
let portalUrl: string;
/** What the little portal was asked, in order. */
let asked: { readonly path: string; readonly authorization: string; readonly body: string }[];

/** A token endpoint that takes each refresh token once, as Intuit's does, and an API behind it. */
const portal = createServer((request, reply) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const { authorization = '' } = request.headers;
    asked.push({ path: request.url ?? '', authorization, body });
    const refreshes = asked.filter(({ path }) => path.includes('/tokens/')).length;
    const used = new URLSearchParams(body).get('refresh_token');
    const spent = refreshes > 1 && used !== `refresh-${refreshes - 1}`;
    reply.setHeader('content-type', 'application/json');
    if (!request.url?.includes('/tokens/')) reply.end('{}');
    else if (spent) reply.writeHead(400).end('{"error":"invalid_grant"}');
    else {
      const token = { access_token: `access-${refreshes}`, refresh_token: `refresh-${refreshes}` };
      reply.end(JSON.stringify({ ...token, token_type: 'bearer', expires_in: 3600 }));
    }
  });
});

before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 8 });
  await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve));
  portalUrl = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`;
});
after(async () => {
  portal.close();
  portal.closeAllConnections();
  await db.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  asked = [];
});

const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);

/** The access of one node; several share the database alone. */
function node(now: () => Date = () => new Date()) {
  return portalAccess({ database: db, sealer, now });
}

async function connect(): Promise<Connection> {
  const ctx = { database: db, sealer };
  const { id } = await createConnection(ctx, {
    organizationId: ORGANIZATION,
    portal: 'quickbooks',
    name: 'QuickBooks',
    role: 'books',
    settings: {
      clientId: 'client',
      clientSecret: 'client-secret',
      refreshToken: 'refresh-0',
      realmId: '1',
      apiBaseUrl: portalUrl,
      authBaseUrl: portalUrl,
    },
    actor: 'test',
  });
  const connection = await loadConnection(ctx, id);
  assert.ok(connection);
  return connection;
}

const refreshes = () => asked.filter(({ path }) => path.includes('/tokens/'));

test('many calls of several nodes refresh the token once, and all use it', async () => {
  const connection = await connect();
  const apis = [node()(connection), node()(connection), node()(connection)];
  await Promise.all(
    [...apis, ...apis, ...apis].map((api) => api.request({ path: '/v3/company/1/query' })),
  );
  assert.equal(refreshes().length, 1);
  const calls = asked.filter(({ path }) => !path.includes('/tokens/'));
  assert.equal(calls.length, 9);
  assert.ok(calls.every(({ authorization }) => authorization === 'Bearer access-1'));
});

test('more calls than the pool has sessions wait for one refresh, and not for each other', async () => {
  const few = connectDatabase(database.url, { poolSize: 2 });
  const connection = await connect();
  const access = () => portalAccess({ database: few, sealer, now: () => new Date() })(connection);
  const apis = [access(), access(), access(), access()];
  await Promise.all([...apis, ...apis].map((api) => api.request({ path: '/v3/company/1/query' })));
  assert.equal(refreshes().length, 1);
  await few.close();
});

test('the new refresh token is stored, sealed, and used the next time by any node', async () => {
  const connection = await connect();
  await node()(connection).request({ path: '/first' });
  const tomorrow = () => new Date(Date.now() + 86_400_000);
  await node(tomorrow)(connection).request({ path: '/second' });
  assert.deepEqual(
    refreshes().map(({ body }) => new URLSearchParams(body).get('refresh_token')),
    ['refresh-0', 'refresh-1'],
  );
  const [row] = await db.query<{ token_sealed: Buffer; version: number }>(
    sql`select token_sealed, version from oauth_tokens where connection_id = ${connection.id}`,
  );
  assert.equal(row?.version, 2);
  assert.ok(!row?.token_sealed.includes('refresh-'));
});

test('one access is kept for each version of the settings: the rate limit lives in it', async () => {
  const connection = await connect();
  const access = node();
  assert.equal(access(connection), access(connection));
  assert.notEqual(access(connection), access({ ...connection, settingsVersion: 2 }));
});
