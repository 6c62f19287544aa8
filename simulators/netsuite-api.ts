/** The HTTP side of a simulated NetSuite: queries in pages, payments read, put and deleted by the record API. */
import { fromDecimalText } from '../src/money/money.ts';
import { rawNumber } from '../src/money/raw-number.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  type Account,
  apply,
  CURRENCIES,
  currencyId,
  deleteTransaction,
  dueOf,
  plain,
  receive,
  type Share,
  type Transaction,
  tablesOf,
} from './netsuite-account.ts';
import type { SignIn } from './netsuite-sign-in.ts';
import { Refused, runSuiteQl } from './netsuite-suiteql.ts';

/** Fewer than NetSuite gives, so that queries have pages. */
const MOST_ROWS = 5;
const MOST_ASKED = 1000;

export type ApiState = {
  readonly account: Account;
  readonly signIn: SignIn;
  /** What a query may give in all; NetSuite stops at 100,000. */
  readonly mostResults: number;
  /** The role may not see what was deleted. */
  readonly hidesDeletions: boolean;
};

/** Too many calls at once are answered in either way. */
export const TOO_MANY: readonly SimulatedAnswer[] = [
  failure(429, 'CONCURRENCY_LIMIT', 'Concurrent request limit exceeded. Request blocked.'),
  failure(400, 'SSS_REQUEST_LIMIT_EXCEEDED', 'The maximum number of concurrent requests was met.'),
];

/** Answers one request by the state of the account. */
export async function answerRequest(
  state: ApiState,
  request: SimulatedRequest,
): Promise<SimulatedAnswer> {
  const signedIn = await state.signIn.answer(request);
  if (signedIn) return signedIn;
  if (!state.signIn.accepts(request)) {
    return failure(401, 'INVALID_LOGIN', 'Invalid login attempt. See the Login Audit Trail.');
  }
  const { pathname } = request.url;
  if (pathname === '/services/rest/query/v1/suiteql') return query(state, request);
  const [, name] =
    /^\/services\/rest\/record\/v1\/customerpayment(?:\/([^/]+))?$/i.exec(pathname) ?? [];
  if (!/\/record\/v1\/customerpayment/i.test(pathname)) {
    return failure(404, 'INVALID_RECORD_TYPE', 'There is no such resource.');
  }
  return record(state, request, decodeURIComponent(name ?? ''));
}

function query(state: ApiState, request: SimulatedRequest): SimulatedAnswer {
  const { method, headers, url, body } = request;
  if (method !== 'POST') return failure(405, 'INVALID_METHOD', 'POST it');
  if (headers.prefer !== 'transient') {
    return failure(400, 'INVALID_HEADER', 'The required request header Prefer is missing.');
  }
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) {
    return failure(415, 'INVALID_HEADER', 'The content type is not application/json.');
  }
  const asked = Number(url.searchParams.get('limit') ?? '1000');
  const offset = Number(url.searchParams.get('offset') ?? '0');
  const limit = Math.min(asked, MOST_ROWS);
  if (!(asked >= 1 && asked <= MOST_ASKED) || !(offset >= 0) || offset % limit !== 0) {
    return failure(400, 'INVALID_PARAMETER', 'The offset must be a multiple of the limit.');
  }
  const text = (JSON.parse(body.toString()) as { readonly q?: unknown }).q;
  if (state.hidesDeletions && /\bdeletedrecord\b/i.test(String(text))) {
    return failure(400, 'INVALID_PARAMETER', "Record 'deletedrecord' was not found.");
  }
  try {
    const all = runSuiteQl(String(text), tablesOf(state.account), state.account.zone);
    const rows = all.slice(0, state.mostResults);
    const items = rows.slice(offset, offset + limit).map((row) => ({ links: [], ...row }));
    return {
      status: 200,
      body: {
        links: [],
        count: items.length,
        hasMore: rows.length > offset + limit,
        items,
        offset,
        totalResults: rows.length,
      },
    };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return failure(400, 'INVALID_PARAMETER', error.message);
  }
}

