/** Notice, then fetch: brings the objects that notices only named, several at a time, as documents. */
import type { Logger } from 'pino';
import { type Queryable, sql } from '../db/database.ts';
import { addJob } from '../db/jobs.ts';
import type { Fetched } from '../portals/contract.ts';
import { Reauthorize, RetryLater } from '../portals/kit/errors.ts';
import { revealSecrets } from './concealed.ts';
import { noteConnectionError } from './connection-health.ts';
import { type Connection, learnSecret, loadConnection } from './connections.ts';
import type { AccessContext, PortalAccess } from './portal-access.ts';
import { type NewDocument, storeDocuments } from './store.ts';

export type IntakeJobs = AccessContext & {
  readonly log: Logger;
  readonly access: PortalAccess;
  readonly wakeApplier: (organizationId: number) => void;
  readonly pause: (ms: number) => Promise<void>;
};

const FETCHES_AT_ONCE = 50;
/** Portals announce before they can be asked (read-after-write lag): a missing object is asked for again. */
const MISSING_ATTEMPTS = 4;
const FAILED_ATTEMPTS = 25;
const MAX_ROUNDS = 200;

type DueFetch = {
  readonly entity: string;
  readonly external_id: string;
  readonly notice_id: bigint;
  readonly version: number;
  readonly attempts: number;
};

/** Drains the due fetches of a connection. Safe to run again at any point: documents are stored with the mark. */
export async function fetchObjects(
  ctx: IntakeJobs,
  input: { readonly organizationId: number; readonly connectionId: string },
): Promise<void> {
  const connection = await loadConnection(ctx, input.connectionId, input.organizationId);
  if (!connection?.enabled || !connection.portal.fetch) return;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const due = await ctx.database.query<DueFetch>(
      sql`select entity, external_id, notice_id, version, attempts from fetches
          where organization_id = ${input.organizationId} and connection_id = ${input.connectionId}
            and state = 'waiting' and due_at <= ${ctx.now().toISOString()}::timestamptz
          order by due_at limit ${FETCHES_AT_ONCE}`,
    );
    if (due.length === 0) break;
    const bodies = await fetchAll(ctx, connection, due);
    if (!bodies) break;
    await store(ctx, connection, due, bodies);
  }
  await wakeAgain(ctx, input);
}

/** The request that a fetch is for; secrets in it are opened for the portal alone. */
function requestOf(ctx: IntakeJobs, connection: Connection, due: DueFetch): Fetched['request'] {
  const { entity, external_id: id } = due;
  const isConcealing = connection.portal.webhook?.conceal !== undefined;
  return { entity, id: isConcealing ? revealSecrets(ctx.sealer, connection, id) : id };
}

async function fetchAll(
  ctx: IntakeJobs,
  connection: Connection,
  due: readonly DueFetch[],
): Promise<readonly Fetched[] | undefined> {
  const requests = due.map((one) => requestOf(ctx, connection, one));
  try {
    return await connection.portal.fetch?.(ctx.access(connection), requests, connection.settings);
  } catch (error) {
    await noteConnectionError(ctx, connection, error as Error);
    const mustWait =
      error instanceof Reauthorize || (error instanceof RetryLater && error.afterMs !== undefined);
    if (due.length > 1 && !mustWait) {
      await fetchInParts(ctx, connection, due, error as Error);
      return undefined;
    }
    await postpone(ctx, connection, due, error as Error);
    return undefined;
  }
}

/**
 * One object's fault must not keep the others: each is asked for alone. In passing trouble many calls seldom all
 * succeed, so half of them are tried, and what is left only as long as that goes well.
 */
async function fetchInParts(
  ctx: IntakeJobs,
  connection: Connection,
  due: readonly DueFetch[],
  error: Error,
): Promise<void> {
  const passing = error instanceof RetryLater;
  const size = passing ? Math.ceil(due.length / 2) : 1;
  for (let from = 0; from < due.length; from += size) {
    const part = due.slice(from, from + size);
    const bodies = await fetchAll(ctx, connection, part);
    if (bodies) await store(ctx, connection, part, bodies);
    else if (passing) return postpone(ctx, connection, due.slice(from + size), error);
  }
}

