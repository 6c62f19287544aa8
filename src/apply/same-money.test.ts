/** The same money through two portals: one payment with links, never two; what is not certain waits for a person. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTestBooks, type TestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { storeDocuments } from '../intake/store.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { findPortal } from '../portals/index.ts';
import { checkRebuild } from './rebuild.ts';
import { idsInMemos } from './same-money.ts';
import { verifyBooks } from './verify.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

const AT = 1_794_495_489;
const CHARGE = 'ch_3QkX1aL2';

const stripe = {
  paid: (amount = 14_900) => ({
    id: 'evt_1',
    object: 'event',
    type: 'payment_intent.succeeded',
    created: AT,
    data: {
      object: {
        id: 'pi_3QkX1aL2',
        object: 'payment_intent',
        amount,
        amount_received: amount,
        currency: 'usd',
        created: AT,
        latest_charge: CHARGE,
        status: 'succeeded',
        metadata: {},
      },
    },
  }),
  named: (workOrder: string, id = 'pi_9', amount = 14_900) => {
    const event = stripe.paid(amount);
    const intent = { ...event.data.object, id, latest_charge: null };
    const object = { ...intent, metadata: { work_order: workOrder } };
    return { ...event, id: `evt_${id}`, data: { object } };
  },
  described: (description: string) => {
    const event = stripe.named('', 'pi_9');
    const object = { ...event.data.object, metadata: {}, description };
    return { ...event, data: { object } };
  },
  canceled: () => {
    const event = stripe.paid();
    const object = { ...event.data.object, amount_received: 0, status: 'canceled' };
    return { ...event, id: 'evt_c', type: 'payment_intent.canceled', data: { object } };
  },
  failed: (id = 'pi_9') => {
    const event = stripe.named('WO-1', id);
    const object = {
      ...event.data.object,
      amount_received: 0,
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_payment_attempt_failed' },
    };
    const type = 'payment_intent.payment_failed';
    return { ...event, id: 'evt_f', created: AT + 7200, type, data: { object } };
  },
  refunded: (amount = 14_900, id = 're_1') => ({
    id: `evt_${id}`,
    object: 'event',
    type: 'refund.created',
    created: AT + 3600,
    data: {
      object: {
        id,
        object: 'refund',
        amount,
        currency: 'usd',
        charge: CHARGE,
        payment_intent: 'pi_3QkX1aL2',
        status: 'succeeded',
        created: AT + 3600,
      },
    },
  }),
  paidOut: (amount: number, id = 'po_1') => ({
    id: `evt_${id}`,
    object: 'event',
    type: 'payout.paid',
    created: AT + 86_400,
    data: {
      object: {
        id,
        object: 'payout',
        amount,
        currency: 'usd',
        status: 'paid',
        created: AT + 80_000,
        arrival_date: AT + 86_400,
      },
    },
  }),
};

const chargebee = {
  event: (type: string, transaction: object) => ({
    id: `ev_${type}_${JSON.stringify(transaction).length}`,
    object: 'event',
    api_version: 'v2',
    occurred_at: AT + 5,
    event_type: type,
    content: { transaction: { object: 'transaction', currency_code: 'USD', ...transaction } },
  }),
  paid: (amount = 14_900) =>
    chargebee.event('payment_succeeded', {
      id: 'txn_1',
      customer_id: 'C-1',
      payment_method: 'card',
      gateway: 'stripe',
      type: 'payment',
      status: 'success',
      date: AT,
      updated_at: AT + 5,
      amount,
      id_at_gateway: CHARGE,
      linked_invoices: [{ invoice_id: 'INV-1', applied_amount: amount }],
    }),
  refunded: (amount = 14_900, id = 'txn_r') =>
    chargebee.event('payment_refunded', {
      id,
      customer_id: 'C-1',
      payment_method: 'card',
      gateway: 'stripe',
      type: 'refund',
      status: 'success',
      date: AT + 3600,
      updated_at: AT + 3605,
      amount,
      id_at_gateway: 're_1',
      refunded_txn_id: 'txn_1',
    }),
};

const shopify = {
  order: (email: string | null = 'ap@harbor.example') => ({
    id: 501,
    name: '#1001',
    financial_status: 'paid',
    currency: 'USD',
    total_price: '149.00',
    payment_gateway_names: ['stripe'],
    created_at: new Date(AT * 1000).toISOString(),
    email,
    note_attributes: [{ name: 'work_order', value: 'WO-1' }],
  }),
  sale: (more: object = {}) => ({
    id: 601,
    order_id: 501,
    kind: 'sale',
    status: 'success',
    gateway: 'stripe',
    amount: '149.00',
    currency: 'USD',
    processed_at: new Date(AT * 1000 + 2000).toISOString(),
    ...more,
  }),
};

const quickbooks = {
  entity: (name: string, fields: object) => ({
    [name]: {
      SyncToken: '0',
      MetaData: {
        CreateTime: '2026-11-12T10:00:00-07:00',
        LastUpdatedTime: '2026-11-12T10:00:00-07:00',
      },
      CurrencyRef: { value: 'USD' },
      TxnDate: '2026-11-12',
      ...fields,
    },
  }),
  invoice: (SyncToken = '0') => {
    const fields = { Id: '145', DocNumber: 'INV-1', TotalAmt: 149, Line: [] };
    return { Invoice: { ...quickbooks.entity('Invoice', fields).Invoice, SyncToken } };
  },
  copy: (id = '207') =>
    quickbooks.entity('Payment', {
      Id: id,
      TotalAmt: 149,
      CustomerRef: { value: '31' },
      Line: [{ Amount: 149, LinkedTxn: [{ TxnId: '145', TxnType: 'Invoice' }] }],
    }),
  noted: (PrivateNote: string) => {
    const { Payment } = quickbooks.copy();
    return { Payment: { ...Payment, PrivateNote } };
  },
  customer: () =>
    quickbooks.entity('Customer', {
      Id: '31',
      DisplayName: 'Harbor Millworks',
      PrimaryEmailAddr: { Address: 'ap@harbor.example' },
    }),
  refundReceipt: () =>
    quickbooks.entity('RefundReceipt', { Id: '181', TotalAmt: 149, CustomerRef: { value: '31' } }),
  deposit: (amount: number) => quickbooks.entity('Deposit', { Id: '301', TotalAmt: amount }),
};

const zohoBooks = {
  paid: (reference_number: string) => ({
    payment: {
      payment_id: '460000000326238033',
      payment_mode: 'Check',
      amount: 99,
      date: '2026-11-12',
      status: 'success',
      reference_number,
      customer_id: '46',
      customer_name: 'Harbor Millworks',
      currency_code: 'USD',
      invoices: [],
      created_time: '2026-11-12T13:57:33+0000',
      last_modified_time: '2026-11-12T13:57:33+0000',
    },
  }),
};

const serviceMobility = (workOrder: string, TransactionID: string, Amount = 149) => ({
  Amount,
  MerchantID: 'm-1',
  PaymentUTC: new Date(AT * 1000 + 60_000).toISOString(),
  RefNum: workOrder,
  Source: 'Link',
  TransactionID,
  TransactionStatus: 'Approved',
  TransactionType: 'Sales',
  Type: 'Card',
});

const statement = (rows: readonly string[]) =>
  Buffer.from(['date,amount,currency,description,payer', ...rows].join('\n'));

const SETTINGS: Record<string, Record<string, unknown>> = {
  chargebee: { site: 'airworks', importInvoices: false },
  quickbooks: { clientId: 'c', clientSecret: '[secret]', depositsArePayouts: true },
  servicemobility: { merchantId: 'm-1', currency: 'USD', jwtSecret: '[secret]' },
  shopify: { shopDomain: 'ironbark-parts.myshopify.com' },
  generic: {
    csvColumns:
      '{"date":"date","amount":"amount","currency":"currency","description":"description","payer":"payer"}',
  },
};

const TOPICS: readonly (readonly [string, string])[] = [
  ['financial_status', 'orders/paid'],
  ['kind', 'order_transactions/create'],
];

/** A firm with these portals; `tell` stores a body as its portal's and applies it. */
async function openFirm(portals: readonly string[]) {
  const books = await openTestBooks(database.url);
  const connections = new Map<string, string>();
  for (const id of portals) {
    const role = ['quickbooks', 'zoho-books'].includes(id) ? 'books' : 'source';
    connections.set(id, await books.connect(id, role, SETTINGS[id] ?? {}));
  }
  let told = 0;
  return {
    books,
    connection: (id: string) => connections.get(id) as string,
    tell: async (id: string, body: object | Buffer) => {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      told += 1;
      await storeDocuments(
        books.db,
        (findPortal(id)?.split(bytes, {}) ?? []).map((part) => ({
          organizationId: books.organizationId,
          connectionId: connections.get(id) as string,
          origin: 'webhook',
          key: part.key,
          body: part.body,
          headers: headersOf(id, body),
          authentic: true,
          settingsVersion: 1,
          receivedAt: new Date(AT * 1000 + told * 1000),
        })),
      );
      await books.apply();
    },
    [Symbol.asyncDispose]: () => books[Symbol.asyncDispose](),
  };
}

