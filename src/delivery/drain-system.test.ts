import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { simulateServiceMobility } from '../../simulators/servicemobility.ts';
import { openTestBooks, type TestBooks } from '../../test/support/books.ts';
import { testDatabase } from '../../test/support/database.ts';
import { type Queryable, sql } from '../db/database.ts';
import { createSealer } from '../intake/sealing.ts';
import { CLOSED } from './breaker.ts';
import { type DeliveryState, loadStates } from './delivery-state.ts';
import { drainDeliveries } from './drain.ts';
import { type DrainContext, drainSystem } from './drain-system.ts';
import { openOutbound } from './outbound.ts';
import {
  confirmationKey,
  paymentToRecord,
  readBooksFacts,
  recordToReverse,
} from './record-in-books.ts';
import type { SendResult } from './send-result.ts';
import { openSenders } from './senders.ts';
import { createSystem, loadSystem, type SystemKind, updateSystem } from './systems.ts';
import { newSigningSecret } from './webhook-signature.ts';

const START = new Date('2026-11-21T09:00:00.000Z');
const sealer = createSealer([{ id: 'test', key: createSecretKey(Buffer.alloc(32, 1)) }]);
const webhookSettings = { url: 'https://erp.example.com/hook', signingSecret: newSigningSecret() };

type DeliveryRow = { topic: string; state: string; attempts: number; error: string | null };

/**
 * An organization with one system; what is sent goes through `send`, and time stands still until
 * moved.
 */
