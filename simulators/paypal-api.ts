/** The simulated PayPal's API: tokens, objects, Transaction Search in pages and windows, disputes, verification. */
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  wireDispute,
  wireInvoice,
  wireOrder,
  wireRefund,
  wireTransactions,
} from './paypal-objects.ts';
import { CERTIFICATE_PATH, throwAway, verifyRequest } from './paypal-signing.ts';
import type { PaypalWorld } from './paypal-world.ts';

const LONGEST_SEARCH_MS = 31 * 86_400_000;
/** Small, so that there is always a next page to be read. */
const DISPUTES_A_PAGE = 2;
const TRANSACTIONS_A_PAGE = 20;

export const TOO_MANY = problem(429, 'RATE_LIMIT_REACHED', 'Too many requests.');

/** An error in PayPal's own form. */
function problem(status: number, name: string, message: string, issue?: string): SimulatedAnswer {
  const details = issue === undefined ? {} : { details: [{ issue }] };
  return { status, body: { name, message, debug_id: '8b2c1f0d7e6a5', ...details, links: [] } };
}

const ok = (body: unknown): SimulatedAnswer => ({ status: 200, body });
const notFound = () => problem(404, 'RESOURCE_NOT_FOUND', 'The specified resource does not exist.');

/** What PayPal answers. */
export function answerPaypal(world: PaypalWorld, request: SimulatedRequest): SimulatedAnswer {
  const { pathname } = request.url;
  if (pathname === CERTIFICATE_PATH) return { status: 200, body: throwAway.chain };
  if (pathname === '/v1/oauth2/token') return issueToken(world, request);
  const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
  if (!world.tokens.has(token)) {
    return { status: 401, body: { error: 'invalid_token', error_description: 'Token is invalid' } };
  }
  if (pathname === '/v1/reporting/transactions') return search(world, request.url.searchParams);
  if (pathname === '/v1/reporting/balances') {
    return ok({ balances: [], account_id: 'XZXSPECPDZHZU', as_of_time: '2026-11-02T00:00:00Z' });
  }
  if (pathname === '/v1/customer/disputes') return listDisputes(world, request);
  if (pathname === '/v1/notifications/verify-webhook-signature' && request.method === 'POST') {
    return ok({ verification_status: verifyRequest(request.body, world.webhookId) });
  }
  if (pathname === '/v2/invoicing/search-invoices' && request.method === 'POST') {
    const items = world.payments.filter(({ order }) => order.invoiceNumber).map(wireInvoice);
    return ok({ items, total_pages: 1 });
  }
  return answerObject(world, pathname);
}

function issueToken(world: PaypalWorld, { headers, body }: SimulatedRequest): SimulatedAnswer {
  const pair = Buffer.from(`${world.clientId}:${world.clientSecret}`).toString('base64');
  if (headers.authorization !== `Basic ${pair}`) {
    return { status: 401, body: { error: 'invalid_client' } };
  }
  if (body.toString() !== 'grant_type=client_credentials') {
    return { status: 400, body: { error: 'unsupported_grant_type' } };
  }
  const token = `A21AA-${world.tokens.size + 1}-${world.clientId}`;
  world.tokens.add(token);
  return ok({ scope: '', access_token: token, token_type: 'Bearer', expires_in: 32_400 });
}

function answerObject(world: PaypalWorld, pathname: string): SimulatedAnswer {
  const [, kind, id] =
    /^\/v\d\/(?:checkout|payments|customer|notifications|invoicing)\/(\w+)\/([\w-]+)$/.exec(
      pathname,
    ) ?? [];
  const { payments } = world;
  switch (kind) {
    case 'orders': {
      const payment = payments.find((one) => one.orderId === id && one.generation === 'v2');
      return payment ? ok(wireOrder(payment)) : notFound();
    }
    case 'refunds': {
      const payment = payments.find(({ refunds }) => refunds.some((one) => one.id === id));
      const refund = payment?.refunds.find((one) => one.id === id);
      return payment && refund ? ok(wireRefund(payment, refund)) : notFound();
    }
    case 'disputes': {
      const payment = payments.find(({ dispute }) => dispute?.id === id);
      return payment?.dispute ? ok(wireDispute(payment, payment.dispute)) : notFound();
    }
    case 'invoices': {
      const payment = payments.find(({ orderId }) => `INV2-${orderId}` === id);
      return payment ? ok(wireInvoice(payment)) : notFound();
    }
    case 'webhooks':
      return id === world.webhookId ? ok({ id }) : notFound();
    default:
      return notFound();
  }
}

function search(world: PaypalWorld, query: URLSearchParams): SimulatedAnswer {
  const from = Date.parse(query.get('start_date') ?? '');
  const to = Date.parse(query.get('end_date') ?? '');
  const page = Number(query.get('page') ?? '1');
  const pageSize = Number(query.get('page_size') ?? '100');
  const wrong =
    !(from <= to) || to - from > LONGEST_SEARCH_MS || !(pageSize >= 1 && pageSize <= 500);
  if (wrong) return problem(400, 'INVALID_REQUEST', 'Request is not well-formed.');
  const all = query.get('balance_affecting_records_only') === 'N';
  const found = wireTransactions(world).filter(
    (one) => one.at.getTime() >= from && one.at.getTime() <= to && (all || one.affectsBalance),
  );
  if (found.length > world.mostResults) {
    const message = 'Result set size is greater than the maximum limit.';
    return problem(400, 'INVALID_REQUEST', message, 'RESULTSET_TOO_LARGE');
  }
  const shown = Math.min(pageSize, TRANSACTIONS_A_PAGE);
  return ok({
    transaction_details: found.slice((page - 1) * shown, page * shown).map(({ wire }) => wire),
    account_number: 'XZXSPECPDZHZU',
    page,
    total_items: found.length,
    total_pages: Math.ceil(found.length / shown),
    links: [],
  });
}

/** Summaries, latest first, as PayPal lists them. */
function listDisputes(world: PaypalWorld, { url }: SimulatedRequest): SimulatedAnswer {
  const after = Date.parse(url.searchParams.get('update_time_after') ?? '1970-01-01');
  const start = Number(url.searchParams.get('next_page_token') ?? '0');
  const found = world.payments
    .flatMap((payment) => (payment.dispute ? [{ payment, dispute: payment.dispute }] : []))
    .filter(({ dispute }) => dispute.changedAt.getTime() >= after)
    .sort((a, b) => b.dispute.at.getTime() - a.dispute.at.getTime());
  const end = start + DISPUTES_A_PAGE;
  const next = new URL('https://api.paypal.com/v1/customer/disputes');
  next.searchParams.set('next_page_token', String(end));
  return ok({
    items: found.slice(start, end).map(({ payment, dispute }) => {
      const { dispute_id, create_time, update_time, status, dispute_amount } = wireDispute(
        payment,
        dispute,
      );
      return { dispute_id, create_time, update_time, status, dispute_amount };
    }),
    links: end < found.length ? [{ href: next.href, rel: 'next', method: 'GET' }] : [],
  });
}
