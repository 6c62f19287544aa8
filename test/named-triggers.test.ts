/** Each trigger the firm named, as the only thing subscribed and together with the fuller subscription: one payment. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SimulatedNotice, SimulatedPortal } from '../simulators/contract.ts';
import { simulateMollie } from '../simulators/mollie.ts';
import { simulateQuickBooks } from '../simulators/quickbooks.ts';
import { simulateServiceMobility } from '../simulators/servicemobility.ts';
import { simulateStripe } from '../simulators/stripe.ts';
import { startTestServer, type TestServer } from '../src/api/test-server.ts';
import { verifyBooks } from '../src/apply/verify.ts';
import { sql } from '../src/db/database.ts';
import { createConnection } from '../src/intake/connections.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(async () => {
  const verification = await verifyBooks(server.app.database, 1);
  assert.deepEqual(
    verification.checks.flatMap((check) => check.problems),
    [],
  );
  await server[Symbol.asyncDispose]();
});

let seed = 4870;
const NOW = () => new Date();
const order = (invoiceNumber?: string) => ({
  amountMinor: 125_050n,
  currency: 'USD',
  customer: {
    externalId: `cus_${seed}`,
    name: 'Northgate Foundry',
    email: `ap${seed}@northgate.example`,
  },
  ...(invoiceNumber ? { invoiceNumber } : {}),
});

async function connect(
  simulated: SimulatedPortal,
  without: readonly string[] = [],
): Promise<string> {
  const settings = Object.fromEntries(
    Object.entries(simulated.settings).filter(([name]) => !without.includes(name)),
  );
  const { id } = await createConnection(server.app, {
    organizationId: 1,
    portal: simulated.portal,
    name: simulated.portal,
    role: simulated.role,
    settings,
    actor: 'test',
  });
  return id;
}

async function send(path: string, notices: readonly SimulatedNotice[]): Promise<void> {
  for (const notice of notices) {
    const { headers, body } = notice.sign(NOW());
    const reply = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    });
    assert.equal(
      reply.status,
      200,
      `${notice.label} answered ${reply.status}: ${await reply.text()}`,
    );
  }
}

type Booked = { external_id: string; status: string; amount: bigint; provisional: boolean };

/** Waits until nothing of the connection waits any more, then reads its payments. */
async function booked(connectionId: string, atLeast: number): Promise<readonly Booked[]> {
  for (let look = 0; look < 400; look += 1) {
    const [busy] = await server.app.database.query<{ count: bigint }>(
      sql`select (select count(*) from inbox) + (select count(*) from fetches
            where connection_id = ${connectionId} and state = 'waiting') as count`,
    );
    const rows = await server.app.database.query<Booked>(
      sql`select external_id, status, received_minor as amount, provisional from payments
          where connection_id = ${connectionId} and mirrors is null order by id`,
    );
    if (busy?.count === 0n && rows.length >= atLeast) return rows;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the documents were not applied in time');
}

const one = (externalId: string): Booked => ({
  external_id: externalId,
  status: 'succeeded',
  amount: 125_050n,
  provisional: false,
});

describe('stripe: invoice.payment_succeeded', () => {
  const open = async (without: readonly string[]) => {
    seed += 1;
    const simulated = await simulateStripe({ seed, extraEvents: true });
    const connectionId = await connect(simulated, without);
    const paymentId = simulated.pay(order(`INV-${seed}`), NOW());
    const notices = simulated.takeNotices();
    const of = (...types: string[]) =>
      types.flatMap((type) => notices.filter((notice) => notice.label.startsWith(`${type} `)));
    const path = `/webhooks/stripe/${connectionId}`;
    return { simulated, connectionId, paymentId, notices, of, path };
  };

  it('alone, with an API key: keyed by the PaymentIntent', async () => {
    const { simulated, connectionId, paymentId, of, path } = await open([]);
    await send(path, of('invoice.payment_succeeded'));
    assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
    await simulated.close();
  });

  it('alone, without an API key: provisional, merged when invoice_payment.paid names the intent', async () => {
    const { simulated, connectionId, paymentId, of, path } = await open(['secretKey']);
    await send(path, of('invoice.payment_succeeded'));
    const [first] = await booked(connectionId, 1);
    assert.deepEqual({ ...first, external_id: '' }, { ...one(''), provisional: true });
    await send(path, of('invoice_payment.paid', 'invoice.paid'));
    await send(path, of('payment_intent.succeeded'));
    assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
    await simulated.close();
  });

  for (const types of [
    ['invoice.payment_succeeded', 'payment_intent.succeeded'],
    ['payment_intent.succeeded', 'invoice.payment_succeeded'],
  ]) {
    it(`without an API key, ${types.join(' then ')}: one payment`, async () => {
      const { simulated, connectionId, paymentId, of, path } = await open(['secretKey']);
      await send(path, of(...types));
      assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
      await simulated.close();
    });
  }

  it('together with everything, with and without an API key: one payment', async () => {
    for (const without of [[], ['secretKey']]) {
      const { simulated, connectionId, paymentId, notices, path } = await open(without);
      await send(path, [...notices, ...notices].reverse());
      assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
      await simulated.close();
    }
  });

  it('reaches its connection through POST /webhooks/payment-event', async () => {
    const { simulated, connectionId, paymentId, of } = await open([]);
    await send('/webhooks/payment-event', of('payment_intent.succeeded'));
    assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
    await simulated.close();
  });
});

describe('mollie: payment status webhook, then /v2/payments/{id}', () => {
  it('classic alone, next-gen alone and both: one payment', async () => {
    for (const kinds of [['classic'], ['next-gen'], ['classic', 'next-gen']]) {
      seed += 1;
      const simulated = await simulateMollie({ seed });
      const connectionId = await connect(simulated);
      const paymentId = simulated.pay({ ...order(), currency: 'EUR' }, NOW());
      const notices = simulated.takeNotices().filter((notice) => {
        const { headers } = notice.sign(NOW());
        const kind = headers['content-type']?.includes('form') ? 'classic' : 'next-gen';
        return kinds.includes(kind);
      });
      assert.ok(notices.length > 0, `the simulator sends ${kinds.join(' and ')}`);
      await send(`/webhooks/mollie/${connectionId}`, notices);
      assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
      await simulated.close();
    }
  });
});

describe('quickbooks: SELECT * FROM Payment', () => {
  it('pulled without any webhook, and together with notices in both shapes: one payment', async () => {
    for (const notices of [undefined, 'legacy', 'cloud-events'] as const) {
      seed += 1;
      const simulated = await simulateQuickBooks({ seed, ...(notices ? { notices } : {}) });
      const paymentId = simulated.pay(order(), NOW());
      const connectionId = await connect(simulated, notices ? [] : ['verifierToken']);
      if (notices) await send(`/webhooks/quickbooks/${connectionId}`, simulated.takeNotices());
      assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
      await simulated.close();
    }
  });
});

describe('servicemobility: Payment Processor Webhook object', () => {
  it('received once, however often it is sent', async () => {
    seed += 1;
    const simulated = await simulateServiceMobility({ seed });
    const connectionId = await connect(simulated);
    const paymentId = simulated.pay({ ...order(), workOrder: 'ORD-4534' }, NOW());
    const notices = simulated.takeNotices();
    await send(`/webhooks/servicemobility/${connectionId}`, [...notices, ...notices]);
    await send('/webhooks/payment-event', notices);
    assert.deepEqual(await booked(connectionId, 1), [one(paymentId)]);
    await simulated.close();
  });
});
