import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { generic } from '../src/portals/generic/index.ts';
import type { SimulatedOrder, SimulatedPortal } from './contract.ts';
import { simulateGeneric } from './generic.ts';

const NOW = new Date('2026-11-21T08:00:00.123Z');
const order: SimulatedOrder = {
  amountMinor: 31240n,
  currency: 'USD',
  customer: { externalId: 'c1', name: 'Ann', email: 'ann@example.com' },
  invoiceNumber: 'INV-1',
};

/** What our portal makes of everything the source sends. */
function deliver(simulated: SimulatedPortal): CanonicalEvent[] {
  const settings = generic.settings.parse(simulated.settings);
  return simulated.takeNotices().flatMap((sent) => {
    const notice = { ...sent.sign(NOW), url: '/', receivedAt: NOW };
    assert.equal(generic.webhook?.recognizes(notice), true);
    assert.deepEqual(generic.webhook?.authenticate(notice, settings), { verdict: 'authentic' });
    const normalized = generic.normalize(notice, settings);
    assert.ok('events' in normalized);
    return normalized.events;
  });
}

describe('the generic source', () => {
  for (const headers of ['webhook', 'svix'] as const) {
    for (const version of ['v1', 'v1a'] as const) {
      test(`signs by ${version} under ${headers} headers what our portal reads`, async () => {
        const simulated = await simulateGeneric({ seed: 5, headers, version });
        for (const currency of ['USD', 'JPY', 'KWD']) {
          const id = simulated.pay({ ...order, currency }, NOW);
          const [event] = deliver(simulated);
          assert.equal(event?.externalPaymentId, id);
          assert.equal(event?.amountMinor, 31240n);
          assert.equal(event?.currency, currency);
        }
        await simulated.close();
      });
    }
  }

  test('tells a whole life, and its truth agrees', async () => {
    const simulated = await simulateGeneric({ seed: 6 });
    const id = simulated.pay(order, NOW);
    simulated.refund?.(id, 240n, NOW);
    const failing = simulated.refund?.(id, 1000n, NOW) ?? '';
    simulated.failRefund?.(failing, NOW);
    const dispute = simulated.dispute?.(id, NOW) ?? '';
    simulated.closeDispute?.(dispute, 'lost', NOW);
    const announced = simulated.begin?.(order, NOW) ?? '';
    simulated.fail?.(announced, NOW);
    const authorized = simulated.authorize?.(order, NOW) ?? '';
    simulated.void?.(authorized, NOW);
    const types = deliver(simulated).map(({ type }) => type);
    assert.deepEqual(
      types.filter((type) => type !== 'payment.referenced'),
      [
        'payment.succeeded',
        'refund.succeeded',
        'refund.succeeded',
        'refund.failed',
        'dispute.opened',
        'dispute.lost',
        'payment.pending',
        'payment.failed',
        'payment.authorized',
        'payment.voided',
      ],
    );
    const [truth] = simulated.truth();
    assert.equal(truth?.refundedMinor, 240n);
    assert.equal(truth?.lostMinor, 31000n);
    assert.equal(truth?.disputedMinor, 0n);
    assert.equal(simulated.payout?.(NOW), undefined, 'nothing is left to pay out');
    assert.throws(() => simulated.refund?.(id, 1n, NOW));
  });
});
