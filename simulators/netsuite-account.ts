/** The ledger of one simulated NetSuite account: its transactions, what they are applied to, and what was deleted. */
import { toDecimalText } from '../src/money/money.ts';
import type { TruePayment } from './contract.ts';
import { wallTime } from './netsuite-clock.ts';
import type { Table, Tables } from './netsuite-suiteql.ts';

export type TransactionType = 'CustPymt' | 'CustDep' | 'CustRfnd' | 'CustInvc' | 'Deposit';

/** What each is called by scripts and in `deletedrecord`. */
export const RECORD_TYPES = {
  CustPymt: 'customerpayment',
  CustDep: 'customerdeposit',
  CustRfnd: 'customerrefund',
  CustInvc: 'invoice',
  Deposit: 'deposit',
} as const satisfies Record<TransactionType, string>;

export type Transaction = {
  readonly id: number;
  readonly type: TransactionType;
  readonly tranid: string;
  readonly externalid: string | null;
  readonly created: Date;
  modified: Date;
  readonly trandate: string | null;
  readonly entity: number | null;
  readonly currency: string;
  amountMinor: bigint;
  status: string;
  voided: boolean;
  readonly memo: string | null;
  readonly otherrefnum: string | null;
};

export type Link = {
  readonly previousdoc: number;
  readonly nextdoc: number;
  readonly line: number;
  readonly amountMinor: bigint;
};

type Customer = {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly modified: Date;
};

export type Share = { readonly invoiceId: number; readonly amountMinor: bigint };

/** A user event: what the script in the account is told of. */
export type Change = {
  readonly action: 'create' | 'edit' | 'delete';
  readonly recordType: string;
  readonly id: number;
  readonly externalid: string | null;
  readonly at: Date;
};

type Truth = TruePayment & { readonly recorded: boolean };
type Payout = {
  readonly externalId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
};

/** Ways in which accounts differ. */
export type AccountHabits = {
  /** On whose side of a link a refund stands; null: it pays out a credit memo, and names no payment. */
  readonly refundSide: 'next' | 'previous' | null;
  /** `CustPymt:C` in place of `C`. */
  readonly longStatus: boolean;
  /** A voided transaction keeps its total (by a reversing journal) or becomes 0. */
  readonly voidKeepsTotal: boolean;
  readonly negativeRefunds: boolean;
  /** The feature Multiple Currencies is off: records name none. */
  readonly singleCurrency: string | undefined;
};

export type Account = {
  readonly zone: string;
  readonly habits: AccountHabits;
  readonly transactions: Map<number, Transaction>;
  readonly customers: Map<number, Customer>;
  readonly deleted: { readonly id: number; readonly type: string; readonly at: Date }[];
  readonly truths: Map<string, Truth>;
  readonly payouts: Payout[];
  readonly changed: (change: Change) => void;
  links: Link[];
  nextId: number;
  /** Periods that end before this day are closed. */
  openFrom: string;
  /** The account's clock: it stands at the latest change. */
  latest: Date;
};

export const CURRENCIES = ['USD', 'EUR', 'JPY', 'KWD'] as const;

/** The internal id of a currency. */
export function currencyId(code: string): string {
  const place = (CURRENCIES as readonly string[]).indexOf(code);
  if (place < 0) throw new Error(`the account keeps no ${code}`);
  return String(place + 1);
}

export function newAccount(
  options: Pick<Account, 'zone' | 'habits' | 'changed'> & { readonly firstId: number },
): Account {
  const { firstId, ...given } = options;
  return {
    ...given,
    transactions: new Map(),
    customers: new Map(),
    deleted: [],
    truths: new Map(),
    payouts: [],
    links: [],
    nextId: firstId,
    openFrom: '0000-00-00',
    latest: new Date(0),
  };
}

export function addCustomer(
  account: Account,
  customer: { readonly name: string; readonly email: string },
  at: Date,
): number {
  const id = account.nextId++;
  account.customers.set(id, { id, ...customer, modified: moment(account, at) });
  account.changed({ action: 'create', recordType: 'customer', id, externalid: null, at });
  return id;
}

export type NewTransaction = {
  readonly type: TransactionType;
  readonly entity: number | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly status: string;
  readonly tranid?: string;
  readonly externalid?: string | null;
  readonly memo?: string | null;
  readonly otherrefnum?: string | null;
  /** The account's own day; that of `at` when absent. */
  readonly trandate?: string;
};

export function addTransaction(account: Account, facts: NewTransaction, at: Date): Transaction {
  const id = account.nextId++;
  const created = moment(account, at);
  const transaction: Transaction = {
    id,
    tranid: `${id}`,
    externalid: null,
    memo: null,
    otherrefnum: null,
    trandate: wallTime(at, account.zone).slice(0, 10),
    ...facts,
    created,
    modified: created,
    voided: false,
  };
  account.transactions.set(id, transaction);
  tell(account, transaction, 'create', at);
  return transaction;
}

