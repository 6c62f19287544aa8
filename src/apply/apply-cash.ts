/** Carries cash application into the books: allocations, their reversal, and payments that wait. */
import {
  type Explanation,
  type PaymentToApply,
  proposeAllocations,
  type Target,
} from '../cash-application/propose.ts';
import { chart } from '../ledger/chart.ts';
import { toDecimalText } from '../money/money.ts';
import { matchKey } from '../receivables/match-key.ts';
import { addToWaiting } from './books.ts';
import { closeReviews, type Deciding, nextId, openReview, post, touchPayment } from './deciding.ts';
import {
  invoicesOf,
  invoiceTarget,
  referenceKeys,
  resolveReferences,
  sameAmountInvoices,
  targetKeys,
} from './payment-targets.ts';
import {
  type AllocationRow,
  balanceOf,
  hasGoneBack,
  type InvoiceRow,
  isInDoubt,
  type PaymentRow,
  unappliedOf,
  type WorkOrderRow,
} from './rows.ts';

/** Applies what is unapplied of a payment as far as that is certain; the rest waits with a reason. */
export function applyCash(ctx: Deciding, payment: PaymentRow): void {
  if (unappliedOf(payment) > 0n && !payment.held) {
    const references = resolveReferences(ctx.books, payment);
    const unknown = references.find(
      ({ reference, targets, settled }) =>
        reference.kind === 'invoice' && reference.number && targets.length + settled.length === 0,
    );
    const proposal = proposeAllocations({
      ...amountsOf(payment),
      references,
      unknownInvoice: unknown?.reference.number ?? null,
      sameAmount: sameAmountInvoices(ctx.books, payment),
    });
    for (const { target, amountMinor, explanation } of proposal.allocations) {
      allocate(ctx, payment, { target, amountMinor, explanation });
    }
    if (proposal.remainder !== null) reviewUnapplied(ctx, payment, proposal.remainder);
  }
  keepWaiting(ctx, payment);
}

/** Lets payments that wait for this invoice or work order look at it again, the oldest first. */
export function applyWaiting(ctx: Deciding, row: InvoiceRow | WorkOrderRow): void {
  const { books } = ctx;
  const ids = new Set<bigint>();
  for (const key of targetKeys(row)) for (const id of books.waiting.get(key) ?? []) ids.add(id);
  if ('workOrderKey' in row && row.customerId !== null) {
    for (const payment of books.payments.find('customer', String(row.customerId)))
      ids.add(payment.id);
  }
  for (const id of [...ids].sort((a, b) => (a < b ? -1 : 1))) {
    const payment = books.payments.get(id);
    if (payment && !payment.held && unappliedOf(payment) > 0n) applyTo(ctx, payment, row);
  }
}

function applyTo(ctx: Deciding, payment: PaymentRow, row: InvoiceRow | WorkOrderRow): void {
  const targets = new Set(
    'workOrderKey' in row
      ? [`invoice:${row.id}`]
      : [`work-order:${row.id}`, ...invoicesOf(ctx.books, row).map(({ id }) => `invoice:${id}`)],
  );
  const names = (target: Target) => targets.has(`${target.kind}:${target.id}`);
  const all = resolveReferences(ctx.books, payment);
  const references = all
    .map((resolved) => ({ ...resolved, targets: resolved.targets.filter(names), settled: [] }))
    .filter((resolved) => resolved.targets.length > 0);
  const keys = new Set(targetKeys(row));
  const other = payment.references.find(
    (reference) =>
      reference.kind === 'invoice' &&
      reference.number &&
      !keys.has(matchKey(reference.number) ?? ''),
  );
  // Equal invoices only count against this one: another is not what the payment was woken for.
  const sameAmount = 'workOrderKey' in row ? sameAmountInvoices(ctx.books, payment) : [];
  const proposal = proposeAllocations({
    ...amountsOf(payment),
    references,
    unknownInvoice: other?.number ?? null,
    sameAmount: sameAmount.some(names) ? sameAmount : [],
  });
  if (proposal.allocations.length === 0) return;
  for (const { target, amountMinor, explanation } of proposal.allocations) {
    allocate(ctx, payment, { target, amountMinor, explanation });
  }
  if (proposal.remainder !== null) reviewUnapplied(ctx, payment, proposal.remainder);
  keepWaiting(ctx, payment);
}

function amountsOf(
  payment: PaymentRow,
): Pick<PaymentToApply, 'unappliedMinor' | 'amountMinor' | 'currency' | 'customerId'> {
  return {
    unappliedMinor: unappliedOf(payment),
    amountMinor: payment.amountMinor,
    currency: payment.currency,
    customerId: payment.customerId,
  };
}

