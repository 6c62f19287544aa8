/**
 * The HTTP side of a simulated QuickBooks: tokens, queries, changes, reads and payments created.
 */
import { fromDecimalText } from '../src/money/money.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  type Company,
  changedSince,
  companyTime,
  enterPayment,
  findRow,
  livingRows,
  SIMULATED_ENTITIES,
  voidPayment,
} from './quickbooks-company.ts';
import { readStatement, runStatement } from './quickbooks-query.ts';
import type { Random } from './random.ts';

const MAX_CHANGES = 1000;

export type ApiState = {
  readonly company: Company;
  readonly random: Random;
  readonly realmId: string;
  readonly authorization: AuthorizationServer;
  /** First answers by `requestid`. */
  readonly replays: Map<string, SimulatedAnswer>;
};

/** What QuickBooks answers when asked too often; there is no dependable Retry-After. */
export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  body: {
    Fault: {
      Error: [{ Message: 'message=ThrottleExceeded; errorCode=003001; statusCode=429' }],
      type: 'SystemFault',
    },
  },
};

/** Answers one request by the state of the company. */
export function answerRequest(state: ApiState, request: SimulatedRequest): SimulatedAnswer {
  const { method, url, headers } = request;
  const authorized = state.authorization.answer(request);
  if (authorized) return authorized;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!state.authorization.accepts(token)) return fault(401, '3200', 'AuthenticationFailed');
  const prefix = `/v3/company/${state.realmId}/`;
  if (!url.pathname.startsWith(prefix)) return fault(403, '3100', 'ApplicationAuthorizationFailed');
  const [resource = '', id] = url.pathname.slice(prefix.length).split('/');
  if (method === 'POST' && resource === 'payment') return createPayment(state, request);
  if (method !== 'GET') return fault(400, '500', 'Unsupported Operation');
  switch (resource) {
    case 'query':
      return answerQuery(state, url);
    case 'cdc':
      return answerChanges(state, url);
    case 'companyinfo':
      return ok(state, { CompanyInfo: { CompanyName: 'Simulated Air Service', Id: '1' } });
    default:
      return answerRead(state, resource, id ?? '');
  }
}

function answerQuery(state: ApiState, url: URL): SimulatedAnswer {
  const statement = readStatement(url.searchParams.get('query') ?? '');
  const entity = SIMULATED_ENTITIES.find((known) => known === statement?.entity);
  if (!statement || !entity) return fault(400, '4000', 'Error parsing query');
  const rows = runStatement(statement, livingRows(state.company, entity));
  if (rows.length === 0) return ok(state, { QueryResponse: {} });
  const { startPosition } = statement;
  const QueryResponse = { [entity]: rows, startPosition, maxResults: rows.length };
  return ok(state, { QueryResponse });
}

/** At most 1000 objects over all entities together, and no word about those that did not fit. */
function answerChanges(state: ApiState, url: URL): SimulatedAnswer {
  const since = new Date(url.searchParams.get('changedSince') ?? '');
  if (Number.isNaN(since.getTime())) return fault(400, '4000', 'changedSince is not a time');
  let room = MAX_CHANGES;
  const blocks: Record<string, unknown>[] = [];
  for (const name of (url.searchParams.get('entities') ?? '').split(',')) {
    const entity = SIMULATED_ENTITIES.find((known) => known === name);
    if (!entity) return fault(400, '4000', `invalid entity ${name}`);
    const rows = changedSince(state.company, entity, since).slice(0, room);
    room -= rows.length;
    blocks.push(
      rows.length === 0
        ? {}
        : { [entity]: rows, startPosition: 1, maxResults: rows.length, totalCount: rows.length },
    );
  }
  return ok(state, { CDCResponse: [{ QueryResponse: blocks }] });
}

function answerRead(state: ApiState, resource: string, id: string): SimulatedAnswer {
  const entity = SIMULATED_ENTITIES.find((known) => known.toLowerCase() === resource);
  const row = entity && findRow(state.company, entity, id);
  return row ? ok(state, { [entity]: row }) : fault(400, '610', 'Object Not Found');
}

function createPayment(state: ApiState, request: SimulatedRequest): SimulatedAnswer {
  const requestId = request.url.searchParams.get('requestid');
  const first = requestId === null ? undefined : state.replays.get(requestId);
  if (first) return first;
  const voids = request.url.searchParams.get('include') === 'void';
  const answer = voids
    ? voidRequestedPayment(state, request.body)
    : enterRequestedPayment(state, request.body);
  if (requestId !== null && answer.status === 200) state.replays.set(requestId, answer);
  return answer;
}

