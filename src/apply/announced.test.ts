/** Money that was announced under other ids: an order paid in parts, an authorization captured in parts. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
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

type Delivery = { readonly topic: string; readonly body: Readonly<Record<string, unknown>> };

const ORDER = 6102;

const transaction = (
  id: number,
  kind: string,
  amount: string,
  more: Record<string, unknown> = {},
): Delivery => ({
  topic: 'order_transactions/create',
  body: {
    id,
    order_id: ORDER,
    kind,
    status: 'success',
    gateway: 'shopify_payments',
    amount,
    currency: 'USD',
    processed_at: '2026-11-12T09:58:09-05:00',
    ...more,
  },
});

const paid = (total: string): Delivery => ({
  topic: 'orders/paid',
  body: {
    id: ORDER,
    name: '#1482',
    financial_status: 'paid',
    currency: 'USD',
    total_price: total,
    updated_at: '2026-11-12T09:58:14-05:00',
    customer: { id: 77, email: 'ap@harbormillworks.example' },
  },
});

const dispute = (amount: string): Delivery => ({
  topic: 'disputes/create',
  body: {
    id: 285,
    order_id: ORDER,
    type: 'chargeback',
    amount,
    currency: 'USD',
    status: 'needs_response',
    initiated_at: '2026-11-16T00:58:40-05:00',
  },
});

const SALE = transaction(11, 'sale', '100.00');
const FIRST = transaction(21, 'sale', '60.00');
const SECOND = transaction(22, 'sale', '40.00', { gateway: 'gift_card' });
const REFUND = transaction(31, 'refund', '15.00', {
  parent_id: 21,
  processed_at: '2026-11-13T09:00:00-05:00',
});
const AUTHORIZATION = transaction(40, 'authorization', '100.00');
const CAPTURE = transaction(41, 'capture', '60.00', { parent_id: 40 });
const REST = transaction(42, 'capture', '40.00', { parent_id: 40 });
const LAPSED = transaction(43, 'void', '40.00', {
  parent_id: 40,
  processed_at: '2026-11-19T09:00:00-05:00',
});
const PENDING = transaction(51, 'sale', '100.00', { status: 'pending', gateway: 'Bank Deposit' });
const MARKED_PAID = transaction(52, 'sale', '100.00', { parent_id: 51, gateway: 'Bank Deposit' });

function permutations<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length <= 1) return [list];
  return list.flatMap((one, index) =>
    permutations(list.toSpliced(index, 1)).map((rest) => [one, ...rest]),
  );
}

/** Delivers in that order, each applied before the next or all at once, and everything once more in the end. */
async function tell(books: TestBooks, deliveries: readonly Delivery[], atOnce: boolean) {
  const { organizationId } = books;
  const connectionId = await books.connect('shopify', 'source', {
    shopDomain: 'ironbark-parts.myshopify.com',
  });
  const send = async (round: number) => {
    for (const { topic, body } of deliveries) {
      const bytes = Buffer.from(JSON.stringify(body));
      await storeDocuments(books.db, [
        {
          organizationId,
          connectionId,
          origin: 'webhook',
          key: `${round}:${topic}:${body.id}`,
          body: bytes,
          headers: { 'x-shopify-topic': topic },
          authentic: true,
          settingsVersion: 1,
          receivedAt: new Date('2026-11-21T08:00:00.000Z'),
        },
      ]);
      if (!atOnce) await books.apply();
    }
    await books.apply();
  };
  await send(1);
  await send(2);
  return books.db.query<{
    id: string;
    status: string;
    received: bigint;
    refunded: bigint;
    disputed: bigint;
  }>(
    sql`select external_id as id, status, received_minor as received, refunded_minor as refunded,
          disputed_minor as disputed
        from payments where organization_id = ${organizationId} and mirrors is null order by external_id`,
  );
}

function story(
  name: string,
  deliveries: readonly Delivery[],
  wanted: readonly (readonly [id: string, status: string, received: bigint])[],
  more: { readonly refunded?: bigint; readonly disputed?: bigint } = {},
): void {
  it(`${name}, in every order`, async () => {
    for (const [index, order] of permutations(deliveries).entries()) {
      for (const atOnce of deliveries.length < 3 ? [false, true] : [index % 2 === 0]) {
        await using books = await openTestBooks(database.url);
        const rows = await tell(books, order, atOnce);
        const said = order.map(({ topic, body }) => `${topic} ${body.id}`).join(', ');
        assert.deepEqual(
          rows.map(({ id, status, received }) => [id, status, received]),
          wanted,
          said,
        );
        const sum = (field: 'refunded' | 'disputed') =>
          rows.reduce((total, row) => total + row[field], 0n);
        assert.equal(sum('refunded'), more.refunded ?? 0n, said);
        assert.equal(sum('disputed'), more.disputed ?? 0n, said);
        const { checks } = await verifyBooks(books.db, books.organizationId);
        assert.deepEqual(
          checks.flatMap(({ problems }) => problems),
          [],
          said,
        );
        const rebuild = await checkRebuild(books.db, books.organizationId);
        assert.deepEqual(rebuild.differences, [], said);
      }
    }
  });
}

describe('an order stands for its transactions until they come', () => {
  story(
    'alone it is one payment',
    [paid('100.00')],
    [['gid://shopify/Order/6102', 'succeeded', 10_000n]],
  );
  story('paid at once', [paid('100.00'), SALE], [['11', 'succeeded', 10_000n]]);
  story(
    'paid in parts',
    [paid('100.00'), FIRST, SECOND],
    [
      ['21', 'succeeded', 6_000n],
      ['22', 'succeeded', 4_000n],
    ],
  );
  story(
    'paid in parts, one of them refunded',
    [paid('100.00'), FIRST, SECOND, REFUND],
    [
      ['21', 'partially_refunded', 6_000n],
      ['22', 'succeeded', 4_000n],
    ],
    { refunded: 1_500n },
  );
  story(
    'paid at once and disputed',
    [paid('100.00'), SALE, dispute('100.00')],
    [['11', 'disputed', 10_000n]],
    { disputed: 10_000n },
  );
});

describe('an authorization stands for its captures until they come', () => {
  story(
    'captured in parts, with the order paid',
    [AUTHORIZATION, CAPTURE, REST, paid('100.00')],
    [
      ['41', 'succeeded', 6_000n],
      ['42', 'succeeded', 4_000n],
    ],
  );
  story(
    'captured in part, the rest lapsed: the money stays',
    [AUTHORIZATION, CAPTURE, LAPSED],
    [['41', 'succeeded', 6_000n]],
  );
  story('voided without a capture', [AUTHORIZATION, LAPSED], [['40', 'voided', 0n]]);
});

describe('a pending sale stands for the one that is marked as paid', () => {
  story(
    'superseded, never added',
    [PENDING, MARKED_PAID, paid('100.00')],
    [['52', 'succeeded', 10_000n]],
  );
});
