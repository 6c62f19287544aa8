/** The HTTP side of a simulated FreshBooks: tokens, lists, single rows, payments and callbacks. */
import { fromDecimalText } from '../src/money/money.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  addPayment,
  deletePayment,
  FRESHBOOKS_LISTS,
  type FreshBooksAccount,
  type FreshBooksList,
  type FreshBooksRow,
} from './freshbooks-account.ts';

export type FreshBooksCallback = {
  readonly callbackid: number;
  readonly event: string;
  readonly uri: string;
  readonly verifier: string;
  verified: boolean;
};

export type FreshBooksState = {
  readonly account: FreshBooksAccount;
  readonly businesses: readonly { readonly name: string; readonly account_id: string | null }[];
  readonly accountId: string;
  readonly authorization: AuthorizationServer;
  readonly callbacks: Map<number, FreshBooksCallback>;
  /** Sends the post that introduces a callback. */
  readonly introduce: (callback: FreshBooksCallback) => void;
  readonly newVerifier: () => string;
};

const MOST_ROWS = 100;

export const FRESHBOOKS_TOO_MANY: SimulatedAnswer = {
  status: 429,
  body: { message: 'Too many requests.' },
};

/** Answers one request by the state of the account. */
export function answerFreshBooks(
  state: FreshBooksState,
  request: SimulatedRequest,
): SimulatedAnswer {
  const own = state.authorization.answer(request);
  if (own) return own;
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (!state.authorization.accepts(token)) {
    return { status: 401, body: { error: 'unauthenticated', error_description: 'Invalid token' } };
  }
  const { pathname } = request.url;
  if (pathname === '/auth/api/v1/users/me') {
    const business_memberships = state.businesses.map((business, id) => ({ id, business }));
    return { status: 200, body: { response: { business_memberships } } };
  }
  const callbacks = `/events/account/${state.accountId}/events/callbacks`;
  if (pathname.startsWith(callbacks)) {
    return answerCallbacks(state, request, Number(pathname.slice(callbacks.length + 1)));
  }
  const accounting = `/accounting/account/${state.accountId}/`;
  if (!pathname.startsWith(accounting)) return failure(403, 1003, 'The server could not verify');
  const [, name, id] = pathname.slice(accounting.length).split('/');
  const list = FRESHBOOKS_LISTS.find((known) => known === name);
  if (!list) return failure(404, 404, 'This URL does not exist.');
  return answerList(state, request, { list, id });
}

function answerList(
  { account }: FreshBooksState,
  request: SimulatedRequest,
  { list, id }: { readonly list: FreshBooksList; readonly id: string | undefined },
): SimulatedAnswer {
  if (request.method === 'POST' && list === 'payments') return enterPayment(account, request.body);
  if (id === undefined) return page(account, list, request.url.searchParams);
  const row = account.rows[list].get(Number(id));
  if (!row) return failure(404, 1012, `${list.slice(0, -1)} not found.`);
  if (request.method === 'PUT' && list === 'payments') {
    const { payment } = JSON.parse(request.body.toString()) as { payment: { vis_state?: number } };
    if (payment.vis_state === 1 && row.vis_state !== 1) {
      deletePayment(account, row.id, account.latest);
    }
  }
  const latest = account.rows[list].get(row.id) as FreshBooksRow;
  return result({ [list.slice(0, -1)]: shown(account, list, latest, request.url.searchParams) });
}

