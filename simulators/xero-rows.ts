/** How the simulated Xero writes its objects: rows of its lists, as they look on the wire. */
import {
  type Contact,
  decimal,
  dueOf,
  type Invoice,
  type Organisation,
  type Overpayment,
  type Payment,
} from './xero-organisation.ts';

export type SimulatedRow = Readonly<Record<string, unknown>> & { readonly UpdatedDateUTC: string };
export type SimulatedList = keyof typeof LISTS;

/** The rows of a list, or undefined for a list that is not simulated. */
export function listRows(world: Organisation, name: string): readonly SimulatedRow[] | undefined {
  return Object.hasOwn(LISTS, name) ? LISTS[name as SimulatedList](world) : undefined;
}

export const ROW_IDS: Readonly<Record<SimulatedList, string>> = {
  Contacts: 'ContactID',
  Invoices: 'InvoiceID',
  Payments: 'PaymentID',
  Overpayments: 'OverpaymentID',
  Prepayments: 'PrepaymentID',
};

const LISTS = {
  Contacts: ({ contacts }: Organisation) =>
    [...contacts.values()].map(({ row, changedAt }) => ({
      ContactID: row.id,
      ContactStatus: 'ACTIVE',
      Name: row.name,
      EmailAddress: row.email,
      ...changed(changedAt),
      HasValidationErrors: false,
    })),
  Invoices: (world: Organisation) =>
    [...world.invoices.values()].map(({ row, changedAt }) => ({
      ...invoiceRow(world, row),
      ...changed(changedAt),
    })),
  Payments: (world: Organisation) =>
    [...world.payments.values()].map(({ row, changedAt }) => ({
      ...paymentRow(world, row),
      ...changed(changedAt),
    })),
  Overpayments: (world: Organisation) =>
    [...world.overpayments.values()].map(({ row, changedAt }) => ({
      ...overpaymentRow(world, row),
      ...changed(changedAt),
    })),
  Prepayments: (): readonly SimulatedRow[] => [],
} satisfies Readonly<Record<string, (world: Organisation) => readonly SimulatedRow[]>>;

/** `/Date(ms+0000)/` as Xero's JSON has it. */
export function wireDate(at: Date): string {
  return `/Date(${at.getTime()}+0000)/`;
}

function changed(at: Date) {
  return {
    UpdatedDateUTC: wireDate(at),
    UpdatedDateUTCString: `${at.toISOString().slice(0, 19)}Z`,
  };
}

function invoiceRow(world: Organisation, invoice: Invoice) {
  const { id, currency, totalMinor } = invoice;
  const due = dueOf(world, id);
  return {
    Type: 'ACCREC',
    InvoiceID: id,
    InvoiceNumber: invoice.number,
    Reference: invoice.reference,
    Status: invoice.status,
    // The payments that count: a deleted one is gone from here.
    Payments: [...world.payments.values()]
      .filter(({ row }) => row.documentId === id && row.status === 'AUTHORISED')
      .map(({ row }) => ({
        PaymentID: row.id,
        Amount: decimal(row.amountMinor, currency),
        Reference: row.reference,
      })),
    Total: decimal(totalMinor, currency),
    AmountDue: decimal(due, currency),
    AmountPaid: decimal(totalMinor - due, currency),
    CurrencyCode: currency,
    Contact: contactBlock(world, invoice.contactId),
    DateString: '2026-10-01T00:00:00',
    Date: '/Date(1790812800000+0000)/',
    HasErrors: false,
  };
}

function paymentRow(world: Organisation, payment: Payment) {
  const { kind, currency, documentId, contactId } = payment;
  const amount = decimal(payment.amountMinor, currency);
  const block = { CurrencyCode: currency, Contact: contactBlock(world, contactId) };
  const invoice = world.invoices.get(documentId)?.row;
  const creditNote = world.creditNotes.get(documentId)?.row;
  return {
    PaymentID: payment.id,
    Date: wireDate(new Date(`${payment.date}T00:00:00Z`)),
    BankAmount: amount,
    Amount: amount,
    Reference: payment.reference,
    CurrencyRate: 1,
    PaymentType: kind,
    Status: payment.status,
    HasAccount: true,
    IsReconciled: false,
    Account: { Code: '090' },
    ...(invoice
      ? {
          Invoice: {
            ...block,
            Type: 'ACCREC',
            InvoiceID: invoice.id,
            InvoiceNumber: invoice.number,
          },
        }
      : {}),
    // The credit note stands where the invoice would.
    ...(creditNote
      ? {
          Invoice: {
            ...block,
            Type: 'ACCRECCREDIT',
            InvoiceID: creditNote.id,
            InvoiceNumber: creditNote.number,
          },
        }
      : {}),
    ...(kind === 'AROVERPAYMENTPAYMENT'
      ? { Overpayment: { ...block, OverpaymentID: documentId } }
      : {}),
    HasValidationErrors: false,
  };
}

function overpaymentRow(world: Organisation, row: Overpayment) {
  const total = decimal(row.totalMinor, row.currency);
  return {
    OverpaymentID: row.id,
    ID: row.id,
    Type: 'RECEIVE-OVERPAYMENT',
    Status: row.status,
    Reference: row.reference,
    Contact: contactBlock(world, row.contactId),
    Date: wireDate(new Date(`${row.date}T00:00:00Z`)),
    LineAmountTypes: 'NoTax',
    SubTotal: total,
    TotalTax: decimal(0n, row.currency),
    Total: total,
    RemainingCredit: total,
    Allocations: [],
    Payments: [],
    CurrencyCode: row.currency,
    HasAttachments: false,
  };
}

function contactBlock(world: Organisation, id: string): Pick<Contact, never> & object {
  return { ContactID: id, Name: world.contacts.get(id)?.row.name ?? '' };
}
