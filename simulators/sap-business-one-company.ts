/** The ledger of one simulated company database of SAP Business One: its documents and what became of them. */
import { exponentOf, toDecimalText } from '../src/money/money.ts';
import { rawNumber } from '../src/money/raw-number.ts';
import type { TruePayment } from './contract.ts';
import type { Random } from './random.ts';
import type { Row } from './sap-business-one-filter.ts';

export const LOCAL_CURRENCY = 'USD';
/** The company's own codes, and what one unit is in local currency, in millionths. */
export const CURRENCIES: Readonly<
  Record<string, { readonly code: string; readonly rate: bigint }>
> = {
  USD: { code: '$', rate: 1_000_000n },
  EUR: { code: 'EUR', rate: 1_080_000n },
  JPY: { code: 'JPY', rate: 6_700n },
  KWD: { code: 'KWD', rate: 3_250_000n },
};
/** Without summer time, so that a day is seven hours behind. */
export const TIME_ZONE = 'America/Phoenix';
const BEHIND_MS = 7 * 3_600_000;

export type EntitySet =
  | 'IncomingPayments'
  | 'VendorPayments'
  | 'PaymentDrafts'
  | 'Invoices'
  | 'DownPayments'
  | 'BusinessPartners';

export type Share = {
  readonly set: 'Invoices' | 'DownPayments';
  readonly docEntry: number;
  readonly amountMinor: bigint;
};

export type Means = 'transfer' | 'check' | 'cash' | 'card';

export type NewPayment = {
  readonly cardCode: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly shares: readonly Share[];
  readonly means: Means;
  readonly reference: string | null;
  readonly remarks: string;
  /** The company's own day; that of `at` when absent. */
  readonly day?: string;
  readonly userFields?: Readonly<Record<string, unknown>>;
  /** Awaits approval. */
  readonly pending?: boolean;
  /** True when the API's client created it. */
  readonly recorded: boolean;
};

type Truth = TruePayment & { readonly recorded: boolean };
/** What nudges tell: the type of object, what was done (A, C …), and its key. */
export type CompanyChange = {
  readonly objectType: string;
  readonly transactionType: 'A' | 'U' | 'C';
  readonly key: string;
  readonly at: Date;
};

export type Company = {
  readonly sets: Readonly<Record<EntitySet, Map<string, Row>>>;
  readonly truths: Map<string, Truth>;
  /** The last number given in each set. */
  readonly entries: Map<EntitySet, number>;
  /** Paid of each invoice, in its own currency, by set and number. */
  readonly paid: Map<string, bigint>;
  /** Payments inside a bank deposit, which nobody can cancel. */
  readonly deposited: Set<string>;
  readonly random: Random;
  readonly tell: (change: CompanyChange) => void;
  /** In which currency the sums of foreign payments are told. */
  readonly foreignSums: 'document' | 'local';
  /** Where the work order of an invoice stands. */
  readonly workOrderField: string;
  /** What the API's client creates waits for approval. */
  approval: boolean;
  /** The company's clock: it stands at the latest change. */
  latest: Date;
};

export function newCompany(
  given: Pick<Company, 'random' | 'tell' | 'foreignSums' | 'workOrderField'>,
): Company {
  return {
    sets: {
      IncomingPayments: new Map(),
      VendorPayments: new Map(),
      PaymentDrafts: new Map(),
      Invoices: new Map(),
      DownPayments: new Map(),
      BusinessPartners: new Map(),
    },
    truths: new Map(),
    entries: new Map(),
    paid: new Map(),
    deposited: new Set(),
    ...given,
    approval: false,
    latest: new Date(0),
  };
}

export function addPartner(
  company: Company,
  customer: { readonly name: string; readonly email: string },
  at: Date,
): string {
  const CardCode = `C-${String(company.sets.BusinessPartners.size + 42).padStart(4, '0')}`;
  put(company, 'BusinessPartners', CardCode, at, {
    CardCode,
    CardName: customer.name,
    CardType: 'cCustomer',
    EmailAddress: customer.email,
    // Made and never changed.
    CreateDate: dayAt(at),
    UpdateDate: null,
  });
  company.tell({ objectType: '2', transactionType: 'A', key: CardCode, at });
  return CardCode;
}

