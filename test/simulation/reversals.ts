/** Money that goes back: refunds, refunds that fail, disputes, voids. */
import type { SimulatedOrder } from '../../simulators/contract.ts';
import type { ConnectedPortal } from './firm.ts';
import type { Act, Telling } from './story.ts';

type Paid = {
  readonly order: SimulatedOrder;
  readonly shared: boolean;
  readonly id: () => string;
  /** The bookkeeper copies it: what is voided before may have been paid in another way after. */
  readonly copied: boolean;
};

/** Mostly nothing; a payment is either refunded or disputed, as a portal lets nobody have both. */
export function reversalActs(telling: Telling, portal: ConnectedPortal, paid: Paid): Act[] {
  const { firm } = telling;
  const { story: random } = firm.random;
  const { simulated } = portal;
  const way = random.between(1, 20);
  // What names its payment by the work order alone needs a work order with one payment.
  const clear = simulated.reversalsByWorkOrder === undefined || isClear(portal, paid);
  if (!clear) return [];
  if (way <= 3) return partialRefunds(telling, portal, paid);
  if (way <= 5) return fullRefund(telling, portal, paid);
  if (way <= 8 && simulated.dispute) return disputeActs(telling, portal, paid);
  if (way === 9 && simulated.voidsPaid && !paid.copied) {
    return [(at) => simulated.void?.(paid.id(), at)];
  }
  return [];
}

function isClear({ simulated }: ConnectedPortal, { order, shared }: Paid): boolean {
  return order.workOrder !== undefined && !(shared && simulated.reversalsByWorkOrder === 'own');
}

function partialRefunds(telling: Telling, portal: ConnectedPortal, paid: Paid): Act[] {
  const { story: random } = telling.firm.random;
  const { refund } = portal.simulated;
  if (!refund) return [];
  const first = (paid.order.amountMinor * BigInt(random.between(10, 40))) / 100n;
  const second = (paid.order.amountMinor * BigInt(random.between(41, 60))) / 100n;
  const acts: Act[] = [(at) => void refund(paid.id(), first, at)];
  // Where a reversal has its payment's id, a second one has an id of its own that nothing connects with it.
  const tellable = portal.simulated.reversalsByWorkOrder !== 'reused';
  if (tellable && random.chance(0.4)) acts.push((at) => void refund(paid.id(), second, at));
  return acts;
}

function fullRefund(telling: Telling, portal: ConnectedPortal, paid: Paid): Act[] {
  const { story: random } = telling.firm.random;
  const { refund, failRefund } = portal.simulated;
  if (!refund) return [];
  let refundId = '';
  const acts: Act[] = [
    (at) => {
      refundId = refund(paid.id(), paid.order.amountMinor, at);
    },
  ];
  // The customer's bank sends the money back: the refund fails after it had succeeded.
  if (failRefund && random.chance(0.4)) acts.push((at) => failRefund(refundId, at));
  return acts;
}

function disputeActs(telling: Telling, portal: ConnectedPortal, paid: Paid): Act[] {
  const { story: random } = telling.firm.random;
  const { dispute, closeDispute } = portal.simulated;
  if (!dispute || !closeDispute) return [];
  let disputeId = '';
  const acts: Act[] = [
    (at) => {
      disputeId = dispute(paid.id(), at);
    },
  ];
  if (random.chance(0.3)) return acts;
  const outcome = random.chance(0.5) ? 'won' : 'lost';
  acts.push((at) => closeDispute(disputeId, outcome, at));
  return acts;
}
