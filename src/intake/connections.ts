/** Connections: one configured account of a portal each. */
import { randomBytes } from 'node:crypto';
import { type Database, type Queryable, sql } from '../db/database.ts';
import { addJob } from '../db/jobs.ts';
import { encodeJson } from '../db/json.ts';
import type { Portal } from '../portals/contract.ts';
import { findPortal } from '../portals/index.ts';
import { Secret } from '../portals/kit/secret.ts';
import { recordAudit } from './audit.ts';
import {
  InvalidSettings,
  openSecrets,
  parseSettings,
  sealSecrets,
  splitSettings,
} from './connection-settings.ts';
import type { Sealer } from './sealing.ts';

/** The channel on which a changed connection is announced by its id. */
export const CONNECTIONS_CHANNEL = 'checkvalve_connections';

export type ConnectionContext = { readonly database: Database; readonly sealer: Sealer };

export type Connection = {
  readonly organizationId: number;
  readonly id: string;
  readonly portal: Portal;
  readonly name: string;
  readonly role: 'source' | 'books';
  readonly enabled: boolean;
  readonly settings: unknown;
  readonly settingsVersion: number;
};

/** A random id in lower-case letters and digits; unguessable, because an unsigned portal's URL is its only key. */
export function newId(prefix: string): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  return `${prefix}_${[...randomBytes(16)].map((byte) => alphabet[byte % 32]).join('')}`;
}

function sealContext(organizationId: number, id: string): string {
  return `settings:${organizationId}:${id}`;
}

/**
 * Creates a connection. In the role `books` it also becomes a system that our payments are recorded in.
 * @throws InvalidSettings
 */
export async function createConnection(
  { database, sealer }: ConnectionContext,
  input: {
    readonly organizationId: number;
    readonly portal: string;
    readonly name: string;
    readonly role: 'source' | 'books';
    readonly settings: Readonly<Record<string, unknown>>;
    /** Who creates it, for the audit. */
    readonly actor: string;
  },
): Promise<{ readonly id: string }> {
  const portal = requirePortal(input.portal);
  if (input.role === 'books' && !portal.books) {
    throw new InvalidSettings([
      { field: 'role', message: `${portal.name} keeps no books; its role is source` },
    ]);
  }
  const { publicSettings, secrets } = splitSettings(portal, input.settings);
  const { organizationId } = input;
  const id = newId('con');
  const sealed = sealSecrets(sealer, secrets, sealContext(organizationId, id));
  await database.transaction(async (tx) => {
    await tx.execute(
      sql`insert into connections (organization_id, id, portal, name, role, settings_sealed, public_settings)
          values (${organizationId}, ${id}, ${portal.id}, ${input.name}, ${input.role}, ${sealed},
            ${encodeJson(publicSettings)}::jsonb)`,
    );
    await tx.execute(
      sql`insert into connection_settings (organization_id, connection_id, version, public_settings)
          values (${organizationId}, ${id}, 1, ${encodeJson(publicSettings)}::jsonb)`,
    );
    await tx.execute(
      sql`insert into connection_health (organization_id, connection_id) values (${organizationId}, ${id})`,
    );
    if (input.role === 'books') {
      await tx.execute(
        sql`insert into systems (organization_id, id, kind, name, connection_id, public_settings)
            values (${organizationId}, ${newId('sys')}, 'books', ${input.name}, ${id}, '{}')`,
      );
    }
    if (portal.pull) await addPullJob(tx, { organizationId, connectionId: id });
    await recordAudit(tx, {
      organizationId,
      actor: input.actor,
      verb: 'connection.created',
      subject: id,
      details: { portal: portal.id, role: input.role, settings: Object.keys(input.settings) },
    });
    await tx.query(sql`select pg_notify(${CONNECTIONS_CHANNEL}, ${id})`);
  });
  return { id };
}

/**
 * Changes name, settings or whether it is enabled. Settings given replace those of the same name, null takes one out;
 * the rest, secrets included, stays. @throws InvalidSettings, or an Error when the connection does not exist.
 */