export function addInvoice(
  company: Company,
  invoice: {
    readonly set?: 'Invoices' | 'DownPayments';
    readonly number: string;
    readonly cardCode: string;
    readonly totalMinor: bigint;
    readonly currency: string;
    readonly workOrder: string | null;
  },
  at: Date,
): number {
  const { set = 'Invoices', totalMinor, currency, workOrder } = invoice;
  const DocEntry = nextEntry(company, set);
  const row = {
    DocEntry,
    DocNum: 10_421 + company.sets[set].size,
    NumAtCard: null,
    U_WorkOrder: null,
    CardCode: invoice.cardCode,
    CardName: company.sets.BusinessPartners.get(invoice.cardCode)?.CardName ?? null,
    DocDate: dayAt(at),
    DocDueDate: dayAt(new Date(at.getTime() + 30 * 86_400_000)),
    DocTotal: local(inLocal(totalMinor, currency)),
    DocTotalFc: currency === LOCAL_CURRENCY ? rawNumber('0.0') : decimal(totalMinor, currency),
    DocCurrency: CURRENCIES[currency]?.code,
    Comments: null,
    Cancelled: 'tNO',
    CancelStatus: 'csNo',
    DocumentStatus: 'bost_Open',
    CreationDate: dayAt(at),
    UpdateDate: dayAt(at),
    U_InvoiceNo: invoice.number,
    [company.workOrderField]: workOrder,
  };
  put(company, set, String(DocEntry), at, row);
  company.tell({
    objectType: set === 'Invoices' ? '13' : '203',
    transactionType: 'A',
    key: String(DocEntry),
    at,
  });
  return DocEntry;
}

/** Cancelling an invoice writes another that undoes it; both are of that day. */
export function cancelInvoice(company: Company, docEntry: number, at: Date): void {
  const row = company.sets.Invoices.get(String(docEntry));
  if (!row) throw new Error(`invoice ${docEntry} does not exist`);
  const closed = { DocumentStatus: 'bost_Close', UpdateDate: dayAt(at) };
  const state = { Cancelled: 'tYES', CancelStatus: 'csYes' };
  put(company, 'Invoices', String(docEntry), at, { ...row, ...closed, ...state });
  const DocEntry = nextEntry(company, 'Invoices');
  const undoing = { ...row, ...closed, DocEntry, CancelStatus: 'csCancellation' };
  put(company, 'Invoices', String(DocEntry), at, { ...undoing, CreationDate: dayAt(at) });
}

/** An incoming payment; what is applied to no invoice stays on account. Resolves to its DocEntry. */
export function addPayment(company: Company, payment: NewPayment, at: Date): string {
  const DocEntry = nextEntry(company, 'IncomingPayments');
  const key = String(DocEntry);
  put(company, 'IncomingPayments', key, at, paymentRow(company, { ...payment, DocEntry }, at));
  if (!payment.pending) applyShares(company, payment.shares);
  const { amountMinor, currency, recorded } = payment;
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const status = payment.pending ? 'pending' : 'succeeded';
  const truth = { externalId: key, status, amountMinor, currency, ...unmoved, recorded } as const;
  company.truths.set(key, truth);
  company.tell({ objectType: '24', transactionType: 'A', key, at });
  return key;
}

/** A payment of the API's client that an approval procedure caught. */
export function addDraft(company: Company, payment: NewPayment, at: Date): void {
  const DocEntry = nextEntry(company, 'PaymentDrafts');
  const row = paymentRow(company, { ...payment, pending: true, DocEntry }, at);
  put(company, 'PaymentDrafts', String(DocEntry), at, row);
}

/** The amounts stay, the state alone tells; nothing says when. */
export function cancelPayment(company: Company, key: string, at: Date): void {
  const row = company.sets.IncomingPayments.get(key);
  const truth = company.truths.get(key);
  if (!row || !truth || truth.status !== 'succeeded') throw new Error(`${key} is not booked`);
  put(company, 'IncomingPayments', key, at, { ...row, Cancelled: 'tYES' });
  company.truths.set(key, { ...truth, status: 'voided' });
  company.tell({ objectType: '24', transactionType: 'C', key, at });
}

export function approvePayment(company: Company, key: string, at: Date): void {
  const row = company.sets.IncomingPayments.get(key);
  const truth = company.truths.get(key);
  if (!row || truth?.status !== 'pending') throw new Error(`${key} does not await approval`);
  put(company, 'IncomingPayments', key, at, { ...row, AuthorizationStatus: 'pasApproved' });
  company.truths.set(key, { ...truth, status: 'succeeded' });
}

/** A payment that awaited approval and is not wanted any more. */
export function withdrawPayment(company: Company, key: string): void {
  const truth = company.truths.get(key);
  if (truth?.status !== 'pending' || !company.sets.IncomingPayments.delete(key)) {
    throw new Error(`${key} does not await approval`);
  }
  company.truths.set(key, { ...truth, status: 'voided' });
}

