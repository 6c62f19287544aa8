/** Stores documents, each once, and puts them into the inbox; nothing else happens here. */
import { createHash, randomUUID } from 'node:crypto';
import { type Database, type Queryable, sql } from '../db/database.ts';
import { encodeJson } from '../db/json.ts';
import { readWire } from '../portals/kit/wire.ts';
import { maskCards } from './mask-cards.ts';
import { OWN_CONNECTION, type OwnRecordInput, ownRecord } from './own-document.ts';

export type Origin =
  | 'webhook'
  | 'fetch'
  | 'pull'
  | 'file'
  | 'manual'
  | 'api'
  | 'delivery'
  | 'system';

export type NewDocument = {
  readonly organizationId: number;
  readonly connectionId: string;
  readonly origin: Origin;
  /** The same key in a connection is the same document. */
  readonly key: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly authentic: boolean;
  readonly parentId?: bigint;
  readonly settingsVersion: number;
  readonly receivedAt: Date;
};

/** Credentials that senders put into headers; the signatures stay, they are evidence. */
const SECRET_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-access-token',
  'x-api-key',
  'x-nudge-token',
]);

export function storableHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !SECRET_HEADERS.has(name))
      .map(([name, value]) => [name, value.slice(0, 2000)]),
  );
}

const MAX_KEY_BYTES = 200;

