/** The HTTP side of a simulated Service Layer: sessions, lists in both versions, payments created and cancelled. */
import { fromDecimalText } from '../src/money/money.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Random } from './random.ts';
import {
  addDraft,
  addPayment,
  type Company,
  cancelPayment,
  currencyOf,
  type EntitySet,
  LOCAL_CURRENCY,
  type NewPayment,
  openOf,
  type Share,
} from './sap-business-one-company.ts';
import {
  InvalidQuery,
  type Row,
  readFilter,
  requireField,
  type Schema,
  type Version,
} from './sap-business-one-filter.ts';
import { DOCUMENT, MOST_LETTERS, PARTNER, PAYMENT } from './sap-business-one-schema.ts';
import type { Sessions } from './sap-business-one-session.ts';

/** Fewer than are asked for, so that lists have pages. */
const MOST_ROWS = 5;
const ROWS_UNASKED = 20;

const TYPES: Readonly<Record<EntitySet, string>> = {
  IncomingPayments: 'Payment',
  VendorPayments: 'Payment',
  PaymentDrafts: 'Payment',
  Invoices: 'Document',
  DownPayments: 'Document',
  BusinessPartners: 'BusinessPartner',
};

export type ApiState = {
  readonly company: Company;
  readonly sessions: Sessions;
  readonly version: Version;
  /** Of its own, so that the order of requests does not change the story. */
  readonly random: Random;
  readonly transferAccount: string;
  /** The field that somebody added to payments; undefined when nobody did. */
  readonly syncIdField: string | undefined;
};

/** No limit is published; a balancer whose nodes restart answers so. */
export const TOO_MANY: SimulatedAnswer = { status: 503, body: 'Service Unavailable' };

