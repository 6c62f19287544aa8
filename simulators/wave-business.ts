/** The ledger of one simulated Wave business: invoices and how much of each is paid. */
import { toDecimalText } from '../src/money/money.ts';

export type SimulatedCustomer = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
};

export type WaveInvoice = {
  readonly id: string;
  readonly number: string;
  readonly createdAt: Date;
  modifiedAt: Date;
  readonly poNumber: string | null;
  readonly memo: string | null;
  readonly customer: SimulatedCustomer;
  readonly currency: string;
  totalMinor: bigint;
  paidMinor: bigint;
  /** What was paid before the invoice fell back to nothing, by fall. */
  readonly fallen: bigint[];
};

/** Ids as Wave makes them: base64 of a path, to be kept opaque. */
export function waveId(businessId: string, kind: string, number: number): string {
  const business = Buffer.from(businessId, 'base64').toString();
  return Buffer.from(`${business};${kind}:${number}`).toString('base64');
}

/** A node of the API's invoice list; amounts have thousands separators, as Wave prints them. */
export function nodeOf(invoice: WaveInvoice) {
  const { currency, totalMinor, paidMinor, createdAt } = invoice;
  const value = (minor: bigint) => ({ value: grouped(minor, currency) });
  return {
    id: invoice.id,
    invoiceNumber: invoice.number,
    status: statusOf(invoice),
    createdAt: createdAt.toISOString(),
    modifiedAt: invoice.modifiedAt.toISOString(),
    invoiceDate: createdAt.toISOString().slice(0, 10),
    dueDate: createdAt.toISOString().slice(0, 10),
    poNumber: invoice.poNumber,
    memo: invoice.memo,
    customer: invoice.customer,
    currency: { code: currency },
    total: value(totalMinor),
    amountDue: value(totalMinor - paidMinor),
    amountPaid: value(paidMinor),
  };
}

function statusOf({ totalMinor, paidMinor }: WaveInvoice): string {
  if (paidMinor === 0n) return 'SENT';
  if (paidMinor < totalMinor) return 'PARTIAL';
  return paidMinor === totalMinor ? 'PAID' : 'OVERPAID';
}

function grouped(minor: bigint, currency: string): string {
  const [whole = '', fraction] = toDecimalText({ minor, currency }).split('.');
  const major = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? major : `${major}.${fraction}`;
}
