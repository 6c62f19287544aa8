/** The scheduled pull: page after page, each stored with the cursor that follows it. */
import { sql } from '../db/database.ts';
import { encodeJson } from '../db/json.ts';
import { Reauthorize, RetryLater } from '../portals/kit/errors.ts';
import { noteConnectionError, notePulled } from './connection-health.ts';
import { addPullJob, type Connection, loadConnection } from './connections.ts';
import type { IntakeJobs } from './fetch-objects.ts';
import { type NewDocument, storeDocuments } from './store.ts';

/** How far back the first pull of a connection reads. */
const FIRST_PULL_DAYS = 30;
const DAY_MS = 86_400_000;
const RETRY_MS = 30_000;
const REAUTHORIZE_RETRY_MS = 3_600_000;
/** A run gives way after this many pages, so that one backfill does not hold a job for hours. */
const PAGES_A_RUN = 500;

type StoredCursor = { readonly cursor: unknown };

/**
 * Pulls what is new; resumes where a run that was cut off had stored its last page. Always leaves a job for the
 * next time, unless the connection is gone or cannot be pulled.
 */
export async function pullPortal(
  ctx: IntakeJobs,
  input: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly since?: string;
  },
): Promise<void> {
  const connection = await loadConnection(ctx, input.connectionId, input.organizationId);
  const pull = connection?.portal.pull;
  if (!connection?.enabled || !pull || pull.possible?.(connection.settings) === false) return;
  let nextMs = pull.everySeconds * 1000;
  try {
    const finished = await pullPages(ctx, connection, input.since);
    if (finished) await notePulled(ctx, connection);
    else nextMs = 0;
  } catch (error) {
    await noteConnectionError(ctx, connection, error as Error);
    ctx.log.warn(
      { err: error, connectionId: connection.id },
      'a pull failed; it goes on from its last page',
    );
    if (error instanceof Reauthorize) nextMs = Math.max(nextMs, REAUTHORIZE_RETRY_MS);
    else
      nextMs = Math.min(
        nextMs,
        error instanceof RetryLater ? (error.afterMs ?? RETRY_MS) : RETRY_MS,
      );
  }
  await addPullJob(ctx.database, {
    organizationId: input.organizationId,
    connectionId: input.connectionId,
    runAt: new Date(ctx.now().getTime() + nextMs),
  });
}

/** False when it gave way with pages left. */
async function pullPages(
  ctx: IntakeJobs,
  connection: Connection,
  since: string | undefined,
): Promise<boolean> {
  const { portal, settings } = connection;
  const pull = portal.pull as NonNullable<typeof portal.pull>;
  const api = ctx.access(connection);
  let cursor = since === undefined ? await readCursor(ctx, connection) : undefined;
  if (cursor === undefined) {
    cursor = pull.start(since === undefined ? firstFrom(ctx.now()) : new Date(since));
    // Kept before the first page, so that where to begin is not forgotten when that page fails.
    await storePage(ctx, connection, { bodies: [], next: cursor, more: true });
  }
  for (let page = 0; page < PAGES_A_RUN; page += 1) {
    const answer = await pull.page(api, cursor, { settings, now: ctx.now() });
    await storePage(ctx, connection, answer);
    if (answer.bodies.length > 0) ctx.wakeApplier(connection.organizationId);
    cursor = answer.next;
    if (!answer.more) return true;
  }
  return false;
}

function firstFrom(now: Date): Date {
  return new Date(now.getTime() - FIRST_PULL_DAYS * DAY_MS);
}

async function readCursor(ctx: IntakeJobs, connection: Connection): Promise<unknown> {
  const [row] = await ctx.database.query<StoredCursor>(
    sql`select cursor from pull_cursors
        where organization_id = ${connection.organizationId} and connection_id = ${connection.id}`,
  );
  return row?.cursor;
}

/** The page's documents and the cursor after it, in one transaction: neither is ever ahead of the other. */
async function storePage(
  ctx: IntakeJobs,
  connection: Connection,
  page: { readonly bodies: readonly Buffer[]; readonly next: unknown; readonly more: boolean },
): Promise<void> {
  const { organizationId, id: connectionId } = connection;
  const now = ctx.now();
  const documents = page.bodies.flatMap((body) =>
    connection.portal.split(body, {}).map(
      (part): NewDocument => ({
        organizationId,
        connectionId,
        origin: 'pull',
        key: part.key,
        body: part.body,
        headers: {},
        authentic: true,
        settingsVersion: connection.settingsVersion,
        receivedAt: now,
      }),
    ),
  );
  await ctx.database.transaction(async (tx) => {
    await storeDocuments(tx, documents);
    await tx.execute(
      sql`insert into pull_cursors as c
            (organization_id, connection_id, cursor, pages, documents, finished_at, updated_at)
          values (${organizationId}, ${connectionId}, ${encodeJson(page.next)}::jsonb,
            ${page.bodies.length}, ${documents.length},
            ${page.more ? null : now.toISOString()}::timestamptz, ${now.toISOString()}::timestamptz)
          on conflict (organization_id, connection_id) do update
          set cursor = excluded.cursor, pages = c.pages + excluded.pages,
              documents = c.documents + excluded.documents,
              finished_at = excluded.finished_at, updated_at = excluded.updated_at`,
    );
  });
}
