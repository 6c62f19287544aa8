/** Asking the Admin API: what is asked for, and what its answers mean, whose errors come with status 200. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import type { Settings } from './settings.ts';

const MONEY = '{ amount currencyCode }';

const ORDER_FIELDS = `id legacyResourceId name poNumber note email customAttributes { key value } updatedAt test
  customer { id displayName defaultEmailAddress { emailAddress } }
  billingAddress { company }
  transactions(first: 50) {
    id kind status gateway test createdAt processedAt errorCode paymentId
    parentTransaction { id }
    amountSet { shopMoney ${MONEY} presentmentMoney ${MONEY} }
    fees { type amount ${MONEY} }
  }`;
const PAGE_INFO = 'pageInfo { hasNextPage endCursor }';

export const QUERIES = {
  order: `query Order($id: ID!) { order(id: $id) { ${ORDER_FIELDS} } }`,
  orders: `query Orders($after: String, $query: String) {
    orders(first: 50, after: $after, sortKey: UPDATED_AT, query: $query) { nodes { ${ORDER_FIELDS} } ${PAGE_INFO} }
  }`,
  disputes: `query Disputes($after: String) { shopifyPaymentsAccount {
    disputes(first: 50, after: $after, reverse: true) {
      nodes {
        id type status amount ${MONEY} initiatedAt finalizedOn reasonDetails { reason networkReasonCode }
        order { id transactions(first: 50) { id kind status gateway } }
      }
      ${PAGE_INFO}
    }
  } }`,
  payouts: `query Payouts($after: String) { shopifyPaymentsAccount {
    payouts(first: 50, after: $after, sortKey: ISSUED_AT, reverse: true) {
      nodes { id legacyResourceId issuedAt status transactionType net ${MONEY} }
      ${PAGE_INFO}
    }
  } }`,
  balanceTransactions: `query BalanceTransactions($after: String) { shopifyPaymentsAccount {
    balanceTransactions(first: 100, after: $after, sortKey: PROCESSED_AT, reverse: true) {
      nodes {
        id type test transactionDate amount ${MONEY} fee ${MONEY} net ${MONEY}
        sourceType sourceId sourceOrderTransactionId associatedOrder { id name } associatedPayout { id status }
      }
      ${PAGE_INFO}
    }
  } }`,
  shop: 'query Shop { shop { name myshopifyDomain } currentAppInstallation { accessScopes { handle } } }',
} as const;

const answered = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .union([
      z.string(),
      z.array(
        z.object({
          message: z.string(),
          extensions: z.object({ code: z.string().nullish() }).nullish(),
        }),
      ),
    ])
    .nullish(),
  extensions: z
    .object({
      cost: z
        .object({
          requestedQueryCost: z.number().nullish(),
          throttleStatus: z
            .object({ currentlyAvailable: z.number(), restoreRate: z.number() })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
type Answered = z.output<typeof answered>;

export type GraphAnswer = {
  readonly body: Buffer;
  readonly data: Readonly<Record<string, unknown>>;
  /** A permission is missing for a part of what was asked; that part is null. */
  readonly denied: string | undefined;
};

/**
 * Asks one query. @throws RetryLater with the time that restores the points it costs; Rejected; WireMismatch; what the
 * transport throws
 */
export async function ask(
  api: PortalApi,
  settings: Settings,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<GraphAnswer> {
  const { status, body } = await api.request({
    method: 'POST',
    path: `/admin/api/${settings.apiVersion}/graphql.json`,
    json: { query, variables },
  });
  const answer = readWire(answered, parseJson(body));
  const errors =
    typeof answer.errors === 'string'
      ? [{ message: answer.errors, extensions: null }]
      : (answer.errors ?? []);
  const codes = errors.map(({ extensions }) => extensions?.code ?? '');
  if (codes.includes('THROTTLED')) throw throttled(answer);
  if (codes.includes('INTERNAL_SERVER_ERROR') || codes.includes('TIMEOUT')) {
    throw new RetryLater(`Shopify answered ${codes.find(Boolean)}`);
  }
  const denied = codes.includes('ACCESS_DENIED') ? errors[0]?.message : undefined;
  if (errors.length > 0 && !codes.every((code) => code === 'ACCESS_DENIED')) {
    const said = errors.map(({ message }) => message).join('; ');
    throw new Rejected(`Shopify refused the query: ${said.slice(0, 300)}`, {
      status,
      body: said.slice(0, 2000),
    });
  }
  if (!answer.data && !denied) throw new WireMismatch('data: missing in the answer');
  return { body, data: answer.data ?? {}, denied };
}

/** Shopify says what the query would cost, what is left and how fast it comes back. */
function throttled({ extensions }: Answered): RetryLater {
  const { requestedQueryCost, throttleStatus } = extensions?.cost ?? {};
  if (!requestedQueryCost || !throttleStatus || throttleStatus.restoreRate <= 0) {
    return new RetryLater('Shopify asks to slow down');
  }
  const missing = Math.max(0, requestedQueryCost - throttleStatus.currentlyAvailable);
  const afterMs = Math.ceil((missing / throttleStatus.restoreRate) * 1000);
  return new RetryLater('Shopify asks to slow down', { afterMs });
}

const shopAnswer = z.object({
  shop: z.object({ name: z.string(), myshopifyDomain: z.string() }),
  currentAppInstallation: z.object({
    accessScopes: z.array(z.object({ handle: z.string() })),
  }),
});

/** What works without a permission, but less well, and what is then missing. */
const WANTED: readonly (readonly [scope: string, without: string])[] = [
  ['read_customers', 'payers stay unnamed'],
  ['read_shopify_payments_payouts', 'payouts and their fees are not read'],
  ['read_shopify_payments_disputes', 'disputes are only learned by webhook'],
];

/** Names the shop and says which permissions its app lacks. @throws Rejected without orders, or for another shop */
export async function check(api: PortalApi, settings: Settings): Promise<string> {
  const { data } = await ask(api, settings, QUERIES.shop);
  const { shop, currentAppInstallation } = readWire(shopAnswer, data);
  if (shop.myshopifyDomain.toLowerCase() !== settings.shopDomain) {
    const because = `the credentials belong to ${shop.myshopifyDomain}, not to ${settings.shopDomain}`;
    throw new Rejected(because, { status: 200, body: shop.myshopifyDomain });
  }
  const granted = new Set(
    currentAppInstallation.accessScopes.map(({ handle }) => handle.replace(/^write_/, 'read_')),
  );
  const all = granted.has('read_all_orders');
  if (!granted.has('read_orders') && !all) {
    throw new Rejected(
      'the app lacks the access scope read_orders, without which no payment can be read',
      {
        status: 200,
        body: [...granted].join(', '),
      },
    );
  }
  const lacks = [
    ...WANTED.flatMap(([scope, without]) => (granted.has(scope) ? [] : [`${scope}: ${without}`])),
    ...(all ? [] : ['read_all_orders: orders older than 60 days are not read']),
  ];
  const name = `Shopify shop ${shop.name} (${shop.myshopifyDomain})`;
  return lacks.length === 0 ? name : `${name}. Its app lacks ${lacks.join('; ')}`;
}
