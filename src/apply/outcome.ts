/** What became of a document. */
import { type Database, sql } from '../db/database.ts';

export type DocumentOutcome = {
  readonly status: 'applied' | 'ignored' | 'quarantined';
  readonly reason: string | null;
  readonly sequence: bigint;
};

const POLL_MS = 5;

/** Waits until the document is applied, ignored or quarantined; undefined when that takes longer than `timeoutMs`. */
export async function waitForOutcome(
  db: Database,
  input: {
    readonly organizationId: number;
    readonly documentId: bigint;
    readonly timeoutMs: number;
  },
): Promise<DocumentOutcome | undefined> {
  const deadline = performance.now() + input.timeoutMs;
  for (
    let pauseMs = POLL_MS;
    performance.now() < deadline;
    pauseMs = Math.min(pauseMs * 1.5, 200)
  ) {
    const [row] = await db.query<DocumentOutcome>(
      sql`select o.status, o.reason, o.sequence from outcomes o
          where o.organization_id = ${input.organizationId} and o.document_id = ${input.documentId}
            and not exists (select from inbox i where i.organization_id = o.organization_id
                            and i.document_id = o.document_id)
          order by o.sequence desc limit 1`,
    );
    if (row) return row;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return undefined;
}
