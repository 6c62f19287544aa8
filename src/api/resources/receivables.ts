/** Invoices, work orders, service contracts, warranties and parts orders: upsert, list, one. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, type Queryable, type Sql, sql } from '../../db/database.ts';
import {
  entitlementRecord,
  invoiceRecord,
  type OwnRecordInput,
  workOrderRecord,
} from '../../intake/own-document.ts';
import { fromDecimalText } from '../../money/money.ts';
import { matchKey } from '../../receivables/match-key.ts';
import { externalIdParams, type IdKind, idParams } from '../ids.ts';
import {
  entitlementJson,
  INVOICE_STATUSES,
  invoiceJson,
  type Read,
  type Reading,
  readEntitlements,
  readInvoices,
  readWorkOrders,
  WORK_ORDER_KINDS,
  workOrderJson,
} from '../json/receivable.ts';
import { acceptedJson } from '../json/shapes.ts';
import { enterRecord } from '../own-records.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';
import { findByEitherId, findOwnId, type OwnTable } from './own-ids.ts';

const commonQuery = pageQuery.extend({
  externalId: z.string().optional(),
  number: z.string().optional(),
  customer: z.string().optional().meta({ description: 'cus_… or the external id.' }),
  connection: z.string().optional(),
});
type CommonQuery = z.output<typeof commonQuery>;

/** One kind of thing that is owed or released, as the three routes need it. */
type Receivable<Json, Body> = {
  readonly path: string;
  readonly kind: IdKind;
  readonly table: Exclude<OwnTable, 'payments'>;
  readonly json: z.ZodType<Json>;
  readonly body: z.ZodType<Body>;
  /** Filters of this kind alone. */
  readonly filters: z.ZodRawShape;
  condition(query: Readonly<Record<string, unknown>>): Sql;
  /** Checks what the schema cannot. @throws MalformedAmount, UnknownCurrency */
  check(body: Body): void;
  record(body: Body, externalId: string): OwnRecordInput;
  read(tx: Queryable, reading: Reading): Promise<Read<Json>>;
};

/** Keeps each kind's own types inside its definition, as routes only pass them through. */
function define<Json, Body>(receivable: Receivable<Json, Body>): Receivable<unknown, unknown> {
  return receivable as unknown as Receivable<unknown, unknown>;
}

const invoices = define({
  path: 'invoices',
  kind: 'invoice',
  table: 'invoices',
  json: invoiceJson,
  body: invoiceRecord.omit({ kind: true, externalId: true }),
  filters: { status: z.enum(INVOICE_STATUSES).optional() },
  condition: (query) => (query.status ? sql`r.status = ${query.status}` : sql`true`),
  check: ({ total }) => fromDecimalText(total.amount, total.currency),
  record: (body, externalId) => ({ ...body, kind: 'invoice.upserted', externalId }),
  read: readInvoices,
});

const workOrders = define({
  path: 'work-orders',
  kind: 'work-order',
  table: 'work_orders',
  json: workOrderJson,
  body: workOrderRecord
    .omit({ kind: true, externalId: true, workOrderKind: true })
    .extend({ kind: workOrderRecord.shape.workOrderKind }),
  filters: {
    kind: z.enum(WORK_ORDER_KINDS).optional(),
    released: z.stringbool().optional(),
  },
  condition: (query) => sql`true
    ${query.kind ? sql`and r.kind = ${query.kind}` : empty}
    ${query.released === undefined ? empty : sql`and r.released = ${query.released}`}`,
  check: ({ total }) => {
    if (total) fromDecimalText(total.amount, total.currency);
  },
  record: ({ kind, ...body }, externalId) => ({
    ...body,
    kind: 'work-order.upserted',
    workOrderKind: kind,
    externalId,
  }),
  read: readWorkOrders,
});

const entitlement = (kind: 'service-contract' | 'warranty' | 'parts-order', path: string) =>
  define({
    path,
    kind,
    table: 'entitlements',
    json: entitlementJson,
    body: entitlementRecord.omit({ kind: true, externalId: true }),
    filters: { active: z.stringbool().optional() },
    condition: (query) =>
      query.active === undefined ? sql`true` : sql`r.active = ${query.active}`,
    check: () => {},
    record: (body, externalId) => ({ ...body, kind: `${kind}.upserted` as const, externalId }),
    read: (tx, reading) => readEntitlements(tx, { ...reading, kind }),
  });

