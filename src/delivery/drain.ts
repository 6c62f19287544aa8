/**
 * The background job `deliver`: sends what is due to one system and comes back when the next
 * delivery is due.
 */
import type { Config } from '../config.ts';
import { addJob } from '../db/jobs.ts';
import { type DrainContext, drainSystem } from './drain-system.ts';
import { openOutbound } from './outbound.ts';
import { openSenders, type SendersContext } from './senders.ts';

export type DeliveryContext = Omit<SendersContext, 'post'> & {
  readonly config: Pick<Config, 'allowPrivateTargets'>;
};

/**
 * Log-in tokens and open connections live as long as the node that holds them, and longer than a
 * drain.
 */
const senders = new WeakMap<DeliveryContext, DrainContext['sender']>();

/** Drains the system; safe to run again at any point and several times at once. */
export async function drainDeliveries(
  ctx: DeliveryContext,
  input: { readonly organizationId: number; readonly systemId: string },
): Promise<void> {
  const { organizationId, systemId } = input;
  const sender = senders.get(ctx) ?? openSender(ctx);
  senders.set(ctx, sender);
  const { nextAt } = await drainSystem({ ...ctx, chance: Math.random, sender }, input);
  if (nextAt === undefined) return;
  // A key of its own: coming back later must not replace the job of what was queued meanwhile.
  await addJob(ctx.database, {
    task: 'deliver',
    key: `deliver-later:${organizationId}:${systemId}`,
    payload: { organizationId, systemId },
    runAt: nextAt,
  });
}

function openSender(ctx: DeliveryContext): DrainContext['sender'] {
  const { post } = openOutbound({ allowPrivateAddresses: ctx.config.allowPrivateTargets });
  return openSenders({ ...ctx, post });
}
