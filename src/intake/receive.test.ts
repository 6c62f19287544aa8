import assert from 'node:assert/strict';
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import type { Notice } from '../portals/contract.ts';
import {
  type ConnectionContext,
  connectionCache,
  createConnection,
  updateConnection,
} from './connections.ts';
import { type Received, type Receiving, receive, receiveAnywhere } from './receive.ts';
import { countRefusals } from './refusals.ts';
import { createSealer } from './sealing.ts';
import { createIntake } from './store.ts';

const ORGANIZATION = 1;
const NOW = new Date('2026-11-21T08:00:00.000Z');
const SECRET = 'whsec_of_the_first';
const OTHER_SECRET = 'whsec_of_the_second';
const MERCHANT = '8f946192-3c9c-11ea-b77f-2e728ce88125';

let database: TestDatabase;
let db: Database;
let connecting: ConnectionContext;
let ctx: Receiving;
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 3 });
  const key = createSecretKey(randomBytes(32));
  connecting = { database: db, sealer: createSealer([{ id: 'k', key }]) };
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await db.execute(sql`update connections set enabled = false where portal <> 'own'`);
  ctx = {
    intake: createIntake(db),
    sealer: connecting.sealer,
    connections: connectionCache(connecting, () => NOW),
    refusals: countRefusals(db, () => NOW),
    asking: () => assert.fail('nothing is asked'),
  };
});

async function connect(portal: string, settings: Record<string, string>): Promise<string> {
  const { id } = await createConnection(connecting, {
    organizationId: ORGANIZATION,
    portal,
    name: portal,
    role: 'source',
    settings,
    actor: 'test',
  });
  return id;
}

let eventNumber = 0;

function stripeEvent(): Buffer {
  eventNumber += 1;
  const object = { id: `pi_${eventNumber}`, object: 'payment_intent' };
  const type = 'payment_intent.created';
  return Buffer.from(
    JSON.stringify({ id: `evt_${eventNumber}`, object: 'event', type, data: { object } }),
  );
}

function stripeNotice(secret: string, options: { body?: Buffer; signedAt?: Date } = {}): Notice {
  const body = options.body ?? stripeEvent();
  const seconds = Math.floor((options.signedAt ?? NOW).getTime() / 1000);
  const mac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
  const headers = { 'stripe-signature': `t=${seconds},v1=${mac}`, authorization: 'Bearer x' };
  return { headers, body, url: '/webhooks/payment-event', receivedAt: NOW };
}

function mollieNotice(body: string, secret?: string): Notice {
  const mac = secret && createHmac('sha256', secret).update(body).digest('hex');
  return {
    headers: mac ? { 'x-mollie-signature': `sha256=${mac}` } : {},
    body: Buffer.from(body),
    url: '/webhooks/payment-event',
    receivedAt: NOW,
  };
}

type Document = { readonly id: bigint; readonly authentic: boolean; readonly headers: unknown };

function documentsOf(connectionId: string): Promise<Document[]> {
  return db.query<Document>(
    sql`select id, authentic, headers from documents where connection_id = ${connectionId} order by id`,
  );
}

async function refusalsOf(connectionId: string): Promise<readonly unknown[]> {
  await ctx.refusals.flush();
  return db.query(sql`select code, count from refusals where connection_id = ${connectionId}`);
}

function storedBy(received: Received): string | undefined {
  return received.result === 'stored' ? received.connection.id : undefined;
}

