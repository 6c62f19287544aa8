/** Portals and the connections to them. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { empty, sql } from '../../db/database.ts';
import { recordAudit } from '../../intake/audit.ts';
import { InvalidSettings } from '../../intake/connection-settings.ts';
import { createConnection, updateConnection } from '../../intake/connections.ts';
import { askForConsent, ConsentRefused } from '../../intake/consent.ts';
import { requestSync, testConnection } from '../../intake/test-connection.ts';
import { portals } from '../../portals/index.ts';
import { actorOf, type Caller } from '../access.ts';
import { CONSENT_PATH } from '../consent.ts';
import { idParams } from '../ids.ts';
import { type ConnectionJson, connectionJson, readConnections } from '../json/connection.ts';
import { portalJson, showPortal } from '../json/portal.ts';
import { instantJson } from '../json/shapes.ts';
import { pageOf, pageQuery } from '../paging.ts';
import { notFound, Problem } from '../problems.ts';
import type { Api } from '../routing.ts';

const settings = z.record(z.string(), z.unknown());
const name = z.string().trim().min(1).max(200);

const newConnection = z.strictObject({
  portal: z.string(),
  name,
  role: z.enum(['source', 'books']).default('source'),
  settings: settings.default({}),
});

const changedConnection = z.strictObject({
  name: name.optional(),
  enabled: z.boolean().optional(),
  settings: settings.optional().meta({
    description: 'Settings left out stay as they are; null takes one out.',
  }),
});

const testResult = z.object({
  ok: z.boolean(),
  findings: z.array(z.object({ level: z.enum(['ok', 'warning', 'error']), text: z.string() })),
});

const consentAnswer = z.object({ url: z.url(), expiresAt: instantJson });

const syncAnswer = z.object({ connectionId: z.string(), status: z.literal('queued') });

export function registerConnections(api: Api, app: App): void {
  api.get(
    '/portals',
    {
      config: { access: 'read' },
      schema: { tags: ['connections'], response: { 200: pageOf(portalJson) } },
    },
    async () => ({ data: portals.map(showPortal), next: null }),
  );

  api.get(
    '/connections',
    {
      config: { access: 'read' },
      schema: {
        tags: ['connections'],
        querystring: pageQuery.extend({ portal: z.string().optional() }),
        response: { 200: pageOf(connectionJson) },
      },
    },
    async ({ query, caller }) => {
      const rows = await readConnections(app.database, {
        organizationId: caller.organizationId,
        publicUrl: app.config.publicUrl,
        condition: sql`c.id > ${query.cursor ?? ''}
          ${query.portal ? sql`and c.portal = ${query.portal}` : empty}`,
        limit: query.limit + 1,
      });
      const data = rows.slice(0, query.limit);
      return { data, next: rows.length > query.limit ? (data.at(-1)?.id ?? null) : null };
    },
  );

  api.get(
    '/connections/:id',
    {
      config: { access: 'read' },
      schema: { tags: ['connections'], params: idParams, response: { 200: connectionJson } },
    },
    ({ params, caller }) => requireConnection(app, caller, params.id),
  );

  registerChanges(api, app);
  registerTestAndSync(api, app);
}

async function requireConnection(app: App, caller: Caller, id: string): Promise<ConnectionJson> {
  const [connection] = await readConnections(app.database, {
    organizationId: caller.organizationId,
    publicUrl: app.config.publicUrl,
    condition: sql`c.id = ${id}`,
  });
  if (!connection) throw notFound(`Connection ${id}`);
  return connection;
}

function registerChanges(api: Api, app: App): void {
  api.post(
    '/connections',
    {
      config: { access: 'configure' },
      schema: { tags: ['connections'], body: newConnection, response: { 201: connectionJson } },
    },
    async ({ body, caller }, reply) => {
      const { organizationId } = caller;
      const actor = actorOf(caller);
      const { id } = await orProblem(createConnection(app, { organizationId, actor, ...body }));
      return reply.code(201).send(await requireConnection(app, caller, id));
    },
  );

  api.post(
    '/connections/:id/consent',
    {
      config: { access: 'configure' },
      schema: {
        tags: ['connections'],
        summary: "The portal's page on which a person lets us in; it can be answered once, soon.",
        params: idParams,
        response: { 201: consentAnswer },
      },
    },
    async ({ params, caller }, reply) => {
      await requireConnection(app, caller, params.id);
      const { url, expiresAt } = await orRefused(
        askForConsent(app, {
          organizationId: caller.organizationId,
          connectionId: params.id,
          redirectUri: `${app.config.publicUrl}${CONSENT_PATH}`,
          actor: actorOf(caller),
        }),
      );
      return reply.code(201).send({ url, expiresAt: expiresAt.toISOString() });
    },
  );

  api.patch(
    '/connections/:id',
    {
      config: { access: 'configure' },
      schema: {
        tags: ['connections'],
        params: idParams,
        body: changedConnection,
        response: { 200: connectionJson },
      },
    },
    ({ params, body, caller }) => change(app, caller, params.id, body),
  );

  api.delete(
    '/connections/:id',
    {
      config: { access: 'configure' },
      schema: {
        tags: ['connections'],
        summary: 'Disable it: its documents stay for ever, so the connection does as well.',
        params: idParams,
        response: { 200: connectionJson },
      },
    },
    ({ params, caller }) => change(app, caller, params.id, { enabled: false }),
  );
}

async function change(
  app: App,
  caller: Caller,
  id: string,
  changes: z.output<typeof changedConnection>,
): Promise<ConnectionJson> {
  await requireConnection(app, caller, id);
  const given = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  );
  const { organizationId } = caller;
  const actor = actorOf(caller);
  await orProblem(updateConnection(app, { organizationId, actor, id, ...given }));
  return requireConnection(app, caller, id);
}

async function orRefused<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConsentRefused) throw new Problem('no-consent', error.message);
    throw error;
  }
}

/** What a person can mend becomes a problem that names the fields. */
export async function orProblem<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    throw new Problem('invalid-settings', error.message, { errors: error.fields });
  }
}

/** A plain Error is a sentence about the connection; one with a code comes from the database. */
async function orNotSyncable(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error && !('code' in error)) {
      throw new Problem('not-syncable', `${error.message}.`);
    }
    throw error;
  }
}

function registerTestAndSync(api: Api, app: App): void {
  api.post(
    '/connections/:id/test',
    {
      config: { access: 'sync' },
      schema: { tags: ['connections'], params: idParams, response: { 200: testResult } },
    },
    async ({ params, caller }) => {
      await requireConnection(app, caller, params.id);
      const { ok, findings } = await testConnection(app, caller.organizationId, params.id);
      return { ok, findings: [...findings] };
    },
  );

  api.post(
    '/connections/:id/sync',
    {
      config: { access: 'sync' },
      schema: {
        tags: ['connections'],
        params: idParams,
        body: z.strictObject({ since: z.iso.datetime({ offset: true }).optional() }).nullish(),
        response: { 202: syncAnswer },
      },
    },
    async ({ params, body, caller }, reply) => {
      await requireConnection(app, caller, params.id);
      const since = body?.since === undefined ? undefined : new Date(body.since);
      await orNotSyncable(requestSync(app, caller.organizationId, params.id, since));
      await recordAudit(app.database, {
        organizationId: caller.organizationId,
        actor: actorOf(caller),
        verb: 'connection.sync-requested',
        subject: params.id,
        details: { since: body?.since ?? null },
      });
      return reply.code(202).send({ connectionId: params.id, status: 'queued' });
    },
  );
}
