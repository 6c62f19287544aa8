/** The ledger of one simulated FreshBooks account: clients, invoices, payments and what became of them. */
import { toDecimalText } from '../src/money/money.ts';
import type { TruePayment } from './contract.ts';

export type FreshBooksRow = {
  readonly id: number;
  /** New York's wall time, as FreshBooks writes it. */
  readonly updated: string;
  readonly vis_state: number;
} & Readonly<Record<string, unknown>>;

export const FRESHBOOKS_LISTS = ['clients', 'invoices', 'payments'] as const;
export type FreshBooksList = (typeof FRESHBOOKS_LISTS)[number];

export type FreshBooksChange = {
  /** `payment.create`, `invoice.update` … */
  readonly name: string;
  readonly id: number;
};

export type NewFreshBooksPayment = {
  readonly clientId: number | null;
  readonly invoiceId: number | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly type: string;
  readonly note: string;
  readonly date: string;
  /** True when the API's client created it. */
  readonly recorded: boolean;
};

type Truth = TruePayment & { readonly recorded: boolean };

export type FreshBooksAccount = {
  readonly rows: Readonly<Record<FreshBooksList, Map<number, FreshBooksRow>>>;
  readonly truths: Map<number, Truth>;
  readonly changed: (change: FreshBooksChange) => void;
  nextId: number;
  /** The account's clock: it stands at the latest change. */
  latest: Date;
};

/** An empty account; every change is told to `changed`. */
export function newAccount(
  firstId: number,
  changed: (change: FreshBooksChange) => void,
): FreshBooksAccount {
  const rows = { clients: new Map(), invoices: new Map(), payments: new Map() };
  return { rows, truths: new Map(), changed, nextId: firstId, latest: new Date(0) };
}

/** Creates a row with an id of its own. */
export function addRow(
  account: FreshBooksAccount,
  list: FreshBooksList,
  fields: Readonly<Record<string, unknown>>,
  at: Date,
): number {
  const id = account.nextId++;
  account.rows[list].set(id, { ...fields, id, vis_state: 0, updated: moment(account, at) });
  account.changed({ name: `${list.slice(0, -1)}.create`, id });
  return id;
}

/** Edits a row in place. */
export function editRow(
  account: FreshBooksAccount,
  list: FreshBooksList,
  edit: { readonly id: number; readonly fields: Readonly<Record<string, unknown>> },
  at: Date,
): void {
  const row = account.rows[list].get(edit.id);
  if (!row) throw new Error(`there is no ${edit.id} in ${list}`);
  const { vis_state: state = row.vis_state } = edit.fields;
  const next = { ...row, ...edit.fields, updated: moment(account, at), vis_state: Number(state) };
  account.rows[list].set(edit.id, next);
  const what = next.vis_state === 1 && row.vis_state !== 1 ? 'delete' : 'update';
  account.changed({ name: `${list.slice(0, -1)}.${what}`, id: edit.id });
}

/** Money as FreshBooks prints it: two digits at least, in every currency. */
export function printMoney(minor: bigint, currency: string) {
  const text = toDecimalText({ minor, currency });
  return { amount: text.includes('.') ? text : `${text}.00`, code: currency };
}

/** Enters a payment, money back when negative, and marks its invoice as changed. */
export function addPayment(
  account: FreshBooksAccount,
  payment: NewFreshBooksPayment,
  at: Date,
): number {
  const { amountMinor, currency, invoiceId, recorded } = payment;
  const id = addRow(
    account,
    'payments',
    {
      amount: printMoney(amountMinor, currency),
      bulk_paymentid: null,
      clientid: payment.clientId,
      creditid: null,
      date: payment.date,
      from_credit: false,
      gateway: null,
      invoiceid: invoiceId,
      note: payment.note,
      orderid: null,
      overpaymentid: null,
      transactionid: null,
      type: payment.type,
    },
    at,
  );
  touchInvoice(account, invoiceId, at);
  if (amountMinor < 0n) return id;
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const truth = { externalId: String(id), status: 'succeeded', amountMinor, currency } as const;
  account.truths.set(id, { ...truth, ...unmoved, recorded });
  return id;
}

/** Deletes a payment as FreshBooks does: the row stays and says so. */
export function deletePayment(account: FreshBooksAccount, id: number, at: Date): void {
  const truth = truthOf(account, id);
  if (truth.status === 'voided') throw new Error(`payment ${id} is deleted already`);
  editRow(account, 'payments', { id, fields: { vis_state: 1 } }, at);
  account.truths.set(id, { ...truth, status: 'voided' });
  touchInvoice(account, account.rows.payments.get(id)?.invoiceid, at);
}

/** Gives money back: a row of its own with a negative amount. */
export function giveMoneyBack(
  account: FreshBooksAccount,
  back: { readonly id: number; readonly amountMinor: bigint },
  at: Date,
): number {
  const truth = truthOf(account, back.id);
  const refundedMinor = truth.refundedMinor + back.amountMinor;
  if (truth.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new Error(`payment ${back.id} has not ${back.amountMinor} left`);
  }
  account.truths.set(back.id, { ...truth, refundedMinor });
  const row = account.rows.payments.get(back.id);
  return addPayment(
    account,
    {
      clientId: Number(row?.clientid ?? 0) || null,
      invoiceId: Number(row?.invoiceid ?? 0) || null,
      amountMinor: -back.amountMinor,
      currency: truth.currency,
      type: 'Other',
      note: 'Money back',
      date: at.toISOString().slice(0, 10),
      recorded: false,
    },
    at,
  );
}

/** New York's wall time, which knows summer time. */
export function newYorkTime(at: Date): string {
  return format.format(at);
}

const format = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/New_York',
  dateStyle: 'short',
  timeStyle: 'medium',
});

function touchInvoice(account: FreshBooksAccount, id: unknown, at: Date): void {
  if (typeof id !== 'number' || !account.rows.invoices.has(id)) return;
  editRow(account, 'invoices', { id, fields: {} }, at);
}

function truthOf({ truths }: FreshBooksAccount, id: number): Truth {
  const truth = truths.get(id);
  if (!truth) throw new Error(`there is no payment ${id}`);
  return truth;
}

function moment(account: FreshBooksAccount, at: Date): string {
  if (at > account.latest) account.latest = at;
  return newYorkTime(at);
}
