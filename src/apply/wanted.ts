/**
 * The keys by which a batch's documents may touch the books: what must be loaded so that `decide` sees all it
 * needs.
 */
import type { OwnDecision } from '../intake/own-document.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { emailKey, matchKey } from '../receivables/match-key.ts';
import type { Organization } from './books.ts';
import type { Reading } from './decide.ts';
import { idNumber } from './decide-own.ts';
import type { DocumentAtHand, ReviewSubject } from './deciding.ts';
import { reviewSubject } from './deciding.ts';
import { ownPaymentIds } from './find-twin.ts';
import { referenceKeys } from './payment-targets.ts';
import { amountNamesNear, idsInMemos, idsOf } from './same-money.ts';

/** Pairs of connection id and the portal's id. */
export class Pairs {
  readonly #known = new Set<string>();
  readonly connectionIds: string[] = [];
  readonly externalIds: string[] = [];
  add(connectionId: string, externalId: string | null | undefined): void {
    if (!externalId) return;
    const key = `${connectionId}\u0000${externalId}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.connectionIds.push(connectionId);
    this.externalIds.push(externalId);
  }
  get size(): number {
    return this.#known.size;
  }
}

export type PartOfPayment = {
  readonly connectionId: string;
  readonly externalId: string;
  readonly event: CanonicalEvent & { readonly part: string };
};

/** An amount of minor units, and when it was paid. */
export type Moment = { readonly amountMinor: bigint; readonly occurredAt: string };

export type Wanted = {
  readonly payments: Pairs;
  readonly paymentIds: Set<bigint>;
  readonly payers: { connectionId: string; payerKey: string; amountMinor: bigint }[];
  /** A batch without provisional ids and without a books connection needs no search for twins. */
  twins: boolean;
  readonly refunds: Pairs;
  readonly refundIds: Set<bigint>;
  readonly disputes: Pairs;
  readonly payouts: Pairs;
  /** Amounts by which payouts, and what shows them, are recognised. */
  readonly payoutAmounts: Set<bigint>;
  /** Amounts of credits on bank statements. */
  readonly bankAmounts: Set<bigint>;
  /** Amounts of unapplied cash that may be what a shop or the books show. */
  readonly unappliedAmounts: Set<bigint>;
  /** Payments that somebody may have entered in the books. */
  readonly entered: Moment[];
  /** Payments that a document shows by their gateway alone. */
  readonly taken: Moment[];
  /** Refunds that the books may tell of as well. */
  readonly refundMoments: Moment[];
  /** The connections that the batch's documents come from. */
  readonly connectionIds: Set<string>;
  /** Ids by which other portals may have named a payment. */
  readonly elsewhere: Set<string>;
  readonly customers: Pairs;
  readonly emails: Set<string>;
  readonly invoices: Pairs;
  readonly invoiceIds: Set<bigint>;
  readonly workOrders: Pairs;
  readonly workOrderIds: Set<bigint>;
  readonly entitlements: { kind: string; connectionId: string; externalId: string }[];
  /** Match keys by which invoices and work orders are named. */
  readonly keys: Set<string>;
  /** External ids by which invoices and work orders are named, as written. */
  readonly externalIds: Set<string>;
  /** Keys that payments may be waiting under. */
  readonly waitingKeys: Set<string>;
  /** An invoice may come or change: any unapplied cash of its customer may be meant for it. */
  receivables: boolean;
  /** Amounts that may equal an invoice's balance. */
  readonly amounts: Set<bigint>;
  /** Events of payments taken in parts, in their order: the sums they lead to may equal a balance, too. */
  readonly parts: PartOfPayment[];
  readonly allocationIds: Set<bigint>;
  readonly reviewItemIds: Set<bigint>;
  readonly reviewSubjects: Set<string>;
};

export function wantedBy(
  batch: readonly { readonly document: DocumentAtHand; readonly reading: Reading }[],
  organization: Organization,
): Wanted {
  const wanted: Wanted = {
    payments: new Pairs(),
    paymentIds: new Set(),
    payers: [],
    twins: false,
    refunds: new Pairs(),
    refundIds: new Set(),
    disputes: new Pairs(),
    payouts: new Pairs(),
    payoutAmounts: new Set(),
    bankAmounts: new Set(),
    unappliedAmounts: new Set(),
    entered: [],
    taken: [],
    refundMoments: [],
    connectionIds: new Set(),
    elsewhere: new Set(),
    customers: new Pairs(),
    emails: new Set(),
    invoices: new Pairs(),
    invoiceIds: new Set(),
    workOrders: new Pairs(),
    workOrderIds: new Set(),
    entitlements: [],
    keys: new Set(),
    externalIds: new Set(),
    waitingKeys: new Set(),
    receivables: false,
    amounts: new Set(),
    parts: [],
    allocationIds: new Set(),
    reviewItemIds: new Set(),
    reviewSubjects: new Set(),
  };
  for (const { document, reading } of batch) {
    wantReview(wanted, {}, document.id);
    wanted.connectionIds.add(document.connectionId);
    if ('events' in reading) {
      for (const event of reading.events) {
        wantEvent(wanted, document.connectionId, event, organization.installation);
        wantSameMoney(wanted, document.connectionId, { event, organization });
      }
    }
    if ('decision' in reading) wantDecision(wanted, document.connectionId, reading.decision);
  }
  return wanted;
}

export function wantReview(wanted: Wanted, subject: ReviewSubject, documentId: bigint): void {
  wanted.reviewSubjects.add(reviewSubject(subject, documentId));
}

/** Everything the references of an event or a stored payment may name. */
export function wantReferences(
  wanted: Wanted,
  connectionId: string,
  references: CanonicalEvent['references'],
): void {
  for (const key of referenceKeys(references)) wanted.keys.add(key);
  for (const reference of references) {
    for (const name of [reference.externalId, reference.number, reference.text]) {
      if (name && reference.kind !== 'memo') wanted.externalIds.add(name);
    }
    if (reference.externalId)
      wanted.invoices.add(reference.connectionId ?? connectionId, reference.externalId);
  }
}

function wantEvent(
  wanted: Wanted,
  connectionId: string,
  event: CanonicalEvent,
  installation: string,
): void {
  wanted.payments.add(connectionId, event.externalPaymentId);
  wanted.payments.add(connectionId, event.links.paymentExternalId);
  for (const id of event.links.insteadOf ?? []) wanted.payments.add(connectionId, id);
  wanted.refunds.add(connectionId, event.refundId);
  wanted.disputes.add(connectionId, event.disputeId);
  wanted.payouts.add(connectionId, event.payoutId);
  wanted.customers.add(connectionId, event.customer?.externalId);
  const email = emailKey(event.customer?.email);
  if (email) wanted.emails.add(email);
  wantReferences(wanted, connectionId, event.references);
  for (const id of ownPaymentIds(installation, event.references)) wanted.paymentIds.add(id);
  const { part, externalPaymentId: externalId } = event;
  if (part !== undefined && externalId !== null)
    wanted.parts.push({ connectionId, externalId, event: { ...event, part } });
  if (event.type === 'payment.succeeded') {
    wanted.amounts.add(event.amountMinor);
    if (event.provisional) wanted.twins = true;
    // The same money under another id may wait for the same thing.
    for (const key of referenceKeys(event.references)) wanted.waitingKeys.add(key);
    const payerKey = event.customer?.externalId;
    if (payerKey) wanted.payers.push({ connectionId, payerKey, amountMinor: event.amountMinor });
  }
  if (event.type.startsWith('refund.') || event.type === 'payment.voided') {
    for (const key of referenceKeys(event.references)) wanted.waitingKeys.add(key);
  }
  if (!event.invoice) return;
  const { invoice } = event;
  wanted.receivables = true;
  wanted.invoices.add(connectionId, invoice.externalId);
  wanted.customers.add(connectionId, invoice.customerExternalId);
  wanted.amounts.add(invoice.totalMinor);
  for (const text of [
    invoice.number,
    invoice.externalId,
    invoice.workOrder,
    invoice.purchaseOrder,
  ]) {
    wantKey(wanted, text, true);
  }
}

/** What another portal may have told of the event's money, or the event of another portal's. */
function wantSameMoney(
  wanted: Wanted,
  connectionId: string,
  given: { readonly event: CanonicalEvent; readonly organization: Organization },
): void {
  const { event } = given;
  const { connections } = given.organization;
  if (event.type.startsWith('payout.')) wanted.payoutAmounts.add(event.amountMinor);
  const { amountMinor, occurredAt } = event;
  if (event.type.startsWith('refund.')) wanted.refundMoments.push({ amountMinor, occurredAt });
  if (!event.type.startsWith('payment.')) return;
  const isEntered = connections.get(connectionId)?.role === 'books';
  if (connections.get(connectionId)?.portal === 'generic')
    wanted.bankAmounts.add(event.amountMinor);
  for (const id of idsOf(event)) wanted.elsewhere.add(id);
  if (event.type === 'payment.succeeded') {
    for (const name of amountNamesNear(event)) wanted.elsewhere.add(name);
    if (isEntered) wanted.unappliedAmounts.add(amountMinor);
    else wanted.entered.push({ amountMinor, occurredAt });
  }
  const told: CanonicalEvent['links']['elsewhere'] = event.links.elsewhere ?? [];
  for (const { portal, externalId } of isEntered ? [...told, ...idsInMemos(event)] : told) {
    if (externalId === undefined) {
      wanted.taken.push({ amountMinor, occurredAt });
      continue;
    }
    wanted.elsewhere.add(externalId);
    for (const connection of connections.values()) {
      if (portal === undefined || portal === connection.portal) {
        wanted.payments.add(connection.id, externalId);
      }
    }
  }
}

function wantKey(wanted: Wanted, text: string | null | undefined, mayWait: boolean): void {
  const key = matchKey(text);
  if (!key || !text) return;
  wanted.keys.add(key);
  wanted.externalIds.add(text);
  if (mayWait) wanted.waitingKeys.add(key);
}

function wantDecision(wanted: Wanted, connectionId: string, decision: OwnDecision): void {
  switch (decision.kind) {
    case 'work-order.upserted':
      wanted.workOrders.add(connectionId, decision.externalId);
      wanted.customers.add(connectionId, decision.customerExternalId);
      wantKey(wanted, decision.number ?? decision.externalId, true);
      wantKey(wanted, decision.externalId, true);
      return;
    case 'service-contract.upserted':
    case 'warranty.upserted':
    case 'parts-order.upserted':
      wanted.entitlements.push({
        kind: decision.kind.slice(0, -'.upserted'.length),
        connectionId,
        externalId: decision.externalId,
      });
      wanted.customers.add(connectionId, decision.customerExternalId);
      wantKey(wanted, decision.workOrder, false);
      wantKey(wanted, decision.invoice, false);
      return;
    case 'allocation.made':
      wanted.paymentIds.add(idNumber(decision.paymentId));
      if (decision.target.kind === 'invoice') wanted.invoiceIds.add(idNumber(decision.target.id));
      else wanted.workOrderIds.add(idNumber(decision.target.id));
      return;
    case 'allocation.reversed':
      wanted.allocationIds.add(idNumber(decision.allocationId));
      return;
    case 'review.resolved':
      wanted.reviewItemIds.add(idNumber(decision.reviewItemId));
      return;
    case 'copy.recorded':
      wanted.paymentIds.add(idNumber(decision.paymentId));
      wanted.payments.add(decision.connectionId, decision.externalId);
  }
}
