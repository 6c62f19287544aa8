/** Writes what a batch changed: one set-based statement a table, in the order of the foreign keys. */
import { type Queryable, sql } from '../db/database.ts';
import { addJob } from '../db/jobs.ts';
import { insertRows, insertStatement, type Table, upsertRows } from '../db/table.ts';
import type { Books, EventRecord, SealedEntry } from './books.ts';
import type { Outcome } from './decide.ts';
import { elsewhereTable, identitiesTable } from './identity-rows.ts';
import { payoutsTable } from './payout-rows.ts';
import {
  actionsTable,
  allocationsTable,
  customersTable,
  disputesTable,
  entitlementsTable,
  invoicesTable,
  paymentsTable,
  refundsTable,
  reviewItemsTable,
  workOrdersTable,
} from './rows.ts';

type EntryRow = Omit<SealedEntry, 'postings' | 'documentSha256'> & {
  readonly postingCount: number;
};
type PostingRow = SealedEntry['postings'][number] & {
  readonly entrySequence: bigint;
  readonly line: number;
};

const entriesTable: Table<EntryRow> = {
  name: 'entries',
  key: ['sequence'],
  columns: {
    sequence: 'bigint',
    kind: 'text',
    memo: 'text',
    postedAt: 'instant',
    effectiveOn: 'day',
    documentId: 'bigint',
    reverses: 'bigint',
    postingCount: 'smallint',
    previousHash: 'bytes',
    hash: 'bytes',
  },
};

const postingsTable: Table<PostingRow> = {
  name: 'postings',
  key: ['entrySequence', 'line'],
  columns: {
    entrySequence: 'bigint',
    line: 'smallint',
    debitAccount: 'text',
    creditAccount: 'text',
    amountMinor: 'bigint',
    currency: 'text',
    paymentId: 'bigint',
    invoiceId: 'bigint',
  },
};

const outcomesTable: Table<Outcome> = {
  name: 'outcomes',
  key: ['sequence'],
  columns: {
    sequence: 'bigint',
    documentId: 'bigint',
    status: 'text',
    reason: 'text',
    appliedAt: 'instant',
  },
};

type EventRow = Omit<EventRecord, 'event'> & {
  readonly type: string;
  readonly externalPaymentId: string | null;
  readonly body: unknown;
};

const eventsTable: Table<EventRow> = {
  name: 'events',
  key: ['documentId', 'ordinal'],
  columns: {
    documentId: 'bigint',
    ordinal: 'smallint',
    sequence: 'bigint',
    connectionId: 'text',
    type: 'text',
    externalPaymentId: 'text',
    body: 'json',
  },
};

/** The tables that hold nothing but what documents made of them: a rebuild must give them back byte for byte. */
export const BOOK_TABLES = [
  'outcomes',
  'events',
  'customers',
  'payments',
  'identities',
  'elsewhere_ids',
  'waiting_keys',
  'refunds',
  'disputes',
  'payouts',
  'invoices',
  'work_orders',
  'entitlements',
  'accounts',
  'entries',
  'postings',
  'account_balances',
  'allocations',
  'actions',
  'review_items',
  'organization_heads',
] as const;

export async function writeBooks(
  tx: Queryable,
  books: Books,
  outcomes: readonly Outcome[],
): Promise<void> {
  const organizationId = books.organization.id;
  await upsertRows(tx, customersTable, organizationId, books.customers.changed());
  await upsertRows(tx, paymentsTable, organizationId, books.payments.changed());
  await upsertRows(tx, invoicesTable, organizationId, books.invoices.changed());
  await upsertRows(tx, workOrdersTable, organizationId, books.workOrders.changed());
  await upsertRows(tx, entitlementsTable, organizationId, books.entitlements.changed());
  await writeLedger(tx, books);
  await upsertRows(tx, allocationsTable, organizationId, books.allocations.changed());
  await upsertRows(tx, actionsTable, organizationId, books.actions.changed());
  await upsertRows(tx, refundsTable, organizationId, books.refunds.changed());
  await upsertRows(tx, disputesTable, organizationId, books.disputes.changed());
  await upsertRows(tx, payoutsTable, organizationId, books.payouts.changed());
  await insertRows(tx, identitiesTable, organizationId, books.identities.added());
  await insertRows(tx, elsewhereTable, organizationId, books.elsewhere.added());
  await writeWaiting(tx, books);
  await upsertRows(tx, reviewItemsTable, organizationId, books.reviewItems.changed());
  await insertRows(tx, eventsTable, organizationId, books.events.map(eventRow));
  await insertRows(tx, outcomesTable, organizationId, outcomes);
  const { head } = books;
  await tx.execute(
    sql`update organization_heads
        set document_sequence = ${head.documentSequence}, entry_sequence = ${head.entrySequence},
            entry_hash = ${head.entryHash}, last_id = ${head.lastId}
        where organization_id = ${organizationId}`,
  );
}

