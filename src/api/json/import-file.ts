/** Files by which people import our payments into their books. */
import { z } from 'zod';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { groupBy, instantJson } from './shapes.ts';

const entryJson = z.object({
  paymentId: z.string(),
  entry: z.enum(['payment', 'reversal']),
  mark: z.string().meta({ description: 'By this text its record is known in the books.' }),
  seen: z.boolean().meta({ description: 'The books have shown it since.' }),
  deliveryId: z.string(),
});

export const importFileJson = z
  .object({
    id: z.string(),
    systemId: z.string(),
    connectionId: z.string(),
    number: z.number().int(),
    name: z.string(),
    size: z.number().int(),
    sha256: z.string(),
    createdAt: instantJson,
    firstDownloadedAt: instantJson.nullable(),
    seen: z.number().int().meta({ description: 'How many entries the books have shown since.' }),
    entries: z.array(entryJson),
  })
  .meta({ id: 'ImportFile' });
export type ImportFileJson = z.output<typeof importFileJson>;

type FileRecord = Pick<
  ImportFileJson,
  | 'systemId'
  | 'connectionId'
  | 'number'
  | 'name'
  | 'size'
  | 'sha256'
  | 'createdAt'
  | 'firstDownloadedAt'
> & { readonly id: bigint };

type EntryRecord = {
  readonly fileId: bigint;
  readonly paymentId: bigint;
  readonly entry: 'payment' | 'reversal';
  readonly mark: string;
  readonly seen: boolean;
  readonly deliveryId: bigint;
};

/** Reads the files that meet `condition`, which names the table `f`, the newest first. */
export async function readImportFiles(
  tx: Queryable,
  input: { readonly organizationId: number; readonly condition: Sql; readonly limit?: number },
): Promise<readonly { readonly id: bigint; readonly json: ImportFileJson }[]> {
  const { organizationId } = input;
  const files = await tx.query<FileRecord>(sql`
    select f.id, f.system_id as "systemId", f.connection_id as "connectionId", f.number, f.name,
      octet_length(f.body) as size, encode(f.sha256, 'hex') as sha256,
      f.created_at as "createdAt", f.first_downloaded_at as "firstDownloadedAt"
    from import_files f
    where f.organization_id = ${organizationId} and ${input.condition}
    order by f.id desc
    limit ${input.limit ?? null}`);
  const entries = await tx.query<EntryRecord>(sql`
    select e.file_id as "fileId", e.payment_id as "paymentId", e.entry, e.mark,
      d.state in ('done', 'skipped') as seen, e.delivery_id as "deliveryId"
    from import_file_entries e
    join deliveries d on d.organization_id = e.organization_id and d.id = e.delivery_id
    where e.organization_id = ${organizationId}
      and e.file_id = any(${files.map(({ id }) => id)}::bigint[])
    order by e.file_id, e.position`);
  const byFile = groupBy(entries, ({ fileId }) => fileId);
  return files.map(({ id, ...file }) => {
    const ofFile = byFile.get(id) ?? [];
    return {
      id,
      json: {
        ...file,
        id: showId('import-file', id),
        seen: ofFile.filter(({ seen }) => seen).length,
        entries: ofFile.map(({ fileId: _, paymentId, deliveryId, ...entry }) => ({
          ...entry,
          paymentId: showId('payment', paymentId),
          deliveryId: showId('delivery', deliveryId),
        })),
      },
    };
  });
}
