/** wave: the trigger that the firm named: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateWave } from '../../simulators/wave.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect } = serverForTests();

/** Of another amount each: the same amount for invoices of one number, in two businesses of a firm, looks like one. */
const amountOf = (seed: number) => 125_050n + BigInt(seed);
const paidOnce = (externalId: string, seed: number) => ({
  ...onePayment(externalId),
  amount: amountOf(seed),
});

describe('wave: polling for payment.created', () => {
  it('in books, of which the firm only hears by it: one payment for what somebody entered', async () => {
    for (const sorts of [true, false]) {
      const seed = nextSeed();
      const simulated = await simulateWave({ seed, role: 'books', sorts });
      const { customer, amountMinor, currency } = orderOf(seed, { amountMinor: amountOf(seed) });
      const customerExternalId = simulated.addCustomer(customer, NOW());
      const invoice = { number: `INV-${seed}`, customerExternalId, amountMinor, currency };
      const externalId = simulated.addInvoice(invoice, NOW());
      const entered = { customerExternalId, amountMinor, currency, method: 'Check' };
      const share = { externalId, amountMinor };
      const paymentId = simulated.enterPayment(
        { ...entered, reference: 'CHK-4471', invoices: [share] },
        NOW(),
      );
      const connectionId = await connect(simulated);
      assert.deepEqual(await booked(connectionId, 1), [paidOnce(paymentId, seed)]);
    }
  });

  it('finds the payment in its invoice, with either kind of token and any order: one payment', async () => {
    for (const credentials of ['token', 'client'] as const) {
      for (const sorts of [true, false]) {
        const seed = nextSeed();
        const simulated = await simulateWave({ seed, credentials, sorts, billsHere: sorts });
        const paymentId = simulated.pay(orderOf(seed, { amountMinor: amountOf(seed) }), NOW());
        const connectionId = await connect(simulated);
        assert.deepEqual(await booked(connectionId, 1), [paidOnce(paymentId, seed)]);
      }
    }
  });
});
