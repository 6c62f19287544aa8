/** The REST API of a simulated Intacct: tokens, the query service, payments created, reversed and deleted. */
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Random } from './random.ts';
import {
  addPayment,
  BusinessRule,
  type Company,
  deleteDraft,
  reversePayment,
} from './sage-intacct-company.ts';
import {
  BadQuery,
  type Condition,
  compare,
  fieldsOf,
  holds,
  requireFields,
} from './sage-intacct-conditions.ts';
import { rounded } from './sage-intacct-gateway.ts';
import { methodFrom, type Row, restRows } from './sage-intacct-rows.ts';

export type RestState = {
  readonly company: Company;
  readonly random: Random;
  readonly authorization: AuthorizationServer;
  /** `user@company` as which an app may sign in by itself. */
  readonly username: string;
  readonly ownTokens: Set<string>;
  readonly accounts: readonly string[];
  readonly entities: readonly string[];
  readonly idempotencyKeys: Set<string>;
  readonly charges: string[];
};

/** Fewer than Intacct gives, so that lists have pages. */
const MOST_ROWS = 5;
const BASE = '/ia/api/v1/';
const TOKEN_PATH = `${BASE}oauth2/token`;
const PAYMENTS = 'objects/accounts-receivable/payment';

export const TOO_MANY_REST: SimulatedAnswer = failure(
  429,
  'tooManyRequests',
  'Rate limit exceeded',
);

/** Answers one request by the state of the company. */
export function answerRest(state: RestState, request: SimulatedRequest): SimulatedAnswer {
  const { method, url } = request;
  const own =
    method === 'POST' && url.pathname === TOKEN_PATH ? ownToken(state, request) : undefined;
  const authorized = own ?? state.authorization.answer(request);
  if (authorized) return authorized;
  const date = state.company.latest.toUTCString();
  const answer = answerAllowed(state, request);
  return { ...answer, headers: { ...answer.headers, date } };
}

/** The grant by which an app signs in by itself, as a user that it must name. */
function ownToken(state: RestState, { body }: SimulatedRequest): SimulatedAnswer | undefined {
  const form = new URLSearchParams(body.toString());
  if (form.get('grant_type') !== 'client_credentials') return undefined;
  const { clientId, clientSecret } = state.authorization;
  const known = form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
  if (!known) return { status: 401, body: { error: 'invalid_client' } };
  if (form.get('username') !== state.username) {
    return { status: 400, body: { error: 'invalid_request' } };
  }
  const token = `simulated-access-${state.random.token(24)}`;
  state.ownTokens.add(token);
  return { status: 200, body: { token_type: 'Bearer', access_token: token, expires_in: 21_600 } };
}

function answerAllowed(state: RestState, request: SimulatedRequest): SimulatedAnswer {
  const { method, url, headers, body } = request;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!state.authorization.accepts(token) && !state.ownTokens.has(token ?? '')) {
    // Both are seen; which one does not depend on anything the client could know.
    return state.random.chance(0.5)
      ? failure(401, 'unauthorized', 'Unauthorized')
      : failure(400, 'invalidRequest', 'Invalid token');
  }
  const entity = headers['x-ia-api-param-entity'] ?? null;
  if (entity !== null && !state.entities.includes(entity)) {
    return failure(403, 'forbidden', `No access to entity ${entity}`);
  }
  const path = url.pathname.startsWith(BASE) ? url.pathname.slice(BASE.length) : '';
  const json = (): Asked => JSON.parse(body.toString() || '{}') as Asked;
  try {
    if (method === 'POST' && path === 'services/core/query') return query(state, json(), entity);
    if (method === 'POST' && path === PAYMENTS) return create(state, request, json(), entity);
    if (method === 'POST' && path === 'workflows/accounts-receivable/payment/reverse') {
      const { key, reversedDate } = json();
      requireKnown(state, key);
      reversePayment(state.company, key ?? '', reversedDate ?? '', state.company.latest);
      return object({ key, id: key, state: 'reversal' });
    }
    if (method === 'DELETE' && path.startsWith(`${PAYMENTS}/`)) {
      const key = path.slice(PAYMENTS.length + 1);
      requireKnown(state, key);
      deleteDraft(state.company, key);
      return { status: 204 };
    }
    return failure(404, 'notFound', 'No such resource');
  } catch (error) {
    if (error instanceof NotThere) return failure(404, 'notFound', error.message);
    if (error instanceof BadQuery) return failure(400, 'invalidRequest', error.message);
    if (error instanceof BusinessRule) return failure(422, 'invalidRequest', error.message);
    throw error;
  }
}

type Asked = {
  readonly object?: string;
  readonly fields?: readonly string[];
  readonly filters?: readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[];
  readonly filterExpression?: string;
  readonly filterParameters?: { readonly includePrivate?: boolean };
  readonly orderBy?: readonly Readonly<Record<string, string>>[];
  readonly start?: number;
  readonly size?: number;
  readonly key?: string;
  readonly reversedDate?: string;
  readonly financialEntity?: { readonly entityId?: string };
  readonly undepositedGLAccount?: { readonly id?: string };
  readonly customer?: { readonly id?: string };
  readonly paymentMethod?: string;
  readonly documentNumber?: string;
  readonly description?: string;
  readonly receiptDate?: string;
  readonly txnCurrency?: { readonly currency?: string };
  readonly overPaymentAmount?: string;
  readonly paymentDetails?: readonly {
    readonly arInvoice?: { readonly key?: string };
    readonly txnCurrency?: { readonly paymentAmount?: string };
  }[];
};

