/** What every simulated portal offers to the demo, the seeded simulation and the tests. */
import type { Between } from './faulty-server.ts';

export type SimulatedOrder = {
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly customer: { readonly externalId: string; readonly name: string; readonly email: string };
  readonly invoiceNumber?: string;
  readonly workOrder?: string;
  readonly memo?: string;
};

/** Money that another portal took and this one shows: a shop's gateway, a charge in the books. */
export type ShownPayment = {
  readonly order: SimulatedOrder;
  /** The portal that took it. */
  readonly portal: string;
  /** Its id of the payment; undefined where this portal is not told, so that only what both say connects them. */
  readonly externalId: string | undefined;
};

/** How shops and billing systems write the name of a gateway. */
export function gatewayName(portal: string): string {
  return portal.replaceAll('-', '_');
}

export type SimulatedDelivery = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** A signed delivery waiting to be sent; it is signed when sent, as portals sign each attempt afresh. */
export type SimulatedNotice = {
  /** For logs: `payment_intent.succeeded pi_…`. */
  readonly label: string;
  /** The bytes and headers of one delivery attempt at `now`. */
  sign(now: Date): SimulatedDelivery;
  /** Another portal takes such a body for its own, so it is only sent to the connection's own address. */
  readonly addressed?: true;
  /**
   * A delivery made by somebody without the secret, which must be refused. Absent where changing the header
   * that carries the signature says enough.
   */
  forge?(now: Date): SimulatedDelivery;
};

/** What really happened to one payment, by the portal's own books. */
export type TruePayment = {
  readonly externalId: string;
  readonly status: 'pending' | 'authorized' | 'succeeded' | 'failed' | 'voided';
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly refundedMinor: bigint;
  /** Withdrawn by disputes still open. */
  readonly disputedMinor: bigint;
  /** Withdrawn by disputes lost. */
  readonly lostMinor: bigint;
  /** Fees the portal told us of by any document it ever emits or answers; null when it tells none. */
  readonly feeMinor: bigint | null;
};

/** A payout as the portal's books have it; negative when it debits our bank. */
export type TruePayout = {
  readonly externalId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** `failed`: the bank sent it back, and the money is at the portal again. */
  readonly state: 'paid' | 'failed';
};

/**
 * A portal on loopback with its own API, signing and truth. Methods change the portal's world at the
 * given instant and queue the notices it would send; a missing method is something the portal cannot do.
 */
export type SimulatedPortal = {
  readonly portal: string;
  readonly role: 'source' | 'books';
  /** Settings as text, as `checkvalve connect --set` takes them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Nothing it tells can be pulled: what was not acknowledged is delivered again until it is, for weeks. */
  readonly redelivers?: true;
  /** A payment that succeeded may still be voided. */
  readonly voidsPaid?: true;
  /**
   * Refunds and voids name their payment by its work order alone: with ids of their `own` they must arrive after
   * it, with the payment's `reused` there can only be one.
   */
  readonly reversalsByWorkOrder?: 'own' | 'reused';
  /** What it takes; every currency when absent. */
  readonly currencies?: readonly string[];
  /** The customer pays; resolves to the portal's payment id. */
  pay(order: SimulatedOrder, at: Date): string;
  /** Shows a payment of another portal; resolves to the id here, which is not in `truth()`. */
  show?(payment: ShownPayment, at: Date): string;
  /** Begins a payment that is pending (bank debit); `settle` or `fail` ends it. */
  begin?(order: SimulatedOrder, at: Date): string;
  settle?(paymentId: string, at: Date): void;
  fail?(paymentId: string, at: Date): void;
  authorize?(order: SimulatedOrder, at: Date): string;
  capture?(paymentId: string, at: Date): void;
  void?(paymentId: string, at: Date): void;
  refund?(paymentId: string, amountMinor: bigint, at: Date): string;
  failRefund?(refundId: string, at: Date): void;
  dispute?(paymentId: string, at: Date): string;
  closeDispute?(disputeId: string, outcome: 'won' | 'lost', at: Date): void;
  /** Pays out everything cleared so far; returns the payout's id, or undefined when nothing is due. */
  payout?(at: Date): string | undefined;
  /** Takes the notices queued since the last call, in the order they were caused. */
  takeNotices(): SimulatedNotice[];
  truth(): readonly TruePayment[];
  /** Present with `payout`. */
  payouts?(): readonly TruePayout[];
  /** What the portal kept that is the fee of no payment: for disputes, less what it gave back, and for the account. */
  disputeFees?(): readonly { readonly currency: string; readonly amountMinor: bigint }[];
  /** API requests answered so far, faults included. */
  readonly requestCount: () => number;
  close(): Promise<void>;
};

export type SimulatedInvoice = {
  readonly number: string;
  readonly customerExternalId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly workOrder?: string;
};

/** A payment that a bookkeeper types in: a cheque from the post, or a copy of what came through another portal. */
export type EnteredPayment = {
  readonly customerExternalId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** `Check`, `Credit Card` … in the books' own spelling where they have one. */
  readonly method: string;
  readonly reference: string;
  readonly note?: string;
  readonly invoices: readonly { readonly externalId: string; readonly amountMinor: bigint }[];
};

export type RecordedPayment = {
  readonly externalId: string;
  /** Where our mark stands. */
  readonly reference: string;
  readonly customerExternalId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** It was voided or deleted since; books that forget it leave it out. */
  readonly takenBack?: true;
};

/** An accounting system: invoices, customers, what people type in, and what we record. */
export type SimulatedBooks = SimulatedPortal & {
  readonly role: 'books';
  addCustomer(customer: { readonly name: string; readonly email: string }, at: Date): string;
  addInvoice(invoice: SimulatedInvoice, at: Date): string;
  enterPayment(payment: EnteredPayment, at: Date): string;
  /** Deletes a payment, which is more than voiding it: nothing of it can be read any more. */
  remove?(paymentId: string, at: Date): void;
  /** Payments created through the API, not in `truth()`: they are somebody else's money. */
  recordedPayments(): readonly RecordedPayment[];
  /** A bookkeeper imports a file of ours; resolves to the ids of its rows. @throws RangeError as the books refuse it */
  importFile?(file: string, at: Date): readonly string[];
  /** Makes every access token given out so far worthless. */
  expireAccessTokens?(): void;
  /** What a voided payment was can no longer be read. */
  readonly forgetsVoided?: true;
  /** A refund names a customer and no payment. */
  readonly unlinkedRefunds?: true;
};

export type SimulatorOptions = {
  readonly seed: number;
  /** Probability that an API request meets a fault (429, 500, HTML 502, truncated body, slow); default 0. */
  readonly faultRate?: number;
  /** Stands between the client and the portal's API. */
  readonly between?: Between;
};
