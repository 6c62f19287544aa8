/** The simulated shop's Admin API: one GraphQL endpoint, tokens, pages, costs and refusals. */
import { z } from 'zod';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import { graphDispute, graphMovement, graphOrder, graphPayout, utc } from './shopify-objects.ts';
import type { ShopWorld } from './shopify-world.ts';

export type ShopAccess = {
  readonly accessToken: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Tokens issued to the client so far, all of which are good. */
  readonly issued: string[];
  /** True when a query meets an empty bucket. */
  throttles(): boolean;
};

const API = '/admin/api/2026-10/graphql.json';
/** Small, so that even a short story has several pages. */
const PAGE_SIZE = 7;

const asked = z.object({
  query: z.string(),
  variables: z
    .object({
      id: z.string().optional(),
      after: z.string().nullish(),
      query: z.string().optional(),
    })
    .default({}),
});
type Asked = z.output<typeof asked>;

export function answerShopify(
  world: ShopWorld,
  access: ShopAccess,
  request: SimulatedRequest,
): SimulatedAnswer {
  if (request.method !== 'POST') return { status: 405, body: { errors: 'Method Not Allowed' } };
  if (request.url.pathname === '/admin/oauth/access_token') return issueToken(access, request);
  if (request.url.pathname !== API) return { status: 404, body: { errors: 'Not Found' } };
  const token = request.headers['x-shopify-access-token'];
  if (token !== access.accessToken && !access.issued.includes(String(token))) {
    const errors = '[API] Invalid API key or access token (unrecognized login or wrong password)';
    return { status: 401, body: { errors } };
  }
  if (access.throttles()) return THROTTLED;
  const given = asked.parse(JSON.parse(request.body.toString('utf8')));
  return { status: 200, body: { ...answer(world, given), extensions: COST } };
}

const COST = {
  cost: {
    requestedQueryCost: 62,
    actualQueryCost: 14,
    throttleStatus: { maximumAvailable: 2000, currentlyAvailable: 1986, restoreRate: 100 },
  },
};

const THROTTLED: SimulatedAnswer = {
  status: 200,
  body: {
    errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
    extensions: {
      cost: {
        requestedQueryCost: 962,
        actualQueryCost: null,
        throttleStatus: { maximumAvailable: 2000, currentlyAvailable: 318, restoreRate: 100 },
      },
    },
  },
};

function issueToken(access: ShopAccess, request: SimulatedRequest): SimulatedAnswer {
  const form = new URLSearchParams(request.body.toString('utf8'));
  const isClient =
    form.get('grant_type') === 'client_credentials' &&
    form.get('client_id') === access.clientId &&
    form.get('client_secret') === access.clientSecret;
  if (!isClient) return { status: 400, body: { error: 'invalid_client' } };
  const token = `shpat_${access.issued.length}_${access.clientId}`;
  access.issued.push(token);
  return { status: 200, body: { access_token: token, scope: 'read_orders', expires_in: 86_399 } };
}

const SCOPES = [
  'read_all_orders',
  'read_orders',
  'read_customers',
  'read_shopify_payments_payouts',
  'read_shopify_payments_disputes',
];

function answer(world: ShopWorld, { query, variables }: Asked): object {
  const root = /\b(orders|order|disputes|payouts|balanceTransactions|shop)\b\s*[({]/.exec(
    query.replace(/^query \w+(\([^)]*\))?/, ''),
  )?.[1];
  const after = variables.after ?? null;
  switch (root) {
    case 'shop':
      return {
        data: {
          shop: { name: 'Simulated Parts', myshopifyDomain: world.shopDomain },
          currentAppInstallation: { accessScopes: SCOPES.map((handle) => ({ handle })) },
        },
      };
    case 'order': {
      const order = world.orders.find(({ id }) => `gid://shopify/Order/${id}` === variables.id);
      return { data: { order: order ? graphOrder(order) : null } };
    }
    case 'orders':
      return { data: { orders: page(changedOrders(world, variables.query ?? ''), after) } };
    case 'disputes': {
      const records = world.disputes.map((dispute) => {
        const order = world.orders.find(({ id }) => id === dispute.orderId);
        return graphDispute(dispute, order as NonNullable<typeof order>);
      });
      return ofAccount({ disputes: page(records.reverse(), after) });
    }
    case 'payouts':
      return ofAccount({ payouts: page(world.payouts.map(graphPayout).reverse(), after) });
    case 'balanceTransactions':
      return ofAccount({
        balanceTransactions: page(world.movements.map(graphMovement).reverse(), after),
      });
    default:
      return { errors: [{ message: `syntax error in ${query.slice(0, 60)}` }] };
  }
}

const ofAccount = (lists: object): object => ({ data: { shopifyPaymentsAccount: lists } });

function changedOrders(world: ShopWorld, search: string) {
  const since = /^updated_at:>='([^']+)'$/.exec(search)?.[1];
  if (since === undefined) throw new Error(`the search ${search} is not understood`);
  const from = utc(new Date(since));
  return world.orders
    .map(graphOrder)
    .filter(({ updatedAt }) => updatedAt >= from)
    .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

type Listed = { readonly id: string; readonly updatedAt?: string };

/** What a cursor remembers of a record: an order that changes meanwhile moves on, and the rest stays in place. */
const placeOf = ({ id, updatedAt = '' }: Listed): string => `${updatedAt} ${id}`;

/** Orders are listed by their last change, oldest first; everything else newest first, and stays where it is. */
function page<T extends Listed>(records: readonly T[], after: string | null) {
  const last = after === null ? undefined : Buffer.from(after, 'base64').toString('utf8');
  const place = records.findIndex((record) =>
    record.updatedAt === undefined ? placeOf(record) === last : placeOf(record) > (last ?? ''),
  );
  const from = last === undefined ? 0 : startOf(records, place);
  const nodes = records.slice(from, from + PAGE_SIZE);
  const end = nodes.at(-1);
  return {
    nodes,
    pageInfo: {
      hasNextPage: from + nodes.length < records.length,
      endCursor: end ? Buffer.from(placeOf(end)).toString('base64') : null,
    },
  };
}

/** The record itself was found for orders, the one before it for all others. */
function startOf(records: readonly Listed[], place: number): number {
  if (place < 0) return records.length;
  return records[place]?.updatedAt === undefined ? place + 1 : place;
}
