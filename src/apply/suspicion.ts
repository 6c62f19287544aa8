/** What only looks like the same money waits for a person, and is not posted a second time. Pure. */
import type { Target } from '../cash-application/propose.ts';
import { baseStatus } from '../payments/fold.ts';
import { emailKey } from '../receivables/match-key.ts';
import {
  closeReviews,
  type Deciding,
  openReview,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { isKnownIn, payersOf } from './find-twin.ts';
import { statusOf } from './payment-status.ts';
import {
  invoiceTarget,
  referenceKeys,
  resolveReferences,
  sameAmountInvoices,
  targetKeys,
  workOrderTarget,
} from './payment-targets.ts';
import { payoutSuspicion } from './payout-lines.ts';
import { moneyText, postReceipt, takeBackReceipt } from './receipt.ts';
import {
  type InvoiceRow,
  isInDoubt,
  type PaymentRow,
  type SuspicionKind,
  suspectedPayment,
  type WorkOrderRow,
} from './rows.ts';
import {
  doubtfulElsewhere,
  gatewaysOf,
  nearnessOf,
  sharesGateway,
  throughGateway,
} from './same-money.ts';

const DAY_MS = 86_400_000;
/** A shop shows a payment when it is made; a bookkeeper enters it when there is time. */
const SHOWN_WINDOW_MS = 3 * DAY_MS;
const ENTERED_WINDOW_MS = 45 * DAY_MS;
/** So near to each other nobody pays two equal parts by two portals. */
const SAME_MOMENT_MS = 15 * 60_000;

const BY_HAND: readonly string[] = ['cash', 'check'];

/** References by which two payments may turn out to be for the same thing. */
const PURPOSES = ['invoice', 'workOrder', 'order', 'purchaseOrder', 'memo'] as const;

/** What a payment about to be posted may be the same money as. */
type Suspicion = {
  /** `pay_12`, `po_5` */
  readonly suspect: string;
  readonly because: SuspicionKind;
  readonly reason: string;
  /** The payment that waits in its place: it only shows what this one holds. */
  readonly waits?: PaymentRow;
};

/** True when the payment may be posted; else it waits for a person, with the reason. */
export function isOwnMoney(ctx: Deciding, payment: PaymentRow): boolean {
  if (payment.vouched) return true;
  const found = resembling(ctx, payment);
  const suspicion: Suspicion | undefined = found
    ? suspicionOf(ctx, payment, found)
    : payoutSuspicion(ctx, payment);
  if (!suspicion) return true;
  const { waits } = suspicion;
  hold(ctx, waits ?? payment, suspicion);
  return waits !== undefined;
}

/** Holds money that was posted without doubt and turns out to be just what was paid out. */
export function doubtBankLine(ctx: Deciding, payment: PaymentRow): void {
  if (payment.vouched || payment.receivedMinor === 0n) return;
  const suspicion = payoutSuspicion(ctx, payment);
  if (suspicion) hold(ctx, payment, suspicion);
}

/**
 * Holds money that was posted without doubt, once an invoice or work order tells that another payment was for the same
 * thing. Only what the row itself shows counts, so that it does not matter what else is known at this moment.
 */
export function doubtPayerOf(
  ctx: Deciding,
  payment: PaymentRow,
  row: InvoiceRow | WorkOrderRow,
): void {
  if (payment.vouched || payment.receivedMinor === 0n) return;
  const target = targetOf(ctx, row);
  if (target.openMinor === null || target.openMinor >= payment.amountMinor) return;
  const [other] = ctx.books.allocations
    .find(target.kind === 'invoice' ? 'invoice' : 'workOrder', String(row.id))
    .filter(({ amountMinor }) => amountMinor > 0n)
    .flatMap(({ paymentId }) => ctx.books.payments.get(paymentId) ?? [])
    .filter((one) => mayBeSame(ctx, payment, one))
    .sort(byId);
  if (!other) return;
  holdWeaker(ctx, payment, other);
}

/** Holds one of two that were posted, when money tells what it is for only now and another was for just that. */
export function doubtLatePurpose(ctx: Deciding, payment: PaymentRow): void {
  const { vouched, receivedMinor, allocatedMinor } = payment;
  if (vouched || receivedMinor === 0n || allocatedMinor > 0n) return;
  const other = alikeOf(ctx, payment);
  if (other) holdWeaker(ctx, payment, other);
}

function holdWeaker(ctx: Deciding, payment: PaymentRow, other: PaymentRow): void {
  const suspicion = suspicionOf(ctx, payment, { other, because: 'alike' });
  hold(ctx, suspicion.waits ?? payment, suspicion);
  ctx.toApply.add(payment.id);
}

/** Posts what waited because of a payment that was another portal's money, or is none any more. */
export function letGo(
  ctx: Deciding,
  payment: PaymentRow,
  why: { readonly resolution: string; readonly isKnownIn?: string },
): void {
  for (const suspect of suspectsOf(ctx, `pay_${payment.id}`)) {
    // Ids that documents name stay in doubt, whatever else was the same money.
    const named = suspect.suspicion === 'named' || suspect.connectionId !== why.isKnownIn;
    if (why.isKnownIn !== undefined && named) continue;
    accept(ctx, suspect, why.resolution);
    ctx.toApply.add(suspect.id);
  }
}

/** The payments that wait because they may be the same money as this. */
export function suspectsOf({ books }: Deciding, suspect: string): readonly PaymentRow[] {
  return books.payments.find('suspect', suspect).filter(isInDoubt);
}

/** What two payments name lacks the money of both: they are two. */
export function suspectsFor(ctx: Deciding, row: InvoiceRow | WorkOrderRow): readonly PaymentRow[] {
  const { books } = ctx;
  const keys = targetKeys(row);
  const target = targetOf(ctx, row);
  const waiting = [...new Set(keys.flatMap((key) => [...(books.waiting.get(key) ?? [])]))];
  // A work order without a total lacks nothing that anybody knows of.
  let room = target.openMinor ?? 0n;
  return waiting
    .sort((left, right) => (left < right ? -1 : 1))
    .flatMap((id) => books.payments.get(id) ?? [])
    .filter((payment) => isInDoubt(payment) && payment.suspicion === 'alike')
    .filter((payment) => lackTells(ctx, payment))
    .filter((payment) => {
      const named = referenceKeys(payment.references.filter(({ kind }) => kind !== 'memo'));
      const fits =
        named.some((key) => keys.includes(key)) &&
        (target.currency === null || target.currency === payment.currency) &&
        room >= payment.amountMinor;
      if (fits) room -= payment.amountMinor;
      return fits;
    });
}

/**
 * What the other gave back is lacking again; and the moment, or a gateway that one of them names, says more than what
 * is lacking.
 */
function lackTells(ctx: Deciding, payment: PaymentRow): boolean {
  const other = ctx.books.payments.get(suspectedPayment(payment) ?? 0n);
  if (!other) return true;
  return !(
    gaveBack(other) ||
    isSameMoment(ctx, payment, other) ||
    sharesGateway(ctx, payment, other)
  );
}

function targetOf({ books }: Deciding, row: InvoiceRow | WorkOrderRow): Target {
  return 'workOrderKey' in row ? invoiceTarget(row) : workOrderTarget(books, row);
}

/** Ends the doubt: the payment is money of its own, and posted. */
export function accept(ctx: Deciding, payment: PaymentRow, resolution: string): void {
  payment.suspect = null;
  payment.suspicion = null;
  if (baseStatus(payment) === 'succeeded' && payment.receivedMinor === 0n) {
    postReceipt(ctx, payment);
    queueDelivery(ctx, { topic: 'payment.succeeded', paymentId: payment.id });
  }
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  closeReviews(ctx, { paymentId: payment.id, kinds: ['possible-duplicate'], resolution });
}

type Resemblance = { readonly other: PaymentRow; readonly because: SuspicionKind };

function suspicionOf(ctx: Deciding, payment: PaymentRow, found: Resemblance): Suspicion {
  const { other, because } = found;
  const nearer = nearnessOf(ctx, payment.connectionId) > nearnessOf(ctx, other.connectionId);
  const [held, stays] = nearer ? [other, payment] : [payment, other];
  return {
    suspect: `pay_${stays.id}`,
    because,
    reason:
      `${whyText(ctx, because, { held, stays })} If it is the same money, say "same"; if it was paid twice, say ` +
      '"separate" and it is posted.',
    ...(nearer ? { waits: other } : {}),
  };
}

/** What the payment resembles most: what names it, what is for the same thing, what nothing else explains. */
function resembling(ctx: Deciding, payment: PaymentRow): Resemblance | undefined {
  const named = doubtfulElsewhere(ctx, payment);
  if (named) return { other: named, because: 'named' };
  const alike = alikeOf(ctx, payment);
  if (alike) return { other: alike, because: 'alike' };
  const email = emailKey(payment.payer?.email);
  const gateways = gatewaysOf(ctx, payment);
  const [through] = throughGateway(ctx, { ...payment, email, gateways })
    .filter(({ id, receivedMinor }) => id !== payment.id && receivedMinor > 0n)
    .sort(byId);
  if (through) return { other: through, because: 'gateway' };
  const unexplained = enteredAs(ctx, payment);
  return unexplained && { other: unexplained, because: 'unexplained' };
}

/** The first of those that were for the same thing. */
function alikeOf(ctx: Deciding, payment: PaymentRow): PaymentRow | undefined {
  return payersOf(ctx, payment, { kinds: PURPOSES, givenBack: true })
    .filter((other) => looksLike(ctx, payment, other))
    .sort(byId)[0];
}

function whyText(
  { books }: Deciding,
  because: SuspicionKind,
  { held, stays }: { readonly held: PaymentRow; readonly stays: PaymentRow },
): string {
  const nameOf = ({ connectionId, externalId }: PaymentRow) =>
    `${books.organization.connections.get(connectionId)?.portal ?? 'own'} (${externalId})`;
  const stood = `pay_${stays.id} of ${nameOf(stays)}`;
  const brings = `${nameOf(held)} brings ${moneyText(held)}`;
  switch (because) {
    case 'named':
      return held.amountMinor === stays.amountMinor
        ? `${brings} and names ${stood}, whose money went back.`
        : `${nameOf(held)} and ${stood} name each other, but bring ${moneyText(held)} and ${moneyText(stays)}.`;
    case 'alike':
      return `${brings} for the same thing as ${stood} did.`;
    case 'gateway':
      return `${brings} by the gateway and on the day of ${stood}.`;
    default:
      return `${brings}, just as ${stood} did, which names nothing that we know.`;
  }
}

/**
 * A payment that names nothing we know, and one of its amount that somebody entered in the books in those days: most
 * often a person knew what it was for.
 */
function enteredAs(ctx: Deciding, payment: PaymentRow): PaymentRow | undefined {
  const candidates = payment.entered
    ? ctx.books.payments.find('unapplied', String(payment.amountMinor))
    : ctx.books.payments.find('amount', String(payment.amountMinor));
  return [...candidates].sort(byId).find((other) => {
    const [copy, original] = payment.entered ? [payment, other] : [other, payment];
    const apartMs = Math.abs(Date.parse(copy.occurredAt) - Date.parse(original.occurredAt));
    return (
      copy.entered &&
      !original.entered &&
      other.receivedMinor > 0n &&
      other.mirrors === null &&
      !other.vouched &&
      other.currency === payment.currency &&
      apartMs <= ENTERED_WINDOW_MS &&
      mayBeOf(ctx, copy, original) &&
      isUnexplained(ctx, original) &&
      !isKnownIn(ctx, original, copy.connectionId)
    );
  });
}

/** Nothing that both tell says that they are two: the payers' addresses, or cash that no portal can have taken. */
function mayBeOf(ctx: Deciding, copy: PaymentRow, original: PaymentRow): boolean {
  const [here, there] = [copy, original].map(({ payer }) => emailKey(payer?.email));
  if (here && there && here !== there) return false;
  const [copied, taken] = [copy, original].map(({ method }) => BY_HAND.includes(method ?? ''));
  // A line of a bank statement may be a cheque that was paid in.
  const { connections } = ctx.books.organization;
  return !copied || taken === true || connections.get(original.connectionId)?.portal === 'generic';
}

/** It is for nothing that we know, and no invoice of its payer asks for just its amount. */
function isUnexplained(ctx: Deciding, payment: PaymentRow): boolean {
  return (
    payment.allocatedMinor === 0n &&
    resolveReferences(ctx.books, payment).every(
      ({ targets, settled }) => targets.length + settled.length === 0,
    ) &&
    sameAmountInvoices(ctx.books, payment).length === 0
  );
}

/** The same amount for the same thing by another portal. */
function looksLike(ctx: Deciding, payment: PaymentRow, other: PaymentRow): boolean {
  if (!mayBeSame(ctx, payment, other)) return false;
  // What was paid back leaves its invoice open: a copy of it looks like money that pays it anew.
  return gaveBack(other) || isSameMoment(ctx, payment, other) || !hasRoom(ctx, payment);
}

/** A shop shows a payment in the moment in which it is made; the books know days. */
function isSameMoment(ctx: Deciding, payment: PaymentRow, other: PaymentRow): boolean {
  const apartMs = Math.abs(Date.parse(payment.occurredAt) - Date.parse(other.occurredAt));
  const nearness = [payment, other].map(({ connectionId }) => nearnessOf(ctx, connectionId));
  return !nearness.includes(0) && apartMs <= SAME_MOMENT_MS;
}

function gaveBack(payment: PaymentRow): boolean {
  return payment.refundedMinor + payment.lostMinor > 0n;
}

/** The same amount by another portal in those days; at least one of the two shows the money of others. */
function mayBeSame(ctx: Deciding, payment: PaymentRow, other: PaymentRow): boolean {
  const nearness = [payment, other].map(({ connectionId }) => nearnessOf(ctx, connectionId));
  const apartMs = Math.abs(Date.parse(payment.occurredAt) - Date.parse(other.occurredAt));
  return (
    other.id !== payment.id &&
    other.connectionId !== payment.connectionId &&
    other.receivedMinor > 0n &&
    other.amountMinor === payment.amountMinor &&
    other.currency === payment.currency &&
    !nearness.every((one) => one === 2) &&
    apartMs <= (nearness.includes(0) ? ENTERED_WINDOW_MS : SHOWN_WINDOW_MS) &&
    !isKnownIn(ctx, other, payment.connectionId) &&
    !isKnownIn(ctx, payment, other.connectionId)
  );
}

/** Something that the payment names still lacks all of its money: then it is another part, not the same one. */
function hasRoom(ctx: Deciding, payment: PaymentRow): boolean {
  const resolved = resolveReferences(ctx.books, payment);
  // A memo may mention anything; it counts where nothing else says what was paid.
  const exact = resolved.filter(({ reference }) => reference.kind !== 'memo');
  const isNamed = exact.some(({ targets, settled }) => targets.length + settled.length > 0);
  return (isNamed ? exact : resolved).some(({ targets }) =>
    targets.some(({ openMinor }) => openMinor !== null && openMinor >= payment.amountMinor),
  );
}

function hold(ctx: Deciding, payment: PaymentRow, suspicion: Suspicion): void {
  const { suspect, because, reason } = suspicion;
  const wasReceived = payment.receivedMinor > 0n;
  takeBackReceipt(ctx, payment, `it may be the same money as ${suspect}`);
  payment.suspect = suspect;
  payment.suspicion = because;
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  ctx.toApply.add(payment.id);
  for (const other of suspectsOf(ctx, `pay_${payment.id}`)) {
    other.suspect = suspect;
    touchPayment(ctx, other);
  }
  openReview(ctx, {
    kind: 'possible-duplicate',
    reason,
    paymentId: payment.id,
    details: { suspect, decide: ['same', 'separate'] },
  });
  if (wasReceived) queueDelivery(ctx, { topic: 'payment.voided', paymentId: payment.id });
}

function byId(left: PaymentRow, right: PaymentRow): number {
  return left.id < right.id ? -1 : 1;
}
