import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import { startApplier } from '../../src/apply/applier.ts';
import { checkRebuild } from '../../src/apply/rebuild.ts';
import { verifyBooks } from '../../src/apply/verify.ts';
import { connectDatabase, sql } from '../../src/db/database.ts';
import { replayDocument } from '../../src/intake/replay.ts';
import { openTestBooks, type TestBooks } from '../support/books.ts';
import { testDatabase } from '../support/database.ts';

const AT = new Date('2026-11-21T08:00:00.000Z');
const WITHIN_MS = 30_000;

/** A succeeded payment as Stripe tells it. */
function stripeEvent(number: number, changed: Readonly<Record<string, unknown>> = {}) {
  const id = `pi_poison${number}`;
  return {
    id: `evt_poison${number}`,
    object: 'event',
    type: 'payment_intent.succeeded',
    api_version: '2026-10-28.endive',
    created: 1_795_000_000 + number,
    livemode: false,
    data: {
      object: {
        id,
        object: 'payment_intent',
        amount: 1000 + number,
        amount_received: 1000 + number,
        currency: 'usd',
        created: 1_795_000_000 + number,
        description: `order ${number}`,
        status: 'succeeded',
        latest_charge: `ch_poison${number}`,
        livemode: false,
        metadata: {},
        ...changed,
      },
    },
  };
}

/** Runs the real applier until nothing waits. */
async function applyAll(books: TestBooks, url: string): Promise<void> {
  const db = connectDatabase(url, { poolSize: 4 });
  const applier = startApplier({ db, log: pino({ enabled: false }), now: () => AT });
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const [row] = await books.db.query<{ count: bigint }>(
      sql`select count(*) as count from inbox where organization_id = ${books.organizationId}`,
    );
    if (row?.count === 0n) break;
    assert.ok(performance.now() < deadline, 'something blocks the inbox');
    await pause(20);
  }
  await applier.stop();
  await db.close();
}

async function statusesOf(books: TestBooks, documentId: bigint): Promise<readonly string[]> {
  const rows = await books.db.query<{ status: string }>(
    sql`select status from outcomes where organization_id = ${books.organizationId}
        and document_id = ${documentId} order by sequence`,
  );
  return rows.map(({ status }) => status);
}

async function assertWhole(books: TestBooks): Promise<void> {
  const { checks } = await verifyBooks(books.db, books.organizationId);
  assert.deepEqual(
    checks.flatMap((check) => check.problems),
    [],
  );
  assert.deepEqual((await checkRebuild(books.db, books.organizationId)).differences, []);
}

/** What PostgreSQL cannot store, wherever in a payment it stands. */
const POISON: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'a NUL in its description': { description: 'INV-1\u0000' },
  'a NUL in its metadata': { metadata: { invoice_number: 'INV\u0000-1' } },
  'an amount beyond 64 bits': { amount: 1e20, amount_received: 1e20 },
  'half a surrogate pair': { description: 'INV-\ud800' },
};

for (const [what, changed] of Object.entries(POISON)) {
  test(`a payment with ${what} blocks nothing and is accounted for`, async () => {
    await using database = await testDatabase();
    await using books = await openTestBooks(database.url);
    const connection = await books.connect('stripe');
    for (let number = 0; number < 20; number += 1) {
      await books.webhook(connection, stripeEvent(number), `event:${number}`);
    }
    const poison = await books.webhook(connection, stripeEvent(99, changed), 'event:poison');
    assert.ok(poison);
    for (let number = 20; number < 40; number += 1) {
      await books.webhook(connection, stripeEvent(number), `event:${number}`);
    }
    await applyAll(books, database.url);
    const [row] = await books.db.query<{ count: bigint }>(
      sql`select count(*) as count from payments where organization_id = ${books.organizationId}
          and external_id <> 'pi_poison99'`,
    );
    assert.equal(row?.count, 40n);
    const [status] = await statusesOf(books, poison);
    assert.ok(status === 'quarantined' || status === 'applied', `it was ${status}`);
    await assertWhole(books);
  });
}

test('what was set aside can be replayed, fails again without harm, and works once it can', async () => {
  await using database = await testDatabase();
  await using books = await openTestBooks(database.url);
  const amount = (text: string) => ({ amount: text, currency: 'USD' });
  await books.own({
    kind: 'payment.recorded',
    externalId: 'cash',
    amount: amount('10.00'),
    occurredAt: AT.toISOString(),
  });
  await books.own({ kind: 'invoice.upserted', externalId: 'INV-9', total: amount('5.00') });
  await applyAll(books, database.url);
  const [ids] = await books.db.query<{ payment: bigint; invoice: bigint }>(
    sql`select p.id as payment, i.id as invoice from payments p
        join invoices i on i.organization_id = p.organization_id
        where p.organization_id = ${books.organizationId}`,
  );
  const tooMuch = await books.own({
    kind: 'allocation.made',
    paymentId: `pay_${ids?.payment}`,
    target: { kind: 'invoice', id: `inv_${ids?.invoice}` },
    amount: '8.00',
    by: 'bookkeeper',
  });
  await applyAll(books, database.url);
  assert.deepEqual(await statusesOf(books, tooMuch), ['quarantined']);

  const replay = () => replayDocument(books.db, books.organizationId, tooMuch);
  assert.deepEqual(await replay(), { status: 'queued' });
  await applyAll(books, database.url);
  assert.deepEqual(await statusesOf(books, tooMuch), ['quarantined', 'quarantined']);

  await books.own({ kind: 'invoice.upserted', externalId: 'INV-9', total: amount('12.00') });
  await applyAll(books, database.url);
  assert.deepEqual(await replay(), { status: 'queued' });
  await applyAll(books, database.url);
  assert.deepEqual(await statusesOf(books, tooMuch), ['quarantined', 'quarantined', 'applied']);
  assert.equal((await replay()).status, 'refused');
  await assertWhole(books);
});
