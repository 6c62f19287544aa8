/** Reading a simulated shop: by delivery and fetch, and by lists. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SimulatedOrder, SimulatedPortal } from '../../../simulators/contract.ts';
import { simulateShopify } from '../../../simulators/shopify.ts';
import type { ApiAnswer, PortalApi } from '../contract.ts';
import { type CanonicalEvent, toJsonEvent } from '../events.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { portalApi } from '../kit/http.ts';
import { memoryTokenStore, tokenSource } from '../kit/oauth.ts';
import { shopify } from './index.ts';
import type { Cursor } from './pull.ts';
import { type Settings, settings as schema } from './settings.ts';

const pull = shopify.pull ?? assert.fail('no pull');
const fetchObjects = shopify.fetch ?? assert.fail('no fetch');
const check = shopify.check ?? assert.fail('no check');
const START = new Date('2026-11-12T08:00:00.000Z');
const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);

const ORDER: SimulatedOrder = {
  amountMinor: 128_450n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Harbor Millworks LLC', email: 'ap@harbor.example' },
  invoiceNumber: 'INV-2026-0481',
  workOrder: 'WO-10482',
};

type Shop = {
  readonly simulated: SimulatedPortal;
  readonly settings: Settings;
  readonly api: PortalApi;
};

/** A shop, and its API as the engine makes it; closed by whoever opened it. */
async function open(
  credentials: 'token' | 'client' = 'token',
  changed: Record<string, string> = {},
): Promise<Shop & AsyncDisposable> {
  const simulated = await simulateShopify({ seed: 5, credentials });
  const settings = schema.parse({ ...simulated.settings, ...changed });
  const auth = shopify.api?.auth(settings) ?? assert.fail('no API');
  const api = portalApi({
    baseUrl: shopify.api?.baseUrl(settings) ?? '',
    authorization:
      auth.kind === 'oauth2'
        ? {
            ...auth,
            tokens: tokenSource({
              store: memoryTokenStore(),
              client: auth.client,
              clock: () => START,
            }),
          }
        : auth,
    requestsPerMinute: 60_000,
  });
  return { simulated, settings, api, [Symbol.asyncDispose]: () => simulated.close() };
}

function read(body: Buffer, settings: Settings): readonly CanonicalEvent[] {
  return shopify.split(body, {}).flatMap((document) => {
    const found = shopify.normalize(
      { body: document.body, headers: {}, receivedAt: START },
      settings,
    );
    assert.ok(!('quarantined' in found), JSON.stringify(found, String));
    return 'events' in found ? found.events : [];
  });
}

/** Pages until the sweep ends. */
async function sweep({ api, settings }: Shop, from: Cursor, now: Date) {
  let cursor = from;
  const bodies: Buffer[] = [];
  for (let page = 0; page < 100; page += 1) {
    // A cursor is stored as JSON between pages.
    const stored = JSON.parse(JSON.stringify(cursor));
    const answer = await pull.page(api, stored, { settings, now });
    bodies.push(...answer.bodies);
    cursor = answer.next as Cursor;
    if (!answer.more) {
      assert.deepEqual(answer.reached, now);
      return { cursor, events: bodies.flatMap((body) => read(body, settings)) };
    }
  }
  return assert.fail('the sweep does not end');
}

/** An API that gives that answer to everything. */
function answering(body: unknown): PortalApi {
  const bytes = Buffer.from(JSON.stringify(body));
  return { request: async (): Promise<ApiAnswer> => ({ status: 200, headers: {}, body: bytes }) };
}

const SETTINGS = schema.parse({
  shopDomain: 'ironbark-parts.myshopify.com',
  accessToken: 'shpat_x',
});
const first = (api: PortalApi) =>
  pull.page(api, pull.start(START), { settings: SETTINGS, now: hours(1) });

