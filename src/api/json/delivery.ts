/** Messages to internal systems and their attempts. */
import { z } from 'zod';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { instantJson } from './shapes.ts';

export const DELIVERY_STATES = ['waiting', 'done', 'skipped', 'parked'] as const;
export const SYSTEM_KINDS = ['webhook', 'servicemobility', 'books'] as const;

export const deliveryJson = z
  .object({
    id: z.string(),
    system: z.object({ id: z.string(), name: z.string(), kind: z.enum(SYSTEM_KINDS) }),
    topic: z.string(),
    paymentId: z.string(),
    subject: z.string().nullable(),
    documentId: z.string(),
    state: z.enum(DELIVERY_STATES),
    attempts: z.number().int(),
    dueAt: instantJson,
    lastError: z.string().nullable(),
    finishedAt: instantJson.nullable(),
    createdAt: instantJson,
  })
  .meta({ id: 'Delivery' });
export type DeliveryJson = z.output<typeof deliveryJson>;

export const attemptJson = z.object({
  attempt: z.number().int(),
  at: instantJson,
  durationMs: z.number().int(),
  ok: z.boolean(),
  status: z.number().int().nullable(),
  error: z.string().nullable(),
  responseExcerpt: z.string().nullable(),
});

type DeliveryRecord = {
  id: bigint;
  systemId: string;
  systemName: string;
  systemKind: (typeof SYSTEM_KINDS)[number];
  topic: string;
  paymentId: bigint;
  subject: string | null;
  documentId: bigint;
  state: (typeof DELIVERY_STATES)[number];
  attempts: number;
  dueAt: string;
  lastError: string | null;
  finishedAt: string | null;
  createdAt: string;
};

/** Reads the deliveries that meet `condition`, which names the table `d` and its system `s`. */
export async function readDeliveries(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly condition: Sql;
    readonly order: Sql;
    readonly limit?: number;
  },
): Promise<readonly { readonly id: bigint; readonly json: DeliveryJson }[]> {
  const rows = await tx.query<DeliveryRecord>(sql`
    select d.id, d.system_id as "systemId", s.name as "systemName", s.kind as "systemKind",
      d.topic, d.payment_id as "paymentId", d.subject, d.document_id as "documentId", d.state,
      d.attempts, d.due_at as "dueAt", d.last_error as "lastError",
      d.finished_at as "finishedAt", d.created_at as "createdAt"
    from deliveries d
    join systems s on s.organization_id = d.organization_id and s.id = d.system_id
    where d.organization_id = ${input.organizationId} and ${input.condition}
    order by ${input.order}
    limit ${input.limit ?? null}`);
  return rows.map(({ id, systemId, systemName, systemKind, paymentId, documentId, ...rest }) => ({
    id,
    json: {
      ...rest,
      id: showId('delivery', id),
      system: { id: systemId, name: systemName, kind: systemKind },
      paymentId: showId('payment', paymentId),
      documentId: showId('document', documentId),
    },
  }));
}
