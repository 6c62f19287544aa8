/** Says in plain words whether a connection works, and what to do when it does not. */
import { sql } from '../db/database.ts';
import type { PortalApi } from '../portals/contract.ts';
import { addPullJob, type Connection, loadConnection } from './connections.ts';
import { explainFailure, explainSkew } from './explain-failure.ts';
import { readFailedFiles } from './failed-files.ts';
import type { AccessContext, PortalAccess } from './portal-access.ts';
import { readAgainFrom } from './pull-portal.ts';

export type Finding = { readonly level: 'ok' | 'warning' | 'error'; readonly text: string };

type TestContext = AccessContext & { readonly access: PortalAccess };

/** Tries the credentials with one cheap call and reads what was noted of the connection. */
export async function testConnection(
  ctx: TestContext,
  organizationId: number,
  id: string,
): Promise<{ readonly ok: boolean; readonly findings: readonly Finding[] }> {
  const connection = await loadConnection(ctx, id, organizationId);
  if (!connection)
    return { ok: false, findings: [{ level: 'error', text: `Connection ${id} does not exist.` }] };
  const findings: Finding[] = [];
  if (!connection.enabled)
    findings.push({ level: 'warning', text: 'The connection is switched off.' });
  findings.push(...(await checkCredentials(ctx, connection)));
  findings.push(...(await noted(ctx, connection)));
  return { ok: findings.every((finding) => finding.level !== 'error'), findings };
}

async function checkCredentials(
  ctx: TestContext,
  connection: Connection,
): Promise<readonly Finding[]> {
  const { portal, settings } = connection;
  if (!portal.check || !portal.api) {
    const text = `${portal.name} has nothing to call; it is only listened to.`;
    return [{ level: 'ok', text }];
  }
  if (portal.pull?.possible?.(settings) === false) {
    const text = `Without API credentials ${portal.name} is only listened to; a lost notice stays lost.`;
    return [{ level: 'warning', text }];
  }
  let answeredAt: Date | undefined;
  const api = ctx.access(connection);
  const listening: PortalApi = {
    request: async (call) => {
      const answer = await api.request(call);
      if (answer.headers.date !== undefined) answeredAt = new Date(answer.headers.date);
      return answer;
    },
  };
  try {
    const findings: Finding[] = [{ level: 'ok', text: await portal.check(listening, settings) }];
    const skew = answeredAt && explainSkew(portal.name, answeredAt, ctx.now());
    if (skew !== undefined) findings.push({ level: 'error', text: skew });
    return findings;
  } catch (error) {
    return [{ level: 'error', text: explainFailure(portal.name, error as Error) }];
  }
}

/** What a refusal may mean beyond its own words. */
const ADVICE: Readonly<Record<string, string>> = {
  'timestamp-stale': '. When new deliveries are refused so, the clock of this machine is wrong',
};

async function noted(ctx: TestContext, connection: Connection): Promise<readonly Finding[]> {
  const { organizationId, id } = connection;
  const findings: Finding[] = [];
  const refusals = await ctx.database.query<{ code: string; count: bigint; because: string }>(
    sql`select code, sum(count)::bigint as count, (array_agg(last_because order by last_at desc))[1] as because
        from refusals where organization_id = ${organizationId} and connection_id = ${id}
          and last_at > ${ctx.now().toISOString()}::timestamptz - interval '1 day'
        group by code order by 2 desc`,
  );
  for (const { code, count, because } of refusals) {
    findings.push({
      level: 'error',
      text: `${count} deliveries of the last day were refused (${code}): ${because}${ADVICE[code] ?? ''}`,
    });
  }
  const [health] = await ctx.database.query<{
    last_error: string | null;
    last_error_at: string | null;
    reauthorize_since: string | null;
  }>(
    sql`select last_error, last_error_at, reauthorize_since from connection_health
        where organization_id = ${organizationId} and connection_id = ${id}`,
  );
  if (health?.reauthorize_since) {
    findings.push({
      level: 'error',
      text: `It must be connected again since ${health.reauthorize_since}.`,
    });
  } else if (health?.last_error) {
    findings.push({
      level: 'warning',
      text: `The last failed call, at ${health.last_error_at}: ${health.last_error}`,
    });
  }
  findings.push(...(await dyingPermission(ctx, connection)));
  const [fetches] = await ctx.database.query<{ failed: bigint; oldest: string | null }>(
    sql`select count(*) filter (where state = 'failed') as failed,
          min(due_at) filter (where state = 'waiting') as oldest
        from fetches where organization_id = ${organizationId} and connection_id = ${id}`,
  );
  if (fetches && fetches.failed > 0n) {
    findings.push({
      level: 'error',
      text: `${fetches.failed} announced objects could not be fetched.`,
    });
  }
  for (const { name, because } of await readFailedFiles(ctx.database, organizationId, [id])) {
    findings.push({
      level: 'error',
      text: `A file of its folder was not taken in, or not in whole: ${name}: ${because}`,
    });
  }
  return findings;
}

const WARN_MS = 14 * 86_400_000;

/** Refresh tokens are renewed by use: one that is past half of its life, and near its end, is not being used. */
async function dyingPermission(
  ctx: TestContext,
  { organizationId, id }: Connection,
): Promise<readonly Finding[]> {
  const [token] = await ctx.database.query<{ refresh_expires_at: string; updated_at: string }>(
    sql`select refresh_expires_at, updated_at from oauth_tokens
        where organization_id = ${organizationId} and connection_id = ${id}
          and refresh_expires_at is not null`,
  );
  if (!token) return [];
  const dies = Date.parse(token.refresh_expires_at);
  const left = dies - ctx.now().getTime();
  if (left > Math.min(WARN_MS, (dies - Date.parse(token.updated_at)) / 2)) return [];
  const text = `The permission to call ends at ${token.refresh_expires_at} unless it is renewed: open the consent page again.`;
  return [{ level: left > 0 ? 'warning' : 'error', text }];
}

/** Pulls now instead of at its time; with `since`, everything from then on again. Duplicates are free. */
export async function requestSync(
  ctx: TestContext,
  organizationId: number,
  id: string,
  since?: Date,
): Promise<void> {
  const connection = await loadConnection(ctx, id, organizationId);
  if (!connection) throw new Error(`connection ${id} does not exist`);
  const { portal } = connection;
  if (!portal.pull) throw new Error(`${portal.name} cannot be pulled; it only sends`);
  if (portal.pull.possible?.(connection.settings) === false) {
    throw new Error(
      `${portal.name} cannot be pulled without API credentials; see checkvalve portals`,
    );
  }
  if (since) await readAgainFrom(ctx, connection, since);
  await addPullJob(ctx.database, { organizationId, connectionId: id });
}