describe('the pull', () => {
  test('brings every order page by page, and what became of each', async () => {
    await using shop = await open();
    const { simulated } = shop;
    const ids = Array.from({ length: 20 }, (_, index) => simulated.pay(ORDER, hours(index)));
    simulated.refund?.(ids[3] as string, 11_500n, hours(21));
    const disputeId = simulated.dispute?.(ids[4] as string, hours(22)) ?? '';
    simulated.closeDispute?.(disputeId, 'lost', hours(30));
    simulated.payout?.(hours(31));
    const { cursor, events } = await sweep(shop, pull.start(START) as Cursor, hours(40));
    const of = (type: string) => events.filter((event) => event.type === type);
    assert.deepEqual(
      of('payment.succeeded')
        .map((event) => event.externalPaymentId)
        .sort(),
      [...ids].sort(),
    );
    // The refund is in the order's page, the fee in the account's movements, whichever told it first.
    assert.equal(of('refund.succeeded')[0]?.externalPaymentId, ids[3]);
    assert.deepEqual(
      of('dispute.lost').map((event) => event.externalPaymentId),
      [ids[4]],
    );
    assert.equal(of('payment.referenced').length, 20);
    assert.ok(of('payment.referenced').every(({ feeMinor }) => feeMinor === 3_725n));
    assert.equal(of('dispute.opened')[0]?.feeMinor, 1_500n);
    const [payout] = simulated.payouts?.() ?? [];
    assert.equal(of('payout.paid')[0]?.amountMinor, payout?.amountMinor);
    // The next sweep reads what changed since this one began, and finds the orders unchanged.
    const again = await sweep(shop, cursor, hours(41));
    assert.ok(again.events.every(({ type }) => type !== 'payment.succeeded'));
    const late = simulated.pay(ORDER, hours(41));
    const next = await sweep(shop, again.cursor, hours(42));
    const received = next.events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(
      received.map((event) => event.externalPaymentId),
      [late],
    );
  });

  test('a payment that fails in place is found by its order', async () => {
    await using shop = await open('client');
    const id = shop.simulated.begin?.(ORDER, hours(1)) ?? '';
    const { cursor } = await sweep(shop, pull.start(START) as Cursor, hours(2));
    shop.simulated.fail?.(id, hours(50));
    const { events } = await sweep(shop, cursor, hours(51));
    assert.deepEqual(
      events.map(({ type, externalPaymentId }) => [type, externalPaymentId]),
      [['payment.failed', id]],
    );
  });

  test('a delivery and its fetch tell the same payment, the latter with payer and references', async () => {
    for (const credentials of ['token', 'client'] as const) {
      await using shop = await open(credentials);
      const { simulated, settings, api } = shop;
      const id = simulated.pay(ORDER, hours(1));
      for (const notice of simulated.takeNotices()) {
        const { headers, body } = notice.sign(hours(1));
        const given = { headers, body, url: '/', receivedAt: hours(1) };
        assert.ok(shopify.webhook?.recognizes(given));
        assert.deepEqual(shopify.webhook?.authenticate(given, settings), { verdict: 'authentic' });
        const found = shopify.normalize({ body, headers, receivedAt: hours(1) }, settings);
        if (!('fetch' in found) || !found.fetch) continue;
        const [fetched] = await fetchObjects(api, found.fetch, settings);
        const [event] = read(fetched?.body ?? Buffer.alloc(0), settings).map(toJsonEvent);
        assert.partialDeepStrictEqual(event, {
          type: 'payment.succeeded',
          externalPaymentId: id,
          amountMinor: 128_450,
          customer: { name: 'Harbor Millworks LLC', email: 'ap@harbor.example' },
        });
        const references = JSON.stringify(event?.references);
        assert.ok(references.includes('INV-2026-0481') && references.includes('WO-10482'));
      }
    }
  });

  test('an order that does not exist yields no document', async () => {
    await using shop = await open();
    const requests = [{ entity: 'order', id: '1' }];
    assert.deepEqual(await fetchObjects(shop.api, requests, shop.settings), []);
    const foreign = [{ entity: 'customer', id: '1' }];
    await assert.rejects(() => fetchObjects(shop.api, foreign, shop.settings), WireMismatch);
  });

  test('needs credentials, and says so when they are refused', async () => {
    assert.equal(pull.possible?.(schema.parse({ shopDomain: 'a.myshopify.com' })), false);
    await using shop = await open('token', { accessToken: 'shpat_other' });
    await assert.rejects(() => check(shop.api, shop.settings), Reauthorize);
    await using client = await open('client', { clientSecret: 'shpss_other' });
    await assert.rejects(() => check(client.api, client.settings), Reauthorize);
  });
});

describe('the account of Shopify Payments', () => {
  const at = (list: number): Cursor => ({
    from: START.toISOString(),
    since: START.toISOString(),
    sweep: { startedAt: hours(1).toISOString(), list, after: null },
  });
  const page = (api: PortalApi, list: number) =>
    pull.page(api, at(list), { settings: SETTINGS, now: hours(1) });

  test('is skipped where the shop has none, or the app may not read it', async () => {
    const none = answering({ data: { shopifyPaymentsAccount: null } });
    const errors = [{ message: 'Access denied', extensions: { code: 'ACCESS_DENIED' } }];
    const denied = answering({ errors, data: { shopifyPaymentsAccount: null } });
    for (const api of [none, denied]) {
      const { bodies, next } = await page(api, 1);
      assert.deepEqual(bodies, []);
      assert.equal((next as Cursor).sweep?.list, 2);
      assert.equal((await page(api, 3)).more, false);
    }
  });

  test('is read until the rest is too old to change', async () => {
    const payouts = (issuedAt: string) =>
      answering({
        data: {
          shopifyPaymentsAccount: {
            payouts: {
              nodes: [{ id: 'gid://shopify/ShopifyPaymentsPayout/1', issuedAt }],
              pageInfo: { hasNextPage: true, endCursor: 'next' },
            },
          },
        },
      });
    const recent = await page(payouts('2026-11-01T00:00:00Z'), 2);
    assert.equal((recent.next as Cursor).sweep?.after, 'next');
    const old = await page(payouts('2026-09-01T00:00:00Z'), 2);
    assert.deepEqual((old.next as Cursor).sweep, { ...at(3).sweep, after: null });
  });

  test('what is older than the connection is left out, but for disputes still open', async () => {
    const dispute = (number: number, finalizedOn: string | null) => ({
      id: `gid://shopify/ShopifyPaymentsDispute/${number}`,
      initiatedAt: '2026-08-01T00:00:00Z',
      finalizedOn,
    });
    const movement = (number: number, transactionDate: string) => ({
      id: `gid://shopify/ShopifyPaymentsBalanceTransaction/${number}`,
      transactionDate,
    });
    const list = (name: string, nodes: readonly object[]) =>
      answering({
        data: { shopifyPaymentsAccount: { [name]: { nodes, pageInfo: { hasNextPage: false } } } },
      });
    const disputes = [dispute(1, null), dispute(2, '2026-09-01'), dispute(3, '2026-11-15')];
    const idsOf = (bodies: readonly Buffer[]) =>
      bodies.flatMap((body) => shopify.split(body, {})).map(({ key }) => key.split(':')[1]);
    assert.deepEqual(idsOf((await page(list('disputes', disputes), 1)).bodies), ['1', '3']);
    const movements = [
      movement(4, '2026-11-12T08:30:00Z'),
      movement(5, '2026-11-12T07:50:00Z'),
      movement(6, '2026-11-10T00:00:00Z'),
    ];
    const { bodies } = await page(list('balanceTransactions', movements), 3);
    assert.deepEqual(idsOf(bodies), ['4', '5']);
  });

  test('orders that may not be read are an error', async () => {
    const errors = [{ message: 'Access denied for orders', extensions: { code: 'ACCESS_DENIED' } }];
    await assert.rejects(() => first(answering({ errors, data: { orders: null } })), Rejected);
  });

  test('a part that may not be read comes as null and is no error', async () => {
    const errors = [{ message: 'Access denied', extensions: { code: 'ACCESS_DENIED' } }];
    const orders = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
    assert.equal((await first(answering({ errors, data: { orders } }))).more, true);
  });
});

