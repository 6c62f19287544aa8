/** myob: the trigger that the firm named, which is all there is to be told by: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateMyob } from '../../simulators/myob.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect } = serverForTests();

describe('myob: GET /accountright/{companyId}/Sale/CustomerPayment', () => {
  it('pulled, whether its invoice is known or not and the file has a log-in or not: one payment', async () => {
    for (const fileLogIn of [false, true]) {
      const seed = nextSeed();
      const simulated = await simulateMyob({ seed, fileLogIn });
      const order = orderOf(seed, { invoiceNumber: `INV-${seed}` });
      if (fileLogIn) {
        const { name, email } = order.customer;
        const customerExternalId = simulated.addCustomer({ name, email }, NOW());
        const { amountMinor, currency } = order;
        const invoice = { number: `INV-${seed}`, customerExternalId, amountMinor, currency };
        simulated.addInvoice(invoice, NOW());
      }
      const paymentId = simulated.pay(order, NOW());
      const connectionId = await connect(simulated);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});
