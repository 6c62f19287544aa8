/** A simulated Shopify shop: signed webhooks by topic, the Admin API, and its own truth. */
import { createHmac } from 'node:crypto';
import {
  gatewayName,
  type SimulatedNotice,
  type SimulatedOrder,
  type SimulatedPortal,
  type SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerShopify, type ShopAccess } from './shopify-api.ts';
import { restDispute, restOrder, restRefund, restTransaction } from './shopify-objects.ts';
import {
  DISPUTE_FEE_MINOR,
  endDispute,
  newId,
  openDispute,
  openShop,
  orderOfPayment,
  payOut,
  placeOrder,
  receiptOf,
  type ShopOrder,
  type ShopTransaction,
  type ShopWorld,
  transact,
  trueOf,
} from './shopify-world.ts';

const MANUAL_GATEWAY = 'Bank Deposit';

export type ShopifySimulatorOptions = SimulatorOptions & {
  /** Only these topics are subscribed to; all when absent. */
  readonly topics?: readonly string[];
  /** An app made in the admin has a permanent token, one of the Dev Dashboard asks for tokens. */
  readonly credentials?: 'token' | 'client';
};

/** Starts the portal on loopback; the same seed and calls tell the same story. */
export async function simulateShopify(options: ShopifySimulatorOptions): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed);
  const world = openShop(random);
  // A generator of its own: how often the API is called must not change the story.
  const network = seededRandom(options.seed + 1);
  const faultRate = options.faultRate ?? 0;
  const access: ShopAccess = {
    accessToken: `shpat_${random.token(32)}`,
    clientId: random.token(32),
    clientSecret: `shpss_${random.token(32)}`,
    issued: [],
    throttles: () => network.chance(faultRate / 4),
  };
  const server = await serveFaulty((request) => answerShopify(world, access, request), {
    random: network,
    faultRate,
    tooMany: { status: 429, headers: { 'retry-after': '2.0' }, body: { errors: 'Exceeded' } },
  });
  const olderSecret = `shpss_${random.token(32)}`;
  const notices: SimulatedNotice[] = [];
  const tell = noticeWriter({
    ...options,
    world,
    notices,
    secrets: [access.clientSecret, olderSecret],
  });
  const credentials =
    options.credentials === 'client'
      ? { clientId: access.clientId, clientSecret: access.clientSecret, webhookSecret: olderSecret }
      : {
          accessToken: access.accessToken,
          webhookSecret: `${access.clientSecret}, ${olderSecret}`,
        };
  return {
    portal: 'shopify',
    role: 'source',
    settings: {
      shopDomain: world.shopDomain,
      ...credentials,
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...receivingActs(world, tell),
    ...reversalActs(world, tell),
    payout: (at) => payOut(world, at),
    takeNotices: () => notices.splice(0),
    truth: () =>
      world.orders.filter(({ isShown }) => !isShown).map((order) => trueOf(world, order)),
    payouts: () => world.payouts,
    disputeFees: () =>
      world.disputes
        .filter(({ status }) => status !== 'won')
        .map(({ currency }) => ({ currency, amountMinor: DISPUTE_FEE_MINOR })),
    requestCount: () => server.requestCount(),
    close: () => server.close(),
  };
}

/** Queues the deliveries of one action, as many as there are topics that it concerns. */
type Tell = (at: Date, topics: Readonly<Record<string, object>>) => void;

type Receiving = Required<
  Pick<
    SimulatedPortal,
    'pay' | 'show' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'
  >
>;

