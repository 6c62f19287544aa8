/** What a simulated company tells of its records, in the words of either API, and which questions it understands. */
import { toDecimalText } from '../src/money/money.ts';
import {
  type Company,
  type Customer,
  dueOf,
  type Invoice,
  type Payment,
  unappliedOf,
} from './sage-intacct-company.ts';

/** A row: fields by name, and to which entity it is private. */
export type Row = {
  readonly entity: string | null;
  readonly fields: Readonly<Record<string, string | null>>;
};

const XML_STATES = { draft: 'D', complete: 'C', reversed: 'V', reversal: 'Reversal' } as const;
const XML_METHODS: Readonly<Record<string, string>> = {
  check: 'Printed Check',
  cash: 'Cash',
  eft: 'EFT',
  card: 'Credit Card',
};
const REST_METHODS: Readonly<Record<string, string>> = {
  check: 'printedCheck',
  cash: 'cash',
  eft: 'eft',
  card: 'creditCard',
};

/** The name a method has in a company, from either API's; undefined for one that would charge the customer. */
export function methodFrom(said: string): string | undefined {
  const names = [...Object.entries(XML_METHODS), ...Object.entries(REST_METHODS)];
  return names.find(([, name]) => name === said)?.[0];
}

/** Rows of an object of the XML gateway; undefined for one it does not have. */
export function xmlRows(company: Company, object: string): readonly Row[] | undefined {
  switch (object.toUpperCase()) {
    case 'ARPYMT':
      return [...company.payments.values()].map((payment) => xmlPayment(company, payment));
    case 'ARPYMTDETAIL':
      return [...company.payments.values()].flatMap((payment) => xmlLines(payment));
    case 'ARINVOICE':
      return [...company.invoices.values()].map((invoice) => xmlInvoice(company, invoice));
    case 'CUSTOMER':
      return [...company.customers.values()].map(xmlCustomer);
    default:
      return undefined;
  }
}

/** Flat rows of an object of the REST API. */
export function restRows(company: Company, object: string): readonly Row[] | undefined {
  switch (object.replace('accounts-receivable/', '')) {
    case 'payment':
      return payments(company, (type) => type !== 'rr').map((one) => restPayment(company, one));
    case 'advance':
      return payments(company, (type) => type === 'rr').map((one) => restAdvance(company, one));
    case 'payment-detail':
      return [...company.payments.values()].flatMap((payment) => restLines(payment));
    case 'invoice':
      return [...company.invoices.values()].map((invoice) => restInvoice(company, invoice));
    case 'customer':
      return [...company.customers.values()].map(restCustomer);
    default:
      return undefined;
  }
}

function payments(company: Company, fits: (type: Payment['recordType']) => boolean) {
  return [...company.payments.values()].filter(({ recordType }) => fits(recordType));
}

function xmlPayment(company: Company, payment: Payment): Row {
  const { currency, minor, entity } = payment;
  const due = payment.state === 'complete' ? unappliedOf(payment) : 0n;
  return {
    entity,
    fields: {
      RECORDNO: payment.recordNo,
      RECORDTYPE: payment.recordType,
      STATE: XML_STATES[payment.state],
      PAYMENTMETHOD: XML_METHODS[payment.method] ?? null,
      CUSTOMERID: payment.customerId,
      CUSTOMERNAME: company.customers.get(payment.customerId)?.name ?? null,
      PAYERNAME: null,
      DOCNUMBER: payment.docNumber,
      DESCRIPTION: payment.description,
      RECEIPTDATE: american(payment.day),
      BASECURR: company.baseCurrency,
      CURRENCY: currency,
      // The base amount follows some rate, which nobody must compute with.
      TOTALENTERED: shortest(currency === company.baseCurrency ? minor : minor * 3n, currency),
      TRX_TOTALENTERED: shortest(minor, currency),
      TRX_TOTALDUE: shortest(due, currency),
      AUWHENCREATED: americanInstant(payment.createdAt),
      WHENMODIFIED: americanInstant(payment.changedAt),
    },
  };
}

function xmlLines({ recordNo, lines, currency, entity }: Payment): readonly Row[] {
  return lines.map((line) => ({
    entity,
    fields: {
      RECORDNO: line.recordNo,
      PAYMENTKEY: recordNo,
      RECORDKEY: line.invoice,
      TRX_PAYMENTAMOUNT: shortest(line.minor, currency),
      TRX_POSTEDADVANCEAMOUNT: shortest(line.creditMinor, currency),
      STATE: 'C',
    },
  }));
}

function xmlInvoice(company: Company, invoice: Invoice): Row {
  const { currency, totalMinor, entity } = invoice;
  return {
    entity,
    fields: {
      RECORDNO: invoice.recordNo,
      RECORDID: invoice.number,
      STATE: stateOf(company, invoice),
      CUSTOMERID: invoice.customerId,
      CUSTOMERNAME: company.customers.get(invoice.customerId)?.name ?? null,
      DOCNUMBER: invoice.purchaseOrder,
      DESCRIPTION: invoice.description,
      WHENCREATED: american(invoice.day),
      WHENDUE: american(invoice.day),
      CURRENCY: currency,
      TRX_TOTALENTERED: shortest(totalMinor, currency),
      TRX_TOTALDUE: shortest(dueOf(company, invoice.recordNo), currency),
      WHENMODIFIED: americanInstant(invoice.changedAt),
    },
  };
}

