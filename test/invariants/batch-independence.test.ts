import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../simulators/random.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
import { applyBatch } from '../../src/apply/apply-batch.ts';
import { BOOK_TABLES } from '../../src/apply/write.ts';
import { connectDatabase, type Database, raw, sql } from '../../src/db/database.ts';
import type { OwnRecordInput } from '../../src/intake/own-document.ts';
import { type NewDocument, storeDocuments, storeOwnRecords } from '../../src/intake/store.ts';
import { stripe } from '../../src/portals/stripe/index.ts';
import { testDatabase } from '../support/database.ts';

const ORGANIZATION = 1;
const CONNECTION = 'con_stripe1';
const AT = new Date('2026-11-21T08:00:00.000Z');
const PAYMENTS = 40;

type Step = { readonly own: OwnRecordInput } | { readonly notice: Buffer };

/** Notices of Stripe and records of our own, shuffled together: the same for every reading. */
async function writeStory(): Promise<readonly Step[]> {
  const random = seededRandom(4711);
  await using portal = Object.assign(await simulateStripe({ seed: 4711, extraEvents: true }), {
    [Symbol.asyncDispose]: () => portal.close(),
  });
  const steps: Step[] = [];
  for (let number = 0; number < PAYMENTS; number += 1) {
    const customer = `cus_${number % 9}`;
    const amountMinor = BigInt(10_000 + 37 * number);
    const total = { amount: (Number(amountMinor) / 100).toFixed(2), currency: 'USD' };
    steps.push({ own: customerOf(customer) });
    steps.push({
      own: {
        kind: 'invoice.upserted',
        externalId: `INV-${number}`,
        total,
        workOrder: `WO-${number}`,
        customerExternalId: customer,
      },
    });
    steps.push({
      own: { kind: 'work-order.upserted', externalId: `WO-${number}`, workOrderKind: 'repair' },
    });
    const reference = random.chance(0.7)
      ? { invoiceNumber: `INV-${number}` }
      : { workOrder: `WO-${number}` };
    const order = { amountMinor, currency: 'USD', customer: payer(customer), ...reference };
    const id = portal.pay(order, AT);
    const way = random.between(1, 6);
    if (way === 1) portal.refund?.(id, amountMinor / 3n, AT);
    if (way === 2) portal.failRefund?.(portal.refund?.(id, amountMinor, AT) as string, AT);
    if (way === 3) {
      const dispute = portal.dispute?.(id, AT) as string;
      portal.closeDispute?.(
        dispute,
        random.chance(0.5) ? 'won' : 'lost',
        new Date(AT.getTime() + 5_000),
      );
    }
  }
  portal.payout?.(new Date(AT.getTime() + 60_000));
  for (const notice of portal.takeNotices()) steps.push({ notice: notice.sign(AT).body });
  return random.shuffle(steps);
}

function customerOf(externalId: string): OwnRecordInput {
  return { kind: 'customer.upserted', ...payer(externalId) };
}

function payer(externalId: string) {
  return { externalId, name: externalId, email: `${externalId}@example.com` };
}

/** Stores the story in a database of its own and applies it in batches of `limit`; resolves to the books as text. */
async function applyIn(limit: number, story: readonly Step[]): Promise<readonly string[]> {
  await using database = await testDatabase();
  const db = connectDatabase(database.url, { poolSize: 2 });
  try {
    await db.execute(sql`update organizations set installation = 'same01'`);
    await db.execute(
      sql`insert into connections (organization_id, id, portal, name, role, public_settings)
          values (${ORGANIZATION}, ${CONNECTION}, 'stripe', 'Stripe', 'source', '{}')`,
    );
    await db.execute(
      sql`insert into connection_settings (organization_id, connection_id, version, public_settings)
          values (${ORGANIZATION}, ${CONNECTION}, 1, '{}')`,
    );
    for (const [index, step] of story.entries()) await store(db, step, index);
    for (;;) {
      const result = await applyBatch(db, { organizationId: ORGANIZATION, limit, now: AT });
      if (result.state === 'idle') break;
    }
    return await readBooks(db);
  } finally {
    await db.close();
  }
}

async function store(db: Database, step: Step, index: number): Promise<void> {
  if ('own' in step) {
    const place = { organizationId: ORGANIZATION, origin: 'api' as const, receivedAt: AT };
    await storeOwnRecords(db, [{ ...place, record: step.own, key: `step-${index}` }]);
    return;
  }
  const documents = stripe.split(step.notice, {}).map(
    ({ key, body }): NewDocument => ({
      organizationId: ORGANIZATION,
      connectionId: CONNECTION,
      origin: 'webhook',
      key,
      body,
      headers: {},
      authentic: true,
      settingsVersion: 1,
      receivedAt: AT,
    }),
  );
  await storeDocuments(db, documents);
}

async function readBooks(db: Database): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const table of BOOK_TABLES) {
    const rows = await db.query<{ line: string }>(
      sql`select r::text as line from ${raw(table)} r order by 1`,
    );
    lines.push(...rows.map(({ line }) => `${table}: ${line}`));
  }
  return lines;
}

test('batches of 1, 7 and 500 documents give byte-equal books', async () => {
  const story = await writeStory();
  const whole = await applyIn(500, story);
  assert.ok(whole.length > PAYMENTS * 10, 'the books are not empty');
  for (const limit of [1, 7]) {
    const books = await applyIn(limit, story);
    assert.deepEqual(differences(books, whole), [], `batches of ${limit} and of 500 differ`);
  }
});

/** The first lines that only one of the two has. */
function differences(left: readonly string[], right: readonly string[]): readonly string[] {
  const lacking = (from: readonly string[], other: readonly string[]) => {
    const known = new Set(other);
    return from.filter((line) => !known.has(line));
  };
  return [...lacking(left, right).slice(0, 3), ...lacking(right, left).slice(0, 3)];
}