function query(state: RestState, asked: Asked, entity: string | null): SimulatedAnswer {
  const { object: name = '', fields = [], filters = [], filterExpression = 'and' } = asked;
  const all = restRows(state.company, name);
  const { start = 1, size = 100 } = asked;
  if (!all || fields.length === 0 || start < 1 || size < 1 || size > 2000) {
    throw new BadQuery(`object ${name}`);
  }
  const conditions = filters.flatMap(conditionsOf);
  const condition = filterExpression === 'or' ? { any: conditions } : { all: conditions };
  const [order = 'key'] = (asked.orderBy ?? []).flatMap((one) => Object.keys(one));
  requireFields([...fields, order, ...fieldsOf(condition)], all);
  const everything = entity === null && asked.filterParameters?.includePrivate === true;
  const rows = all
    .filter((row) => everything || row.entity === null || row.entity === entity)
    .filter((row) => holds(condition, row))
    .sort((a, b) => compare(a.fields[order] ?? '', b.fields[order] ?? ''));
  const pageSize = Math.min(size, MOST_ROWS);
  const page = rows.slice(start - 1, start - 1 + pageSize);
  const next = start + pageSize <= rows.length ? start + pageSize : null;
  return {
    status: 200,
    body: {
      'ia::result': page.map(({ fields: held }: Row) =>
        Object.fromEntries(fields.map((field) => [field, held[field] ?? null])),
      ),
      'ia::meta': { totalCount: rows.length, start, pageSize, next, previous: null },
    },
  };
}

const OPERATORS: Readonly<Record<string, '=' | '>' | '>=' | 'in'>> = {
  $eq: '=',
  $gt: '>',
  $gte: '>=',
  $in: 'in',
};

function conditionsOf(
  filter: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): readonly Condition[] {
  return Object.entries(filter).flatMap(([name, compared]) => {
    const operator = OPERATORS[name];
    if (operator === undefined) throw new BadQuery(`There is no operator ${name}`);
    return Object.entries(compared).map(([field, value]) => ({
      field,
      operator,
      values: (Array.isArray(value) ? value : [value]).map(String),
    }));
  });
}

function create(
  state: RestState,
  { headers }: SimulatedRequest,
  asked: Asked,
  entity: string | null,
): SimulatedAnswer {
  const key = headers['idempotency-key'];
  if (key !== undefined) {
    if (state.idempotencyKeys.has(key))
      return failure(409, 'conflict', 'The request is at odds with another');
    state.idempotencyKeys.add(key);
  }
  const currency = asked.txnCurrency?.currency;
  const details = asked.paymentDetails ?? [];
  const account = asked.financialEntity?.entityId ?? asked.undepositedGLAccount?.id ?? '';
  if (!state.accounts.includes(account) || currency === undefined || details.length === 0) {
    throw new BusinessRule(
      'Payload contains errors: an account, a currency and details are needed',
    );
  }
  const method = methodFrom(asked.paymentMethod ?? '');
  if (method === undefined) {
    state.charges.push(asked.paymentMethod ?? '');
    throw new BusinessRule(`paymentMethod ${asked.paymentMethod} charges the customer`);
  }
  const shares = details.map(({ arInvoice, txnCurrency }) => ({
    invoice: arInvoice?.key ?? '',
    minor: rounded(txnCurrency?.paymentAmount ?? '', currency),
  }));
  const beyond = rounded(asked.overPaymentAmount ?? '0', currency);
  const made = addPayment(
    state.company,
    {
      method,
      customerId: asked.customer?.id ?? '',
      docNumber: asked.documentNumber ?? '',
      description: asked.description ?? '',
      day: asked.receiptDate ?? '',
      currency,
      minor: shares.reduce((sum, { minor }) => sum + minor, beyond),
      shares,
      entity,
      recorded: true,
    },
    state.company.latest,
  );
  return object({ key: made, id: made, href: `/${PAYMENTS}/${made}` }, 201);
}

class NotThere extends Error {
  override readonly name = 'NotThere';
}

function requireKnown({ company }: RestState, key = ''): void {
  if (!company.payments.has(key)) throw new NotThere(`Payment ${key} does not exist`);
}

function object(result: unknown, status = 200): SimulatedAnswer {
  const meta = { totalCount: 1, totalSuccess: 1, totalError: 0 };
  return { status, body: { 'ia::result': result, 'ia::meta': meta } };
}

function failure(status: number, code: string, message: string): SimulatedAnswer {
  const error = { code, message, errorId: 'REST-1028', supportId: 'simulated', details: [] };
  const meta = { totalCount: 1, totalSuccess: 0, totalError: 1 };
  return { status, body: { 'ia::result': { 'ia::error': error }, 'ia::meta': meta } };
}
