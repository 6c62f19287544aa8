/** sage-intacct: what the firm named, `readByQuery` and `create_arpayment`, alone and with nudges: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type SageIntacctSimulator, simulateSageIntacct } from '../../simulators/sage-intacct.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

/** An invoice of the order's customer; resolves to its number. */
function invoiceFor(simulated: SageIntacctSimulator, seed: number): string {
  const { customer, amountMinor, currency } = orderOf(seed);
  const customerExternalId = simulated.addCustomer(customer, NOW());
  const number = `INV-${seed}`;
  simulated.addInvoice({ number, customerExternalId, amountMinor, currency }, NOW());
  return number;
}

describe('sage-intacct: readByQuery', () => {
  for (const posted of [true, false]) {
    const what = posted ? 'a payment of an invoice' : 'an advance';
    it(`pulled without any trigger, and together with nudges in both orders: ${what}`, async () => {
      for (const nudges of ['none', 'before', 'after'] as const) {
        const seed = nextSeed();
        const simulated = await simulateSageIntacct({ seed, nudges: nudges !== 'none' });
        const invoiceNumber = posted ? invoiceFor(simulated, seed) : `INV-${seed}`;
        const paymentId = simulated.pay(orderOf(seed, { invoiceNumber }), NOW());
        const connectionId = await connect(simulated);
        const address = `/webhooks/sage-intacct/${connectionId}`;
        if (nudges === 'before') await send(address, simulated.takeNotices());
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
        if (nudges === 'after') await send('/webhooks/payment-event', simulated.takeNotices());
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      }
    });
  }

  it('by REST it is the same payment', async () => {
    const seed = nextSeed();
    const simulated = await simulateSageIntacct({ seed, api: 'rest' });
    const paymentId = simulated.pay(orderOf(seed), NOW());
    assert.deepEqual(await booked(await connect(simulated), 1), [onePayment(paymentId)]);
  });
});

describe('sage-intacct: create_arpayment', () => {
  /** Waits until the running server recorded it. */
  const recorded = async (simulated: SageIntacctSimulator) => {
    for (let look = 0; look < 400; look += 1) {
      const [payment, ...others] = simulated.recordedPayments();
      if (payment) return { payment, others };
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('nothing was recorded in time');
  };

  it('a payment of another portal is recorded once, with the rest as credit, and is no new money', async () => {
    const seed = nextSeed();
    const books = await simulateSageIntacct({ seed, nudges: true });
    const invoiceNumber = invoiceFor(books, seed);
    const booksId = await connect(books);
    const stripe = await simulateStripe({ seed });
    const stripeId = await connect(stripe);
    const order = orderOf(seed, { invoiceNumber });
    // A tenth more than the invoice, which only the older function takes.
    const paymentId = stripe.pay({ ...order, amountMinor: 137_555n }, NOW());
    await send(`/webhooks/stripe/${stripeId}`, stripe.takeNotices());
    const { payment, others } = await recorded(books);
    assert.equal(payment.amountMinor, 137_555n);
    assert.match(payment.reference, /^CV-[a-z0-9]{6}-pay_\d+$/);
    assert.deepEqual(others, []);
    await send(`/webhooks/sage-intacct/${booksId}`, books.takeNotices());
    assert.deepEqual(await booked(booksId, 0), [], 'the echo is no payment of its own');
    assert.deepEqual(
      (await booked(stripeId, 1)).map((one) => one.external_id),
      [paymentId],
    );
  });
});
