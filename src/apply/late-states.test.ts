/** States that arrive after newer ones, and refunds whose payment is named later. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { openTestBooks, type TestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { checkRebuild } from './rebuild.ts';
import { verifyBooks } from './verify.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

async function prove({ db, organizationId }: TestBooks): Promise<void> {
  const { checks } = await verifyBooks(db, organizationId);
  assert.deepEqual(
    checks.flatMap(({ problems }) => problems),
    [],
  );
  assert.deepEqual((await checkRebuild(db, organizationId)).differences, []);
}

const invoice = (token: number, total: string, note = '') => ({
  Invoice: {
    Id: '70',
    SyncToken: String(token),
    DocNumber: '1016',
    TxnDate: '2026-11-01',
    TotalAmt: total,
    Balance: total,
    CustomerRef: { value: '20', name: 'Red Rock Diner' },
    CurrencyRef: { value: 'USD' },
    Line: [],
    ...(note ? { PrivateNote: note } : {}),
    MetaData: {
      CreateTime: '2026-11-01T08:00:00Z',
      LastUpdatedTime: `2026-11-01T08:0${token}:00Z`,
    },
  },
});

async function invoices(states: readonly object[]): Promise<string> {
  await using books = await openTestBooks(database.url);
  const settings = { clientId: 'c', realmId: '1' };
  const connectionId = await books.connect('quickbooks', 'books', {
    ...settings,
    clientSecret: '[secret]',
  });
  for (const state of states) {
    await books.webhook(connectionId, state);
    await books.apply();
  }
  await prove(books);
  const rows = await books.db.query<{ says: string }>(
    sql`select status || ' ' || total_minor as says from invoices
        where organization_id = ${books.organizationId}`,
  );
  return rows.map(({ says }) => says).join();
}

it('an earlier version of an invoice changes nothing', async () => {
  const [first, second] = [invoice(1, '100.00'), invoice(2, '120.00')];
  assert.equal(await invoices([first, second]), 'open 12000');
  assert.equal(await invoices([second, first]), 'open 12000');
});

it('a voided invoice stays voided, whatever is told late, even when nothing was known of it', async () => {
  const [open, voided] = [invoice(1, '100.00'), invoice(2, '0', 'Voided')];
  assert.equal(await invoices([open, voided]), 'void 10000');
  assert.equal(await invoices([voided, open]), 'void 0');
  assert.equal(await invoices([voided, open, invoice(3, '100.00')]), 'open 10000');
});

it('a refund that was nobody’s is booked as its payment’s once that is named', async () => {
  await using books = await openTestBooks(database.url);
  const connectionId = await books.connect('stripe', 'source', {});
  const event = (id: string, type: string, object: object, created: number) =>
    books.webhook(connectionId, {
      id,
      object: 'event',
      type,
      created,
      api_version: '2026-10-28.endive',
      livemode: true,
      data: { object },
    });
  const refund = {
    id: 're_1',
    object: 'refund',
    amount: 5000,
    currency: 'usd',
    status: 'succeeded',
    created: 1_794_000_100,
  };
  await event(
    'evt_1',
    'refund.created',
    { ...refund, payment_intent: null, charge: null },
    1_794_000_100,
  );
  await books.apply();
  await prove(books);
  const intent = {
    id: 'pi_1',
    object: 'payment_intent',
    amount: 12_000,
    amount_received: 12_000,
    currency: 'usd',
    status: 'succeeded',
    created: 1_794_000_000,
    metadata: {},
  };
  await event('evt_2', 'payment_intent.succeeded', intent, 1_794_000_000);
  await event(
    'evt_3',
    'refund.updated',
    { ...refund, payment_intent: 'pi_1', charge: 'ch_1' },
    1_794_000_200,
  );
  await books.apply();
  await prove(books);
  const [row] = await books.db.query<{ refunded_minor: bigint; clearing: bigint; open: bigint }>(
    sql`select p.refunded_minor, (select debit_minor - credit_minor from account_balances
          where organization_id = ${books.organizationId} and account = ${`clearing:${connectionId}`}) as clearing,
          (select count(*) from review_items where organization_id = ${books.organizationId}
            and resolved_at is null and kind = 'refund-unlinked') as open
        from payments p where p.organization_id = ${books.organizationId}`,
  );
  assert.deepEqual(row, { refunded_minor: 5000n, clearing: 7000n, open: 0n });
});