/** Money that came in, by a payment of invoices or a deposit before there are any. */
export function receive(
  account: Account,
  money: NewTransaction & { readonly shares: readonly Share[]; readonly recorded: boolean },
  at: Date,
): Transaction {
  const { shares, recorded, ...facts } = money;
  const transaction = addTransaction(account, facts, at);
  apply(account, transaction.id, shares, at);
  const pending = facts.status === 'A' && facts.type === 'CustPymt';
  account.truths.set(String(transaction.id), {
    externalId: String(transaction.id),
    status: pending ? 'pending' : 'succeeded',
    amountMinor: facts.amountMinor,
    currency: facts.currency,
    refundedMinor: 0n,
    disputedMinor: 0n,
    lostMinor: 0n,
    feeMinor: null,
    recorded,
  });
  return transaction;
}

/** Applying changes the invoices, too, of which no user event tells. */
export function apply(
  account: Account,
  paymentId: number,
  shares: readonly Share[],
  at: Date,
): void {
  for (const [line, { invoiceId, amountMinor }] of shares.entries()) {
    account.links.push({ previousdoc: invoiceId, nextdoc: paymentId, line, amountMinor });
    touch(account, invoiceId, at);
  }
}

export function approve(account: Account, id: number, at: Date): void {
  const transaction = required(account, id);
  transaction.status = 'B';
  change(account, transaction, at);
  settleTruth(account, id, 'succeeded');
}

/** What it paid is open again. */
export function voidTransaction(account: Account, id: number, at: Date): void {
  const transaction = required(account, id);
  transaction.voided = true;
  if (!account.habits.voidKeepsTotal) transaction.amountMinor = 0n;
  unapply(account, id, at);
  change(account, transaction, at);
  settleTruth(account, id, 'voided');
}

/** Nothing of it can be read any more but that it was deleted. */
export function deleteTransaction(account: Account, id: number, at: Date): void {
  const transaction = required(account, id);
  unapply(account, id, at);
  account.transactions.delete(id);
  account.deleted.push({ id, type: RECORD_TYPES[transaction.type], at: moment(account, at) });
  tell(account, transaction, 'delete', at);
  settleTruth(account, id, 'voided');
}

export function refund(
  account: Account,
  given: { readonly paymentId: number; readonly amountMinor: bigint },
  at: Date,
): number {
  const { paymentId, amountMinor } = given;
  const payment = required(account, paymentId);
  const truth = account.truths.get(String(paymentId));
  const refundedMinor = (truth?.refundedMinor ?? 0n) + amountMinor;
  if (truth?.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new Error(`payment ${paymentId} has not ${amountMinor} left to refund`);
  }
  account.truths.set(String(paymentId), { ...truth, refundedMinor });
  const { entity, currency } = payment;
  const { refundSide, negativeRefunds } = account.habits;
  const { id } = addTransaction(
    account,
    {
      type: 'CustRfnd',
      entity,
      currency,
      amountMinor: negativeRefunds ? -amountMinor : amountMinor,
      status: 'Y',
      memo: 'Refund',
    },
    at,
  );
  if (refundSide !== null) {
    const [previousdoc, nextdoc] = refundSide === 'next' ? [paymentId, id] : [id, paymentId];
    account.links.push({ previousdoc, nextdoc, line: 0, amountMinor });
    touch(account, paymentId, at);
  }
  return id;
}

/** Brings everything not deposited yet to the bank, one bank deposit for each currency. */
export function depositAll(account: Account, at: Date): string | undefined {
  const ids: string[] = [];
  for (const currency of CURRENCIES) {
    const open = [...account.transactions.values()].filter(
      (one) =>
        one.currency === currency &&
        !one.voided &&
        account.truths.get(String(one.id))?.recorded === false &&
        one.status === (one.type === 'CustDep' ? 'A' : 'B') &&
        account.truths.get(String(one.id))?.status === 'succeeded',
    );
    const amountMinor = open.reduce((sum, one) => sum + one.amountMinor, 0n);
    if (amountMinor <= 0n) continue;
    for (const one of open) {
      one.status = one.type === 'CustDep' ? 'B' : 'C';
      one.modified = moment(account, at);
    }
    const facts = { type: 'Deposit', entity: null, amountMinor, currency, status: '' } as const;
    const externalId = String(addTransaction(account, facts, at).id);
    account.payouts.push({ externalId, amountMinor, currency });
    ids.push(externalId);
  }
  return ids[0];
}

/** What is still to be paid of an invoice. */
export function dueOf(account: Account, invoiceId: number): bigint {
  const invoice = account.transactions.get(invoiceId);
  const paid = account.links
    .filter(({ previousdoc }) => previousdoc === invoiceId)
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  return (invoice?.amountMinor ?? 0n) - paid;
}

