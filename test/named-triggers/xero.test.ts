/** xero: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateXero, type XeroSimulator } from '../../simulators/xero.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const firm = serverForTests();
const { connect, send } = firm;

/** Xero lets through a call a second, so what takes a handful of them may outlast one wait. */
const booked = (connectionId: string) =>
  firm.booked(connectionId, 1).catch(() => firm.booked(connectionId, 1));

/** A payment posted against an invoice, or money that no invoice asked for. */
function payOne(simulated: XeroSimulator, seed: number, posted: boolean): string {
  const { customer, ...money } = orderOf(seed);
  const number = `INV-${seed}`;
  if (posted) {
    const customerExternalId = simulated.addCustomer(customer, NOW());
    simulated.addInvoice({ ...money, number, customerExternalId }, NOW());
  }
  return simulated.pay({ ...money, customer, invoiceNumber: number }, NOW());
}

describe('xero: GET /api.xro/2.0/Payments', () => {
  for (const posted of [true, false]) {
    const what = posted ? 'a payment against an invoice' : 'an overpayment';
    it(`pulled without any webhook, and together with events in both orders: ${what}`, async () => {
      // No event tells of an overpayment, so there is nothing to come after it.
      const orders = posted ? (['none', 'before', 'after'] as const) : (['none'] as const);
      for (const events of orders) {
        const seed = nextSeed();
        const simulated = await simulateXero({ seed });
        const paymentId = payOne(simulated, seed, posted);
        const connectionId = await connect(simulated, events === 'none' ? ['webhookKey'] : []);
        const address = `/webhooks/xero/${connectionId}`;
        if (events === 'before') await send(address, simulated.takeNotices());
        assert.deepEqual(await booked(connectionId), [onePayment(paymentId)]);
        if (events === 'after') await send(address, simulated.takeNotices());
        assert.deepEqual(await booked(connectionId), [onePayment(paymentId)]);
      }
    });
  }

  it('events through the common address, after intent to receive', async () => {
    const seed = nextSeed();
    const simulated = await simulateXero({ seed });
    const connectionId = await connect(simulated);
    const paymentId = payOne(simulated, seed, true);
    await send('/webhooks/payment-event', simulated.takeNotices());
    assert.deepEqual(await booked(connectionId), [onePayment(paymentId)]);
  });
});
