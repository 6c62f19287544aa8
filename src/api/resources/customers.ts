/** Customers, their balance and their statement. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, sql } from '../../db/database.ts';
import { customerRecord } from '../../intake/own-document.ts';
import { chart } from '../../ledger/chart.ts';
import { emailKey } from '../../receivables/match-key.ts';
import { externalIdParams, idParams, showId } from '../ids.ts';
import {
  balanceJson,
  type CustomerJson,
  customerJson,
  readBalances,
  readCustomers,
} from '../json/customer.ts';
import { acceptedJson, dayJson, instantJson, money, moneyJson } from '../json/shapes.ts';
import { enterRecord } from '../own-records.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';
import { findByEitherId, findOwnId } from './own-ids.ts';

const listQuery = pageQuery.extend({
  externalId: z.string().optional(),
  email: z.string().optional(),
});

const statementQuery = z.object({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
});

const statementJson = z.object({
  customer: customerJson,
  balances: z.array(balanceJson),
  lines: z.array(
    z.object({
      entry: z.string(),
      kind: z.string(),
      memo: z.string(),
      effectiveOn: dayJson,
      postedAt: instantJson,
      documentId: z.string(),
      amount: moneyJson.meta({ description: 'Positive: owed more; negative: owed less.' }),
      balance: moneyJson.meta({ description: 'What is owed after this line.' }),
    }),
  ),
});

export function registerCustomers(api: Api, app: App): void {
  registerUpsert(api, app);
  registerReads(api, app);
  registerStatement(api, app);
}

async function requireCustomer(app: App, organizationId: number, id: bigint | undefined) {
  const condition = sql`u.id = ${id ?? null}`;
  const [customer] = await readCustomers(app.database, { organizationId, condition, limit: 1 });
  if (!customer) throw notFound('That customer');
  return customer;
}

/** The customer a path names, by our id or by an external one. */
async function customerNamed(app: App, organizationId: number, text: string) {
  const named = { organizationId, table: 'customers', kind: 'customer', text } as const;
  return requireCustomer(app, organizationId, await findByEitherId(app.database, named));
}

function registerUpsert(api: Api, app: App): void {
  api.put(
    '/customers/:externalId',
    {
      config: { access: 'write-receivables' },
      schema: {
        tags: ['customers'],
        params: externalIdParams,
        body: customerRecord.omit({ kind: true, externalId: true }),
        response: { 200: customerJson, 201: customerJson, 202: acceptedJson },
      },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const { externalId } = request.params;
      const own = () => findOwnId(app.database, { organizationId, table: 'customers', externalId });
      const known = await own();
      const answer = await enterRecord(app, request, {
        record: { ...request.body, kind: 'customer.upserted', externalId },
        fields: { ...request.body, externalId },
        status: known === undefined ? 201 : 200,
        read: async () => (await requireCustomer(app, organizationId, await own())).json,
      });
      return reply.code(answer.status as 200).send(answer.body as CustomerJson);
    },
  );
}

function registerReads(api: Api, app: App): void {
  api.get(
    '/customers',
    {
      config: { access: 'read' },
      schema: {
        tags: ['customers'],
        querystring: listQuery,
        response: { 200: pageOf(customerJson) },
      },
    },
    async ({ query, caller }) => {
      const cursor = readCursor(query);
      const page = await readCustomers(app.database, {
        organizationId: caller.organizationId,
        condition: sql`true
          ${cursor === undefined ? empty : sql`and u.id < ${cursor}`}
          ${query.externalId ? sql`and u.external_id = ${query.externalId}` : empty}
          ${query.email ? sql`and u.email_key = ${emailKey(query.email)}` : empty}`,
        limit: query.limit + 1,
      });
      const { rows, next } = cutPage(page, query.limit, (row) => row.id);
      return { data: rows.map((row) => row.json), next };
    },
  );

  api.get(
    '/customers/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['customers'], params: idParams, response: { 200: customerJson } },
    },
    async ({ params, caller }) => (await customerNamed(app, caller.organizationId, params.id)).json,
  );

  api.get(
    '/customers/:id/balance',
    {
      config: { access: 'read' },
      schema: {
        tags: ['customers'],
        params: idParams,
        response: { 200: z.object({ customer: customerJson, balances: z.array(balanceJson) }) },
      },
    },
    async ({ params, caller }) => {
      const { id, json } = await customerNamed(app, caller.organizationId, params.id);
      return {
        customer: json,
        balances: [...(await readBalances(app.database, caller.organizationId, id))],
      };
    },
  );
}

type LineRecord = {
  sequence: bigint;
  kind: string;
  memo: string;
  effectiveOn: string;
  postedAt: string;
  documentId: bigint;
  currency: string;
  amount: bigint;
  balance: bigint;
};

function registerStatement(api: Api, app: App): void {
  api.get(
    '/customers/:id/statement',
    {
      config: { access: 'read' },
      schema: {
        tags: ['customers'],
        summary: 'Every entry that changed what the customer owes, with the running balance.',
        params: idParams,
        querystring: statementQuery,
        response: { 200: statementJson },
      },
    },
    async ({ params, query, caller }) => {
      const { organizationId } = caller;
      const { id, json } = await customerNamed(app, organizationId, params.id);
      const codes = [chart.receivable(id), chart.unappliedCash(id), chart.deposit(id)].map(
        (account) => account.code,
      );
      return readSnapshot(app.database, async (tx) => {
        const lines = await tx.query<LineRecord>(sql`
          with moved as (
            select e.sequence, e.kind, e.memo, e.effective_on, e.posted_at, e.document_id,
              p.currency,
              sum(case when p.debit_account = any(${codes}::text[]) then p.amount_minor else 0 end
                - case when p.credit_account = any(${codes}::text[]) then p.amount_minor else 0 end
              )::bigint as amount
            from postings p
            join entries e on e.organization_id = p.organization_id
              and e.sequence = p.entry_sequence
            where p.organization_id = ${organizationId}
              and (p.debit_account = any(${codes}::text[])
                or p.credit_account = any(${codes}::text[]))
            group by e.organization_id, e.sequence, p.currency
          ), summed as (
            select *, sum(amount) over (
                partition by currency order by effective_on, sequence)::bigint as balance
            from moved where amount <> 0
          )
          select sequence, kind, memo, effective_on as "effectiveOn", posted_at as "postedAt",
            document_id as "documentId", currency, amount, balance
          from summed
          where (${query.from ?? null}::date is null or effective_on >= ${query.from ?? null}::date)
            and (${query.to ?? null}::date is null or effective_on <= ${query.to ?? null}::date)
          order by currency, effective_on, sequence`);
        return {
          customer: json,
          balances: [...(await readBalances(tx, organizationId, id))],
          lines: lines.map(({ sequence, documentId, currency, amount, balance, ...line }) => ({
            ...line,
            entry: String(sequence),
            documentId: showId('document', documentId),
            amount: money(amount, currency),
            balance: money(balance, currency),
          })),
        };
      });
    },
  );
}