function headersOf(portal: string, body: object | Buffer): Record<string, string> {
  const topic = TOPICS.find(([field]) => field in body)?.[1];
  return portal === 'shopify' && topic ? { 'x-shopify-topic': topic } : {};
}

type FirmBooks = Pick<TestBooks, 'db' | 'organizationId'>;

/** Payments that count, as `portal status received-refunded`, and what every invariant says. */
async function paymentsOf({ db, organizationId }: FirmBooks): Promise<readonly string[]> {
  const { checks } = await verifyBooks(db, organizationId);
  assert.deepEqual(
    checks.flatMap(({ problems }) => problems),
    [],
  );
  assert.deepEqual((await checkRebuild(db, organizationId)).differences, []);
  const quarantined = await db.query<{ reason: string }>(
    sql`select reason from outcomes where organization_id = ${organizationId} and status = 'quarantined'`,
  );
  assert.deepEqual(quarantined, []);
  const rows = await db.query<{ line: string }>(
    sql`select c.portal || ' ' || p.status || ' ' || p.received_minor || '-' || p.refunded_minor as line
        from payments p join connections c on c.organization_id = p.organization_id and c.id = p.connection_id
        where p.organization_id = ${organizationId} and p.mirrors is null order by p.id`,
  );
  return rows.map(({ line }) => line);
}

async function clearingOf({ db, organizationId }: FirmBooks, connectionId: string) {
  const [row] = await db.query<{ minor: bigint | null }>(
    sql`select sum(debit_minor - credit_minor)::bigint as minor from account_balances
        where organization_id = ${organizationId} and account = ${`clearing:${connectionId}`}`,
  );
  return Number(row?.minor ?? 0);
}