export async function updateConnection(
  { database, sealer }: ConnectionContext,
  input: {
    readonly organizationId: number;
    readonly id: string;
    readonly name?: string;
    readonly enabled?: boolean;
    readonly settings?: Readonly<Record<string, unknown>>;
    readonly actor: string;
  },
): Promise<void> {
  const { organizationId, id } = input;
  await database.transaction(async (tx) => {
    const [row] = await tx.query<ConnectionRow>(
      sql`${selectConnection} where c.organization_id = ${organizationId} and c.id = ${id} for update`,
    );
    if (!row) throw new Error(`connection ${id} does not exist`);
    const portal = requirePortal(row.portal);
    const secretsNow = openSecrets(sealer, row.settings_sealed, sealContext(organizationId, id));
    const kept = { ...row.public_settings, ...secretsNow };
    const { publicSettings, secrets } = splitSettings(portal, merged(kept, input.settings));
    const version = row.settings_version + 1;
    await tx.execute(
      sql`update connections set name = ${input.name ?? row.name}, enabled = ${input.enabled ?? row.enabled},
            settings_sealed = ${sealSecrets(sealer, secrets, sealContext(organizationId, id))},
            public_settings = ${encodeJson(publicSettings)}::jsonb, settings_version = ${version}
          where organization_id = ${organizationId} and id = ${id}`,
    );
    await tx.execute(
      sql`insert into connection_settings (organization_id, connection_id, version, public_settings)
          values (${organizationId}, ${id}, ${version}, ${encodeJson(publicSettings)}::jsonb)`,
    );
    // New credentials deserve a new chance: an old token would only repeat the old refusal.
    await tx.execute(
      sql`update connection_health set reauthorize_since = null
          where organization_id = ${organizationId} and connection_id = ${id}`,
    );
    if (input.settings && 'refreshToken' in input.settings) {
      await tx.execute(
        sql`delete from oauth_tokens where organization_id = ${organizationId} and connection_id = ${id}`,
      );
    }
    if (portal.pull) await addPullJob(tx, { organizationId, connectionId: id });
    await recordAudit(tx, {
      organizationId,
      actor: input.actor,
      verb: 'connection.changed',
      subject: id,
      details: {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(input.enabled === undefined ? {} : { enabled: input.enabled }),
        ...(input.settings ? { settings: Object.keys(input.settings) } : {}),
      },
    });
    await tx.query(sql`select pg_notify(${CONNECTIONS_CHANNEL}, ${id})`);
  });
}

/** A portal with several ways to sign in may refuse what is left of another one: null takes a setting out. */
function merged(
  kept: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const all = Object.entries({ ...kept, ...changes });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

/**
 * Adds a secret that the portal has proven to those of a setting. One that is known changes nothing, and nothing else
 * of the connection changes; its settings have a new version only where the setting was empty before.
 */
export async function learnSecret(
  tx: Queryable,
  sealer: Sealer,
  learned: {
    readonly organizationId: number;
    readonly id: string;
    readonly setting: string;
    readonly secret: Secret;
  },
): Promise<void> {
  const { organizationId, id, setting } = learned;
  const [row] = await tx.query<ConnectionRow>(
    sql`${selectConnection} where c.organization_id = ${organizationId} and c.id = ${id} for no key update`,
  );
  if (!row) return;
  const portal = requirePortal(row.portal);
  const context = sealContext(organizationId, id);
  const opened = openSecrets(sealer, row.settings_sealed, context);
  const known = listOf(portal, { ...row.public_settings, ...opened }, setting);
  const given = learned.secret.reveal();
  if (known.includes(given)) return;
  const now = { ...row.public_settings, ...opened, [setting]: [...known, given].join(',') };
  const { publicSettings, secrets } = splitSettings(portal, now);
  if (!listOf(portal, { ...publicSettings, ...secrets }, setting).includes(given)) {
    throw new Error(`${portal.name} learned what ${setting} cannot hold`);
  }
  const isNew = known.length === 0;
  const version = row.settings_version + (isNew ? 1 : 0);
  await tx.execute(
    sql`update connections set settings_sealed = ${sealSecrets(sealer, secrets, context)},
          public_settings = ${encodeJson(publicSettings)}::jsonb, settings_version = ${version}
        where organization_id = ${organizationId} and id = ${id}`,
  );
  if (isNew) {
    await tx.execute(
      sql`insert into connection_settings (organization_id, connection_id, version, public_settings)
          values (${organizationId}, ${id}, ${version}, ${encodeJson(publicSettings)}::jsonb)`,
    );
  }
  await recordAudit(tx, {
    organizationId,
    actor: portal.id,
    verb: 'connection.learned',
    subject: id,
    details: { setting },
  });
  await tx.query(sql`select pg_notify(${CONNECTIONS_CHANNEL}, ${id})`);
}

/** The secrets of a setting that holds several. */
function listOf(
  portal: Portal,
  given: Readonly<Record<string, unknown>>,
  setting: string,
): readonly string[] {
  const settings = portal.settings.parse(given) as Readonly<Record<string, unknown>>;
  const list = settings[setting];
  return Array.isArray(list)
    ? list.map((one) => (one instanceof Secret ? one.reveal() : String(one)))
    : [];
}

function requirePortal(id: string): Portal {
  const portal = findPortal(id);
  if (!portal)
    throw new InvalidSettings([
      { field: 'portal', message: `"${id}" is no portal; see checkvalve portals` },
    ]);
  return portal;
}

/** Starts or hastens the connection's pull. */
export function addPullJob(
  tx: Queryable,
  pull: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly runAt?: Date;
  },
): Promise<void> {
  const { organizationId, connectionId, runAt } = pull;
  return addJob(tx, {
    task: 'pull',
    key: `pull:${organizationId}:${connectionId}`,
    payload: { organizationId, connectionId },
    ...(runAt ? { runAt } : {}),
  });
}

