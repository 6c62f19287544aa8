/** What people do with import files: ask for one now, and take one away. */
import { type Database, sql } from '../db/database.ts';
import { recordAudit } from '../intake/audit.ts';
import { loadConnection } from '../intake/connections.ts';
import type { Sealer } from '../intake/sealing.ts';
import { cutImportFile } from './cut-import-file.ts';
import { goesByFile } from './plan-by-file.ts';
import { loadSystem } from './systems.ts';

type Context = { readonly database: Database; readonly sealer: Sealer; readonly now: () => Date };

/** No file can be had; `message` is a sentence. */
export class NoImportFile extends Error {
  override readonly name = 'NoImportFile';
}

/** Cuts a file of what waits, without waiting for more. @throws NoImportFile where nothing waits, or ever will */
export async function requestImportFile(
  ctx: Context,
  asked: { readonly organizationId: number; readonly systemId: string; readonly actor: string },
): Promise<{ readonly id: bigint; readonly name: string }> {
  const { organizationId, systemId, actor } = asked;
  const where = { organizationId, id: systemId };
  const system = await loadSystem({ tx: ctx.database, sealer: ctx.sealer }, where);
  const connection =
    system?.kind === 'books'
      ? await loadConnection(ctx, system.connectionId, organizationId)
      : undefined;
  if (!connection || !goesByFile(connection.portal, connection.settings)) {
    throw new NoImportFile(`${system?.name ?? systemId} takes no import files.`);
  }
  if (!system?.enabled || !connection.enabled) {
    throw new NoImportFile(`${connection.name} is switched off.`);
  }
  const file = await cutImportFile(ctx, { systemId, connection });
  if (!file) throw new NoImportFile('Nothing waits to be written into an import file.');
  await recordAudit(ctx.database, {
    organizationId,
    actor,
    verb: 'import-file.cut',
    subject: systemId,
    details: { name: file.name, entries: file.deliveries.size },
  });
  return file;
}

/** The bytes of a file, which counts as downloaded from now on; undefined when there is none. */
export function downloadImportFile(
  { database, now }: Pick<Context, 'database' | 'now'>,
  asked: { readonly organizationId: number; readonly id: bigint; readonly actor: string },
): Promise<{ readonly name: string; readonly body: Buffer } | undefined> {
  const { organizationId, id, actor } = asked;
  return database.transaction(async (tx) => {
    const [file] = await tx.query<{ name: string; body: Buffer; systemId: string }>(
      sql`select name, body, system_id as "systemId" from import_files
          where organization_id = ${organizationId} and id = ${id}`,
    );
    if (!file) return undefined;
    await tx.execute(
      sql`update import_files set first_downloaded_at = ${now().toISOString()}::timestamptz
          where organization_id = ${organizationId} and id = ${id} and first_downloaded_at is null`,
    );
    await recordAudit(tx, {
      organizationId,
      actor,
      verb: 'import-file.downloaded',
      subject: file.systemId,
      details: { name: file.name },
    });
    return file;
  });
}
