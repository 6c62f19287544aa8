/** The state of a connection as a person sees it. */
import { type Database, sql } from '../db/database.ts';
import { Reauthorize } from '../portals/kit/errors.ts';
import type { Connection } from './connections.ts';

type HealthContext = { readonly database: Database; readonly now: () => Date };

/** Notes a failed call; one that needs a person marks the connection as to be connected again. */
export async function noteConnectionError(
  { database, now }: HealthContext,
  connection: Connection,
  error: Error,
): Promise<void> {
  const at = now().toISOString();
  await database.execute(
    sql`update connection_health set last_error = ${error.message.slice(0, 500)}, last_error_at = ${at}::timestamptz,
          reauthorize_since = case when ${error instanceof Reauthorize}
            then coalesce(reauthorize_since, ${at}::timestamptz) else reauthorize_since end
        where organization_id = ${connection.organizationId} and connection_id = ${connection.id}`,
  );
}

/** Notes a finished pull: the credentials work. */
export async function notePulled(
  { database, now }: HealthContext,
  connection: Connection,
): Promise<void> {
  await database.execute(
    sql`update connection_health set last_pulled_at = ${now().toISOString()}::timestamptz, reauthorize_since = null
        where organization_id = ${connection.organizationId} and connection_id = ${connection.id}`,
  );
}