/** A key PostgreSQL can hold: short and without control characters; any other is replaced by its hash. */
export function storableKey(key: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const plain = Buffer.byteLength(key) <= MAX_KEY_BYTES && !/[\u0000-\u001f]/.test(key);
  return plain ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/**
 * Stores the documents in one statement and returns the ids of those that are new, in the order given;
 * undefined where the document is known. Card numbers are masked first.
 */
export async function storeDocuments(
  tx: Queryable,
  documents: readonly NewDocument[],
): Promise<readonly (bigint | undefined)[]> {
  if (documents.length === 0) return [];
  const rows = documents.map((document) => ({ ...document, ...maskCards(document.body) }));
  const stored = await tx.query<{ place: bigint; id: bigint | null }>(
    sql`with given as (
          select * from unnest(
            ${rows.map((row) => row.organizationId)}::integer[], ${rows.map((row) => row.connectionId)}::text[],
            ${rows.map((row) => row.origin)}::text[], ${rows.map((row) => storableKey(row.key))}::text[],
            ${rows.map((row) => row.authentic)}::boolean[],
            ${rows.map((row) => createHash('sha256').update(row.body).digest())}::bytea[],
            ${rows.map((row) => encodeJson(storableHeaders(row.headers)))}::text[],
            ${rows.map((row) => row.body)}::bytea[], ${rows.map((row) => row.parentId ?? null)}::bigint[],
            ${rows.map((row) => row.settingsVersion)}::integer[],
            ${rows.map((row) => row.receivedAt.toISOString())}::timestamptz[]
          ) with ordinality as u (organization_id, connection_id, origin, dedupe_key, authentic, sha256,
            headers, body, parent_id, settings_version, received_at, place)
        ), added as (
          insert into documents (organization_id, connection_id, origin, dedupe_key, authentic, sha256,
            headers, body, parent_id, settings_version, received_at)
          select organization_id, connection_id, origin, dedupe_key, authentic, sha256,
            headers::jsonb, body, parent_id, settings_version, received_at
          from given order by place
          on conflict (organization_id, connection_id, dedupe_key) do nothing
          returning organization_id, connection_id, dedupe_key, id
        ), queued as (
          insert into inbox (organization_id, document_id) select organization_id, id from added
        )
        select given.place, added.id from given
        left join added using (organization_id, connection_id, dedupe_key)`,
  );
  const ids: (bigint | undefined)[] = documents.map(() => undefined);
  const told = new Set<bigint>();
  // A document that came twice in one commit is new once.
  for (const { place, id } of stored.sort((left, right) => (left.place < right.place ? -1 : 1))) {
    if (id === null || told.has(id)) continue;
    told.add(id);
    ids[Number(place) - 1] = id;
  }
  return ids;
}

/** The key, within our own connection, of what is entered under one. */
export function ownDocumentKey(key: string): string {
  return storableKey(`own:${key}`);
}

/**
 * Enters what our own side says. With a `key` the same key enters once; without one every call is a new document.
 * @throws WireMismatch when the record does not fit its schema.
 */
export async function storeOwnRecord(
  db: Queryable,
  input: {
    readonly organizationId: number;
    readonly record: OwnRecordInput;
    readonly origin: Extract<Origin, 'manual' | 'api' | 'file' | 'delivery' | 'system'>;
    readonly key?: string;
    readonly receivedAt: Date;
  },
): Promise<{ readonly documentId: bigint; readonly isNew: boolean }> {
  const [stored] = await storeOwnRecords(db, [input]);
  return stored as { documentId: bigint; isNew: boolean };
}

/** Enters many own records in one statement. @throws WireMismatch for the first that does not fit. */
export async function storeOwnRecords(
  db: Queryable,
  inputs: readonly Parameters<typeof storeOwnRecord>[1][],
): Promise<readonly { readonly documentId: bigint; readonly isNew: boolean }[]> {
  const documents = inputs.map((input): NewDocument => {
    readWire(ownRecord, input.record);
    return {
      organizationId: input.organizationId,
      connectionId: OWN_CONNECTION,
      origin: input.origin,
      key: ownDocumentKey(input.key ?? randomUUID()),
      body: Buffer.from(JSON.stringify(input.record)),
      headers: { 'content-type': 'application/json' },
      authentic: true,
      settingsVersion: 1,
      receivedAt: input.receivedAt,
    };
  });
  const ids = await storeDocuments(db, documents);
  const known = documents.filter((_, index) => ids[index] === undefined);
  const byKey = new Map<string, bigint>();
  if (known.length > 0) {
    const rows = await db.query<{ dedupe_key: string; id: bigint }>(
      sql`select dedupe_key, id from documents where organization_id = ${known[0]?.organizationId}
          and connection_id = ${OWN_CONNECTION}
          and dedupe_key = any(${known.map((document) => storableKey(document.key))}::text[])`,
    );
    for (const row of rows) byKey.set(row.dedupe_key, row.id);
  }
  return documents.map((document, index) => ({
    documentId: ids[index] ?? (byKey.get(storableKey(document.key)) as bigint),
    isNew: ids[index] !== undefined,
  }));
}

export type Intake = {
  /** Resolves once the documents are committed; requests at the same time share one commit. */
  accept(documents: readonly NewDocument[]): Promise<readonly (bigint | undefined)[]>;
};

const MAX_COMMITS_AT_ONCE = 2;
const MAX_DOCUMENTS_A_COMMIT = 500;

type Waiting = {
  readonly documents: readonly NewDocument[];
  resolve(ids: readonly (bigint | undefined)[]): void;
  reject(error: unknown): void;
};

/**
 * Group commit: while a commit is on its way to the disk, the requests that arrive gather for the next one, so a
 * flush of some milliseconds is paid by hundreds of requests together and by a lone request without waiting.
 */
export function createIntake(db: Database): Intake {
  const waiting: Waiting[] = [];
  let commits = 0;

  const pump = (): void => {
    while (commits < MAX_COMMITS_AT_ONCE && waiting.length > 0) {
      const group: Waiting[] = [];
      let size = 0;
      while (waiting.length > 0 && size < MAX_DOCUMENTS_A_COMMIT) {
        const request = waiting.shift() as Waiting;
        group.push(request);
        size += request.documents.length;
      }
      commits += 1;
      void commit(group).finally(() => {
        commits -= 1;
        pump();
      });
    }
  };

  const commit = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const ids = await storeDocuments(
        db,
        group.flatMap((request) => request.documents),
      );
      let place = 0;
      for (const request of group) {
        request.resolve(ids.slice(place, place + request.documents.length));
        place += request.documents.length;
      }
    } catch (error) {
      const [only] = group;
      if (group.length === 1) return only?.reject(error);
      // One request's fault must not cost the others their acknowledgement.
      for (const request of group) await commit([request]);
    }
  };

  return {
    accept: (documents) =>
      new Promise((resolve, reject) => {
        waiting.push({ documents, resolve, reject });
        // Requests parsed in the same turn of the event loop join the same commit.
        setImmediate(pump);
      }),
  };
}
