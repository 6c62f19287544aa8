/** Payments that are captured in parts, and what is kept of them and of payouts. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
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

type Item = {
  readonly eventCode: string;
  readonly pspReference: string;
  readonly value: number;
  readonly minute: number;
  readonly success?: 'false';
};

const AUTHORISED: Item = {
  eventCode: 'AUTHORISATION',
  pspReference: 'A',
  value: 10_000,
  minute: 0,
};
const FIRST: Item = { eventCode: 'CAPTURE', pspReference: 'C1', value: 6_000, minute: 10 };
const SECOND: Item = { eventCode: 'CAPTURE', pspReference: 'C2', value: 3_000, minute: 20 };
const FAILED: Item = { ...SECOND, eventCode: 'CAPTURE_FAILED', minute: 50 };
const EXPIRED: Item = { eventCode: 'EXPIRE', pspReference: 'E', value: 10_000, minute: 60 };
const REFUNDED: Item = { eventCode: 'REFUND', pspReference: 'R', value: 7_000, minute: 30 };

function bodyOf(item: Item, more: Readonly<Record<string, unknown>> = {}) {
  const { eventCode, pspReference, value, minute, success } = item;
  const fields = {
    eventCode,
    pspReference,
    merchantAccountCode: 'Firm',
    merchantReference: 'INV-1',
    originalReference: pspReference === 'A' ? undefined : 'A',
    amount: { value, currency: 'USD' },
    eventDate: new Date(Date.UTC(2026, 10, 4, 9, minute)).toISOString(),
    paymentMethod: 'visa',
    success: success ?? 'true',
    ...more,
  };
  return { live: 'true', notificationItems: [{ NotificationRequestItem: fields }] };
}

const HEADER =
  'Psp Reference,Modification Reference,Type,Creation Date,TimeZone,Gross Currency,' +
  'Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Batch Number';
const line = (cells: string) => Buffer.from(`${HEADER}\n${cells}\n`);
const settled = (part: string, commission: string) =>
  line(`A,${part},Settled,2026-11-05 10:00:00,UTC,USD,60.00,USD,,59.00,${commission},7`);
const PAYOUT = Buffer.from(
  `${HEADER}\n,Fees November,Fee,2026-11-06 10:00:00,UTC,,,USD,0.26,,,7\n` +
    ',TX 7,MerchantPayout,2026-11-06 10:00:00,UTC,,,USD,88.00,,,7\n',
);

/** Tells the documents in the order given, one after the other, and proves the books. */
async function tell(capture: string, documents: readonly (Item | Buffer)[]): Promise<string[]> {
  await using books = await openTestBooks(database.url);
  const connectionId = await books.connect('adyen', 'source', { capture });
  for (const document of documents) {
    await books.webhook(connectionId, Buffer.isBuffer(document) ? document : bodyOf(document));
    await books.apply();
  }
  const { checks } = await verifyBooks(books.db, books.organizationId);
  assert.deepEqual(
    checks.flatMap(({ problems }) => problems),
    [],
  );
  const rebuild = await checkRebuild(books.db, books.organizationId);
  assert.deepEqual(rebuild.differences, []);
  // Awaited, or the database would be closed first.
  return await says(books);
}

async function says({ db, organizationId }: TestBooks): Promise<string[]> {
  const rows = await db.query<{ says: string }>(
    sql`select concat_ws(' ', status, amount_minor, 'received', received_minor, 'refunded',
            refunded_minor, 'fee', fee_minor) as says
          from payments where organization_id = ${organizationId}
        union all select concat_ws(' ', 'quarantined', reason) from outcomes
          where organization_id = ${organizationId} and status = 'quarantined'
        union all select concat_ws(' ', 'clearing', debit_minor - credit_minor) from account_balances
          where organization_id = ${organizationId} and account like 'clearing:%'`,
  );
  return rows.map((row) => row.says);
}

function everyOrder<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list];
  return list.flatMap((one, index) =>
    everyOrder([...list.slice(0, index), ...list.slice(index + 1)]).map((rest) => [one, ...rest]),
  );
}

