/** What every decision works with: the books, the document at hand, and the few ways to write. */

import { type Account, chart } from '../ledger/chart.ts';
import { type Entry, hashEntry } from '../ledger/entry.ts';
import { businessDay } from '../money/business-day.ts';
import { type Books, keyOf, type SystemFacts } from './books.ts';
import type { IdentityRow } from './identity-rows.ts';
import type { PaymentRow, ReviewItemRow } from './rows.ts';

/** The document being applied. `appliedAt` is recorded with it, so a replay decides at the same instant. */
export type DocumentAtHand = {
  readonly id: bigint;
  readonly connectionId: string;
  readonly sha256: Buffer;
  readonly receivedAt: string;
  readonly appliedAt: string;
  /** Its connection says that its payments are copies of money we learn of elsewhere, never money. */
  readonly mirrorOnly: boolean;
};

export type Deciding = {
  readonly books: Books;
  readonly document: DocumentAtHand & { readonly sequence: bigint };
  /** Payments, invoices and work orders whose state this document changed; settled at its end. */
  readonly touched: {
    readonly payments: Set<bigint>;
    readonly invoices: Set<bigint>;
    readonly workOrders: Set<bigint>;
  };
  /** Payments this document is about: what is unapplied of them is applied at its end, if it is certain. */
  readonly toApply: Set<bigint>;
  /** Payments this document put on an invoice. */
  readonly applied: Set<bigint>;
  /** The newest entry and payment by which money came to or left an invoice or work order in this document. */
  readonly causes: Map<
    string,
    {
      readonly entry: bigint;
      readonly paymentId: bigint;
      readonly takesBack: boolean;
      readonly because: string;
    }
  >;
};

/** Thrown by `decide` before it changed anything: the document is set aside with this reason. */
export class Quarantined extends Error {
  override readonly name = 'Quarantined';
}

/** The next id of the organization; ids follow the order of documents, so a replay gives the same. */
export function nextId({ books }: Deciding): bigint {
  books.head.lastId += 1n;
  return books.head.lastId;
}

export type PostingDraft = {
  readonly debit: Account;
  readonly credit: Account;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly paymentId?: bigint;
  readonly invoiceId?: bigint;
};

/**
 * Appends an entry to the journal and returns its sequence. `occurredAt` gives the effective day in the
 * firm's time zone; `reverses` links a correction to what it corrects.
 */
export function post(
  ctx: Deciding,
  draft: {
    readonly kind: string;
    readonly memo: string;
    readonly occurredAt: string;
    readonly reverses?: bigint | null;
    readonly postings: readonly PostingDraft[];
  },
): bigint {
  const { books, document } = ctx;
  const { head, organization } = books;
  const entry: Entry = {
    sequence: head.entrySequence + 1n,
    kind: draft.kind,
    memo: draft.memo,
    postedAt: document.appliedAt,
    effectiveOn: businessDay(draft.occurredAt, organization.timeZone),
    documentId: document.id,
    documentSha256: document.sha256,
    reverses: draft.reverses ?? null,
    postings: draft.postings.map((posting) => ({
      debitAccount: posting.debit.code,
      creditAccount: posting.credit.code,
      amountMinor: posting.amountMinor,
      currency: posting.currency,
      paymentId: posting.paymentId ?? null,
      invoiceId: posting.invoiceId ?? null,
    })),
  };
  const hash = hashEntry(organization.id, entry, head.entryHash);
  books.entries.push({ ...entry, previousHash: head.entryHash, hash });
  head.entrySequence = entry.sequence;
  head.entryHash = hash;
  for (const posting of draft.postings) {
    addToBalance(books, posting.debit, posting.currency).debitMinor += posting.amountMinor;
    addToBalance(books, posting.credit, posting.currency).creditMinor += posting.amountMinor;
  }
  return entry.sequence;
}

function addToBalance(books: Books, account: Account, currency: string) {
  books.accounts.set(account.code, account);
  const key = keyOf(account.code, currency);
  let sum = books.balances.get(key);
  if (!sum) {
    sum = { debitMinor: 0n, creditMinor: 0n };
    books.balances.set(key, sum);
  }
  return sum;
}

