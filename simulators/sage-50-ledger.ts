/** The ledger of one simulated Sage 50: numbered transactions that are changed and deleted, but never disappear. */
import { toDecimalText } from '../src/money/money.ts';
import type { TruePayment } from './contract.ts';
import type { Random } from './random.ts';

export type Kind = 'SI' | 'SC' | 'SR' | 'SA' | 'SP';

export type Allocation = { readonly invoice: number; readonly amountMinor: bigint };

export type Transaction = {
  readonly number: number;
  readonly kind: Kind;
  readonly accountRef: string;
  readonly bankCode: string | null;
  readonly day: string;
  readonly reference: string;
  readonly details: string;
  readonly extraRef: string | null;
  readonly currency: string;
  readonly grossMinor: bigint;
  /** What a receipt gives to invoices. */
  readonly allocations: readonly Allocation[];
  readonly deleted: boolean;
  readonly modifiedAt: Date;
};

export type NewTransaction = Omit<Transaction, 'number' | 'deleted' | 'modifiedAt' | 'day'> & {
  /** That of `at` when absent. */
  readonly day?: string;
};

type Truth = TruePayment & { readonly recorded: boolean };

export type Ledger = {
  readonly edition: 'uk' | 'us';
  readonly dataset: string;
  readonly baseCurrency: string;
  readonly timeZone: string;
  readonly transactions: Map<number, Transaction>;
  readonly customers: Map<string, { readonly name: string; readonly email: string }>;
  readonly truths: Map<number, Truth>;
  readonly random: Random;
  /** Told of every change, in order. */
  changed(transaction: Transaction): void;
  /** The PC's clock: it stands at the latest change. */
  latest: Date;
  lastNumber: number;
};

export function newLedger(
  given: Pick<Ledger, 'edition' | 'dataset' | 'baseCurrency' | 'timeZone' | 'random' | 'changed'>,
): Ledger {
  return {
    ...given,
    transactions: new Map(),
    customers: new Map(),
    truths: new Map(),
    latest: new Date(0),
    lastNumber: 1000,
  };
}

/** Account references have eight characters at most. */
export function addCustomer(
  ledger: Ledger,
  customer: { readonly name: string; readonly email: string },
): string {
  const letters = customer.name.toUpperCase().replace(/[^A-Z]/g, '');
  const ref = `${letters.slice(0, 5)}${String(ledger.customers.size + 1).padStart(3, '0')}`;
  ledger.customers.set(ref, customer);
  return ref;
}

export function post(ledger: Ledger, given: NewTransaction, at: Date): Transaction {
  for (const share of given.allocations) requireOpen(ledger, given, share);
  ledger.lastNumber += 1;
  const number = ledger.lastNumber;
  const day = given.day ?? localTime(ledger, at).slice(0, 10);
  const posted = put(ledger, { ...given, number, day, deleted: false, modifiedAt: at }, at);
  for (const { invoice } of given.allocations) touch(ledger, invoice, at);
  return posted;
}

/** Money received, which the truth counts unless a client recorded it. */
export function receive(
  ledger: Ledger,
  given: NewTransaction,
  at: Date,
  recorded: boolean,
): Transaction {
  const posted = post(ledger, given, at);
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const { grossMinor: amountMinor, currency } = posted;
  const externalId = idOf(ledger, posted);
  const status = 'succeeded' as const;
  const truth = { externalId, status, amountMinor, currency, ...unmoved, recorded };
  ledger.truths.set(posted.number, truth);
  return posted;
}

/** A receipt on account given to invoices later: its kind and number stay. */
export function allocate(
  ledger: Ledger,
  number: number,
  shares: readonly Allocation[],
  at: Date,
): void {
  const receipt = find(ledger, number);
  for (const share of shares) requireOpen(ledger, receipt, share);
  const allocations = [...receipt.allocations, ...shares];
  const given = allocations.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  if (given > receipt.grossMinor) throw new RangeError(`receipt ${number} has not so much left`);
  put(ledger, { ...receipt, allocations }, at);
  for (const { invoice } of shares) touch(ledger, invoice, at);
}

/** Stays in the audit trail, marked; what it paid is open again. */
export function remove(ledger: Ledger, number: number, at: Date): void {
  const transaction = find(ledger, number);
  if (transaction.deleted) throw new RangeError(`transaction ${number} is deleted already`);
  put(ledger, { ...transaction, allocations: [], deleted: true }, at);
  for (const { invoice } of transaction.allocations) touch(ledger, invoice, at);
  const truth = ledger.truths.get(number);
  if (truth) ledger.truths.set(number, { ...truth, status: 'voided' });
}

