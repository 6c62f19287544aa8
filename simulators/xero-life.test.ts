/** The life of payments at Xero: connected, pulled, told of, recorded through lost answers, taken back. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { PortalApi } from '../src/portals/contract.ts';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { memoryTokenStore, tokenSource } from '../src/portals/kit/oauth.ts';
import { xero } from '../src/portals/xero/index.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';
import { simulateXero, type XeroSimulator } from './xero.ts';

const NOW = new Date('2026-10-14T16:00:00.000Z');
const later = (count: number) => new Date(NOW.getTime() + count * 60_000);

function open(organisation: XeroSimulator) {
  const settings = xero.settings.parse(organisation.settings);
  const definition = xero.api ?? assert.fail('no API');
  const auth = definition.auth(settings);
  if (auth.kind !== 'oauth2') assert.fail('not OAuth');
  const tokens = tokenSource({ store: memoryTokenStore(), client: auth.client, clock: () => NOW });
  const api = portalApi({
    baseUrl: definition.baseUrl(settings),
    authorization: { kind: 'oauth2', tokens },
    headers: definition.headers?.(settings) ?? {},
    requestsPerMinute: 600_000,
  });
  return { settings, api };
}

/** What bodies become, by type and id. */
function told(bodies: readonly Buffer[], settings: unknown): readonly string[] {
  return bodies
    .flatMap((body) => xero.split(body, {}))
    .flatMap(({ body }) => {
      const result = xero.normalize({ body, headers: {}, receivedAt: NOW }, settings);
      return 'events' in result ? result.events : [];
    })
    .filter(({ type }) => /^(payment|refund)\./.test(type))
    .map((event) => `${event.type} ${event.refundId ?? event.externalPaymentId}`);
}

async function pullAll(api: PortalApi, settings: unknown, from: Date): Promise<readonly string[]> {
  const pull = xero.pull ?? assert.fail('no pull');
  const bodies: Buffer[] = [];
  let cursor = pull.start(from);
  for (let more = true; more; ) {
    const page = await pull.page(api, cursor, { settings, now: later(500) });
    bodies.push(...page.bodies);
    cursor = page.next;
    more = page.more;
  }
  return told(bodies, settings);
}

const order = {
  amountMinor: 12_500n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Northgate', email: 'ap@northgate.example' },
};

test('the life of one payment, with everything that gets lost on the way', async () => {
  const organisation = await simulateXero({ seed: 11 });
  try {
    const { settings, api } = open(organisation);
    assert.match((await xero.check?.(api, settings)) ?? '', /Simulated Air Services Ltd/);
    const customer = organisation.addCustomer(order.customer, NOW);
    const invoice = organisation.addInvoice(
      { number: 'INV-1', customerExternalId: customer, amountMinor: 20_000n, currency: 'USD' },
      NOW,
    );
    const typed = organisation.pay({ ...order, invoiceNumber: 'INV-1' }, later(1));
    assert.deepEqual(await pullAll(api, settings, NOW), [`payment.succeeded ${typed}`]);

    // The event of the invoice leads to the same payment.
    const notice = organisation.takeNotices().at(-1)?.sign(NOW);
    const received = { ...notice, url: '/', receivedAt: NOW } as Parameters<
      NonNullable<typeof xero.webhook>['authenticate']
    >[0];
    assert.equal(xero.webhook?.authenticate(received, settings).verdict, 'authentic');
    const requests = xero.split(received.body, {}).flatMap(({ body }) => {
      const result = xero.normalize({ body, headers: {}, receivedAt: NOW }, settings);
      return 'fetch' in result ? (result.fetch ?? []) : [];
    });
    const fetched = (await xero.fetch?.(api, requests, settings)) ?? [];
    const again = told(
      fetched.map(({ body }) => body),
      settings,
    );
    assert.ok(again.includes(`payment.succeeded ${typed}`));

    // The token dies, and the answer to the creation is lost once.
    organisation.expireAccessTokens();
    let lost = 0;
    const lossy: PortalApi = {
      async request(call) {
        const answer = await api.request(call);
        if (call.method !== 'PUT' || lost > 0) return answer;
        lost += 1;
        throw new RetryLater('broke off');
      },
    };
    const mark = 'CV-ab12cd-pay_7';
    const payment = {
      paymentId: 'pay_7',
      from: { portal: 'stripe', externalId: 'pi_7' },
      mark,
      customerExternalId: customer,
      amountMinor: 7_500n,
      currency: 'USD',
      receivedOn: '2026-10-14',
      method: 'card',
      memo: 'stripe pi_1',
      invoices: [{ externalId: invoice, amountMinor: 7_500n }],
    };
    const context = { settings, idempotencyKey: mark, notes: memoryNotes() };
    const record = () => xero.books?.recordPayment(lossy, payment, context) ?? assert.fail();
    await assert.rejects(record, RetryLater);
    const { externalId } = await record();
    assert.equal(lost, 1);
    assert.deepEqual(
      organisation.recordedPayments().map((one) => [one.externalId, one.reference]),
      [[externalId, mark]],
    );
    await xero.books?.reversePayment?.(api, { externalId, mark }, context);

    organisation.refund(typed, 500n, later(3));
    organisation.void(organisation.pay(order, later(4)), later(5));
    const kinds = (await pullAll(api, settings, NOW)).map((one) => one.split(' ')[0]).sort();
    assert.deepEqual(kinds, [
      'payment.succeeded',
      'payment.voided',
      'payment.voided',
      'refund.succeeded',
    ]);
    const truth = organisation.truth().map(({ status, refundedMinor }) => [status, refundedMinor]);
    assert.deepEqual(truth, [
      ['succeeded', 500n],
      ['voided', 0n],
    ]);
  } finally {
    await organisation.close();
  }
});

