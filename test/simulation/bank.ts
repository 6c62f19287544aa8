/** The simulation's own sums of what each portal owes the firm and has paid out, kept apart from the engine's. */

import type { ConnectedPortal } from './firm.ts';
import { MoneyByCurrency } from './money-by-currency.ts';

/** What Stripe keeps of the firm's money for each dispute, in the smallest unit, until the firm wins. */
const STRIPE_DISPUTE_FEE_MINOR = 1500n;

export type Bank = {
  /** Lets the portal pay out what is due, and notes what must have been paid. */
  payOut(portal: ConnectedPortal, at: Date): void;
  /** Notes the fee of a dispute. */
  disputed(portal: ConnectedPortal, currency: string, what: 'opened' | 'won'): void;
  /** The payouts there must be, as sorted text. */
  payouts(portal: ConnectedPortal): readonly string[];
  /** The fees of disputes that the portal kept. */
  disputeFees(portal: ConnectedPortal): MoneyByCurrency;
  /** What still lies at the portal, by its truth and not by our books. */
  owed(portal: ConnectedPortal, isMoney?: (externalId: string) => boolean): MoneyByCurrency;
};

export function openBank(): Bank {
  const paidOut = new Map<string, { currency: string; amountMinor: bigint }[]>();
  const fees = new Map<string, MoneyByCurrency>();
  const payoutsOf = ({ connectionId }: ConnectedPortal) => {
    const list = paidOut.get(connectionId) ?? [];
    paidOut.set(connectionId, list);
    return list;
  };
  const feesOf = ({ connectionId }: ConnectedPortal) => {
    const sum = fees.get(connectionId) ?? new MoneyByCurrency();
    fees.set(connectionId, sum);
    return sum;
  };

  const owed: Bank['owed'] = (portal, isMoney = () => true) => {
    const sum = new MoneyByCurrency();
    for (const payment of portal.simulated.truth()) {
      if (!isMoney(payment.externalId)) continue;
      const { currency, amountMinor, refundedMinor, disputedMinor, lostMinor } = payment;
      const received = payment.status === 'succeeded' ? amountMinor : 0n;
      const fee = payment.feeMinor ?? 0n;
      sum.add(currency, received - refundedMinor - disputedMinor - lostMinor - fee);
    }
    for (const [currency, minor] of feesOf(portal)) sum.add(currency, -minor);
    for (const { currency, amountMinor } of payoutsOf(portal)) sum.add(currency, -amountMinor);
    return sum;
  };

  return {
    owed,
    disputeFees: feesOf,
    payouts: (portal) =>
      payoutsOf(portal)
        .map(({ currency, amountMinor }) => `${currency} ${amountMinor}`)
        .sort(),
    disputed: (portal, currency, what) => {
      if (portal.id !== 'stripe') return;
      const fee = what === 'opened' ? STRIPE_DISPUTE_FEE_MINOR : -STRIPE_DISPUTE_FEE_MINOR;
      feesOf(portal).add(currency, fee);
    },
    payOut: (portal, at) => {
      if (!portal.simulated.payout) return;
      const due = owed(portal);
      portal.simulated.payout(at);
      for (const [currency, amountMinor] of due) {
        // Stripe debits the bank for a negative balance; Mollie waits until there is something to pay.
        const paid = portal.id === 'stripe' ? amountMinor !== 0n : amountMinor > 0n;
        if (paid) payoutsOf(portal).push({ currency, amountMinor });
      }
    },
  };
}
