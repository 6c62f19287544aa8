/** The canonical events that speak of a payment. */
import { z } from 'zod';
import { type Queryable, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { instantJson, type MoneyJson, money, moneyJson } from './shapes.ts';

export const eventJson = z
  .object({
    type: z.string(),
    occurredAt: instantJson,
    amount: moneyJson.nullable(),
    documentId: z.string(),
  })
  .meta({ id: 'Event' });

/** An event as it was read from a document, with everything the portal said. */
export const eventHistoryJson = eventJson.extend({
  sequence: z.string(),
  connectionId: z.string(),
  body: z.looseObject({}),
});

export type EventRecord = {
  paymentId: bigint;
  documentId: bigint;
  sequence: bigint;
  connectionId: string;
  type: string;
  body: EventBody;
};

export type EventBody = {
  readonly occurredAt: string;
  readonly amountMinor: number | string;
  readonly currency: string;
  readonly [field: string]: unknown;
};

/** Events of the payments under every id they are known by, in the order they were applied. */
export function readPaymentEvents(
  tx: Queryable,
  about: { readonly organizationId: number; readonly paymentIds: readonly bigint[] },
): Promise<EventRecord[]> {
  const { organizationId, paymentIds } = about;
  return tx.query<EventRecord>(sql`
    with known as (
      select id, connection_id, external_id from payments
      where organization_id = ${organizationId} and id = any(${paymentIds}::bigint[])
      union
      select entity_id, connection_id, external_id from identities
      where organization_id = ${organizationId} and kind = 'payment'
        and entity_id = any(${paymentIds}::bigint[])
      union
      select mirrors, connection_id, external_id from payments
      where organization_id = ${organizationId} and mirrors = any(${paymentIds}::bigint[])
    )
    select known.id as "paymentId", e.document_id as "documentId", e.sequence,
      e.connection_id as "connectionId", e.type, e.body
    from known
    join events e on e.organization_id = ${organizationId}
      and e.connection_id = known.connection_id and e.external_payment_id = known.external_id
    order by e.sequence, e.ordinal`);
}

export function showEvent(row: {
  readonly type: string;
  readonly documentId: bigint;
  readonly body: EventBody;
}): z.output<typeof eventJson> {
  return {
    type: row.type,
    occurredAt: row.body.occurredAt,
    amount: eventMoney(row.body),
    documentId: showId('document', row.documentId),
  };
}

export function showEventHistory(row: EventRecord): z.output<typeof eventHistoryJson> {
  return {
    ...showEvent(row),
    sequence: String(row.sequence),
    connectionId: row.connectionId,
    body: row.body,
  };
}

/** XXX is ISO 4217's word for "no currency": an event that is not about money. */
function eventMoney({ amountMinor, currency }: EventBody): MoneyJson | null {
  return currency === 'XXX' ? null : money(BigInt(amountMinor), currency);
}