test('an overpayment given back names the payment it gives back', async () => {
  const organisation = await simulateXero({ seed: 12 });
  try {
    const { settings, api } = open(organisation);
    const paid = organisation.pay(order, NOW);
    const refund = organisation.refund(paid, 500n, later(1));
    assert.deepEqual(await pullAll(api, settings, NOW), [
      `refund.succeeded ${refund}`,
      `payment.succeeded ${paid}`,
    ]);
    assert.throws(() => organisation.refund(paid, 12_001n, later(2)), /left to refund/);
    organisation.void(paid, later(3));
    assert.throws(() => organisation.void(paid, later(4)), /voided already/);
  } finally {
    await organisation.close();
  }
});

test('the same seed tells the same story, another seed another; events are signed as Xero signs', async () => {
  const story = async (seed: number) => {
    const organisation = await simulateXero({ seed });
    organisation.pay(order, NOW);
    await organisation.close();
    const { apiBaseUrl: _, authBaseUrl: __, ...settings } = organisation.settings;
    const sent = organisation.takeNotices().map((one) => one.sign(NOW));
    for (const { headers, body } of sent) {
      const key = organisation.settings.webhookKey ?? '';
      const signature = createHmac('sha256', key).update(body).digest('base64');
      assert.equal(headers['x-xero-signature'], signature);
    }
    assert.deepEqual(organisation.takeNotices(), [], 'taken once');
    return { sent: sent.map(({ body }) => body.toString()), settings, truth: organisation.truth() };
  };
  assert.deepEqual(await story(5), await story(5));
  assert.notDeepEqual((await story(5)).sent, (await story(6)).sent);
});

test('the API refuses what Xero refuses', async () => {
  const organisation = await simulateXero({ seed: 13 });
  try {
    const { settings, api } = open(organisation);
    const path = '/api.xro/2.0/Payments';
    const status = async (call: Parameters<PortalApi['request']>[0]) =>
      (await api.request({ ...call, accept: [400, 403, 404, 405] })).status;
    assert.equal(await status({ path, headers: { 'xero-tenant-id': 'other' } }), 403);
    assert.equal(await status({ path: `${path}/none` }), 404);
    assert.equal(await status({ path, query: { where: 'Amount>1' } }), 400);
    assert.equal(await status({ path, headers: { 'if-modified-since': 'yesterday' } }), 400);
    assert.equal(await status({ path, method: 'DELETE', json: {} }), 405);
    const xml = await api.request({ path, headers: { accept: 'application/xml' } });
    assert.match(xml.body.toString(), /^<Response/);
    const key = { 'idempotency-key': 'one' };
    const put = (Payments: readonly object[]) =>
      status({ path, method: 'PUT', headers: key, json: { Payments } });
    assert.equal(await put([{}]), 400);
    assert.equal(await put([{ Amount: 1 }]), 400, 'the same key with another body');
    const plain = await fetch(`${(settings as { apiBaseUrl: string }).apiBaseUrl}/connections`);
    assert.equal(plain.status, 401);
  } finally {
    await organisation.close();
  }
});
