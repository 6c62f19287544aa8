/** Other people's bridges beside a simulated Sage 50: the open-source Sage50Accounts, and HyperAccounts. */
import { fromDecimalText } from '../src/money/money.ts';
import { rawNumber } from '../src/money/raw-number.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  allocate,
  baseAmount,
  type Ledger,
  localTime,
  outstandingOf,
  receive,
  type Transaction,
  twoDecimals,
} from './sage-50-ledger.ts';

export type OpenSourceState = {
  readonly ledger: Ledger;
  /** Where its ledger is: its documents and its code differ. */
  readonly ledgerPath: '/api/sales/ledger' | '/api/search/salesledger';
  /** False for versions that say that they allocated and do nothing. */
  readonly allocates: boolean;
};

export const OPEN_SOURCE_BUSY: SimulatedAnswer = failed(500, 'Accounts application is busy');

/** Without a key, a hundred rows by default, the oldest first, and only what is not deleted. */
export function answerOpenSource(
  state: OpenSourceState,
  { method, url, body }: SimulatedRequest,
): SimulatedAnswer {
  const { ledger } = state;
  const { pathname, searchParams: query } = url;
  if (method === 'GET' && pathname === '/api/status') {
    const timestamp = ledger.latest.toISOString();
    return told({ status: 'ok', connected: true, timestamp, version: '1.0.0' });
  }
  if (method === 'GET' && pathname === state.ledgerPath) {
    return told(rowsOf(ledger, query, (one) => ledgerRow(ledger, one)));
  }
  if (method === 'GET' && pathname === '/api/transactions') {
    return told(rowsOf(ledger, query, (one) => transactionRow(ledger, one)));
  }
  if (method === 'GET' && pathname === '/api/customers') {
    const limit = Number(query.get('limit') ?? '50');
    const customers = [...ledger.customers].slice(0, limit);
    return told(customers.map(([accountRef, customer]) => ({ accountRef, ...customer })));
  }
  if (method === 'POST' && pathname === '/api/sales/receipt') {
    return postReceipt(ledger, readExact(body));
  }
  if (method === 'POST' && pathname === '/api/payments/allocate') {
    return postAllocation(state, readExact(body));
  }
  return failed(404, `Endpoint not found: ${method} ${pathname}`);
}

function rowsOf(
  ledger: Ledger,
  query: URLSearchParams,
  row: (one: Transaction) => object,
): readonly object[] {
  const [type, account] = [query.get('type') ?? '', query.get('account') ?? ''];
  const [from = '', to = '9999'] = [query.get('from') ?? '', query.get('to') ?? '9999'];
  return [...ledger.transactions.values()]
    .filter(({ deleted }) => !deleted)
    .filter(
      ({ kind, accountRef }) => [kind, ''].includes(type) && [accountRef, ''].includes(account),
    )
    .filter(({ day }) => day >= from && day <= to)
    .slice(0, Number(query.get('limit') ?? '100'))
    .map(row);
}

/** It adds net and tax, which are of the base currency. */
function amountsOf(ledger: Ledger, { grossMinor, currency }: Transaction) {
  const gross = rawNumber(shortest(baseAmount(ledger, grossMinor, currency)));
  return { netAmount: gross, taxAmount: rawNumber('0.0'), grossAmount: gross };
}

function ledgerRow(ledger: Ledger, one: Transaction): object {
  const outstanding = outstandingOf(ledger, one);
  return {
    transactionNumber: one.number,
    accountRef: one.accountRef,
    type: one.kind,
    date: `${one.day}T00:00:00`,
    reference: one.reference,
    details: one.details,
    ...amountsOf(ledger, one),
    outstanding: rawNumber(shortest(baseAmount(ledger, outstanding, one.currency))),
    paid: outstanding <= 0n,
  };
}

function transactionRow(ledger: Ledger, one: Transaction): object {
  return {
    transactionNumber: one.number,
    type: one.kind,
    accountRef: one.accountRef,
    nominalCode: one.bankCode ?? '4000',
    date: `${one.day}T00:00:00`,
    reference: one.reference,
    details: one.details,
    ...amountsOf(ledger, one),
    taxCode: 'T9',
  };
}

type Wanted = Readonly<Partial<Record<string, string>>>;

/** A payment on account of the base currency, dated today. */
function postReceipt(ledger: Ledger, wanted: Wanted): SimulatedAnswer {
  const { customerAccount = '', receiptRef = '', amount = '', bankNominal, details } = wanted;
  if (customerAccount === '') return failed(400, 'customerAccount is required');
  if (!ledger.customers.has(customerAccount)) {
    return failed(404, `Customer not found: ${customerAccount}`);
  }
  if (receiptRef.length > 30 || (details ?? '').length > 60) {
    return failed(500, 'Failed to post sales receipt');
  }
  const currency = ledger.baseCurrency;
  const given = {
    kind: 'SA',
    accountRef: customerAccount,
    bankCode: bankNominal ?? '1200',
    reference: receiptRef,
    details: details ?? 'Receipt via API',
    extraRef: null,
    currency,
    grossMinor: fromDecimalText(amount, currency).minor,
    allocations: [],
  } as const;
  receive(ledger, given, ledger.latest, true);
  return told({ success: true, reference: receiptRef, message: 'Sales receipt posted' });
}