async function openReviews({ db, organizationId }: FirmBooks) {
  return db.query<{ id: bigint; kind: string; reason: string }>(
    sql`select id, kind, reason from review_items
        where organization_id = ${organizationId} and resolved_at is null order by id`,
  );
}

async function decide(books: TestBooks, decision: 'same' | 'separate'): Promise<void> {
  const [item] = (await openReviews(books)).filter(({ kind }) => kind === 'possible-duplicate');
  const reviewItemId = `rev_${item?.id}`;
  const resolution = { reviewItemId, resolution: 'looked at it', by: 'key:test' };
  await books.own({ kind: 'review.resolved', ...resolution, decision });
  await books.apply();
}

function permutations<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list];
  return list.flatMap((one, at) =>
    permutations([...list.slice(0, at), ...list.slice(at + 1)]).map((rest) => [one, ...rest]),
  );
}

const INVOICE = {
  kind: 'invoice.upserted',
  externalId: 'INV-1',
  total: { amount: '149.00', currency: 'USD' },
  workOrder: 'WO-1',
} as const;

describe('what documents name is one payment', () => {
  for (const order of permutations(['stripe', 'chargebee', 'quickbooks'])) {
    it(`told by ${order.join(', ')}`, async () => {
      await using firm = await openFirm(['stripe', 'chargebee', 'quickbooks']);
      const { books, tell, connection } = firm;
      await tell('quickbooks', quickbooks.invoice());
      for (const id of order) {
        if (id === 'stripe') await tell(id, stripe.paid());
        if (id === 'chargebee') await tell(id, chargebee.paid());
        if (id === 'quickbooks') await tell(id, quickbooks.copy());
      }
      assert.deepEqual(await paymentsOf(books), ['stripe succeeded 14900-0']);
      assert.equal(await clearingOf(books, connection('stripe')), 14_900);
      assert.equal(await clearingOf(books, connection('chargebee')), 0);
      assert.equal(await clearingOf(books, connection('quickbooks')), 0);
      const [invoice] = await books.db.query<{ status: string; paid: bigint }>(
        sql`select status, paid_minor as paid from invoices where organization_id = ${books.organizationId}`,
      );
      assert.deepEqual(invoice, { status: 'paid', paid: 14_900n }, 'by the purpose that one named');
      assert.deepEqual(await openReviews(books), []);
    });
  }

  it('also when only those name it that do not hold the money', async () => {
    await using firm = await openFirm(['chargebee', 'recurly']);
    const { books, tell } = firm;
    await tell('chargebee', chargebee.paid());
    await tell('recurly', {
      id: 'tx-1',
      object: 'transaction',
      type: 'purchase',
      status: 'success',
      currency: 'USD',
      amount: 149.0,
      created_at: new Date(AT * 1000).toISOString(),
      collected_at: new Date(AT * 1000).toISOString(),
      gateway_reference: CHARGE,
    });
    assert.deepEqual(await paymentsOf(books), ['chargebee succeeded 14900-0']);
  });

  it('another amount under the same id is no certainty: the one that shows it waits', async () => {
    for (const first of ['stripe', 'chargebee']) {
      await using firm = await openFirm(['stripe', 'chargebee']);
      const { books, tell } = firm;
      if (first === 'stripe') await tell('stripe', stripe.paid());
      await tell('chargebee', chargebee.paid(9_900));
      if (first !== 'stripe') await tell('stripe', stripe.paid());
      const lines = await paymentsOf(books);
      assert.deepEqual(lines.toSorted(), ['chargebee pending 0-0', 'stripe succeeded 14900-0']);
      const [review] = await openReviews(books).then((all) =>
        all.filter(({ kind }) => kind === 'possible-duplicate'),
      );
      assert.match(review?.reason ?? '', /name each other/);
    }
  });
});

