import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTestBooks, type TestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { replayDocument } from '../intake/replay.ts';
import { checkRebuild } from './rebuild.ts';
import { verifyBooks } from './verify.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

/** Every story ends with the books proven: sums, chain, documents, and a byte-equal rebuild. */
function story(name: string, tell: (books: TestBooks, stripe: Stripe) => Promise<void>): void {
  it(name, async () => {
    await using books = await openTestBooks(database.url);
    await tell(books, stripeIn(books, await books.connect('stripe', 'source', {})));
    const verification = await verifyBooks(books.db, books.organizationId);
    assert.deepEqual(
      verification.checks.flatMap((check) => check.problems),
      [],
    );
    const rebuild = await checkRebuild(books.db, books.organizationId);
    assert.deepEqual(rebuild.differences, []);
  });
}

type Stripe = ReturnType<typeof stripeIn>;

let eventNumber = 0;

/** Stripe's snapshot events, as small as its schema allows. */
function stripeIn(books: TestBooks, connectionId: string) {
  const send = (type: string, created: number, object: Record<string, unknown>) => {
    eventNumber += 1;
    const id = `evt_${eventNumber}`;
    return books.webhook(
      connectionId,
      {
        id,
        object: 'event',
        api_version: '2026-10-28.endive',
        created,
        type,
        livemode: false,
        data: { object },
      },
      id,
    );
  };
  const intent = (id: string, amount: number, more: Record<string, unknown> = {}) => ({
    id,
    object: 'payment_intent',
    amount,
    amount_received: amount,
    amount_capturable: 0,
    currency: 'usd',
    created: 1_793_805_000,
    customer: null,
    description: null,
    latest_charge: null,
    livemode: false,
    metadata: {},
    payment_method_types: ['card'],
    receipt_email: null,
    status: 'succeeded',
    ...more,
  });
  return {
    connectionId,
    succeeded: (
      id: string,
      amount: number,
      more: Record<string, unknown> = {},
      created = 1_793_805_100,
    ) => send('payment_intent.succeeded', created, intent(id, amount, more)),
    processing: (id: string, amount: number, created = 1_793_805_050) =>
      send(
        'payment_intent.processing',
        created,
        intent(id, amount, { amount_received: 0, status: 'processing' }),
      ),
    failed: (id: string, amount: number, created = 1_793_805_090) =>
      send(
        'payment_intent.payment_failed',
        created,
        intent(id, amount, {
          amount_received: 0,
          status: 'requires_payment_method',
          last_payment_error: { code: 'card_declined', decline_code: 'insufficient_funds' },
        }),
      ),
    canceled: (id: string, amount: number, created = 1_793_805_200) =>
      send(
        'payment_intent.canceled',
        created,
        intent(id, amount, { amount_received: 0, status: 'canceled', canceled_at: created }),
      ),
    refund: (
      id: string,
      paymentId: string,
      amount: number,
      status = 'succeeded',
      created = 1_793_806_000,
    ) =>
      send(status === 'failed' ? 'refund.failed' : 'refund.created', created, {
        id,
        object: 'refund',
        amount,
        charge: null,
        created,
        currency: 'usd',
        payment_intent: paymentId,
        status,
      }),
    dispute: (id: string, paymentId: string, amount: number, kind: 'created' | 'won' | 'lost') =>
      send(kind === 'created' ? 'charge.dispute.created' : 'charge.dispute.closed', 1_793_807_000, {
        id,
        object: 'dispute',
        amount,
        balance_transactions: [
          {
            id: `txn_${id}`,
            object: 'balance_transaction',
            amount: -amount,
            currency: 'usd',
            fee: 1500,
            net: -amount - 1500,
            created: 1_793_807_000,
            type: 'adjustment',
          },
        ],
        charge: 'ch_1',
        created: 1_793_807_000,
        currency: 'usd',
        payment_intent: paymentId,
        reason: 'product_not_received',
        status: kind === 'created' ? 'needs_response' : kind,
      }),
    payout: (id: string, amount: number, type = 'payout.paid') =>
      send(type, 1_793_900_000, {
        id,
        object: 'payout',
        amount,
        arrival_date: 1_793_900_000,
        created: 1_793_890_000,
        currency: 'usd',
        status: type === 'payout.paid' ? 'paid' : 'failed',
      }),
  };
}

const usd = (amount: string) => ({ amount, currency: 'USD' });