describe('answers with status 200 that are errors', () => {
  const throttled = (cost: unknown) => ({
    errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
    extensions: { cost },
  });

  test('too many: as long as the missing points take to come back', async () => {
    const cost = {
      requestedQueryCost: 962,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 2000, currentlyAvailable: 318, restoreRate: 100 },
    };
    await assert.rejects(
      () => first(answering(throttled(cost))),
      (error) => error instanceof RetryLater && error.afterMs === 6_440,
    );
    await assert.rejects(
      () => first(answering(throttled(null))),
      (error) => error instanceof RetryLater && error.afterMs === undefined,
    );
  });

  test('trouble passes, a refused query does not', async () => {
    const failing = (code: string) =>
      answering({ errors: [{ message: 'no', extensions: { code } }], data: null });
    await assert.rejects(() => first(failing('INTERNAL_SERVER_ERROR')), RetryLater);
    await assert.rejects(() => first(failing('MAX_COST_EXCEEDED')), Rejected);
    await assert.rejects(() => first(answering({ errors: 'Not Found' })), Rejected);
    await assert.rejects(() => first(answering({ data: null })), WireMismatch);
    await assert.rejects(() => first(answering({ data: { orders: {} } })), WireMismatch);
  });

  test('a cursor that does not lead further is an error, not a loop', async () => {
    const orders = { nodes: [], pageInfo: { hasNextPage: true, endCursor: null } };
    await assert.rejects(() => first(answering({ data: { orders } })), WireMismatch);
  });
});

describe('the check', () => {
  const shopOf = (scopes: readonly string[], myshopifyDomain = SETTINGS.shopDomain) =>
    answering({
      data: {
        shop: { name: 'Ironbark Parts', myshopifyDomain },
        currentAppInstallation: { accessScopes: scopes.map((handle) => ({ handle })) },
      },
    });

  test('names the shop', async () => {
    for (const credentials of ['token', 'client'] as const) {
      await using shop = await open(credentials);
      assert.match(
        await check(shop.api, shop.settings),
        /^Shopify shop Simulated Parts \(shop-\w+\.myshopify\.com\)$/,
      );
    }
  });

  test('names what its app may not do', async () => {
    const said = await check(shopOf(['write_orders', 'read_customers']), SETTINGS);
    for (const scope of [
      'read_shopify_payments_payouts',
      'read_shopify_payments_disputes',
      'read_all_orders',
    ]) {
      assert.ok(said.includes(scope), scope);
    }
    assert.ok(!said.includes('read_customers'));
    await assert.rejects(() => check(shopOf(['read_customers']), SETTINGS), Rejected);
    const other = shopOf(['read_orders'], 'other.myshopify.com');
    await assert.rejects(() => check(other, SETTINGS), Rejected);
  });
});

test('asks the shop itself unless told otherwise', () => {
  const live = schema.parse({ shopDomain: 'a.myshopify.com', clientId: 'id', clientSecret: 'x' });
  assert.equal(shopify.api?.baseUrl(live), 'https://a.myshopify.com');
  const auth = shopify.api?.auth(live);
  assert.ok(auth?.kind === 'oauth2');
  assert.equal(auth.client.tokenUrl, 'https://a.myshopify.com/admin/oauth/access_token');
  assert.deepEqual(auth.present?.('t'), ['X-Shopify-Access-Token', 't']);
});
