/** Proves the books: the hash chain, every sum against its postings, and every document accounted for. */
import { createHash } from 'node:crypto';
import { type Database, type Sql, sql } from '../db/database.ts';
import { type Entry, GENESIS_HASH, hashEntry, type Posting } from '../ledger/entry.ts';

export type Check = {
  readonly name: string;
  readonly ok: boolean;
  readonly examined: number;
  /** The first of what is broken, in sentences. */
  readonly problems: readonly string[];
};

export type Verification = { readonly ok: boolean; readonly checks: readonly Check[] };

const MAX_PROBLEMS = 20;
const CHAIN_PAGE = 5_000;
const DOCUMENT_PAGE = 1_000;

/** Checks an organization's books without changing anything; `onProgress` is told each finished step. */
export async function verifyBooks(
  db: Database,
  organizationId: number,
  onProgress: (check: Check) => void = () => {},
): Promise<Verification> {
  const checks: Check[] = [];
  for (const step of [verifyChain, verifyDocumentBytes, ...SUM_CHECKS.map(sumCheck)]) {
    const check = await step(db, organizationId);
    checks.push(check);
    onProgress(check);
  }
  return { ok: checks.every((check) => check.ok), checks };
}

function conclude(name: string, examined: number, problems: readonly string[]): Check {
  return { name, ok: problems.length === 0, examined, problems: problems.slice(0, MAX_PROBLEMS) };
}

type ChainRow = Omit<Entry, 'postings'> & {
  readonly previousHash: Buffer;
  readonly hash: Buffer;
  readonly postings: readonly (Omit<Posting, 'amountMinor' | 'paymentId' | 'invoiceId'> & {
    readonly amountMinor: string;
    readonly paymentId: string | null;
    readonly invoiceId: string | null;
  })[];
};

/** Recomputes every entry's hash from its fields, in order, up to the head that the writer keeps. */
async function verifyChain(db: Database, organizationId: number): Promise<Check> {
  const problems: string[] = [];
  let previous: Buffer = GENESIS_HASH;
  let after = 0n;
  let examined = 0;
  for (;;) {
    const rows = await db.query<ChainRow>(
      sql`select e.sequence, e.kind, e.memo, e.posted_at as "postedAt", e.effective_on as "effectiveOn",
            e.document_id as "documentId", d.sha256 as "documentSha256", e.reverses,
            e.previous_hash as "previousHash", e.hash,
            (select json_agg(json_build_object('debitAccount', p.debit_account, 'creditAccount', p.credit_account,
               'amountMinor', p.amount_minor::text, 'currency', p.currency, 'paymentId', p.payment_id::text,
               'invoiceId', p.invoice_id::text) order by p.line)
             from postings p where p.organization_id = e.organization_id and p.entry_sequence = e.sequence) as postings
          from entries e
          join documents d on d.organization_id = e.organization_id and d.id = e.document_id
          where e.organization_id = ${organizationId} and e.sequence > ${after}
          order by e.sequence limit ${CHAIN_PAGE}`,
    );
    if (rows.length === 0) break;
    for (const row of rows) {
      examined += 1;
      if (row.sequence !== after + 1n)
        problems.push(`entries ${after + 1n} to ${row.sequence - 1n} are missing`);
      if (!row.previousHash.equals(previous))
        problems.push(`entry ${row.sequence} does not follow its predecessor`);
      if (!hashEntry(organizationId, entryOf(row), row.previousHash).equals(row.hash)) {
        problems.push(`entry ${row.sequence} was changed: its bytes do not give its hash`);
      }
      previous = row.hash;
      after = row.sequence;
    }
  }
  const [head] = await db.query<{ entry_sequence: bigint; entry_hash: Buffer }>(
    sql`select entry_sequence, entry_hash from organization_heads where organization_id = ${organizationId}`,
  );
  if (head && (head.entry_sequence !== after || !head.entry_hash.equals(previous))) {
    problems.push(`the journal ends at entry ${after}, its head says ${head.entry_sequence}`);
  }
  return conclude('hash chain', examined, problems);
}

function entryOf(row: ChainRow): Entry {
  return {
    ...row,
    postings: (row.postings ?? []).map((posting) => ({
      ...posting,
      amountMinor: BigInt(posting.amountMinor),
      paymentId: posting.paymentId === null ? null : BigInt(posting.paymentId),
      invoiceId: posting.invoiceId === null ? null : BigInt(posting.invoiceId),
    })),
  };
}

