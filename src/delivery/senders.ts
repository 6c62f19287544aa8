/** Which way each kind of system is spoken to. */
import type { Database } from '../db/database.ts';
import { type Connection, loadConnection } from '../intake/connections.ts';
import { notesOf } from '../intake/recording-notes.ts';
import type { Sealer } from '../intake/sealing.ts';
import { storeOwnRecord } from '../intake/store.ts';
import type { PortalApi } from '../portals/contract.ts';
import { ownMark } from '../portals/kit/own-mark.ts';
import type { DeliveryState } from './delivery-state.ts';
import type { DrainContext } from './drain-system.ts';
import type { Post } from './outbound.ts';
import { goesByFile } from './plan-by-file.ts';
import { openFiling } from './record-by-file.ts';
import {
  abandonInBooks,
  confirmationKey,
  mayReverse,
  paymentToRecord,
  readBooksFacts,
  recordInBooks,
  recordToReverse,
  reverseInBooks,
} from './record-in-books.ts';
import type { SendResult } from './send-result.ts';
import { serviceMobilitySender } from './send-servicemobility.ts';
import { sendWebhook } from './send-webhook.ts';
import { serviceMobilityObject } from './servicemobility-object.ts';
import type { ServiceMobilitySettings } from './system-settings.ts';
import type { System } from './systems.ts';
import { webhookMessage } from './webhook-message.ts';

export type SendersContext = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly post: Post;
  /** The API of a connection, with its credentials and its pace. */
  readonly access: (connection: Connection) => PortalApi;
  /** Told that the organization has a new document. */
  readonly wakeApplier: (organizationId: number) => void;
};

/** Keep one for the whole process: it holds ServiceMobility's tokens. */
export function openSenders(ctx: SendersContext): DrainContext['sender'] {
  const serviceMobility = serviceMobilitySender(ctx);

  async function toServiceMobility(
    system: { readonly id: string; readonly settings: ServiceMobilitySettings },
    state: DeliveryState,
  ): Promise<SendResult> {
    const object = serviceMobilityObject(state, system.settings);
    if ('skip' in object) return { outcome: 'skip', because: object.skip };
    const { body } = object;
    const { mayHaveArrived } = state.delivery;
    const target = { systemId: system.id, settings: system.settings };
    return serviceMobility.send(target, { body, mayHaveArrived });
  }

  return async (system, states) => {
    switch (system.kind) {
      case 'webhook':
        return (state) =>
          sendWebhook(ctx, system.settings, {
            id: `dlv_${state.delivery.id}`,
            body: webhookMessage(state),
          });
      case 'servicemobility':
        return (state) => toServiceMobility(system, state);
      case 'books':
        return toBooks(ctx, system, states);
    }
  };
}

async function toBooks(
  ctx: SendersContext,
  system: Extract<System, { kind: 'books' }>,
  states: readonly DeliveryState[],
): Promise<(state: DeliveryState) => Promise<SendResult>> {
  const { organizationId, connectionId, id: systemId } = system;
  const facts = await readBooksFacts(ctx.database, {
    organizationId,
    systemId,
    connectionId,
    states,
  });
  const connection = await loadConnection(ctx, connectionId, organizationId);
  if (!connection?.enabled) {
    return async () => ({ outcome: 'retry', because: 'the books are disabled', ourSide: true });
  }
  const recorded = async ({ payment }: DeliveryState, externalId: string): Promise<void> => {
    const paymentId = `pay_${payment.id}`;
    await storeOwnRecord(ctx.database, {
      organizationId,
      record: { kind: 'copy.recorded', paymentId, connectionId, externalId },
      origin: 'delivery',
      key: confirmationKey(connectionId, payment.id),
      receivedAt: ctx.now(),
    });
    ctx.wakeApplier(organizationId);
  };
  if (goesByFile(connection.portal, connection.settings)) {
    return openFiling(ctx, { systemId, connection, facts, states, recorded });
  }
  return async (state) => {
    const paymentId = `pay_${state.payment.id}`;
    const notes = notesOf(ctx, { organizationId, connectionId, paymentId });
    const books = { ...connection, api: ctx.access(connection), notes };
    if (mayReverse(state)) {
      const record = recordToReverse(state, facts);
      return 'outcome' in record ? record : reverseInBooks(books, record);
    }
    const asRecorded = (externalId: string) => recorded(state, externalId);
    const plan = paymentToRecord(state, connectionId, facts);
    if (!('outcome' in plan)) return recordInBooks(books, plan.record, asRecorded);
    if (plan.outcome !== 'skip' || facts.held.has(state.payment.id)) return plan;
    const mark = ownMark({ installation: facts.installation, paymentId });
    const { mayHaveArrived } = state.delivery;
    return abandonInBooks(
      books,
      { paymentId, mark },
      { skip: plan, mayHaveArrived, recorded: asRecorded },
    );
  };
}
