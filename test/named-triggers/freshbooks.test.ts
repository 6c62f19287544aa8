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

  it('verifies a callback that introduces itself, and believes it then', async () => {
    const seed = nextSeed();
    const simulated = await simulateFreshBooks({ seed });
    const { callbackid } = simulated.registerCallback('payment.create');
    const connectionId = await connect(simulated, ['verifiers']);
    const [introduction] = simulated.takeNotices();
    assert.ok(introduction);
    const address = `/webhooks/freshbooks/${connectionId}`;
    await send(address, [introduction]);
    const paymentId = await until(() => {
      if (!simulated.isVerified(callbackid)) return undefined;
      return simulated.pay(orderOf(seed), NOW());
    });
    const callback = simulated.takeNotices().at(-1);
    assert.ok(callback);
    // Learned a moment after FreshBooks has proven it.
    await until(async () => {
      try {
        return await send(address, [callback]).then(() => true);
      } catch {
        return undefined;
      }
    });
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('verifies nothing for whoever makes a verifier up', async () => {
    const simulated = await simulateFreshBooks({ seed: nextSeed() });
    const { callbackid } = simulated.registerCallback('payment.create');
    const connectionId = await connect(simulated, ['verifiers']);
    const asked = simulated.requestCount();
    const liar = new URLSearchParams({ object_id: String(callbackid), verifier: 'guessed' });
    const lie = { headers: {}, body: Buffer.from(liar.toString()) };
    const address = `/webhooks/freshbooks/${connectionId}`;
    await send(address, [{ label: 'a lie', sign: () => lie }]);
    await until(() => (simulated.requestCount() >= asked + 2 ? true : undefined));
    assert.ok(!simulated.isVerified(callbackid));
    const forged = simulated.takeNotices()[0]?.forge?.(NOW());
    assert.ok(forged);
    await assert.rejects(send(address, [{ label: 'a callback', sign: () => forged }]), /401/);
  });
});

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<Awaited<T>>> {
  for (let times = 0; times < 400; times += 1) {
    const found = await look();
    if (found !== undefined && found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('it did not happen in time');
}
