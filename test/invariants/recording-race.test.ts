/** Many payments of few invoices, recorded by two nodes at once in books that know no key, through a bad network. */
import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pino from 'pino';
import { simulateWave } from '../../simulators/wave.ts';
import { applyBatch } from '../../src/apply/apply-batch.ts';
import { verifyBooks } from '../../src/apply/verify.ts';
import { connectDatabase, sql } from '../../src/db/database.ts';
import { drainSystem } from '../../src/delivery/drain-system.ts';
import { openSenders } from '../../src/delivery/senders.ts';
import { createConnection } from '../../src/intake/connections.ts';
import { portalAccess } from '../../src/intake/portal-access.ts';
import { pullPortal } from '../../src/intake/pull-portal.ts';
import { createSealer } from '../../src/intake/sealing.ts';
import { storeOwnRecords } from '../../src/intake/store.ts';
import { virtualClock } from '../simulation/clock.ts';
import { testDatabase } from '../support/database.ts';

const ORGANIZATION = 1;
const INVOICES = 3;
const PAYMENTS_EACH = 8;
const SHARE_MINOR = 12_500n;
const ROUNDS = 200;

test('each is recorded once, and none of them comes back as money', async () => {
  await using database = await testDatabase();
  const clock = virtualClock('2026-11-21T08:00:00.000Z');
  const nodes = [1, 2].map(() => connectDatabase(database.url, { poolSize: 8 }));
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  const wave = await simulateWave({ seed: 3, role: 'books', faultRate: 0.25 });
  try {
    const [db] = nodes as [(typeof nodes)[0]];
    const { id: connectionId } = await createConnection(
      { database: db, sealer },
      {
        organizationId: ORGANIZATION,
        portal: 'wave',
        name: 'Wave',
        role: 'books',
        settings: wave.settings,
        actor: 'test',
      },
    );
    const running = nodes.map((node) => {
      const access = portalAccess({ database: node, sealer, now: clock.look });
      const context = { database: node, sealer, now: clock.look, access, wakeApplier: () => {} };
      const post = () => assert.fail('nothing is posted');
      return { context, sender: openSenders({ ...context, post }) };
    });
    const apply = async (): Promise<void> => {
      const portion = { organizationId: ORGANIZATION, limit: 500, now: clock.look() };
      while ((await applyBatch(db, portion)).state !== 'idle');
    };
    const log = pino({ enabled: false });
    const pause = async (ms: number) => clock.pass(ms);
    const pull = async (): Promise<void> => {
      const context = { ...(running[0] as (typeof running)[0]).context, log, pause };
      await pullPortal(context, { organizationId: ORGANIZATION, connectionId });
      await apply();
    };

    const customer = wave.addCustomer({ name: 'Northgate', email: 'ap@x.example' }, clock.at());
    const numbers = Array.from({ length: INVOICES }, (_, index) => `INV-${index}`);
    for (const number of numbers) {
      const amountMinor = SHARE_MINOR * BigInt(PAYMENTS_EACH);
      const invoice = { number, customerExternalId: customer, amountMinor, currency: 'USD' };
      wave.addInvoice(invoice, clock.at());
    }
    const known = async () =>
      (await db.query(sql`select from invoices where connection_id = ${connectionId}`)).length;
    for (let round = 0; round < ROUNDS && (await known()) < INVOICES; round += 1) await pull();
    await storeOwnRecords(
      db,
      Array.from({ length: INVOICES * PAYMENTS_EACH }, (_, index) => ({
        organizationId: ORGANIZATION,
        origin: 'api' as const,
        receivedAt: clock.at(),
        record: {
          kind: 'payment.recorded' as const,
          externalId: `card-${index}`,
          amount: { amount: '125.00', currency: 'USD' },
          occurredAt: clock.at().toISOString(),
          references: [{ kind: 'invoice' as const, value: numbers[index % INVOICES] as string }],
        },
      })),
    );
    await apply();

    const [system] = await db.query<{ id: string }>(sql`select id from systems`);
    const systemId = system?.id ?? assert.fail('the books are no system');
    const left = async () => {
      const rows = await db.query<{ state: string; count: bigint }>(
        sql`select state, count(*) as count from deliveries where system_id = ${systemId} group by state`,
      );
      return new Map(rows.map(({ state, count }) => [state, Number(count)]));
    };
    for (let round = 0; round < ROUNDS && (await left()).has('waiting'); round += 1) {
      const drained = await Promise.all(
        running.map(({ context, sender }) =>
          drainSystem(
            { ...context, chance: Math.random, sender },
            { organizationId: ORGANIZATION, systemId },
          ),
        ),
      );
      await pull();
      const due = drained.flatMap(({ nextAt }) => (nextAt ? [nextAt.getTime()] : []));
      if (due.length > 0) clock.passUntil(Math.min(...due));
    }

    assert.deepEqual([...(await left())], [['done', INVOICES * PAYMENTS_EACH]]);
    const recorded = wave.recordedPayments();
    assert.equal(recorded.length, INVOICES * PAYMENTS_EACH);
    assert.equal(new Set(recorded.map(({ externalId }) => externalId)).size, recorded.length);
    assert.ok(recorded.every(({ amountMinor }) => amountMinor === SHARE_MINOR));
    for (let round = 0; round < 10; round += 1) {
      clock.pass(10 * 60_000);
      await pull();
    }
    const money = await db.query(
      sql`select external_id, amount_minor from payments where connection_id = ${connectionId}`,
    );
    assert.deepEqual(money, []);
    const { checks } = await verifyBooks(db, ORGANIZATION);
    assert.deepEqual(
      checks.flatMap(({ problems }) => problems),
      [],
    );
  } finally {
    await wave.close();
    for (const node of nodes) await node.close();
  }
});