async function store(
  ctx: IntakeJobs,
  connection: Connection,
  due: readonly DueFetch[],
  fetched: readonly Fetched[],
): Promise<void> {
  const { organizationId, id: connectionId, portal } = connection;
  const keyOf = ({ entity, id }: Fetched['request']) => `${entity}\u0000${id}`;
  const requested = due.map((one) => [keyOf(requestOf(ctx, connection, one)), one] as const);
  const notices = new Map(requested);
  const found = new Set(fetched.map(({ request }) => keyOf(request)));
  const isFound = ([key]: (typeof requested)[number]) => found.has(key);
  const done = requested.filter(isFound).map(([, one]) => one);
  const missing = requested.filter((one) => !isFound(one)).map(([, one]) => one);
  const documents = fetched.flatMap(({ request, body }) =>
    portal.split(body, {}).map(
      (part): NewDocument => ({
        organizationId,
        connectionId,
        origin: 'fetch',
        key: part.key,
        body: part.body,
        headers: {},
        // It came over TLS from the portal itself, asked with our credentials.
        authentic: true,
        ...parentOf(notices.get(keyOf(request))),
        settingsVersion: connection.settingsVersion,
        receivedAt: ctx.now(),
      }),
    ),
  );
  await ctx.database.transaction(async (tx) => {
    await storeDocuments(tx, documents);
    for (const { learned } of fetched) {
      if (learned)
        await learnSecret(tx, ctx.sealer, { organizationId, id: connectionId, ...learned });
    }
    await tx.execute(
      sql`delete from fetches where organization_id = ${organizationId} and connection_id = ${connectionId}
          and (entity, external_id, version) in (select * from unnest(
            ${done.map((one) => one.entity)}::text[], ${done.map((one) => one.external_id)}::text[],
            ${done.map((one) => one.version)}::integer[]))`,
    );
    await retryOrEnd(tx, connection, missing, {
      now: ctx.now(),
      maxAttempts: MISSING_ATTEMPTS,
      endState: 'missing',
      error: 'the portal says that it does not exist',
      baseMs: 2_000,
    });
  });
  ctx.wakeApplier(organizationId);
}

function parentOf(fetch: DueFetch | undefined): { parentId?: bigint } {
  return fetch ? { parentId: fetch.notice_id } : {};
}

function postpone(
  ctx: IntakeJobs,
  connection: Connection,
  due: readonly DueFetch[],
  error: Error,
): Promise<void> {
  const passing = error instanceof RetryLater;
  return retryOrEnd(ctx.database, connection, due, {
    now: ctx.now(),
    maxAttempts:
      passing || error instanceof Reauthorize ? Number.MAX_SAFE_INTEGER : FAILED_ATTEMPTS,
    endState: 'failed',
    error: error.message,
    baseMs: passing ? (error.afterMs ?? 1_000) : 5_000,
  });
}

/** Exponential back-off up to an hour, computed where the rows are. */
async function retryOrEnd(
  tx: Queryable,
  connection: Connection,
  due: readonly DueFetch[],
  retry: {
    readonly now: Date;
    readonly maxAttempts: number;
    readonly endState: 'missing' | 'failed';
    readonly error: string;
    readonly baseMs: number;
  },
): Promise<void> {
  if (due.length === 0) return;
  await tx.execute(
    sql`update fetches set attempts = attempts + 1, last_error = ${retry.error.slice(0, 500)},
          state = case when attempts + 1 >= ${retry.maxAttempts}::bigint then ${retry.endState} else 'waiting' end,
          due_at = ${retry.now.toISOString()}::timestamptz
            + least(${retry.baseMs}::double precision * power(2, least(attempts, 12)), 3600000)
              * interval '1 millisecond'
        where organization_id = ${connection.organizationId} and connection_id = ${connection.id}
          and (entity, external_id, version) in (select * from unnest(
            ${due.map((one) => one.entity)}::text[], ${due.map((one) => one.external_id)}::text[],
            ${due.map((one) => one.version)}::integer[]))`,
  );
}

/** Comes back when the next postponed fetch is due. */
async function wakeAgain(
  ctx: IntakeJobs,
  input: { organizationId: number; connectionId: string },
): Promise<void> {
  const [next] = await ctx.database.query<{ due_at: string | null }>(
    sql`select min(due_at) as due_at from fetches where organization_id = ${input.organizationId}
        and connection_id = ${input.connectionId} and state = 'waiting'`,
  );
  if (!next?.due_at) return;
  await addJob(ctx.database, {
    task: 'fetch',
    key: `fetch:${input.organizationId}:${input.connectionId}`,
    payload: input,
    runAt: new Date(next.due_at),
  });
}