const RECEIVABLES = [
  invoices,
  workOrders,
  entitlement('service-contract', 'service-contracts'),
  entitlement('warranty', 'warranties'),
  entitlement('parts-order', 'parts-orders'),
];

export function registerReceivables(api: Api, app: App): void {
  for (const receivable of RECEIVABLES) {
    registerUpsert(api, app, receivable);
    registerReads(api, app, receivable);
  }
}

function registerUpsert(api: Api, app: App, receivable: Receivable<unknown, unknown>): void {
  const { path, kind, table, json } = receivable;
  api.put(
    `/${path}/:externalId`,
    {
      config: { access: 'write-receivables' },
      schema: {
        tags: [path],
        summary: 'Idempotent upsert by your own id.',
        params: externalIdParams,
        body: receivable.body,
        response: { 200: json, 201: json, 202: acceptedJson },
      },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const { externalId } = request.params;
      receivable.check(request.body);
      const own = () =>
        findOwnId(app.database, {
          organizationId,
          table,
          externalId,
          ...(table === 'entitlements' ? { entitlement: kind } : {}),
        });
      const known = await own();
      const answer = await enterRecord(app, request, {
        record: receivable.record(request.body, externalId),
        fields: { ...(request.body as object), externalId },
        status: known === undefined ? 201 : 200,
        read: async () => requireOne(app, receivable, { organizationId, id: await own() }),
      });
      return reply.code(answer.status as 200).send(answer.body);
    },
  );
}

function registerReads(api: Api, app: App, receivable: Receivable<unknown, unknown>): void {
  const { path, kind, table, json } = receivable;
  api.get(
    `/${path}`,
    {
      config: { access: 'read' },
      schema: {
        tags: [path],
        querystring: commonQuery.extend(receivable.filters),
        response: { 200: pageOf(json) },
      },
    },
    async (request) => {
      const { organizationId } = request.caller;
      // The filters of one kind widen the schema's type; the common ones are still what they are.
      const query = request.query as CommonQuery;
      const own = receivable.condition(request.query);
      const page = await readSnapshot(app.database, (tx) =>
        receivable.read(tx, {
          organizationId,
          condition: sql`${own} ${commonCondition(query)}`,
          limit: query.limit + 1,
        }),
      );
      const { rows, next } = cutPage(page, query.limit, (row) => row.id);
      return { data: rows.map((row) => row.json), next };
    },
  );

  api.get(
    `/${path}/:id`,
    {
      config: { access: 'read' },
      schema: {
        tags: [path],
        summary: 'One, by our id or by yours.',
        params: idParams,
        response: { 200: json },
      },
    },
    async ({ params, caller }) => {
      const { organizationId } = caller;
      const text = params.id;
      const id = await findByEitherId(app.database, { organizationId, table, kind, text });
      return requireOne(app, receivable, { organizationId, id });
    },
  );
}

async function requireOne(
  app: App,
  receivable: Receivable<unknown, unknown>,
  { organizationId, id }: { organizationId: number; id: bigint | undefined },
): Promise<unknown> {
  if (id === undefined) throw notFound(`That ${receivable.kind.replace('-', ' ')}`);
  const [row] = await readSnapshot(app.database, (tx) =>
    receivable.read(tx, { organizationId, condition: sql`r.id = ${id}`, limit: 1 }),
  );
  if (!row) throw notFound(`That ${receivable.kind.replace('-', ' ')}`);
  return row.json;
}

function commonCondition(query: CommonQuery): Sql {
  const cursor = readCursor(query);
  const digits = /^cus_(\d{1,18})$/.exec(query.customer ?? '')?.[1];
  const customer =
    digits === undefined ? sql`u.external_id = ${query.customer}` : sql`u.id = ${BigInt(digits)}`;
  // Entitlements are few and have no key of their own for their number.
  const number = query.number === undefined ? null : matchKey(query.number);
  return sql`
    ${cursor === undefined ? empty : sql`and r.id < ${cursor}`}
    ${query.externalId ? sql`and r.external_id = ${query.externalId}` : empty}
    ${query.number ? sql`and upper(trim(r.number)) = ${number}` : empty}
    ${query.customer ? sql`and ${customer}` : empty}
    ${query.connection ? sql`and r.connection_id = ${query.connection}` : empty}`;
}