describe('a delivery to a connection', () => {
  const to = (connectionId: string, notice: Notice, portalId = 'stripe') =>
    receive(ctx, { portalId, connectionId, notice });

  test('is stored as authentic, acknowledged, and known when it comes again', async () => {
    const id = await connect('stripe', { webhookSecret: SECRET });
    const notice = stripeNotice(SECRET);
    const first = await to(id, notice);
    assert.ok(first.result === 'stored');
    assert.deepEqual([first.documents, first.fresh, first.reply.status], [1, 1, 200]);
    const again = await to(id, stripeNotice(SECRET, { body: notice.body }));
    assert.ok(again.result === 'stored');
    assert.deepEqual([again.documents, again.fresh, again.reply.status], [1, 0, 200]);
    const [document, ...others] = await documentsOf(id);
    assert.deepEqual(others, []);
    assert.equal(document?.authentic, true);
    assert.deepEqual(Object.keys(document?.headers ?? {}), ['stripe-signature']);
  });

  const REFUSED: readonly (readonly [string, Notice, string])[] = [
    ['forged', stripeNotice(OTHER_SECRET), 'signature-wrong'],
    [
      'stale',
      stripeNotice(SECRET, { signedAt: new Date(NOW.getTime() - 301_000) }),
      'timestamp-stale',
    ],
    ['unsigned', { ...stripeNotice(SECRET), headers: {} }, 'signature-missing'],
    [
      'malformed',
      { ...stripeNotice(SECRET), headers: { 'stripe-signature': 'yes' } },
      'signature-malformed',
    ],
    ['changed on its way', { ...stripeNotice(SECRET), body: stripeEvent() }, 'signature-wrong'],
  ];
  for (const [what, notice, code] of REFUSED) {
    test(`that is ${what} has no effect and is counted`, async () => {
      const id = await connect('stripe', { webhookSecret: SECRET });
      const received = await to(id, notice);
      assert.ok(received.result === 'refused');
      assert.equal(received.code, code);
      assert.deepEqual(await documentsOf(id), []);
      assert.deepEqual(await refusalsOf(id), [{ code, count: 1n }]);
    });
  }

  test('finds nobody at an unknown, a switched-off or another portal’s address', async () => {
    const id = await connect('stripe', { webhookSecret: SECRET });
    assert.deepEqual(await to('con_unknown', stripeNotice(SECRET)), { result: 'unknown' });
    assert.deepEqual(await to(id, stripeNotice(SECRET), 'mollie'), { result: 'unknown' });
    assert.deepEqual(await to('con_own', stripeNotice(SECRET), 'own'), { result: 'unknown' });
    await updateConnection(connecting, {
      organizationId: ORGANIZATION,
      id,
      enabled: false,
      actor: 'test',
    });
    ctx.connections.drop();
    assert.deepEqual(await to(id, stripeNotice(SECRET)), { result: 'unknown' });
    assert.deepEqual(await documentsOf(id), []);
  });

  test('that is signed but unreadable is stored: it may be money', async () => {
    const id = await connect('stripe', { webhookSecret: SECRET });
    const received = await to(id, stripeNotice(SECRET, { body: Buffer.from('{"id":') }));
    assert.equal(received.result, 'stored');
    assert.equal((await documentsOf(id)).length, 1);
  });

  test('larger than its portal ever sends is not even hashed', async () => {
    const id = await connect('servicemobility', { merchantId: MERCHANT, jwtSecret: SECRET });
    const notice = { ...stripeNotice(SECRET), body: Buffer.alloc(64 * 1024 + 1) };
    assert.equal((await to(id, notice, 'servicemobility')).result, 'too-large');
    assert.deepEqual(await refusalsOf(id), []);
  });

  test('that asks for a handshake is answered and not stored', async () => {
    const settings = { merchantId: MERCHANT, jwtSecret: SECRET, username: 'u', password: 'p' };
    const id = await connect('servicemobility', settings);
    const notice = {
      ...stripeNotice(SECRET, { body: Buffer.from('{"username":"u","password":"p"}') }),
      url: `/webhooks/servicemobility/${id}/createjwt`,
    };
    assert.equal((await to(id, notice, 'servicemobility')).result, 'answered');
    assert.deepEqual(await documentsOf(id), []);
  });

  test('that proves nothing is kept as a hint, each time anew', async () => {
    const id = await connect('mollie', { apiKey: 'live_abc' });
    for (let time = 0; time < 2; time += 1) {
      const received = await to(id, mollieNotice('id=tr_5B8cwPMGnU'), 'mollie');
      assert.equal(received.result, 'stored');
    }
    const documents = await documentsOf(id);
    assert.deepEqual(
      documents.map(({ authentic }) => authentic),
      [false, false],
    );
  });
});

describe('a delivery without an address', () => {
  test('goes to the connection whose secret signed it', async () => {
    const ids = [
      await connect('stripe', { webhookSecret: SECRET }),
      await connect('stripe', { webhookSecret: OTHER_SECRET }),
      await connect('stripe', {}),
    ];
    for (const [secret, index] of [
      [OTHER_SECRET, 1],
      [SECRET, 0],
    ] as const) {
      const received = await receiveAnywhere(ctx, stripeNotice(secret));
      assert.equal(storedBy(received), ids[index]);
    }
  });

  test('is told by its shape and headers which portal it is of', async () => {
    const stripe = await connect('stripe', { webhookSecret: SECRET });
    const mollie = await connect('mollie', { apiKey: 'live_abc', webhookSecret: SECRET });
    assert.equal(storedBy(await receiveAnywhere(ctx, stripeNotice(SECRET))), stripe);
    const signed = mollieNotice('{"resource":"event","id":"event_1"}', SECRET);
    assert.equal(storedBy(await receiveAnywhere(ctx, signed)), mollie);
    assert.equal(storedBy(await receiveAnywhere(ctx, mollieNotice('id=tr_5B8cwPMGnU'))), mollie);
  });

  test('that nobody signed is refused, stored nowhere, and blamed on the only connection', async () => {
    const id = await connect('stripe', { webhookSecret: SECRET });
    const received = await receiveAnywhere(ctx, stripeNotice('whsec_forged'));
    assert.equal(received.result, 'refused');
    assert.deepEqual(await documentsOf(id), []);
    assert.deepEqual(await refusalsOf(id), [{ code: 'signature-wrong', count: 1n }]);
  });

  test('that nobody signed is blamed on none of several', async () => {
    const ids = [
      await connect('stripe', { webhookSecret: SECRET }),
      await connect('stripe', { webhookSecret: OTHER_SECRET }),
    ];
    const received = await receiveAnywhere(ctx, stripeNotice('whsec_forged'));
    assert.equal(received.result, 'refused');
    for (const id of ids) assert.deepEqual(await refusalsOf(id), []);
  });

  test('of no portal we know, or of one without a connection, finds nobody', async () => {
    const notice = { ...stripeNotice(SECRET), headers: {}, body: Buffer.from('{"hello":1}') };
    assert.deepEqual(await receiveAnywhere(ctx, notice), { result: 'unknown' });
    assert.deepEqual(await receiveAnywhere(ctx, stripeNotice(SECRET)), { result: 'unknown' });
  });
});