function record(state: ApiState, request: SimulatedRequest, name: string): SimulatedAnswer {
  const { account } = state;
  const known = findPayment(account, name);
  switch (request.method) {
    case 'GET':
      return known ? { status: 200, body: recordBody(account, known, request) } : nonexistent();
    case 'PUT':
      return name.startsWith('eid:') ? put(state, request, name.slice(4)) : nonexistent();
    case 'DELETE':
      return known ? remove(account, known) : nonexistent();
    default:
      return failure(405, 'INVALID_METHOD', 'This method is not allowed here.');
  }
}

function findPayment({ transactions }: Account, name: string): Transaction | undefined {
  const external = /^eid:(.+)$/.exec(name)?.[1];
  return [...transactions.values()].find(
    (one) =>
      one.type === 'CustPymt' &&
      (external === undefined ? String(one.id) === name : one.externalid === external),
  );
}

function recordBody(account: Account, payment: Transaction, { url }: SimulatedRequest) {
  const { id, currency, amountMinor, created, modified } = payment;
  const decimal = (minor: bigint) => rawNumber(plain(minor, currency));
  const paid = account.links.filter(
    ({ nextdoc, previousdoc }) =>
      nextdoc === id && account.transactions.get(previousdoc)?.type === 'CustInvc',
  );
  // The sublist offers every open invoice of the customer as well, not applied.
  const offered = [...account.transactions.values()].filter(
    (one) =>
      one.type === 'CustInvc' &&
      one.entity === payment.entity &&
      !paid.some(({ previousdoc }) => previousdoc === one.id),
  );
  const items = [
    ...paid.map(({ previousdoc, amountMinor: share }) => ({
      amount: decimal(share),
      apply: true,
      doc: { links: [], id: String(previousdoc) },
      line: 0,
    })),
    ...offered.map((one) => ({
      apply: false,
      doc: { links: [], id: String(one.id) },
      line: 0,
    })),
  ];
  const expanded = url.searchParams.get('expandSubResources') === 'true';
  const plural = { count: items.length, hasMore: false, items, offset: 0 };
  return {
    links: [],
    apply: { links: [], ...(expanded ? plural : {}) },
    createdDate: iso(created),
    lastModifiedDate: iso(modified),
    ...(account.habits.singleCurrency === undefined
      ? { currency: { links: [], id: currencyId(currency), refName: `Currency ${currency}` } }
      : {}),
    customer: { links: [], id: String(payment.entity) },
    ...(payment.externalid === null ? {} : { externalId: payment.externalid }),
    id: String(id),
    memo: payment.memo ?? '',
    payment: decimal(amountMinor),
    status: { id: payment.status, refName: 'Not Deposited' },
  };
}

