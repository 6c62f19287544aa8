/** square: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimulatedNotice } from '../../simulators/contract.ts';
import { simulateSquare } from '../../simulators/square.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

/** Without the token nothing is pulled or fetched, so that what the webhooks tell stands alone. */
const ALONE = ['accessToken'];

describe('square: payment.updated', () => {
  const open = async (without: readonly string[]) => {
    const seed = nextSeed();
    const simulated = await simulateSquare({ seed });
    const connectionId = await connect(simulated, without);
    const paymentId = simulated.pay(orderOf(seed, { invoiceNumber: `INV-${seed}` }), NOW());
    const notices = simulated.takeNotices();
    const of = (type: string): SimulatedNotice[] =>
      notices.filter((notice) => notice.label.startsWith(`${type} `));
    return { connectionId, paymentId, notices, of, path: `/webhooks/square/${connectionId}` };
  };

  it('alone: posted when COMPLETED, and repeated updates change nothing', async () => {
    const { connectionId, paymentId, of, path } = await open(ALONE);
    const updates = of('payment.updated');
    assert.ok(updates.length >= 3);
    await send(path, updates.slice(0, 1));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    await send(path, [...updates, ...updates]);
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('alone, with a token: the invoice is fetched, and it is one payment', async () => {
    const { connectionId, paymentId, of, path } = await open([]);
    await send(path, of('payment.updated'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  for (const order of ['as they came', 'backwards'] as const) {
    it(`together with everything, ${order}, with and without a token: one payment`, async () => {
      for (const without of [[], ALONE]) {
        const { connectionId, paymentId, notices, path } = await open(without);
        const all = [...notices, ...notices];
        await send(path, order === 'backwards' ? all.reverse() : all);
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      }
    });
  }

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { connectionId, paymentId, of } = await open(ALONE);
    await send('/webhooks/payment-event', of('payment.updated'));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('pulled without any webhook: one payment', async () => {
    const { connectionId, paymentId } = await open(['signatureKey', 'notificationUrl']);
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});