/** The entries carry their document's hash; so the stored bytes must still give it. */
async function verifyDocumentBytes(db: Database, organizationId: number): Promise<Check> {
  const problems: string[] = [];
  let after = 0n;
  let examined = 0;
  for (;;) {
    const rows = await db.query<{ id: bigint; sha256: Buffer; body: Buffer }>(
      sql`select id, sha256, body from documents where organization_id = ${organizationId} and id > ${after}
          order by id limit ${DOCUMENT_PAGE}`,
    );
    const last = rows.at(-1);
    if (!last) break;
    for (const row of rows) {
      if (!createHash('sha256').update(row.body).digest().equals(row.sha256)) {
        problems.push(`doc_${row.id} was changed: its bytes do not give its hash`);
      }
    }
    examined += rows.length;
    after = last.id;
  }
  return conclude('document bytes', examined, problems);
}

/** A statement whose rows are problems, and one that counts what was looked at. */
type SumCheck = {
  readonly name: string;
  count(organizationId: number): Sql;
  problems(organizationId: number): Sql;
};

function sumCheck(check: SumCheck) {
  return async (db: Database, organizationId: number): Promise<Check> => {
    const [counted] = await db.query<{ count: bigint }>(check.count(organizationId));
    const rows = await db.query<{ problem: string }>(
      sql`select problem from (${check.problems(organizationId)}) found limit ${MAX_PROBLEMS}`,
    );
    return conclude(
      check.name,
      Number(counted?.count ?? 0),
      rows.map((row) => row.problem),
    );
  };
}

