/**
 * What Intuit's processor knows of one merchant, and what it writes into the company's books: charges and bank
 * debits, what became of them, and the records that name them.
 */
import type { SimulatedOrder, TruePayment } from './contract.ts';
import {
  type Company,
  companyTime,
  createRow,
  customerFields,
  decimal,
  findRow,
  invoiceFields,
  livingRows,
  payOrder,
  processing,
  voidPayment,
} from './quickbooks-company.ts';
import type { Random } from './random.ts';

const SETTLED_AFTER_MS = 24 * 3_600_000;

export type ProcessorRefund = {
  readonly id: string;
  readonly amountMinor: bigint;
  readonly createdAt: Date;
  /** What was not settled yet may be undone instead of refunded; the service itself decides. */
  readonly type: 'REFUND' | 'VOID';
  status: 'ISSUED' | 'SETTLED' | 'DECLINED';
};

export type ProcessorTransaction = {
  readonly kind: 'charge' | 'echeck';
  readonly id: string;
  readonly order: SimulatedOrder;
  readonly createdAt: Date;
  /** Amounts are written as text, or as numbers as older versions did. */
  readonly numbers: boolean;
  readonly refunds: ProcessorRefund[];
  status: string;
  captured: { readonly amountMinor: bigint; readonly at: Date } | undefined;
  /** The record in the books, once there is one. */
  record: { readonly entity: 'Payment' | 'SalesReceipt'; readonly id: string } | undefined;
};

export type ProcessorWorld = {
  readonly company: Company;
  readonly random: Random;
  readonly transactions: Map<string, ProcessorTransaction>;
  /** Which id a refund receipt names as its transaction. Both readings are possible. */
  readonly receiptsName: 'refund' | 'charge';
  /** What the processor writes into the books: an app that charges cards by itself may keep its sales to itself. */
  readonly records: 'all' | 'invoices' | 'none';
  /** A transaction began; the app may have asked to be told. */
  readonly created: (transaction: ProcessorTransaction) => void;
  /** The latest instant at which something happened. */
  latest: Date;
};

/** Begins a transaction in a state; what is money already is recorded at once, as by the link in an invoice. */
export function beginTransaction(
  world: ProcessorWorld,
  order: SimulatedOrder,
  as: { readonly kind: 'charge' | 'echeck'; readonly status: string },
  at: Date,
): string {
  const { random } = world;
  pass(world, at);
  const id = as.kind === 'charge' ? `E${random.token(11).toUpperCase()}` : random.token(8);
  const transaction: ProcessorTransaction = {
    ...as,
    id,
    order,
    createdAt: at,
    numbers: random.chance(0.3),
    refunds: [],
    captured: undefined,
    record: undefined,
  };
  world.transactions.set(id, transaction);
  if (as.status !== 'AUTHORIZED') recordTransaction(world, transaction, at);
  world.created(transaction);
  return id;
}

/** Takes an authorization, once; less than authorized or up to half more. */
export function captureCharge(
  world: ProcessorWorld,
  id: string,
  amountMinor: bigint | undefined,
  at: Date,
): void {
  const charge = transactionOf(world, id);
  require(charge.status === 'AUTHORIZED', `${id} is ${charge.status} and cannot be captured`);
  const taken = amountMinor ?? charge.order.amountMinor;
  require(taken * 2n <= charge.order.amountMinor * 3n, `${id} has not so much to capture`);
  pass(world, at);
  charge.status = 'CAPTURED';
  charge.captured = { amountMinor: taken, at };
  recordTransaction(world, charge, at);
}

/** Undoes what is not settled yet; QuickBooks voids its payment with it. */
export function cancelCharge(world: ProcessorWorld, id: string, at: Date): void {
  const charge = transactionOf(world, id);
  const { status, record } = charge;
  const undone = status === 'AUTHORIZED' || (status === 'CAPTURED' && !isSettled(charge, at));
  require(undone, `${id} is ${status} and cannot be undone`);
  pass(world, at);
  charge.status = 'CANCELLED';
  if (record?.entity === 'Payment') voidPayment(world.company, record.id, at);
}

/** A bank debit comes to an end; one that succeeded may still be returned. */
export function endDebit(
  world: ProcessorWorld,
  id: string,
  status: 'SUCCEEDED' | 'DECLINED',
  at: Date,
): void {
  const debit = transactionOf(world, id);
  const late = status === 'DECLINED' && debit.status === 'SUCCEEDED';
  require(debit.status === 'PENDING' || late, `${id} is ${debit.status} already`);
  pass(world, at);
  debit.status = status;
}

/** Gives money back, and writes the receipt of it into the books, unless another app gave it. */
export function refundTransaction(
  world: ProcessorWorld,
  id: string,
  amountMinor: bigint,
  at: Date,
  writes: { readonly receipt: boolean } = { receipt: true },
): string {
  const transaction = transactionOf(world, id);
  const taken = moneyOf(transaction);
  const left = taken - refundedOf(transaction);
  require(isMoney(transaction) && amountMinor <= left, `${id} has not so much left to refund`);
  const undoable = transaction.kind === 'charge' && !isSettled(transaction, at);
  const undone = undoable && amountMinor === taken && world.random.chance(0.4);
  pass(world, at);
  const refund: ProcessorRefund = {
    id: `E${world.random.token(11).toUpperCase()}`,
    amountMinor,
    createdAt: at,
    type: undone ? 'VOID' : 'REFUND',
    status: 'ISSUED',
  };
  transaction.refunds.push(refund);
  if (undone) transaction.status = 'CANCELLED';
  else if (amountMinor === left) transaction.status = 'REFUNDED';
  if (writes.receipt) recordRefund(world, transaction, refund);
  return refund.id;
}