function stateOf(company: Company, { recordNo, totalMinor, reversed }: Invoice): string {
  if (reversed) return 'Reversed';
  const due = dueOf(company, recordNo);
  if (due === 0n) return 'Paid';
  return due < totalMinor ? 'Partially Paid' : 'Posted';
}

function xmlCustomer(customer: Customer): Row {
  return {
    entity: null,
    fields: {
      RECORDNO: customer.recordNo,
      CUSTOMERID: customer.id,
      NAME: customer.name,
      'DISPLAYCONTACT.EMAIL1': customer.email,
      WHENMODIFIED: americanInstant(customer.changedAt),
    },
  };
}

function restPayment(company: Company, payment: Payment): Row {
  const { recordNo, currency, minor, entity } = payment;
  return {
    entity,
    fields: {
      key: recordNo,
      id: recordNo,
      recordType: payment.recordType,
      state: payment.state,
      paymentMethod: REST_METHODS[payment.method] ?? null,
      documentNumber: payment.docNumber || null,
      description: payment.description || null,
      receiptDate: payment.day,
      payerName: null,
      'customer.id': payment.customerId,
      'customer.name': company.customers.get(payment.customerId)?.name ?? null,
      'txnCurrency.currency': currency,
      'txnCurrency.totalAmount': twoDecimals(minor, currency),
      'audit.createdDateTime': second(payment.createdAt),
      'audit.modifiedDateTime': second(payment.changedAt),
    },
  };
}

function restAdvance(company: Company, payment: Payment): Row {
  const { recordNo, currency, minor, entity } = payment;
  const state = payment.state === 'complete' ? 'posted' : payment.state;
  return {
    entity,
    fields: {
      key: recordNo,
      id: recordNo,
      recordType: payment.recordType,
      state,
      referenceNumber: payment.docNumber || null,
      description: payment.description || null,
      txnTotalEntered: twoDecimals(minor, currency),
      'paymentInformation.paymentMethod': REST_METHODS[payment.method] ?? null,
      'paymentInformation.receiptDate': payment.day,
      'paymentInformation.currency.txnCurrency': currency,
      'customer.id': payment.customerId,
      'customer.name': company.customers.get(payment.customerId)?.name ?? null,
      'audit.createdDateTime': second(payment.createdAt),
      'audit.modifiedDateTime': second(payment.changedAt),
    },
  };
}

function restLines({ recordNo, lines, currency, entity }: Payment): readonly Row[] {
  return lines.map((line) => ({
    entity,
    fields: {
      key: line.recordNo,
      'arPayment.key': recordNo,
      'arInvoice.key': line.invoice,
      'txnCurrency.paymentAmount': line.minor === 0n ? null : twoDecimals(line.minor, currency),
    },
  }));
}

function restInvoice(company: Company, invoice: Invoice): Row {
  const { recordNo, currency, entity } = invoice;
  const [first = '', ...rest] = stateOf(company, invoice).split(' ');
  return {
    entity,
    fields: {
      key: recordNo,
      id: recordNo,
      invoiceNumber: invoice.number,
      state: [first.toLowerCase(), ...rest].join(''),
      referenceNumber: invoice.purchaseOrder || null,
      description: invoice.description || null,
      invoiceDate: invoice.day,
      dueDate: invoice.day,
      'currency.txnCurrency': currency,
      totalTxnAmount: twoDecimals(invoice.totalMinor, currency),
      totalTxnAmountDue: twoDecimals(dueOf(company, recordNo), currency),
      'customer.id': invoice.customerId,
      'customer.name': company.customers.get(invoice.customerId)?.name ?? null,
      'audit.modifiedDateTime': second(invoice.changedAt),
    },
  };
}

function restCustomer(customer: Customer): Row {
  return {
    entity: null,
    fields: {
      key: customer.recordNo,
      id: customer.id,
      name: customer.name,
      'contacts.default.email1': customer.email,
      'audit.modifiedDateTime': second(customer.changedAt),
    },
  };
}

/** `452.5`: the gateway prints no more digits than it must. */
function shortest(minor: bigint, currency: string): string {
  const text = toDecimalText({ minor, currency });
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Two decimals in every currency. */
function twoDecimals(minor: bigint, currency: string): string {
  const text = toDecimalText({ minor, currency });
  return text.includes('.') ? text : `${text}.00`;
}

function american(day: string): string {
  const [year, month, date] = day.split('-');
  return `${month}/${date}/${year}`;
}

function americanInstant(at: Date): string {
  const iso = at.toISOString();
  return `${american(iso.slice(0, 10))} ${iso.slice(11, 19)}`;
}

function second(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
