/** Import files as the database keeps them: what was written for which payment, once and for ever. */
import { createHash } from 'node:crypto';
import { type Queryable, type Sql, sql } from '../db/database.ts';
import type { FileEntry, ImportFile, PaymentToRecord } from '../portals/contract.ts';
import { reversalMark } from '../portals/kit/own-mark.ts';
import type { FilingFacts, Written } from './plan-by-file.ts';

type OfSystem = {
  readonly organizationId: number;
  readonly systemId: string;
  readonly connectionId: string;
};

export type NewEntry = { readonly entry: FileEntry; readonly deliveryId: bigint };

/** Locks the system for whoever writes its next file: two at once would write one payment twice. */
export async function lockFiles(tx: Queryable, where: OfSystem): Promise<void> {
  await tx.query(
    sql`select from systems
        where organization_id = ${where.organizationId} and id = ${where.systemId} for update`,
  );
}

/** Keeps a file and what stands in it. Resolves to its name. */
export async function writeImportFile(
  tx: Queryable,
  where: OfSystem,
  file: ImportFile & {
    /** Today, as the firm counts its days. */
    readonly day: string;
    readonly at: Date;
    readonly entries: readonly NewEntry[];
  },
): Promise<{ readonly id: bigint; readonly name: string }> {
  const { organizationId, systemId, connectionId } = where;
  const { body, day, extension, entries } = file;
  const [last] = await tx.query<{ number: number }>(
    sql`select coalesce(max(number), 0) as number from import_files
        where organization_id = ${organizationId} and system_id = ${systemId}`,
  );
  const number = (last?.number ?? 0) + 1;
  const sha256 = createHash('sha256').update(body).digest();
  const name = `${day}-${number}-${sha256.toString('hex').slice(0, 8)}.${extension}`;
  const [row] = await tx.query<{ id: bigint }>(
    sql`insert into import_files (organization_id, system_id, connection_id, number, name, body,
          sha256, after_document, created_at)
        values (${organizationId}, ${systemId}, ${connectionId}, ${number}, ${name}, ${body},
          ${sha256},
          coalesce((select max(id) from documents where organization_id = ${organizationId}), 0),
          ${file.at.toISOString()}::timestamptz)
        returning id`,
  );
  const id = row?.id ?? 0n;
  const payments = entries.map(({ entry }) => entry.payment);
  await tx.execute(
    sql`insert into import_file_entries (organization_id, system_id, file_id, position, payment_id,
          entry, mark, record, delivery_id)
        select ${organizationId}::integer, ${systemId}, ${id}::bigint, u.at - 1, u.payment_id,
          u.entry, u.mark, u.record::jsonb, u.delivery_id
        from unnest(
          ${payments.map(({ paymentId }) => paymentId.replace(/^pay_/, ''))}::bigint[],
          ${entries.map(({ entry }) => entry.entry)}::text[],
          ${payments.map(({ mark }) => mark)}::text[],
          ${payments.map(encodeRecord)}::text[],
          ${entries.map(({ deliveryId }) => deliveryId)}::bigint[]) with ordinality
          u (payment_id, entry, mark, record, delivery_id, at)`,
  );
  return { id, name };
}

/** What was written for these payments, and what these books show of it. */
export async function readFiling(
  tx: Queryable,
  where: OfSystem,
  paymentIds: readonly bigint[],
): Promise<FilingFacts> {
  const { organizationId, systemId } = where;
  const rows = await tx.query<{
    paymentId: bigint;
    entry: FileEntry['entry'];
    file: string;
    at: string;
    record: StoredRecord;
  }>(
    sql`select e.payment_id as "paymentId", e.entry, f.name as file, f.created_at as at, e.record
        from import_file_entries e
        join import_files f on f.organization_id = e.organization_id and f.id = e.file_id
        where e.organization_id = ${organizationId} and e.system_id = ${systemId}
          and e.payment_id = any(${paymentIds}::bigint[])`,
  );
  const ofKind = (kind: FileEntry['entry']): ReadonlyMap<bigint, Written> =>
    new Map(
      rows
        .filter(({ entry }) => entry === kind)
        .map(({ paymentId, file, at, record }) => [
          paymentId,
          { file, at: new Date(at), record: decodeRecord(record) },
        ]),
    );
  const shown = await tx.query<{ id: bigint; minor: bigint; currency: string }>(
    sql`select i.entity_id as id, sum(e.minor)::bigint as minor, min(e.currency) as currency
        from identities i
        cross join lateral (
          select (e.body ->> 'amountMinor')::bigint as minor, e.body ->> 'currency' as currency
          from events e
          where e.organization_id = i.organization_id and e.connection_id = i.connection_id
            and e.external_payment_id = i.external_id and e.type = 'payment.succeeded'
          order by e.sequence desc, e.ordinal desc
          limit 1) e
        where i.organization_id = ${organizationId} and i.connection_id = ${where.connectionId}
          and i.kind = 'payment' and i.entity_id = any(${paymentIds}::bigint[])
          and not exists (
            select from events v
            where v.organization_id = i.organization_id and v.connection_id = i.connection_id
              and v.external_payment_id = i.external_id and v.type = 'payment.voided')
        group by i.entity_id`,
  );
  const gone = await tx.query<{ id: bigint }>(
    sql`select e.payment_id as id from import_file_entries e
        where e.organization_id = ${organizationId} and e.system_id = ${systemId}
          and e.payment_id = any(${paymentIds}::bigint[]) and ${isTakenBack(where)}`,
  );
  const takenBack = new Set(gone.map(({ id }) => id));
  return {
    payments: ofKind('payment'),
    reversals: ofKind('reversal'),
    shown: new Map(shown.map(({ id, ...money }) => [id, money])),
    takenBack,
  };
}

