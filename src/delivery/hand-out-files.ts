/**
 * Puts import files where people take them from: into `out` of their connection's folder, in every directory of folders
 * once. A file is not put there again, because who took it may have imported it, and books do not notice a repetition.
 */
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Database, sql } from '../db/database.ts';
import { nameOfDirectory } from '../intake/failed-files.ts';
import { folderOf, requireDirectory } from '../intake/watched-folder.ts';

export type HandOutContext = {
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Logger;
  readonly filesDirectory: string;
};

type Due = {
  readonly organizationId: number;
  readonly id: bigint;
  readonly connectionId: string;
  readonly name: string;
};

const EVERY_MS = 5_000;
/** What has waited longer is downloaded by whoever still wants it. */
const LONGEST_MS = 30 * 86_400_000;

/** Looks every few seconds for files that are not there yet, whoever wrote them. */
export function startHandingOut(ctx: HandOutContext): { stop(): Promise<void> } {
  let handing: Promise<void> | undefined;
  let told: string | undefined;
  const tell = (error: Error | undefined): void => {
    if (error && error.message !== told) {
      ctx.log.error({ err: error }, 'an import file cannot be put into its folder');
    }
    told = error?.message;
  };
  const hand = (): void => {
    handing ??= handOutFiles(ctx)
      .then(
        () => tell(undefined),
        (error: Error) => tell(error),
      )
      .finally(() => {
        handing = undefined;
      });
  };
  hand();
  const timer = setInterval(hand, EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await handing;
    },
  };
}

/** Puts every file there that nobody has downloaded and that has not been there. */
export async function handOutFiles(ctx: HandOutContext): Promise<void> {
  const { database, filesDirectory } = ctx;
  const since = new Date(ctx.now().getTime() - LONGEST_MS).toISOString();
  const isWaiting = sql`f.first_downloaded_at is null and f.created_at > ${since}::timestamptz`;
  const [any] = await database.query(sql`select from import_files f where ${isWaiting} limit 1`);
  if (!any) return;
  const directory = await nameOfDirectory(filesDirectory);
  const due = await database.query<Due>(
    sql`select f.organization_id as "organizationId", f.id, f.connection_id as "connectionId", f.name
        from import_files f
        join connections c on c.organization_id = f.organization_id and c.id = f.connection_id
        where ${isWaiting} and c.enabled
          and not exists (
            select from import_file_copies y where y.organization_id = f.organization_id
              and y.file_id = f.id and y.directory = ${directory})
          and exists (
            select from import_file_entries e
            join deliveries d on d.organization_id = e.organization_id and d.id = e.delivery_id
            where e.organization_id = f.organization_id and e.file_id = f.id
              and d.state in ('waiting', 'parked'))
        order by f.organization_id, f.id`,
  );
  // A folder that cannot be written to must not keep files from the others.
  const troubles: unknown[] = [];
  for (const file of due) {
    await handOut(ctx, directory, file).catch((error) => troubles.push(error));
  }
  if (troubles.length > 0) throw troubles[0];
}

/** Of nodes that share a directory one writes at a time: the others wait at its row, and find it written. */
async function handOut(
  { database, now, filesDirectory }: HandOutContext,
  directory: string,
  { organizationId, id, connectionId, name }: Due,
): Promise<void> {
  await database.transaction(async (tx) => {
    const added = await tx.execute(
      sql`insert into import_file_copies (organization_id, file_id, directory, written_at)
          values (${organizationId}, ${id}, ${directory}, ${now().toISOString()}::timestamptz)
          on conflict do nothing`,
    );
    if (added === 0) return;
    const [file] = await tx.query<{ body: Buffer }>(
      sql`select body from import_files where organization_id = ${organizationId} and id = ${id}`,
    );
    const { path, out } = folderOf(filesDirectory, connectionId);
    await mkdir(out, { recursive: true });
    for (const one of [path, out]) await requireDirectory(one);
    if (file) await writeWhole(out, name, file.body);
  });
}

/** Whoever watches the folder sees the file whole or not at all. */
async function writeWhole(folder: string, name: string, body: Buffer): Promise<void> {
  const draft = join(folder, `.${name}.part`);
  const opened = await open(draft, 'w');
  try {
    await opened.writeFile(body);
    await opened.sync();
  } finally {
    await opened.close();
  }
  await rename(draft, join(folder, name));
}
