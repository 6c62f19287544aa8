/** One batch of an organization's documents, applied in one transaction by its only writer. */
import { type Database, type Queryable, sql } from '../db/database.ts';
import { addJob } from '../db/jobs.ts';
import type { FetchRequest, Portal } from '../portals/contract.ts';
import { findPortal } from '../portals/index.ts';
import {
  type Books,
  type ConnectionFacts,
  type Head,
  type Organization,
  openBooks,
} from './books.ts';
import { decide, type Outcome, type Reading } from './decide.ts';
import { loadBooks } from './load.ts';
import { readDocument, type StoredDocument } from './read.ts';
import { wantedBy } from './wanted.ts';
import { writeBooks, writeDeliveries } from './write.ts';

/** The channel on which each applied batch is announced as `<organizationId>:<sequence>`. */
export const BOOKS_CHANNEL = 'checkvalve_books';
const BATCH_BYTES = 16 * 1024 * 1024;

export type BatchResult =
  /** Another node is applying this organization's documents. */
  | { readonly state: 'busy' }
  | { readonly state: 'idle' }
  | {
      readonly state: 'applied';
      readonly outcomes: readonly Outcome[];
      readonly portals: readonly string[];
      readonly receivedAt: readonly string[];
    };

/**
 * Applies up to `limit` documents. The organization's head row, locked for the transaction, makes the caller its
 * only writer. `setAside` quarantines the first document instead, with that reason.
 */
export function applyBatch(
  db: Database,
  input: {
    readonly organizationId: number;
    readonly limit: number;
    readonly now: Date;
    readonly setAside?: string;
  },
): Promise<BatchResult> {
  return db.transaction(async (tx) => {
    const head = await lockHead(tx, input.organizationId);
    if (!head) return { state: 'busy' };
    const documents = await readInbox(tx, input.organizationId, input.limit);
    if (documents.length === 0) return { state: 'idle' };
    const organization = await readOrganization(tx, input.organizationId);
    const appliedAt = input.now.toISOString();
    const batch = documents.map((document) => {
      const { reading, fetch } = input.setAside
        ? { reading: { quarantined: input.setAside }, fetch: [] }
        : readDocument(document);
      return { document: { ...document, appliedAt }, reading, fetch };
    });
    const books = openBooks(organization, head);
    const outcomes = await applyDocuments(tx, books, batch);
    await writeFetches(tx, books, batch);
    await writeDeliveries(tx, books);
    await tx.execute(
      sql`delete from inbox where organization_id = ${organization.id}
          and document_id = any(${outcomes.map((outcome) => outcome.documentId)}::bigint[])`,
    );
    const announcement = `${organization.id}:${head.documentSequence}`;
    await tx.query(sql`select pg_notify(${BOOKS_CHANNEL}, ${announcement})`);
    return {
      state: 'applied',
      outcomes,
      portals: documents.map((document) => document.portal),
      receivedAt: documents.map((document) => document.receivedAt),
    };
  });
}

/** Loads, decides and writes; shared by the applier and the rebuild. */
export async function applyDocuments(
  tx: Queryable,
  books: Books,
  batch: readonly { readonly document: StoredDocument; readonly reading: Reading }[],
): Promise<readonly Outcome[]> {
  await loadBooks(tx, books, wantedBy(batch, books.organization));
  const outcomes = batch.map(({ document, reading }) => decide(books, document, reading));
  await writeBooks(tx, books, outcomes);
  return outcomes;
}

async function lockHead(tx: Queryable, organizationId: number): Promise<Head | undefined> {
  const [head] = await tx.query<Head>(
    sql`select document_sequence as "documentSequence", entry_sequence as "entrySequence",
               entry_hash as "entryHash", last_id as "lastId"
        from organization_heads where organization_id = ${organizationId}
        for update skip locked`,
  );
  return head;
}

/** The oldest waiting documents, as many as fit a batch's bytes, at least one. */
async function readInbox(
  tx: Queryable,
  organizationId: number,
  limit: number,
): Promise<readonly StoredDocument[]> {
  const rows = await tx.query<Omit<StoredDocument, 'appliedAt'>>(
    sql`with waiting as (
          select d.id, sum(octet_length(d.body)) over (order by d.id) - octet_length(d.body) as bytes_before
          from (select document_id from inbox where organization_id = ${organizationId}
                order by document_id limit ${limit}) i
          join documents d on d.organization_id = ${organizationId} and d.id = i.document_id
        )
        select ${documentColumns} from waiting
        join documents d on d.organization_id = ${organizationId} and d.id = waiting.id
        ${documentJoins}
        where waiting.bytes_before < ${BATCH_BYTES}
        order by d.id`,
  );
  return withSharedSettings(rows).map((row) => ({ ...row, appliedAt: '' }));
}

export const documentColumns = sql`d.id, d.connection_id as "connectionId", d.sha256,
  d.received_at as "receivedAt", c.portal, d.authentic, d.headers, d.body,
  d.settings_version as "settingsVersion", s.public_settings::text as "settingsText"`;