async function enterInvoice(books: TestBooks, number: string, amount: string, workOrder?: string) {
  await books.own({
    kind: 'invoice.upserted',
    externalId: number,
    customerExternalId: 'C1',
    total: usd(amount),
    ...(workOrder ? { workOrder } : {}),
  });
}

async function enterCustomer(books: TestBooks) {
  await books.own({
    kind: 'customer.upserted',
    externalId: 'C1',
    name: 'Northgate',
    email: 'ap@northgate.example',
  });
}

const naming = (number: string) => ({ metadata: { invoice_number: number } });

async function payments(books: TestBooks) {
  const rows = await books.db.query<{ text: string }>(
    sql`select format('%s %s %s applied %s refunded %s disputed %s lost %s unapplied %s', external_id, status,
          received_minor, allocated_minor, refunded_minor, disputed_minor, lost_minor, unapplied_minor) as text
        from payments where organization_id = ${books.organizationId} order by id`,
  );
  return rows.map((row) => row.text);
}

async function invoices(books: TestBooks) {
  const rows = await books.db.query<{ text: string }>(
    sql`select format('%s %s of %s %s', number, paid_minor, total_minor, status) as text
        from invoices where organization_id = ${books.organizationId} order by id`,
  );
  return rows.map((row) => row.text);
}

async function releases(books: TestBooks) {
  const rows = await books.db.query<{ text: string }>(
    sql`select name || case when taken_back_at is null then '' else ' taken back: ' || taken_back_because end as text
        from actions where organization_id = ${books.organizationId} order by id`,
  );
  return rows.map((row) => row.text);
}

async function openReviews(books: TestBooks) {
  const rows = await books.db.query<{ kind: string; reason: string }>(
    sql`select kind, reason from review_items
        where organization_id = ${books.organizationId} and resolved_at is null order by id`,
  );
  return rows.map((row) => `${row.kind}: ${row.reason}`);
}

async function balances(books: TestBooks) {
  const rows = await books.db.query<{ account: string; minor: bigint }>(
    sql`select split_part(account, ':', 1) as account, sum(debit_minor - credit_minor)::bigint as minor
        from account_balances where organization_id = ${books.organizationId} group by 1 order by 1`,
  );
  return Object.fromEntries(rows.map((row) => [row.account, Number(row.minor)]));
}