describe('the id of a payment that somebody wrote beside a copy in the books', () => {
  const NOTE = 'card, pi_3QkX1aL2 (phone)';
  for (const order of permutations(['paid', 'copy'] as const)) {
    it(`${order.join(', ')}: says which payment it is, whatever it pays`, async () => {
      await using firm = await openFirm(['stripe', 'quickbooks']);
      const { books, tell, connection } = firm;
      for (const step of order) {
        if (step === 'paid') await tell('stripe', stripe.paid());
        if (step === 'copy') await tell('quickbooks', quickbooks.noted(NOTE));
      }
      assert.deepEqual(await paymentsOf(books), ['stripe succeeded 14900-0']);
      assert.equal(await clearingOf(books, connection('quickbooks')), 0);
      assert.deepEqual(
        (await openReviews(books)).filter(({ kind }) => kind === 'possible-duplicate'),
        [],
      );
    });
  }

  for (const order of permutations(['paid', 'copy'] as const)) {
    it(`${order.join(', ')}: says nothing of another amount`, async () => {
      await using firm = await openFirm(['stripe', 'quickbooks']);
      const { books, tell } = firm;
      await tell('quickbooks', quickbooks.invoice());
      for (const step of order) {
        if (step === 'paid') await tell('stripe', stripe.paid(9_900));
        if (step === 'copy') await tell('quickbooks', quickbooks.noted('rest of pi_3QkX1aL2'));
      }
      assert.deepEqual((await paymentsOf(books)).toSorted(), [
        'quickbooks succeeded 14900-0',
        'stripe succeeded 9900-0',
      ]);
    });
  }

  it('is no id that two payments have in common', async () => {
    await using firm = await openFirm(['zoho-books', 'quickbooks']);
    const { books, tell } = firm;
    await tell('quickbooks', quickbooks.noted('cheque CHK-7124'));
    await tell('zoho-books', zohoBooks.paid('CHK-7124'));
    assert.deepEqual((await paymentsOf(books)).toSorted(), [
      'quickbooks succeeded 14900-0',
      'zoho-books succeeded 9900-0',
    ]);
    assert.deepEqual(
      (await openReviews(books)).filter(({ kind }) => kind === 'possible-duplicate'),
      [],
    );
  });

  it('is a long word with a digit or without a vowel', () => {
    const text = 'Deposit for compressor: ktpmqpsr, (pi_3QkX1aL2) INV-12 rebuild';
    const event = { references: [{ kind: 'memo', text }] } as unknown as CanonicalEvent;
    assert.deepEqual(
      idsInMemos(event).map(({ externalId }) => externalId),
      ['ktpmqpsr', 'pi_3QkX1aL2'],
    );
  });

  it('asks when that money went back, though the copy is for nothing that we know', async () => {
    await using firm = await openFirm(['stripe', 'quickbooks']);
    const { books, tell } = firm;
    await tell('stripe', stripe.paid());
    await tell('stripe', stripe.refunded());
    const { Payment } = quickbooks.noted(NOTE);
    await tell('quickbooks', { Payment: { ...Payment, Line: [] } });
    assert.deepEqual(await paymentsOf(books), [
      'stripe refunded 14900-14900',
      'quickbooks pending 0-0',
    ]);
    const doubts = (await openReviews(books)).filter(({ kind }) => kind === 'possible-duplicate');
    assert.match(doubts[0]?.reason ?? '', /whose money went back/);
  });

  it('is no certainty when that money went back: it may have been paid anew', async () => {
    await using firm = await openFirm(['stripe', 'quickbooks']);
    const { books, tell } = firm;
    await tell('quickbooks', quickbooks.invoice());
    await tell('stripe', stripe.paid());
    await tell('stripe', stripe.refunded());
    await tell('quickbooks', quickbooks.noted(NOTE));
    assert.deepEqual(await paymentsOf(books), [
      'stripe refunded 14900-14900',
      'quickbooks pending 0-0',
    ]);
  });
});

describe('where a shop names its gateway', () => {
  for (const order of permutations(['voided', 'sale'] as const)) {
    it(`${order.join(', ')}: by the id of a payment that was voided there, it is no money`, async () => {
      await using firm = await openFirm(['stripe', 'shopify']);
      const { books, tell, connection } = firm;
      for (const step of order) {
        if (step === 'voided') await tell('stripe', stripe.canceled());
        if (step === 'sale') {
          await tell('shopify', shopify.sale({ receipt: { payment_intent_id: 'pi_3QkX1aL2' } }));
        }
      }
      assert.deepEqual(await paymentsOf(books), ['stripe voided 0-0']);
      assert.equal(await clearingOf(books, connection('shopify')), 0);
      assert.deepEqual(await openReviews(books), []);
    });
  }

  const withEmail = () => {
    const event = stripe.paid();
    const object = { ...event.data.object, receipt_email: 'AP@Harbor.example' };
    return { ...event, data: { object } };
  };
  for (const order of permutations(['paid', 'order', 'sale'] as const)) {
    it(`${order.join(', ')}: the payment there of that amount, day and address is the same`, async () => {
      await using firm = await openFirm(['stripe', 'shopify']);
      const { books, tell, connection } = firm;
      await books.own(INVOICE);
      for (const step of order) {
        if (step === 'paid') await tell('stripe', withEmail());
        if (step === 'order') await tell('shopify', shopify.order());
        if (step === 'sale') {
          await tell('shopify', shopify.sale({ receipt: { payment_intent_id: 'pi_3QkX1aL2' } }));
        }
      }
      assert.deepEqual(await paymentsOf(books), ['stripe succeeded 14900-0']);
      assert.equal(await clearingOf(books, connection('shopify')), 0);
      assert.deepEqual(await openReviews(books), []);
    });
  }

  for (const order of permutations(['paid', 'sale'] as const)) {
    it(`${order.join(', ')}: without an address a person says whether it is`, async () => {
      await using firm = await openFirm(['stripe', 'shopify']);
      const { books, tell } = firm;
      for (const step of order) {
        await (step === 'paid' ? tell('stripe', stripe.paid()) : tell('shopify', shopify.sale()));
      }
      const lines = await paymentsOf(books);
      assert.deepEqual(lines.toSorted(), ['shopify pending 0-0', 'stripe succeeded 14900-0']);
      await decide(books, 'same');
      assert.deepEqual(await paymentsOf(books), ['stripe succeeded 14900-0']);
    });
  }

  it('also when that is applied already, and its order has room for another', async () => {
    await using firm = await openFirm(['stripe', 'shopify']);
    const { books, tell } = firm;
    await books.own({ ...INVOICE, total: { amount: '500.00', currency: 'USD' } });
    const { data, ...event } = stripe.named('WO-1');
    const object = { ...data.object, receipt_email: 'ap@harbor.example' };
    await tell('stripe', { ...event, data: { object } });
    await tell('shopify', shopify.sale());
    assert.deepEqual((await paymentsOf(books)).toSorted(), [
      'shopify pending 0-0',
      'stripe succeeded 14900-0',
    ]);
    await tell('shopify', shopify.order());
    assert.equal((await paymentsOf(books)).includes('shopify succeeded 14900-0'), false);
  });

  it('the address may come with a later document of the portal that holds the money', async () => {
    await using firm = await openFirm(['stripe', 'shopify']);
    const { books, tell } = firm;
    await tell('stripe', stripe.paid());
    await tell('shopify', shopify.order());
    assert.equal((await openReviews(books)).length > 0, true);
    await tell('stripe', { ...withEmail(), id: 'evt_2' });
    assert.deepEqual(await paymentsOf(books), ['stripe succeeded 14900-0']);
    assert.deepEqual(
      (await openReviews(books)).filter(({ kind }) => kind === 'possible-duplicate'),
      [],
    );
  });

  it('what they name lacking the money of both makes them no two payments', async () => {
    await using firm = await openFirm(['stripe', 'shopify']);
    const { books, tell } = firm;
    await tell('stripe', stripe.named('WO-1', 'pi_9'));
    await tell('shopify', shopify.order());
    await books.own({ ...INVOICE, total: { amount: '298.00', currency: 'USD' } });
    await books.apply();
    assert.deepEqual((await paymentsOf(books)).toSorted(), [
      'shopify pending 0-0',
      'stripe succeeded 14900-0',
    ]);
  });

  it('another payer is another payment', async () => {
    await using firm = await openFirm(['stripe', 'shopify']);
    const { books, tell } = firm;
    await tell('stripe', withEmail());
    await tell('shopify', shopify.order('somebody@else.example'));
    assert.deepEqual(await paymentsOf(books), [
      'stripe succeeded 14900-0',
      'shopify succeeded 14900-0',
    ]);
  });
});

