/** The HTTP side of a simulated Xero: consent, organisations, lists, and payments created and deleted. */
import { createHash } from 'node:crypto';
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Random } from './random.ts';
import {
  dueOf,
  guid,
  type Organisation,
  payInvoice,
  readAmount,
  receiveOverpayment,
  TOO_MUCH,
  takeBack,
} from './xero-organisation.ts';
import { listRows, ROW_IDS, type SimulatedList, type SimulatedRow, wireDate } from './xero-rows.ts';

const ROOT = '/api.xro/2.0/';
const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1000;

export type Tenant = { readonly id: string; readonly name: string };

export type ApiState = {
  readonly world: Organisation;
  readonly random: Random;
  /** The organisations that a consent opens; the first is the simulated one. */
  readonly tenants: readonly Tenant[];
  readonly authorization: AuthorizationServer;
  readonly paymentAccount: string;
  /** First answers by `Idempotency-Key`, with the digest of what was sent. */
  readonly replays: Map<string, { readonly sent: string; readonly answer: SimulatedAnswer }>;
  /** Refusals come inside an answer that says 200. */
  readonly softErrors: boolean;
};

/** What Xero answers when asked too often. */
export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  headers: { 'retry-after': '1', 'x-rate-limit-problem': 'minute', 'x-minlimit-remaining': '0' },
};

/** Answers one request by the state of the organisation. */
export function answerRequest(state: ApiState, request: SimulatedRequest): SimulatedAnswer {
  const { method, url, headers } = request;
  const authorized = state.authorization.answer(request);
  if (authorized) return authorized;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!state.authorization.accepts(token)) return problem(401, 'TokenExpired: token expired');
  if (url.pathname === '/connections') return { status: 200, body: state.tenants.map(connection) };
  const [own] = state.tenants;
  if (headers['xero-tenant-id'] !== own?.id) return problem(403, 'AuthenticationUnsuccessful');
  if (!url.pathname.startsWith(ROOT)) return problem(404, 'The resource is not found');
  if (!/application\/json/.test(headers.accept ?? '')) {
    return { status: 200, headers: { 'content-type': 'text/xml' }, body: '<Response/>' };
  }
  const [list = '', id] = url.pathname.slice(ROOT.length).split('/');
  if (method === 'GET') return id ? readOne(state, list, id) : readList(state, list, request);
  return once(state, request, () => change(state, { method, list, id, body: request.body }));
}

function connection({ id, name }: Tenant) {
  const createdDateUtc = '2026-09-01T01:02:03.1234560';
  return { id, tenantId: id, tenantType: 'ORGANISATION', tenantName: name, createdDateUtc };
}

function readOne(state: ApiState, list: string, id: string): SimulatedAnswer {
  const rows = listRows(state.world, list) ?? [];
  const row = rows.find((one) => one[ROW_IDS[list as SimulatedList]] === id);
  return row ? ok(state, { [list]: [row] }) : problem(404, 'The resource is not found');
}