function eventRow({ event, ...record }: EventRecord): EventRow {
  return { ...record, type: event.type, externalPaymentId: event.externalPaymentId, body: event };
}

async function writeLedger(tx: Queryable, books: Books): Promise<void> {
  if (books.entries.length === 0) return;
  const organizationId = books.organization.id;
  const accounts = [...books.accounts.values()];
  await tx.execute(
    sql`insert into accounts (organization_id, code, kind, customer_id, connection_id)
        select ${organizationId}::integer, u.* from unnest(
          ${accounts.map((account) => account.code)}::text[],
          ${accounts.map((account) => account.kind)}::text[],
          ${accounts.map((account) => account.customerId)}::bigint[],
          ${accounts.map((account) => account.connectionId)}::text[]) u
        on conflict do nothing`,
  );
  const entries = books.entries.map((entry) => ({ ...entry, postingCount: entry.postings.length }));
  const postings = books.entries.flatMap((entry) =>
    entry.postings.map((posting, index) => ({
      ...posting,
      entrySequence: entry.sequence,
      line: index + 1,
    })),
  );
  // One statement, so that the database can refuse an entry without its postings.
  await tx.execute(
    sql`with written as (${insertStatement(entriesTable, organizationId, entries)})
        ${insertStatement(postingsTable, organizationId, postings)}`,
  );
  const sums = [...books.balances].map(([key, sum]) => ({ key: key.split('\u0000'), ...sum }));
  await tx.execute(
    sql`insert into account_balances as b (organization_id, account, currency, debit_minor, credit_minor)
        select ${organizationId}::integer, u.* from unnest(
          ${sums.map((sum) => sum.key[0])}::text[], ${sums.map((sum) => sum.key[1])}::text[],
          ${sums.map((sum) => sum.debitMinor)}::bigint[], ${sums.map((sum) => sum.creditMinor)}::bigint[]) u
        on conflict (organization_id, account, currency) do update
        set debit_minor = b.debit_minor + excluded.debit_minor,
            credit_minor = b.credit_minor + excluded.credit_minor`,
  );
}

async function writeWaiting(tx: Queryable, books: Books): Promise<void> {
  if (books.newWaiting.size === 0) return;
  const organizationId = books.organization.id;
  await tx.execute(
    sql`delete from waiting_keys where organization_id = ${organizationId}
        and payment_id = any(${[...books.newWaiting.keys()]}::bigint[])`,
  );
  const pairs = [...books.newWaiting].flatMap(([id, keys]) => keys.map((key) => ({ id, key })));
  if (pairs.length === 0) return;
  await tx.execute(
    sql`insert into waiting_keys (organization_id, key, payment_id)
        select ${organizationId}::integer, u.* from unnest(
          ${pairs.map((pair) => pair.key)}::text[], ${pairs.map((pair) => pair.id)}::bigint[]) u`,
  );
}

/** Queues what the batch has to tell other systems. Not part of the books: a rebuild leaves it out. */
export async function writeDeliveries(tx: Queryable, books: Books): Promise<void> {
  const { deliveries } = books;
  if (deliveries.length === 0) return;
  await tx.execute(
    sql`insert into deliveries
          (organization_id, system_id, topic, payment_id, subject, document_id, due_at, created_at)
        select ${books.organization.id}::integer, u.*, u.created_at from unnest(
          ${deliveries.map((one) => one.systemId)}::text[], ${deliveries.map((one) => one.topic)}::text[],
          ${deliveries.map((one) => one.paymentId)}::bigint[], ${deliveries.map((one) => one.subject)}::text[],
          ${deliveries.map((one) => one.documentId)}::bigint[],
          ${deliveries.map((one) => one.createdAt)}::timestamptz[])
          u (system_id, topic, payment_id, subject, document_id, created_at)`,
  );
  const systems = [...new Set(deliveries.map((one) => one.systemId))];
  for (const systemId of systems) {
    await addJob(tx, {
      task: 'deliver',
      key: `deliver:${books.organization.id}:${systemId}`,
      payload: { organizationId: books.organization.id, systemId },
    });
  }
}