describe('money that went back went back once', () => {
  const STEPS = ['paid', 'shown', 'refunded', 'refund shown'] as const;
  for (const order of permutations(STEPS)) {
    it(order.join(', '), async () => {
      await using firm = await openFirm(['stripe', 'chargebee']);
      const { books, tell, connection } = firm;
      for (const step of order) {
        if (step === 'paid') await tell('stripe', stripe.paid());
        if (step === 'shown') await tell('chargebee', chargebee.paid());
        if (step === 'refunded') await tell('stripe', stripe.refunded());
        if (step === 'refund shown') await tell('chargebee', chargebee.refunded());
      }
      assert.deepEqual(await paymentsOf(books), ['stripe refunded 14900-14900']);
      assert.equal(await clearingOf(books, connection('stripe')), 0);
      assert.equal(await clearingOf(books, connection('chargebee')), 0);
      assert.deepEqual(await openReviews(books), []);
    });
  }

  it('in other portions than those of who shows it', async () => {
    await using firm = await openFirm(['stripe', 'chargebee']);
    const { books, tell } = firm;
    await tell('chargebee', chargebee.paid());
    await tell('chargebee', chargebee.refunded(5_000));
    await tell('stripe', stripe.paid());
    assert.deepEqual(await paymentsOf(books), ['stripe partially_refunded 14900-5000']);
    await tell('stripe', stripe.refunded(2_000, 're_1'));
    await tell('stripe', stripe.refunded(3_000, 're_2'));
    assert.deepEqual(await paymentsOf(books), ['stripe partially_refunded 14900-5000']);
  });
});

