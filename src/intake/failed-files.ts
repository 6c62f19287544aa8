/** The database's copy of what lies in the `failed` folders, for everybody who cannot look into them. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, type Queryable, sql } from '../db/database.ts';
import { type Folder, REASON_ENDING } from './watched-folder.ts';

/** So long after a directory of folders was last looked into it is not believed to exist any more. */
const FORGOTTEN_DAYS = 2;

export type FailedFile = {
  readonly connectionId: string;
  readonly name: string;
  readonly because: string;
  readonly failedAt: string;
};

/** The name of a directory of folders, given when it is first used and kept in it: nodes may share it. */
export async function nameOfDirectory(filesDirectory: string): Promise<string> {
  await mkdir(filesDirectory, { recursive: true });
  const path = join(filesDirectory, '.directory');
  const read = () => readFile(path, 'utf8').catch(() => '');
  if ((await read()) === '') {
    const draft = `${path}-${randomUUID()}`;
    await writeFile(draft, randomUUID());
    // A link does not replace what another node has put there meanwhile; some file systems have no links.
    await link(draft, path).then(
      () => unlink(draft),
      ({ code }: NodeJS.ErrnoException) =>
        code === 'EEXIST' ? unlink(draft) : rename(draft, path),
    );
  }
  return read();
}

/** Names in a `failed` folder, without the reasons beside them. */
export async function namesOfFailed(folder: Folder): Promise<readonly string[]> {
  const names = await readdir(folder.failed);
  return names.filter((name) => !name.endsWith(REASON_ENDING)).sort();
}

/** Makes the copy of one folder what the folder is. A person who takes a file out of it has dealt with it. */
export async function mirrorFailed(
  { database, now }: { readonly database: Database; readonly now: () => Date },
  place: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly directory: string;
    readonly folder: Folder;
    readonly names: readonly string[];
  },
): Promise<void> {
  const { organizationId, connectionId, directory, folder, names } = place;
  const reasons = await Promise.all(
    names.map((name) =>
      readFile(join(folder.failed, name + REASON_ENDING), 'utf8').then(
        (text) => text.trim(),
        () => 'nothing says why',
      ),
    ),
  );
  const at = now().toISOString();
  await database.transaction(async (tx) => {
    await tx.execute(
      sql`delete from failed_files where organization_id = ${organizationId}
            and connection_id = ${connectionId} and directory = ${directory}
            and name <> all(${names}::text[])`,
    );
    await tx.execute(
      sql`insert into failed_files
            (organization_id, connection_id, directory, name, because, failed_at, seen_at)
          select ${organizationId}::integer, ${connectionId}, ${directory}, u.name, u.because,
            ${at}::timestamptz, now()
          from unnest(${names}::text[], ${reasons}::text[]) u (name, because)
          on conflict (organization_id, connection_id, directory, name) do update
          set because = excluded.because, seen_at = excluded.seen_at`,
    );
  });
}

/** What lies in the `failed` folders of these connections. */
export function readFailedFiles(
  tx: Queryable,
  organizationId: number,
  connectionIds: readonly string[],
): Promise<readonly FailedFile[]> {
  return tx.query<FailedFile>(
    sql`select connection_id as "connectionId", name, because, failed_at as "failedAt"
        from failed_files
        where organization_id = ${organizationId} and connection_id = any(${connectionIds}::text[])
          and seen_at > now() - ${FORGOTTEN_DAYS} * interval '1 day'
        order by failed_at, name`,
  );
}