function unapply(account: Account, id: number, at: Date): void {
  for (const link of account.links) if (link.nextdoc === id) touch(account, link.previousdoc, at);
  account.links = account.links.filter((link) => link.nextdoc !== id && link.previousdoc !== id);
}

function settleTruth(account: Account, id: number, status: TruePayment['status']): void {
  const truth = account.truths.get(String(id));
  if (truth) account.truths.set(String(id), { ...truth, status });
}

export function touch(account: Account, id: number, at: Date): void {
  const transaction = account.transactions.get(id);
  if (transaction) transaction.modified = moment(account, at);
}

function change(account: Account, transaction: Transaction, at: Date): void {
  transaction.modified = moment(account, at);
  tell(account, transaction, 'edit', at);
}

function tell(
  account: Account,
  { id, type, externalid }: Transaction,
  action: Change['action'],
  at: Date,
): void {
  account.changed({ action, recordType: RECORD_TYPES[type], id, externalid, at });
}

function required(account: Account, id: number): Transaction {
  const transaction = account.transactions.get(id);
  if (!transaction) throw new Error(`transaction ${id} does not exist`);
  return transaction;
}

/** NetSuite keeps whole seconds. */
function moment(account: Account, at: Date): Date {
  if (at > account.latest) account.latest = at;
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}

/** Amounts print without the zeros at their end: `452.5`. */
export function plain(minor: bigint, currency: string): string {
  return toDecimalText({ minor, currency })
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

/** The account as queries see it. */
export function tablesOf(account: Account): Tables {
  const { singleCurrency } = account.habits;
  const currency = { columns: { id: 'number', symbol: 'text', name: 'text' } } as const;
  return {
    transaction: transactionTable(account),
    nexttransactionlinelink: linkTable(account),
    customer: {
      columns: {
        id: 'number',
        entityid: 'text',
        companyname: 'text',
        firstname: 'text',
        lastname: 'text',
        email: 'text',
        lastmodifieddate: 'time',
      },
      rows: [...account.customers.values()].map(({ id, name, email, modified }) => ({
        id,
        entityid: `CUST-${id}`,
        companyname: name,
        firstname: null,
        lastname: null,
        email,
        lastmodifieddate: modified,
      })),
    },
    deletedrecord: {
      columns: { recordid: 'number', type: 'text', name: 'text', deleteddate: 'time' },
      rows: account.deleted.map(({ id, type, at }) => ({
        recordid: id,
        type,
        name: `${type} #${id}`,
        deleteddate: at,
      })),
    },
    ...(singleCurrency === undefined
      ? {
          currency: {
            ...currency,
            rows: CURRENCIES.map((code) => ({
              id: Number(currencyId(code)),
              symbol: code,
              name: `Currency ${code}`,
            })),
          },
        }
      : {}),
  };
}

function transactionTable({ transactions, habits }: Account): Table {
  const single = habits.singleCurrency !== undefined;
  return {
    columns: {
      id: 'number',
      type: 'text',
      tranid: 'text',
      externalid: 'text',
      trandate: 'time',
      duedate: 'time',
      createddate: 'time',
      lastmodifieddate: 'time',
      entity: 'number',
      ...(single ? {} : { currency: 'number' }),
      foreigntotal: 'text',
      total: 'text',
      status: 'text',
      voided: 'text',
      memo: 'text',
      otherrefnum: 'text',
      paymentmethod: 'number',
    },
    display: { paymentmethod: () => 'Check' },
    rows: [...transactions.values()].map((one) => ({
      id: one.id,
      type: one.type,
      tranid: one.tranid,
      externalid: one.externalid,
      trandate: one.created,
      duedate: null,
      createddate: one.created,
      lastmodifieddate: one.modified,
      entity: one.entity,
      ...(single ? {} : { currency: Number(currencyId(one.currency)) }),
      foreigntotal: plain(one.amountMinor, one.currency),
      // In the currency of the subsidiary, by some rate: not what was paid.
      total: plain(one.amountMinor * 3n, one.currency),
      status: statusText(one, habits),
      voided: one.voided ? 'T' : 'F',
      memo: one.memo,
      otherrefnum: one.otherrefnum,
      paymentmethod: one.type === 'CustPymt' ? 2 : null,
    })),
  };
}

function statusText({ type, status }: Transaction, { longStatus }: AccountHabits): string | null {
  if (status === '') return null;
  return longStatus ? `${type}:${status}` : status;
}

function linkTable({ links, transactions }: Account): Table {
  return {
    columns: {
      previousdoc: 'number',
      nextdoc: 'number',
      previousline: 'number',
      nextline: 'number',
      linktype: 'text',
      foreignamount: 'text',
    },
    rows: links.map(({ previousdoc, nextdoc, line, amountMinor }) => ({
      previousdoc,
      nextdoc,
      previousline: 0,
      nextline: line,
      linktype: 'Payment',
      foreignamount: plain(amountMinor, transactions.get(nextdoc)?.currency ?? 'USD'),
    })),
  };
}