describe('what only looks like the same money waits for a person', () => {
  for (const total of ['149.00', '250.00', '500.00']) {
    it(`told late what it is for, of an invoice of ${total}`, async () => {
      await using firm = await openFirm(['stripe', 'servicemobility']);
      const { books, tell } = firm;
      await books.own({ ...INVOICE, total: { amount: total, currency: 'USD' } });
      await tell('stripe', stripe.described(''));
      await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
      await tell('stripe', { ...stripe.named('WO-1'), id: 'evt_later' });
      assert.deepEqual((await paymentsOf(books)).toSorted(), [
        'servicemobility pending 0-0',
        'stripe succeeded 14900-0',
      ]);
    });
  }

  for (const first of ['stripe', 'servicemobility']) {
    const told = async (firm: Awaited<ReturnType<typeof openFirm>>) => {
      await firm.books.own(INVOICE);
      await firm.books.own({
        kind: 'work-order.upserted',
        externalId: 'WO-1',
        workOrderKind: 'repair',
      });
      const shown = () => firm.tell('servicemobility', serviceMobility('WO-1', 'T-1'));
      if (first === 'servicemobility') await shown();
      await firm.tell('stripe', stripe.named('WO-1'));
      if (first === 'stripe') await shown();
    };

    it(`${first} first: what holds the money is posted, what shows it waits`, async () => {
      await using firm = await openFirm(['stripe', 'servicemobility']);
      await told(firm);
      const lines = await paymentsOf(firm.books);
      assert.deepEqual(lines.toSorted(), [
        'servicemobility pending 0-0',
        'stripe succeeded 14900-0',
      ]);
      const reviews = await openReviews(firm.books);
      assert.deepEqual(
        reviews.map(({ kind }) => kind),
        ['possible-duplicate'],
      );
      const [order] = await firm.books.db.query<{ released: boolean }>(
        sql`select released from work_orders where organization_id = ${firm.books.organizationId}`,
      );
      assert.equal(order?.released, true);
      await assertUndecided(firm.books);
    });

    it(`${first} first: the same`, async () => {
      await using firm = await openFirm(['stripe', 'servicemobility']);
      await told(firm);
      await decide(firm.books, 'same');
      assert.deepEqual(await paymentsOf(firm.books), ['stripe succeeded 14900-0']);
      assert.deepEqual(await openReviews(firm.books), []);
    });

    it(`${first} first: paid twice`, async () => {
      await using firm = await openFirm(['stripe', 'servicemobility']);
      const { books, tell, connection } = firm;
      await told(firm);
      await decide(books, 'separate');
      const lines = await paymentsOf(books);
      assert.deepEqual(lines.toSorted(), [
        'servicemobility succeeded 14900-0',
        'stripe succeeded 14900-0',
      ]);
      assert.equal(await clearingOf(books, connection('servicemobility')), 14_900);
      assert.deepEqual(
        (await openReviews(books)).map(({ kind }) => kind),
        ['unapplied-cash'],
      );
      await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
      assert.equal((await paymentsOf(books)).length, 2, 'told again, it is no question again');
    });
  }

  async function assertUndecided(books: TestBooks): Promise<void> {
    const [item] = await openReviews(books);
    const reviewItemId = `rev_${item?.id}`;
    await books.own({ kind: 'review.resolved', reviewItemId, resolution: 'hm', by: 'key:test' });
    await books.apply();
    const [outcome] = await books.db.query<{ reason: string }>(
      sql`select reason from outcomes where organization_id = ${books.organizationId}
          and status = 'quarantined'`,
    );
    assert.match(outcome?.reason ?? '', /same or separate/);
  }

  for (const first of ['stripe', 'servicemobility']) {
    it(`${first} first: also where one of them says in words what it is for`, async () => {
      await using firm = await openFirm(['stripe', 'servicemobility']);
      const { books, tell } = firm;
      const described = stripe.described('Thank you! WO-1, 2026-11-12');
      if (first === 'stripe') await tell('stripe', described);
      await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
      if (first === 'servicemobility') await tell('stripe', described);
      assert.deepEqual((await paymentsOf(books)).toSorted(), [
        'servicemobility pending 0-0',
        'stripe succeeded 14900-0',
      ]);
    });
  }

  for (const order of permutations(['stripe', 'servicemobility', 'invoice'])) {
    it(`${order.join(', ')}: also where only the invoice says that they name one thing`, async () => {
      await using firm = await openFirm(['stripe', 'servicemobility']);
      const { books, tell } = firm;
      for (const id of order) {
        if (id === 'stripe') await tell(id, stripe.described('INV-1'));
        if (id === 'servicemobility') await tell(id, serviceMobility('WO-1', 'T-1'));
        if (id === 'invoice') await books.own(INVOICE);
        await books.apply();
      }
      assert.deepEqual((await paymentsOf(books)).toSorted(), [
        'servicemobility pending 0-0',
        'stripe succeeded 14900-0',
      ]);
      const [invoice] = await books.db.query<{ status: string }>(
        sql`select status from invoices where organization_id = ${books.organizationId}`,
      );
      assert.equal(invoice?.status, 'paid');
    });
  }

  for (const first of ['stripe', 'quickbooks']) {
    it(`${first} first: what the books show of a payment that names nothing`, async () => {
      await using firm = await openFirm(['stripe', 'quickbooks']);
      const { books, tell } = firm;
      await tell('quickbooks', quickbooks.invoice());
      if (first === 'stripe') await tell('stripe', stripe.paid());
      await tell('quickbooks', quickbooks.copy());
      if (first === 'quickbooks') await tell('stripe', stripe.paid());
      await tell('quickbooks', quickbooks.invoice('1'));
      assert.deepEqual((await paymentsOf(books)).toSorted(), [
        'quickbooks pending 0-0',
        'stripe succeeded 14900-0',
      ]);
      await decide(books, 'same');
      assert.deepEqual(await paymentsOf(books), ['stripe succeeded 14900-0']);
      const [invoice] = await books.db.query<{ status: string }>(
        sql`select status from invoices where organization_id = ${books.organizationId}`,
      );
      assert.equal(invoice?.status, 'paid', 'for what the bookkeeper knew it was for');
    });

    it(`${first} first: a cheque of that amount is another payment`, async () => {
      await using firm = await openFirm(['stripe', 'quickbooks']);
      const { books, tell } = firm;
      const { Payment } = quickbooks.copy();
      await tell('quickbooks', quickbooks.invoice());
      if (first === 'stripe') await tell('stripe', stripe.paid());
      await tell('quickbooks', {
        Payment: { ...Payment, PaymentMethodRef: { value: '2', name: 'Check' } },
      });
      if (first === 'quickbooks') await tell('stripe', stripe.paid());
      assert.deepEqual((await paymentsOf(books)).toSorted(), [
        'quickbooks succeeded 14900-0',
        'stripe succeeded 14900-0',
      ]);
    });
  }

  it('a date that both mention is nothing that both are for', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await tell('stripe', stripe.described('Visit of 2026-11-12'));
    await tell('servicemobility', serviceMobility('2026-11-12', 'T-1'));
    assert.deepEqual(await paymentsOf(books), [
      'stripe succeeded 14900-0',
      'servicemobility succeeded 14900-0',
    ]);
  });

  it('money that tells what it is for only when what shows it has paid just that', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await books.own(INVOICE);
    await tell('stripe', stripe.described(''));
    await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
    assert.equal(
      (await openReviews(books)).some(({ kind }) => kind === 'possible-duplicate'),
      false,
    );
    await tell('stripe', { ...stripe.named('WO-1'), id: 'evt_later' });
    assert.deepEqual((await paymentsOf(books)).toSorted(), [
      'servicemobility pending 0-0',
      'stripe succeeded 14900-0',
    ]);
    const [invoice] = await books.db.query<{ status: string }>(
      sql`select status from invoices where organization_id = ${books.organizationId}`,
    );
    assert.equal(invoice?.status, 'paid', 'by the one that holds the money');
  });

  it('a copy goes on waiting when the money that it resembles is given back', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await books.own(INVOICE);
    await tell('stripe', stripe.named('WO-1', 'pi_3QkX1aL2'));
    await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
    await tell('stripe', stripe.refunded());
    await books.own({ ...INVOICE, dueOn: '2026-12-24' });
    await books.apply();
    assert.deepEqual((await paymentsOf(books)).toSorted(), [
      'servicemobility pending 0-0',
      'stripe refunded 14900-14900',
    ]);
  });

  it('a shop that shows money after it was given back', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await books.own(INVOICE);
    await tell('stripe', stripe.named('WO-1', 'pi_3QkX1aL2'));
    await tell('stripe', stripe.refunded());
    await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
    assert.deepEqual(await paymentsOf(books), [
      'stripe refunded 14900-14900',
      'servicemobility pending 0-0',
    ]);
  });

  it('two halves are two payments, once what they name is known', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await tell('stripe', stripe.named('WO-1', 'pi_9', 7_450));
    await tell('servicemobility', {
      ...serviceMobility('WO-1', 'T-1', 74.5),
      PaymentUTC: new Date(AT * 1000 + 3_600_000).toISOString(),
    });
    assert.deepEqual(await paymentsOf(books), [
      'stripe succeeded 7450-0',
      'servicemobility pending 0-0',
    ]);
    await books.own(INVOICE);
    await books.apply();
    assert.deepEqual(await paymentsOf(books), [
      'stripe succeeded 7450-0',
      'servicemobility succeeded 7450-0',
    ]);
    const [invoice] = await books.db.query<{ status: string }>(
      sql`select status from invoices where organization_id = ${books.organizationId}`,
    );
    assert.equal(invoice?.status, 'paid');
    assert.deepEqual(await openReviews(books), []);
  });

  it('two halves within minutes wait for a person, though both are lacking', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await books.own(INVOICE);
    await tell('stripe', stripe.named('WO-1', 'pi_9', 7_450));
    await tell('servicemobility', serviceMobility('WO-1', 'T-1', 74.5));
    await books.own({ ...INVOICE, dueOn: '2026-12-24' });
    await books.apply();
    assert.deepEqual(await paymentsOf(books), [
      'stripe succeeded 7450-0',
      'servicemobility pending 0-0',
    ]);
    await decide(books, 'separate');
    assert.deepEqual(await paymentsOf(books), [
      'stripe succeeded 7450-0',
      'servicemobility succeeded 7450-0',
    ]);
  });

  it('is posted when what it resembled turns out to have failed', async () => {
    await using firm = await openFirm(['stripe', 'servicemobility']);
    const { books, tell } = firm;
    await books.own(INVOICE);
    await tell('stripe', stripe.named('WO-1'));
    await tell('servicemobility', serviceMobility('WO-1', 'T-1'));
    await tell('stripe', stripe.failed());
    assert.deepEqual(await paymentsOf(books), [
      'stripe failed 0-0',
      'servicemobility succeeded 14900-0',
    ]);
    assert.deepEqual(await openReviews(books), []);
  });

  it('a copy in the books of money that was given back', async () => {
    await using firm = await openFirm(['stripe', 'chargebee', 'quickbooks']);
    const { books, tell } = firm;
    await tell('quickbooks', quickbooks.invoice());
    await tell('chargebee', chargebee.paid());
    await tell('stripe', stripe.paid());
    await tell('stripe', stripe.refunded());
    await tell('quickbooks', quickbooks.copy());
    assert.deepEqual(await paymentsOf(books), [
      'stripe refunded 14900-14900',
      'quickbooks pending 0-0',
    ]);
    await decide(books, 'same');
    assert.deepEqual(await paymentsOf(books), ['stripe refunded 14900-14900']);
  });
});

