/** mollie: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateMollie } from '../../simulators/mollie.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('mollie: payment status webhook, then /v2/payments/{id}', () => {
  it('classic alone, next-gen alone and both: one payment', async () => {
    for (const way of ['classic', 'snapshot', 'simple', 'both'] as const) {
      const seed = nextSeed();
      const simulated = await simulateMollie({ seed, ways: [way] });
      const connectionId = await connect(simulated);
      const paymentId = simulated.pay(orderOf(seed, { currency: 'EUR' }), NOW());
      await send(`/webhooks/mollie/${connectionId}`, simulated.takeNotices());
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});
