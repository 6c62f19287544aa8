/** The ledger of one simulated Xero organisation: its contacts, invoices, payments, and what became of them. */
import { fromDecimalText, toDecimalText } from '../src/money/money.ts';
import { rawNumber } from '../src/money/raw-number.ts';
import type { TruePayment } from './contract.ts';
import type { Random } from './random.ts';

export type Contact = { readonly id: string; readonly name: string; readonly email: string };

export type Invoice = {
  readonly id: string;
  readonly number: string;
  readonly contactId: string;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly reference: string;
  status: 'AUTHORISED' | 'PAID' | 'VOIDED';
};

/** A payment of an invoice, or money given back of a credit note or an overpayment. */
export type Payment = {
  readonly id: string;
  readonly kind: 'ACCRECPAYMENT' | 'ARCREDITPAYMENT' | 'AROVERPAYMENTPAYMENT';
  /** The invoice, credit note or overpayment. */
  readonly documentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly contactId: string;
  readonly reference: string;
  readonly date: string;
  status: 'AUTHORISED' | 'DELETED';
};

export type Overpayment = {
  readonly id: string;
  readonly contactId: string;
  readonly totalMinor: bigint;
  readonly currency: string;
  readonly reference: string;
  readonly date: string;
  status: 'AUTHORISED' | 'VOIDED';
};

export type CreditNote = { readonly id: string; readonly number: string };

export type Change = {
  readonly category: 'INVOICE' | 'CONTACT' | 'CREDITNOTE';
  readonly kind: 'CREATE' | 'UPDATE';
  readonly id: string;
  readonly at: Date;
  readonly data?: Readonly<Record<string, string>>;
};

type Truth = TruePayment & { readonly recorded: boolean; readonly reference: string };
type Kept<T> = { row: T; changedAt: Date };

export type Organisation = {
  readonly random: Random;
  readonly contacts: Map<string, Kept<Contact>>;
  readonly invoices: Map<string, Kept<Invoice>>;
  readonly creditNotes: Map<string, Kept<CreditNote>>;
  readonly payments: Map<string, Kept<Payment>>;
  readonly overpayments: Map<string, Kept<Overpayment>>;
  readonly truths: Map<string, Truth>;
  readonly changed: (change: Change) => void;
  /** The organisation's clock: it stands at the latest change. */
  latest: Date;
  nextNumber: number;
};

/** An empty organisation; what Xero sends events of is told to `changed`. Overpayments and payments are not. */
export function newOrganisation(random: Random, changed: Organisation['changed']): Organisation {
  return {
    random,
    contacts: new Map(),
    invoices: new Map(),
    creditNotes: new Map(),
    payments: new Map(),
    overpayments: new Map(),
    truths: new Map(),
    changed,
    latest: new Date(0),
    nextNumber: random.between(100, 900),
  };
}

