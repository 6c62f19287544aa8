/** zoho-books: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateZohoBooks } from '../../simulators/zoho-books.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('zoho-books: the webhook on payment received', () => {
  it('posts the payment its body carries, or fetches it; one payment at both addresses', async () => {
    for (const notices of ['default', 'form', 'raw'] as const) {
      const seed = nextSeed();
      const simulated = await simulateZohoBooks({ seed, notices });
      const paymentId = simulated.pay(orderOf(seed), NOW());
      const connectionId = await connect(simulated);
      const sent = simulated.takeNotices();
      await send('/webhooks/payment-event', sent);
      await send(`/webhooks/zoho-books/${connectionId}`, sent);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});
