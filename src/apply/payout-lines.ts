/**
 * One payout in several places: its portal's word, the bank's line and a deposit in the books. The portal's is the one
 * that is posted; the others are views of it. Pure.
 */

import { chart } from '../ledger/chart.ts';
import { toDecimalText } from '../money/money.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { type Deciding, post } from './deciding.ts';
import { resolveReferences } from './payment-targets.ts';
import type { PayoutRow } from './payout-rows.ts';
import type { PaymentRow } from './rows.ts';

const DAY_MS = 86_400_000;
/** Banks show a payout days after its portal sent it, seldom before; bookkeepers enter it within some days. */
const DAYS_AFTER = 10;
const DAYS_BEFORE = 3;

/** The payout that a view shows (one connection may take both): same money, near in time, and not shown there yet. */
export function payoutShown(
  ctx: Deciding,
  view: {
    readonly connectionId: string;
    readonly amountMinor: bigint;
    readonly currency: string;
    readonly at: string;
    /** What the bank writes about it; the portal's name must be among it. */
    readonly text?: string | null;
  },
): PayoutRow | undefined {
  return payoutsOf(ctx, view.amountMinor)
    .filter(
      (payout) =>
        payout.posted &&
        payout.currency === view.currency &&
        isHolder(ctx, payout.connectionId) &&
        isNear(payout.paidAt, view.at) &&
        (view.text == null || names(ctx, payout, view.text)) &&
        !viewsOf(ctx, payout).some(({ connectionId }) => connectionId === view.connectionId),
    )
    .sort(
      (left, right) => distance(left, view.at) - distance(right, view.at) || byId(left, right),
    )[0];
}

/** Views of a payout that came before it. */
export function viewsWaiting(ctx: Deciding, payout: PayoutRow): readonly PayoutRow[] {
  const { connections } = ctx.books.organization;
  const first = new Map<string, PayoutRow>();
  for (const view of payoutsOf(ctx, payout.amountMinor).sort(byId)) {
    const at = view.bankedAt ?? view.paidAt;
    const fits =
      view.id !== payout.id &&
      view.mirrors === null &&
      view.failedAt === null &&
      view.currency === payout.currency &&
      at !== null &&
      isNear(payout.paidAt, at) &&
      (view.bankedAt !== null
        ? names(ctx, payout, view.bankText ?? '')
        : connections.get(view.connectionId)?.role === 'books');
    if (fits && !first.has(view.connectionId)) first.set(view.connectionId, view);
  }
  return [...first.values()];
}

/** The view shows that payout and nothing of its own; what was posted of it is taken back. */
export function becomeView(ctx: Deciding, view: PayoutRow, payout: PayoutRow): void {
  if (view.posted) unpost(ctx, view, `it is payout ${payout.externalId}`);
  view.mirrors = payout.id;
  view.updatedSequence = ctx.document.sequence;
  ctx.books.payouts.put(view);
}

function unpost(ctx: Deciding, payout: PayoutRow, because: string): void {
  const intoBank = payout.amountMinor > 0n;
  const clearing = chart.clearing(payout.connectionId);
  post(ctx, {
    kind: 'payout.reversed',
    memo: `payout ${payout.externalId} taken back: ${because}`,
    occurredAt: ctx.document.appliedAt,
    reverses: payout.entry,
    postings: [
      {
        debit: intoBank ? clearing : chart.bank,
        credit: intoBank ? chart.bank : clearing,
        amountMinor: intoBank ? payout.amountMinor : -payout.amountMinor,
        currency: payout.currency,
      },
    ],
  });
  payout.entry = null;
  payout.posted = false;
}

/** Money on a bank's statement that names nobody and nothing, and is exactly a payout that the bank must show. */
export function payoutSuspicion(
  ctx: Deciding,
  payment: PaymentRow,
): { readonly suspect: string; readonly because: 'payout'; readonly reason: string } | undefined {
  if (!isUnexplained(ctx, payment)) return undefined;
  const { connectionId, amountMinor, currency, occurredAt: at } = payment;
  const payout = payoutShown(ctx, { connectionId, amountMinor, currency, at });
  if (!payout) return undefined;
  const { connections } = ctx.books.organization;
  const amount = `${toDecimalText({ minor: amountMinor, currency })} ${currency}`;
  return {
    suspect: `po_${payout.id}`,
    because: 'payout',
    reason:
      `${amount} on the bank statement names no invoice and no known customer, and is exactly payout ` +
      `${payout.externalId} of ${connections.get(payout.connectionId)?.portal}. If it is that payout, say "same"; if a ` +
      'customer paid it, say "separate" and it is posted.',
  };
}

/** A credit on a bank statement whose payer nobody knows and that names nothing we know. */
function isUnexplained(ctx: Deciding, payment: PaymentRow): boolean {
  const { connections } = ctx.books.organization;
  const isBankLine =
    connections.get(payment.connectionId)?.portal === 'generic' &&
    (payment.method === 'bank' || payment.method === 'ach');
  if (!isBankLine || payment.customerId !== null) return false;
  return resolveReferences(ctx.books, payment).every(
    ({ targets, settled }) => targets.length + settled.length === 0,
  );
}

function isNear(paidAt: string | null, at: string): boolean {
  if (paidAt === null) return false;
  const days = (Date.parse(at) - Date.parse(paidAt)) / DAY_MS;
  return days <= DAYS_AFTER && days >= -DAYS_BEFORE;
}

/** Its payouts come from where the money is: not the books, and not what only shows other portals' money. */
function isHolder(ctx: Deciding, connectionId: string): boolean {
  return ctx.books.organization.connections.get(connectionId)?.role === 'source';
}

function names(ctx: Deciding, payout: PayoutRow, text: string): boolean {
  const said = text.toUpperCase();
  const known = ctx.books.organization.connections.get(payout.connectionId)?.payoutNames ?? [];
  return [...known, payout.externalId].some((name) => said.includes(name.toUpperCase()));
}

function payoutsOf({ books }: Deciding, amountMinor: bigint): PayoutRow[] {
  return [...books.payouts.find('amount', String(amountMinor))];
}

function viewsOf({ books }: Deciding, payout: PayoutRow): readonly PayoutRow[] {
  return books.payouts.find('mirrors', String(payout.id));
}

function distance(payout: PayoutRow, at: string): number {
  return Math.abs(Date.parse(payout.paidAt ?? at) - Date.parse(at));
}

function byId(left: PayoutRow, right: PayoutRow): number {
  return left.id < right.id ? -1 : 1;
}

/** What the bank wrote about a payout: its payer and its words. */
export function bankTextOf({ customer, references }: CanonicalEvent): string {
  return [customer?.name, ...references.map(({ text, number }) => text ?? number)]
    .filter((part) => part != null)
    .join(' ');
}
