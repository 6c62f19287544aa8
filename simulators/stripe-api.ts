/**
 * The simulated Stripe's REST API: lists newest first, cursors, expansion, errors in Stripe's form.
 */
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { StripeObject } from './stripe-objects.ts';

/** What the API can see. */
export type StripeStore = {
  readonly objects: ReadonlyMap<string, StripeObject>;
  /** The objects of a kind, in the order of creation. */
  all(kind: string): readonly StripeObject[];
  readonly secretKey: string;
  /** Unix seconds of the latest thing that happened. */
  now(): number;
};

const COLLECTIONS: Readonly<Record<string, string>> = {
  balance_transactions: 'balance_transaction',
  charges: 'charge',
  disputes: 'dispute',
  events: 'event',
  invoice_payments: 'invoice_payment',
  invoices: 'invoice',
  payment_intents: 'payment_intent',
  payouts: 'payout',
  refunds: 'refund',
};
const EVENTS_KEPT_SECONDS = 30 * 86_400;
const EVENT_TYPES_MAX = 20;
const EXPANSION_LEVELS_MAX = 4;

export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  headers: { 'stripe-rate-limited-reason': 'global-rate' },
  body: {
    error: {
      code: 'rate_limit',
      doc_url: 'https://stripe.com/docs/error-codes/rate-limit',
      message:
        'Request rate limit exceeded. You can learn more about rate limits here ' +
        'https://stripe.com/docs/rate-limits.',
      type: 'invalid_request_error',
    },
  },
};

/** Answers one request. */
export function answerStripe(store: StripeStore, request: SimulatedRequest): SimulatedAnswer {
  if (request.headers.authorization !== `Bearer ${store.secretKey}`) {
    return failure(401, { message: 'Invalid API Key provided: sk_test_********' });
  }
  if (request.method !== 'GET')
    return failure(405, { message: `${request.method} is not simulated` });
  const [, version, collection = '', id, ...rest] = request.url.pathname.split('/');
  if (version === 'v1' && collection === 'account' && id === undefined) {
    const name = 'Airworks Repair';
    return {
      status: 200,
      body: { id: 'acct_1SimAirworks', object: 'account', business_profile: { name } },
    };
  }
  const kind = COLLECTIONS[collection];
  if (version !== 'v1' || kind === undefined || rest.length > 0) {
    const message = `Unrecognized request URL (GET: ${request.url.pathname}).`;
    return failure(404, { message });
  }
  const query = request.url.searchParams;
  if (query.getAll('expand[]').some((path) => path.split('.').length > EXPANSION_LEVELS_MAX)) {
    const message = 'You cannot expand more than 4 levels of a property';
    return failure(400, { message, param: 'expand' });
  }
  return id === undefined ? list(store, kind, request.url) : one(store, kind, id, query);
}

function one(
  store: StripeStore,
  kind: string,
  id: string,
  query: URLSearchParams,
): SimulatedAnswer {
  const object = store.objects.get(decodeURIComponent(id));
  if (object?.object !== kind) {
    const message = `No such ${kind}: '${id}'`;
    return failure(404, { code: 'resource_missing', message, param: 'id' });
  }
  return { status: 200, body: expand(store, object, query.getAll('expand[]')) };
}

function list(store: StripeStore, kind: string, url: URL): SimulatedAnswer {
  const query = url.searchParams;
  const limit = Number(query.get('limit') ?? '10');
  const types = query.getAll('types[]');
  if (!(limit >= 1 && limit <= 100) || types.length > EVENT_TYPES_MAX) {
    return failure(400, { message: 'Invalid integer or too many values', param: 'limit' });
  }
  const all = [...store.objects.values()].filter((object) => fits(store, object, query)).reverse();
  const after = query.get('starting_after');
  const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== null && from === 0) {
    const message = `No such ${kind}: '${after}'`;
    return failure(400, { code: 'resource_missing', message, param: 'starting_after' });
  }
  const expansions = query.getAll('expand[]').map((path) => path.replace(/^data\./, ''));
  const data = all.slice(from, from + limit).map((object) => expand(store, object, expansions));
  const has_more = from + limit < all.length;
  return { status: 200, body: { object: 'list', url: url.pathname, has_more, data } };
}

function fits(store: StripeStore, object: StripeObject, query: URLSearchParams): boolean {
  const since = Number(query.get('created[gte]') ?? '0');
  const forgotten = object.object === 'event' ? store.now() - EVENTS_KEPT_SECONDS : 0;
  if (object.created < Math.max(since, forgotten)) return false;
  const types = query.getAll('types[]');
  if (types.length > 0 && !types.includes(String(object.type))) return false;
  return ['invoice', 'status'].every((field) => {
    const wanted = query.get(field);
    return wanted === null || object[field] === wanted;
  });
}

/** A copy in which the ids on `paths` are replaced by their objects. */
function expand(store: StripeStore, object: StripeObject, paths: readonly string[]): StripeObject {
  const copy = structuredClone(object);
  for (const path of paths) {
    let at: Record<string, unknown> | undefined = copy;
    for (const field of path.split('.')) {
      const value: unknown = at?.[field];
      const found = typeof value === 'string' ? store.objects.get(value) : undefined;
      if (at && found) at[field] = structuredClone(found);
      at = at?.[field] === null ? undefined : (at?.[field] as Record<string, unknown> | undefined);
    }
  }
  return copy;
}

function failure(status: number, error: Readonly<Record<string, string>>): SimulatedAnswer {
  return { status, body: { error: { type: 'invalid_request_error', ...error } } };
}
