/** The ledger of one simulated Wave business: invoices and how much of each is paid. */
import { toDecimalText } from '../src/money/money.ts';

export type SimulatedCustomer = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
};

export type WavePayment = {
  readonly id: string;
  amountMinor: bigint;
  readonly memo: string | null;
  /** Created by the API, so it is somebody else's money. */
  readonly recorded: boolean;
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
  readonly payments: WavePayment[];
  /** What people paid before it fell back to nothing, by fall. */
  readonly fallen: bigint[];
  isDraft: boolean;
};

/** What is paid of an invoice, by everybody or by people alone. */
export function paidOf({ payments }: WaveInvoice, by: 'everybody' | 'people'): bigint {
  return payments
    .filter(({ recorded }) => by === 'everybody' || !recorded)
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

/** Ids as Wave makes them: base64 of a path, to be kept opaque. */
export function waveId(businessId: string, kind: string, number: number): string {
  const business = Buffer.from(businessId, 'base64').toString();
  return Buffer.from(`${business};${kind}:${number}`).toString('base64');
}

/** A node of the API's invoice list; amounts have thousands separators, as Wave prints them. */
export function nodeOf(invoice: WaveInvoice) {
  const { currency, totalMinor, createdAt } = invoice;
  const paidMinor = paidOf(invoice, 'everybody');
  const value = (minor: bigint) => ({ value: grouped(minor, currency) });
  return {
    id: invoice.id,
    invoiceNumber: invoice.number,
    status: statusOf(invoice, paidMinor),
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
    payments: invoice.payments.map(({ amountMinor, memo }) => ({
      amount: toDecimalText({ minor: amountMinor, currency }),
      memo,
    })),
  };
}

export function statusOf({ totalMinor, isDraft }: WaveInvoice, paidMinor: bigint): string {
  if (isDraft) return 'DRAFT';
  if (paidMinor === 0n) return 'SENT';
  if (paidMinor < totalMinor) return 'PARTIAL';
  return paidMinor === totalMinor ? 'PAID' : 'OVERPAID';
}

function grouped(minor: bigint, currency: string): string {
  const [whole = '', fraction] = toDecimalText({ minor, currency }).split('.');
  const major = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? major : `${major}.${fraction}`;
}
