/** The HTTP side of a simulated Wave: GraphQL by the few queries that are asked, and tokens. */
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import { nodeOf } from './wave-business.ts';
import { approveInvoice, recordPayment } from './wave-mutations.ts';
import { type Asked, fault, ok, type WaveApi } from './wave-state.ts';

const LARGEST_PAGE = 100;

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
  const { query, variables = {} } = JSON.parse(request.body.toString()) as Asked;
  if ((variables.pageSize ?? 0) > LARGEST_PAGE) {
    return fault('BAD_USER_INPUT', 'pageSize is too large');
  }
  return answerQuery(state, { query, variables });
}

function answerQuery(state: WaveApi, asked: Asked): SimulatedAnswer {
  const { query, variables } = asked;
  const { offers } = state;
  if (query.includes('__type(')) return ok(introspected(state));
  if (query.includes('payments {') && !offers.payments) return unknownField('payments', 'Invoice');
  if (query.includes('invoice(') && !offers.oneInvoice) return unknownField('invoice', 'Business');
  if (query.includes('invoicePaymentCreateManual(')) return recordPayment(state, asked);
  if (query.includes('invoiceApprove(')) return approveInvoice(state, asked);
  if (/\bbusinesses\(/.test(query)) return answerBusinesses(state);
  if (variables.businessId !== state.businessId) return fault('NOT_FOUND', 'Business not found');
  if (/\baccounts\(/.test(query)) return answerAccounts(state);
  if (/\binvoice\(/.test(query)) return answerInvoice(state, asked);
  return answerInvoices(state, asked);
}

function answerBusinesses({ businessId, furtherBusinesses, ...state }: WaveApi): SimulatedAnswer {
  const currency = { code: state.homeCurrency };
  const own = [businessId, 'Simulated Air Service'] as const;
  const further = furtherBusinesses.map(
    (name, index) => [Buffer.from(`Business:${index}`).toString('base64'), name] as const,
  );
  const edges = [own, ...further].map(([id, name]) => ({
    node: { id, name, isPersonal: false, currency },
  }));
  const pageInfo = { currentPage: 1, totalPages: 1, totalCount: edges.length };
  const user = { id: 'VXNlcjox', defaultEmail: 'owner@air.example' };
  return ok({ user, businesses: { pageInfo, edges } });
}

function answerAccounts({ accounts }: WaveApi): SimulatedAnswer {
  const edges = [...accounts].map(([id, name]) => ({ node: { id, name } }));
  return ok({ business: { accounts: { edges } } });
}

function answerInvoice(state: WaveApi, { query, variables }: Asked): SimulatedAnswer {
  const { businessId, invoices, homeCurrency } = state;
  const found = invoices.find(({ id }) => id === variables.invoiceId);
  const currency = { code: homeCurrency };
  const invoice = found ? askedFields(query, nodeOf(found)) : null;
  return ok({ business: { id: businessId, currency, invoice } });
}

function answerInvoices(state: WaveApi, { query, variables }: Asked): SimulatedAnswer {
  const { businessId, invoices, sorts, homeCurrency } = state;
  const { page = 1, pageSize = 10 } = variables;
  const isSorted = query.includes('MODIFIED_AT_DESC');
  if (isSorted && !sorts) {
    return fault(
      'GRAPHQL_VALIDATION_FAILED',
      'Value "MODIFIED_AT_DESC" does not exist in "InvoiceSort" enum.',
    );
  }
  const sorted = isSorted
    ? invoices.toSorted((left, right) => right.modifiedAt.getTime() - left.modifiedAt.getTime())
    : invoices;
  const rows = sorted.slice((page - 1) * pageSize, page * pageSize);
  const totalPages = Math.ceil(invoices.length / pageSize);
  const pageInfo = { currentPage: page, totalPages, totalCount: invoices.length };
  const edges = rows.map((row) => ({ node: askedFields(query, nodeOf(row)) }));
  const currency = { code: homeCurrency };
  return ok({ business: { id: businessId, currency, invoices: { pageInfo, edges } } });
}

/** GraphQL answers what was asked for and nothing more. */
function askedFields(
  query: string,
  node: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(node).filter(([name]) => new RegExp(`\\b${name}\\b`).test(query)),
  );
}

/** What the schema says of itself, as far as it is asked. */
function introspected({ offers }: WaveApi) {
  const scalar = { kind: 'SCALAR', fields: null, ofType: null };
  const text = (name: string) => ({ name, args: [], type: scalar });
  const element = {
    kind: 'OBJECT',
    fields: [
      text('id'),
      { name: 'amount', type: { kind: 'NON_NULL', ofType: scalar } },
      text('memo'),
    ],
  };
  const list = { kind: 'LIST', fields: null, ofType: { kind: 'NON_NULL', ofType: element } };
  const payments = { name: 'payments', args: [], type: { kind: 'NON_NULL', ofType: list } };
  const one = { name: 'invoice' };
  return {
    invoice: { kind: 'OBJECT', fields: [text('id'), ...(offers.payments ? [payments] : [])] },
    business: {
      fields: [{ name: 'id' }, { name: 'invoices' }, ...(offers.oneInvoice ? [one] : [])],
    },
  };
}

function unknownField(name: string, type: string): SimulatedAnswer {
  return fault('GRAPHQL_VALIDATION_FAILED', `Cannot query field "${name}" on type "${type}".`);
}
