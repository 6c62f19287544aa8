/** The notes that recording payments in the books leaves, beside the documents: they say what we did, not what is. */
import { type Database, type Queryable, type Sql, sql } from '../db/database.ts';
import type { RecordingNote, RecordingNotes } from '../portals/contract.ts';

type Where = { readonly organizationId: number; readonly connectionId: string };

/** The notes of one payment in one connection. */
export function notesOf(
  { database, now }: { readonly database: Database; readonly now: () => Date },
  { organizationId, connectionId, paymentId }: Where & { readonly paymentId: string },
): RecordingNotes {
  const ofConnection = sql`organization_id = ${organizationId} and connection_id = ${connectionId}`;
  const keep = (tx: Queryable, about: string, text: string) =>
    tx.execute(
      sql`insert into recording_notes (organization_id, connection_id, about, payment_id, text, updated_at)
          values (${organizationId}, ${connectionId}, ${about}, ${paymentId}, ${text},
            ${now().toISOString()}::timestamptz)
          on conflict (organization_id, connection_id, about, payment_id) do update
          set text = excluded.text, updated_at = excluded.updated_at`,
    );
  return {
    keep: async (about, text) => void (await keep(database, about, text)),
    keepUnless: (about, text, inTheWay) =>
      database.transaction(async (tx) => {
        // Whoever keeps one this way waits here for the others, so each sees the notes of those before it.
        await tx.query(
          sql`select from connections where organization_id = ${organizationId} and id = ${connectionId}
              for no key update`,
        );
        const others = sql`${ofConnection} and about = ${about} and payment_id <> ${paymentId}`;
        const hindrance = (await readNotes(tx, others)).find(inTheWay);
        if (!hindrance) await keep(tx, about, text);
        return hindrance;
      }),
    kept: () => readNotes(database, sql`${ofConnection} and payment_id = ${paymentId}`),
  };
}

/** What recording left about these, of any payment. */
export function notesAbout(
  database: Queryable,
  { organizationId, connectionId }: Where,
  abouts: readonly string[],
): Promise<readonly RecordingNote[]> {
  return readNotes(
    database,
    sql`organization_id = ${organizationId} and connection_id = ${connectionId}
        and about = any(${[...abouts]}::text[])`,
  );
}

async function readNotes(tx: Queryable, condition: Sql): Promise<readonly RecordingNote[]> {
  const rows = await tx.query<Omit<RecordingNote, 'keptAt'> & { readonly keptAt: string }>(
    sql`select payment_id as "paymentId", about, text, updated_at as "keptAt" from recording_notes
        where ${condition} order by about, payment_id`,
  );
  return rows.map((row) => ({ ...row, keptAt: new Date(row.keptAt) }));
}
