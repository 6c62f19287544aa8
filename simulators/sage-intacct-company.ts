/** The receivables of one simulated Intacct company: customers, invoices, payments, and what became of them. */
import type { TruePayment } from './contract.ts';
import type { Random } from './random.ts';

export type Customer = {
  readonly recordNo: string;
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly changedAt: Date;
};

export type Invoice = {
  readonly recordNo: string;
  readonly number: string;
  readonly customerId: string;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly purchaseOrder: string;
  readonly description: string;
  readonly day: string;
  readonly entity: string | null;
  readonly reversed: boolean;
  readonly changedAt: Date;
};

/** `minor` is cash, `creditMinor` what was paid from an advance. */
export type Line = {
  readonly recordNo: string;
  readonly invoice: string;
  readonly minor: bigint;
  readonly creditMinor: bigint;
};

export type Payment = {
  readonly recordNo: string;
  /** Payment, advance, applied overpayment. */
  readonly recordType: 'rp' | 'rr' | 'ro';
  readonly state: 'draft' | 'complete' | 'reversed' | 'reversal';
  readonly method: string;
  readonly customerId: string;
  readonly docNumber: string;
  readonly description: string;
  readonly day: string;
  readonly currency: string;
  readonly minor: bigint;
  readonly lines: readonly Line[];
  readonly entity: string | null;
  readonly createdAt: Date;
  readonly changedAt: Date;
};

export type NewPayment = Pick<
  Payment,
  'method' | 'customerId' | 'docNumber' | 'description' | 'day' | 'currency' | 'minor'
> & {
  readonly shares: readonly { readonly invoice: string; readonly minor: bigint }[];
  readonly draft?: boolean;
  readonly entity?: string | null;
  /** True when the API's client created it. */
  readonly recorded: boolean;
};

type Truth = TruePayment & { readonly recorded: boolean };

export type Company = {
  readonly random: Random;
  readonly customers: Map<string, Customer>;
  readonly invoices: Map<string, Invoice>;
  readonly payments: Map<string, Payment>;
  readonly truths: Map<string, Truth>;
  readonly baseCurrency: string;
  /** Periods before this day are closed. */
  readonly openFrom: string;
  /** Told of every payment that was made or changed. */
  readonly changed: (payment: Payment, event: 'create' | 'update') => void;
  /** The company's clock: it stands at the latest change. */
  latest: Date;
  nextRecordNo: number;
};

/** What Intacct's business rules say no to, in its words. */
export class BusinessRule extends Error {
  override readonly name = 'BusinessRule';
}

export function newCompany(
  random: Random,
  given: Pick<Company, 'changed' | 'baseCurrency' | 'openFrom'>,
): Company {
  return {
    ...given,
    random,
    customers: new Map(),
    invoices: new Map(),
    payments: new Map(),
    truths: new Map(),
    latest: new Date(0),
    nextRecordNo: random.between(4000, 7000),
  };
}

export function addCustomer(
  company: Company,
  customer: Pick<Customer, 'name' | 'email'>,
  at: Date,
): string {
  const recordNo = nextRecordNo(company);
  const id = `C-${recordNo.padStart(5, '0')}`;
  company.customers.set(id, { ...customer, recordNo, id, changedAt: tick(company, at) });
  return id;
}

export function addInvoice(
  company: Company,
  invoice: Omit<Invoice, 'recordNo' | 'reversed' | 'changedAt' | 'day'>,
  at: Date,
): string {
  const recordNo = nextRecordNo(company);
  const changedAt = tick(company, at);
  company.invoices.set(recordNo, {
    ...invoice,
    recordNo,
    day: dayOf(at),
    reversed: false,
    changedAt,
  });
  return recordNo;
}

/** What is still owed of an invoice; drafts count as paid. */
export function dueOf(company: Company, recordNo: string): bigint {
  const invoice = company.invoices.get(recordNo);
  if (!invoice || invoice.reversed) return 0n;
  const paid = [...company.payments.values()]
    .filter(({ state }) => state === 'complete' || state === 'draft')
    .flatMap(({ lines }) => lines)
    .filter((line) => line.invoice === recordNo)
    .reduce((sum, { minor, creditMinor }) => sum + minor + creditMinor, 0n);
  return invoice.totalMinor - paid;
}

/** Without invoices it is an advance; with less of them than money the rest is overpaid. @throws BusinessRule */
export function addPayment(company: Company, payment: NewPayment, at: Date): string {
  const { shares, draft = false, entity = null, recorded, ...facts } = payment;
  const applied = shares.reduce((sum, { minor }) => sum + minor, 0n);
  if (!company.customers.has(facts.customerId)) throw new BusinessRule('Customer is not valid');
  if (facts.minor <= 0n || applied > facts.minor) {
    throw new BusinessRule('The amounts applied are more than the payment');
  }
  for (const { invoice, minor } of shares) {
    const row = company.invoices.get(invoice);
    if (!row || row.reversed) throw new BusinessRule(`Invoice ${invoice} is not valid`);
    if (row.customerId !== facts.customerId || row.currency !== facts.currency) {
      throw new BusinessRule(`Invoice ${invoice} is of another customer or currency`);
    }
    if (minor <= 0n || minor > dueOf(company, invoice)) {
      throw new BusinessRule(`Payment amount exceeds the amount due of invoice ${invoice}`);
    }
  }
  const recordNo = nextRecordNo(company);
  const kept: Payment = {
    ...facts,
    recordNo,
    recordType: shares.length === 0 ? 'rr' : 'rp',
    state: draft ? 'draft' : 'complete',
    lines: shares.flatMap((share) => linesOf(company, share)),
    entity,
    createdAt: tick(company, at),
    changedAt: at,
  };
  keep(company, kept, at, 'create');
  const { minor: amountMinor, currency } = facts;
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const status = draft ? 'pending' : 'succeeded';
  company.truths.set(recordNo, {
    ...{ externalId: recordNo, status, amountMinor, currency },
    ...unmoved,
    recorded,
  });
  return recordNo;
}

