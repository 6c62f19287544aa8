/** braintree: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateBraintree } from '../../simulators/braintree.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

async function disbursed(bodies: 'whole' | 'minimal') {
  const seed = nextSeed();
  const simulated = await simulateBraintree({ seed, bodies, disbursed: 'always' });
  return { simulated, order: orderOf(seed) };
}

describe('braintree: transaction_disbursed', () => {
  for (const bodies of ['whole', 'minimal'] as const) {
    it(`alone, with a ${bodies} body, is posted once however often it comes`, async () => {
      const { simulated, order } = await disbursed(bodies);
      const connectionId = await connect(simulated);
      const paymentId = simulated.pay(order, NOW());
      const notices = simulated.takeNotices();
      assert.deepEqual(
        notices.map(({ label }) => label),
        [`transaction_disbursed ${paymentId}`],
      );
      await send(`/webhooks/braintree/${connectionId}`, [...notices, ...notices]);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });

    it(`together with transaction_settled, ${bodies}, in both orders, is one payment`, async () => {
      for (const order of ['as sent', 'reversed'] as const) {
        const { simulated, order: paid } = await disbursed(bodies);
        const connectionId = await connect(simulated);
        const paymentId = simulated.begin?.(paid, NOW()) ?? '';
        simulated.settle?.(paymentId, NOW());
        const notices = simulated.takeNotices();
        assert.equal(notices.length, 2);
        if (order === 'reversed') notices.reverse();
        await send(`/webhooks/braintree/${connectionId}`, notices);
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      }
    });
  }

  it('finds its connection by its signature', async () => {
    const { simulated, order } = await disbursed('whole');
    const connectionId = await connect(simulated);
    const paymentId = simulated.pay(order, NOW());
    await send('/webhooks/payment-event', simulated.takeNotices());
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