/** Money back to the customer by an outgoing payment, which may name the payment it comes from. */
export function addRefund(
  company: Company,
  refund: { readonly paymentKey: string; readonly amountMinor: bigint; readonly named: boolean },
  at: Date,
): string {
  const { paymentKey, amountMinor, named } = refund;
  const truth = company.truths.get(paymentKey);
  const refundedMinor = (truth?.refundedMinor ?? 0n) + amountMinor;
  if (truth?.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new Error(`payment ${paymentKey} has not ${amountMinor} left to refund`);
  }
  company.truths.set(paymentKey, { ...truth, refundedMinor });
  const DocEntry = nextEntry(company, 'VendorPayments');
  const { currency } = truth;
  const cardCode = String(company.sets.IncomingPayments.get(paymentKey)?.CardCode);
  const reference = `REFUND-${paymentKey}`;
  const payment = { cardCode, amountMinor, currency, shares: [], means: 'transfer' } as const;
  const row = paymentRow(
    company,
    { ...payment, reference, remarks: 'Refund', recorded: false, DocEntry },
    at,
  );
  const line = lineOf(
    { place: 0, docEntry: Number(paymentKey), type: 'it_Receipt' },
    -amountMinor,
    currency,
  );
  put(company, 'VendorPayments', String(DocEntry), at, {
    ...row,
    DocObjectCode: 'bopot_OutgoingPayments',
    JournalRemarks: `Outgoing Payments - ${cardCode}`,
    PaymentInvoices: named ? [line] : [],
  });
  company.tell({ objectType: '46', transactionType: 'A', key: String(DocEntry), at });
  return `out:${DocEntry}`;
}

/** What an invoice still lacks, in its own currency; undefined when there is none of that number. */
export function openOf(
  { sets, paid }: Company,
  set: Share['set'],
  docEntry: number,
):
  | { readonly currency: string; readonly openMinor: bigint; readonly cardCode: unknown }
  | undefined {
  const row = sets[set].get(String(docEntry));
  if (!row) return undefined;
  const currency = currencyOf(row.DocCurrency) ?? LOCAL_CURRENCY;
  const total = printed(currency === LOCAL_CURRENCY ? row.DocTotal : row.DocTotalFc, currency);
  const open = row.Cancelled === 'tNO' ? total - (paid.get(`${set} ${docEntry}`) ?? 0n) : 0n;
  return { currency, openMinor: open, cardCode: row.CardCode };
}

/** The ISO 4217 currency of one of the company's codes. */
export function currencyOf(code: unknown): string | undefined {
  return Object.entries(CURRENCIES).find(([, known]) => known.code === code)?.[0];
}

/** The day of an instant where the company is. */
export function dayAt(at: Date): string {
  return new Date(at.getTime() - BEHIND_MS).toISOString().slice(0, 10);
}

function applyShares(company: Company, shares: readonly Share[]): void {
  for (const { set, docEntry, amountMinor } of shares) {
    const key = `${set} ${docEntry}`;
    company.paid.set(key, (company.paid.get(key) ?? 0n) + amountMinor);
    const row = company.sets[set].get(String(docEntry));
    const left = openOf(company, set, docEntry)?.openMinor ?? 0n;
    // Being paid is no change that an invoice would date.
    if (row && left <= 0n) {
      company.sets[set].set(String(docEntry), { ...row, DocumentStatus: 'bost_Close' });
    }
  }
}

function paymentRow(
  company: Company,
  payment: NewPayment & { readonly DocEntry: number },
  at: Date,
): Row {
  const { cardCode, amountMinor, currency, shares, means, DocEntry } = payment;
  const day = payment.day ?? dayAt(at);
  const foreign = currency !== LOCAL_CURRENCY;
  const applied = shares.reduce((sum, share) => sum + share.amountMinor, 0n);
  // Each line is rounded by itself, and what is left on account as well.
  const total =
    shares.reduce((sum, share) => sum + inLocal(share.amountMinor, currency), 0n) +
    inLocal(amountMinor - applied, currency);
  const inDocument = !foreign || company.foreignSums === 'document';
  const sum = inDocument ? decimal(amountMinor, currency) : local(total);
  const nothing = rawNumber('0.0');
  const code = CURRENCIES[currency]?.code;
  return {
    ...EMPTY_PAYMENT,
    ...payment.userFields,
    DocNum: 200 + DocEntry,
    DocDate: day,
    TaxDate: day,
    DueDate: day,
    CardCode: cardCode,
    CardName: company.sets.BusinessPartners.get(cardCode)?.CardName ?? null,
    DocCurrency: code,
    DocRate: foreign ? rawNumber(millionths(CURRENCIES[currency]?.rate ?? 0n)) : nothing,
    CashSum: means === 'cash' ? sum : nothing,
    CashSumFC: means === 'cash' && foreign ? decimal(amountMinor, currency) : nothing,
    TransferSum: means === 'transfer' ? sum : nothing,
    TransferAccount: means === 'transfer' ? '_SYS00000000002' : null,
    TransferDate: means === 'transfer' ? day : null,
    TransferReference: payment.reference,
    Remarks: payment.remarks === '' ? null : payment.remarks,
    JournalRemarks: `Incoming Payments - ${cardCode}`,
    AuthorizationStatus: payment.pending ? 'pasPending' : 'pasWithout',
    DocEntry,
    PaymentChecks:
      means === 'check'
        ? [
            {
              LineNum: 0,
              DueDate: day,
              CheckNumber: 10_000 + DocEntry,
              CheckSum: sum,
              Currency: code,
            },
          ]
        : [],
    PaymentCreditCards:
      means === 'card'
        ? [
            {
              LineNum: 0,
              CreditCard: 1,
              CreditCardNumber: '1111',
              VoucherNum: `AUTH-${DocEntry}`,
              CreditSum: sum,
            },
          ]
        : [],
    PaymentInvoices: shares.map(({ set, docEntry, amountMinor: share }, place) =>
      lineOf(
        { place, docEntry, type: set === 'Invoices' ? 'it_Invoice' : 'it_DownPayment' },
        share,
        currency,
      ),
    ),
  };
}

