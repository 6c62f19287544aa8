/** The whole story of one payment: from the portal's bytes to entries, releases and deliveries. */
import { z } from 'zod';
import type { App } from '../../app.ts';
import { type Queryable, sql } from '../../db/database.ts';
import { idParams, readId } from '../ids.ts';
import { actionHistoryJson, readActions, showActionHistory } from '../json/action.ts';
import {
  allocationHistoryJson,
  readAllocations,
  showAllocationHistory,
} from '../json/allocation.ts';
import { deliveryJson, readDeliveries } from '../json/delivery.ts';
import { documentJson, readDocuments } from '../json/document.ts';
import { entryJson, readEntries } from '../json/entry.ts';
import { eventHistoryJson, readPaymentEvents, showEventHistory } from '../json/event.ts';
import { paymentJson, readPayment } from '../json/payment.ts';
import { readReviewItems, reviewItemJson } from '../json/review-item.ts';
import { notFound } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';

const trailJson = z
  .object({
    payment: paymentJson,
    documents: z.array(documentJson),
    events: z.array(eventHistoryJson),
    entries: z.array(entryJson),
    allocations: z.array(allocationHistoryJson),
    actions: z.array(actionHistoryJson),
    deliveries: z.array(deliveryJson),
    reviewItems: z.array(reviewItemJson),
  })
  .meta({ id: 'Trail' });

export function registerPaymentTrail(api: Api, app: App): void {
  api.get(
    '/payments/:id/trail',
    {
      config: { access: 'read' },
      schema: { tags: ['payments'], params: idParams, response: { 200: trailJson } },
    },
    ({ params, caller }) => {
      const id = readId('payment', params.id);
      return readSnapshot(app.database, (tx) => readTrail(tx, caller.organizationId, id));
    },
  );
}

async function readTrail(
  tx: Queryable,
  organizationId: number,
  id: bigint,
): Promise<z.output<typeof trailJson>> {
  const payment = await readPayment(tx, organizationId, id);
  if (!payment) throw notFound(`pay_${id}`);
  const about = { organizationId, paymentIds: [id] };
  const events = await readPaymentEvents(tx, about);
  const allocations = await readAllocations(tx, about);
  const actions = await readActions(tx, about);
  const entries = await readEntries(tx, {
    organizationId,
    condition: sql`e.sequence in (select entry_sequence from postings
      where organization_id = ${organizationId} and payment_id = ${id})`,
    order: sql`e.sequence`,
  });
  const told = events.map((event) => event.documentId);
  const documents = await readDocuments(tx, {
    organizationId,
    // A notice that only names the payment is the parent of the object fetched for it.
    condition: sql`d.id in (
      with told as (
        select unnest(${told}::bigint[]) as id
        union select e.document_id from entries e
        join postings p on p.organization_id = e.organization_id and p.entry_sequence = e.sequence
        where e.organization_id = ${organizationId} and p.payment_id = ${id}
      )
      select id from told
      union select parent_id from documents
      where organization_id = ${organizationId} and id in (select id from told)
        and parent_id is not null)`,
    order: sql`d.id`,
  });
  const deliveries = await readDeliveries(tx, {
    organizationId,
    condition: sql`d.payment_id = ${id}`,
    order: sql`d.id`,
  });
  const reviewItems = await readReviewItems(tx, {
    organizationId,
    condition: sql`r.payment_id = ${id}`,
    order: sql`r.id`,
  });
  return {
    payment,
    documents: documents.map(({ json }) => json),
    events: events.map(showEventHistory),
    entries: entries.map(({ json }) => json),
    allocations: allocations.map(showAllocationHistory),
    actions: actions.map(showActionHistory),
    deliveries: deliveries.map(({ json }) => json),
    reviewItems: reviewItems.map(({ json }) => json),
  };
}
