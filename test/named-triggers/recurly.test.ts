/** recurly: the trigger that the firm named, alone and together with everything else: one payment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimulatedNotice } from '../../simulators/contract.ts';
import { type RecurlySimulatorOptions, simulateRecurly } from '../../simulators/recurly.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send } = serverForTests();

const NAMED = 'successful_payment_notification';

/** A payment of an invoice, and every notice of it. */
async function open(how: Partial<RecurlySimulatorOptions>, without: readonly string[] = []) {
  const seed = nextSeed();
  const simulated = await simulateRecurly({ seed, ...how });
  const connectionId = await connect(simulated, without);
  const order = orderOf(seed, how.billsHere ? {} : { invoiceNumber: `INV-${seed}` });
  const paymentId = simulated.pay(order, NOW());
  const notices = simulated.takeNotices();
  const of = (type: string): readonly SimulatedNotice[] =>
    notices.filter((notice) => notice.label.startsWith(`${type} `));
  const path = `/webhooks/recurly/${connectionId}`;
  return { simulated, connectionId, paymentId, notices, of, path };
}

/** The id by which XML alone knows a payment. */
function uuidIn([notice]: readonly SimulatedNotice[]): string {
  const body = notice?.sign(NOW()).body.toString() ?? '';
  return /<transaction>\s*<id>(\w+)</.exec(body)?.[1] ?? '';
}

describe(`recurly: ${NAMED}`, () => {
  it('alone, with an API key: by the transaction that it names', async () => {
    const { connectionId, paymentId, of, path } = await open({ format: 'xml' });
    assert.equal(of(NAMED).length, 1);
    await send(path, of(NAMED));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });

  it('alone, without an API key: as it stands', async () => {
    const { connectionId, of, path } = await open({ format: 'xml' }, ['apiKey']);
    await send(path, of(NAMED));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(uuidIn(of(NAMED)))]);
  });

  it('together with everything that Recurly sends, both ways round and twice', async () => {
    for (const billsHere of [false, true]) {
      const { connectionId, paymentId, notices, path } = await open({ format: 'both', billsHere });
      await send(path, [...notices, ...[...notices].reverse()]);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });

  it('with all other XML and no API key, both ways round', async () => {
    for (const order of ['first', 'last']) {
      const { connectionId, of, notices, path } = await open({ format: 'xml' }, ['apiKey']);
      const others = notices.filter(({ label }) => !label.startsWith(NAMED));
      const all = order === 'first' ? [...of(NAMED), ...others] : [...others, ...of(NAMED)];
      await send(path, all);
      assert.deepEqual(await booked(connectionId, 1), [onePayment(uuidIn(of(NAMED)))]);
    }
  });

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { connectionId, paymentId, of } = await open({ format: 'xml' });
    await send('/webhooks/payment-event', of(NAMED));
    assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
  });
});

describe('recurly: payment.succeeded in JSON', () => {
  it('alone, at its own address and at the one for all', async () => {
    for (const anywhere of [false, true]) {
      const { connectionId, paymentId, of, path } = await open({ format: 'json' });
      await send(anywhere ? '/webhooks/payment-event' : path, of('payment.succeeded'));
      assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
    }
  });
});

describe('recurly: holds', () => {
  for (const captures of ['own', 'same'] as const) {
    it(`a captured hold is one payment, the capture being ${captures}`, async () => {
      const seed = nextSeed();
      const simulated = await simulateRecurly({ seed, captures });
      const connectionId = await connect(simulated);
      const path = `/webhooks/recurly/${connectionId}`;
      const hold = simulated.authorize?.(orderOf(seed), NOW()) ?? '';
      await send(path, simulated.takeNotices());
      simulated.capture?.(hold, NOW());
      await send(path, simulated.takeNotices());
      const [capture] = simulated.truth();
      const payments = await booked(connectionId, 1);
      assert.deepEqual(payments, [onePayment(String(capture?.externalId))]);
    });
  }
});
