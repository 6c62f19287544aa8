/** sage-50: polling a bridge, its signed push, and the exported file, each alone and all together: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Sage50SimulatorOptions, simulateSage50 } from '../../simulators/sage-50.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send, upload } = serverForTests();

type Options = Omit<Sage50SimulatorOptions, 'seed'>;

/** One payment of one customer for a known invoice, or for one that nobody knows. */
async function paid(options: Options, known: boolean) {
  const seed = nextSeed();
  const simulated = await simulateSage50({ seed, ...options });
  const order = orderOf(seed, { invoiceNumber: `INV-${seed}` });
  if (known) {
    const { name, email } = order.customer;
    const customerExternalId = simulated.addCustomer({ name, email }, NOW());
    const { amountMinor, currency } = order;
    const invoice = { number: `INV-${seed}`, customerExternalId, amountMinor, currency };
    simulated.addInvoice(invoice, NOW());
  }
  const paymentId = simulated.pay(order, NOW());
  return { simulated, paymentId, notices: simulated.takeNotices() };
}

describe('sage-50: polling of payment-received flags', () => {
  const WAYS: readonly Options[] = [
    { bridge: 'own' },
    { bridge: 'oss' },
    { bridge: 'hyperaccounts', dateFormat: 'mm/dd/yyyy' },
    { bridge: 'own', edition: 'us' },
  ];
  for (const way of WAYS) {
    it(`alone, by ${Object.values(way).join(' ')}: one payment`, async () => {
      for (const known of [true, false]) {
        const { simulated, paymentId } = await paid(way, known);
        const connectionId = await connect(simulated);
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      }
    });
  }
});

describe('sage-50: payment notifications', () => {
  it('alone, however often and among pings: one payment', async () => {
    const { simulated, paymentId, notices } = await paid({ bridge: 'own', pushes: true }, true);
    const settings = { ...simulated.settings, bridge: 'none' };
    const connectionId = await connect({ ...simulated, settings }, ['apiBaseUrl', 'apiKey']);
    const ping = simulated.ping();
    await send(`/webhooks/sage-50/${connectionId}`, [ping, ...notices, ...notices, ping]);
    await send('/webhooks/payment-event', notices);
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});

describe('sage-50: the exported file', () => {
  for (const edition of ['uk', 'us'] as const) {
    it(`alone, of the ${edition} edition, the same again and a longer one: one payment`, async () => {
      const { simulated, paymentId } = await paid({ bridge: 'none', edition }, true);
      const connectionId = await connect(simulated);
      const file = simulated.exportFile();
      const first = await upload(connectionId, file);
      assert.equal(first.known, 0);
      assert.deepEqual(await upload(connectionId, file), { new: 0, known: first.new });
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      const seed = nextSeed();
      const later = simulated.pay(orderOf(seed), NOW());
      assert.deepEqual(await upload(connectionId, simulated.exportFile()), {
        new: 1,
        known: first.new,
      });
      assert.deepEqual(await booked(connectionId, 2), [onePayment(paymentId), onePayment(later)]);
    });
  }
});

describe('sage-50: polling, push and file together', () => {
  for (const bridge of ['own', 'oss', 'hyperaccounts'] as const) {
    it(`with the bridge ${bridge}: one payment, and its deletion takes it back once`, async () => {
      const { simulated, paymentId, notices } = await paid({ bridge, pushes: true }, true);
      const connectionId = await connect(simulated);
      await upload(connectionId, simulated.exportFile());
      await send(`/webhooks/sage-50/${connectionId}`, notices);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      await upload(connectionId, simulated.exportFile());
      await send('/webhooks/payment-event', notices);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      simulated.remove(paymentId, new Date(NOW().getTime() + 2000));
      await send(`/webhooks/sage-50/${connectionId}`, simulated.takeNotices());
      await upload(connectionId, simulated.exportFile());
      const gone = { ...onePayment(paymentId), status: 'voided', amount: 0n };
      assert.deepEqual(await booked(connectionId, 1), [gone]);
    });
  }
});