function lineOf(
  line: { readonly place: number; readonly docEntry: number; readonly type: string },
  minor: bigint,
  currency: string,
): Row {
  return {
    LineNum: line.place,
    DocEntry: line.docEntry,
    SumApplied: local(inLocal(minor, currency)),
    AppliedFC: currency === LOCAL_CURRENCY ? rawNumber('0.0') : decimal(minor, currency),
    InvoiceType: line.type,
    InstallmentId: 1,
  };
}

/** The rest of a payment's properties, as they are when nobody entered them. */
export const EMPTY_PAYMENT: Row = {
  DocType: 'rCustomer',
  DocTypte: 'rCustomer',
  HandWritten: 'tNO',
  Printed: 'tNO',
  Address: null,
  CashAccount: null,
  CheckAccount: null,
  LocalCurrency: 'tNO',
  Reference1: null,
  Reference2: null,
  CounterReference: null,
  ContactPersonCode: null,
  Series: 15,
  ProjectCode: null,
  BillOfExchangeAmount: rawNumber('0.0'),
  BankChargeAmount: rawNumber('0.0'),
  BankChargeAmountInFC: rawNumber('0.0'),
  DocObjectCode: 'bopot_IncomingPayments',
  Cancelled: 'tNO',
  PaymentAccounts: [],
};

const FIRST_ENTRY = {
  IncomingPayments: 1203,
  VendorPayments: 310,
  PaymentDrafts: 90,
  Invoices: 5789,
  DownPayments: 11,
} as const;

/** Numbers rise, some are left out, and none is given again. */
function nextEntry({ entries, random }: Company, set: keyof typeof FIRST_ENTRY): number {
  const next = (entries.get(set) ?? FIRST_ENTRY[set]) + random.between(1, 2);
  entries.set(set, next);
  return next;
}

function put(company: Company, set: EntitySet, key: string, at: Date, row: Row): void {
  if (at > company.latest) company.latest = at;
  company.sets[set].set(key, row);
}

/** Cents of local currency, rounded half up; both signs alike. */
function inLocal(minor: bigint, currency: string): bigint {
  if (currency === LOCAL_CURRENCY) return minor;
  const { rate } = CURRENCIES[currency] ?? { rate: 0n };
  const scale = 1_000_000n * 10n ** BigInt(exponentOf(currency));
  const size = (minor < 0n ? -minor : minor) * rate * 100n;
  const cents = (size + scale / 2n) / scale;
  return minor < 0n ? -cents : cents;
}

/** As the Service Layer prints numbers: without closing zeros, but with one decimal at least. */
function decimal(minor: bigint, currency: string): unknown {
  const text = toDecimalText({ minor, currency });
  const point = text.includes('.') ? text : `${text}.0`;
  return rawNumber(point.replace(/(\.\d+?)0+$/, '$1'));
}

function local(cents: bigint): unknown {
  return decimal(cents, LOCAL_CURRENCY);
}

function millionths(value: bigint): string {
  const text = value.toString().padStart(7, '0');
  return `${text.slice(0, -6)}.${text.slice(-6)}`.replace(/(\.\d+?)0+$/, '$1');
}

function printed(value: unknown, currency: string): bigint {
  const [whole = '0', fraction = ''] = JSON.stringify(value).split('.');
  const digits = exponentOf(currency);
  return BigInt(`${whole}${fraction.padEnd(digits, '0').slice(0, digits)}`);
}
