/** Payments: the list, one, a manual one, and what people apply or take back. */
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, type Sql, sql } from '../../db/database.ts';
import {
  allocationRecord,
  allocationReversalRecord,
  OWN_CONNECTION,
  paymentRecord,
} from '../../intake/own-document.ts';
import { fromDecimalText } from '../../money/money.ts';
import { matchKey } from '../../receivables/match-key.ts';
import { actorOf } from '../access.ts';
import { idempotencyKey } from '../idempotency.ts';
import { idParams, readId, showId } from '../ids.ts';
import {
  PAYMENT_STATUSES,
  type PaymentJson,
  paymentJson,
  readPayment,
  readPayments,
} from '../json/payment.ts';
import { acceptedJson, moneyJson } from '../json/shapes.ts';
import { enterRecord } from '../own-records.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound, Problem } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';
import { findOwnId } from './own-ids.ts';
import { registerPaymentTrail } from './payment-trail.ts';

const listQuery = pageQuery.extend({
  status: z.enum(PAYMENT_STATUSES).optional(),
  portal: z.string().optional(),
  connection: z.string().optional(),
  customer: z.string().optional().meta({ description: 'cus_… or the external id.' }),
  reference: z.string().optional().meta({ description: 'A number the payment names or pays.' }),
  externalId: z.string().optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});
type ListQuery = z.output<typeof listQuery>;

const manualPayment = paymentRecord
  .omit({ kind: true })
  .extend({ externalId: paymentRecord.shape.externalId.optional() });

const newAllocation = z.strictObject({
  target: allocationRecord.shape.target,
  amount: z.union([allocationRecord.shape.amount.unwrap(), moneyJson]).optional(),
  reason: allocationRecord.shape.reason,
});

const allocationParams = idParams.extend({ allocationId: z.string().min(1).max(200) });

export function registerPayments(api: Api, app: App): void {
  api.get(
    '/payments',
    {
      config: { access: 'read' },
      schema: {
        tags: ['payments'],
        querystring: listQuery,
        response: { 200: pageOf(paymentJson) },
      },
    },
    async ({ query, caller }) => {
      const page = await readSnapshot(app.database, (tx) =>
        readPayments(tx, {
          organizationId: caller.organizationId,
          condition: listCondition(caller.organizationId, query),
          order: sql`p.id desc`,
          limit: query.limit + 1,
        }),
      );
      const { rows, next } = cutPage(page, query.limit, (row) => row.id);
      return { data: rows.map((row) => row.json), next };
    },
  );

  api.get(
    '/payments/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['payments'], params: idParams, response: { 200: paymentJson } },
    },
    ({ params, caller }) =>
      requirePayment(app, caller.organizationId, readId('payment', params.id)),
  );

  registerManualPayment(api, app);
  registerAllocating(api, app);
  registerReversing(api, app);
  registerPaymentTrail(api, app);
}

/** The payment's JSON. @throws Problem not-found */
async function requirePayment(app: App, organizationId: number, id: bigint): Promise<PaymentJson> {
  const payment = await readSnapshot(app.database, (tx) => readPayment(tx, organizationId, id));
  if (!payment) throw notFound(showId('payment', id));
  return payment;
}

/** A payment that gave way to another one of the same money is found under that other one. */
function listCondition(organizationId: number, query: ListQuery): Sql {
  const cursor = readCursor(query);
  const conditions: Sql[] = [
    sql`p.mirrors is null`,
    cursor === undefined ? empty : sql`p.id < ${cursor}`,
    query.status ? sql`p.status = ${query.status}` : empty,
    query.portal ? sql`c.portal = ${query.portal}` : empty,
    query.connection ? sql`p.connection_id = ${query.connection}` : empty,
    query.from ? sql`p.occurred_at >= ${query.from}::timestamptz` : empty,
    query.to ? sql`p.occurred_at < ${query.to}::timestamptz` : empty,
    query.customer ? customerCondition(organizationId, query.customer) : empty,
    query.externalId ? externalIdCondition(organizationId, query.externalId) : empty,
    query.reference ? referenceCondition(organizationId, query.reference) : empty,
  ].filter((condition) => condition !== empty);
  return conditions.reduce((left, right) => sql`${left} and ${right}`);
}

function customerCondition(organizationId: number, customer: string): Sql {
  const digits = /^cus_(\d{1,18})$/.exec(customer)?.[1];
  if (digits !== undefined) return sql`p.customer_id = ${BigInt(digits)}`;
  return sql`p.customer_id in (select id from customers
    where organization_id = ${organizationId} and external_id = ${customer})`;
}

function externalIdCondition(organizationId: number, externalId: string): Sql {
  const connections = sql`array(
    select id from connections where organization_id = ${organizationId})`;
  return sql`p.id in (
    select coalesce(mirrors, id) from payments
    where organization_id = ${organizationId} and connection_id = any(${connections})
      and external_id = ${externalId}
    union
    select entity_id from identities
    where organization_id = ${organizationId} and kind = 'payment'
      and connection_id = any(${connections}) and external_id = ${externalId})`;
}

