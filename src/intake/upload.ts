/** Files that people bring: taken apart by their portal, and stored through the same door as everything else. */
import { createHash } from 'node:crypto';
import { type Database, type Queryable, sql } from '../db/database.ts';
import type { Normalized, Portal, SplitDocument } from '../portals/contract.ts';
import { recordAudit } from './audit.ts';
import type { Connection } from './connections.ts';
import { type NewDocument, storableKey, storeDocuments } from './store.ts';

export type Uploaded = {
  /** How many documents the file holds. */
  readonly documents: number;
  readonly new: number;
  /** Came before, with this file or another one that overlaps. */
  readonly known: number;
  /** What of the file no event can be made of, each reason once. */
  readonly setAside: readonly string[];
};

/** A file that cannot be taken in; `message` is a sentence for the person who brought it. */
export class NotUploadable extends Error {
  override readonly name = 'NotUploadable';
  readonly because: 'no-files' | 'disabled' | 'empty' | 'too-large' | 'unreadable';
  constructor(because: NotUploadable['because'], message: string) {
    super(message);
    this.because = because;
  }
}

const AT_ONCE = 500;
const MOST_REASONS = 20;

/**
 * Stores the documents of a file, each once and all or none. The same file again, or one that overlaps, is free.
 * What was set aside or ignored under former settings is stored once more under today's, to be read by them.
 * @throws NotUploadable
 */
export async function storeUpload(
  { database, now }: { readonly database: Database; readonly now: () => Date },
  upload: {
    readonly connection: Connection;
    readonly body: Buffer;
    /** Who brings it, for the audit. */
    readonly actor: string;
    /** What the person calls it, where that is known. */
    readonly name?: string;
  },
): Promise<Uploaded> {
  const { connection, body, actor, name } = upload;
  objectTo(connection, body);
  const parts = connection.portal.split(body, {});
  const receivedAt = now();
  return database.transaction(async (tx) => {
    const known: SplitDocument[] = [];
    const fresh: SplitDocument[] = [];
    for (let from = 0; from < parts.length; from += AT_ONCE) {
      const some = parts.slice(from, from + AT_ONCE);
      const ids = await storeDocuments(tx, documentsOf(connection, some, receivedAt));
      some.forEach((part, at) => {
        (ids[at] === undefined ? known : fresh).push(part);
      });
    }
    const again = await readableAgain(tx, connection, known);
    for (let from = 0; from < again.length; from += AT_ONCE) {
      const some = again.slice(from, from + AT_ONCE);
      const ids = await storeDocuments(tx, documentsOf(connection, some, receivedAt));
      fresh.push(...some.filter((_, at) => ids[at] !== undefined));
    }
    const result: Uploaded = {
      documents: parts.length,
      new: fresh.length,
      known: parts.length - fresh.length,
      setAside: reasons(connection, parts, receivedAt),
    };
    await recordAudit(tx, {
      organizationId: connection.organizationId,
      actor,
      verb: 'connection.file-uploaded',
      subject: connection.id,
      details: {
        ...(name === undefined ? {} : { name }),
        sha256: createHash('sha256').update(body).digest('hex'),
        size: body.length,
        documents: result.documents,
        new: result.new,
        ...(result.setAside.length > 0 ? { setAside: result.setAside } : {}),
      },
    });
    return result;
  });
}

function objectTo({ portal, name, enabled }: Connection, body: Buffer): void {
  const limit = portal.uploadLimitBytes;
  if (limit === undefined) {
    throw new NotUploadable('no-files', `${portal.name} has no files that could be uploaded`);
  }
  if (!enabled) throw new NotUploadable('disabled', `the connection ${name} is switched off`);
  if (body.length === 0) throw new NotUploadable('empty', 'the file is empty');
  if (body.length > limit) throw tooLarge(portal, body.length);
}

/** What stands against a file of so many bytes, which need not be read for it. */
export function tooLarge({ name, uploadLimitBytes: limit }: Portal, bytes: number): NotUploadable {
  const message = `the file has ${bytes} bytes; of ${name} at most ${limit} are taken at once`;
  return new NotUploadable('too-large', message);
}

function documentsOf(
  { organizationId, id, settingsVersion }: Connection,
  parts: readonly SplitDocument[],
  receivedAt: Date,
): readonly NewDocument[] {
  return parts.map(({ key, body }) => ({
    organizationId,
    connectionId: id,
    origin: 'file',
    key,
    body,
    headers: {},
    // The person who brings it was let in by a key of theirs.
    authentic: true,
    settingsVersion,
    receivedAt,
  }));
}

/** Known documents without effect, that came under other settings than today's; under a key of today's settings. */
async function readableAgain(
  tx: Queryable,
  { organizationId, id, settingsVersion }: Connection,
  known: readonly SplitDocument[],
): Promise<readonly SplitDocument[]> {
  if (known.length === 0) return [];
  const keys = known.map(({ key }) => storableKey(key));
  const rows = await tx.query<{ key: string }>(sql`
    select d.dedupe_key as key from documents d
    where d.organization_id = ${organizationId} and d.connection_id = ${id}
      and d.dedupe_key = any(${keys}::text[]) and d.settings_version < ${settingsVersion}
      and not exists (select from inbox i
        where i.organization_id = d.organization_id and i.document_id = d.id)
      and not exists (select from outcomes o where o.organization_id = d.organization_id
        and o.document_id = d.id and o.status = 'applied')`);
  const idle = new Set(rows.map(({ key }) => key));
  return known
    .filter(({ key }) => idle.has(storableKey(key)))
    .map(({ key, body }) => ({ key: `${storableKey(key)}:settings-${settingsVersion}`, body }));
}

/** What the books will say of it, said at once to the person who can mend it. */
function reasons(
  { portal, settings }: Connection,
  parts: readonly SplitDocument[],
  receivedAt: Date,
): readonly string[] {
  const found = new Set<string>();
  for (const { body } of parts) {
    const read = readPart(() => portal.normalize({ body, headers: {}, receivedAt }, settings));
    if ('quarantined' in read) found.add(read.quarantined);
    if (found.size >= MOST_REASONS) break;
  }
  return [...found];
}

function readPart(read: () => Normalized): Normalized {
  try {
    return read();
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}