/** An id as Xero makes them. */
export function guid(random: Random): string {
  const hex = (length: number) =>
    Array.from({ length }, () => random.between(0, 15).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
}

/** A decimal as Xero prints money: at least one digit behind the point, two in most currencies. */
export function decimal(amountMinor: bigint, currency: string): unknown {
  const text = toDecimalText({ minor: amountMinor, currency });
  return rawNumber(text.includes('.') ? text : `${text}.0`);
}

export function addContact(
  world: Organisation,
  contact: Omit<Contact, 'id'> & { readonly id?: string },
  at: Date,
): string {
  const id = contact.id ?? guid(world.random);
  keep(world, world.contacts, { ...contact, id }, at);
  world.changed({ category: 'CONTACT', kind: 'CREATE', id, at });
  return id;
}

export function addInvoice(
  world: Organisation,
  invoice: Omit<Invoice, 'id' | 'status'>,
  at: Date,
): string {
  const id = guid(world.random);
  keep(world, world.invoices, { ...invoice, id, status: 'AUTHORISED' }, at);
  world.changed({ category: 'INVOICE', kind: 'CREATE', id, at });
  return id;
}

/** What is still owed of an invoice. */
export function dueOf(world: Organisation, invoiceId: string): bigint {
  const { row } = known(world.invoices, invoiceId);
  const paid = [...world.payments.values()]
    .filter(({ row: one }) => one.documentId === invoiceId && one.status === 'AUTHORISED')
    .reduce((sum, { row: one }) => sum + one.amountMinor, 0n);
  return row.totalMinor - paid;
}

export type NewPayment = {
  readonly invoiceId: string;
  readonly amountMinor: bigint;
  readonly reference: string;
  readonly date: string;
  /** True when the API's client created it. */
  readonly recorded: boolean;
};

export const TOO_MUCH = 'Payment amount exceeds the amount outstanding on this document';

/** Xero takes no more than is due; the sender of the event is the invoice. */
export function payInvoice(world: Organisation, payment: NewPayment, at: Date): string {
  const { row: invoice } = known(world.invoices, payment.invoiceId);
  if (invoice.status === 'VOIDED' || payment.amountMinor > dueOf(world, invoice.id)) {
    throw new RangeError(TOO_MUCH);
  }
  const id = guid(world.random);
  const { amountMinor, reference, date, recorded } = payment;
  const { currency, contactId } = invoice;
  const row = { id, kind: 'ACCRECPAYMENT', documentId: invoice.id, amountMinor } as const;
  keep(
    world,
    world.payments,
    { ...row, currency, contactId, reference, date, status: 'AUTHORISED' },
    at,
  );
  settleInvoice(world, invoice, at);
  tell(world, { id, amountMinor, currency, recorded, reference });
  return id;
}

/** Money without an invoice. No event tells of it: only the list of overpayments does. */
export function receiveOverpayment(
  world: Organisation,
  given: Omit<Overpayment, 'id' | 'status'> & { readonly recorded: boolean },
  at: Date,
): string {
  const { recorded, ...row } = given;
  const id = guid(world.random);
  keep(world, world.overpayments, { ...row, id, status: 'AUTHORISED' }, at);
  const { totalMinor: amountMinor, currency, reference } = row;
  tell(world, { id, amountMinor, currency, recorded, reference });
  return id;
}

/** Deletes a payment or voids an overpayment: the row stays, with another status. */
export function takeBack(world: Organisation, id: string, at: Date): void {
  const payment = world.payments.get(id);
  if (payment) {
    if (payment.row.status === 'DELETED') throw new Error(`Payment ${id} is deleted already`);
    keep(world, world.payments, { ...payment.row, status: 'DELETED' }, at);
    const invoice = world.invoices.get(payment.row.documentId);
    if (invoice) settleInvoice(world, invoice.row, at);
  } else {
    const { row } = known(world.overpayments, id);
    if (row.status === 'VOIDED') throw new Error(`Overpayment ${id} is voided already`);
    keep(world, world.overpayments, { ...row, status: 'VOIDED' }, at);
  }
  const truth = world.truths.get(id);
  if (truth) world.truths.set(id, { ...truth, status: 'voided' });
}

/** Gives money back: of an overpayment itself, else of a credit note that names no payment. */
export function giveBack(
  world: Organisation,
  refund: { readonly paymentId: string; readonly amountMinor: bigint },
  at: Date,
): string {
  const { paymentId, amountMinor } = refund;
  const truth = known(world.truths, paymentId);
  const refundedMinor = truth.refundedMinor + amountMinor;
  if (truth.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new Error(`Payment ${paymentId} has not ${amountMinor} left to refund`);
  }
  world.truths.set(paymentId, { ...truth, refundedMinor });
  const overpayment = world.overpayments.get(paymentId)?.row;
  const paid = world.payments.get(paymentId)?.row;
  const note = { id: guid(world.random), number: `CN-${world.nextNumber++}` };
  if (!overpayment) keep(world, world.creditNotes, note, at);
  const id = guid(world.random);
  keep(
    world,
    world.payments,
    {
      id,
      kind: overpayment ? 'AROVERPAYMENTPAYMENT' : 'ARCREDITPAYMENT',
      documentId: overpayment?.id ?? note.id,
      amountMinor,
      currency: truth.currency,
      contactId: overpayment?.contactId ?? paid?.contactId ?? '',
      reference: 'money back',
      date: at.toISOString().slice(0, 10),
      status: 'AUTHORISED',
    },
    at,
  );
  if (!overpayment) {
    const data = { Type: 'ACCRECCREDIT', Status: 'PAID' };
    world.changed({ category: 'CREDITNOTE', kind: 'CREATE', id: note.id, at, data });
  }
  return id;
}

/** The amount of a request, digit for digit as the client wrote it. */
export function readAmount(text: string, currency: string): bigint {
  return fromDecimalText(text, currency).minor;
}

function settleInvoice(world: Organisation, { id }: Invoice, at: Date): void {
  const { row } = known(world.invoices, id);
  const status = dueOf(world, id) === 0n ? 'PAID' : 'AUTHORISED';
  keep(
    world,
    world.invoices,
    { ...row, status: row.status === 'VOIDED' ? row.status : status },
    at,
  );
  world.changed({ category: 'INVOICE', kind: 'UPDATE', id, at });
}

function tell(
  world: Organisation,
  payment: Pick<Truth, 'amountMinor' | 'currency' | 'recorded' | 'reference'> & {
    readonly id: string;
  },
): void {
  const { id, ...facts } = payment;
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  world.truths.set(id, { externalId: id, status: 'succeeded', ...facts, ...unmoved });
}

function keep<T extends { readonly id: string }>(
  world: Organisation,
  table: Map<string, Kept<T>>,
  row: T,
  at: Date,
): void {
  if (at > world.latest) world.latest = at;
  table.set(row.id, { row, changedAt: at });
}

function known<T>(table: ReadonlyMap<string, T>, id: string): T {
  const found = table.get(id);
  if (!found) throw new Error(`${id} does not exist`);
  return found;
}