const SUM_CHECKS: readonly SumCheck[] = [
  {
    name: 'account balances',
    count: (id) =>
      sql`select count(*) as count from account_balances where organization_id = ${id}`,
    problems: (id) => sql`
      with posted as (
        select account, currency, sum(debit)::bigint as debit, sum(credit)::bigint as credit from (
          select debit_account as account, currency, amount_minor as debit, 0 as credit
          from postings where organization_id = ${id}
          union all
          select credit_account, currency, 0, amount_minor from postings where organization_id = ${id}
        ) sides group by account, currency
      )
      select format('account %s in %s says %s debit and %s credit, its postings %s and %s',
          coalesce(b.account, p.account), coalesce(b.currency, p.currency),
          b.debit_minor, b.credit_minor, p.debit, p.credit) as problem
      from (select * from account_balances where organization_id = ${id}) b
      full join posted p on p.account = b.account and p.currency = b.currency
      where (b.debit_minor, b.credit_minor) is distinct from (p.debit, p.credit)`,
  },
  {
    name: 'invoices',
    count: (id) => sql`select count(*) as count from invoices where organization_id = ${id}`,
    problems: (id) => sql`
      with posted as (
        select invoice_id,
          coalesce(sum(case when debit_account like 'receivable:%' then amount_minor else -amount_minor end)
            filter (where 'invoiced' in (debit_account, credit_account)), 0) as registered,
          coalesce(sum(case when credit_account like 'receivable:%' then amount_minor else -amount_minor end)
            filter (where 'invoiced' not in (debit_account, credit_account)), 0) as paid
        from postings where organization_id = ${id} and invoice_id is not null group by invoice_id
      )
      select format('inv_%s says total %s and paid %s, its postings %s and %s', i.id,
          case when i.status = 'void' then 0 else i.total_minor end, i.paid_minor,
          coalesce(p.registered, 0), coalesce(p.paid, 0)) as problem
      from invoices i left join posted p on p.invoice_id = i.id
      where i.organization_id = ${id}
        and (coalesce(p.paid, 0) <> i.paid_minor
          or coalesce(p.registered, 0) <> case when i.status = 'void' then 0 else i.total_minor end)`,
  },
  {
    name: 'payments',
    count: (id) => sql`select count(*) as count from payments where organization_id = ${id}`,
    problems: (id) => sql`
      with posted as (
        select payment_id,
          sum(case when credit_account like 'unapplied-cash:%' then amount_minor else 0 end)
            - sum(case when debit_account like 'unapplied-cash:%' then amount_minor else 0 end) as unapplied,
          sum(case when credit_account like 'receivable:%' or credit_account like 'customer-deposit:%'
                then amount_minor else 0 end)
            - sum(case when debit_account like 'receivable:%' or debit_account like 'customer-deposit:%'
                then amount_minor else 0 end) as allocated
        from postings where organization_id = ${id} and payment_id is not null group by payment_id
      ), standing as (
        select payment_id, sum(amount_minor) as amount from allocations
        where organization_id = ${id} group by payment_id
      )
      select format('pay_%s says %s unapplied and %s allocated, its postings %s and %s, its allocations %s', y.id,
          y.unapplied_minor, y.allocated_minor, coalesce(p.unapplied, 0), coalesce(p.allocated, 0),
          coalesce(s.amount, 0)) as problem
      from payments y
      left join posted p on p.payment_id = y.id
      left join standing s on s.payment_id = y.id
      where y.organization_id = ${id}
        and (coalesce(p.unapplied, 0) <> y.unapplied_minor or coalesce(p.allocated, 0) <> y.allocated_minor
          or coalesce(s.amount, 0) <> y.allocated_minor)`,
  },
  {
    name: 'customers',
    count: (id) => sql`select count(*) as count from customers where organization_id = ${id}`,
    problems: (id) => sql`
      with owed as (
        select customer_id, currency, sum(total_minor - paid_minor) as minor from invoices
        where organization_id = ${id} and status <> 'void' group by customer_id, currency
      ), booked as (
        select a.customer_id, b.currency, sum(b.debit_minor - b.credit_minor)::bigint as minor
        from account_balances b join accounts a on a.organization_id = b.organization_id and a.code = b.account
        where b.organization_id = ${id} and a.code like 'receivable:%' group by a.customer_id, b.currency
      )
      select format('customer %s owes %s %s by invoices, %s by the ledger',
          coalesce(coalesce(o.customer_id, k.customer_id)::text, 'unidentified'), coalesce(o.minor, 0),
          coalesce(o.currency, k.currency), coalesce(k.minor, 0)) as problem
      from owed o full join booked k
        on k.currency = o.currency and coalesce(k.customer_id, 0) = coalesce(o.customer_id, 0)
      where coalesce(o.minor, 0) <> coalesce(k.minor, 0)`,
  },
  {
    name: 'documents',
    count: (id) => sql`select count(*) as count from documents where organization_id = ${id}`,
    problems: (id) => sql`
      select format('doc_%s was accepted and is neither waiting nor accounted for', d.id) as problem
      from documents d
      where d.organization_id = ${id}
        and not exists (select from inbox i where i.organization_id = d.organization_id and i.document_id = d.id)
        and not exists (select from outcomes o where o.organization_id = d.organization_id and o.document_id = d.id)
      union all
      select format('doc_%s waits although it was %s', i.document_id, o.status)
      from inbox i join outcomes o on o.organization_id = i.organization_id and o.document_id = i.document_id
      where i.organization_id = ${id} and o.status <> 'quarantined'
      union all
      select format('sequence %s to %s is missing', before + 1, sequence - 1) from (
        select sequence, lag(sequence, 1, 0::bigint) over (order by sequence) as before
        from outcomes where organization_id = ${id}) steps
      where sequence <> before + 1
      union all
      select format('the sequence ends at %s, its head says %s', coalesce(max(o.sequence), 0), h.document_sequence)
      from organization_heads h left join outcomes o on o.organization_id = h.organization_id
      where h.organization_id = ${id} group by h.document_sequence
      having coalesce(max(o.sequence), 0) <> h.document_sequence`,
  },
  {
    name: 'releases',
    count: (id) => sql`select count(*) as count from actions where organization_id = ${id}`,
    problems: (id) => sql`
      select format('wo_%s is %s but %s action stands for it', w.id,
          case when w.released then 'released' else 'held' end, case when w.released then 'no' else 'an' end) as problem
      from work_orders w
      where w.organization_id = ${id} and w.released <> exists (
        select from actions a where a.organization_id = w.organization_id and a.target_kind = 'work-order'
          and a.target_id = w.id and a.taken_back_at is null)
      union all
      select format('%s %s is %s but its actions say otherwise', t.kind, t.number,
          case when t.active then 'active' else 'inactive' end)
      from entitlements t
      where t.organization_id = ${id} and t.active <> exists (
        select from actions a where a.organization_id = t.organization_id and a.target_kind = t.kind
          and a.target_id = t.id and a.taken_back_at is null)`,
  },
];
