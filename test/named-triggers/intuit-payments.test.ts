/** intuit-payments: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type IntuitPaymentsSimulatorOptions,
  simulateIntuitPayments,
} from '../../simulators/intuit-payments.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, pulled, send } = serverForTests();

/** One payment, told by its notices alone; they go to `path`, or to the connection's own address. */
async function paid(options: Partial<IntuitPaymentsSimulatorOptions>, path?: string) {
  const seed = nextSeed();
  const simulated = await simulateIntuitPayments({ seed, ...options });
  const connectionId = await connect(simulated);
  await pulled(connectionId);
  const paymentId = simulated.pay(orderOf(seed, { invoiceNumber: `INV-${seed}` }), NOW());
  const own = `/webhooks/intuit-payments/${connectionId}`;
  for (const notice of simulated.takeNotices()) {
    await send(notice.addressed ? own : (path ?? own), [notice]);
  }
  assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
}

describe('intuit-payments: webhook PaymentCreated', () => {
  it('alone, in whatever shape, with no record in the books: one payment', async () => {
    for (let shape = 0; shape < 6; shape += 1)
      await paid({ subscribed: 'created', records: 'none' });
  });

  it('alone, at the address of all portals', async () => {
    await paid({ subscribed: 'created', records: 'none' }, '/webhooks/payment-event');
  });

  it("QuickBooks' notice with a card transaction id alone, in both shapes", async () => {
    for (const notices of ['legacy', 'cloud-events'] as const) {
      await paid({ subscribed: 'accounting', notices });
    }
  });

  it('everything at once: one payment', async () => {
    await paid({ subscribed: 'both' });
    await paid({ subscribed: 'both', notices: 'legacy' }, '/webhooks/payment-event');
  });

  it('pulled without any notice', async () => {
    const seed = nextSeed();
    const simulated = await simulateIntuitPayments({ seed });
    const paymentId = simulated.pay(orderOf(seed), NOW());
    const connectionId = await connect(simulated, ['verifierToken']);
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