/** Answers one request by the state of the company. */
export function answerRequest(state: ApiState, request: SimulatedRequest): SimulatedAnswer {
  const { version, sessions } = state;
  const { method, url } = request;
  const root = `/b1s/${version}/`;
  if (!url.pathname.startsWith(root)) return { status: 404, body: 'Not Found' };
  const path = decodeURIComponent(url.pathname.slice(root.length));
  const fail = failureOf(version);
  if (path === 'Login' && method === 'POST') return sessions.logIn(request, fail);
  if (!sessions.accepts(request)) {
    return fail(401, 301, 'Invalid session or session already timeout.');
  }
  if (path === 'Logout') {
    sessions.end(request);
    return { status: 204 };
  }
  const [, set, key, action] = /^(\w+)(?:\((?:'([^']*)'|\d+)\))?(?:\/(\w+))?$/.exec(path) ?? [];
  if (set === undefined || !Object.hasOwn(TYPES, set)) {
    return fail(404, -1, `Unrecognized resource path ${path}`);
  }
  const entity = set as EntitySet;
  const id = key ?? /\((\d+)\)/.exec(path)?.[1];
  try {
    if (method === 'GET' && action === undefined) {
      return id === undefined
        ? answerList(state, entity, request)
        : readOne(state, entity, id, request);
    }
    if (entity !== 'IncomingPayments' || method !== 'POST') return fail(405, -1, 'Not allowed');
    if (id === undefined) return create(state, request);
    return action === 'Cancel' ? cancel(state, id) : fail(404, -1, 'Unknown action');
  } catch (error) {
    if (error instanceof InvalidQuery) return fail(400, -1000, error.message);
    throw error;
  }
}

/** The properties of an entity, with the fields that were added to it. Older versions lack one of partners. */
function schemaOf({ version, syncIdField }: ApiState, entity: EntitySet): Schema {
  switch (TYPES[entity]) {
    case 'Payment':
      return syncIdField === undefined ? PAYMENT : { ...PAYMENT, [syncIdField]: 'text' };
    case 'Document':
      return DOCUMENT;
    default: {
      const { CreateDate: _, ...older } = PARTNER;
      return version === 'v2' ? PARTNER : older;
    }
  }
}

const OPTIONS = ['$filter', '$select', '$orderby', '$top', '$skip'];

function answerList(
  state: ApiState,
  entity: EntitySet,
  request: SimulatedRequest,
): SimulatedAnswer {
  const { company, version } = state;
  const query = request.url.searchParams;
  const typed = { type: TYPES[entity], schema: schemaOf(state, entity), version };
  for (const name of query.keys()) {
    if (!OPTIONS.includes(name)) throw new InvalidQuery(`Unknown query option ${name}`);
  }
  if (request.url.search.includes('+')) throw new InvalidQuery('A plus sign is no blank');
  const filter = query.get('$filter');
  const rows = [...company.sets[entity].values()].filter(
    filter === null ? () => true : readFilter(filter, typed),
  );
  const [field, direction = 'asc'] = (query.get('$orderby') ?? '').split(' ');
  if (field) {
    const isNumber = requireField(field, typed) === 'number';
    rows.sort((left, right) => compare(left[field], right[field], isNumber));
    if (direction === 'desc') rows.reverse();
  }
  const fields = query.get('$select')?.split(',') ?? [];
  for (const name of fields) requireField(name, typed);
  const skip = Number(query.get('$skip') ?? '0');
  const wanted = rows.slice(0, Number(query.get('$top') ?? rows.length));
  const [, asked] = /odata\.maxpagesize=(\d+)/.exec(request.headers.prefer ?? '') ?? [];
  const size = Math.min(MOST_ROWS, Number(asked ?? ROWS_UNASKED));
  const page = wanted.slice(skip, skip + size).map((row) => print(row, fields, version));
  const more = wanted.length > skip + size;
  const isNew = version === 'v2';
  return {
    status: 200,
    body: {
      [isNew ? '@odata.context' : 'odata.metadata']: contextOf(request, version, entity),
      value: page,
      ...(more
        ? {
            [isNew ? '@odata.nextLink' : 'odata.nextLink']: nextLink(
              entity,
              query,
              skip + size,
              version,
            ),
          }
        : {}),
    },
  };
}

/** Relative to the service root; v2 leaves blanks as they are. */
function nextLink(entity: string, query: URLSearchParams, skip: number, version: Version): string {
  const kept = [...query].filter(([name]) => name !== '$skip' && name !== '$top');
  const text = [...kept, ['$skip', String(skip)] as const]
    .map(([name, value]) => `${name}=${version === 'v2' ? value : encodeURIComponent(value)}`)
    .join('&');
  return `${entity}?${text}`;
}

function readOne(
  state: ApiState,
  entity: EntitySet,
  id: string,
  request: SimulatedRequest,
): SimulatedAnswer {
  const { company, version } = state;
  const row = company.sets[entity].get(id);
  if (!row) return failureOf(version)(404, -2028, 'No matching records found (ODBC -2028)');
  const context = `${contextOf(request, version, entity)}/$entity`;
  const name = version === 'v2' ? '@odata.context' : 'odata.metadata';
  return { status: 200, body: { [name]: context, ...print(row, [], version) } };
}

type Line = {
  readonly DocEntry?: string;
  readonly InvoiceType?: string;
  readonly SumApplied?: string;
  readonly AppliedFC?: string;
};
type Wanted = Readonly<Record<string, unknown>> & { readonly PaymentInvoices?: readonly Line[] };

const LINE_FIELDS = [
  'LineNum',
  'DocEntry',
  'InvoiceType',
  'SumApplied',
  'AppliedFC',
  'InstallmentId',
];

/** Refuses what Business One refuses: unknown fields, long texts, closed invoices, less money than is applied. */
function create(state: ApiState, { body, url, headers }: SimulatedRequest): SimulatedAnswer {
  const { company, version, random, syncIdField } = state;
  const fail = failureOf(version);
  const wanted = readExact(body);
  const problem = problemOf(state, wanted);
  if (problem !== undefined) return fail(400, problem[0], problem[1]);
  const currency = currencyOf(wanted.DocCurrency) ?? LOCAL_CURRENCY;
  const lines = wanted.PaymentInvoices ?? [];
  const shares = lines.map((line) => shareOf(line, currency));
  const closed = shares.findIndex((share) => !share || !isOpen(company, share, wanted.CardCode));
  if (closed >= 0) {
    const where = `[RCT2.DocEntry][line: ${closed + 1}]`;
    return fail(400, -5002, `Invoice is already closed or blocked  ${where}`);
  }
  const amountMinor = fromDecimalText(String(wanted.TransferSum ?? '0'), currency).minor;
  const applied = shares.reduce((sum, share) => sum + (share?.amountMinor ?? 0n), 0n);
  if (amountMinor <= 0n || applied > amountMinor) {
    return fail(400, -5002, 'Payment amount is less than the amount applied  [ORCT.DocTotal]');
  }
  const payment: NewPayment = {
    cardCode: String(wanted.CardCode),
    amountMinor,
    currency,
    shares: shares.filter((share) => share !== undefined),
    means: 'transfer',
    reference: (wanted.TransferReference as string | undefined) ?? null,
    remarks: String(wanted.Remarks ?? ''),
    day: String(wanted.DocDate),
    userFields: syncIdField === undefined ? {} : { [syncIdField]: wanted[syncIdField] ?? null },
    recorded: true,
  };
  if (company.approval) {
    addDraft({ ...company, random }, payment, company.latest);
    return fail(404, -2028, 'No matching records found (ODBC -2028)');
  }
  const key = addPayment({ ...company, random }, payment, company.latest);
  const answer = readOne(state, 'IncomingPayments', key, { method: 'GET', url, headers, body });
  return { ...answer, status: 201 };
}

function problemOf(state: ApiState, wanted: Wanted): readonly [number, string] | undefined {
  const { company } = state;
  const schema = schemaOf(state, 'IncomingPayments');
  const unknown = Object.keys(wanted).find((name) => !Object.hasOwn(schema, name));
  if (unknown) return [-1000, `Property '${unknown}' of 'Payment' is invalid`];
  const odd = (wanted.PaymentInvoices ?? [])
    .flatMap((line) => Object.keys(line))
    .find((name) => !LINE_FIELDS.includes(name));
  if (odd) return [-1000, `Property '${odd}' of 'PaymentInvoice' is invalid`];
  const long = Object.entries(MOST_LETTERS).find(
    ([name, most]) => String(wanted[name] ?? '').length > most,
  );
  if (long) return [-1000, `Value too long in property '${long[0]}' of 'Payment'`];
  if (!company.sets.BusinessPartners.has(String(wanted.CardCode))) {
    return [-2028, 'No matching records found (ODBC -2028)'];
  }
  if (wanted.DocType !== 'rCustomer') return [-5002, 'Enter a customer'];
  const days = [wanted.DocDate, wanted.TaxDate, wanted.TransferDate];
  if (days.some((day) => !/^\d{4}-\d\d-\d\d$/.test(String(day)))) return [-1, 'Invalid date'];
  if (wanted.DocCurrency !== undefined && !currencyOf(wanted.DocCurrency)) {
    return [-5002, 'Currency is not defined  [ORCT.DocCurr]'];
  }
  if (wanted.TransferAccount !== state.transferAccount) {
    return [-5002, 'Enter valid G/L account  [ORCT.TrsfrAcct]'];
  }
  return undefined;
}

/** In foreign currency a line says so by its own field; undefined for one that names no invoice. */
function shareOf(line: Line, currency: string): Share | undefined {
  const sets = { it_Invoice: 'Invoices', it_DownPayment: 'DownPayments' } as const;
  const set = sets[line.InvoiceType as keyof typeof sets];
  const text = currency === LOCAL_CURRENCY ? line.SumApplied : line.AppliedFC;
  if (!set || text === undefined) return undefined;
  const amountMinor = fromDecimalText(text, currency).minor;
  return { set, docEntry: Number(line.DocEntry), amountMinor };
}

function isOpen(company: Company, share: Share, cardCode: unknown): boolean {
  const invoice = openOf(company, share.set, share.docEntry);
  if (!invoice || invoice.cardCode !== cardCode) return false;
  return share.amountMinor > 0n && share.amountMinor <= invoice.openMinor;
}

function cancel({ company, version }: ApiState, id: string): SimulatedAnswer {
  const fail = failureOf(version);
  const row = company.sets.IncomingPayments.get(id);
  if (!row) return fail(404, -2028, 'No matching records found (ODBC -2028)');
  if (row.Cancelled === 'tYES') return fail(400, -5006, 'Payment has already been canceled');
  if (company.deposited.has(id)) {
    return fail(400, -5006, 'You cannot cancel a payment that has been deposited');
  }
  cancelPayment(company, id, company.latest);
  return { status: 204 };
}

function print(row: Row, fields: readonly string[], version: Version): Row {
  const named =
    fields.length === 0 ? Object.entries(row) : fields.map((name) => [name, row[name] ?? null]);
  const printed = Object.fromEntries(
    named.map(([name, value]) => {
      // Versions of OData 3 know no days, but midnights.
      const isDay =
        version === 'v1' && typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
      return [name, isDay ? `${value}T00:00:00Z` : value] as const;
    }),
  );
  return version === 'v2' ? { '@odata.etag': 'W/"356A192B7913"', ...printed } : printed;
}

function contextOf({ headers }: SimulatedRequest, version: Version, entity: string): string {
  return `https://${headers.host}/b1s/${version}/$metadata#${entity}`;
}

function compare(left: unknown, right: unknown, isNumber: boolean): number {
  if (isNumber) return Number(left) - Number(right);
  return String(left) < String(right) ? -1 : 1;
}

/** Numbers by their digits; a number as text is refused where one is due. */
function readExact(body: Buffer): Wanted {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? context?.source : value;
  return JSON.parse(body.toString(), exact) as Wanted;
}

function failureOf(version: Version) {
  return (status: number, code: number, value: string): SimulatedAnswer => ({
    status,
    body: {
      error:
        version === 'v1'
          ? { code, message: { lang: 'en-us', value } }
          : { code: String(code), message: value },
    },
  });
}