async function open(options: {
  readonly kind?: SystemKind;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly send?: (state: DeliveryState) => Promise<SendResult>;
}) {
  const database = await testDatabase();
  const books: TestBooks = await openTestBooks(database.url);
  const { db, organizationId } = books;
  const { kind = 'webhook', settings = webhookSettings } = options;
  const keeping = { tx: db, sealer };
  const input = { organizationId, kind, name: 'ERP', settings };
  const { id: systemId } = await createSystem(keeping, input);
  let now = START;
  const sent: DeliveryState[] = [];
  const send = options.send ?? (async () => ({ outcome: 'done', status: 200 }) as const);
  const ctx: DrainContext = {
    database: db,
    sealer,
    now: () => now,
    chance: () => 0,
    sender: async () => (state) => {
      sent.push(state);
      return send(state);
    },
  };
  return {
    ...books,
    ctx,
    systemId,
    sent,
    wait: (seconds: number) => {
      now = new Date(now.getTime() + seconds * 1000);
    },
    drain: () => drainSystem(ctx, { organizationId, systemId }),
    pay: async (
      externalId: string,
      reference?: { kind: 'workOrder' | 'invoice'; value: string },
    ) => {
      await books.own({
        kind: 'payment.recorded',
        externalId,
        amount: { amount: '10.50', currency: 'USD' },
        method: 'card',
        occurredAt: '2026-11-20T12:00:00Z',
        references: reference ? [reference] : [],
      });
      await books.apply();
    },
    /** Queues a later message about the payments that messages wait for. */
    queueVoid: () =>
      db.execute(
        sql`insert into deliveries (organization_id, system_id, topic, payment_id, document_id,
              due_at, created_at)
            select organization_id, system_id, 'payment.voided', payment_id, document_id,
              due_at, created_at
            from deliveries`,
      ),
    deliveries: () => readDeliveries(db, organizationId),
    breaker: async () => (await loadSystem(keeping, { organizationId, id: systemId }))?.breaker,
    [Symbol.asyncDispose]: async () => {
      await books[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function readDeliveries(db: Queryable, organizationId: number): Promise<DeliveryRow[]> {
  return db.query<DeliveryRow>(
    sql`select topic, state, attempts, last_error as error from deliveries
        where organization_id = ${organizationId} order by id`,
  );
}

describe('drainSystem', () => {
  test('sends what is due once, and records the attempt', async () => {
    await using house = await open({});
    await house.pay('chk-1');
    assert.deepEqual(await house.drain(), { sent: 1, nextAt: undefined });
    assert.deepEqual(await house.drain(), { sent: 0, nextAt: undefined });
    assert.equal(house.sent[0]?.payment.externalId, 'chk-1');
    assert.equal(house.sent[0]?.portal, 'own');
    const [attempt] = await house.db.query(sql`select attempt, ok, status from delivery_attempts`);
    assert.deepEqual(attempt, { attempt: 1, ok: true, status: 200 });
    assert.equal((await house.deliveries())[0]?.state, 'done');
  });

  test('waits by the schedule after a failure and gives up at its end', async () => {
    await using house = await open({
      send: async () => ({ outcome: 'retry', because: 'it answered 503', status: 503 }),
    });
    await house.pay('chk-1');
    const first = await house.drain();
    assert.deepEqual(first.nextAt, new Date(START.getTime() + 5000));
    house.wait(5);
    assert.deepEqual((await house.drain()).nextAt, new Date(START.getTime() + 35_000));
    await house.db.execute(
      sql`update deliveries set attempts = 13, due_at = ${START.toISOString()}`,
    );
    await house.drain();
    const [row] = await house.deliveries();
    assert.deepEqual([row?.state, row?.attempts], ['parked', 14]);
    assert.match(row?.error ?? '', /gave up after 14: it answered 503/);
  });

  test('a payment’s messages stay in order; another payment’s do not wait for them', async () => {
    let down = true;
    await using house = await open({
      send: async (state) =>
        down && state.payment.externalId === 'chk-1'
          ? { outcome: 'retry', because: 'down' }
          : { outcome: 'done' },
    });
    await house.pay('chk-1');
    await house.queueVoid();
    await house.pay('chk-2');
    await house.drain();
    const told = () =>
      house.sent.map(({ payment, delivery }) => [payment.externalId, delivery.topic]);
    assert.deepEqual(told(), [
      ['chk-1', 'payment.succeeded'],
      ['chk-2', 'payment.succeeded'],
    ]);
    down = false;
    house.wait(5);
    await house.drain();
    assert.deepEqual(told().slice(2), [
      ['chk-1', 'payment.succeeded'],
      ['chk-1', 'payment.voided'],
    ]);
  });

  test('a parked delivery keeps the later ones of its payment back', async () => {
    await using house = await open({ send: async () => ({ outcome: 'park', because: 'no' }) });
    await house.pay('chk-1');
    await house.queueVoid();
    assert.deepEqual(await house.drain(), { sent: 1, nextAt: undefined });
    const states = (await house.deliveries()).map(({ state }) => state);
    assert.deepEqual(states, ['parked', 'waiting']);
    assert.deepEqual(await house.breaker(), CLOSED);
  });

  test('what needs no telling is skipped without an attempt', async () => {
    await using house = await open({
      send: async () => ({ outcome: 'skip', because: 'no order' }),
    });
    await house.pay('chk-1');
    assert.deepEqual(await house.drain(), { sent: 0, nextAt: undefined });
    const [row] = await house.deliveries();
    assert.deepEqual(row, {
      topic: 'payment.succeeded',
      state: 'skipped',
      attempts: 0,
      error: 'no order',
    });
    assert.deepEqual(await house.db.query(sql`select from delivery_attempts`), []);
  });

  test('the breaker opens, holds the rest back uncounted, and a probe closes it', async () => {
    let down = true;
    await using house = await open({
      send: async () => (down ? { outcome: 'retry', because: 'down' } : { outcome: 'done' }),
    });
    for (let i = 0; i < 30; i += 1) await house.pay(`chk-${i}`);
    const first = await house.drain();
    assert.ok(first.sent >= 5 && first.sent < 30, String(first.sent));
    assert.deepEqual(first.nextAt, new Date(START.getTime() + 30_000));
    assert.equal((await house.breaker())?.state, 'open');
    const untried = (await house.deliveries()).filter(({ attempts }) => attempts === 0);
    assert.equal(untried.length, 30 - first.sent);
    assert.equal((await house.drain()).sent, 0);
    house.wait(30);
    assert.equal((await house.drain()).sent, 1);
    assert.equal((await house.breaker())?.state, 'open');
    down = false;
    house.wait(600);
    await house.drain();
    assert.deepEqual(await house.breaker(), CLOSED);
    const states = new Set((await house.deliveries()).map(({ state }) => state));
    assert.deepEqual(states, new Set(['done']));
  });

  test('a mistake of ours is shown, tried again and not held against the system', async () => {
    await using house = await open({ send: () => Promise.reject(new TypeError('oops')) });
    for (let i = 0; i < 7; i += 1) await house.pay(`chk-${i}`);
    assert.equal((await house.drain()).sent, 7);
    assert.deepEqual(await house.breaker(), CLOSED);
    assert.match((await house.deliveries())[0]?.error ?? '', /could not be sent: oops/);
  });

  test('drains at the same time send each delivery once', async () => {
    await using house = await open({
      send: async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return { outcome: 'done' };
      },
    });
    for (let i = 0; i < 20; i += 1) await house.pay(`chk-${i}`);
    await Promise.all([house.drain(), house.drain(), house.drain()]);
    const ids = house.sent.map(({ delivery }) => delivery.id);
    assert.equal(ids.length, 20);
    assert.equal(new Set(ids).size, 20);
  });

  test('a drain that died is made good when its lease ends', async () => {
    await using house = await open({});
    await house.pay('chk-1');
    const dying: DrainContext = { ...house.ctx, sender: () => Promise.reject(new Error('killed')) };
    const { organizationId, systemId } = house;
    await assert.rejects(drainSystem(dying, { organizationId, systemId }), /killed/);
    assert.equal((await house.drain()).sent, 0);
    house.wait(600);
    assert.equal((await house.drain()).sent, 1);
    assert.equal(house.sent[0]?.delivery.attempts, 2);
  });

  test('a disabled system is left alone', async () => {
    await using house = await open({});
    await house.pay('chk-1');
    await house.db.execute(sql`update systems set enabled = false`);
    assert.deepEqual(await house.drain(), { sent: 0, nextAt: undefined });
  });
});

test('an attempt that broke off may have arrived; one that was refused has not', async () => {
  for (const [status, mayHaveArrived] of [
    [undefined, true],
    [500, true],
    [429, false],
  ] as const) {
    await using house = await open({
      send: async () => ({ outcome: 'retry', because: 'x', ...(status ? { status } : {}) }),
    });
    await house.pay('chk-1');
    await house.drain();
    house.wait(5);
    await house.drain();
    const told = house.sent.map(({ delivery }) => delivery.mayHaveArrived);
    assert.deepEqual(told, [false, mayHaveArrived], String(status));
  }
});

test('the job comes back when the next delivery is due', async () => {
  await using house = await open({});
  const { db, organizationId, systemId } = house;
  await db.execute(sql`update systems set public_settings = '{}', settings_sealed = null`);
  const settings = { ...webhookSettings, url: 'https://erp.invalid/hook' };
  await updateSystem({ tx: db, sealer }, { organizationId, id: systemId, settings });
  await house.pay('chk-1');
  const ctx = {
    ...house.ctx,
    config: { allowPrivateTargets: false },
    access: () => assert.fail('no portal is needed'),
    wakeApplier: () => {},
  };
  await drainDeliveries(ctx, { organizationId, systemId });
  const jobs = await db.query<{ key: string; at: string }>(
    sql`select key, run_at as at from graphile_worker.jobs where task_identifier = 'deliver'
        order by key`,
  );
  assert.deepEqual(
    jobs.map(({ key }) => key),
    [`deliver-later:${organizationId}:${systemId}`, `deliver:${organizationId}:${systemId}`],
  );
  assert.ok(Date.parse(jobs[0]?.at ?? '') >= START.getTime() + 5000);
  assert.match((await house.deliveries())[0]?.error ?? '', /does not resolve/);
});

test('ServiceMobility hears of a payment, by the work order as it is spelled there', async () => {
  const host = await simulateServiceMobility({ seed: 21 });
  const outbound = openOutbound();
  await using house = await open({ kind: 'servicemobility', settings: host.systemSettings });
  try {
    await house.own({
      kind: 'work-order.upserted',
      externalId: 'wo-1',
      number: 'ord-0045a',
      workOrderKind: 'repair',
      total: { amount: '10.50', currency: 'USD' },
    });
    await house.pay('chk-1', { kind: 'workOrder', value: ' ORD-0045A ' });
    const sender = openSenders({
      ...house.ctx,
      post: outbound.post,
      access: () => assert.fail('no portal is needed'),
      wakeApplier: () => {},
    });
    const { organizationId, systemId } = house;
    const { sent } = await drainSystem({ ...house.ctx, sender }, { organizationId, systemId });
    assert.equal(sent, 1);
    const [received] = host.received();
    assert.deepEqual(received?.object, {
      Amount: 10.5,
      MerchantID: host.systemSettings.merchantId,
      PaymentUTC: '2026-11-20T12:00:00.000Z',
      RefNum: 'ord-0045a',
      Source: 'Link',
      TransactionID: 'own:chk-1',
      TransactionStatus: 'Approved',
      TransactionType: 'Sales',
      Type: 'Card',
    });
  } finally {
    outbound.close();
    await host.close();
  }
});

test('what the books hold and how they call a customer is read for the whole batch', async () => {
  await using house = await open({});
  const { db, organizationId } = house;
  const connectionId = await house.connect('quickbooks', 'books');
  await house.pay('chk-1');
  await house.pay('chk-2');
  await house.drain();
  const held = house.sent[0] as DeliveryState;
  await db.execute(
    sql`insert into identities (organization_id, kind, connection_id, external_id, entity_id,
          document_id)
        values (${organizationId}, 'payment', ${connectionId}, '991', ${held.payment.id}, 1)`,
  );
  const deliveries = house.sent.map(({ delivery }) => ({ ...delivery, topic: 'payment.applied' }));
  const states = await loadStates(db, organizationId, deliveries);
  const facts = await readBooksFacts(db, {
    organizationId,
    systemId: 'sys_none',
    connectionId,
    states,
  });
  assert.deepEqual([facts.timeZone, facts.installation], ['UTC', 'test01']);
  assert.deepEqual([...facts.held], [[held.payment.id, '991']]);
  assert.equal(facts.marked.size, 0, 'nothing says that 991 is ours');
  assert.deepEqual(
    states.map((state) => paymentToRecord(state, connectionId, facts)),
    [
      { outcome: 'skip', because: 'these books hold it as 991' },
      { outcome: 'skip', because: 'it pays no invoice of these books' },
    ],
  );
});

test('a record that was confirmed is ours, though its delivery never came to an end', async () => {
  await using house = await open({});
  const { db, organizationId } = house;
  const connectionId = await house.connect('quickbooks', 'books');
  await house.pay('chk-1');
  await house.drain();
  const payment = house.sent[0]?.payment ?? assert.fail('nothing was sent');
  const paymentId = `pay_${payment.id}`;
  await house.own(
    { kind: 'copy.recorded', paymentId, connectionId, externalId: '991' },
    confirmationKey(connectionId, payment.id),
  );
  await house.apply();
  const deliveries = house.sent.map(({ delivery }) => ({ ...delivery, topic: 'payment.voided' }));
  const states = await loadStates(db, organizationId, deliveries);
  const facts = await readBooksFacts(db, {
    organizationId,
    systemId: 'sys_none',
    connectionId,
    states,
  });
  assert.deepEqual([...facts.recorded], [payment.id]);
  const gone = { ...(states[0] as DeliveryState), payment: { ...payment, refundedMinor: 1050n } };
  const reversal = recordToReverse(gone, facts);
  assert.equal('externalId' in reversal && reversal.externalId, '991');
});
