/** Puts a quarantined document back into the inbox, for today's code to read again. */
import { type Database, sql } from '../db/database.ts';

export type ReplayResult =
  | { readonly status: 'queued' }
  | { readonly status: 'refused'; readonly reason: string };

/** A document that was applied or ignored has its effect; only a quarantined one can be tried again. */
export async function replayDocument(
  db: Database,
  organizationId: number,
  documentId: bigint,
): Promise<ReplayResult> {
  return db.transaction(async (tx) => {
    const [document] = await tx.query<{ waiting: boolean; status: string | null }>(
      sql`select exists (select from inbox i where i.organization_id = d.organization_id and i.document_id = d.id)
              as waiting,
            (select o.status from outcomes o where o.organization_id = d.organization_id and o.document_id = d.id
             order by o.sequence desc limit 1) as status
          from documents d where d.organization_id = ${organizationId} and d.id = ${documentId}`,
    );
    if (!document) return { status: 'refused', reason: `doc_${documentId} does not exist` };
    if (document.waiting) return { status: 'queued' };
    if (document.status !== 'quarantined') {
      return {
        status: 'refused',
        reason: `doc_${documentId} was ${document.status}; its effect stands and a replay would change nothing`,
      };
    }
    await tx.execute(
      sql`insert into inbox (organization_id, document_id) values (${organizationId}, ${documentId})
          on conflict do nothing`,
    );
    return { status: 'queued' };
  });
}
