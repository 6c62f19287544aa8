/** Internal systems that are told of payments, and the deliveries to them. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, type Queryable, type Sql, sql } from '../../db/database.ts';
import { addJob } from '../../db/jobs.ts';
import { createSystem, SYSTEM_KINDS as KINDS, updateSystem } from '../../delivery/systems.ts';
import { recordAudit } from '../../intake/audit.ts';
import { actorOf, type Caller } from '../access.ts';
import { idParams, readId, showId } from '../ids.ts';
import {
  attemptJson,
  DELIVERY_STATES,
  deliveryJson,
  readDeliveries,
  SYSTEM_KINDS,
} from '../json/delivery.ts';
import { instantJson } from '../json/shapes.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound, Problem } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';
import { orProblem } from './connections.ts';

const systemJson = z
  .object({
    id: z.string(),
    kind: z.enum(SYSTEM_KINDS),
    name: z.string(),
    connectionId: z.string().nullable(),
    enabled: z.boolean(),
    settings: z.looseObject({}).meta({ description: 'Secrets show as "[secret]".' }),
    breaker: z.looseObject({ state: z.string() }),
    createdAt: instantJson,
  })
  .meta({ id: 'System' });
type SystemJson = z.output<typeof systemJson>;

const settings = z.record(z.string(), z.unknown());
const name = z.string().trim().min(1).max(200);
const kinds = Object.keys(KINDS) as [keyof typeof KINDS, ...(keyof typeof KINDS)[]];

const newSystem = z.strictObject({ kind: z.enum(kinds), name, settings: settings.default({}) });
const changedSystem = z.strictObject({
  name: name.optional(),
  enabled: z.boolean().optional(),
  settings: settings.optional().meta({ description: 'Settings left out stay as they are.' }),
});

export function registerSystems(api: Api, app: App): void {
  api.get(
    '/systems',
    {
      config: { access: 'read' },
      schema: { tags: ['systems'], querystring: pageQuery, response: { 200: pageOf(systemJson) } },
    },
    async ({ query, caller }) => {
      const rows = await readSystems(app.database, {
        organizationId: caller.organizationId,
        condition: sql`id > ${query.cursor ?? ''}`,
        limit: query.limit + 1,
      });
      const data = rows.slice(0, query.limit);
      return { data, next: rows.length > query.limit ? (data.at(-1)?.id ?? null) : null };
    },
  );

  api.get(
    '/systems/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['systems'], params: idParams, response: { 200: systemJson } },
    },
    ({ params, caller }) => requireSystem(app.database, caller, params.id),
  );

  registerChanges(api, app);
  registerDeliveries(api, app);
}

async function readSystems(
  tx: Queryable,
  input: { organizationId: number; condition: Sql; limit?: number },
): Promise<SystemJson[]> {
  return tx.query<SystemJson>(sql`
    select id, kind, name, connection_id as "connectionId", enabled, public_settings as settings,
      breaker, created_at as "createdAt"
    from systems
    where organization_id = ${input.organizationId} and ${input.condition}
    order by id
    limit ${input.limit ?? null}`);
}

async function requireSystem(tx: Queryable, caller: Caller, id: string): Promise<SystemJson> {
  const [system] = await readSystems(tx, {
    organizationId: caller.organizationId,
    condition: sql`id = ${id}`,
  });
  if (!system) throw notFound(`System ${id}`);
  return system;
}

function registerChanges(api: Api, app: App): void {
  api.post(
    '/systems',
    {
      config: { access: 'configure' },
      schema: { tags: ['systems'], body: newSystem, response: { 201: systemJson } },
    },
    async ({ body, caller }, reply) => {
      const { organizationId } = caller;
      const made = app.database.transaction(async (tx) => {
        const { id } = await createSystem({ tx, sealer: app.sealer }, { organizationId, ...body });
        await recordAudit(tx, {
          organizationId,
          actor: actorOf(caller),
          verb: 'system.created',
          subject: id,
          details: { kind: body.kind, name: body.name, settings: Object.keys(body.settings) },
        });
        return requireSystem(tx, caller, id);
      });
      return reply.code(201).send(await orProblem(made));
    },
  );

  api.patch(
    '/systems/:id',
    {
      config: { access: 'configure' },
      schema: {
        tags: ['systems'],
        params: idParams,
        body: changedSystem,
        response: { 200: systemJson },
      },
    },
    ({ params, body, caller }) => change(app, caller, params.id, body),
  );

  api.delete(
    '/systems/:id',
    {
      config: { access: 'configure' },
      schema: {
        tags: ['systems'],
        summary: 'Disable it: what was delivered to it stays on record.',
        params: idParams,
        response: { 200: systemJson },
      },
    },
    ({ params, caller }) => change(app, caller, params.id, { enabled: false }),
  );
}

function change(
  app: App,
  caller: Caller,
  id: string,
  changes: z.output<typeof changedSystem>,
): Promise<SystemJson> {
  const { organizationId } = caller;
  const given = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  );
  const names = changes.settings ? { settings: Object.keys(changes.settings) } : {};
  return orProblem(
    app.database.transaction(async (tx) => {
      const ctx = { tx, sealer: app.sealer };
      const known = await updateSystem(ctx, { organizationId, id, ...given });
      if (!known) throw notFound(`System ${id}`);
      await recordAudit(tx, {
        organizationId,
        actor: actorOf(caller),
        verb: 'system.changed',
        subject: id,
        details: { ...given, ...names },
      });
      await hastenDeliveries(tx, organizationId, id);
      return requireSystem(tx, caller, id);
    }),
  );
}

function hastenDeliveries(tx: Queryable, organizationId: number, systemId: string) {
  return addJob(tx, {
    task: 'deliver',
    key: `deliver:${organizationId}:${systemId}`,
    payload: { organizationId, systemId },
  });
}

const deliveriesQuery = pageQuery.extend({
  state: z.enum(DELIVERY_STATES).optional(),
  system: z.string().optional(),
  payment: z.string().optional(),
});

const deliveryDetail = deliveryJson.extend({ tries: z.array(attemptJson) });

function registerDeliveries(api: Api, app: App): void {
  api.get(
    '/deliveries',
    {
      config: { access: 'read' },
      schema: {
        tags: ['deliveries'],
        querystring: deliveriesQuery,
        response: { 200: pageOf(deliveryJson) },
      },
    },
    async ({ query, caller }) => {
      const cursor = readCursor(query);
      const page = await readDeliveries(app.database, {
        organizationId: caller.organizationId,
        condition: sql`true
          ${cursor === undefined ? empty : sql`and d.id < ${cursor}`}
          ${query.state ? sql`and d.state = ${query.state}` : empty}
          ${query.system ? sql`and d.system_id = ${query.system}` : empty}
          ${query.payment ? sql`and d.payment_id = ${readId('payment', query.payment)}` : empty}`,
        order: sql`d.id desc`,
        limit: query.limit + 1,
      });
      const { rows, next } = cutPage(page, query.limit, (row) => row.id);
      return { data: rows.map((row) => row.json), next };
    },
  );

  api.get(
    '/deliveries/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['deliveries'], params: idParams, response: { 200: deliveryDetail } },
    },
    async ({ params, caller }) => {
      const { organizationId } = caller;
      const id = readId('delivery', params.id);
      return readSnapshot(app.database, async (tx) => {
        const delivery = await requireDelivery(tx, organizationId, id);
        const tries = await tx.query<z.output<typeof attemptJson>>(sql`
          select attempt, at, duration_ms as "durationMs", ok, status, error,
            response_excerpt as "responseExcerpt"
          from delivery_attempts
          where organization_id = ${organizationId} and delivery_id = ${id}
          order by attempt`);
        return { ...delivery, tries };
      });
    },
  );

  registerRetry(api, app);
}

async function requireDelivery(tx: Queryable, organizationId: number, id: bigint) {
  const [delivery] = await readDeliveries(tx, {
    organizationId,
    condition: sql`d.id = ${id}`,
    order: sql`d.id`,
  });
  if (!delivery) throw notFound(showId('delivery', id));
  return delivery.json;
}

function registerRetry(api: Api, app: App): void {
  api.post(
    '/deliveries/:id/retry',
    {
      config: { access: 'retry-delivery' },
      schema: { tags: ['deliveries'], params: idParams, response: { 202: deliveryJson } },
    },
    async ({ params, caller }, reply) => {
      const { organizationId } = caller;
      const id = readId('delivery', params.id);
      const delivery = await app.database.transaction(async (tx) => {
        const [row] = await tx.query<{ systemId: string }>(sql`
          update deliveries set state = 'waiting', due_at = ${app.now().toISOString()}::timestamptz,
            finished_at = null
          where organization_id = ${organizationId} and id = ${id}
            and state in ('waiting', 'parked', 'skipped')
          returning system_id as "systemId"`);
        const now = await requireDelivery(tx, organizationId, id);
        if (!row) {
          throw new Problem('not-retryable', `${params.id} was delivered; it is not sent twice.`);
        }
        await recordAudit(tx, {
          organizationId,
          actor: actorOf(caller),
          verb: 'delivery.retried',
          subject: now.id,
        });
        await hastenDeliveries(tx, organizationId, row.systemId);
        return now;
      });
      return reply.code(202).send(delivery);
    },
  );
}