describe('refunds that the books show', () => {
  const STEPS = ['refunded', 'receipt'] as const;
  for (const order of permutations(STEPS)) {
    it(`${order.join(', ')}: booked once until a person says otherwise`, async () => {
      await using firm = await openFirm(['stripe', 'chargebee', 'quickbooks']);
      const { books, tell, connection } = firm;
      await tell('quickbooks', quickbooks.customer());
      await tell('quickbooks', {
        Invoice: { ...quickbooks.invoice().Invoice, CustomerRef: { value: '31' } },
      });
      await tell('chargebee', chargebee.paid());
      await tell('stripe', stripe.paid());
      for (const step of order) {
        if (step === 'refunded') await tell('stripe', stripe.refunded());
        else await tell('quickbooks', quickbooks.refundReceipt());
      }
      assert.deepEqual(await paymentsOf(books), ['stripe refunded 14900-14900']);
      assert.equal(await clearingOf(books, connection('quickbooks')), 0);
      const kinds = (await openReviews(books)).map(({ kind }) => kind);
      assert.ok(kinds.includes('possible-duplicate'));
      await decide(books, 'same');
      assert.equal(await clearingOf(books, connection('quickbooks')), 0);
      assert.deepEqual(await paymentsOf(books), ['stripe refunded 14900-14900']);
    });
  }

  it('that are the customer’s money twice are booked twice', async () => {
    await using firm = await openFirm(['stripe', 'chargebee', 'quickbooks']);
    const { books, tell, connection } = firm;
    await tell('quickbooks', quickbooks.customer());
    await tell('quickbooks', {
      Invoice: { ...quickbooks.invoice().Invoice, CustomerRef: { value: '31' } },
    });
    await tell('chargebee', chargebee.paid());
    await tell('stripe', stripe.paid());
    await tell('stripe', stripe.refunded());
    await tell('quickbooks', quickbooks.refundReceipt());
    await decide(books, 'separate');
    await paymentsOf(books);
    assert.equal(await clearingOf(books, connection('quickbooks')), -14_900);
  });
});

