/** stripe: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateStripe } from '../../simulators/stripe.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

describe('stripe: invoice.payment_succeeded', () => {
  const open = async (without: readonly string[]) => {
    const seed = nextSeed();
    const simulated = await simulateStripe({ seed, extraEvents: true });
    const connectionId = await connect(simulated, without);
    const paymentId = simulated.pay(orderOf(seed, { invoiceNumber: `INV-${seed}` }), NOW());
    const notices = simulated.takeNotices();
    const of = (...types: string[]) =>
      types.flatMap((type) => notices.filter((notice) => notice.label.startsWith(`${type} `)));
    const path = `/webhooks/stripe/${connectionId}`;
    return { connectionId, paymentId, notices, of, path };
  };

  it('alone, with an API key: keyed by the PaymentIntent', async () => {
    const { connectionId, paymentId, of, path } = await open([]);
    await send(path, of('invoice.payment_succeeded'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('alone, without an API key: provisional, merged when invoice_payment.paid names the intent', async () => {
    const { connectionId, paymentId, of, path } = await open(['secretKey']);
    await send(path, of('invoice.payment_succeeded'));
    const [first] = await booked(connectionId, 1);
    assert.deepEqual({ ...first, external_id: '' }, { ...onePayment(''), provisional: true });
    await send(path, of('invoice_payment.paid', 'invoice.paid'));
    await send(path, of('payment_intent.succeeded'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  for (const types of [
    ['invoice.payment_succeeded', 'payment_intent.succeeded'],
    ['payment_intent.succeeded', 'invoice.payment_succeeded'],
  ]) {
    it(`without an API key, ${types.join(' then ')}: one payment`, async () => {
      const { connectionId, paymentId, of, path } = await open(['secretKey']);
      await send(path, of(...types));
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });
  }

  it('together with everything, with and without an API key: one payment', async () => {
    for (const without of [[], ['secretKey']]) {
      const { connectionId, paymentId, notices, path } = await open(without);
      await send(path, [...notices, ...notices].reverse());
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { connectionId, paymentId, of } = await open([]);
    await send('/webhooks/payment-event', of('payment_intent.succeeded'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
