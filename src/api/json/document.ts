/** Source documents and what became of them. */
import { z } from 'zod';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { showId, showOptionalId } from '../ids.ts';
import { instantJson } from './shapes.ts';

export const DOCUMENT_STATUSES = ['received', 'applied', 'ignored', 'quarantined'] as const;
export const ORIGINS = [
  'webhook',
  'fetch',
  'pull',
  'file',
  'manual',
  'api',
  'delivery',
  'system',
] as const;

export const documentJson = z
  .object({
    id: z.string(),
    portal: z.string(),
    connectionId: z.string(),
    origin: z.enum(ORIGINS),
    authentic: z.boolean(),
    receivedAt: instantJson,
    status: z.enum(DOCUMENT_STATUSES),
    reason: z.string().nullable(),
    sequence: z.string().nullable(),
    appliedAt: instantJson.nullable(),
    parentId: z.string().nullable(),
    sha256: z.string(),
    size: z.number().int(),
    rawUrl: z.string(),
  })
  .meta({ id: 'Document' });
export type DocumentJson = z.output<typeof documentJson>;

type DocumentRecord = {
  id: bigint;
  portal: string;
  connectionId: string;
  origin: (typeof ORIGINS)[number];
  authentic: boolean;
  receivedAt: string;
  status: (typeof DOCUMENT_STATUSES)[number];
  reason: string | null;
  sequence: bigint | null;
  appliedAt: string | null;
  parentId: bigint | null;
  sha256: Buffer;
  size: number;
};

export type ReadDocument = {
  readonly id: bigint;
  readonly sequence: bigint | null;
  readonly json: DocumentJson;
};

/**
 * Reads the documents that meet `condition`, which names the document `d`, its connection `c` and
 * its standing `s` (status). A quarantined document that is being tried again counts as received.
 */
export async function readDocuments(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly condition: Sql;
    readonly order: Sql;
    readonly limit?: number;
  },
): Promise<readonly ReadDocument[]> {
  const rows = await tx.query<DocumentRecord>(sql`
    select d.id, c.portal, d.connection_id as "connectionId", d.origin, d.authentic,
      d.received_at as "receivedAt", d.parent_id as "parentId", d.sha256,
      octet_length(d.body) as size, s.status, s.reason, s.sequence, s.applied_at as "appliedAt"
    from documents d
    join connections c on c.organization_id = d.organization_id and c.id = d.connection_id
    left join outcomes f on f.organization_id = d.organization_id and f.document_id = d.id
      and f.status <> 'quarantined'
    left join inbox i on i.organization_id = d.organization_id and i.document_id = d.id
    left join lateral (
      select q.* from outcomes q
      where q.organization_id = d.organization_id and q.document_id = d.id
        and q.status = 'quarantined' and i.document_id is null
      order by q.sequence desc limit 1
    ) q on true
    cross join lateral (
      select coalesce(f.status, q.status, 'received') as status,
        case when f.status is null then q.reason else f.reason end as reason,
        coalesce(f.sequence, q.sequence) as sequence,
        coalesce(f.applied_at, q.applied_at) as applied_at
    ) s
    where d.organization_id = ${input.organizationId} and ${input.condition}
    order by ${input.order}
    limit ${input.limit ?? null}`);
  return rows.map((row) => ({ id: row.id, sequence: row.sequence, json: showDocument(row) }));
}

function showDocument(row: DocumentRecord): DocumentJson {
  const id = showId('document', row.id);
  return {
    id,
    portal: row.portal,
    connectionId: row.connectionId,
    origin: row.origin,
    authentic: row.authentic,
    receivedAt: row.receivedAt,
    status: row.status,
    reason: row.reason,
    sequence: row.sequence === null ? null : String(row.sequence),
    appliedAt: row.appliedAt,
    parentId: showOptionalId('document', row.parentId),
    sha256: row.sha256.toString('hex'),
    size: row.size,
    rawUrl: `/api/v1/documents/${id}/raw`,
  };
}
