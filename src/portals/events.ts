/** The canonical events every portal's documents become; the one language between portals and books. */

export const EVENT_TYPES = [
  'payment.pending',
  'payment.authorized',
  'payment.succeeded',
  'payment.failed',
  'payment.voided',
  'payment.referenced',
  'refund.succeeded',
  'refund.failed',
  'dispute.opened',
  'dispute.won',
  'dispute.lost',
  'payout.paid',
  'payout.failed',
  'payout.banked',
  'invoice.upserted',
  'invoice.voided',
  'customer.upserted',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const METHODS = [
  'card',
  'phone',
  'ach',
  'bank',
  'wallet',
  'check',
  'cash',
  'other',
] as const;
export type Method = (typeof METHODS)[number];

const REFERENCE_KINDS = [
  'invoice',
  'workOrder',
  'order',
  'purchaseOrder',
  'subscription',
  'memo',
] as const;

/** What a payment says it pays. `amountMinor` is the share meant for this target, in the payment's currency. */
export type Reference = {
  readonly kind: (typeof REFERENCE_KINDS)[number];
  readonly externalId?: string;
  readonly number?: string;
  readonly text?: string;
  readonly amountMinor?: bigint;
  /** The connection whose id it is, where another one's document told it. Portals never say it. */
  readonly connectionId?: string;
};

/** The payer as the portal names them; ids are the portal's own. */
export type Payer = {
  readonly externalId: string | null;
  readonly name: string | null;
  readonly email: string | null;
};

/** An invoice as a portal or the firm states it. Days are `YYYY-MM-DD` in the firm's time zone. */
export type InvoiceFacts = {
  readonly externalId: string;
  readonly number: string | null;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly issuedOn: string | null;
  readonly dueOn: string | null;
  readonly customerExternalId: string | null;
  readonly workOrder: string | null;
  readonly purchaseOrder: string | null;
};

/**
 * One canonical event. Amounts are positive integers of ISO 4217 minor units; `occurredAt` is UTC,
 * `YYYY-MM-DDTHH:mm:ss.sssZ`.
 */
export type CanonicalEvent = {
  readonly type: EventType;
  /** The portal's id of the payment; for a refund or dispute the payment it belongs to; null when there is none. */
  readonly externalPaymentId: string | null;
  readonly refundId?: string;
  readonly disputeId?: string;
  readonly payoutId?: string;
  /** The portal's own event id, or a key derived from object and state where it has none. */
  readonly eventId: string;
  readonly occurredAt: string;
  /** Negative only for a payout that is a debit from our bank. */
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly feeMinor: bigint | null;
  readonly feeCurrency?: string;
  readonly method: Method | null;
  /** How it was taken, in the portal's words (`Terminal`, `Link` …). */
  readonly channel?: string;
  readonly references: readonly Reference[];
  readonly customer: Payer | null;
  readonly links: {
    /** Another portal id of the same payment, or (refund, dispute) the payment it belongs to. */
    readonly paymentExternalId?: string;
    /**
     * Ids under which money received was announced, alone or with other money: an authorization captured in parts,
     * an order paid in parts. The first payment to come takes their place, the others stand beside it.
     */
    readonly insteadOf?: readonly string[];
    /**
     * Where else the same money is known: the processor's id of what a shop, a billing system or the books show, or
     * the other way round. `portal` is absent where the document does not say which one it is, `externalId` where it
     * says no more than that.
     */
    readonly elsewhere?: readonly { readonly portal?: string; readonly externalId?: string }[];
  };
  /** True when `externalPaymentId` stands in for an id not yet known (portals/README, provisional identity). */
  readonly provisional?: boolean;
  /**
   * Names one of several parts that a payment is taken in (captures): it is received as their sum, each counted
   * once. With `payment.referenced` what `feeMinor` is charged for, a share of the payment's fee.
   */
  readonly part?: string;
  /** Orders the states of a payment that its portal lets people edit (QuickBooks SyncToken); higher wins. */
  readonly revision?: number;
  /** On a payout: what the portal kept with it that is the fee of no payment (monthly fees, invoices). */
  readonly payoutCostMinor?: bigint;
  /** Why it failed, was declined or disputed, in the portal's words. */
  readonly reason?: string;
  /** False for a dispute that has not moved money (an inquiry). */
  readonly fundsWithdrawn?: boolean;
  /** Present on `invoice.*`. */
  readonly invoice?: InvoiceFacts;
};

/** The JSON form of the contract: integers as numbers, absent optionals left out. */
export function toJsonEvent(event: CanonicalEvent): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(event, (_key, value) =>
      typeof value === 'bigint' ? jsonInteger(value) : value,
    ),
  );
}

function jsonInteger(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} does not fit a JSON integer`);
  return number;
}