/** Searches are by day, and rows that are deleted are only listed when asked for. */
function page(
  account: FreshBooksAccount,
  list: FreshBooksList,
  query: URLSearchParams,
): SimulatedAnswer {
  const since = query.get('search[updated_min]') ?? '';
  const state = Number(query.get('search[vis_state]') ?? 0);
  const invoice = query.get('search[invoiceid]');
  const [from, to] = [query.get('search[date_min]') ?? '', query.get('search[date_max]') ?? '9'];
  const rows = [...account.rows[list].values()].filter(
    (row) =>
      row.vis_state === state &&
      row.updated.slice(0, 10) >= since &&
      (invoice === null || String(row.invoiceid) === invoice) &&
      (list !== 'payments' || (String(row.date) >= from && String(row.date) <= to)),
  );
  const size = Math.min(Number(query.get('per_page') ?? 15), MOST_ROWS);
  const number = Number(query.get('page') ?? 1);
  const some = rows.slice((number - 1) * size, number * size);
  return result({
    [list]: some.map((row) => shown(account, list, row, query)),
    page: number,
    pages: Math.ceil(rows.length / size),
    per_page: size,
    total: rows.length,
  });
}

function shown(
  { rows }: FreshBooksAccount,
  list: FreshBooksList,
  row: FreshBooksRow,
  query: URLSearchParams,
) {
  if (list !== 'payments') return row;
  const wanted = query.getAll('include[]');
  const client = wanted.includes('client') ? rows.clients.get(Number(row.clientid)) : undefined;
  const invoice = wanted.includes('invoice') ? rows.invoices.get(Number(row.invoiceid)) : undefined;
  return { ...row, logid: row.id, ...(client ? { client } : {}), ...(invoice ? { invoice } : {}) };
}

type WantedPayment = {
  readonly invoiceid?: number;
  readonly amount?: { readonly amount: string; readonly code: string };
  readonly date?: string;
  readonly type?: string;
  readonly note?: string;
};

function enterPayment(account: FreshBooksAccount, body: Buffer): SimulatedAnswer {
  const { payment } = JSON.parse(body.toString()) as { readonly payment: WantedPayment };
  const { invoiceid, amount, date, type, note = '' } = payment;
  const invoice = account.rows.invoices.get(Number(invoiceid));
  if (!invoice) return failure(422, 1012, 'Invoice not found.');
  if (!amount || !date || !type) return failure(422, 1001, 'Required field missing.');
  const id = addPayment(
    account,
    {
      clientId: Number(invoice.customerid),
      invoiceId: invoice.id,
      amountMinor: fromDecimalText(amount.amount, amount.code).minor,
      currency: amount.code,
      type,
      note,
      date,
      recorded: true,
    },
    account.latest,
  );
  return result({ payment: account.rows.payments.get(id) });
}

function answerCallbacks(
  { callbacks, introduce, newVerifier }: FreshBooksState,
  { method, body }: SimulatedRequest,
  id: number,
): SimulatedAnswer {
  const told = ({ verifier: _, ...callback }: FreshBooksCallback) => callback;
  const { callback: given = {} } = (body.length > 0 ? JSON.parse(body.toString()) : {}) as {
    readonly callback?: Readonly<Record<string, unknown>>;
  };
  if (method === 'POST') {
    const callback: FreshBooksCallback = {
      callbackid: 2001 + callbacks.size,
      event: String(given.event),
      uri: String(given.uri),
      verifier: newVerifier(),
      verified: false,
    };
    callbacks.set(callback.callbackid, callback);
    introduce(callback);
    return result({ callback: told(callback) });
  }
  if (!id) {
    const rows = [...callbacks.values()].map(told);
    return result({ callbacks: rows, page: 1, pages: 1, per_page: 15, total: rows.length });
  }
  const callback = callbacks.get(id);
  if (!callback) return { status: 404, body: { errno: 1012, message: 'Callback not found.' } };
  if (method === 'PUT') {
    if (given.resend === true) introduce(callback);
    else if (given.verifier !== callback.verifier) {
      return { status: 422, body: { errno: 1040, message: 'The verifier does not match.' } };
    } else callback.verified = true;
  }
  return result({ callback: told(callback) });
}

function result(value: Readonly<Record<string, unknown>>): SimulatedAnswer {
  // Encoded here, because rows may change before the answer is sent.
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response: { result: value } }),
  };
}

function failure(status: number, errno: number, message: string): SimulatedAnswer {
  return { status, body: { response: { errors: [{ errno, message, field: '', object: '' }] } } };
}
