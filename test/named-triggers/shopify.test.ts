/** shopify: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import { type ShopifySimulatorOptions, simulateShopify } from '../../simulators/shopify.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

/** Everything by which the Admin API could be asked. */
const CREDENTIALS = ['accessToken', 'clientId', 'clientSecret'];
const RECEIPT = 'order_transactions/create';

type Paying = (simulated: SimulatedPortal, seed: number) => string;

const pay: Paying = (simulated, seed) =>
  simulated.pay(orderOf(seed, { invoiceNumber: `INV-${seed}` }), NOW());

/** Pending at first, then another transaction; the id is that of the latter. */
const payByDeposit: Paying = (simulated, seed) => {
  const pendingId = simulated.begin?.(orderOf(seed), NOW()) ?? '';
  simulated.settle?.(pendingId, NOW());
  return String(simulated.truth()[0]?.externalId);
};

async function open(
  without: readonly string[],
  options: Omit<ShopifySimulatorOptions, 'seed'> & { readonly by?: Paying } = {},
) {
  const seed = nextSeed();
  const simulated = await simulateShopify({ seed, ...options });
  const connectionId = await connect(simulated, without);
  const paymentId = (options.by ?? pay)(simulated, seed);
  const notices = simulated.takeNotices();
  const of = (...topics: string[]) =>
    topics.flatMap((topic) => notices.filter(({ label }) => label.startsWith(`${topic} `)));
  return { connectionId, paymentId, notices, of, path: `/webhooks/shopify/${connectionId}` };
}

describe('shopify: orders/paid', () => {
  for (const credentials of ['token', 'client'] as const) {
    it(`alone, with a ${credentials}: the transaction of the order`, async () => {
      const { connectionId, paymentId, of, path } = await open([], { credentials });
      await send(path, of('orders/paid'));
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });
  }

  it('alone, without credentials: provisional by the order, until its transaction comes', async () => {
    const { connectionId, paymentId, of, path } = await open(CREDENTIALS);
    await send(path, of('orders/paid'));
    const [first] = await booked(connectionId, 1);
    assert.match(String(first?.external_id), /^gid:\/\/shopify\/Order\/\d+$/);
    assert.deepEqual({ ...first, external_id: '' }, { ...onePayment(''), provisional: true });
    await send(path, of('orders/paid', RECEIPT, 'orders/updated'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  for (const topics of [
    ['orders/paid', RECEIPT],
    [RECEIPT, 'orders/paid'],
  ]) {
    for (const without of [[], CREDENTIALS]) {
      const how = without.length > 0 ? 'without credentials' : 'with a token';
      it(`${how}, ${topics.join(' then ')}: one payment`, async () => {
        const { connectionId, paymentId, of, path } = await open(without);
        await send(path, of(...topics));
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      });
    }
  }

  it('together with everything, doubled and backwards: one payment', async () => {
    for (const without of [[], CREDENTIALS]) {
      const { connectionId, paymentId, notices, path } = await open(without);
      await send(path, [...notices, ...notices].reverse());
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('a bank deposit that is marked as paid supersedes its pending sale', async () => {
    for (const without of [[], CREDENTIALS]) {
      const { connectionId, paymentId, notices, path } = await open(without, { by: payByDeposit });
      await send(path, notices);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { connectionId, paymentId, of } = await open([]);
    await send('/webhooks/payment-event', of('orders/paid'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