export const documentJoins = sql`join connections c
    on c.organization_id = d.organization_id and c.id = d.connection_id
  join connection_settings s on s.organization_id = d.organization_id
    and s.connection_id = d.connection_id and s.version = d.settings_version`;

const sharedSettings = new Map<string, unknown>();
const MAX_SHARED_SETTINGS = 1000;

/** Equal settings become one object, so that they are parsed once. */
export function withSharedSettings<Row extends object>(
  rows: readonly Row[],
): readonly (Row & { publicSettings: unknown; mirrorOnly: boolean })[] {
  return rows.map((row) => {
    const text = (row as { settingsText?: string }).settingsText ?? '{}';
    let publicSettings = sharedSettings.get(text);
    if (publicSettings === undefined) {
      if (sharedSettings.size >= MAX_SHARED_SETTINGS) sharedSettings.clear();
      publicSettings = JSON.parse(text);
      sharedSettings.set(text, publicSettings);
    }
    return { ...row, publicSettings, mirrorOnly: isMirrorOnly(publicSettings) };
  });
}

/** Settings are text when a person typed them and a boolean when a program did. */
function isMirrorOnly(publicSettings: unknown): boolean {
  return String((publicSettings as { mirrorOnly?: unknown }).mirrorOnly ?? false) === 'true';
}

/** The facts about an organization that decisions depend on. */
export async function readOrganization(
  tx: Queryable,
  organizationId: number,
): Promise<Organization> {
  const [row] = await tx.query<{
    time_zone: string;
    installation: string;
    connections: Pick<ConnectionFacts, 'id' | 'portal' | 'role'>[];
    systems: {
      id: string;
      kind: 'webhook' | 'servicemobility' | 'books';
      connection_id: string | null;
      topics: string[] | null;
    }[];
  }>(
    sql`select o.time_zone, o.installation,
          (select coalesce(json_agg(json_build_object('id', c.id, 'portal', c.portal, 'role', c.role)), '[]')
           from connections c where c.organization_id = o.organization_id) as connections,
          (select coalesce(json_agg(json_build_object('id', s.id, 'kind', s.kind, 'connection_id', s.connection_id,
             'topics', case when s.kind <> 'books' then s.public_settings -> 'topics' end) order by s.id), '[]')
           from systems s where s.organization_id = o.organization_id and s.enabled) as systems
        from organizations o where o.organization_id = ${organizationId}`,
  );
  if (!row) throw new Error(`organization ${organizationId} does not exist`);
  return {
    id: organizationId,
    timeZone: row.time_zone,
    installation: row.installation,
    connections: new Map(
      row.connections.map((one) => [one.id, { ...one, ...factsOfPortal(findPortal(one.portal)) }]),
    ),
    systems: row.systems.map((one) => ({
      id: one.id,
      kind: one.kind,
      connectionId: one.connection_id,
      topics: one.topics,
    })),
  };
}

/** What the engine must know of a connection's portal; our own side shows what people know of any portal. */
function factsOfPortal(
  portal: Portal | undefined,
): Omit<ConnectionFacts, 'id' | 'portal' | 'role'> {
  return {
    unitSetting: portal?.unitSetting ?? null,
    relays: portal === undefined || portal.relays === true || portal.books !== undefined,
    tellsRefunds: portal?.tells.includes('refund.succeeded') ?? false,
    payoutNames: portal?.payoutNames ?? (portal ? [portal.name] : []),
  };
}

/** Notices that only name an object become fetches; several for one object become one. */
async function writeFetches(
  tx: Queryable,
  books: Books,
  batch: readonly { readonly document: StoredDocument; readonly fetch: readonly FetchRequest[] }[],
): Promise<void> {
  const wanted = new Map<
    string,
    FetchRequest & { connectionId: string; noticeId: bigint; dueAt: string }
  >();
  for (const { document, fetch } of batch) {
    for (const request of fetch) {
      wanted.set(`${document.connectionId} ${request.entity} ${request.id}`, {
        ...request,
        connectionId: document.connectionId,
        noticeId: document.id,
        dueAt: document.appliedAt,
      });
    }
  }
  if (wanted.size === 0) return;
  const fetches = [...wanted.values()];
  const organizationId = books.organization.id;
  await tx.execute(
    sql`insert into fetches as f
          (organization_id, connection_id, entity, external_id, notice_id, due_at, state)
        select ${organizationId}::integer, u.*, 'waiting' from unnest(
          ${fetches.map((one) => one.connectionId)}::text[], ${fetches.map((one) => one.entity)}::text[],
          ${fetches.map((one) => one.id)}::text[], ${fetches.map((one) => one.noticeId)}::bigint[],
          ${fetches.map((one) => one.dueAt)}::timestamptz[]) u
        on conflict (organization_id, connection_id, entity, external_id) do update
        set notice_id = excluded.notice_id, due_at = excluded.due_at, state = 'waiting',
            attempts = 0, version = f.version + 1`,
  );
  for (const connectionId of new Set(fetches.map((one) => one.connectionId))) {
    await addJob(tx, {
      task: 'fetch',
      key: `fetch:${organizationId}:${connectionId}`,
      payload: { organizationId, connectionId },
    });
  }
}
