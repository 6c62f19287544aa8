/** The notes that recording payments in the books leaves, beside the documents: they say what we did, not what is. */
import { type Queryable, sql } from '../db/database.ts';
import type { RecordingNote, RecordingNotes } from '../portals/contract.ts';

type Where = { readonly organizationId: number; readonly connectionId: string };

/** The notes of one payment in one connection. */
export function notesOf(
  { database, now }: { readonly database: Queryable; readonly now: () => Date },
  { organizationId, connectionId, paymentId }: Where & { readonly paymentId: string },
): RecordingNotes {
  return {
    keep: async (about, text) => {
      await database.execute(
        sql`insert into recording_notes (organization_id, connection_id, about, payment_id, text, updated_at)
            values (${organizationId}, ${connectionId}, ${about}, ${paymentId}, ${text},
              ${now().toISOString()}::timestamptz)
            on conflict (organization_id, connection_id, about, payment_id) do update
            set text = excluded.text, updated_at = excluded.updated_at`,
      );
    },
    kept: () =>
      database.query<RecordingNote>(
        sql`select payment_id as "paymentId", about, text from recording_notes
            where organization_id = ${organizationId} and connection_id = ${connectionId}
              and payment_id = ${paymentId}
            order by about`,
      ),
  };
}

/** What recording left about these, of any payment. */
export function notesAbout(
  database: Queryable,
  { organizationId, connectionId }: Where,
  abouts: readonly string[],
): Promise<readonly RecordingNote[]> {
  return database.query<RecordingNote>(
    sql`select payment_id as "paymentId", about, text from recording_notes
        where organization_id = ${organizationId} and connection_id = ${connectionId}
          and about = any(${[...abouts]}::text[])
        order by about, payment_id`,
  );
}