describe('the way of a payment', () => {
  story('paid in full: applied, posted, released', async (books, stripe) => {
    await enterCustomer(books);
    await books.own({
      kind: 'work-order.upserted',
      externalId: 'WO-1',
      workOrderKind: 'repair',
      customerExternalId: 'C1',
    });
    await books.own({ kind: 'warranty.upserted', externalId: 'W-1', workOrder: 'WO-1' });
    await books.own({ kind: 'parts-order.upserted', externalId: 'P-1', invoice: 'INV-1' });
    await enterInvoice(books, 'INV-1', '1250.50', 'WO-1');
    await stripe.succeeded('pi_1', 125_050, naming('INV-1'));
    await books.apply();
    assert.deepEqual(await payments(books), [
      'pi_1 succeeded 125050 applied 125050 refunded 0 disputed 0 lost 0 unapplied 0',
    ]);
    assert.deepEqual(await invoices(books), ['INV-1 125050 of 125050 paid']);
    assert.deepEqual(await releases(books), [
      'repair.approve',
      'warranty.activate',
      'parts.dispatch',
    ]);
    assert.deepEqual(await balances(books), {
      clearing: 125_050,
      invoiced: -125_050,
      receivable: 0,
      'unapplied-cash': 0,
    });
    assert.deepEqual(await openReviews(books), []);
  });

  story('before its invoice: parked, and applied when the invoice comes', async (books, stripe) => {
    await stripe.succeeded('pi_1', 5_000, naming('INV-9'));
    await books.apply();
    assert.deepEqual(await openReviews(books), [
      'unapplied-cash: It names invoice INV-9, which is not known yet.',
    ]);
    await enterCustomer(books);
    await enterInvoice(books, 'INV-9', '50.00');
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-9 5000 of 5000 paid']);
    assert.deepEqual(await openReviews(books), []);
  });

  story('partial payment, then the rest and more', async (books, stripe) => {
    await enterCustomer(books);
    await books.own({ kind: 'work-order.upserted', externalId: 'WO-1', workOrderKind: 'service' });
    await enterInvoice(books, 'INV-1', '100.00', 'WO-1');
    await stripe.succeeded('pi_1', 4_000, naming('INV-1'));
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-1 4000 of 10000 partially_paid']);
    assert.deepEqual(await releases(books), []);
    await stripe.succeeded('pi_2', 7_000, naming('INV-1'));
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-1 10000 of 10000 paid']);
    assert.deepEqual(await releases(books), ['service.release']);
    assert.deepEqual(await openReviews(books), [
      "unapplied-cash: 10.00 USD more than INV-1 needed stays the customer's credit.",
    ]);
  });

  story('several invoices named in a memo', async (books, stripe) => {
    await enterCustomer(books);
    await enterInvoice(books, 'INV-1', '10.00');
    await enterInvoice(books, 'INV-2', '20.00');
    await stripe.succeeded('pi_1', 3_000, { description: 'for INV-1 and INV-2, thanks' });
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-1 1000 of 1000 paid', 'INV-2 2000 of 2000 paid']);
  });

  story('customer and exact amount, only when one invoice fits', async (books, stripe) => {
    await enterCustomer(books);
    await enterInvoice(books, 'INV-1', '10.00');
    await enterInvoice(books, 'INV-2', '20.00');
    await enterInvoice(books, 'INV-3', '20.00');
    const payer = { receipt_email: 'AP@northgate.example' };
    await stripe.succeeded('pi_1', 1_000, payer);
    await stripe.succeeded('pi_2', 2_000, payer);
    await books.apply();
    assert.deepEqual(await invoices(books), [
      'INV-1 1000 of 1000 paid',
      'INV-2 0 of 2000 open',
      'INV-3 0 of 2000 open',
    ]);
    assert.deepEqual(await openReviews(books), [
      'unapplied-cash: The customer has 2 open invoices of exactly this amount: INV-2, INV-3.',
    ]);
  });

  story('a deposit on a work order becomes payment of its invoice', async (books) => {
    const terminal = await books.connect('servicemobility', 'source', {
      merchantId: 'M1',
      jwtSecret: '[secret]',
    });
    await enterCustomer(books);
    await books.own({
      kind: 'work-order.upserted',
      externalId: 'ORD-1',
      workOrderKind: 'parts',
      customerExternalId: 'C1',
      total: usd('75.00'),
    });
    await books.webhook(terminal, {
      Amount: 75,
      MerchantID: 'M1',
      PaymentUTC: '2026-11-04T17:45:30.500Z',
      RefNum: 'ORD-1',
      Source: 'Terminal',
      TransactionID: 'T1',
      TransactionStatus: 'Approved',
      TransactionType: 'Sales',
      Type: 'Card',
    });
    await books.apply();
    assert.deepEqual(await releases(books), ['parts.dispatch']);
    assert.equal((await balances(books))['customer-deposit'], -7_500);
    await enterInvoice(books, 'INV-1', '75.00', 'ORD-1');
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-1 7500 of 7500 paid']);
    assert.equal((await balances(books))['customer-deposit'], 0);
    assert.deepEqual(await releases(books), ['parts.dispatch']);
  });
});