/** Puts part of a payment on an invoice or work order, with the reason kept beside it. */
export function allocate(
  ctx: Deciding,
  payment: PaymentRow,
  {
    target,
    amountMinor,
    explanation,
  }: { target: Target; amountMinor: bigint; explanation: Explanation | Record<string, unknown> },
): void {
  const { books, document } = ctx;
  if (payment.customerId === null && target.customerId !== null) {
    assignCustomer(ctx, payment, target.customerId);
  }
  // An invoice is paid on the account it was registered on, even while nobody knows whose it is.
  const customerId =
    target.kind === 'invoice' ? target.customerId : (target.customerId ?? payment.customerId);
  const amount = `${toDecimalText({ minor: amountMinor, currency: payment.currency })} ${payment.currency}`;
  const entry = post(ctx, {
    kind: target.kind === 'invoice' ? 'allocation.made' : 'deposit.made',
    memo: `${amount} of pay_${payment.id} applied to ${target.number}`,
    occurredAt: document.appliedAt,
    postings: [
      {
        debit: chart.unappliedCash(payment.customerId),
        credit:
          target.kind === 'invoice' ? chart.receivable(customerId) : chart.deposit(customerId),
        amountMinor,
        currency: payment.currency,
        paymentId: payment.id,
        ...(target.kind === 'invoice' ? { invoiceId: target.id } : {}),
      },
    ],
  });
  books.allocations.put({
    id: nextId(ctx),
    paymentId: payment.id,
    invoiceId: target.kind === 'invoice' ? target.id : null,
    workOrderId: target.kind === 'invoice' ? null : target.id,
    customerId,
    currency: payment.currency,
    originalMinor: amountMinor,
    amountMinor,
    explanation,
    entry,
    createdAt: document.appliedAt,
    updatedSequence: document.sequence,
  });
  payment.allocatedMinor += amountMinor;
  touchPayment(ctx, payment);
  noteCause(ctx, target, { entry, paymentId: payment.id, takesBack: false, because: '' });
  if (target.kind !== 'invoice') return;
  ctx.applied.add(payment.id);
  changePaid(ctx, target.id, amountMinor);
}

export type AllocationReversal = {
  readonly amountMinor: bigint;
  readonly because: string;
  /** The money leaves, and what it released goes with it; false when only our side moves it. */
  readonly takesBack: boolean;
};

/** Takes part of an allocation back by a linked reversal; the money becomes unapplied cash again. */
export function deallocate(
  ctx: Deciding,
  allocation: AllocationRow,
  reversal: AllocationReversal,
): void {
  const { books, document } = ctx;
  const { amountMinor, because, takesBack } = reversal;
  const payment = books.payments.get(allocation.paymentId);
  if (!payment)
    throw new Error(`pay_${allocation.paymentId} must be loaded to take al_${allocation.id} back`);
  const entry = post(ctx, {
    kind: 'allocation.reversed',
    memo: `al_${allocation.id} taken back: ${because}`,
    occurredAt: document.appliedAt,
    reverses: allocation.entry,
    postings: [
      {
        debit:
          allocation.invoiceId === null
            ? chart.deposit(allocation.customerId)
            : chart.receivable(allocation.customerId),
        credit: chart.unappliedCash(payment.customerId),
        amountMinor,
        currency: allocation.currency,
        paymentId: payment.id,
        ...(allocation.invoiceId === null ? {} : { invoiceId: allocation.invoiceId }),
      },
    ],
  });
  allocation.amountMinor -= amountMinor;
  allocation.updatedSequence = document.sequence;
  books.allocations.put(allocation);
  payment.allocatedMinor -= amountMinor;
  touchPayment(ctx, payment);
  const target =
    allocation.invoiceId === null
      ? { kind: 'work-order' as const, id: allocation.workOrderId as bigint }
      : { kind: 'invoice' as const, id: allocation.invoiceId };
  noteCause(ctx, target, { entry, paymentId: payment.id, takesBack, because });
  if (allocation.invoiceId !== null) changePaid(ctx, allocation.invoiceId, -amountMinor);
}

/** Frees `amountMinor` of a payment's allocations, the newest first; returns what could not be freed. */
export function freeAllocations(
  ctx: Deciding,
  payment: PaymentRow,
  { amountMinor, because }: { readonly amountMinor: bigint; readonly because: string },
): bigint {
  let left = amountMinor;
  const standing = ctx.books.allocations
    .find('payment', String(payment.id))
    .filter((allocation) => allocation.amountMinor > 0n)
    .reverse();
  for (const allocation of standing) {
    if (left <= 0n) break;
    const part = allocation.amountMinor < left ? allocation.amountMinor : left;
    deallocate(ctx, allocation, { amountMinor: part, because, takesBack: true });
    left -= part;
  }
  return left;
}

