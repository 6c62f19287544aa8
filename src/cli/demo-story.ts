/** What happens in the demo: customers pay, in full, in part and wrongly; banks and portals do the rest. */
import type { SimulatedPortal } from '../../simulators/contract.ts';
import type { Random } from '../../simulators/random.ts';
import { type DemoFirm, type DemoPortal, type Job, sendNotices } from './demo-firm.ts';

type Told = {
  readonly portal: DemoPortal;
  readonly paymentId: string;
  readonly amountMinor: bigint;
};

export type DemoStory = {
  /** The next thing that happens; sends the notices it causes. */
  step(): Promise<void>;
};

const PAYOUT_EVERY = 15;
const DUPLICATE_CHANCE = 0.2;

export function tellDemoStory(firm: DemoFirm, random: Random, serverUrl: string): DemoStory {
  const paid: Told[] = [];
  const pending: Told[] = [];
  const disputed: { readonly portal: DemoPortal; readonly disputeId: string }[] = [];
  let steps = 0;

  const mayRepeat = () => (random.chance(DUPLICATE_CHANCE) ? 2 : 1);

  const pay = (portal: DemoPortal, job: Job, amountMinor: bigint): void => {
    const order = orderFor(portal.simulated, job, amountMinor, random);
    const { simulated } = portal;
    if (simulated.begin && simulated.settle && random.chance(0.15)) {
      pending.push({ portal, paymentId: simulated.begin(order, new Date()), amountMinor });
    } else paid.push({ portal, paymentId: simulated.pay(order, new Date()), amountMinor });
  };

  const payJob = async (): Promise<DemoPortal> => {
    const portal = random.pick(firm.portals);
    const job = await firm.takeJob();
    const kind = random.between(0, 9);
    if (kind === 0) {
      pay(portal, job, job.amountMinor / 2n);
    } else if (kind === 1) {
      pay(portal, job, job.amountMinor + 2_500n);
    } else pay(portal, job, job.amountMinor);
    return portal;
  };

  const turn = async (): Promise<DemoPortal> => {
    const waiting = pending.shift();
    if (waiting && random.chance(0.5)) {
      const { simulated } = waiting.portal;
      if (random.chance(0.8)) {
        simulated.settle?.(waiting.paymentId, new Date());
        paid.push(waiting);
      } else simulated.fail?.(waiting.paymentId, new Date());
      return waiting.portal;
    }
    if (waiting) pending.push(waiting);
    const open = disputed.shift();
    if (open && random.chance(0.4)) {
      open.portal.simulated.closeDispute?.(
        open.disputeId,
        random.pick(['won', 'lost'] as const),
        new Date(),
      );
      return open.portal;
    }
    if (open) disputed.push(open);
    if (paid.length > 4 && random.chance(0.12)) {
      const [told] = paid.splice(random.between(0, paid.length - 1), 1) as [Told];
      const { simulated } = told.portal;
      if (simulated.dispute && simulated.closeDispute && random.chance(0.4)) {
        disputed.push({
          portal: told.portal,
          disputeId: simulated.dispute(told.paymentId, new Date()),
        });
        return told.portal;
      }
      if (simulated.refund) {
        simulated.refund(
          told.paymentId,
          random.chance(0.5) ? told.amountMinor : told.amountMinor / 4n,
          new Date(),
        );
        return told.portal;
      }
    }
    return payJob();
  };

  return {
    step: async () => {
      steps += 1;
      const portal = await turn();
      if (steps % PAYOUT_EVERY === 0) portal.simulated.payout?.(new Date());
      await sendNotices(portal, serverUrl, mayRepeat);
    },
  };
}

/** Most payers name the invoice; some only the work order in a memo, some nothing at all. */
function orderFor(simulated: SimulatedPortal, job: Job, amountMinor: bigint, random: Random) {
  const order = { amountMinor, currency: job.currency, customer: job.customer };
  if (simulated.portal === 'servicemobility') return { ...order, workOrder: job.workOrder };
  const kind = random.between(0, 9);
  if (kind === 0) return { ...order, memo: `compressor job ${job.workOrder}, thank you` };
  if (kind === 1) return order;
  return { ...order, invoiceNumber: job.invoiceNumber, workOrder: job.workOrder };
}
