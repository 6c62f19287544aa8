/** servicemobility: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateServiceMobility } from '../../simulators/servicemobility.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('servicemobility: Payment Processor Webhook object', () => {
  it('received once, however often it is sent', async () => {
    const seed = nextSeed();
    const simulated = await simulateServiceMobility({ seed });
    const connectionId = await connect(simulated);
    const paymentId = simulated.pay(orderOf(seed, { workOrder: 'ORD-4534' }), NOW());
    const notices = simulated.takeNotices();
    await send(`/webhooks/servicemobility/${connectionId}`, [...notices, ...notices]);
    await send('/webhooks/payment-event', notices);
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
