/** What a recorded payment pays of which invoices, and whether books hold what we meant. */
import type { PaymentToRecord } from '../contract.ts';

/** Minor units by the books' id of the invoice. */
export type Shares = ReadonlyMap<string, bigint>;

/** One share for each invoice: books repeat an invoice for its lines, its instalments or its credits. */
export function sumShares(shares: PaymentToRecord['invoices']): Shares {
  const sums = new Map<string, bigint>();
  for (const { externalId, amountMinor } of shares) {
    sums.set(externalId, (sums.get(externalId) ?? 0n) + amountMinor);
  }
  return sums;
}

/** In words how what is held differs from what was meant; undefined when it does not. */
export function differenceOfShares(held: Shares, meant: Shares): string | undefined {
  const [left, right] = [describe(held), describe(meant)];
  return left === right ? undefined : `it pays ${left}, not ${right}`;
}

function describe(shares: Shares): string {
  const parts = [...shares].map(([invoice, minor]) => `${minor} to invoice ${invoice}`).sort();
  return parts.join(' and ') || 'no invoice';
}