/** Both sides are found by their reference alone. */
function postAllocation({ ledger, allocates }: OpenSourceState, wanted: Wanted): SimulatedAnswer {
  const { accountRef, paymentReference = '', invoiceReference = '', amount = '' } = wanted;
  if (paymentReference === '' || invoiceReference === '') {
    return failed(400, 'paymentReference and invoiceReference are required');
  }
  const named = (reference: string) =>
    [...ledger.transactions.values()].find(
      (one) => one.accountRef === accountRef && one.reference === reference && !one.deleted,
    );
  const [payment, invoice] = [named(paymentReference), named(invoiceReference)];
  if (!payment || !invoice) return failed(500, 'Failed to allocate payment');
  const done = told({ success: true, reference: paymentReference, message: 'Payment allocated' });
  if (!allocates) return done;
  try {
    const amountMinor = fromDecimalText(amount, ledger.baseCurrency).minor;
    allocate(ledger, payment.number, [{ invoice: invoice.number, amountMinor }], ledger.latest);
    return done;
  } catch {
    return failed(500, 'Failed to allocate payment');
  }
}

function told(data: unknown): SimulatedAnswer {
  return { status: 200, body: { success: true, data, error: null } };
}

function failed(status: number, error: string): SimulatedAnswer {
  return { status, body: { success: false, data: null, error } };
}

export type HyperState = {
  readonly ledger: Ledger;
  readonly authToken: string;
  readonly dateFormat: 'dd/mm/yyyy' | 'mm/dd/yyyy';
  /** What the currencies are numbered in the program's table, from 1. */
  readonly currencies: readonly string[];
};

export const HYPER_BUSY: SimulatedAnswer = {
  status: 200,
  body: { success: false, code: 500, response: null, message: 'Username is already in use' },
};

export function answerHyper(
  state: HyperState,
  { method, url, headers, body }: SimulatedRequest,
): SimulatedAnswer {
  const { ledger } = state;
  if (headers.authtoken !== state.authToken) return { status: 403, body: 'Forbidden' };
  if (method === 'GET' && url.pathname === '/api/status') {
    const response = { companyName: 'Simulated Air Ltd', sageVersion: '31.1', odbcStatusOk: true };
    return { status: 200, body: { success: true, code: 200, response, message: '' } };
  }
  if (method !== 'POST') return { status: 404, body: '' };
  const fits = predicate(state, JSON.parse(body.toString()));
  if (!fits) return refusedFilter();
  if (url.pathname === '/api/searchCustomer') {
    const results = [...ledger.customers].map(([accountRef, one]) => ({ accountRef, ...one }));
    return { status: 200, body: { success: true, code: 200, results, message: null } };
  }
  if (url.pathname !== '/api/search/auditHeaders') return { status: 404, body: '' };
  const results = [...ledger.transactions.values()].filter(fits).map((one) => recordOf(state, one));
  return { status: 200, body: { success: true, code: 200, results, message: null } };
}

function refusedFilter(): SimulatedAnswer {
  const message = 'Invalid filter';
  return { status: 200, body: { success: false, code: 422, response: null, message } };
}

/** Filters by the day of the change, written as Windows writes days; undefined for one that it does not know. */
function predicate(
  state: HyperState,
  filters: unknown,
): ((one: Transaction) => boolean) | undefined {
  if (!Array.isArray(filters) || filters.length === 0) return undefined;
  const tests = filters.map(({ field, type, value }) => {
    const day = readDay(state, String(value));
    if (field !== 'RECORD_MODIFY_DATE' || day === undefined) return undefined;
    const changedOn = (one: Transaction) => localTime(state.ledger, one.modifiedAt).slice(0, 10);
    if (type === 'gte') return (one: Transaction) => changedOn(one) >= day;
    return type === 'lte' ? (one: Transaction) => changedOn(one) <= day : undefined;
  });
  if (tests.includes(undefined)) return undefined;
  return (one) => tests.every((test) => test?.(one));
}

function readDay({ dateFormat }: HyperState, text: string): string | undefined {
  const [, first, second, year] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const day = dateFormat === 'dd/mm/yyyy' ? `${second}-${first}` : `${first}-${second}`;
  return Number(day.slice(0, 2)) > 12 ? undefined : `${year}-${day}`;
}

function recordOf({ ledger, dateFormat, currencies }: HyperState, one: Transaction): object {
  const { number, currency, grossMinor, kind, deleted } = one;
  const outstanding = outstandingOf(ledger, one);
  const written = (local: string) => {
    const [year, month, day] = local.slice(0, 10).split('-');
    const date =
      dateFormat === 'dd/mm/yyyy' ? `${day}/${month}/${year}` : `${month}/${day}/${year}`;
    return `${date}${local.slice(10)}`;
  };
  const base = (minor: bigint) => rawNumber(shortest(baseAmount(ledger, minor, currency)));
  const foreign = (minor: bigint) => rawNumber(shortest(twoDecimals(minor, currency)));
  return {
    accountRef: one.accountRef,
    amountPaid: base(grossMinor - outstanding),
    bankCode: one.bankCode ?? '',
    currency: currencies.indexOf(currency) + 1,
    type: kind,
    date: written(`${one.day} 00:00:00`),
    details: one.details,
    invRef: one.reference,
    netAmount: base(grossMinor),
    taxAmount: 0,
    grossAmount: base(grossMinor),
    foreignGrossAmount: foreign(grossMinor),
    tranNumber: number,
    userName: 'MANAGER',
    outstanding: base(outstanding),
    foreignOutstanding: foreign(outstanding),
    deletedFlag: deleted ? 1 : 0,
    dueDate: written('1899-12-30 00:00:00'),
    paidFlag: outstanding === 0n ? 'Y' : 'N',
    recordModifyDate: written(localTime(ledger, one.modifiedAt)),
  };
}

/** JSON numbers of .NET and others do not keep closing zeros. */
function shortest(amount: string): string {
  return amount.replace(/\.?0+$/, (zeros) => (zeros.startsWith('.') ? '' : ''));
}

function readExact(body: Buffer): Wanted {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? context?.source : value;
  return JSON.parse(body.toString(), exact) as Wanted;
}