function receivingActs(world: ShopWorld, tell: Tell): Receiving {
  const announce = (order: ShopOrder, transaction: ShopTransaction, isNew: boolean): void => {
    const isPaid = transaction.status === 'success' && /sale|capture/.test(transaction.kind);
    tell(transaction.at, {
      ...(isNew ? { 'orders/create': restOrder(order) } : {}),
      'order_transactions/create': restTransaction(order, transaction),
      ...(isPaid ? { 'orders/paid': restOrder(order) } : {}),
      ...(isPaid ? { 'tender_transactions/create': { id: Number(newId(world)) } } : {}),
      'orders/updated': restOrder(order),
    });
  };
  const place = (
    order: SimulatedOrder,
    at: Date,
    first: Pick<ShopTransaction, 'kind'> & Partial<ShopTransaction>,
  ): string => {
    const placed = placeOrder(world, order, at);
    const transaction = transact(world, placed, at, first);
    announce(placed, transaction, true);
    return transaction.id;
  };
  /** A further transaction that follows the one of that id. */
  const follow = (id: string, kind: ShopTransaction['kind'], at: Date): void => {
    const order = orderOfPayment(world, id);
    if (order.transactions.length > 1) throw new Error(`${id} is decided already`);
    announce(order, transact(world, order, at, { kind, parentId: id }), false);
  };
  return {
    pay: (order, at) => place(order, at, { kind: 'sale' }),
    show({ order, portal, externalId: authorization = '' }, at) {
      const placed = placeOrder(world, order, at, true);
      const gateway = gatewayName(portal);
      const sale = transact(world, placed, at, { kind: 'sale', gateway, authorization });
      announce(placed, sale, true);
      return sale.id;
    },
    begin: (order, at) =>
      place(order, at, { kind: 'sale', status: 'pending', gateway: MANUAL_GATEWAY }),
    // "Mark as paid": another sale, with another id, whose parent is the pending one.
    settle: (id, at) => follow(id, 'sale', at),
    // The status changes in place, which no topic tells but that of the order.
    fail(id, at) {
      const order = orderOfPayment(world, id);
      const [first] = order.transactions as [ShopTransaction];
      first.status = 'failure';
      order.updatedAt = at;
      tell(at, { 'orders/updated': restOrder(order) });
    },
    authorize: (order, at) => place(order, at, { kind: 'authorization' }),
    capture: (id, at) => follow(id, 'capture', at),
    void: (id, at) => follow(id, 'void', at),
  };
}

type Reversals = Required<Pick<SimulatedPortal, 'refund' | 'dispute' | 'closeDispute'>>;

function reversalActs(world: ShopWorld, tell: Tell): Reversals {
  return {
    refund(paymentId, amountMinor, at) {
      const order = orderOfPayment(world, paymentId);
      const parentId = receiptOf(order).id;
      const refund = transact(world, order, at, { kind: 'refund', amountMinor, parentId });
      tell(at, {
        'refunds/create': restRefund(order, newId(world), refund),
        'order_transactions/create': restTransaction(order, refund),
        'orders/updated': restOrder(order),
      });
      return refund.id;
    },
    dispute(paymentId, at) {
      const dispute = openDispute(world, orderOfPayment(world, paymentId), at);
      tell(at, { 'disputes/create': restDispute(dispute) });
      return dispute.id;
    },
    closeDispute(disputeId, outcome, at) {
      tell(at, { 'disputes/update': restDispute(endDispute(world, disputeId, outcome, at)) });
    },
  };
}

/** The bodies are written when it happens; retries carry the same ones, under the same webhook id. */
function noticeWriter(context: {
  readonly world: ShopWorld;
  readonly notices: SimulatedNotice[];
  readonly secrets: readonly string[];
  readonly topics?: readonly string[];
}): Tell {
  const { world, notices, secrets, topics } = context;
  const { random } = world;
  return (at, told) => {
    const eventId = random.token(32);
    for (const [topic, object] of Object.entries(told)) {
      const webhookId = random.token(32);
      // For an hour after a rotation, the older secret still signs.
      const secret = random.pick(secrets);
      if (topics && !topics.includes(topic)) continue;
      const body = Buffer.from(JSON.stringify(object));
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'Shopify-Captain-Hook',
        'x-shopify-topic': topic,
        'x-shopify-shop-domain': world.shopDomain,
        'x-shopify-api-version': '2026-10',
        'x-shopify-webhook-id': webhookId,
        'x-shopify-event-id': eventId,
        'x-shopify-triggered-at': at.toISOString().replace('Z', '000000Z'),
      };
      notices.push({
        label: `${topic} ${(object as { id: number }).id}`,
        sign: () => ({
          body,
          headers: {
            ...headers,
            'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
          },
        }),
      });
    }
  };
}
