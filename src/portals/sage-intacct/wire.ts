/** What both APIs say of a record, under one name for each fact: theirs differ, their facts do not. */
import { WireMismatch } from '../kit/errors.ts';
import { readDay, readInstant } from './instants.ts';

export type Row = Readonly<Record<string, unknown>>;

/** The kinds of records we read, and what each API calls them. */
export const KINDS = ['payment', 'advance', 'invoice', 'customer'] as const;
export type Kind = (typeof KINDS)[number];
export const XML_OBJECTS = {
  payment: 'ARPYMT',
  invoice: 'ARINVOICE',
  customer: 'CUSTOMER',
} as const;
export const REST_OBJECTS = {
  payment: 'accounts-receivable/payment',
  advance: 'accounts-receivable/advance',
  invoice: 'accounts-receivable/invoice',
  customer: 'accounts-receivable/customer',
} as const satisfies Record<Kind, string>;

/** A document: one record as its API tells it, a payment with what it pays. */
export type LedgerRecord = {
  readonly object: string;
  readonly record: Row;
  /** What a payment pays, line by line; absent where it was not asked for. */
  readonly details?: readonly Row[];
  /** Numbers of the invoices that it pays. */
  readonly invoices?: readonly Row[];
};

export type PaymentFacts = {
  readonly key: string;
  /** `rp` payment, `rr` advance, `ro` applied overpayment. */
  readonly recordType: string;
  /** In lower case, without blanks. */
  readonly state: string;
  /** Decimal text in the transaction's currency; null currency: the company's own. */
  readonly total: string;
  readonly currency: string | null;
  readonly method: string | null;
  readonly customerId: string | null;
  readonly payerName: string | null;
  readonly docNumber: string | null;
  readonly description: string | null;
  /** `YYYY-MM-DD`. */
  readonly receivedOn: string | null;
  readonly createdAt: string;
  readonly modifiedAt: string;
  /** What was paid in cash, line by line; undefined where nobody asked. */
  readonly details:
    | readonly { readonly invoiceKey: string; readonly amount: string | null }[]
    | undefined;
  readonly invoiceNumbers: ReadonlyMap<string, string>;
};

/** Names of a fact, the XML gateway's first; dots lead into objects where rows are not flat. */
const PAYMENT = {
  key: ['RECORDNO', 'key'],
  recordType: ['RECORDTYPE', 'recordType'],
  state: ['STATE', 'state'],
  total: ['TRX_TOTALENTERED', 'txnCurrency.totalAmount', 'txnTotalEntered'],
  currency: ['CURRENCY', 'txnCurrency.currency', 'paymentInformation.currency.txnCurrency'],
  method: ['PAYMENTMETHOD', 'paymentMethod', 'paymentInformation.paymentMethod'],
  customerId: ['CUSTOMERID', 'customer.id'],
  customerName: ['CUSTOMERNAME', 'customer.name'],
  payerName: ['PAYERNAME', 'payerName'],
  docNumber: ['DOCNUMBER', 'documentNumber', 'referenceNumber'],
  description: ['DESCRIPTION', 'description'],
  receivedOn: ['RECEIPTDATE', 'receiptDate', 'paymentInformation.receiptDate'],
  created: ['AUWHENCREATED', 'audit.createdDateTime'],
  modified: ['WHENMODIFIED', 'audit.modifiedDateTime'],
} as const;

const DETAIL = {
  paymentKey: ['PAYMENTKEY', 'arPayment.key'],
  invoiceKey: ['RECORDKEY', 'arInvoice.key'],
  amount: ['TRX_PAYMENTAMOUNT', 'txnCurrency.paymentAmount'],
  invoiceNumber: ['arInvoice.invoiceNumber'],
} as const;

const INVOICE = {
  key: ['RECORDNO', 'key'],
  number: ['RECORDID', 'invoiceNumber'],
  state: ['STATE', 'state'],
  total: ['TRX_TOTALENTERED', 'totalTxnAmount'],
  currency: ['CURRENCY', 'currency.txnCurrency'],
  issuedOn: ['WHENCREATED', 'invoiceDate'],
  dueOn: ['WHENDUE', 'dueDate'],
  customerId: ['CUSTOMERID', 'customer.id'],
  customerName: ['CUSTOMERNAME', 'customer.name'],
  purchaseOrder: ['PONUMBER', 'DOCNUMBER', 'referenceNumber'],
  description: ['DESCRIPTION', 'description'],
  modified: ['WHENMODIFIED', 'audit.modifiedDateTime'],
} as const;

const CUSTOMER = {
  key: ['RECORDNO', 'key'],
  id: ['CUSTOMERID', 'id'],
  name: ['NAME', 'name'],
  email: ['DISPLAYCONTACT.EMAIL1', 'contacts.default.email1'],
  modified: ['WHENMODIFIED', 'audit.modifiedDateTime'],
} as const;

/** Names of fields, written one after another. */
export function named(fields: string): readonly string[] {
  return fields.split(/\s+/);
}

