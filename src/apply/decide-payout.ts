/** Payouts: money leaves the portal's clearing account for the bank, and sometimes comes back. */
import { chart } from '../ledger/chart.ts';
import { latest } from '../payments/fold.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { keyOf } from './books.ts';
import { type Deciding, feePosting, nextId, post, Quarantined } from './deciding.ts';
import { bankTextOf, becomeView, payoutShown, viewsWaiting } from './payout-lines.ts';
import type { PayoutRow } from './payout-rows.ts';
import { doubtBankLine } from './suspicion.ts';

/** @throws Quarantined when the event lacks its id or an amount, or tells another amount than before. */
export function objectToPayout(ctx: Deciding, event: CanonicalEvent): void {
  if (!event.payoutId) throw new Quarantined(`${event.type} names no payout`);
  if (event.amountMinor === 0n && event.type === 'payout.failed') return;
  if (event.amountMinor === 0n) throw new Quarantined(`payout ${event.payoutId} has no amount`);
  const [row] = ctx.books.payouts.find(
    'external',
    keyOf(ctx.document.connectionId, event.payoutId),
  );
  const told = row !== undefined && row.amountMinor !== 0n;
  if (told && (row.amountMinor !== event.amountMinor || row.currency !== event.currency)) {
    throw new Quarantined(`payout ${event.payoutId} is known with another amount or currency`);
  }
}

export function decidePayout(ctx: Deciding, event: CanonicalEvent): void {
  const { books, document } = ctx;
  const externalId = event.payoutId as string;
  const [known] = books.payouts.find('external', keyOf(document.connectionId, externalId));
  const payout = known ?? newPayout(ctx, event);
  if (event.type === 'payout.banked') return decideBankLine(ctx, payout, event);
  if (payout.amountMinor === 0n) {
    payout.amountMinor = event.amountMinor;
    payout.currency = event.currency;
  }
  if (event.type === 'payout.paid') payout.paidAt = latest(payout.paidAt, event.occurredAt);
  else payout.failedAt = latest(payout.failedAt, event.occurredAt);
  payout.updatedSequence = document.sequence;
  books.payouts.put(payout);
  const paid = payout.paidAt !== null && payout.failedAt === null;
  if (paid && !payout.posted) showsWhat(ctx, payout);
  const wanted = paid && payout.mirrors === null;
  if (wanted !== payout.posted) bookPayout(ctx, payout, wanted);
  bookCost(ctx, payout, event);
  if (payout.posted) findViews(ctx, payout);
}

function newPayout(ctx: Deciding, event: CanonicalEvent): PayoutRow {
  return {
    id: nextId(ctx),
    connectionId: ctx.document.connectionId,
    externalId: event.payoutId as string,
    amountMinor: event.amountMinor,
    currency: event.currency,
    paidAt: null,
    failedAt: null,
    costMinor: null,
    posted: false,
    entry: null,
    mirrors: null,
    bankedAt: null,
    bankText: null,
    updatedSequence: ctx.document.sequence,
  };
}

/** The bank shows a portal's payout: which one is found by amount, name and day, now or when the portal tells of it. */
function decideBankLine(ctx: Deciding, line: PayoutRow, event: CanonicalEvent): void {
  line.bankedAt = latest(line.bankedAt, event.occurredAt);
  line.bankText = bankTextOf(event);
  line.updatedSequence = ctx.document.sequence;
  ctx.books.payouts.put(line);
  if (line.mirrors !== null) return;
  const { connectionId, amountMinor, currency, bankText: text } = line;
  const at = event.occurredAt;
  const payout = payoutShown(ctx, { connectionId, amountMinor, currency, at, text });
  if (payout) becomeView(ctx, line, payout);
}

/** A deposit in the books may be what a portal paid out and told. */
function showsWhat(ctx: Deciding, payout: PayoutRow): void {
  const role = ctx.books.organization.connections.get(payout.connectionId)?.role;
  if (role !== 'books' || payout.mirrors !== null || payout.paidAt === null) return;
  const { connectionId, amountMinor, currency, paidAt: at } = payout;
  const shown = payoutShown(ctx, { connectionId, amountMinor, currency, at });
  if (shown) becomeView(ctx, payout, shown);
}

/** What showed the payout before it was known: lines of the bank, deposits in the books, unexplained credits. */
function findViews(ctx: Deciding, payout: PayoutRow): void {
  const role = ctx.books.organization.connections.get(payout.connectionId)?.role;
  if (role !== 'source') return;
  for (const view of viewsWaiting(ctx, payout)) becomeView(ctx, view, payout);
  for (const payment of ctx.books.payments.find('unapplied', String(payout.amountMinor))) {
    doubtBankLine(ctx, payment);
  }
}

/** What the portal kept with the payout is booked once; a negative cost was given back. */
function bookCost(ctx: Deciding, payout: PayoutRow, event: CanonicalEvent): void {
  const cost = event.payoutCostMinor;
  if (cost === undefined || cost === 0n || payout.costMinor !== null) return;
  payout.costMinor = cost;
  const minor = cost < 0n ? -cost : cost;
  const fee = feePosting(payout.connectionId, { minor, currency: payout.currency });
  post(ctx, {
    kind: cost > 0n ? 'fee.charged' : 'fee.returned',
    memo: `kept with payout ${payout.externalId}`,
    occurredAt: event.occurredAt,
    postings: [cost > 0n ? fee : { ...fee, debit: fee.credit, credit: fee.debit }],
  });
}

/** A negative payout is a debit from our bank: the same accounts the other way round. */
function bookPayout(ctx: Deciding, payout: PayoutRow, paid: boolean): void {
  const intoBank = payout.amountMinor > 0n === paid;
  const clearing = chart.clearing(payout.connectionId);
  const entry = post(ctx, {
    kind: paid ? 'payout.paid' : 'payout.reversed',
    memo: `payout ${payout.externalId}${paid ? '' : ' came back'}`,
    occurredAt: (paid ? payout.paidAt : payout.failedAt) as string,
    reverses: paid ? null : payout.entry,
    postings: [
      {
        debit: intoBank ? chart.bank : clearing,
        credit: intoBank ? clearing : chart.bank,
        amountMinor: payout.amountMinor < 0n ? -payout.amountMinor : payout.amountMinor,
        currency: payout.currency,
      },
    ],
  });
  payout.entry = paid ? entry : null;
  payout.posted = paid;
}
