/** Making API keys. The key itself is shown once and never stored. */
import { randomBytes } from 'node:crypto';
import { type Database, sql } from '../db/database.ts';
import { recordAudit } from '../intake/audit.ts';
import { hashKey, type Role } from './access.ts';

/** Creates a key and notes who did it. */
export function createApiKey(
  database: Database,
  input: {
    readonly organizationId: number;
    readonly name: string;
    readonly role: Role;
    readonly actor: string;
  },
): Promise<{ readonly id: string; readonly key: string }> {
  const { organizationId, name, role, actor } = input;
  const id = `key_${randomBytes(8).toString('hex')}`;
  const key = `cvk_${randomBytes(32).toString('base64url')}`;
  return database.transaction(async (tx) => {
    await tx.execute(sql`
      insert into api_keys (organization_id, id, name, role, key_sha256)
      values (${organizationId}, ${id}, ${name}, ${role}, ${hashKey(key)})`);
    await recordAudit(tx, {
      organizationId,
      actor,
      verb: 'api-key.created',
      subject: id,
      details: { name, role },
    });
    return { id, key };
  });
}

/** How many keys an organization has that still work. */
export async function countApiKeys(database: Database, organizationId: number): Promise<number> {
  const [row] = await database.query<{ count: number }>(sql`
    select count(*)::integer as count from api_keys
    where organization_id = ${organizationId} and revoked_at is null`);
  return row?.count ?? 0;
}
