/** A payment's trail: from the money back to the portal's original bytes, as the API states it. */
import type { Allocation, MoneyText, Payment, PaymentEvent, Release } from './payment.ts';

export type SourceDocument = {
  readonly id: string;
  readonly portal: string;
  readonly origin: string;
  readonly receivedAt: string;
  readonly status: 'received' | 'applied' | 'ignored' | 'quarantined';
  readonly reason: string | null;
  readonly sequence: string | null;
  readonly sha256: string;
};

export type Entry = {
  readonly sequence: string;
  readonly kind: string;
  readonly memo: string;
  readonly postedAt: string;
  readonly hash: string;
  readonly documentId: string;
  readonly postings: readonly {
    readonly debitAccount: string;
    readonly creditAccount: string;
    readonly amount: MoneyText;
  }[];
};

/** In a trail also what was taken back is told, with the entry behind it. */
export type AllocationHistory = Allocation & {
  readonly originalAmount: MoneyText;
  readonly state: 'standing' | 'taken_back';
  readonly entry: string;
};

export type Action = Release & {
  readonly entry: string;
  readonly takenBackBecause: string | null;
};

export type Delivery = {
  readonly id: string;
  readonly system: { readonly name: string };
  readonly topic: string;
  readonly state: 'waiting' | 'done' | 'skipped' | 'parked';
  readonly attempts: number;
  readonly lastError: string | null;
};

export type ReviewItem = {
  readonly id: string;
  readonly kind: string;
  readonly state: 'open' | 'resolved';
  readonly reason: string;
  readonly openedAt: string;
};

export type Trail = {
  readonly payment: Payment;
  readonly documents: readonly SourceDocument[];
  readonly events: readonly PaymentEvent[];
  readonly entries: readonly Entry[];
  readonly allocations: readonly AllocationHistory[];
  readonly actions: readonly Action[];
  readonly deliveries: readonly Delivery[];
  readonly reviewItems: readonly ReviewItem[];
};
