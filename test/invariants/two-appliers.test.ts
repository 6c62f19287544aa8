import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import { startApplier } from '../../src/apply/applier.ts';
import { verifyBooks } from '../../src/apply/verify.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import { storeOwnRecords } from '../../src/intake/store.ts';
import { testDatabase } from '../support/database.ts';

const log = pino({ enabled: false });
const AT = new Date('2026-11-21T08:00:00.000Z');
const WITHIN_MS = 60_000;

async function newOrganization(db: Database): Promise<number> {
  const [row] = await db.query<{ organization_id: number }>(
    sql`insert into organizations (name, installation) values ('One of many', 'many01')
        returning organization_id`,
  );
  return row?.organization_id as number;
}

/** Payments of invoices that come before, after and never; as one portion of documents. */
async function enterPayments(
  db: Database,
  organizationId: number,
  given: { readonly from: number; readonly count: number },
): Promise<void> {
  const inputs = Array.from({ length: given.count }, (_, index) => {
    const number = given.from + index;
    const total = { amount: `${number + 1}.00`, currency: 'USD' };
    const payment = {
      kind: 'payment.recorded' as const,
      externalId: `payment-${number}`,
      amount: total,
      occurredAt: AT.toISOString(),
      references: [{ kind: 'invoice' as const, value: `INV-${number}` }],
    };
    const invoice = { kind: 'invoice.upserted' as const, externalId: `INV-${number}`, total };
    const records = number % 3 === 0 ? [payment] : [payment, invoice];
    return number % 2 === 0 ? records : records.reverse();
  }).flat();
  await storeOwnRecords(
    db,
    inputs.map((record) => ({ organizationId, record, origin: 'api' as const, receivedAt: AT })),
  );
}

async function untilApplied(db: Database): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const [row] = await db.query<{ count: bigint }>(sql`select count(*) as count from inbox`);
    if (row?.count === 0n) return;
    assert.ok(performance.now() < deadline, `${row?.count} documents still wait`);
    await pause(20);
  }
}

for (const organizations of [1, 30]) {
  test(`two appliers on ${organizations} organizations apply each document once`, async () => {
    await using database = await testDatabase();
    const nodes = [connectDatabase(database.url), connectDatabase(database.url)];
    const [db] = nodes as [Database, Database];
    const ids: number[] = [];
    for (let count = 0; count < organizations; count += 1) ids.push(await newOrganization(db));
    const appliers = nodes.map((node) => startApplier({ db: node, log, now: () => AT }));
    const payments = organizations === 1 ? 600 : 30;
    const portion = 10;
    for (let from = 0; from < payments; from += portion) {
      await Promise.all(ids.map((id) => enterPayments(db, id, { from, count: portion })));
      for (const applier of appliers) for (const id of ids) applier.wake(id);
    }
    await untilApplied(db);
    await Promise.all(appliers.map((applier) => applier.stop()));

    for (const id of ids) {
      const [found] = await db.query<Record<string, bigint>>(
        sql`select (select count(*) from documents where organization_id = ${id}) as documents,
              count(*) as outcomes, count(distinct document_id) as applied,
              min(sequence) as first, max(sequence) as last,
              (select count(*) from payments where organization_id = ${id}) as payments,
              (select count(*) from entries where organization_id = ${id}
                 and kind = 'payment.received') as received
            from outcomes where organization_id = ${id}`,
      );
      const documents = found?.documents as bigint;
      assert.deepEqual(found, {
        documents,
        outcomes: documents,
        applied: documents,
        first: 1n,
        last: documents,
        payments: BigInt(payments),
        received: BigInt(payments),
      });
      const { checks } = await verifyBooks(db, id);
      assert.deepEqual(
        checks.flatMap((check) => check.problems),
        [],
      );
    }
    await Promise.all(nodes.map((node) => node.close()));
  });
}
