/** The HTTP side of a simulated MYOB: tokens, lists with filters and links, receipts created and deleted. */
import { fromDecimalText } from '../src/money/money.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  addReceipt,
  BASE_CURRENCY,
  type CompanyFile,
  deleteReceipt,
  type List,
  type Row,
} from './myob-file.ts';
import type { Random } from './random.ts';

/** Fewer than MYOB gives, so that lists have pages. */
const MOST_ROWS = 5;
const LISTS = [
  'Sale/CustomerPayment',
  'Sale/CreditRefund',
  'Sale/Invoice',
  'Contact/Customer',
] as const;

export type ApiState = {
  readonly file: CompanyFile;
  /** Of its own, so that the order of requests does not change the story. */
  readonly random: Random;
  readonly companyFileId: string;
  readonly authorization: AuthorizationServer;
  /** `x-myobapi-cftoken` of a file that has a log-in of its own. */
  readonly fileToken: string | undefined;
};

/** A spent quota is answered as if access were denied; only the name tells the difference. */
export const TOO_MANY: SimulatedAnswer = {
  ...failure(403, 'RateLimitError', 'API key has exceeded the daily rate limit'),
};

/** Answers one request by the state of the company file. */
export function answerRequest(state: ApiState, request: SimulatedRequest): SimulatedAnswer {
  const { method, url, headers } = request;
  const authorized = state.authorization.answer(request);
  if (authorized) return authorized;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!state.authorization.accepts(token))
    return failure(401, 'OAuthTokenIsInvalid', 'Unauthorized');
  if (headers['x-myobapi-key'] !== state.authorization.clientId) {
    return failure(403, 'AccessDenied', 'The API key is missing or unknown');
  }
  if (headers['x-myobapi-version'] !== 'v2') return failure(400, 'Version', 'Name a version');
  const prefix = `/accountright/${state.companyFileId}/`;
  if (!url.pathname.startsWith(prefix)) return failure(403, 'AccessDenied', 'Access denied');
  if (headers['x-myobapi-cftoken'] !== state.fileToken) {
    return failure(401, 'IncorrectCompanyFileCredentials', 'The file has a log-in of its own');
  }
  const rest = url.pathname.slice(prefix.length);
  if (rest === 'Company') return ok({ CompanyName: 'Simulated Air Services Pty Ltd' });
  const list = LISTS.find((known) => rest === known || rest.startsWith(`${known}/`));
  if (!list) return failure(404, 'NotFound', 'No such resource');
  const uid = rest.slice(list.length + 1);
  if (method === 'GET')
    return uid === '' ? answerList(state, list, request) : read(state, list, uid);
  if (list !== 'Sale/CustomerPayment') return failure(405, 'NotAllowed', 'Method not allowed');
  if (method === 'POST' && uid === '') return create(state, request);
  return method === 'DELETE' ? remove(state, uid) : failure(405, 'NotAllowed', 'Not allowed');
}

function answerList(
  state: ApiState,
  list: List,
  { url, headers }: SimulatedRequest,
): SimulatedAnswer {
  const query = url.searchParams;
  const fits = predicate(query.get('$filter') ?? '', list);
  if (!fits) return failure(400, 'InvalidFilter', 'The filter is not understood');
  const rows = [...state.file.lists[list].values()].filter(fits);
  if (query.get('$orderby') === 'Date') {
    rows.sort((left, right) => (String(left.Date) < String(right.Date) ? -1 : 1));
  }
  const skip = Number(query.get('$skip') ?? '0');
  const size = Math.min(MOST_ROWS, Number(query.get('$top') ?? '400'));
  const next = new URL(url.pathname + url.search, `http://${headers.host}`);
  next.searchParams.set('$skip', String(skip + size));
  return ok({
    Items: rows.slice(skip, skip + size),
    NextPageLink: rows.length > skip + size ? next.href : null,
    Count: rows.length,
  });
}