/** An invoice has several lines, which are paid from the top. */
function linesOf(
  company: Company,
  share: { readonly invoice: string; readonly minor: bigint },
): readonly Line[] {
  const first = (share.minor * 3n) / 5n;
  return [first, share.minor - first]
    .filter((minor) => minor > 0n)
    .map((minor) => ({
      recordNo: nextRecordNo(company),
      invoice: share.invoice,
      minor,
      creditMinor: 0n,
    }));
}

export function submitDraft(company: Company, recordNo: string, at: Date): void {
  const payment = paymentOf(company, recordNo);
  if (payment.state !== 'draft') throw new BusinessRule(`Payment ${recordNo} is no draft`);
  keep(company, { ...payment, state: 'complete' }, at, 'update');
  setStatus(company, recordNo, 'succeeded');
}

export function deleteDraft(company: Company, recordNo: string): void {
  if (paymentOf(company, recordNo).state !== 'draft') {
    throw new BusinessRule('Completed payments cannot be deleted');
  }
  company.payments.delete(recordNo);
  setStatus(company, recordNo, 'voided');
}

/** The payment stays, with another state; a counter-entry stands beside it. @throws BusinessRule */
export function reversePayment(company: Company, recordNo: string, day: string, at: Date): void {
  const payment = paymentOf(company, recordNo);
  if (payment.state !== 'complete') {
    throw new BusinessRule(`Payment ${recordNo} cannot be reversed: it is ${payment.state}`);
  }
  if (day < payment.day) throw new BusinessRule('The reversal is dated before the payment');
  if (day < company.openFrom) throw new BusinessRule('The period of this date is closed');
  keep(company, { ...payment, state: 'reversed' }, at, 'update');
  setStatus(company, recordNo, 'voided');
  const counter: Payment = {
    ...payment,
    recordNo: nextRecordNo(company),
    state: 'reversal',
    lines: [],
    day,
    minor: -payment.minor,
    createdAt: at,
    changedAt: at,
  };
  keep(company, counter, at, 'create');
}

/** Uses an advance, or what was overpaid, for an invoice: records without any cash. */
export function applyCredit(
  company: Company,
  given: { readonly payment: string; readonly invoice: string; readonly minor: bigint },
  at: Date,
): void {
  const payment = paymentOf(company, given.payment);
  const { invoice, minor: creditMinor } = given;
  const line = { recordNo: nextRecordNo(company), invoice, minor: 0n, creditMinor };
  const facts = { ...payment, docNumber: '', description: '', day: dayOf(at), createdAt: at };
  const made = { ...facts, state: 'complete', entity: null } as const;
  const number = nextRecordNo(company);
  keep(
    company,
    { ...made, recordNo: number, recordType: 'rp', minor: 0n, lines: [line] },
    at,
    'create',
  );
  if (payment.recordType === 'rp') {
    const applied = { ...made, recordNo: nextRecordNo(company), lines: [] };
    keep(company, { ...applied, recordType: 'ro', minor: creditMinor }, at, 'create');
  }
}

/** What was received and is applied to nothing yet. */
export function unappliedOf({ minor, lines }: Payment): bigint {
  return lines.reduce((rest, line) => rest - line.minor, minor);
}

/** The calendar day at Greenwich, where this company is. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

function paymentOf({ payments }: Company, recordNo: string): Payment {
  const payment = payments.get(recordNo);
  if (!payment) throw new BusinessRule(`Payment ${recordNo} does not exist`);
  return payment;
}

function keep(company: Company, payment: Payment, at: Date, event: 'create' | 'update'): void {
  const kept = { ...payment, changedAt: tick(company, at) };
  company.payments.set(kept.recordNo, kept);
  for (const { invoice } of kept.lines) {
    const row = company.invoices.get(invoice);
    if (row) company.invoices.set(invoice, { ...row, changedAt: kept.changedAt });
  }
  company.changed(kept, event);
}

function setStatus({ truths }: Company, recordNo: string, status: TruePayment['status']): void {
  const truth = truths.get(recordNo);
  if (truth) truths.set(recordNo, { ...truth, status });
}

function tick(company: Company, at: Date): Date {
  if (at > company.latest) company.latest = at;
  return at;
}

function nextRecordNo(company: Company): string {
  company.nextRecordNo += company.random.between(1, 3);
  return String(company.nextRecordNo);
}
