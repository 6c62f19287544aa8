import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Notice } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { servicemobility } from '../src/portals/servicemobility/index.ts';
import type { SimulatedOrder } from './contract.ts';
import { type ServiceMobilitySimulator, simulateServiceMobility } from './servicemobility.ts';

const NOW = new Date('2026-11-21T08:00:00.123Z');
const order: SimulatedOrder = {
  amountMinor: 31240n,
  currency: 'USD',
  customer: { externalId: 'c1', name: 'Ann', email: 'ann@example.com' },
  workOrder: 'ORD-4540',
};
const opened: ServiceMobilitySimulator[] = [];
after(() => Promise.all(opened.map((simulator) => simulator.close())));

async function simulate(options: Parameters<typeof simulateServiceMobility>[0]) {
  const simulator = await simulateServiceMobility(options);
  opened.push(simulator);
  return simulator;
}

/** What our portal makes of everything the processor sends. */
function deliver(simulator: ServiceMobilitySimulator): CanonicalEvent[] {
  const settings = servicemobility.settings.parse(simulator.settings);
  return simulator.takeNotices().flatMap((sent) => {
    const notice: Notice = { ...sent.sign(NOW), url: '/', receivedAt: NOW };
    assert.ok(servicemobility.webhook?.recognizes(notice));
    assert.equal(servicemobility.webhook?.authenticate(notice, settings).verdict, 'authentic');
    const normalized = servicemobility.normalize(notice, settings);
    assert.ok('events' in normalized);
    return normalized.events;
  });
}

describe('the processor', () => {
  test('sends what our portal understands, in every currency', async () => {
    const simulator = await simulate({ seed: 1 });
    for (const currency of ['USD', 'JPY', 'KWD', 'GBP']) {
      const id = simulator.pay({ ...order, currency }, NOW);
      const [event] = deliver(simulator);
      assert.equal(event?.type, 'payment.succeeded');
      assert.equal(event?.externalPaymentId, id);
      assert.equal(event?.amountMinor, 31240n);
      assert.equal(event?.currency, currency);
      assert.equal(event?.occurredAt, NOW.toISOString());
      assert.deepEqual(event?.references, [{ kind: 'workOrder', number: 'ORD-4540' }]);
    }
    assert.throws(() => simulator.pay({ ...order, currency: 'CHF' }, NOW));
  });

  test('declines, authorizes, cancels, refunds and voids', async () => {
    const simulator = await simulate({ seed: 2 });
    simulator.decline(order, NOW);
    const authorized = simulator.authorize?.(order, NOW) ?? '';
    simulator.void?.(authorized, NOW);
    const refunded = simulator.pay(order, NOW);
    const first = simulator.refund?.(refunded, 1000n, NOW);
    const second = simulator.refund?.(refunded, 240n, NOW);
    const voided = simulator.pay(order, NOW);
    simulator.void?.(voided, NOW);
    const events = deliver(simulator);
    assert.deepEqual(
      events.map((event) => event.type),
      [
        'payment.failed',
        'payment.authorized',
        'payment.voided',
        'payment.succeeded',
        'refund.succeeded',
        'refund.succeeded',
        'payment.succeeded',
        'payment.voided',
      ],
    );
    assert.equal(first, refunded);
    assert.notEqual(second, refunded);
    assert.deepEqual([events[4]?.refundId, events[5]?.refundId], [first, second]);
    assert.deepEqual(
      simulator.truth().map(({ status, refundedMinor }) => [status, refundedMinor]),
      [
        ['failed', 0n],
        ['voided', 0n],
        ['succeeded', 1240n],
        ['voided', 0n],
      ],
    );
    assert.throws(() => simulator.refund?.(refunded, 31240n, NOW));
    assert.throws(() => simulator.void?.(voided, NOW));
  });

  test('may give reversals ids of their own', async () => {
    const simulator = await simulate({ seed: 3, reversalIds: 'own' });
    const id = simulator.pay(order, NOW);
    assert.notEqual(simulator.refund?.(id, 100n, NOW), id);
  });

  test('tells the same story for the same seed', async () => {
    const tell = async () => {
      const simulator = await simulate({ seed: 7 });
      simulator.pay(order, NOW);
      return simulator.takeNotices().map((notice) => notice.sign(NOW).body.toString());
    };
    assert.deepEqual(await tell(), await tell());
  });
});

describe('the host', () => {
  const object = {
    Amount: 10.5,
    PaymentUTC: NOW.toISOString(),
    RefNum: 'ORD-1',
    Source: 'Link',
    TransactionID: 'stripe:ch_1',
    TransactionStatus: 'Approved',
    TransactionType: 'Sales',
    Type: 'Card',
  };

  async function post(url: string, body: unknown, token = '') {
    const headers = { 'content-type': 'application/json', 'x-access-token': token };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    type Answer = { readonly token: string; readonly invalidParams: readonly { path: string }[] };
    return { status: response.status, body: (await response.json()) as Partial<Answer> };
  }

  test('logs in, takes objects and refuses as documented', async () => {
    const host = await simulate({ seed: 4 });
    const { baseUrl, username, password, merchantId, paymentGatewayId } = host.systemSettings;
    const charge = `${baseUrl}/seiapi/v3/webhooks/Payments/${paymentGatewayId}/Charge`;
    const logIn = () => post(`${baseUrl}/createjwt`, { username, password });
    assert.equal((await post(`${baseUrl}/createjwt`, { username })).status, 401);
    const { token } = (await logIn()).body;
    const sent = { ...object, MerchantID: merchantId };
    assert.equal((await post(charge, sent)).status, 401);
    assert.deepEqual(await post(charge, sent, token), { status: 200, body: {} });
    assert.equal((await post(charge, sent, token)).status, 200);
    assert.deepEqual(host.received(), [{ object: sent, text: JSON.stringify(sent), times: 2 }]);
    const invalid = await post(charge, { ...sent, TransactionStatus: 'approved' }, token);
    assert.equal(invalid.status, 400);
    assert.equal(invalid.body.invalidParams?.[0]?.path, '/TransactionStatus');
    const elsewhere = charge.replace(String(paymentGatewayId), 'other');
    assert.equal((await post(elsewhere, sent, token)).status, 404);
    host.answerWith('ORD-1', 410);
    assert.equal((await post(charge, sent, token)).status, 410);
    host.expireTokens();
    assert.equal((await post(charge, sent, token)).status, 401);
    assert.equal((await fetch(charge)).status, 405);
    assert.equal(host.loginCount(), 1);
  });

  test('misbehaves when asked to', async () => {
    const host = await simulate({ seed: 5, faultRate: 1 });
    const statuses = new Set<number>();
    for (let i = 0; i < 12; i++) {
      await fetch(`${host.systemSettings.baseUrl}/createjwt`, { method: 'POST', body: '{}' }).then(
        (response) => statuses.add(response.status),
        () => {},
      );
    }
    assert.ok(statuses.has(429) && statuses.has(500));
    assert.equal(host.requestCount(), 12);
  });
});