/** Payments that name the number, and those applied to the invoice or work order of that number. */
function referenceCondition(organizationId: number, reference: string): Sql {
  const key = matchKey(reference);
  return sql`(
    exists (select from jsonb_array_elements(p."references") named
      where upper(named ->> 'number') = ${key} or named ->> 'externalId' = ${reference}
        or upper(named ->> 'text') = ${key})
    or p.id in (
      select a.payment_id from allocations a
      where a.organization_id = ${organizationId} and a.amount_minor > 0 and (
        a.invoice_id in (select id from invoices where organization_id = ${organizationId}
          and (number_key = ${key} or external_id = ${reference}))
        or a.work_order_id in (select id from work_orders where organization_id = ${organizationId}
          and (number_key = ${key} or external_id = ${reference})))))`;
}

function registerManualPayment(api: Api, app: App): void {
  api.post(
    '/payments',
    {
      config: { access: 'write-payments' },
      schema: {
        tags: ['payments'],
        summary: 'Record a payment taken by hand (check, cash, bank transfer).',
        body: manualPayment,
        response: { 200: paymentJson, 201: paymentJson, 202: acceptedJson },
      },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const { body } = request;
      const { currency } = body.amount;
      fromDecimalText(body.amount.amount, currency);
      for (const { amount } of body.references) if (amount) fromDecimalText(amount, currency);
      const externalId = body.externalId ?? manualId(idempotencyKey(request));
      const find = () => findOwnId(app.database, { organizationId, table: 'payments', externalId });
      const known = await find();
      const answer = await enterRecord(app, request, {
        record: { ...body, kind: 'payment.recorded', externalId },
        fields: body,
        status: known === undefined ? 201 : 200,
        read: async () => requirePayment(app, organizationId, (await find()) as bigint),
      });
      return reply.code(answer.status as 200).send(answer.body as PaymentJson);
    },
  );
}

/** The same idempotency key is the same payment, even when its first answer was lost. */
function manualId(key: string | undefined): string {
  const seed = key === undefined ? randomUUID() : `${OWN_CONNECTION}:${key}`;
  return `manual-${createHash('sha256').update(seed).digest('hex').slice(0, 24)}`;
}

function registerAllocating(api: Api, app: App): void {
  api.post(
    '/payments/:id/allocations',
    {
      config: { access: 'allocate' },
      schema: {
        tags: ['payments'],
        summary: 'Apply unapplied cash to an invoice or work order; answers with the payment.',
        params: idParams,
        body: newAllocation,
        response: { 201: paymentJson, 202: acceptedJson },
      },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const id = readId('payment', request.params.id);
      const payment = await requirePayment(app, organizationId, id);
      const { target, amount, reason } = request.body;
      const answer = await enterRecord(app, request, {
        record: {
          kind: 'allocation.made',
          paymentId: payment.id,
          target,
          amount: amount === undefined ? undefined : decimalIn(payment.amount.currency, amount),
          by: actorOf(request.caller),
          reason,
        },
        fields: { ...request.params, ...request.body },
        status: 201,
        read: () => requirePayment(app, organizationId, id),
      });
      return reply.code(answer.status as 201).send(answer.body as PaymentJson);
    },
  );
}

function registerReversing(api: Api, app: App): void {
  api.delete(
    '/payments/:id/allocations/:allocationId',
    {
      config: { access: 'allocate' },
      schema: {
        tags: ['payments'],
        summary: 'Take an allocation back by a linked reversal; answers with the payment.',
        params: allocationParams,
        querystring: z.object({
          reason: allocationReversalRecord.shape.reason.unwrap().optional(),
        }),
        response: { 200: paymentJson, 202: acceptedJson },
      },
    },
    async (request, reply) => {
      const { organizationId } = request.caller;
      const id = readId('payment', request.params.id);
      const allocationId = readId('allocation', request.params.allocationId);
      const [known] = await app.database.query(sql`
        select from allocations
        where organization_id = ${organizationId} and id = ${allocationId} and payment_id = ${id}`);
      if (!known) throw notFound(`${request.params.allocationId} of ${request.params.id}`);
      const answer = await enterRecord(app, request, {
        record: {
          kind: 'allocation.reversed',
          allocationId: showId('allocation', allocationId),
          by: actorOf(request.caller),
          reason: request.query.reason,
        },
        fields: { ...request.params, ...request.query },
        status: 200,
        read: () => requirePayment(app, organizationId, id),
      });
      return reply.code(answer.status as 200).send(answer.body as PaymentJson);
    },
  );
}

/** The decimal of an amount in the payment's currency. @throws Problem, MalformedAmount */
function decimalIn(
  currency: string,
  amount: string | { readonly amount: string; readonly currency: string },
): string {
  const decimal = typeof amount === 'string' ? amount : amount.amount;
  if (typeof amount !== 'string' && amount.currency !== currency) {
    throw new Problem('invalid-request', `amount.currency: the payment is in ${currency}`);
  }
  fromDecimalText(decimal, currency);
  return decimal;
}
