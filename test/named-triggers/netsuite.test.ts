/** netsuite: the trigger that the firm named, polling or a webhook on changes: alone and together, one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateNetSuite } from '../../simulators/netsuite.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

const trigger = 'netsuite: PaymentEvent, polling or webhook on payment record changes';

describe(trigger, () => {
  it('pulled without a script, by each way to sign in: one payment', async () => {
    for (const way of ['certificate', 'tokens', 'consent'] as const) {
      const seed = nextSeed();
      const simulated = await simulateNetSuite({ seed, way });
      const paymentId = simulated.pay(orderOf(seed), NOW());
      const connectionId = await connect(simulated, ['nudgeSecret']);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('nudged by the script as well, at either address and twice: one payment', async () => {
    for (const path of ['own', 'shared'] as const) {
      const seed = nextSeed();
      const simulated = await simulateNetSuite({ seed });
      const paymentId = simulated.pay(orderOf(seed), NOW());
      const connectionId = await connect(simulated);
      const notices = simulated.takeNotices();
      const own = `/webhooks/netsuite/${connectionId}`;
      await send(path === 'own' ? own : '/webhooks/payment-event', [...notices, ...notices]);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});