type ConnectionRow = {
  organization_id: number;
  id: string;
  portal: string;
  name: string;
  role: 'source' | 'books';
  enabled: boolean;
  settings_sealed: Buffer | null;
  public_settings: Record<string, unknown>;
  settings_version: number;
};

const selectConnection = sql`select c.organization_id, c.id, c.portal, c.name, c.role, c.enabled,
  c.settings_sealed, c.public_settings, c.settings_version from connections c`;

/** The connection with its settings opened; undefined when there is none (or it is our own side's). */
export async function loadConnection(
  { database, sealer }: ConnectionContext,
  id: string,
  organizationId?: number,
): Promise<Connection | undefined> {
  const [row] = await database.query<ConnectionRow>(
    organizationId === undefined
      ? sql`${selectConnection} where c.id = ${id} and c.portal <> 'own'`
      : sql`${selectConnection} where c.organization_id = ${organizationId} and c.id = ${id} and c.portal <> 'own'`,
  );
  return row && openConnection(sealer, row);
}

/** The connection's settings as they would be with `more`, without changing them. @throws InvalidSettings */
export async function settingsWith(
  { database, sealer }: ConnectionContext,
  { organizationId, id, portal }: Connection,
  more: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const [row] = await database.query<ConnectionRow>(
    sql`${selectConnection} where c.organization_id = ${organizationId} and c.id = ${id}`,
  );
  if (!row) throw new Error(`connection ${id} does not exist`);
  const secrets = openSecrets(sealer, row.settings_sealed, sealContext(organizationId, id));
  const given = merged({ ...row.public_settings, ...secrets }, more);
  splitSettings(portal, given);
  return portal.settings.parse(given);
}

/** All enabled connections of a portal, in every organization. */
async function loadConnectionsOf(
  { database, sealer }: ConnectionContext,
  portalId: string,
): Promise<readonly Connection[]> {
  const rows = await database.query<ConnectionRow>(
    sql`${selectConnection} where c.portal = ${portalId} and c.enabled order by c.organization_id, c.id`,
  );
  return rows.flatMap((row) => openConnection(sealer, row) ?? []);
}

function openConnection(sealer: Sealer, row: ConnectionRow): Connection | undefined {
  const portal = findPortal(row.portal);
  if (!portal) return undefined;
  const secrets = openSecrets(
    sealer,
    row.settings_sealed,
    sealContext(row.organization_id, row.id),
  );
  return {
    organizationId: row.organization_id,
    id: row.id,
    portal,
    name: row.name,
    role: row.role,
    enabled: row.enabled,
    settings: parseSettings(portal, row.public_settings, secrets),
    settingsVersion: row.settings_version,
  };
}

const CACHE_MS = 30_000;
const MAX_CACHED = 10_000;

/** Connections by id for the hot path; a change announced by any node is seen at once, else after half a minute. */
export function connectionCache(context: ConnectionContext, now: () => Date) {
  const byId = new Map<
    string,
    { readonly until: number; readonly connection: Promise<Connection | undefined> }
  >();
  const byPortal = new Map<
    string,
    { readonly until: number; readonly list: Promise<readonly Connection[]> }
  >();
  const fresh = <T extends { until: number }>(
    map: Map<string, T>,
    key: string,
    make: () => T,
  ): T => {
    const known = map.get(key);
    if (known && known.until > now().getTime()) return known;
    if (map.size >= MAX_CACHED) map.clear();
    const made = make();
    map.set(key, made);
    return made;
  };
  const drop = () => {
    byId.clear();
    byPortal.clear();
  };
  return {
    find: (id: string): Promise<Connection | undefined> =>
      fresh(byId, id, () => {
        const connection = loadConnection(context, id);
        connection.catch(() => byId.delete(id));
        return { until: now().getTime() + CACHE_MS, connection };
      }).connection,
    ofPortal: (portalId: string): Promise<readonly Connection[]> =>
      fresh(byPortal, portalId, () => {
        const list = loadConnectionsOf(context, portalId);
        list.catch(() => byPortal.delete(portalId));
        return { until: now().getTime() + CACHE_MS, list };
      }).list,
    drop,
  };
}

export type ConnectionCache = ReturnType<typeof connectionCache>;
