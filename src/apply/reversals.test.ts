/** Money that a portal takes back by itself, disputes that are the same money, and disputes lost in part. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { checkRebuild } from './rebuild.ts';
import { verifyBooks } from './verify.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

const usd = (value: string) => ({ currency_code: 'USD', value });
const event = (event_type: string, resource: object) => ({
  id: `WH-${event_type}-${Object.values(resource)[0]}`,
  create_time: '2026-11-20T10:00:00Z',
  event_type,
  resource,
});
const at = (hour: number) => `2026-11-10T${String(hour).padStart(2, '0')}:00:00Z`;

const PAID = event('PAYMENT.CAPTURE.COMPLETED', {
  id: 'CAP1',
  status: 'COMPLETED',
  amount: usd('100.00'),
  create_time: at(8),
});
const reversed = (id: string, value: string, hour: number) =>
  event('PAYMENT.CAPTURE.REVERSED', {
    id,
    status: 'COMPLETED',
    amount: usd(value),
    capture_id: 'CAP1',
    create_time: at(hour),
  });
const dispute = (kind: 'CREATED' | 'RESOLVED', hour: number, more: object) =>
  event(`CUSTOMER.DISPUTE.${kind}`, {
    dispute_id: 'PP-D-1',
    create_time: at(9),
    update_time: at(hour),
    status: kind === 'CREATED' ? 'OPEN' : 'RESOLVED',
    dispute_life_cycle_stage: 'CHARGEBACK',
    dispute_amount: usd('100.00'),
    disputed_transactions: [{ seller_transaction_id: 'CAP1' }],
    ...more,
  });
const OPENED = dispute('CREATED', 9, {});
const INQUIRY = dispute('CREATED', 9, { dispute_life_cycle_stage: 'INQUIRY' });
const outcome = (outcome_code: string, hour: number, refunded = '100.00') =>
  dispute('RESOLVED', hour, {
    dispute_outcome: { outcome_code, amount_refunded: usd(refunded) },
  });

/** Tells the documents in the order given, one by one, and proves the books; their sums in words. */
async function tell(documents: readonly object[]): Promise<string> {
  await using books = await openTestBooks(database.url);
  const { db, organizationId } = books;
  const connectionId = await books.connect('paypal');
  for (const document of documents) {
    await books.webhook(connectionId, document);
    await books.apply();
  }
  const { checks } = await verifyBooks(db, organizationId);
  assert.deepEqual(
    checks.flatMap(({ problems }) => problems),
    [],
  );
  assert.deepEqual((await checkRebuild(db, organizationId)).differences, []);
  const [row] = await db.query<{ says: string }>(
    sql`select concat_ws(' ', 'refunded', p.refunded_minor, 'disputed', p.disputed_minor, 'lost',
            p.lost_minor, 'clearing', (select debit_minor - credit_minor from account_balances
              where organization_id = ${organizationId} and account like 'clearing:%'), 'reviews',
            (select string_agg(kind, ' ') from review_items
              where organization_id = ${organizationId} and resolved_at is null and kind <> 'unapplied-cash')) as says
          from payments p where p.organization_id = ${organizationId}`,
  );
  return row?.says ?? 'no payment';
}

function everyOrder<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list];
  return list.flatMap((one, index) =>
    everyOrder([...list.slice(0, index), ...list.slice(index + 1)]).map((rest) => [one, ...rest]),
  );
}

const CASES: readonly (readonly [string, readonly object[], string])[] = [
  [
    'a reversal alone is money that went back',
    [reversed('R1', '100.00', 10)],
    'refunded 10000 disputed 0 lost 0 clearing 0',
  ],
  [
    'of a reversal and a dispute that withholds the money, the dispute counts',
    [reversed('R1', '100.00', 10), OPENED],
    'refunded 0 disputed 10000 lost 0 clearing 0',
  ],
  [
    'so it does when it is lost',
    [reversed('R1', '100.00', 10), INQUIRY, outcome('RESOLVED_BUYER_FAVOUR', 12)],
    'refunded 0 disputed 0 lost 10000 clearing 0',
  ],
  [
    'once it is won the money is back',
    [reversed('R1', '100.00', 10), OPENED, outcome('RESOLVED_SELLER_FAVOUR', 12)],
    'refunded 0 disputed 0 lost 0 clearing 10000',
  ],
  [
    'what is reversed after that is another matter',
    [outcome('RESOLVED_SELLER_FAVOUR', 12), reversed('R1', '100.00', 14)],
    'refunded 10000 disputed 0 lost 0 clearing 0',
  ],
  [
    'a dispute lost in part gives back the rest that was withheld',
    [OPENED, outcome('ACCEPTED', 12, '30.00')],
    'refunded 0 disputed 0 lost 3000 clearing 7000',
  ],
  [
    'and takes only its part where nothing was',
    [INQUIRY, reversed('R1', '30.00', 12), outcome('ACCEPTED', 12, '30.00')],
    'refunded 0 disputed 0 lost 3000 clearing 7000',
  ],
];

describe('whatever the order', () => {
  for (const [name, documents, says] of CASES) {
    it(name, async () => {
      for (const order of everyOrder([PAID, ...documents])) {
        assert.equal(await tell(order), `${says} reviews`);
      }
    });
  }
});
