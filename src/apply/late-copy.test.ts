/** Money whose portal says later what it pays, and its copy in the books, which says it at once. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { openTestBooks, type TestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { storeDocuments } from '../intake/store.ts';
import { checkRebuild } from './rebuild.ts';
import { verifyBooks } from './verify.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

/** The order of a sale as the API tells it, with the invoice it pays. */
const order = (id: number, transaction: number) => ({
  id: `gid://shopify/Order/${id}`,
  name: `#${id}`,
  customAttributes: [{ key: 'invoice_number', value: 'INV-1' }],
  transactions: [
    {
      id: `gid://shopify/OrderTransaction/${transaction}`,
      kind: 'SALE',
      status: 'SUCCESS',
      processedAt: '2026-11-12T14:58:09Z',
      amountSet: {
        presentmentMoney: { amount: '100.0', currencyCode: 'USD' },
        shopMoney: { amount: '100.0', currencyCode: 'USD' },
      },
    },
  ],
});

/** The same sale as its webhook tells it, without the invoice. */
const sale = (id: number, orderId: number) => ({
  id,
  order_id: orderId,
  kind: 'sale',
  status: 'success',
  amount: '100.00',
  currency: 'USD',
  processed_at: '2026-11-12T09:58:09-05:00',
});

type Step = 'webhook' | 'copy' | 'order';

async function tell(books: TestBooks, steps: readonly Step[], copies: number) {
  const { organizationId } = books;
  const settings = { shopDomain: 'ironbark-parts.myshopify.com' };
  const source = await books.connect('shopify', 'source', settings);
  const copying = await books.connect('shopify', 'books', settings);
  const store = async (connectionId: string, body: object, headers: Record<string, string>) => {
    await storeDocuments(books.db, [
      {
        organizationId,
        connectionId,
        origin: 'webhook',
        key: JSON.stringify(body),
        body: Buffer.from(JSON.stringify(body)),
        headers,
        authentic: true,
        settingsVersion: 1,
        receivedAt: new Date('2026-11-21T08:00:00.000Z'),
      },
    ]);
    await books.apply();
  };
  const perform: Record<Step, () => Promise<void>> = {
    webhook: () => store(source, sale(11, 1), { 'x-shopify-topic': 'order_transactions/create' }),
    order: () => store(source, order(1, 11), {}),
    copy: async () => {
      for (let index = 0; index < copies; index += 1) {
        await store(copying, order(901 + index, 911 + index), {});
      }
    },
  };
  for (const step of steps) await perform[step]();
  const { checks } = await verifyBooks(books.db, organizationId);
  assert.deepEqual(
    checks.flatMap(({ problems }) => problems),
    [],
  );
  assert.deepEqual((await checkRebuild(books.db, organizationId)).differences, []);
  return books.db.query<{ id: string; received: bigint; source: boolean }>(
    sql`select external_id as id, received_minor as received, connection_id = ${source} as source
        from payments where organization_id = ${organizationId} and mirrors is null order by external_id`,
  );
}

const ORDERS: readonly (readonly Step[])[] = [
  ['webhook', 'copy', 'order'],
  ['webhook', 'order', 'copy'],
  ['copy', 'webhook', 'order'],
  ['order', 'copy', 'webhook'],
  ['copy', 'order', 'webhook'],
];

for (const steps of ORDERS) {
  it(`${steps.join(', ')}: one payment, of the portal it came through`, async () => {
    await using books = await openTestBooks(database.url);
    const rows = await tell(books, steps, 1);
    assert.deepEqual(rows, [{ id: '11', received: 10_000n, source: true }]);
  });
}

it('a second payment of the same invoice and amount in the books is no copy of it', async () => {
  for (const steps of ORDERS) {
    await using books = await openTestBooks(database.url);
    const rows = await tell(books, steps, 2);
    assert.deepEqual(
      rows.map(({ received, source }) => ({ received, source })),
      [
        { received: 10_000n, source: true },
        { received: 10_000n, source: false },
      ],
      steps.join(', '),
    );
  }
});
