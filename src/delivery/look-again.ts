/** When books have told something new, what waits for an import of theirs is looked at again. */
import type { Logger } from 'pino';
import { type Database, sql } from '../db/database.ts';
import { addJob } from '../db/jobs.ts';
import { findPortal } from '../portals/index.ts';
import { lookAgain } from './import-files.ts';

type LookContext = { readonly database: Database; readonly now: () => Date };
type Applied = {
  readonly organizationId: number;
  /** Those of the documents that were applied, as often as they come. */
  readonly portalIds: readonly string[];
};

/** Begins to look; what fails is only told, as everything is looked at again by and by. */
export function lookAgainAtFiles(
  ctx: LookContext & { readonly log: Pick<Logger, 'warn'> },
  applied: Applied,
): void {
  findImported(ctx, applied).catch((err) =>
    ctx.log.warn({ err }, 'imports are looked for later: they cannot be now'),
  );
}

/** Queues what waits for an import into the books that told something. */
export async function findImported(
  { database, now }: LookContext,
  { organizationId, portalIds }: Applied,
): Promise<void> {
  const withFiles = [...new Set(portalIds)].filter((id) => findPortal(id)?.books?.importFile);
  if (withFiles.length === 0) return;
  const connections = await database.query<{ id: string }>(
    sql`select c.id from connections c
        where c.organization_id = ${organizationId} and c.enabled
          and c.portal = any(${withFiles}::text[])
          and exists (select from import_files f
            where f.organization_id = c.organization_id and f.connection_id = c.id)`,
  );
  for (const { id: connectionId } of connections) {
    await database.transaction(async (tx) => {
      const again = await lookAgain(tx, { organizationId, connectionId }, now());
      for (const { systemId } of again) {
        const key = `deliver:${organizationId}:${systemId}`;
        await addJob(tx, { task: 'deliver', key, payload: { organizationId, systemId } });
      }
    });
  }
}