describe('money that goes back', () => {
  story(
    'refund in part and in full takes the release back; a failed refund gives it back',
    async (books, stripe) => {
      await enterCustomer(books);
      await books.own({
        kind: 'work-order.upserted',
        externalId: 'WO-1',
        workOrderKind: 'warranty',
      });
      await enterInvoice(books, 'INV-1', '100.00', 'WO-1');
      await stripe.succeeded('pi_1', 10_000, naming('INV-1'));
      await stripe.refund('re_1', 'pi_1', 3_000);
      await books.apply();
      assert.deepEqual(await invoices(books), ['INV-1 7000 of 10000 partially_paid']);
      assert.deepEqual(await releases(books), ['warranty.activate taken back: refund re_1']);
      await stripe.refund('re_1', 'pi_1', 3_000, 'failed', 1_793_806_500);
      await books.apply();
      assert.deepEqual(await payments(books), [
        'pi_1 succeeded 10000 applied 10000 refunded 0 disputed 0 lost 0 unapplied 0',
      ]);
      assert.deepEqual((await releases(books)).at(-1), 'warranty.activate');
      await stripe.refund('re_2', 'pi_1', 10_000);
      await books.apply();
      assert.deepEqual(await payments(books), [
        'pi_1 refunded 10000 applied 0 refunded 10000 disputed 0 lost 0 unapplied 0',
      ]);
      assert.deepEqual(await invoices(books), ['INV-1 0 of 10000 open']);
    },
  );

  story('a refund that comes before its payment waits for it', async (books, stripe) => {
    await stripe.refund('re_1', 'pi_1', 400);
    await books.apply();
    assert.deepEqual(await openReviews(books), [
      'refund-waiting: Refund re_1 belongs to pi_1, which has not been received yet.',
    ]);
    await stripe.succeeded('pi_1', 1_000);
    await books.apply();
    assert.deepEqual(await payments(books), [
      'pi_1 partially_refunded 1000 applied 0 refunded 400 disputed 0 lost 0 unapplied 600',
    ]);
    assert.ok((await openReviews(books)).every((text) => text.startsWith('unapplied-cash')));
  });

  for (const outcome of ['won', 'lost'] as const) {
    story(`dispute opened and ${outcome}`, async (books, stripe) => {
      await enterCustomer(books);
      await books.own({
        kind: 'work-order.upserted',
        externalId: 'WO-1',
        workOrderKind: 'contract',
      });
      await enterInvoice(books, 'INV-1', '100.00', 'WO-1');
      await stripe.succeeded('pi_1', 10_000, naming('INV-1'));
      await stripe.dispute('du_1', 'pi_1', 10_000, 'created');
      await books.apply();
      assert.deepEqual(await payments(books), [
        'pi_1 disputed 10000 applied 10000 refunded 0 disputed 10000 lost 0 unapplied 0',
      ]);
      assert.deepEqual(await releases(books), ['contract.trigger taken back: dispute du_1 opened']);
      await stripe.dispute('du_1', 'pi_1', 10_000, outcome);
      await books.apply();
      if (outcome === 'won') {
        assert.deepEqual(await invoices(books), ['INV-1 10000 of 10000 paid']);
        assert.deepEqual((await releases(books)).at(-1), 'contract.trigger');
      } else {
        assert.deepEqual(await invoices(books), ['INV-1 0 of 10000 open']);
        assert.deepEqual(await payments(books), [
          'pi_1 disputed 10000 applied 0 refunded 0 disputed 0 lost 10000 unapplied 0',
        ]);
      }
      assert.equal((await balances(books))['disputed-funds'], 0);
    });
  }

  story(
    'pending is not money; a debit that fails after success takes it back',
    async (books, stripe) => {
      await enterCustomer(books);
      await enterInvoice(books, 'INV-1', '10.00');
      await stripe.processing('pi_1', 1_000);
      await books.apply();
      assert.deepEqual(await invoices(books), ['INV-1 0 of 1000 open']);
      await stripe.succeeded('pi_1', 1_000, naming('INV-1'));
      await stripe.failed('pi_1', 1_000, 1_793_805_900);
      await books.apply();
      assert.deepEqual(await payments(books), [
        'pi_1 failed 0 applied 0 refunded 0 disputed 0 lost 0 unapplied 0',
      ]);
      assert.deepEqual(await invoices(books), ['INV-1 0 of 1000 open']);
    },
  );

  story('payout empties clearing, and comes back when it fails', async (books, stripe) => {
    await stripe.succeeded('pi_1', 1_000);
    await stripe.payout('po_1', 1_000);
    await books.apply();
    assert.deepEqual(await balances(books), { bank: 1_000, clearing: 0, 'unapplied-cash': -1_000 });
    await stripe.payout('po_1', 1_000, 'payout.failed');
    await books.apply();
    assert.deepEqual(await balances(books), { bank: 0, clearing: 1_000, 'unapplied-cash': -1_000 });
  });
});