/** The customer's bank takes the refund, or sends it back. */
export function endRefund(
  { transactions }: ProcessorWorld,
  refundId: string,
  status: 'SETTLED' | 'DECLINED',
): void {
  for (const transaction of transactions.values()) {
    const refund = transaction.refunds.find(({ id }) => id === refundId);
    if (!refund) continue;
    require(refund.status === 'ISSUED', `${refundId} is ${refund.status} already`);
    refund.status = status;
    if (status === 'DECLINED' && transaction.status === 'REFUNDED') {
      transaction.status = transaction.kind === 'charge' ? 'CAPTURED' : 'SUCCEEDED';
    }
    return;
  }
  throw new Error(`${refundId} does not exist`);
}

/** The transaction as it stands now: captured money settles within a day. */
export function statusOf(world: ProcessorWorld, transaction: ProcessorTransaction): string {
  const { status } = transaction;
  return status === 'CAPTURED' && isSettled(transaction, world.latest) ? 'SETTLED' : status;
}

/** What really happened, whatever anybody was told. */
export function truthOf(transaction: ProcessorTransaction): TruePayment {
  return {
    externalId: transaction.id,
    status: TRUE_STATUS[transaction.status] ?? 'succeeded',
    amountMinor: moneyOf(transaction),
    currency: transaction.order.currency,
    refundedMinor: refundedOf(transaction),
    disputedMinor: 0n,
    lostMinor: 0n,
    feeMinor: null,
  };
}

const TRUE_STATUS: Readonly<Record<string, TruePayment['status']>> = {
  PENDING: 'pending',
  AUTHORIZED: 'authorized',
  DECLINED: 'failed',
  CANCELLED: 'voided',
  VOIDED: 'voided',
};

/** The books' customer of that id, met by an order or entered before. */
export function meetCustomer(company: Company, { customer }: SimulatedOrder, at: Date): void {
  const { externalId, name, email } = customer;
  if (findRow(company, 'Customer', externalId)) return;
  createRow(company, 'Customer', { ...customerFields(name, email), Id: externalId }, at);
}

/** An invoice is sent by e-mail, and the customer pays by its link; sales on the spot have none. */
function recordTransaction(
  world: ProcessorWorld,
  transaction: ProcessorTransaction,
  at: Date,
): void {
  const { company, random, records } = world;
  const { id } = transaction;
  const order = { ...transaction.order, amountMinor: moneyOf(transaction) };
  const isSale = order.invoiceNumber === undefined;
  if (records === 'none' || (isSale && records === 'invoices')) return;
  meetCustomer(company, order, at);
  if (isSale && random.chance(0.4)) {
    const receipt = { ...saleFields(order, at), PaymentRefNum: id, ...processing(id) };
    transaction.record = {
      entity: 'SalesReceipt',
      id: createRow(company, 'SalesReceipt', receipt, at),
    };
    return;
  }
  if (!isSale) writeInvoice(company, order, at);
  const as = { by: 'processor', processed: id, reference: id } as const;
  transaction.record = { entity: 'Payment', id: payOrder(company, order, as, at) };
}

function writeInvoice(company: Company, order: SimulatedOrder, at: Date): void {
  const { invoiceNumber: number = '', customer, amountMinor, currency } = order;
  const known = livingRows(company, 'Invoice').some(({ DocNumber }) => DocNumber === number);
  if (known) return;
  const invoice = { number, customerExternalId: customer.externalId, amountMinor, currency };
  const named = (value: string) => ({ value, name: customer.name });
  createRow(company, 'Invoice', invoiceFields(invoice, named), at);
}

function recordRefund(
  { company, receiptsName }: ProcessorWorld,
  transaction: ProcessorTransaction,
  { id, amountMinor, createdAt, type }: ProcessorRefund,
): void {
  const { order } = transaction;
  meetCustomer(company, order, createdAt);
  // What was undone can only be told by its own transaction.
  const named = type === 'VOID' || receiptsName === 'refund' ? id : transaction.id;
  const receipt = {
    ...saleFields({ ...order, amountMinor }, createdAt),
    ...(named === id ? { PaymentRefNum: transaction.id } : {}),
    ...processing(named),
  };
  createRow(company, 'RefundReceipt', receipt, createdAt);
}

function saleFields({ customer, currency, amountMinor, ...order }: SimulatedOrder, at: Date) {
  const texts = [order.invoiceNumber, order.workOrder, order.memo];
  return {
    TxnDate: companyTime(at).slice(0, 10),
    CurrencyRef: { value: currency },
    CustomerRef: { value: customer.externalId, name: customer.name },
    BillEmail: { Address: customer.email },
    TotalAmt: decimal(amountMinor, currency),
    PrivateNote: texts.filter((text) => text !== undefined).join(' '),
  };
}

function moneyOf({ captured, order }: ProcessorTransaction): bigint {
  return captured?.amountMinor ?? order.amountMinor;
}

function refundedOf({ refunds }: ProcessorTransaction): bigint {
  return refunds
    .filter(({ type, status }) => type === 'REFUND' && status !== 'DECLINED')
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

function isMoney({ status }: ProcessorTransaction): boolean {
  return status === 'CAPTURED' || status === 'SUCCEEDED';
}

function isSettled({ captured, createdAt }: ProcessorTransaction, at: Date): boolean {
  return at.getTime() - (captured?.at ?? createdAt).getTime() > SETTLED_AFTER_MS;
}

function transactionOf({ transactions }: ProcessorWorld, id: string): ProcessorTransaction {
  const transaction = transactions.get(id);
  if (!transaction) throw new Error(`${id} does not exist`);
  return transaction;
}

function pass(world: ProcessorWorld, at: Date): void {
  if (at > world.latest) world.latest = at;
}

function require(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
