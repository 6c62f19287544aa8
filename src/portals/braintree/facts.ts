/** What Braintree's two languages, XML and GraphQL, say of the same things; either is read into these. */
import type { Method, Payer, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';

/** A status that a transaction or dispute passed through, in lower case, and when. */
export type Passed = { readonly status: string; readonly at: string | undefined };

/** A transaction as far as it is told; undefined is what a minimal notice leaves out. */
export type PaymentFacts = {
  /** The legacy id: the only one that notices know. */
  readonly id: string;
  readonly direction: 'sale' | 'credit' | undefined;
  /** In lower case. */
  readonly status: string | undefined;
  /** Decimal text in major units. */
  readonly amount: string | undefined;
  readonly currency: string | undefined;
  readonly createdAt: string | undefined;
  readonly history: readonly Passed[];
  readonly references: readonly Reference[];
  readonly customer: Payer | null;
  readonly method: Method | null;
  /** Why it failed, if it did. */
  readonly reason: string | undefined;
  readonly refundedId: string | undefined;
  /** Captured in parts: its children carry the money. */
  readonly inParts: boolean;
  /** The authorization of which this captures a part. */
  readonly authorizationId: string | undefined;
  readonly achReturnCode: string | undefined;
  /** What PayPal kept, which is the only fee any transaction tells. */
  readonly fee: { readonly amount: string; readonly currency: string } | undefined;
};

export type DisputeFacts = {
  readonly id: string;
  /** `chargeback`, `pre_arbitration`, `retrieval`; in lower case. */
  readonly kind: string | undefined;
  readonly status: string | undefined;
  readonly disputed: string | undefined;
  readonly won: string | undefined;
  readonly currency: string | undefined;
  readonly paymentId: string | undefined;
  /** Amount of the disputed transaction, decimal text. */
  readonly paymentAmount: string | undefined;
  readonly createdAt: string | undefined;
  readonly history: readonly Passed[];
  readonly reason: string | undefined;
};

/** The latest instant at which it had the status; undefined when its history does not say. */
export function passedAt(history: readonly Passed[], status: string): string | undefined {
  return latestOf(history.filter((one) => one.status === status));
}

/** The latest instant of a history. */
export function latestOf(history: readonly Passed[]): string | undefined {
  return history
    .flatMap(({ at }) => (at === undefined ? [] : [at]))
    .sort()
    .at(-1);
}

/** An instant as both languages write it, in UTC with milliseconds. @throws WireMismatch */
export function utc(text: string): string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) {
    throw new WireMismatch(`"${text.slice(0, 40)}" is not an instant`);
  }
  const at = new Date(text);
  const iso = Number.isNaN(at.getTime()) ? '' : at.toISOString();
  if (iso.length !== 24) throw new WireMismatch(`"${text}" is not an instant`);
  return iso;
}
