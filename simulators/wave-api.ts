/** The HTTP side of a simulated Wave: GraphQL by the few queries that are asked, and tokens. */
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import { nodeOf, type WaveInvoice } from './wave-business.ts';

const LARGEST_PAGE = 100;

export type WaveApi = {
  readonly businessId: string;
  readonly invoices: WaveInvoice[];
  /** A full access token of the owner's. */
  readonly accessToken: string;
  readonly sorts: boolean;
  readonly billsHere: boolean;
  readonly authorization: AuthorizationServer;
};

type Asked = {
  readonly query: string;
  readonly variables: {
    readonly businessId?: string;
    readonly page: number;
    readonly pageSize: number;
  };
};

/** What Wave answers when asked too often; there is no Retry-After. */
export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  body: { errors: [{ message: 'Too many requests' }] },
};

/** Answers one request by the state of the business. */
export function answerWave(state: WaveApi, request: SimulatedRequest): SimulatedAnswer {
  const tokens = state.authorization.answer(request);
  if (tokens) return tokens;
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token !== state.accessToken && !state.authorization.accepts(token)) {
    return { ...fault('UNAUTHENTICATED', 'Unauthorized'), status: 401 };
  }
  if (request.method !== 'POST' || request.url.pathname !== '/graphql/public') {
    return { status: 404, body: 'Not Found' };
  }
  const { query, variables } = JSON.parse(request.body.toString()) as Asked;
  if (variables.pageSize > LARGEST_PAGE) return fault('BAD_USER_INPUT', 'pageSize is too large');
  if (/\bbusinesses\(/.test(query)) return answerBusinesses(state);
  return answerInvoices(state, query, variables);
}

function answerBusinesses({ businessId }: WaveApi): SimulatedAnswer {
  const currency = { code: 'USD' };
  const node = { id: businessId, name: 'Simulated Air Service', isPersonal: false, currency };
  const pageInfo = { currentPage: 1, totalPages: 1, totalCount: 1 };
  const user = { id: 'VXNlcjox', defaultEmail: 'owner@air.example' };
  return ok({ user, businesses: { pageInfo, edges: [{ node }] } });
}

function answerInvoices(
  { businessId, invoices, sorts }: WaveApi,
  query: string,
  { businessId: wanted, page, pageSize }: Asked['variables'],
): SimulatedAnswer {
  const isSorted = query.includes('MODIFIED_AT_DESC');
  if (isSorted && !sorts) {
    return fault(
      'GRAPHQL_VALIDATION_FAILED',
      'Value "MODIFIED_AT_DESC" does not exist in "InvoiceSort" enum.',
    );
  }
  if (wanted !== businessId) return fault('NOT_FOUND', 'Business not found');
  const sorted = isSorted
    ? invoices.toSorted((left, right) => right.modifiedAt.getTime() - left.modifiedAt.getTime())
    : invoices;
  const rows = sorted.slice((page - 1) * pageSize, page * pageSize);
  const totalPages = Math.ceil(invoices.length / pageSize);
  const pageInfo = { currentPage: page, totalPages, totalCount: invoices.length };
  const edges = rows.map((row) => ({ node: nodeOf(row) }));
  return ok({ business: { id: businessId, invoices: { pageInfo, edges } } });
}

function ok(data: unknown): SimulatedAnswer {
  return { status: 200, body: { data } };
}

/** An error as Wave tells one: with HTTP 200. */
function fault(code: string, message: string): SimulatedAnswer {
  return { status: 200, body: { errors: [{ extensions: { code }, message }], data: null } };
}