/** The filters that MYOB knows for the list; `LastModified` is not kept for receipts. */
function predicate(filter: string, list: List): ((row: Row) => boolean) | undefined {
  if (filter === '') return () => true;
  const [, field = '', operator, instant, text] =
    /^(\w+) (ge|gt|eq) (?:datetime'([^']+)'|'((?:[^']|'')*)')$/.exec(filter) ?? [];
  const changed = list === 'Sale/Invoice' || list === 'Contact/Customer';
  if (field === 'ReceiptNumber' && operator === 'eq' && text !== undefined) {
    return (row) => row.ReceiptNumber === text.replaceAll("''", "'");
  }
  if (instant === undefined || (field === 'LastModified' && !changed)) return undefined;
  if (field !== 'LastModified' && field !== 'Date') return undefined;
  return (row) => {
    const value = String(row[field]).slice(0, 19);
    return operator === 'ge' ? value >= instant : value > instant;
  };
}

function read({ file }: ApiState, list: List, uid: string): SimulatedAnswer {
  const row = file.lists[list].get(uid);
  return row ? ok(row) : failure(404, 'NotFound', 'The resource was not found');
}

type Wanted = {
  readonly Customer?: { readonly UID?: string };
  readonly ReceiptNumber?: string;
  readonly Memo?: string;
  readonly Date?: string;
  readonly PaymentMethod?: string;
  readonly Invoices?: readonly {
    readonly UID?: string;
    readonly AmountApplied?: string;
    readonly AmountAppliedForeign?: string;
  }[];
};

/** The amount received is the sum of the lines; without lines there is nothing to receive. */
function create(
  { file, random }: ApiState,
  { body, url, headers }: SimulatedRequest,
): SimulatedAnswer {
  const wanted = readExact(body);
  const customerUid = wanted.Customer?.UID ?? '';
  const lines = wanted.Invoices ?? [];
  const invoices = lines.map(({ UID }) => file.lists['Sale/Invoice'].get(UID ?? ''));
  if (!file.lists['Contact/Customer'].has(customerUid) || lines.length === 0) {
    return failure(400, 'ValidationError', 'One or more required fields are missing.');
  }
  if (invoices.some((row) => !row)) return failure(400, 'ValidationError', 'No such invoice');
  if ((wanted.ReceiptNumber ?? '').length > 13 || (wanted.Memo ?? '').length > 255) {
    return failure(400, 'ValidationError', 'A text is too long');
  }
  if (!/^\d{4}-\d\d-\d\d 00:00:00$/.test(wanted.Date ?? '')) {
    return failure(400, 'ValidationError', 'Date is not a date');
  }
  const foreign = invoices[0]?.ForeignCurrency as { readonly Code: string } | null | undefined;
  const currency = foreign?.Code ?? BASE_CURRENCY;
  const shares = lines.map(({ UID, AmountApplied, AmountAppliedForeign }) => ({
    invoiceUid: UID ?? '',
    amountMinor: fromDecimalText((foreign ? AmountAppliedForeign : AmountApplied) ?? '0', currency)
      .minor,
  }));
  const uid = addReceipt(
    { ...file, random },
    {
      customerUid,
      shares,
      currency,
      amountMinor: shares.reduce((sum, share) => sum + share.amountMinor, 0n),
      receiptNumber: wanted.ReceiptNumber ?? '',
      method: wanted.PaymentMethod ?? null,
      memo: wanted.Memo ?? '',
      day: wanted.Date?.slice(0, 10) ?? '',
      recorded: true,
    },
    file.latest,
  );
  const location = `http://${headers.host}${url.pathname}/${uid}`;
  const returned = url.searchParams.get('returnBody') === 'true';
  const row = file.lists['Sale/CustomerPayment'].get(uid);
  return { status: 201, headers: { location }, ...(returned ? { body: row } : {}) };
}

function remove({ file }: ApiState, uid: string): SimulatedAnswer {
  if (!file.lists['Sale/CustomerPayment'].has(uid)) {
    return failure(404, 'NotFound', 'The resource was not found');
  }
  deleteReceipt(file, uid);
  return { status: 200 };
}

function readExact(body: Buffer): Wanted {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? context?.source : value;
  return JSON.parse(body.toString(), exact) as Wanted;
}

function ok(body: unknown): SimulatedAnswer {
  return { status: 200, body };
}

function failure(status: number, Name: string, Message: string): SimulatedAnswer {
  const error = { Name, Message, AdditionalDetails: null, ErrorCode: null, Severity: 'Error' };
  return { status, body: { Errors: [error] } };
}