describe('a payout, its line on the bank statement and its deposit in the books', () => {
  const LINE = statement(['2026-11-14,149.00,USD,STRIPE TRANSFER ST-1,STRIPE']);
  const bankOf = async ({ db, organizationId }: FirmBooks) => {
    const [row] = await db.query<{ minor: bigint | null }>(
      sql`select sum(debit_minor - credit_minor)::bigint as minor from account_balances
          where organization_id = ${organizationId} and account = 'bank'`,
    );
    return Number(row?.minor ?? 0);
  };
  const views = async ({ db, organizationId }: FirmBooks) => {
    const rows = await db.query<{ line: string }>(
      sql`select c.portal || case when v.mirrors is null then ' alone' else ' of ' || o.external_id end as line
          from payouts v join connections c on c.organization_id = v.organization_id and c.id = v.connection_id
          left join payouts o on o.organization_id = v.organization_id and o.id = v.mirrors
          where v.organization_id = ${organizationId} order by 1`,
    );
    return rows.map(({ line }) => line);
  };

  for (const order of permutations(['payout', 'line', 'deposit'] as const)) {
    it(`${order.join(', ')}: one movement into the bank`, async () => {
      await using firm = await openFirm(['stripe', 'generic', 'quickbooks']);
      const { books, tell, connection } = firm;
      await tell('stripe', stripe.paid());
      for (const step of order) {
        if (step === 'payout') await tell('stripe', stripe.paidOut(14_900));
        if (step === 'line') await tell('generic', LINE);
        if (step === 'deposit') await tell('quickbooks', quickbooks.deposit(149));
      }
      await paymentsOf(books);
      assert.equal(await bankOf(books), 14_900);
      assert.equal(await clearingOf(books, connection('stripe')), 0);
      assert.equal(await clearingOf(books, connection('quickbooks')), 0);
      assert.deepEqual(await views(books), [
        'generic of po_1',
        'quickbooks of po_1',
        'stripe alone',
      ]);
    });
  }

  it('two payouts of one amount have a line each', async () => {
    await using firm = await openFirm(['stripe', 'generic']);
    const { books, tell } = firm;
    await tell('stripe', stripe.paidOut(14_900, 'po_1'));
    await tell(
      'generic',
      statement(['2026-11-14,149.00,USD,STRIPE A,STRIPE', '2026-11-14,149.00,USD,STRIPE B,STRIPE']),
    );
    await tell('stripe', stripe.paidOut(14_900, 'po_2'));
    assert.deepEqual((await views(books)).toSorted(), [
      'generic of po_1',
      'generic of po_2',
      'stripe alone',
      'stripe alone',
    ]);
    assert.equal(await bankOf(books), 29_800);
  });

  for (const first of ['payout', 'line'] as const) {
    const unnamed = statement(['2026-11-14,149.00,USD,TRANSFER 4711,']);
    const told = async (firm: Awaited<ReturnType<typeof openFirm>>) => {
      if (first === 'line') await firm.tell('generic', unnamed);
      await firm.tell('stripe', stripe.paidOut(14_900));
      if (first === 'payout') await firm.tell('generic', unnamed);
    };

    it(`${first} first: a line that names nobody and is exactly a payout waits`, async () => {
      await using firm = await openFirm(['stripe', 'generic']);
      const { books, connection } = firm;
      await told(firm);
      assert.deepEqual(await paymentsOf(books), ['generic pending 0-0']);
      assert.equal(await clearingOf(books, connection('generic')), 0);
      assert.match(
        (await openReviews(books)).at(-1)?.reason ?? '',
        /exactly payout po_1 of stripe/,
      );
      await decide(books, 'same');
      assert.deepEqual(await paymentsOf(books), ['generic voided 0-0']);
    });

    it(`${first} first: it was a customer after all`, async () => {
      await using firm = await openFirm(['stripe', 'generic']);
      await told(firm);
      await decide(firm.books, 'separate');
      assert.deepEqual(await paymentsOf(firm.books), ['generic succeeded 14900-0']);
      await firm.tell('stripe', stripe.paidOut(14_900, 'po_2'));
      assert.deepEqual(await paymentsOf(firm.books), ['generic succeeded 14900-0']);
    });
  }

  it('a line that names an invoice is a customer’s payment, whatever was paid out', async () => {
    await using firm = await openFirm(['stripe', 'generic']);
    const { books, tell } = firm;
    await books.own(INVOICE);
    await tell('stripe', stripe.paidOut(14_900));
    await tell('generic', statement(['2026-11-14,149.00,USD,INV-1 thank you,Harbor']));
    assert.deepEqual(await paymentsOf(books), ['generic succeeded 14900-0']);
  });
});
