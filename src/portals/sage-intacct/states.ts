/** What the states and lines of a payment mean, for those who read one and those who wrote one. */
import { fromDecimalText } from '../../money/money.ts';
import { type Shares, sumShares } from '../kit/shares.ts';
import type { PaymentFacts } from './wire.ts';

export type PaymentState = 'draft' | 'complete' | 'reversed' | 'reversal';

/** Letters or words, by the call; `reversal` is the counter-entry of a reversed payment. */
const PAYMENT_STATES: ReadonlyMap<string, PaymentState> = new Map([
  ['d', 'draft'],
  ['draft', 'draft'],
  ['c', 'complete'],
  ['complete', 'complete'],
  ['completed', 'complete'],
  ['confirmed', 'complete'],
  ['reconciled', 'complete'],
  ['v', 'reversed'],
  ['reversed', 'reversed'],
  ['voided', 'reversed'],
  ['reversal', 'reversal'],
]);

/** Advances are posted like invoices and used up bit by bit. */
const ADVANCE_STATES = ['posted', 'selected', 'partiallyapplied', 'fullyapplied'];

/** Undefined for a state that nobody documented. */
export function stateOfPayment(recordType: string, state: string): PaymentState | undefined {
  if (recordType === 'rr' && ADVANCE_STATES.includes(state)) return 'complete';
  return PAYMENT_STATES.get(state);
}

/** Cash by invoice: an invoice is repeated for each of its lines, and credits stand beside the cash. */
export function shareSums({ details = [] }: PaymentFacts, currency: string): Shares {
  const shares = details.map(({ invoiceKey, amount }) => ({
    externalId: invoiceKey,
    amountMinor: fromDecimalText(amount ?? '0', currency).minor,
  }));
  return new Map([...sumShares(shares)].filter(([, minor]) => minor > 0n));
}
