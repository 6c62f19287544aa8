/** Finds what we were told about under the caller's own id. */
import { type Queryable, raw, type Sql, sql } from '../../db/database.ts';
import { OWN_CONNECTION } from '../../intake/own-document.ts';
import { type IdKind, parseId } from '../ids.ts';

const IDENTITY_KINDS = {
  payments: 'payment',
  customers: 'customer',
  invoices: 'invoice',
  work_orders: 'work-order',
} as const;

export type OwnTable = keyof typeof IDENTITY_KINDS | 'entitlements';

/**
 * The id of what our own side calls `externalId`: also where it was recognised as something that a
 * portal told of first and so has its row under the portal's id.
 */
export async function findOwnId(
  tx: Queryable,
  thing: {
    readonly organizationId: number;
    readonly table: OwnTable;
    readonly externalId: string;
    /** Entitlements of three kinds share a table. */
    readonly entitlement?: string;
  },
): Promise<bigint | undefined> {
  const { organizationId, table, externalId } = thing;
  const [row] = await tx.query<{ id: bigint }>(sql`
    select id from ${raw(table)}
    where organization_id = ${organizationId} and connection_id = ${OWN_CONNECTION}
      and external_id = ${externalId}
      ${thing.entitlement === undefined ? sql`` : sql`and kind = ${thing.entitlement}`}`);
  if (row || table === 'entitlements') return row?.id;
  const [identity] = await tx.query<{ id: bigint }>(sql`
    select entity_id as id from identities
    where organization_id = ${organizationId} and kind = ${IDENTITY_KINDS[table]}
      and connection_id = ${OWN_CONNECTION} and external_id = ${externalId}`);
  return identity?.id;
}

/**
 * The id of what a path names: by our id (`inv_3`), or by an external id, of our own side first and
 * then of any portal.
 */
export async function findByEitherId(
  tx: Queryable,
  thing: {
    readonly organizationId: number;
    readonly table: Exclude<OwnTable, 'payments'>;
    readonly kind: IdKind;
    readonly text: string;
  },
): Promise<bigint | undefined> {
  const { organizationId, table, kind, text } = thing;
  const id = parseId(kind, text);
  if (id !== undefined) return id;
  const entitlement = table === 'entitlements' ? { entitlement: kind } : {};
  const own = await findOwnId(tx, { organizationId, table, externalId: text, ...entitlement });
  if (own !== undefined) return own;
  const ofKind: Sql = table === 'entitlements' ? sql`and kind = ${kind}` : sql``;
  const rows = await tx.query<{ id: bigint }>(sql`
    select id from ${raw(table)}
    where organization_id = ${organizationId} and external_id = ${text} ${ofKind} limit 2`);
  // Two portals may use the same id for different things: then only our own id tells them apart.
  return rows.length === 1 ? rows[0]?.id : undefined;
}