function voidRequestedPayment(state: ApiState, body: Buffer): SimulatedAnswer {
  const { company } = state;
  const { Id = '', SyncToken } = JSON.parse(body.toString()) as Record<string, string | undefined>;
  const row = findRow(company, 'Payment', Id);
  if (!row) return fault(400, '610', 'Object Not Found');
  if (String(row.SyncToken) !== SyncToken) return fault(400, '5010', 'Stale Object Error');
  voidPayment(company, Id, company.latest);
  return ok(state, { Payment: findRow(company, 'Payment', Id) });
}

function enterRequestedPayment(state: ApiState, body: Buffer): SimulatedAnswer {
  const { company } = state;
  const wanted = readExact(body);
  const currency = String(wanted.CurrencyRef?.value ?? 'USD');
  const customer = findRow(company, 'Customer', String(wanted.CustomerRef?.value));
  const reference = wanted.PaymentRefNum ?? '';
  if (!customer || wanted.TotalAmt === undefined) {
    return fault(400, '2020', 'Required parameter CustomerRef or TotalAmt is missing');
  }
  if (reference.length > 21) return fault(400, '2050', 'PaymentRefNum is too long');
  const shares = (wanted.Line ?? []).flatMap(({ Amount, LinkedTxn }) =>
    LinkedTxn.map(({ TxnId }) => ({
      invoiceId: TxnId,
      amountMinor: fromDecimalText(Amount, currency).minor,
    })),
  );
  if (shares.some(({ invoiceId }) => !findRow(company, 'Invoice', invoiceId))) {
    return fault(400, '610', 'Object Not Found');
  }
  const { CreditChargeInfo, CreditChargeResponse } = wanted.CreditCardPayment ?? {};
  const processed = CreditChargeResponse?.CCTransId;
  // Without saying that it was processed, what a card payment says of its transaction is not kept.
  if (wanted.CreditCardPayment && !(CreditChargeInfo?.ProcessPayment && processed)) {
    return fault(400, '6000', 'A card payment needs ProcessPayment and CCTransId');
  }
  const amountMinor = fromDecimalText(wanted.TotalAmt, currency).minor;
  if (shares.reduce((sum, share) => sum + share.amountMinor, 0n) > amountMinor) {
    return fault(400, '6000', 'The amount applied exceeds the payment');
  }
  const id = enterPayment(
    company,
    {
      customer: { value: customer.Id, name: String(customer.DisplayName) },
      amountMinor,
      currency,
      shares,
      ...(reference === '' ? {} : { reference }),
      ...(wanted.PrivateNote ? { note: wanted.PrivateNote } : {}),
      ...(processed === undefined ? {} : { processed }),
      by: 'client',
    },
    company.latest,
  );
  return ok(state, { Payment: findRow(company, 'Payment', id) });
}

type WantedPayment = {
  readonly CustomerRef?: { readonly value: string };
  readonly CurrencyRef?: { readonly value: string };
  readonly TotalAmt?: string;
  readonly PaymentRefNum?: string;
  readonly PrivateNote?: string;
  readonly CreditCardPayment?: {
    readonly CreditChargeInfo?: { readonly ProcessPayment?: boolean };
    readonly CreditChargeResponse?: { readonly CCTransId?: string };
  };
  readonly Line?: readonly {
    readonly Amount: string;
    readonly LinkedTxn: readonly { readonly TxnId: string }[];
  }[];
};

/** Amounts as the client wrote them, so that a float on its side would show. */
function readExact(body: Buffer): WantedPayment {
  return JSON.parse(body.toString(), (_key, value, context?: { source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  );
}

/**
 * Encoded here, because the answer is a promise of digits and rows may change before it is sent.
 */
function ok({ company }: ApiState, body: Readonly<Record<string, unknown>>): SimulatedAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, time: companyTime(company.latest) }),
  };
}

function fault(status: number, code: string, Message: string): SimulatedAnswer {
  const type = status === 401 ? 'AUTHENTICATION' : 'ValidationFault';
  return { status, body: { Fault: { Error: [{ Message, Detail: Message, code }], type } } };
}
