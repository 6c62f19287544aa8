/** sap-business-one: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type BusinessOneSimulator,
  simulateBusinessOne,
} from '../../simulators/sap-business-one.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const firm = serverForTests();
const { connect, send } = firm;

/** A round of eight lists takes some seconds at our pace, so that it may outlast one wait. */
const booked = (connectionId: string) =>
  firm.booked(connectionId, 1).catch(() => firm.booked(connectionId, 1));

/** A payment posted against an invoice, or money on account. */
function payOne(simulated: BusinessOneSimulator, seed: number, posted: boolean): string {
  const { customer, ...money } = orderOf(seed);
  const number = `INV-${seed}`;
  if (posted) {
    const customerExternalId = simulated.addCustomer(customer, NOW());
    simulated.addInvoice({ ...money, number, customerExternalId }, NOW());
  }
  return simulated.pay({ ...money, customer, invoiceNumber: number }, NOW());
}

describe('sap-business-one: new Payments of the Service Layer', () => {
  for (const version of ['v2', 'v1'] as const) {
    it(`pulled without anything else, from ${version}: one payment`, async () => {
      const seed = nextSeed();
      const simulated = await simulateBusinessOne({ seed, version });
      const paymentId = payOne(simulated, seed, version === 'v2');
      const connectionId = await connect(simulated, ['nudgeSecret', 'foreignSums']);
      assert.deepEqual(await booked(connectionId), [onePayment(paymentId)]);
    });
  }

  it('together with nudges, before and after the pull and by the common address: one payment', async () => {
    for (const when of ['before', 'after', 'anywhere'] as const) {
      const seed = nextSeed();
      const simulated = await simulateBusinessOne({ seed, nudges: true });
      const paymentId = payOne(simulated, seed, true);
      const connectionId = await connect(simulated);
      const address = `/webhooks/sap-business-one/${connectionId}`;
      if (when === 'before') await send(address, simulated.takeNotices());
      if (when === 'anywhere') await send('/webhooks/payment-event', simulated.takeNotices());
      assert.deepEqual(await booked(connectionId), [onePayment(paymentId)]);
      if (when === 'after') await send(address, simulated.takeNotices());
      assert.deepEqual(await booked(connectionId), [onePayment(paymentId)]);
    }
  });
});
