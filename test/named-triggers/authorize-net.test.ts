/** authorize-net: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateAuthorizeNet } from '../../simulators/authorize-net.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

/** What can be left out: without API keys the signed body is all there is. */
const BODY_ALONE = ['apiLoginId', 'transactionKey'];

describe('authorize-net: net.authorize.payment.authcapture.created', () => {
  const open = async (without: readonly string[]) => {
    const seed = nextSeed();
    const simulated = await simulateAuthorizeNet({ seed });
    const connectionId = await connect(simulated, without);
    const order = orderOf(seed, { invoiceNumber: `INV-${seed}` });
    return { simulated, connectionId, order, path: `/webhooks/authorize-net/${connectionId}` };
  };

  for (const [how, without] of [
    ['without API keys, from the signed body', BODY_ALONE],
    ['with API keys, followed by its details', []],
  ] as const) {
    it(`alone, ${how}: one payment`, async () => {
      const { simulated, connectionId, order, path } = await open(without);
      const paymentId = simulated.pay(order, NOW());
      const notices = simulated.takeNotices();
      await send(path, [...notices, ...notices]);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });

    it(`an authorization and its capture in either order, ${how}: one payment`, async () => {
      for (const turned of [false, true]) {
        const { simulated, connectionId, order, path } = await open(without);
        const paymentId = simulated.authorize?.(order, NOW()) ?? '';
        simulated.capture?.(paymentId, NOW());
        const notices = simulated.takeNotices();
        await send(path, turned ? notices.reverse() : notices);
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      }
    });
  }

  it('held by the fraud filters and approved, everything subscribed, in either order: one payment', async () => {
    for (const turned of [false, true]) {
      const { simulated, connectionId, order, path } = await open([]);
      const paymentId = simulated.begin?.(order, NOW()) ?? '';
      simulated.settle?.(paymentId, NOW());
      const notices = simulated.takeNotices();
      await send(path, turned ? notices.reverse() : notices);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { simulated, connectionId, order } = await open([]);
    const paymentId = simulated.pay(order, NOW());
    await send('/webhooks/payment-event', simulated.takeNotices());
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