/** @throws WireMismatch naming the field */
export function readPayment(
  { record, details, invoices }: Omit<LedgerRecord, 'object'>,
  kind: 'payment' | 'advance',
): PaymentFacts {
  const inner = record.paymentDetails;
  const lines = details ?? (Array.isArray(inner) ? (inner as readonly Row[]) : undefined);
  const modifiedAt = readInstant(required(record, PAYMENT.modified), PAYMENT.modified[0]);
  const created = textAt(record, PAYMENT.created);
  const receivedOn = textAt(record, PAYMENT.receivedOn);
  const customerName = textAt(record, PAYMENT.customerName);
  return {
    key: keyOf(record),
    recordType: (
      textAt(record, PAYMENT.recordType) ?? (kind === 'payment' ? 'rp' : 'rr')
    ).toLowerCase(),
    state: stateOf(record),
    total: required(record, PAYMENT.total),
    currency: textAt(record, PAYMENT.currency),
    method: textAt(record, PAYMENT.method),
    customerId: textAt(record, PAYMENT.customerId),
    payerName: customerName ?? textAt(record, PAYMENT.payerName),
    docNumber: textAt(record, PAYMENT.docNumber),
    description: textAt(record, PAYMENT.description),
    receivedOn: receivedOn === null ? null : readDay(receivedOn, PAYMENT.receivedOn[0]),
    createdAt: created === null ? modifiedAt : readInstant(created, PAYMENT.created[0]),
    modifiedAt,
    details: lines?.flatMap((line) => {
      // A debit memo that is paid, a credit: no invoice.
      const invoiceKey = textAt(line, DETAIL.invoiceKey);
      return invoiceKey === null ? [] : [{ invoiceKey, amount: textAt(line, DETAIL.amount) }];
    }),
    invoiceNumbers: numbersOf(lines ?? [], invoices ?? []),
  };
}

function numbersOf(lines: readonly Row[], invoices: readonly Row[]): ReadonlyMap<string, string> {
  const said = [
    ...lines.map((line) => [textAt(line, DETAIL.invoiceKey), textAt(line, DETAIL.invoiceNumber)]),
    ...invoices.map((row) => [textAt(row, INVOICE.key), textAt(row, INVOICE.number)]),
  ];
  return new Map(
    said.flatMap(([key, number]): (readonly [string, string])[] =>
      key && number ? [[key, number]] : [],
    ),
  );
}

/** The lines of one payment, and the invoices that these pay. */
export function paidBy(
  paymentKey: unknown,
  lines: readonly Row[],
  invoices: readonly Row[],
): Required<Pick<LedgerRecord, 'details' | 'invoices'>> {
  const details = lines.filter((line) => lineKeys(line).payment === paymentKey);
  const keys = new Set(details.map((line) => lineKeys(line).invoice));
  return { details, invoices: invoices.filter((row) => keys.has(textAt(row, INVOICE.key))) };
}

/** The payment that a line belongs to, and the invoice it pays. */
export function lineKeys(line: Row): {
  readonly payment: string | null;
  readonly invoice: string | null;
} {
  return { payment: textAt(line, DETAIL.paymentKey), invoice: textAt(line, DETAIL.invoiceKey) };
}

/** @throws WireMismatch naming the field */
export function readInvoice(record: Row) {
  const [issuedOn, dueOn] = [textAt(record, INVOICE.issuedOn), textAt(record, INVOICE.dueOn)];
  return {
    key: keyOf(record),
    number: textAt(record, INVOICE.number),
    state: stateOf(record),
    total: required(record, INVOICE.total),
    currency: textAt(record, INVOICE.currency),
    issuedOn: issuedOn === null ? null : readDay(issuedOn, INVOICE.issuedOn[0]),
    dueOn: dueOn === null ? null : readDay(dueOn, INVOICE.dueOn[0]),
    customerId: textAt(record, INVOICE.customerId),
    customerName: textAt(record, INVOICE.customerName),
    purchaseOrder: textAt(record, INVOICE.purchaseOrder),
    description: textAt(record, INVOICE.description),
    modifiedAt: readInstant(required(record, INVOICE.modified), INVOICE.modified[0]),
  };
}

/** @throws WireMismatch naming the field */
export function readCustomer(record: Row) {
  return {
    id: required(record, CUSTOMER.id),
    name: textAt(record, CUSTOMER.name),
    email: textAt(record, CUSTOMER.email),
    modifiedAt: readInstant(required(record, CUSTOMER.modified), CUSTOMER.modified[0]),
  };
}

/** The number that a record has in the company. @throws WireMismatch */
export function keyOf(record: Row): string {
  const key = required(record, PAYMENT.key);
  if (!/^\d{1,20}$/.test(key)) throw new WireMismatch(`RECORDNO: "${key.slice(0, 40)}"`);
  return key;
}

function stateOf(record: Row): string {
  return required(record, PAYMENT.state)
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, '');
}

function required(row: Row, names: readonly string[]): string {
  const text = textAt(row, names);
  if (text === null) throw new WireMismatch(`${names.slice(0, 2).join(' or ')}: missing`);
  return text;
}

/** The first of these names that says something. */
function textAt(row: Row, names: readonly string[]): string | null {
  for (const name of names) {
    const value = Object.hasOwn(row, name) ? row[name] : within(row, name.split('.'));
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text === 'string' && text.trim() !== '') return text.trim();
  }
  return null;
}

function within(row: Row, path: readonly string[]): unknown {
  let value: unknown = row;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Row)[name];
  }
  return value;
}
