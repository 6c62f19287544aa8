/** The ledger of one simulated MYOB company file: its records, their versions and what became of them. */
import { toDecimalText } from '../src/money/money.ts';
import { rawNumber } from '../src/money/raw-number.ts';
import type { TruePayment } from './contract.ts';
import type { Random } from './random.ts';

export type Row = Readonly<Record<string, unknown>> & { readonly UID: string };
export type List =
  | 'Sale/CustomerPayment'
  | 'Sale/CreditRefund'
  | 'Sale/Invoice'
  | 'Contact/Customer';

export type NewReceipt = {
  readonly customerUid: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly shares: readonly { readonly invoiceUid: string; readonly amountMinor: bigint }[];
  readonly receiptNumber: string;
  readonly method: string | null;
  readonly memo: string;
  /** The company's own day; that of `at` when absent. */
  readonly day?: string;
  /** True when the API's client created it. */
  readonly recorded: boolean;
};

type Truth = TruePayment & { readonly recorded: boolean };

export type CompanyFile = {
  readonly lists: Readonly<Record<List, Map<string, Row>>>;
  readonly truths: Map<string, Truth>;
  readonly random: Random;
  /** The file's clock: it stands at the latest change. */
  latest: Date;
};

export const BASE_CURRENCY = 'USD';

export function newFile(random: Random): CompanyFile {
  const lists = {
    'Sale/CustomerPayment': new Map(),
    'Sale/CreditRefund': new Map(),
    'Sale/Invoice': new Map(),
    'Contact/Customer': new Map(),
  };
  return { lists, truths: new Map(), random, latest: new Date(0) };
}