/** Datetimes of records are in UTC, without fractions. */
function iso(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

type Wanted = {
  readonly externalId?: string;
  readonly customer?: { readonly id?: string };
  readonly currency?: { readonly id?: string };
  readonly tranDate?: string;
  readonly payment?: string;
  readonly memo?: string;
  readonly autoApply?: boolean;
  readonly apply?: {
    readonly items?: readonly {
      readonly doc?: { readonly id?: string };
      readonly apply?: boolean;
      readonly amount?: string;
    }[];
  };
};

/** Creates the payment of that external id, or changes nothing of one that is there already. */
function put(
  { account }: ApiState,
  { body, headers }: SimulatedRequest,
  externalid: string,
): SimulatedAnswer {
  if (externalid.includes('/')) return userError('externalId', 'Invalid external id.');
  const location = (id: number): SimulatedAnswer => ({
    status: 204,
    headers: {
      location: `http://${headers.host}/services/rest/record/v1/customerpayment/${id}`,
    },
  });
  const known = findPayment(account, `eid:${externalid}`);
  if (known) return location(known.id);
  const wanted = readExact(body);
  const { singleCurrency } = account.habits;
  const entity = Number(wanted.customer?.id ?? Number.NaN);
  if (!account.customers.has(entity)) {
    return userError('customer', 'Please enter value(s) for: Customer.');
  }
  const currency =
    singleCurrency ?? CURRENCIES.find((code) => currencyId(code) === wanted.currency?.id);
  if (!currency) return userError('currency', 'Invalid Field Value for: currency.');
  const amountMinor = fromDecimalText(wanted.payment ?? '0', currency).minor;
  const shares = (wanted.apply?.items ?? [])
    .filter(({ apply: applied }) => applied)
    .map(({ doc, amount }) => ({
      invoiceId: Number(doc?.id),
      amountMinor: fromDecimalText(amount ?? '0', currency).minor,
    }));
  const because = problemOf(account, {
    ...wanted,
    externalid,
    entity,
    currency,
    amountMinor,
    shares,
  });
  if (because) return userError('apply', because);
  const facts = {
    type: 'CustPymt',
    entity,
    currency,
    amountMinor,
    shares,
    externalid,
    status: 'B',
    memo: wanted.memo ?? null,
    trandate: wanted.tranDate ?? '',
    recorded: true,
  } as const;
  const at = account.latest;
  const { id } = receive(account, facts, at);
  if (wanted.autoApply !== false) applyRest(account, { id, entity, currency }, at);
  return location(id);
}

/** An account may apply what is left to other open invoices by itself, unless it is told not to. */
function applyRest(
  account: Account,
  payment: { readonly id: number; readonly entity: number; readonly currency: string },
  at: Date,
): void {
  const taken = account.links
    .filter(({ nextdoc }) => nextdoc === payment.id)
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  let left = (account.transactions.get(payment.id)?.amountMinor ?? 0n) - taken;
  for (const one of account.transactions.values()) {
    const fits = one.type === 'CustInvc' && one.entity === payment.entity;
    const due = fits && one.currency === payment.currency ? dueOf(account, one.id) : 0n;
    const amountMinor = due < left ? due : left;
    if (amountMinor <= 0n) continue;
    apply(account, payment.id, [{ invoiceId: one.id, amountMinor }], at);
    left -= amountMinor;
  }
}

function problemOf(
  account: Account,
  given: Wanted & {
    readonly externalid: string;
    readonly entity: number;
    readonly currency: string;
    readonly amountMinor: bigint;
    readonly shares: readonly Share[];
  },
): string | undefined {
  const { externalId, externalid, tranDate = '', memo = '', amountMinor, shares } = given;
  if (externalId !== undefined && externalId !== externalid) return 'The external ids differ.';
  if (!/^\d{4}-\d\d-\d\d$/.test(tranDate)) return 'Invalid date.';
  if (tranDate < account.openFrom) return 'The period is closed.';
  if (memo.length > 999) return 'The memo is too long.';
  if (amountMinor <= 0n) return 'Please enter a payment amount.';
  const sum = shares.reduce((total, share) => total + share.amountMinor, 0n);
  if (sum > amountMinor) return 'The applied amount exceeds the payment.';
  for (const { invoiceId, amountMinor: share } of shares) {
    const invoice = account.transactions.get(invoiceId);
    if (invoice?.type !== 'CustInvc' || invoice.entity !== given.entity) {
      return `Invalid reference key ${invoiceId}.`;
    }
    if (invoice.currency !== given.currency) return 'The currencies differ.';
    if (share <= 0n || share > dueOf(account, invoiceId)) {
      return 'The amount applied exceeds what is due.';
    }
  }
  return undefined;
}

function remove(account: Account, payment: Transaction): SimulatedAnswer {
  if (payment.status === 'C') {
    return userError(
      '',
      'This transaction cannot be deleted because it is linked to by a Deposit.',
    );
  }
  if ((payment.trandate ?? '') < account.openFrom) {
    return userError('', 'You cannot delete a transaction in a closed period.');
  }
  deleteTransaction(account, payment.id, account.latest);
  return { status: 204 };
}

function readExact(body: Buffer): Wanted {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? context?.source : value;
  return JSON.parse(body.toString(), exact) as Wanted;
}

function nonexistent(): SimulatedAnswer {
  const detail = 'The record instance does not exist. Provide a valid record instance ID.';
  return failure(404, 'NONEXISTENT_ID', detail);
}

function userError(path: string, detail: string): SimulatedAnswer {
  return failure(400, 'USER_ERROR', `Error while accessing a resource. ${detail}`, path);
}

function failure(status: number, code: string, detail: string, path?: string): SimulatedAnswer {
  const told = { detail, 'o:errorCode': code, ...(path ? { 'o:errorPath': path } : {}) };
  return {
    status,
    body: {
      type: 'https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4',
      title: 'Error',
      status,
      'o:errorDetails': [told],
    },
  };
}
