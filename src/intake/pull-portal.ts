/** The scheduled pull: page after page, each stored with the cursor that follows it. */
import { sql } from '../db/database.ts';
import { encodeJson } from '../db/json.ts';
import { Reauthorize, RetryLater } from '../portals/kit/errors.ts';
import { noteConnectionError, notePulled } from './connection-health.ts';
import { addPullJob, type Connection, loadConnection } from './connections.ts';
import type { IntakeJobs } from './fetch-objects.ts';
import { notesAbout } from './recording-notes.ts';
import { type NewDocument, storeDocuments } from './store.ts';

/** How far back the first pull of a connection reads. */
const FIRST_PULL_DAYS = 30;
const DAY_MS = 86_400_000;
const RETRY_MS = 30_000;
const REAUTHORIZE_RETRY_MS = 3_600_000;
/** A run gives way after this many pages, so that one backfill does not hold a job for hours. */
const PAGES_A_RUN = 500;

/** A page that a portal refuses for the moment is asked for again at once, a few times, before the run gives up. */
const PATIENT_TRIES = 4;
const FIRST_PAUSE_MS = 500;
/** Whoever wants us to wait longer than this gets a run of its own later. */
const LONGEST_PAUSE_MS = 10_000;

type Place = { readonly cursor: unknown; readonly generation: bigint };

/**
 * Pulls what is new; resumes where a run that was cut off had stored its last page. Always leaves a job for the
 * next time, unless the connection is gone or cannot be pulled.
 */
export async function pullPortal(
  ctx: IntakeJobs,
  input: { readonly organizationId: number; readonly connectionId: string },
): Promise<void> {
  const connection = await loadConnection(ctx, input.connectionId, input.organizationId);
  const pull = connection?.portal.pull;
  if (!connection?.enabled || !pull || pull.possible?.(connection.settings) === false) return;
  let nextMs = pull.everySeconds * 1000;
  try {
    const finished = await pullPages(ctx, connection);
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
async function pullPages(ctx: IntakeJobs, connection: Connection): Promise<boolean> {
  const { portal, settings, organizationId, id: connectionId } = connection;
  const pull = portal.pull as NonNullable<typeof portal.pull>;
  const days = pull.followDays;
  const api = ctx.access(connection);
  let { cursor, generation } =
    (await readPlace(ctx, connection)) ?? (await begin(ctx, connection, firstFrom(ctx.now())));
  for (let page = 0; page < PAGES_A_RUN; page += 1) {
    const from = cursor;
    const context = {
      settings,
      now: ctx.now(),
      recordings: (abouts: readonly string[]) =>
        notesAbout(ctx.database, { organizationId, connectionId }, abouts),
      ...(days === undefined ? {} : { followed: () => readFollowed(ctx, connection, days) }),
    };
    const answer = await patiently(ctx, () => pull.page(api, from, context));
    const kept = await storePage(ctx, connection, { ...answer, generation });
    if (answer.bodies.length > 0) ctx.wakeApplier(connection.organizationId);
    // Somebody asked meanwhile to read from another instant; that is where the next run begins.
    if (!kept) return false;
    cursor = answer.next;
    if (!answer.more) return true;
  }
  return false;
}

/** The payments that the portal must be asked for by their ids, the oldest first. */
async function readFollowed(
  ctx: IntakeJobs,
  connection: Connection,
  days: number,
): Promise<readonly string[]> {
  const from = new Date(ctx.now().getTime() - days * DAY_MS).toISOString();
  const rows = await ctx.database.query<{ id: string }>(
    sql`select external_id as id from payments
        where organization_id = ${connection.organizationId} and connection_id = ${connection.id}
          and status not in ('failed', 'voided') and occurred_at >= ${from}::timestamptz
        order by occurred_at, id`,
  );
  return rows.map(({ id }) => id);
}

/** Tries again after a short while what the portal refused for the moment. @throws what it failed with last */
async function patiently<T>(ctx: IntakeJobs, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RetryLater) || tries >= PATIENT_TRIES) throw error;
      const pauseMs = error.afterMs ?? FIRST_PAUSE_MS * 2 ** (tries - 1);
      if (pauseMs > LONGEST_PAUSE_MS) throw error;
      await ctx.pause(pauseMs);
    }
  }
}

function firstFrom(now: Date): Date {
  return new Date(now.getTime() - FIRST_PULL_DAYS * DAY_MS);
}

async function readPlace(ctx: IntakeJobs, connection: Connection): Promise<Place | undefined> {
  const [row] = await ctx.database.query<Place>(
    sql`select cursor, generation from pull_cursors
        where organization_id = ${connection.organizationId} and connection_id = ${connection.id}`,
  );
  return row;
}

/** Kept before the first page, so that where to begin is not forgotten when that page fails. */
async function begin(ctx: IntakeJobs, connection: Connection, from: Date): Promise<Place> {
  await readAgainFrom(ctx, connection, from);
  const place = await readPlace(ctx, connection);
  if (!place) throw new Error(`the cursor of ${connection.id} is gone`);
  return place;
}

/**
 * Lets the next pull begin at `from`; a crash does not make it begin once more. A run under way gives way.
 */
export async function readAgainFrom(
  { database, now }: Pick<IntakeJobs, 'database' | 'now'>,
  connection: Connection,
  from: Date,
): Promise<void> {
  const { organizationId, id, portal } = connection;
  const cursor = encodeJson(portal.pull?.start(from));
  await database.execute(
    sql`insert into pull_cursors as c (organization_id, connection_id, cursor, started_at, updated_at)
        values (${organizationId}, ${id}, ${cursor}::jsonb, ${from.toISOString()}::timestamptz,
          ${now().toISOString()}::timestamptz)
        on conflict (organization_id, connection_id) do update
        set cursor = excluded.cursor, started_at = excluded.started_at, updated_at = excluded.updated_at,
            generation = c.generation + 1, pages = 0, documents = 0, finished_at = null, reached_at = null`,
  );
}

type Page = {
  readonly bodies: readonly Buffer[];
  readonly next: unknown;
  readonly more: boolean;
  readonly reached?: Date;
  readonly generation: bigint;
};

/**
 * The page's documents and the cursor after it, in one transaction: neither is ever ahead of the other. False when
 * the cursor is no longer this run's; what was read is kept all the same.
 */
async function storePage(ctx: IntakeJobs, connection: Connection, page: Page): Promise<boolean> {
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
  return ctx.database.transaction(async (tx) => {
    await storeDocuments(tx, documents);
    const moved = await tx.query(
      sql`update pull_cursors
          set cursor = ${encodeJson(page.next)}::jsonb, pages = pages + ${page.bodies.length},
              documents = documents + ${documents.length},
              reached_at = coalesce(${page.reached?.toISOString() ?? null}::timestamptz, reached_at),
              started_at = case when ${page.more} then started_at end,
              finished_at = ${page.more ? null : now.toISOString()}::timestamptz,
              updated_at = ${now.toISOString()}::timestamptz
          where organization_id = ${organizationId} and connection_id = ${connectionId}
            and generation = ${page.generation}
          returning generation`,
    );
    return moved.length > 0;
  });
}
