/** What no program may do to the books, because the database itself refuses it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Sql, sql } from '../../src/db/database.ts';
import { openTestBooks, type TestBooks } from '../support/books.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
let books: TestBooks;
before(async () => {
  database = await testDatabase();
  books = await openTestBooks(database.url);
  await books.own({
    kind: 'payment.recorded',
    externalId: 'cash-1',
    amount: { amount: '10.00', currency: 'USD' },
    occurredAt: '2026-11-21T07:00:00Z',
  });
  await books.apply();
});
after(async () => {
  await books[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const refuses = (statement: Sql, because: RegExp) =>
  assert.rejects(
    books.db.transaction((tx) => tx.execute(statement)),
    because,
  );

const WRITTEN = ['documents', 'outcomes', 'events', 'entries', 'postings'] as const;

describe('what is written stays written', () => {
  const changes: Record<(typeof WRITTEN)[number], readonly Sql[]> = {
    documents: [
      sql`update documents set body = 'forged'`,
      sql`delete from documents`,
      sql`truncate documents cascade`,
    ],
    outcomes: [
      sql`update outcomes set status = 'ignored', reason = 'forged'`,
      sql`delete from outcomes`,
      sql`truncate outcomes`,
    ],
    events: [sql`update events set type = 'forged'`, sql`delete from events`, sql`truncate events`],
    entries: [
      sql`update entries set memo = 'forged'`,
      sql`delete from entries`,
      sql`truncate entries cascade`,
    ],
    postings: [
      sql`update postings set amount_minor = 1`,
      sql`delete from postings`,
      sql`truncate postings`,
    ],
  };
  for (const table of WRITTEN) {
    test(`${table} can neither be changed nor deleted nor emptied`, async () => {
      for (const statement of changes[table]) await refuses(statement, /append-only/);
    });
  }
});

/** An entry after the last one; `previous` is the hash it claims to follow. */
function entry(previous: Sql, postingCount = 1): Sql {
  return sql`insert into entries (organization_id, sequence, kind, memo, posted_at, effective_on, document_id,
      posting_count, previous_hash, hash)
    select organization_id, sequence + 1, 'forged', 'forged', posted_at, effective_on, document_id,
      ${postingCount}, ${previous}, hash
    from entries where organization_id = ${books.organizationId} order by sequence desc limit 1`;
}

function posting(change: { readonly credit?: Sql; readonly amount?: Sql }): Sql {
  return sql`insert into postings (organization_id, entry_sequence, line, debit_account, credit_account,
      amount_minor, currency)
    select organization_id, entry_sequence, line + 1, debit_account, ${change.credit ?? sql`credit_account`},
      ${change.amount ?? sql`amount_minor`}, currency
    from postings where organization_id = ${books.organizationId} limit 1`;
}

describe('the journal', () => {
  test('an entry without its postings is refused', () =>
    refuses(entry(sql`hash`), /together with all its postings/));

  test('an entry with fewer postings than it says is refused', () =>
    refuses(
      sql`with added as (${entry(sql`hash`, 2)} returning organization_id, sequence)
          insert into postings (organization_id, entry_sequence, line, debit_account, credit_account,
            amount_minor, currency)
          select a.organization_id, a.sequence, 1, p.debit_account, p.credit_account, 1, p.currency
          from added a join postings p on p.organization_id = a.organization_id and p.entry_sequence = 1`,
      /together with all its postings/,
    ));

  test('an entry that does not carry its predecessor’s hash is refused', () =>
    refuses(
      sql`with added as (${entry(sql`sha256('another past')`)} returning organization_id, sequence)
          insert into postings (organization_id, entry_sequence, line, debit_account, credit_account,
            amount_minor, currency)
          select a.organization_id, a.sequence, 1, p.debit_account, p.credit_account, 1, p.currency
          from added a join postings p on p.organization_id = a.organization_id and p.entry_sequence = 1`,
      /follow its predecessor/,
    ));

  test('a posting from an account to itself is refused', () =>
    refuses(posting({ credit: sql`debit_account` }), /check constraint/));

  test('a posting of nothing or less is refused', async () => {
    await refuses(posting({ amount: sql`0` }), /check constraint/);
    await refuses(posting({ amount: sql`-amount_minor` }), /check constraint/);
  });

  test('a posting to an account that does not exist is refused', () =>
    refuses(posting({ credit: sql`'nowhere'` }), /foreign key/));
});

describe('documents', () => {
  test('one key names one document', () =>
    refuses(
      sql`insert into documents (organization_id, connection_id, origin, dedupe_key, authentic, sha256, headers,
            body, settings_version, received_at)
          select organization_id, connection_id, origin, dedupe_key, authentic, sha256, headers, body,
            settings_version, received_at from documents limit 1`,
      /duplicate key/,
    ));

  test('a document has one final outcome', () =>
    refuses(
      sql`insert into outcomes (organization_id, sequence, document_id, status, reason, applied_at)
          select organization_id, sequence + 1, document_id, status, reason, applied_at from outcomes limit 1`,
      /duplicate key/,
    ));
});
