/** paypal: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimulatedNotice } from '../../simulators/contract.ts';
import { type PaypalSimulatorOptions, simulatePaypal } from '../../simulators/paypal.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

type How = Omit<PaypalSimulatorOptions, 'seed'>;

/** Without credentials nothing is pulled, so that only the notices count. */
const UNKEYED = ['clientId', 'clientSecret'];

async function open(how: How, without: readonly string[] = UNKEYED) {
  const seed = nextSeed();
  const simulated = await simulatePaypal({ seed, ...how });
  const paymentId = simulated.pay(orderOf(seed, { invoiceNumber: `INV-${seed}` }), NOW());
  const connectionId = await connect(simulated, without);
  const notices = simulated.takeNotices();
  const of = (type: string): readonly SimulatedNotice[] =>
    notices.filter((notice) => notice.label.startsWith(`${type} `));
  return { connectionId, paymentId, notices, of, path: `/webhooks/paypal/${connectionId}` };
}

describe('paypal: PAYMENT.SALE.COMPLETED', () => {
  it('alone, by certificate, without any credentials', async () => {
    const { connectionId, paymentId, of, path } = await open({ generation: 'v1' });
    const told = of('PAYMENT.SALE.COMPLETED');
    assert.equal(told.length, 1);
    await send(path, [...told, ...told]);
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('alone, through POST /webhooks/payment-event', async () => {
    const { connectionId, paymentId, of } = await open({ generation: 'v1' });
    await send('/webhooks/payment-event', of('PAYMENT.SALE.COMPLETED'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('by asking PayPal, where the certificate is not known', async () => {
    const how = { generation: 'v1', certificate: 'unknown' } as const;
    const { connectionId, paymentId, of, path } = await open(how, []);
    await send(path, of('PAYMENT.SALE.COMPLETED'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('together with the pull of the same money, before and after it', async () => {
    for (const generation of ['v1', 'v2'] as const) {
      const { connectionId, paymentId, notices, path } = await open({ generation }, []);
      await send(path, notices);
      // The first pull of the connection brings it, too.
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      await send(path, [...notices].reverse());
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});

describe('paypal: PAYMENT.CAPTURE.COMPLETED and what an invoice tells', () => {
  for (const types of [
    ['PAYMENT.CAPTURE.COMPLETED', 'INVOICING.INVOICE.PAID'],
    ['INVOICING.INVOICE.PAID', 'PAYMENT.CAPTURE.COMPLETED'],
    ['INVOICING.INVOICE.PAID'],
  ]) {
    it(`${types.join(' then ')}: one payment`, async () => {
      const how = { generation: 'v2', invoiced: true } as const;
      const { connectionId, paymentId, of, path } = await open(how);
      await send(path, types.flatMap(of));
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });
  }
});
