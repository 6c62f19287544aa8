/** adyen: the notification that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AdyenSimulatorOptions, simulateAdyen } from '../../simulators/adyen.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('adyen: AUTHORISATION', () => {
  const open = async (options: Partial<AdyenSimulatorOptions> = {}, without = ['reportApiKey']) => {
    const seed = nextSeed();
    const simulated = await simulateAdyen({ seed, ...options });
    const connectionId = await connect(simulated, without);
    const paymentId = simulated.pay(orderOf(seed, { invoiceNumber: `INV-${seed}` }), NOW());
    const path = `/webhooks/adyen/${connectionId}`;
    return { simulated, connectionId, paymentId, path };
  };
  const authorisationOf = (
    notices: ReturnType<Awaited<ReturnType<typeof open>>['simulated']['takeNotices']>,
  ) => notices.filter(({ label }) => label.startsWith('AUTHORISATION '));

  it('alone: paid by the default, automatic capture', async () => {
    const { simulated, connectionId, paymentId, path } = await open();
    await send(path, authorisationOf(simulated.takeNotices()));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('alone, as a form and with user and password', async () => {
    const { simulated, connectionId, paymentId, path } = await open({ form: true, basic: true });
    await send(path, authorisationOf(simulated.takeNotices()));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('alone, on an account that captures by hand: authorized, and paid by its captures', async () => {
    const { simulated, connectionId, paymentId, path } = await open({ capture: 'manual' });
    const notices = simulated.takeNotices();
    await send(path, authorisationOf(notices));
    const [waiting] = await booked(connectionId, 1);
    assert.deepEqual(waiting, { ...onePayment(paymentId), status: 'authorized', amount: 0n });
    await send(path, [...notices, ...notices].reverse());
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('together with the report of its settlement, in both orders', async () => {
    for (const order of ['as they come', 'backwards']) {
      const { simulated, connectionId, paymentId, path } = await open({}, []);
      simulated.payout?.(NOW());
      const notices = simulated.takeNotices();
      if (order === 'backwards') notices.reverse();
      for (const notice of notices) {
        await send(path, [notice]);
        await booked(connectionId, 1);
      }
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { simulated, connectionId, paymentId } = await open();
    await send('/webhooks/payment-event', authorisationOf(simulated.takeNotices()));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