/** Newer than `If-Modified-Since`, filtered, in the order asked for, by pages. */
function readList(state: ApiState, list: string, request: SimulatedRequest): SimulatedAnswer {
  const all = listRows(state.world, list);
  if (!all) return problem(404, 'The resource is not found');
  const { url, headers } = request;
  const asked = headers['if-modified-since'];
  const sinceMs = asked === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${asked}Z`);
  if (Number.isNaN(sinceMs)) return problem(400, 'If-Modified-Since is not a date');
  const query = url.searchParams;
  const ids = query.get('IDs')?.split(',');
  const reference = /^Reference=="([^"]*)"$/.exec(query.get('where') ?? '')?.[1];
  if (query.has('where') && reference === undefined) return problem(400, 'where is not understood');
  const found = all
    .filter((row) => changedMs(row) > sinceMs)
    .filter((row) => ids?.includes(String(row[ROW_IDS[list as SimulatedList]])) ?? true)
    .filter((row) => reference === undefined || row.Reference === reference);
  if (query.get('order') === 'UpdatedDateUTC ASC') {
    found.sort((a, b) => changedMs(a) - changedMs(b));
  }
  // Nothing newer is told in either way.
  if (found.length === 0 && asked !== undefined && state.random.chance(0.5)) return { status: 304 };
  const page = Number(query.get('page') ?? 1);
  const pageSize = Math.min(LARGEST_PAGE, Number(query.get('pageSize') ?? DEFAULT_PAGE));
  const rows = found.slice((page - 1) * pageSize, page * pageSize);
  const pageCount = Math.ceil(found.length / pageSize);
  const pagination = { page, pageSize, pageCount, itemCount: found.length };
  return ok(state, { pagination, [list]: rows });
}

function changedMs(row: SimulatedRow): number {
  return Number(/\d+/.exec(row.UpdatedDateUTC)?.[0]);
}

/** The same key repeats the first answer; with another body it is refused. */
function once(
  state: ApiState,
  { headers, body, url, method }: SimulatedRequest,
  work: () => SimulatedAnswer,
): SimulatedAnswer {
  const key = headers['idempotency-key'];
  if (key === undefined) return work();
  if (key.length > 128) return problem(400, 'Idempotency-Key is too long');
  const sent = createHash('sha256')
    .update(`${method} ${url.pathname}\n`)
    .update(body)
    .digest('hex');
  const first = state.replays.get(key);
  if (first && first.sent !== sent) return problem(400, 'Idempotency-Key was used otherwise');
  if (first) return first.answer;
  const answer = work();
  state.replays.set(key, { sent, answer });
  return answer;
}

type Asked = {
  readonly method: string;
  readonly list: string;
  readonly id: string | undefined;
  readonly body: Buffer;
};

function change(state: ApiState, asked: Asked): SimulatedAnswer {
  const { method, list, id, body } = asked;
  const wanted = readExact(body);
  try {
    if (method === 'PUT' && list === 'Payments') return createPayments(state, wanted);
    if (method === 'PUT' && list === 'BankTransactions') return createOverpayment(state, wanted);
    if (method === 'POST' && list === 'Payments' && id && wanted.Status === 'DELETED') {
      takeBack(state.world, id, state.world.latest);
      return readOne(state, 'Payments', id);
    }
    const [transaction] = wanted.BankTransactions ?? [];
    if (method === 'POST' && list === 'BankTransactions' && transaction?.Status === 'DELETED') {
      takeBack(state.world, id ?? '', state.world.latest);
      return ok(state, { BankTransactions: [{ BankTransactionID: id, Status: 'DELETED' }] });
    }
    return problem(405, 'Method not allowed');
  } catch (error) {
    return refused(state, wanted, (error as Error).message);
  }
}

/** All of them or none. */
function createPayments(state: ApiState, wanted: Wanted): SimulatedAnswer {
  const { world } = state;
  const payments = (wanted.Payments ?? []).map(
    ({ Invoice, Account, Amount, Reference, Date: on }) => {
      const invoice = world.invoices.get(Invoice?.InvoiceID ?? '')?.row;
      if (!invoice) throw new Error('Invoice could not be found');
      if (Account?.Code !== state.paymentAccount) throw new Error('Account could not be found');
      const amountMinor = readAmount(Amount ?? '', invoice.currency);
      const reference = Reference ?? '';
      return { invoiceId: invoice.id, amountMinor, reference, date: on ?? '', recorded: true };
    },
  );
  for (const { invoiceId, amountMinor } of payments) {
    if (amountMinor > dueOf(world, invoiceId)) throw new RangeError(TOO_MUCH);
  }
  const ids = payments.map((payment) => payInvoice(world, payment, world.latest));
  const rows = (listRows(world, 'Payments') ?? []).filter((row) =>
    ids.includes(String(row.PaymentID)),
  );
  return ok(state, { Payments: rows });
}

function createOverpayment(state: ApiState, wanted: Wanted): SimulatedAnswer {
  const { world } = state;
  const [asked] = wanted.BankTransactions ?? [];
  const [line] = asked?.LineItems ?? [];
  const contactId = asked?.Contact?.ContactID ?? '';
  if (asked?.Type !== 'RECEIVE-OVERPAYMENT' || !line) throw new Error('Type is not simulated');
  if (!world.contacts.has(contactId)) throw new Error('Contact could not be found');
  if (asked.BankAccount?.Code !== state.paymentAccount)
    throw new Error('Account is no bank account');
  const currency = asked.CurrencyCode ?? 'USD';
  const overpayment = {
    contactId,
    totalMinor: readAmount(line.LineAmount ?? '', currency),
    currency,
    reference: asked.Reference ?? '',
    date: asked.Date ?? '',
    recorded: true,
  };
  const id = receiveOverpayment(world, overpayment, world.latest);
  const row = { BankTransactionID: id, OverpaymentID: id, Type: asked.Type, Status: 'AUTHORISED' };
  return ok(state, { BankTransactions: [row] });
}

type Wanted = {
  readonly Status?: string;
  readonly Payments?: readonly {
    readonly Invoice?: { readonly InvoiceID?: string };
    readonly Account?: { readonly Code?: string };
    readonly Amount?: string;
    readonly Reference?: string;
    readonly Date?: string;
  }[];
  readonly BankTransactions?: readonly {
    readonly Type?: string;
    readonly Status?: string;
    readonly Contact?: { readonly ContactID?: string };
    readonly BankAccount?: { readonly Code?: string };
    readonly CurrencyCode?: string;
    readonly Reference?: string;
    readonly Date?: string;
    readonly LineItems?: readonly { readonly LineAmount?: string }[];
  }[];
};

/** Amounts as the client wrote them, so that a float on its side would show. */
function readExact(body: Buffer): Wanted {
  return JSON.parse(body.toString(), (_key, value, context?: { source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  );
}

function refused(state: ApiState, wanted: Wanted, Message: string): SimulatedAnswer {
  const ValidationErrors = [{ Message }];
  if (!state.softErrors) {
    const Elements = (wanted.Payments ?? [{}]).map((one) => ({ ...one, ValidationErrors }));
    const text = 'A validation exception occurred';
    const answer = { ErrorNumber: 10, Type: 'ValidationException', Message: text, Elements };
    return { status: 400, body: answer };
  }
  const nobody = '00000000-0000-0000-0000-000000000000';
  const refusedRow = {
    StatusAttributeString: 'ERROR',
    HasValidationErrors: true,
    ValidationErrors,
  };
  const Payments = (wanted.Payments ?? [{}]).map((one) => ({
    ...one,
    PaymentID: nobody,
    ...refusedRow,
  }));
  return ok(state, { Payments });
}

/** Encoded here, because the answer is a promise of digits and rows may change before it is sent. */
function ok({ world, random }: ApiState, body: Readonly<Record<string, unknown>>): SimulatedAnswer {
  const envelope = {
    Id: guid(random),
    Status: 'OK',
    ProviderName: 'Checkvalve',
    DateTimeUTC: wireDate(world.latest),
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ ...envelope, ...body }),
  };
}

function problem(status: number, Detail: string): SimulatedAnswer {
  const Title = status === 401 ? 'Unauthorized' : status === 403 ? 'Forbidden' : 'Error';
  return { status, body: { Type: null, Title, Status: status, Detail } };
}
