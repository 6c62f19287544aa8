/** quickbooks: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateQuickBooks } from '../../simulators/quickbooks.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('quickbooks: SELECT * FROM Payment', () => {
  it('pulled without any webhook, and together with notices in both shapes: one payment', async () => {
    for (const notices of [undefined, 'legacy', 'cloud-events'] as const) {
      const seed = nextSeed();
      const simulated = await simulateQuickBooks({ seed, ...(notices ? { notices } : {}) });
      const paymentId = simulated.pay(orderOf(seed), NOW());
      const connectionId = await connect(simulated, notices ? [] : ['verifierToken']);
      if (notices) await send(`/webhooks/quickbooks/${connectionId}`, simulated.takeNotices());
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});
