/** Connections as people see them: never a secret, always their health. */
import { z } from 'zod';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { readFailedFiles } from '../../intake/failed-files.ts';
import { findPortal } from '../../portals/index.ts';
import { groupBy, instantJson } from './shapes.ts';

export const connectionJson = z
  .object({
    id: z.string(),
    portal: z.string(),
    name: z.string(),
    role: z.enum(['source', 'books']),
    enabled: z.boolean(),
    webhookUrl: z.string().nullable(),
    settings: z.looseObject({}).meta({ description: 'Secrets show as "[secret]".' }),
    health: z.object({
      state: z.enum(['ok', 'failing', 'reauthorize', 'disabled']),
      lastReceivedAt: instantJson.nullable(),
      lastPulledAt: instantJson.nullable(),
      lastError: z.string().nullable(),
      lastErrorAt: instantJson.nullable(),
      reauthorizeSince: instantJson.nullable(),
    }),
    pull: z
      .object({
        running: z.boolean(),
        since: instantJson.nullable(),
        reachedAt: instantJson.nullable(),
        pages: z.number().int(),
        documents: z.number().int(),
        finishedAt: instantJson.nullable(),
      })
      .nullable()
      .meta({
        description:
          'How far reading has come since it was last asked to begin at an instant (`since`); `reachedAt`: ' +
          'everything up to then has been read. Null before the first page.',
      }),
    refusals: z
      .array(z.object({ code: z.string(), count: z.number().int(), lastBecause: z.string() }))
      .meta({ description: 'Deliveries without effect in the last day.' }),
    failedFiles: z
      .array(z.object({ name: z.string(), because: z.string(), failedAt: instantJson }))
      .meta({
        description: 'What lies in `failed` of its watched folder, for a person to look at.',
      }),
    createdAt: instantJson,
  })
  .meta({ id: 'Connection' });
export type ConnectionJson = z.output<typeof connectionJson>;

type ConnectionRecord = Pick<
  ConnectionJson,
  'id' | 'portal' | 'name' | 'role' | 'enabled' | 'createdAt' | 'settings'
> &
  Omit<ConnectionJson['health'], 'state'> & {
    readonly hasPulled: boolean;
    readonly pullSince: string | null;
    readonly pullReachedAt: string | null;
    readonly pullFinishedAt: string | null;
    readonly pages: bigint;
    readonly documents: bigint;
  };

/** Where a portal sends its webhooks; null for a portal without any. */
export function webhookUrl(
  publicUrl: string,
  connection: { readonly portal: string; readonly id: string },
): string | null {
  return findPortal(connection.portal)?.webhook
    ? `${publicUrl}/webhooks/${connection.portal}/${connection.id}`
    : null;
}

/** Reads the connections that meet `condition`, which names the table `c`; never our own side's. */
export async function readConnections(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly condition: Sql;
    readonly publicUrl: string;
    readonly limit?: number;
  },
): Promise<readonly ConnectionJson[]> {
  const { organizationId } = input;
  const rows = await tx.query<ConnectionRecord>(sql`
    select c.id, c.portal, c.name, c.role, c.enabled, c.created_at as "createdAt",
      c.public_settings as settings, h.last_received_at as "lastReceivedAt",
      h.last_pulled_at as "lastPulledAt", h.last_error as "lastError",
      h.last_error_at as "lastErrorAt", h.reauthorize_since as "reauthorizeSince",
      p.cursor is not null as "hasPulled", p.started_at as "pullSince",
      p.reached_at as "pullReachedAt", p.finished_at as "pullFinishedAt", p.pages, p.documents
    from connections c
    left join pull_cursors p on p.organization_id = c.organization_id and p.connection_id = c.id
    left join connection_health h on h.organization_id = c.organization_id
      and h.connection_id = c.id
    where c.organization_id = ${organizationId} and c.portal <> 'own' and ${input.condition}
    order by c.id
    limit ${input.limit ?? null}`);
  const refusals = await tx.query<{ id: string; code: string; count: number; because: string }>(sql`
    select connection_id as id, code, sum(count)::integer as count,
      (array_agg(last_because order by last_at desc))[1] as because
    from refusals
    where organization_id = ${organizationId}
      and connection_id = any(${rows.map((row) => row.id)}::text[])
      and hour > now() - interval '1 day'
    group by connection_id, code
    order by connection_id, code`);
  const byConnection = groupBy(refusals, (row) => row.id);
  const ids = rows.map((row) => row.id);
  const failed = groupBy(
    await readFailedFiles(tx, organizationId, ids),
    ({ connectionId }) => connectionId,
  );
  return rows.map((row) => ({
    id: row.id,
    portal: row.portal,
    name: row.name,
    role: row.role,
    enabled: row.enabled,
    webhookUrl: webhookUrl(input.publicUrl, row),
    settings: row.settings,
    health: {
      state: stateOf(row, failed.has(row.id)),
      lastReceivedAt: row.lastReceivedAt,
      lastPulledAt: row.lastPulledAt,
      lastError: row.lastError,
      lastErrorAt: row.lastErrorAt,
      reauthorizeSince: row.reauthorizeSince,
    },
    pull: row.hasPulled ? pullOf(row) : null,
    refusals: (byConnection.get(row.id) ?? []).map(({ code, count, because }) => ({
      code,
      count,
      lastBecause: because,
    })),
    failedFiles: (failed.get(row.id) ?? []).map(({ name, because, failedAt }) => ({
      name,
      because,
      failedAt,
    })),
    createdAt: row.createdAt,
  }));
}

function pullOf(row: ConnectionRecord): NonNullable<ConnectionJson['pull']> {
  return {
    running: row.pullFinishedAt === null,
    since: row.pullSince,
    reachedAt: row.pullReachedAt,
    pages: Number(row.pages),
    documents: Number(row.documents),
    finishedAt: row.pullFinishedAt,
  };
}

/** An error older than the last good pull is history; a file that failed lasts until somebody takes it away. */
function stateOf(
  row: ConnectionRecord,
  hasFailedFiles: boolean,
): ConnectionJson['health']['state'] {
  if (!row.enabled) return 'disabled';
  if (row.reauthorizeSince !== null) return 'reauthorize';
  const { lastErrorAt, lastPulledAt } = row;
  const failing = lastErrorAt !== null && (lastPulledAt === null || lastErrorAt > lastPulledAt);
  return failing || hasFailedFiles ? 'failing' : 'ok';
}
