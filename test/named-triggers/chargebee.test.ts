/** chargebee: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateChargebee } from '../../simulators/chargebee.ts';
import type { SimulatedNotice } from '../../simulators/contract.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

type How = { readonly olderName?: boolean; readonly billsHere?: boolean };

/** A payment of an invoice, and every notice of it. */
async function open(how: How, without: readonly string[] = []) {
  const seed = nextSeed();
  const simulated = await simulateChargebee({ seed, ...how });
  const connectionId = await connect(simulated, without);
  const order = orderOf(seed, how.billsHere ? {} : { invoiceNumber: `INV-${seed}` });
  const paymentId = simulated.pay(order, NOW());
  const notices = simulated.takeNotices();
  const of = (type: string): readonly SimulatedNotice[] =>
    notices.filter((notice) => notice.label.startsWith(`${type} `));
  const path = `/webhooks/chargebee/${connectionId}`;
  return { simulated, connectionId, paymentId, notices, of, path };
}

for (const [type, how] of [
  ['payment_collected_successfully', { olderName: true }],
  ['payment_succeeded', {}],
] as const) {
  describe(`chargebee: ${type}`, () => {
    it('alone, without an API key', async () => {
      const { connectionId, paymentId, of, path } = await open(how, ['apiKey']);
      assert.equal(of(type).length, 1);
      await send(path, of(type));
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });

    it('together with everything that Chargebee sends, both ways round and twice', async () => {
      for (const without of [[], ['apiKey']]) {
        for (const billsHere of [false, true]) {
          const { connectionId, paymentId, notices, path } = await open(
            { ...how, billsHere },
            without,
          );
          await send(path, [...notices, ...[...notices].reverse()]);
          assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
        }
      }
    });

    it('reaches its connection through POST /webhooks/payment-event', async () => {
      const { connectionId, paymentId, of } = await open(how);
      await send('/webhooks/payment-event', of(type));
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    });
  });
}

describe('chargebee: holds', () => {
  for (const without of [[], ['apiKey']]) {
    it(`a captured hold is one payment, ${without.length ? 'without' : 'with'} an API key`, async () => {
      const seed = nextSeed();
      const simulated = await simulateChargebee({ seed });
      const connectionId = await connect(simulated, without);
      const path = `/webhooks/chargebee/${connectionId}`;
      const hold = simulated.authorize?.(orderOf(seed), NOW()) ?? '';
      await send(path, simulated.takeNotices());
      simulated.capture?.(hold, NOW());
      await send(path, simulated.takeNotices());
      const [capture] = simulated.truth();
      assert.deepEqual(await booked(connectionId, 1), [onePayment(String(capture?.externalId))]);
    });
  }
});