/** Notes why money came to or left a target, for the releases decided at the document's end. */
export function noteCause(
  ctx: Deciding,
  target: { readonly kind: 'invoice' | 'work-order'; readonly id: bigint },
  cause: { entry: bigint; paymentId: bigint; takesBack: boolean; because: string },
): void {
  const key = `${target.kind}:${target.id}`;
  const before = ctx.causes.get(key);
  ctx.causes.set(key, {
    ...cause,
    takesBack: cause.takesBack || (before?.takesBack ?? false),
    because: cause.because || (before?.because ?? ''),
  });
  if (target.kind === 'invoice') ctx.touched.invoices.add(target.id);
  else ctx.touched.workOrders.add(target.id);
}

/** Gives a payment its customer; cash already posted as unidentified moves to the customer's account. */
function assignCustomer(ctx: Deciding, payment: PaymentRow, customerId: bigint): void {
  const unapplied = unappliedOf(payment);
  if (unapplied > 0n) {
    post(ctx, {
      kind: 'customer.identified',
      memo: `pay_${payment.id} belongs to cus_${customerId}`,
      occurredAt: ctx.document.appliedAt,
      postings: [
        {
          debit: chart.unappliedCash(payment.customerId),
          credit: chart.unappliedCash(customerId),
          amountMinor: unapplied,
          currency: payment.currency,
          paymentId: payment.id,
        },
      ],
    });
  }
  payment.customerId = customerId;
  touchPayment(ctx, payment);
}

function changePaid(ctx: Deciding, invoiceId: bigint, byMinor: bigint): void {
  const invoice = ctx.books.invoices.get(invoiceId);
  if (!invoice) throw new Error(`inv_${invoiceId} must be loaded to change what is paid of it`);
  invoice.paidMinor += byMinor;
  setInvoiceStatus(ctx, invoice);
}

/** Derives an invoice's status from its amounts; a void one stays void. */
export function setInvoiceStatus(ctx: Deciding, invoice: InvoiceRow): void {
  if (invoice.status !== 'void') {
    const balance = balanceOf(invoice);
    invoice.status = balance === 0n ? 'paid' : invoice.paidMinor > 0n ? 'partially_paid' : 'open';
  }
  invoice.updatedSequence = ctx.document.sequence;
  ctx.books.invoices.put(invoice);
  ctx.touched.invoices.add(invoice.id);
}

/**
 * Turns money deposited on a work order into payment of its invoice, once there is one. What the invoice does not
 * need is the customer's credit.
 */
export function moveDeposits(ctx: Deciding, workOrder: WorkOrderRow, invoice: InvoiceRow): void {
  const name = invoice.number ?? invoice.externalId;
  const because = `invoice ${name} was issued for ${workOrder.number}`;
  for (const allocation of ctx.books.allocations.find('workOrder', String(workOrder.id))) {
    const payment = ctx.books.payments.get(allocation.paymentId);
    if (allocation.amountMinor === 0n || allocation.currency !== invoice.currency || !payment) {
      continue;
    }
    const deposited = allocation.amountMinor;
    const open = balanceOf(invoice);
    const amountMinor = deposited < open ? deposited : open;
    deallocate(ctx, allocation, { amountMinor: deposited, because, takesBack: false });
    if (amountMinor > 0n) {
      allocate(ctx, payment, {
        target: invoiceTarget(invoice),
        amountMinor,
        explanation: {
          rule: 'deposit-to-invoice',
          because: `Paid before: ${because}.`,
          alternatives: [],
        },
      });
    }
    if (unappliedOf(payment) > 0n) {
      reviewUnapplied(
        ctx,
        payment,
        `It was deposited for ${workOrder.number}; ${name} needed less.`,
      );
    }
    keepWaiting(ctx, payment);
  }
}

function reviewUnapplied(ctx: Deciding, payment: PaymentRow, reason: string): void {
  openReview(ctx, { kind: 'unapplied-cash', reason, paymentId: payment.id });
}

/**
 * A payment waits while cash of it is unapplied. An authorization waits too: what cancels it may name nothing but
 * its work order; and what may be the same money as another payment, because what it names may tell.
 */
export function isWaiting(payment: PaymentRow): boolean {
  if (payment.suspect !== null) return isInDoubt(payment);
  return (unappliedOf(payment) > 0n && !payment.held) || payment.status === 'authorized';
}

/**
 * Keeps the waiting keys and the review item true to what is unapplied. Money that went back before it was applied
 * keeps its names, so that what shows it later is recognised.
 */
export function keepWaiting(ctx: Deciding, payment: PaymentRow): void {
  const isNamed = isWaiting(payment) || (payment.receivedMinor > 0n && hasGoneBack(payment));
  const keys = isNamed ? referenceKeys(payment.references) : [];
  ctx.books.newWaiting.set(payment.id, keys);
  addToWaiting(ctx.books, keys, payment.id);
  if (unappliedOf(payment) === 0n) {
    closeReviews(ctx, {
      paymentId: payment.id,
      kinds: ['unapplied-cash'],
      resolution: 'Nothing of the payment is unapplied any more.',
    });
  }
}
