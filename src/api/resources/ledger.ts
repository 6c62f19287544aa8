/** The books: entries, accounts, the trial balance, and the proof that they are whole. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { verifyBooks } from '../../apply/verify.ts';
import { empty, type Queryable, type Sql, sql } from '../../db/database.ts';
import { parseId, readId, showOptionalId } from '../ids.ts';
import { entryJson, readEntries } from '../json/entry.ts';
import { dayJson, groupBy, money, moneyJson } from '../json/shapes.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';

const ACCOUNT_KINDS = ['asset', 'liability', 'income', 'expense', 'control'] as const;

const entriesQuery = pageQuery.extend({
  account: z.string().optional(),
  kind: z.string().optional(),
  payment: z.string().optional(),
  invoice: z.string().optional(),
  document: z.string().optional(),
  from: z.iso.date().optional().meta({ description: 'First effective day.' }),
  to: z.iso.date().optional().meta({ description: 'Last effective day.' }),
});

const sumsJson = { debit: moneyJson, credit: moneyJson };
const balanceDescription = 'Debit less credit.';

const accountJson = z.object({
  code: z.string(),
  kind: z.enum(ACCOUNT_KINDS),
  customerId: z.string().nullable(),
  connectionId: z.string().nullable(),
  balances: z.array(
    z.object({ ...sumsJson, balance: moneyJson.meta({ description: balanceDescription }) }),
  ),
});

const trialBalanceJson = z.object({
  asOf: dayJson.nullable(),
  balanced: z.boolean(),
  rows: z.array(
    z.object({
      account: z.string(),
      kind: z.enum(ACCOUNT_KINDS),
      ...sumsJson,
      balance: moneyJson.meta({ description: balanceDescription }),
    }),
  ),
  totals: z.array(z.object({ currency: z.string(), ...sumsJson })),
});

const verificationJson = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      ok: z.boolean(),
      examined: z.number().int(),
      problems: z.array(z.string()),
    }),
  ),
});

export function registerLedger(api: Api, app: App): void {
  registerEntries(api, app);

  api.get(
    '/ledger/accounts',
    {
      config: { access: 'read-books' },
      schema: {
        tags: ['ledger'],
        querystring: pageQuery.extend({
          cursor: z.string().max(200).optional().meta({ description: 'The last code seen.' }),
        }),
        response: { 200: pageOf(accountJson) },
      },
    },
    ({ query, caller }) =>
      readSnapshot(app.database, (tx) => readAccounts(tx, caller.organizationId, query)),
  );

  api.get(
    '/ledger/trial-balance',
    {
      config: { access: 'read-books' },
      schema: {
        tags: ['ledger'],
        querystring: z.object({
          asOf: z.iso.date().optional().meta({ description: 'Entries effective by this day.' }),
        }),
        response: { 200: trialBalanceJson },
      },
    },
    ({ query, caller }) => readTrialBalance(app.database, caller.organizationId, query.asOf),
  );

  api.get(
    '/ledger/verify',
    {
      config: { access: 'read-books' },
      schema: {
        tags: ['ledger'],
        summary: 'Recompute the hash chain, the balances and every other invariant.',
        response: { 200: verificationJson },
      },
    },
    async ({ caller }) => {
      const { ok, checks } = await verifyBooks(app.database, caller.organizationId);
      return { ok, checks: checks.map((check) => ({ ...check, problems: [...check.problems] })) };
    },
  );
}

function registerEntries(api: Api, app: App): void {
  api.get(
    '/ledger/entries',
    {
      config: { access: 'read-books' },
      schema: { tags: ['ledger'], querystring: entriesQuery, response: { 200: pageOf(entryJson) } },
    },
    async ({ query, caller }) => {
      const { organizationId } = caller;
      const page = await readSnapshot(app.database, (tx) =>
        readEntries(tx, {
          organizationId,
          condition: entriesCondition(organizationId, query),
          order: sql`e.sequence desc`,
          limit: query.limit + 1,
        }),
      );
      const { rows, next } = cutPage(page, query.limit, (row) => row.sequence);
      return { data: rows.map((row) => row.json), next };
    },
  );

  api.get(
    '/ledger/entries/:sequence',
    {
      config: { access: 'read-books' },
      schema: {
        tags: ['ledger'],
        params: z.object({ sequence: z.string().regex(/^\d{1,18}$/) }),
        response: { 200: entryJson },
      },
    },
    async ({ params, caller }) => {
      const [entry] = await readSnapshot(app.database, (tx) =>
        readEntries(tx, {
          organizationId: caller.organizationId,
          condition: sql`e.sequence = ${BigInt(params.sequence)}`,
          order: sql`e.sequence`,
        }),
      );
      if (!entry) throw notFound(`Entry ${params.sequence}`);
      return entry.json;
    },
  );
}

function entriesCondition(organizationId: number, query: z.output<typeof entriesQuery>): Sql {
  const cursor = readCursor(query);
  const having = (condition: Sql) => sql`and e.sequence in (
    select entry_sequence from postings
    where organization_id = ${organizationId} and ${condition})`;
  const { account, payment, invoice, document } = query;
  return sql`true
    ${cursor === undefined ? empty : sql`and e.sequence < ${cursor}`}
    ${query.kind ? sql`and e.kind = ${query.kind}` : empty}
    ${query.from ? sql`and e.effective_on >= ${query.from}::date` : empty}
    ${query.to ? sql`and e.effective_on <= ${query.to}::date` : empty}
    ${document ? sql`and e.document_id = ${readId('document', document)}` : empty}
    ${payment ? having(sql`payment_id = ${readId('payment', payment)}`) : empty}
    ${invoice ? having(sql`invoice_id = ${parseId('invoice', invoice) ?? null}`) : empty}
    ${account ? having(sql`(debit_account = ${account} or credit_account = ${account})`) : empty}`;
}

type SumRecord = { account: string; currency: string; debit: bigint; credit: bigint };

const showSums = ({ currency, debit, credit }: Omit<SumRecord, 'account'>) => ({
  debit: money(debit, currency),
  credit: money(credit, currency),
  balance: money(debit - credit, currency),
});

async function readAccounts(
  tx: Queryable,
  organizationId: number,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ data: z.output<typeof accountJson>[]; next: string | null }> {
  const accounts = await tx.query<{
    code: string;
    kind: (typeof ACCOUNT_KINDS)[number];
    customerId: bigint | null;
    connectionId: string | null;
  }>(sql`
    select code, kind, customer_id as "customerId", connection_id as "connectionId" from accounts
    where organization_id = ${organizationId} and code > ${page.cursor ?? ''}
    order by code limit ${page.limit + 1}`);
  const shown = accounts.slice(0, page.limit);
  const sums = await tx.query<SumRecord>(sql`
    select account, currency, debit_minor as debit, credit_minor as credit from account_balances
    where organization_id = ${organizationId}
      and account = any(${shown.map((account) => account.code)}::text[])
    order by account, currency`);
  const byAccount = groupBy(sums, (sum) => sum.account);
  return {
    data: shown.map((account) => ({
      ...account,
      customerId: showOptionalId('customer', account.customerId),
      balances: (byAccount.get(account.code) ?? []).map(showSums),
    })),
    next: accounts.length > page.limit ? (shown.at(-1)?.code ?? null) : null,
  };
}

/** From the postings themselves, never from kept sums, so that it proves those. */
async function readTrialBalance(
  tx: Queryable,
  organizationId: number,
  asOf: string | undefined,
): Promise<z.output<typeof trialBalanceJson>> {
  const rows = await tx.query<SumRecord & { kind: (typeof ACCOUNT_KINDS)[number] }>(sql`
    with moved as (
      select p.debit_account, p.credit_account, p.currency, p.amount_minor from postings p
      join entries e on e.organization_id = p.organization_id and e.sequence = p.entry_sequence
      where p.organization_id = ${organizationId}
        and (${asOf ?? null}::date is null or e.effective_on <= ${asOf ?? null}::date)
    ), sides as (
      select debit_account as account, currency, amount_minor as debit, 0::bigint as credit
      from moved
      union all
      select credit_account, currency, 0, amount_minor from moved
    )
    select s.account, a.kind, s.currency, sum(s.debit)::bigint as debit,
      sum(s.credit)::bigint as credit
    from sides s
    join accounts a on a.organization_id = ${organizationId} and a.code = s.account
    group by s.account, a.kind, s.currency
    order by s.account, s.currency`);
  const totals = [...groupBy(rows, (row) => row.currency)].map(([currency, group]) => ({
    currency,
    debit: group.reduce((sum, row) => sum + row.debit, 0n),
    credit: group.reduce((sum, row) => sum + row.credit, 0n),
  }));
  return {
    asOf: asOf ?? null,
    balanced: totals.every((total) => total.debit === total.credit),
    rows: rows.map((row) => ({ account: row.account, kind: row.kind, ...showSums(row) })),
    totals: totals.map(({ currency, debit, credit }) => ({
      currency,
      debit: money(debit, currency),
      credit: money(credit, currency),
    })),
  };
}
