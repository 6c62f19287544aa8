/** The parts that NetSuite's events share: identity, and the taking back of what is gone. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { bareEvent, goneInvoice } from '../kit/bare-event.ts';
import { absolute, type Money } from './references.ts';
import type { ReadingSettings } from './settings.ts';
import type { Type } from './wire.ts';

export const TIME_ZONE = 'America/Los_Angeles';

/** The id of a state that nothing announced: account, record and when it was changed. */
export function stateId({ accountId }: ReadingSettings, ...parts: readonly string[]): string {
  return [...(accountId === undefined ? [] : [accountId]), ...parts].join(':');
}

/**
 * What a voided or deleted record takes back. A preference of the account decides whether a voided one keeps its
 * amount, a deleted one has none: the stored copy counts.
 */
export function removal(
  type: Type,
  settings: ReadingSettings,
  gone: Pick<CanonicalEvent, 'eventId' | 'occurredAt' | 'reason'> & {
    readonly id: string;
    readonly money?: Money | undefined;
    readonly revision?: number;
  },
): Normalized {
  const { id, money, ...rest } = gone;
  const currency = money?.currency ?? settings.singleCurrency ?? 'USD';
  const amountMinor = money === undefined ? 0n : absolute(money.minor);
  const event = { ...bareEvent(currency), ...rest, amountMinor };
  switch (type) {
    case 'CustPymt':
    case 'CustDep':
      return { events: [{ ...event, type: 'payment.voided', externalPaymentId: id }] };
    case 'CustRfnd':
      return { events: [{ ...event, type: 'refund.failed', refundId: id }] };
    case 'CustInvc':
      return { events: [{ ...event, type: 'invoice.voided', invoice: goneInvoice(id, currency) }] };
    case 'Deposit':
      return settings.depositsArePayouts
        ? { events: [{ ...event, type: 'payout.failed', payoutId: id }] }
        : depositIsNoPayout(id);
  }
}

export function depositIsNoPayout(id: string): Normalized {
  return {
    ignored: `bank deposit ${id}: deposits group payments already known (setting depositsArePayouts is off)`,
  };
}