describe('order, duplicates and poison', () => {
  story('any order and any repetition give the same state', async (books, stripe) => {
    await enterCustomer(books);
    await enterInvoice(books, 'INV-1', '10.00');
    await stripe.refund('re_1', 'pi_1', 400);
    await stripe.succeeded('pi_1', 1_000, naming('INV-1'), 1_793_805_100);
    await stripe.failed('pi_1', 1_000, 1_793_805_100);
    await stripe.processing('pi_1', 1_000);
    await stripe.succeeded('pi_1', 1_000, naming('INV-1'), 1_793_805_100);
    await stripe.refund('re_1', 'pi_1', 400);
    await books.apply(1);
    assert.deepEqual(await payments(books), [
      'pi_1 partially_refunded 1000 applied 600 refunded 400 disputed 0 lost 0 unapplied 0',
    ]);
  });

  story(
    'another amount for a booked payment is set aside, and blocks nothing',
    async (books, stripe) => {
      await stripe.succeeded('pi_1', 1_000);
      await stripe.succeeded('pi_1', 2_000);
      await stripe.succeeded('pi_2', 3_000);
      await books.apply();
      assert.deepEqual(await payments(books), [
        'pi_1 succeeded 1000 applied 0 refunded 0 disputed 0 lost 0 unapplied 1000',
        'pi_2 succeeded 3000 applied 0 refunded 0 disputed 0 lost 0 unapplied 3000',
      ]);
      assert.match(
        (await openReviews(books)).join('\n'),
        /quarantined-document: pay_\d+ \(pi_1\) is booked with 10.00 USD/,
      );
    },
  );

  story(
    'an unreadable document is quarantined with its reason and can be replayed',
    async (books, stripe) => {
      const id = await books.webhook(stripe.connectionId, Buffer.from('{"truncated":'), 'k1');
      await stripe.succeeded('pi_1', 1_000);
      await books.apply();
      const [outcome] = await books.db.query<{ status: string; reason: string }>(
        sql`select status, reason from outcomes where organization_id = ${books.organizationId} order by sequence`,
      );
      assert.equal(outcome?.status, 'quarantined');
      assert.ok(outcome?.reason);
      assert.deepEqual(await replayDocument(books.db, books.organizationId, id as bigint), {
        status: 'queued',
      });
      await books.apply();
      const [count] = await books.db.query<{ count: bigint }>(
        sql`select count(*) as count from outcomes where organization_id = ${books.organizationId} and document_id = ${id}`,
      );
      assert.equal(count?.count, 2n);
    },
  );
});

describe('what our own side says', () => {
  story('an invoice that is voided or lowered frees what was paid of it', async (books, stripe) => {
    await enterCustomer(books);
    await enterInvoice(books, 'INV-1', '10.00');
    await stripe.succeeded('pi_1', 1_000, naming('INV-1'));
    await books.apply();
    await enterInvoice(books, 'INV-1', '6.00');
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-1 600 of 600 paid']);
    await books.own({
      kind: 'invoice.upserted',
      externalId: 'INV-1',
      customerExternalId: 'C1',
      total: usd('6.00'),
      void: true,
    });
    await books.apply();
    assert.deepEqual(await invoices(books), ['INV-1 0 of 600 void']);
    assert.deepEqual(await payments(books), [
      'pi_1 succeeded 1000 applied 0 refunded 0 disputed 0 lost 0 unapplied 1000',
    ]);
  });

  story(
    'a person applies, takes back and resolves; automation then leaves the payment alone',
    async (books, stripe) => {
      await enterCustomer(books);
      await enterInvoice(books, 'INV-1', '10.00');
      await stripe.succeeded('pi_1', 1_000);
      await books.apply();
      const [ids] = await books.db.query<{ payment: bigint; invoice: bigint }>(
        sql`select (select id from payments where organization_id = ${books.organizationId}) as payment,
                 (select id from invoices where organization_id = ${books.organizationId}) as invoice`,
      );
      await books.own({
        kind: 'allocation.made',
        paymentId: `pay_${ids?.payment}`,
        target: { kind: 'invoice', id: `inv_${ids?.invoice}` },
        by: 'Ann',
      });
      await books.apply();
      assert.deepEqual(await invoices(books), ['INV-1 1000 of 1000 paid']);
      const [allocation] = await books.db.query<{ id: bigint }>(
        sql`select id from allocations where organization_id = ${books.organizationId}`,
      );
      await books.own({
        kind: 'allocation.reversed',
        allocationId: `al_${allocation?.id}`,
        by: 'Ann',
        reason: 'wrong invoice',
      });
      await stripe.succeeded('pi_1', 1_000, naming('INV-1'), 1_793_805_300);
      await books.apply();
      assert.deepEqual(await invoices(books), ['INV-1 0 of 1000 open']);
      assert.deepEqual(await openReviews(books), [
        'unapplied-cash: An allocation was taken back by Ann: wrong invoice.',
      ]);
    },
  );

  story(
    'a decision that cannot be carried out is quarantined with the reason',
    async (books, stripe) => {
      await stripe.succeeded('pi_1', 1_000);
      await books.apply();
      await books.own({
        kind: 'allocation.made',
        paymentId: 'pay_1',
        target: { kind: 'invoice', id: 'inv_99' },
        by: 'Ann',
      });
      await books.apply();
      assert.ok(
        (await openReviews(books)).includes(
          'quarantined-document: inv_99 does not exist or is void',
        ),
      );
    },
  );
});