/**
 * That these books show the payment of entry `e` as taken back: our reversal came back, or every record that it had
 * there was voided. One that is corrected is voided and stands under another number.
 */
function isTakenBack({ organizationId, connectionId }: Omit<OfSystem, 'systemId'>): Sql {
  return sql`(
    (e.entry = 'reversal' and exists (
      select from import_files f
      join documents d on d.organization_id = f.organization_id and d.id > f.after_document
        and d.connection_id = ${connectionId}
      join outcomes o on o.organization_id = d.organization_id and o.document_id = d.id
        and o.status = 'ignored'
      where f.organization_id = ${organizationId} and f.id = e.file_id
        and strpos(replace(lower(o.reason), '.', '_'),
          replace(lower(e.mark || ${reversalMark('')}), '.', '_')) > 0))
    or (e.entry = 'payment' and (
      select bool_and(exists (
        select from events v
        where v.organization_id = i.organization_id and v.connection_id = i.connection_id
          and v.external_payment_id = i.external_id and v.type = 'payment.voided'))
      from identities i
      where i.organization_id = ${organizationId} and i.connection_id = ${connectionId}
        and i.kind = 'payment' and i.entity_id = e.payment_id)))`;
}

/** Lets the deliveries of this connection's files look again, those given up as well where the books show them now. */
export async function lookAgain(
  tx: Queryable,
  { organizationId, connectionId }: Omit<OfSystem, 'systemId'>,
  now: Date,
): Promise<readonly { readonly systemId: string }[]> {
  const where = { organizationId, connectionId };
  return tx.query<{ systemId: string }>(
    sql`with again as (
          update deliveries d set state = 'waiting', due_at = ${now.toISOString()}::timestamptz
          from import_file_entries e
          join systems s on s.organization_id = e.organization_id and s.id = e.system_id
          where d.organization_id = ${organizationId} and e.organization_id = ${organizationId}
            and e.delivery_id = d.id and s.connection_id = ${connectionId}
            and (d.state = 'waiting' or d.state = 'parked' and (${isTakenBack(where)}
              or e.entry = 'payment' and exists (
                select from identities i where i.organization_id = ${organizationId}
                  and i.kind = 'payment' and i.connection_id = ${connectionId}
                  and i.entity_id = e.payment_id)))
          returning d.system_id)
        select distinct system_id as "systemId" from again`,
  );
}

type StoredRecord = Omit<PaymentToRecord, 'amountMinor' | 'invoices'> & {
  readonly amountMinor: string;
  readonly invoices: readonly (Omit<PaymentToRecord['invoices'][number], 'amountMinor'> & {
    readonly amountMinor: string;
  })[];
};

function encodeRecord(record: PaymentToRecord): string {
  const amountMinor = String(record.amountMinor);
  const invoices = record.invoices.map((share) => ({
    ...share,
    amountMinor: String(share.amountMinor),
  }));
  return JSON.stringify({ ...record, amountMinor, invoices } satisfies StoredRecord);
}

function decodeRecord(stored: StoredRecord): PaymentToRecord {
  const invoices = stored.invoices.map((share) => ({
    ...share,
    amountMinor: BigInt(share.amountMinor),
  }));
  return { ...stored, amountMinor: BigInt(stored.amountMinor), invoices };
}
