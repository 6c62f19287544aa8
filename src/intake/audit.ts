/** Notes what a person or program changed, who it was and when. */
import { type Queryable, sql } from '../db/database.ts';

export type AuditNote = {
  readonly organizationId: number;
  readonly actor: string;
  /** Past tense: `connection.created`. */
  readonly verb: string;
  readonly subject: string;
  /** Never secrets: names of changed settings, not their values. */
  readonly details?: Readonly<Record<string, unknown>>;
};

/** Writes the note; in the transaction of the change where there is one. */
export async function recordAudit(tx: Queryable, note: AuditNote): Promise<void> {
  await tx.execute(sql`
    insert into audit (organization_id, actor, verb, subject, details)
    values (${note.organizationId}, ${note.actor}, ${note.verb}, ${note.subject},
      ${JSON.stringify(note.details ?? {})}::jsonb)`);
}
