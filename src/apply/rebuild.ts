/** Replays every document from its bytes into a scratch schema and compares the books byte for byte. */
import { connectDatabase, type Database, type Queryable, raw, sql } from '../db/database.ts';
import {
  applyDocuments,
  documentColumns,
  documentJoins,
  readOrganization,
  withSharedSettings,
} from './apply-batch.ts';
import { type Head, openBooks } from './books.ts';
import type { Reading } from './decide.ts';
import { readDocument, type StoredDocument } from './read.ts';
import { BOOK_TABLES } from './write.ts';

export type RebuildResult = {
  readonly ok: boolean;
  readonly documents: number;
  /** Rows that differ, and documents that today's code reads otherwise, in sentences. */
  readonly differences: readonly string[];
};

const PAGE = 500;
const MAX_DIFFERENCES = 20;

type Attempt = StoredDocument & {
  readonly sequence: bigint;
  readonly status: 'applied' | 'ignored' | 'quarantined';
  readonly reason: string | null;
};

/**
 * Rebuilds an organization's books beside the real ones and compares. Waits for nothing: documents applied while it
 * runs are left out of the comparison by reading one snapshot. The scratch schema is always dropped again.
 */
export async function checkRebuild(
  db: Database,
  organizationId: number,
  onProgress: (documents: number) => void = () => {},
): Promise<RebuildResult> {
  const schema = `checkvalve_rebuild_${organizationId}`;
  await db.execute(sql`drop schema if exists ${raw(schema)} cascade`);
  await db.execute(sql`create schema ${raw(schema)}`);
  const scratch = connectDatabase(db.url, {
    poolSize: 1,
    searchPath: `${schema},public`,
    onlyByIndex: true,
  });
  try {
    return await scratch.transaction(async (tx) => {
      // The lock keeps the applier waiting, so both sides end at the same document.
      await tx.query(
        sql`select from public.organization_heads where organization_id = ${organizationId} for update`,
      );
      await createScratchTables(tx, schema, organizationId);
      const { documents, notes } = await replayAll(tx, organizationId, onProgress);
      const differences = [...notes, ...(await compare(tx, schema, organizationId))];
      return {
        ok: differences.length === 0,
        documents,
        differences: differences.slice(0, MAX_DIFFERENCES),
      };
    });
  } finally {
    await scratch.close();
    await db.execute(sql`drop schema if exists ${raw(schema)} cascade`);
  }
}

async function createScratchTables(
  tx: Queryable,
  schema: string,
  organizationId: number,
): Promise<void> {
  for (const table of BOOK_TABLES) {
    await tx.execute(
      sql`create table ${raw(`${schema}.${table}`)} (like ${raw(`public.${table}`)}
          including defaults including generated including indexes including constraints)`,
    );
  }
  await tx.execute(
    sql`insert into ${raw(`${schema}.organization_heads`)} (organization_id) values (${organizationId})`,
  );
}

async function replayAll(
  tx: Queryable,
  organizationId: number,
  onProgress: (documents: number) => void,
) {
  const organization = await readOrganization(tx, organizationId);
  const notes: string[] = [];
  let documents = 0;
  let after = 0n;
  let analyseAt = PAGE;
  for (;;) {
    const attempts = await readAttempts(tx, organizationId, after);
    const last = attempts.at(-1);
    if (!last) return { documents, notes };
    const [head] = await tx.query<Head>(
      sql`select document_sequence as "documentSequence", entry_sequence as "entrySequence",
            entry_hash as "entryHash", last_id as "lastId"
          from organization_heads where organization_id = ${organizationId}`,
    );
    const batch = attempts.map((document) => ({ document, reading: readingOf(document, notes) }));
    await applyDocuments(tx, openBooks(organization, head as Head), batch);
    documents += attempts.length;
    after = last.sequence;
    onProgress(documents);
    if (documents >= analyseAt) {
      await analyseScratch(tx);
      analyseAt = documents * 2;
    }
  }
}

/** Nobody else sees the scratch tables of this transaction, so nobody else can tell the planner how they grow. */
async function analyseScratch(tx: Queryable): Promise<void> {
  await tx.execute(sql`analyze ${raw(BOOK_TABLES.join(', '))}`);
}

async function readAttempts(
  tx: Queryable,
  organizationId: number,
  after: bigint,
): Promise<readonly Attempt[]> {
  const rows = await tx.query<Attempt>(
    sql`select ${documentColumns}, o.sequence, o.status, o.reason, o.applied_at as "appliedAt"
        from public.outcomes o
        join documents d on d.organization_id = o.organization_id and d.id = o.document_id
        ${documentJoins}
        where o.organization_id = ${organizationId} and o.sequence > ${after}
        order by o.sequence limit ${PAGE}`,
  );
  return withSharedSettings(rows);
}

/** Refusals were decided by the code of their day and stay; what was applied is read again by today's. */
function readingOf(document: Attempt, notes: string[]): Reading {
  if (document.status === 'quarantined') return { quarantined: document.reason ?? '' };
  if (document.status === 'ignored') return { ignored: document.reason ?? '' };
  const { reading } = readDocument(document);
  if ('ignored' in reading || 'quarantined' in reading) {
    const why =
      'ignored' in reading
        ? `ignores it: ${reading.ignored}`
        : `quarantines it: ${reading.quarantined}`;
    notes.push(`doc_${document.id} was applied, but today's code ${why}`);
  }
  return reading;
}

async function compare(
  tx: Queryable,
  schema: string,
  organizationId: number,
): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const table of BOOK_TABLES) {
    const rows = await tx.query<{ side: string; row: string }>(
      sql`select * from (
            (select 'only in the books' as side, r::text as row from ${raw(`public.${table}`)} r
               where organization_id = ${organizationId}
             except all
             select 'only in the books', r::text from ${raw(`${schema}.${table}`)} r)
            union all
            (select 'only in the rebuild', r::text from ${raw(`${schema}.${table}`)} r
             except all
             select 'only in the rebuild', r::text from ${raw(`public.${table}`)} r
               where organization_id = ${organizationId})
          ) differing limit ${MAX_DIFFERENCES}`,
    );
    for (const { side, row } of rows) differences.push(`${table}, ${side}: ${row.slice(0, 300)}`);
  }
  return differences;
}
