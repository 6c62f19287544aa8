/** A payment and what surrounds it, as the API states them. */

/** A decimal string with exactly the currency's digits. */
export type MoneyText = { readonly amount: string; readonly currency: string };

export const PAYMENT_STATUSES = [
  'pending',
  'authorized',
  'succeeded',
  'partially_refunded',
  'refunded',
  'disputed',
  'failed',
  'voided',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** The customer in the books; without an id of ours, the payer as the portal named them. */
export type Customer = {
  readonly id: string | null;
  readonly externalId: string | null;
  readonly name: string | null;
  readonly email: string | null;
};

export type Explanation = {
  readonly rule?: string;
  readonly because?: string;
  readonly alternatives?: readonly string[];
};

export type Allocation = {
  readonly id: string;
  readonly target: {
    readonly kind: 'invoice' | 'work-order';
    readonly id: string;
    readonly externalId: string;
    readonly number: string | null;
  };
  readonly amount: MoneyText;
  readonly explanation: Explanation;
};

export type Release = {
  readonly id: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly id: string; readonly number: string | null };
  readonly state: 'done' | 'taken_back';
  readonly at: string;
  readonly takenBackAt: string | null;
};

export type PaymentEvent = {
  readonly type: string;
  readonly occurredAt: string;
  readonly amount: MoneyText | null;
  readonly documentId: string;
};

export type Payment = {
  readonly id: string;
  readonly portal: string;
  readonly connectionId: string;
  readonly externalId: string;
  readonly status: PaymentStatus;
  readonly amount: MoneyText;
  readonly fee: MoneyText | null;
  readonly refunded: MoneyText;
  readonly disputed: MoneyText;
  readonly unapplied: MoneyText;
  readonly occurredAt: string;
  readonly receivedAt: string;
  readonly postedAt: string | null;
  readonly method: string | null;
  readonly channel: string | null;
  readonly failureReason: string | null;
  readonly customer: Customer | null;
  readonly references: readonly { readonly kind: string; readonly value: string }[];
  readonly allocations: readonly Allocation[];
  readonly events: readonly PaymentEvent[];
  readonly releases: readonly Release[];
};

/** One page of a list. */
export type Page<Row> = { readonly data: readonly Row[]; readonly next: string | null };
