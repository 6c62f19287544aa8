/** freshbooks: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateFreshBooks } from '../../simulators/freshbooks.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('freshbooks: GET /accounting/account/{accountId}/payments/payments', () => {
  it('pulled without any callback, and together with callbacks: one payment', async () => {
    for (const path of [undefined, 'own', '/webhooks/payment-event'] as const) {
      const seed = nextSeed();
      const simulated = await simulateFreshBooks({ seed });
      const paymentId = simulated.pay(orderOf(seed), NOW());
      const connectionId = await connect(simulated, path ? [] : ['verifiers']);
      const address = path === 'own' ? `/webhooks/freshbooks/${connectionId}` : path;
      if (address) await send(address, simulated.takeNotices());
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('verifies a callback that introduces itself, and only with its own verifier', async () => {
    const simulated = await simulateFreshBooks({ seed: nextSeed() });
    const { callbackid } = simulated.registerCallback('payment.create');
    const connectionId = await connect(simulated);
    const [introduction] = simulated.takeNotices();
    assert.ok(introduction);
    const address = `/webhooks/freshbooks/${connectionId}`;
    const liar = new URLSearchParams({ object_id: String(callbackid), verifier: 'guessed' });
    const lie = { headers: {}, body: Buffer.from(liar.toString()) };
    await send(address, [{ label: 'a lie', sign: () => lie }]);
    await send(address, [introduction]);
    for (let look = 0; look < 400 && !simulated.isVerified(callbackid); look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.ok(simulated.isVerified(callbackid));
  });
});
