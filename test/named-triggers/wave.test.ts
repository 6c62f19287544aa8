/** wave: the trigger that the firm named: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateWave } from '../../simulators/wave.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect } = serverForTests();

describe('wave: polling for payment.created', () => {
  it('finds the payment in its invoice, with either kind of token and any order: one payment', async () => {
    for (const credentials of ['token', 'client'] as const) {
      for (const sorts of [true, false]) {
        const seed = nextSeed();
        const simulated = await simulateWave({ seed, credentials, sorts, billsHere: sorts });
        const paymentId = simulated.pay(orderOf(seed), NOW());
        const connectionId = await connect(simulated);
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      }
    }
  });
});