export function guid(random: Random): string {
  const hex = (length: number) =>
    Array.from({ length }, () => random.between(0, 15).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}

export function addCustomer(
  file: CompanyFile,
  customer: { readonly name: string; readonly email: string; readonly uid?: string },
  at: Date,
): string {
  return put(file, 'Contact/Customer', at, {
    UID: customer.uid ?? guid(file.random),
    CompanyName: customer.name,
    IsIndividual: false,
    Addresses: [{ Location: 1, Email: customer.email }],
  });
}

export function addInvoice(
  file: CompanyFile,
  invoice: {
    readonly number: string;
    readonly customerUid: string;
    readonly totalMinor: bigint;
    readonly currency: string;
    readonly purchaseOrder: string | null;
  },
  at: Date,
): string {
  const { totalMinor, currency } = invoice;
  return put(file, 'Sale/Invoice', at, {
    UID: guid(file.random),
    Number: invoice.number,
    Date: `${dayOf(at)}T00:00:00`,
    CustomerPurchaseOrderNumber: invoice.purchaseOrder,
    Customer: cardOf(file, invoice.customerUid),
    TotalAmount: decimal(totalMinor, BASE_CURRENCY),
    ...foreignly(currency, { TotalAmountForeign: decimal(totalMinor, currency) }),
    Status: 'Open',
    InvoiceType: 'Service',
  });
}

/** A receipt is dated by the company's day alone, and touches the invoices it pays. */
export function addReceipt(file: CompanyFile, receipt: NewReceipt, at: Date): string {
  const { amountMinor, currency, recorded } = receipt;
  const uid = guid(file.random);
  put(file, 'Sale/CustomerPayment', at, {
    UID: uid,
    DepositTo: 'UndepositedFunds',
    Customer: cardOf(file, receipt.customerUid),
    ReceiptNumber: receipt.receiptNumber,
    Date: `${receipt.day ?? dayOf(at)}T00:00:00`,
    AmountReceived: decimal(amountMinor, BASE_CURRENCY),
    AmountReceivedForeign: null,
    ...foreignly(currency, { AmountReceivedForeign: decimal(amountMinor, currency) }),
    PaymentMethod: receipt.method,
    Memo: receipt.memo,
    Invoices: receipt.shares.map((share, index) => ({
      RowID: index + 1,
      UID: share.invoiceUid,
      Number: file.lists['Sale/Invoice'].get(share.invoiceUid)?.Number,
      AmountApplied: decimal(share.amountMinor, BASE_CURRENCY),
      AmountAppliedForeign:
        currency === BASE_CURRENCY ? null : decimal(share.amountMinor, currency),
      Type: 'Invoice',
    })),
  });
  for (const { invoiceUid } of receipt.shares) touchInvoice(file, invoiceUid, at);
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const truth = {
    externalId: uid,
    status: 'succeeded',
    amountMinor,
    currency,
    ...unmoved,
  } as const;
  file.truths.set(uid, { ...truth, recorded });
  return uid;
}

/** Receipts are not voided but deleted: nothing of them can be read any more. */
export function deleteReceipt(file: CompanyFile, uid: string): void {
  const truth = file.truths.get(uid);
  if (!truth || !file.lists['Sale/CustomerPayment'].delete(uid)) {
    throw new Error(`receipt ${uid} does not exist`);
  }
  file.truths.set(uid, { ...truth, status: 'voided' });
}

/** Pays a credit note out; nothing connects it with the receipt. */
export function addRefund(
  file: CompanyFile,
  refund: { readonly paymentUid: string; readonly amountMinor: bigint },
  at: Date,
): string {
  const truth = file.truths.get(refund.paymentUid);
  const refundedMinor = (truth?.refundedMinor ?? 0n) + refund.amountMinor;
  if (truth?.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new Error(`receipt ${refund.paymentUid} has not ${refund.amountMinor} left to refund`);
  }
  file.truths.set(refund.paymentUid, { ...truth, refundedMinor });
  const Customer = file.lists['Sale/CustomerPayment'].get(refund.paymentUid)?.Customer;
  return put(file, 'Sale/CreditRefund', at, {
    UID: guid(file.random),
    Invoice: { UID: guid(file.random), Number: 'CN' },
    Customer,
    Payee: 'The customer',
    Number: '000044',
    Date: `${dayOf(at)}T00:00:00`,
    Amount: decimal(refund.amountMinor, BASE_CURRENCY),
    ...foreignly(truth.currency, { AmountForeign: decimal(refund.amountMinor, truth.currency) }),
    Memo: 'Refund',
  });
}

/** The company keeps Sydney's days; ten hours stand for them in the whole year. */
function dayOf(at: Date): string {
  return new Date(at.getTime() + 10 * 3_600_000).toISOString().slice(0, 10);
}

function touchInvoice(file: CompanyFile, uid: string, at: Date): void {
  const row = file.lists['Sale/Invoice'].get(uid);
  if (row) put(file, 'Sale/Invoice', at, row);
}

/** Every change gives the record another version, which is no count. */
function put(file: CompanyFile, list: List, at: Date, row: Row): string {
  if (at > file.latest) file.latest = at;
  const versions = [file.random.between(1, 2 ** 31 - 1), file.random.between(1, 2 ** 31 - 1)];
  const RowVersion = `${file.random.chance(0.5) ? '-' : ''}${versions.join('')}`;
  // Receipts say nothing of when they changed.
  const changed = list === 'Sale/Invoice' || list === 'Contact/Customer';
  const LastModified = changed ? { LastModified: at.toISOString() } : {};
  file.lists[list].set(row.UID, { ...row, ...LastModified, RowVersion });
  return row.UID;
}

function cardOf(file: CompanyFile, uid: string) {
  return { UID: uid, Name: file.lists['Contact/Customer'].get(uid)?.CompanyName ?? null };
}

/** The base amount of a foreign record follows some rate, which nobody must compute with. */
function foreignly(currency: string, amounts: Readonly<Record<string, unknown>>) {
  if (currency === BASE_CURRENCY) return { ForeignCurrency: null };
  return { ForeignCurrency: { Code: currency }, ...amounts };
}

function decimal(minor: bigint, currency: string): unknown {
  return rawNumber(toDecimalText({ minor, currency }));
}