describe('a payment captured in parts', () => {
  it('is received as their sum, in whatever order they are told', async () => {
    for (const order of everyOrder([AUTHORISED, FIRST, SECOND])) {
      const told = await tell('manual', [...order, ...order]);
      assert.deepEqual(told, ['succeeded 9000 received 9000 refunded 0 fee', 'clearing 9000']);
    }
  });

  it('stays when the rest expires, and loses only the part that fails', async () => {
    for (const order of everyOrder([AUTHORISED, FIRST, SECOND, FAILED]).filter(
      (_, at) => at % 5 === 0,
    )) {
      const told = await tell('manual', [EXPIRED, ...order, EXPIRED]);
      assert.deepEqual(told, ['succeeded 6000 received 6000 refunded 0 fee', 'clearing 6000']);
    }
  });

  it('replaces what was authorized on a connection that takes authorizations for paid', async () => {
    for (const order of everyOrder([AUTHORISED, FIRST])) {
      const told = await tell('automatic', order);
      assert.deepEqual(told, ['succeeded 6000 received 6000 refunded 0 fee', 'clearing 6000']);
    }
  });

  it('gives back more than its first part', async () => {
    const told = await tell('manual', [AUTHORISED, FIRST, REFUNDED, SECOND]);
    assert.deepEqual(told, [
      'partially_refunded 9000 received 9000 refunded 7000 fee',
      'clearing 2000',
    ]);
  });

  it('is not received when its only capture fails, also when nobody told of a capture', async () => {
    const failed = { ...FIRST, eventCode: 'CAPTURE_FAILED', minute: 40 };
    for (const order of everyOrder([AUTHORISED, FIRST, failed])) {
      assert.match((await tell('manual', order))[0] ?? '', /^failed \d+ received 0/);
    }
    for (const order of everyOrder([AUTHORISED, failed])) {
      assert.match((await tell('automatic', order))[0] ?? '', /^failed 10000 received 0/);
    }
  });

  it('may be captured again after a refusal', async () => {
    const refused: Item = { ...FIRST, pspReference: 'C0', success: 'false', minute: 30 };
    assert.match((await tell('manual', [AUTHORISED, refused]))[0] ?? '', /^failed 10000 /);
    for (const order of everyOrder([AUTHORISED, refused, FIRST])) {
      assert.match((await tell('manual', order))[0] ?? '', /^succeeded 6000 received 6000/);
    }
  });

  it('quarantines a part that is told with another amount', async () => {
    const other = { ...FIRST, minute: 11, value: 6_001 };
    const told = await tell('manual', [AUTHORISED, FIRST, other]);
    assert.match(told.join('\n'), /succeeded 6000 received 6000/);
    assert.match(told.join('\n'), /quarantined pay_\d+ \(A\) is booked/);
  });
});

async function enterInvoice(books: TestBooks, number: string): Promise<void> {
  await books.own({ kind: 'customer.upserted', externalId: 'C1', name: 'N', email: 'n@x.example' });
  await books.own({
    kind: 'invoice.upserted',
    externalId: 'own-9',
    number,
    customerExternalId: 'C1',
    total: { amount: '90.00', currency: 'USD' },
  });
}

/** Nothing names the invoice: only payer and amount say which is meant. */
it('pays the open invoice that the sum of its parts equals', async () => {
  await using books = await openTestBooks(database.url);
  const connectionId = await books.connect('adyen', 'source', { capture: 'manual' });
  await enterInvoice(books, 'X-9');
  await books.apply();
  for (const item of [AUTHORISED, FIRST, SECOND]) {
    const payer = item === AUTHORISED ? { shopperEmail: 'n@x.example' } : {};
    const body = bodyOf(item, { merchantReference: '', additionalData: payer });
    await books.webhook(connectionId, body);
    await books.apply();
  }
  const rows = await books.db.query<{ says: string }>(
    sql`select concat_ws(' ', number, status, balance_minor) as says from invoices
        where organization_id = ${books.organizationId}`,
  );
  assert.deepEqual(
    rows.map((row) => row.says),
    ['X-9 paid 0'],
  );
  const rebuild = await checkRebuild(books.db, books.organizationId);
  assert.deepEqual(rebuild.differences, []);
});

/** The bookkeeper's copy in other books, whose amount is that of all parts. */
const COPY: Item = { eventCode: 'AUTHORISATION', pspReference: 'B', value: 9_000, minute: 15 };

it('is one payment with its copy in the books, whenever that is seen', async () => {
  const orders = everyOrder([AUTHORISED, FIRST, SECOND, COPY]);
  for (const order of orders.filter((_, index) => index % 5 === 0)) {
    await using books = await openTestBooks(database.url);
    const source = await books.connect('adyen', 'source', { capture: 'manual' });
    const copying = await books.connect('adyen', 'books', { capture: 'automatic' });
    await enterInvoice(books, 'INV-1');
    await books.apply();
    for (const item of order) {
      await books.webhook(item === COPY ? copying : source, bodyOf(item));
      await books.apply();
    }
    const rows = await books.db.query<{ says: string }>(
      sql`select concat_ws(' ', external_id, status, received_minor) as says from payments
          where organization_id = ${books.organizationId} and mirrors is null`,
    );
    assert.deepEqual(
      rows.map((row) => row.says),
      ['A succeeded 9000'],
      order.map(({ pspReference }) => pspReference).join(' '),
    );
    const { checks } = await verifyBooks(books.db, books.organizationId);
    assert.deepEqual(
      checks.flatMap(({ problems }) => problems),
      [],
    );
    const rebuild = await checkRebuild(books.db, books.organizationId);
    assert.deepEqual(rebuild.differences, []);
  }
});

describe('what is kept', () => {
  it('of a payment is the sum of its shares, each once', async () => {
    const told = await tell('automatic', [
      settled('C1', '0.50'),
      AUTHORISED,
      settled('C2', '0.25'),
      settled('C1', '0.50'),
    ]);
    assert.deepEqual(told, ['succeeded 10000 received 10000 refunded 0 fee 75', 'clearing 9925']);
  });

  it('in two currencies is quarantined', async () => {
    const euro = line('A,C2,Settled,2026-11-05 10:00:00,UTC,USD,60.00,EUR,,55.00,0.20,7');
    const told = await tell('automatic', [AUTHORISED, settled('C1', '0.50'), euro]);
    assert.match(told.join('\n'), /quarantined 7:Settled:C2 costs EUR/);
  });

  it('with a payout is booked once', async () => {
    const again = Buffer.from(PAYOUT.toString().replace(/\n$/, '\r\n'));
    const told = await tell('automatic', [AUTHORISED, PAYOUT, again]);
    assert.deepEqual(told, ['succeeded 10000 received 10000 refunded 0 fee', 'clearing 1174']);
  });
});
