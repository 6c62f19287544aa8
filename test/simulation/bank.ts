/** What each portal owes the firm and has paid out, summed from the portals' truths and never from our books. */
import type { ConnectedPortal } from './firm.ts';
import { MoneyByCurrency } from './money-by-currency.ts';

/** The payouts there must be, as sorted text. */
export function payoutsOf({ simulated }: ConnectedPortal): readonly string[] {
  return paidOut(simulated)
    .map(({ currency, amountMinor }) => `${currency} ${amountMinor}`)
    .sort();
}

/** What still lies at the portal: received, less what went back, was kept or was paid out. */
export function owedBy(
  { simulated }: ConnectedPortal,
  isMoney: (externalId: string) => boolean,
): MoneyByCurrency {
  const sum = new MoneyByCurrency();
  for (const payment of simulated.truth()) {
    if (!isMoney(payment.externalId)) continue;
    const { currency, amountMinor, refundedMinor, disputedMinor, lostMinor } = payment;
    const received = payment.status === 'succeeded' ? amountMinor : 0n;
    const fee = payment.feeMinor ?? 0n;
    sum.add(currency, received - refundedMinor - disputedMinor - lostMinor - fee);
  }
  const kept = [...(simulated.disputeFees?.() ?? []), ...paidOut(simulated)];
  for (const { currency, amountMinor } of kept) sum.add(currency, -amountMinor);
  return sum;
}

function paidOut(simulated: ConnectedPortal['simulated']) {
  return (simulated.payouts?.() ?? []).filter(({ state }) => state === 'paid');
}