/** The posting of a processor's fee. */
export function feePosting(
  connectionId: string,
  fee: { readonly minor: bigint; readonly currency: string; readonly paymentId?: bigint },
): PostingDraft {
  return {
    debit: chart.processorFees,
    credit: chart.clearing(connectionId),
    amountMinor: fee.minor,
    currency: fee.currency,
    ...(fee.paymentId === undefined ? {} : { paymentId: fee.paymentId }),
  };
}

/** Notes that a payment changed. */
export function touchPayment(ctx: Deciding, payment: PaymentRow): void {
  payment.updatedSequence = ctx.document.sequence;
  ctx.books.payments.put(payment);
  ctx.touched.payments.add(payment.id);
}

/** What a review item is about; by default the document at hand. */
export type ReviewSubject = {
  readonly paymentId?: bigint;
  readonly refundId?: bigint;
  readonly disputeId?: bigint;
};

export function reviewSubject(subject: ReviewSubject, documentId: bigint): string {
  if (subject.refundId !== undefined) return `refund:${subject.refundId}`;
  if (subject.disputeId !== undefined) return `dispute:${subject.disputeId}`;
  if (subject.paymentId !== undefined) return `payment:${subject.paymentId}`;
  return `document:${documentId}`;
}

/** Opens a review item, or renews the reason of the open one of that kind about the same subject. */
export function openReview(
  ctx: Deciding,
  item: ReviewSubject & {
    readonly kind: string;
    readonly reason: string;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): void {
  const { books, document } = ctx;
  const subject = reviewSubject(item, document.id);
  const open = books.reviewItems.find('open', subject).find((row) => row.kind === item.kind);
  if (open?.reason === item.reason) return;
  const row: ReviewItemRow = open ?? {
    id: nextId(ctx),
    kind: item.kind,
    subject,
    reason: item.reason,
    paymentId: item.paymentId ?? null,
    documentId: document.id,
    details: item.details ?? {},
    openedAt: document.appliedAt,
    resolvedAt: null,
    resolution: null,
    updatedSequence: document.sequence,
  };
  row.reason = item.reason;
  if (item.details) row.details = item.details;
  row.updatedSequence = document.sequence;
  books.reviewItems.put(row);
}

/** Closes the open items of those kinds about a subject. */
export function closeReviews(
  ctx: Deciding,
  closing: ReviewSubject & { readonly kinds: readonly string[]; readonly resolution: string },
): void {
  const { books, document } = ctx;
  for (const row of books.reviewItems.find('open', reviewSubject(closing, document.id))) {
    if (!closing.kinds.includes(row.kind)) continue;
    row.resolvedAt = document.appliedAt;
    row.resolution = closing.resolution;
    row.updatedSequence = document.sequence;
    books.reviewItems.put(row);
  }
}

/** Remembers a further id of a payment, customer, invoice or work order; the first holder of an id keeps it. */
export function addIdentity(ctx: Deciding, identity: Omit<IdentityRow, 'documentId'>): void {
  ctx.books.identities.add({ ...identity, documentId: ctx.document.id });
}

/** What a kind of system can be told; null means everything. A system's own choice goes before it; books have none. */
const TOPICS: Record<SystemFacts['kind'], readonly string[] | null> = {
  webhook: null,
  servicemobility: [
    'payment.succeeded',
    'payment.authorized',
    'payment.failed',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
  ],
  // What is to be recorded there, and what may take it back.
  books: [
    'payment.applied',
    'payment.failed',
    'payment.voided',
    'refund.succeeded',
    'dispute.lost',
  ],
};

/** Queues a message about a payment for every system that wants the topic. */
export function queueDelivery(
  ctx: Deciding,
  message: { readonly topic: string; readonly paymentId: bigint; readonly subject?: string },
): void {
  for (const system of ctx.books.organization.systems) {
    const topics = system.topics ?? TOPICS[system.kind];
    if (topics !== null && !topics.includes(message.topic)) continue;
    ctx.books.deliveries.push({
      systemId: system.id,
      topic: message.topic,
      paymentId: message.paymentId,
      subject: message.subject ?? null,
      documentId: ctx.document.id,
      createdAt: ctx.document.appliedAt,
    });
  }
}