/** Pays a customer back; nothing connects it with the receipt. */
export function payBack(
  ledger: Ledger,
  given: {
    readonly receipt: number;
    readonly amountMinor: bigint;
    readonly reference: string;
    readonly details?: string;
    readonly bankCode?: string | null;
    readonly extraRef?: string;
  },
  at: Date,
): Transaction {
  const { receipt, amountMinor, details = 'Refund', ...texts } = given;
  const { accountRef, currency } = find(ledger, receipt);
  const truth = ledger.truths.get(receipt);
  const refundedMinor = (truth?.refundedMinor ?? 0n) + amountMinor;
  if (truth?.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new RangeError(`receipt ${receipt} has not ${amountMinor} left to give back`);
  }
  ledger.truths.set(receipt, { ...truth, refundedMinor });
  const facts = { bankCode: '1200', extraRef: null, ...texts, details, allocations: [] };
  const money = { kind: 'SP', accountRef, currency, grossMinor: amountMinor } as const;
  return post(ledger, { ...facts, ...money }, at);
}

export function find(ledger: Ledger, number: number): Transaction {
  const transaction = ledger.transactions.get(number);
  if (!transaction) throw new RangeError(`there is no transaction ${number}`);
  return transaction;
}

/** The transaction of an id, which names the data and in the US the period. */
export function numberIn(ledger: Ledger, externalId: string): number {
  const number = Number(/(\d+)$/.exec(externalId)?.[1]);
  if (idOf(ledger, find(ledger, number)) !== externalId) {
    throw new RangeError(`${externalId} is of other data`);
  }
  return number;
}

export function idOf(ledger: Ledger, transaction: Pick<Transaction, 'number' | 'day'>): string {
  return `${ledger.dataset}:${tranNumber(ledger, transaction)}`;
}

/** In the US a period, here the month, and a number in it. */
export function tranNumber(
  { edition }: Ledger,
  { number, day }: Pick<Transaction, 'number' | 'day'>,
): string {
  return edition === 'uk' ? String(number) : `${Number(day.slice(5, 7))}-${number}`;
}

/** What is open of an invoice, or not yet given of a receipt. */
export function outstandingOf(ledger: Ledger, transaction: Transaction): bigint {
  const { number, kind, grossMinor, allocations, deleted } = transaction;
  if (deleted || kind === 'SP') return 0n;
  const given = (shares: readonly Allocation[]) =>
    shares.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  if (kind !== 'SI') return grossMinor - given(allocations);
  const paid = [...ledger.transactions.values()].flatMap((one) =>
    one.allocations.filter(({ invoice }) => invoice === number),
  );
  return grossMinor - given(paid);
}

/** `2026-11-03 16:12:04` on the PC's clock. */
export function localTime({ timeZone }: Ledger, at: Date): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return format.format(at);
}

/** Sage 50 keeps two decimals in every currency. */
export function twoDecimals(minor: bigint, currency: string): string {
  const [whole = '', fraction = ''] = toDecimalText({ minor, currency }).split('.');
  return `${whole}.${fraction.slice(0, 2).padEnd(2, '0')}`;
}

/** An amount in the base currency, by some rate that nobody must compute with. */
export function baseAmount({ baseCurrency }: Ledger, minor: bigint, currency: string): string {
  if (currency === baseCurrency || minor === 0n) return twoDecimals(minor, currency);
  const [whole = '', fraction = ''] = twoDecimals(minor, currency).split('.');
  return twoDecimals((BigInt(`${whole}${fraction}`) * 7n) / 9n + 1n, baseCurrency);
}

function requireOpen(
  ledger: Ledger,
  { currency, accountRef }: Pick<Transaction, 'currency' | 'accountRef'>,
  { invoice, amountMinor }: Allocation,
): void {
  const paid = find(ledger, invoice);
  if (paid.kind !== 'SI' || paid.deleted || paid.accountRef !== accountRef) {
    throw new RangeError(`${invoice} is no invoice of ${accountRef}`);
  }
  if (paid.currency !== currency) throw new RangeError('Foreign Currency mismatch');
  if (amountMinor > outstandingOf(ledger, paid)) {
    throw new RangeError(`invoice ${invoice} has not ${amountMinor} outstanding`);
  }
}

function touch(ledger: Ledger, number: number, at: Date): void {
  put(ledger, find(ledger, number), at);
}

function put(ledger: Ledger, transaction: Transaction, at: Date): Transaction {
  if (at > ledger.latest) ledger.latest = at;
  const changed = { ...transaction, modifiedAt: at };
  ledger.transactions.set(changed.number, changed);
  ledger.changed(changed);
  return changed;
}
