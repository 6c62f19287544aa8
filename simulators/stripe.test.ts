import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { stripe } from '../src/portals/stripe/index.ts';
import type { SimulatedNotice, SimulatedOrder, SimulatedPortal } from './contract.ts';
import { simulateStripe } from './stripe.ts';

const START = Date.parse('2026-11-02T08:00:00.000Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);
const order: SimulatedOrder = {
  amountMinor: 125050n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Northgate Foundry', email: 'ap@northgate.example' },
  invoiceNumber: 'INV-1',
  workOrder: 'WO-1',
};

const opened: SimulatedPortal[] = [];
after(() => Promise.all(opened.map((simulated) => simulated.close())));

async function open(options: Parameters<typeof simulateStripe>[0] = { seed: 1 }) {
  const simulated = await simulateStripe(options);
  opened.push(simulated);
  const settings = stripe.settings.parse(simulated.settings) as Record<string, unknown>;
  return { simulated, settings, api: overFetch(simulated) };
}

/** Just enough of a transport: the engine's own retries and maps errors. */
function overFetch({ settings }: SimulatedPortal): PortalApi {
  return {
    async request({ path, query = {}, accept = [] }) {
      const url = new URL(path, settings.apiBaseUrl);
      for (const [name, value] of Object.entries(query)) {
        for (const one of [value].flat()) url.searchParams.append(name, one);
      }
      const headers = { authorization: `Bearer ${settings.secretKey}` };
      const answer = await fetch(url, { headers });
      const body = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok && !accept.includes(answer.status))
        throw new Error(`${answer.status}: ${body}`);
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
    },
  };
}

/** Signs and authenticates a notice, then reads it to the end, fetching what it asks for. */
async function read(
  notice: SimulatedNotice,
  { settings, api }: { settings: unknown; api?: PortalApi },
): Promise<readonly CanonicalEvent[]> {
  const signed = { ...notice.sign(at(600)), url: '/', receivedAt: at(601) };
  assert.equal(stripe.webhook?.recognizes(signed), true);
  assert.deepEqual(stripe.webhook?.authenticate(signed, settings), { verdict: 'authentic' });
  return readBody(signed.body, { settings, ...(api && { api }) });
}

async function readBody(
  body: Buffer,
  { settings, api }: { settings: unknown; api?: PortalApi },
): Promise<readonly CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const document of stripe.split(body, {})) {
    const outcome = stripe.normalize({ ...document, headers: {}, receivedAt: at(0) }, settings);
    assert.ok(!('quarantined' in outcome), 'quarantined' in outcome ? outcome.quarantined : '');
    if ('events' in outcome) events.push(...outcome.events);
    if (!('fetch' in outcome)) continue;
    assert.ok(api && stripe.fetch);
    for (const fetched of await stripe.fetch(api, outcome.fetch, settings)) {
      events.push(...(await readBody(fetched.body, { settings })));
    }
  }
  return events;
}

const inOneLine = (event: CanonicalEvent): string =>
  [
    event.type,
    event.amountMinor,
    event.currency,
    ...(event.feeMinor === null ? [] : [event.feeMinor]),
  ].join(' ');

async function told(opening: Awaited<ReturnType<typeof open>>): Promise<string[]> {
  const lines: string[] = [];
  for (const notice of opening.simulated.takeNotices()) {
    lines.push(...(await read(notice, opening)).map(inOneLine));
  }
  return lines;
}

test('a card payment is told at once and its fee a moment later', async () => {
  const opening = await open();
  const id = opening.simulated.pay(order, at(0));
  const labels = opening.simulated.takeNotices();
  assert.match(labels[0]?.label ?? '', /^payment_intent\.succeeded pi_/);
  const [paid] = await read(labels[0] as SimulatedNotice, opening);
  const [fee] = await read(labels[1] as SimulatedNotice, opening);
  assert.equal(paid?.externalPaymentId, id);
  assert.equal(paid?.feeMinor, null);
  assert.deepEqual(paid?.references.slice(0, 2), [
    { kind: 'invoice', number: 'INV-1' },
    { kind: 'workOrder', number: 'WO-1' },
  ]);
  assert.equal(fee?.externalPaymentId, id);
  assert.equal(fee?.feeMinor, 3656n);
  assert.deepEqual(opening.simulated.truth(), [
    {
      externalId: id,
      status: 'succeeded',
      amountMinor: 125050n,
      currency: 'USD',
      refundedMinor: 0n,
      disputedMinor: 0n,
      lostMinor: 0n,
      feeMinor: 3656n,
    },
  ]);
});

test('bank debits wait and settle or fail; authorizations are captured or released', async () => {
  const opening = await open();
  const { simulated } = opening;
  const settled = simulated.begin?.(order, at(0)) ?? '';
  const failed = simulated.begin?.(order, at(1)) ?? '';
  simulated.settle?.(settled, at(2));
  simulated.fail?.(failed, at(3));
  const captured = simulated.authorize?.(order, at(4)) ?? '';
  const released = simulated.authorize?.(order, at(5)) ?? '';
  simulated.capture?.(captured, at(6));
  simulated.void?.(released, at(7));
  assert.deepEqual(await told(opening), [
    'payment.pending 125050 USD',
    'payment.pending 125050 USD',
    'payment.succeeded 125050 USD',
    'payment.succeeded 125050 USD 3656',
    'payment.failed 125050 USD',
    'payment.authorized 125050 USD',
    'payment.authorized 125050 USD',
    'payment.succeeded 125050 USD',
    'payment.succeeded 125050 USD 3656',
    'payment.voided 125050 USD',
  ]);
  assert.deepEqual(
    simulated.truth().map(({ status }) => status),
    ['succeeded', 'failed', 'succeeded', 'voided'],
  );
  assert.throws(() => simulated.settle?.(failed, at(8)), RangeError);
});

test('refunds, disputes and payouts leave a truth that the notices tell', async () => {
  const opening = await open({ seed: 7 });
  const { simulated } = opening;
  const [first, second, third] = [0, 1, 2].map((minute) => simulated.pay(order, at(minute)));
  const refund = simulated.refund?.(String(first), 25000n, at(10)) ?? '';
  simulated.refund?.(String(first), 5000n, at(11));
  simulated.failRefund?.(refund, at(12));
  const won = simulated.dispute?.(String(second), at(20)) ?? '';
  const lost = simulated.dispute?.(String(third), at(21)) ?? '';
  simulated.closeDispute?.(won, 'won', at(30));
  simulated.closeDispute?.(lost, 'lost', at(31));
  const payout = simulated.payout?.(at(40));
  assert.equal(simulated.payout?.(at(41)), undefined);
  const lines = await told(opening);
  const net = 3n * (125050n - 3656n) - 5000n - (125050n + 1500n);
  assert.ok(payout && lines.includes(`payout.paid ${net} USD`));
  assert.equal(lines.filter((line) => line === 'refund.succeeded 25000 USD').length, 1);
  assert.equal(lines.filter((line) => line === 'refund.failed 25000 USD').length, 2);
  assert.equal(lines.filter((line) => line === 'dispute.opened 125050 USD 1500').length, 4);
  assert.equal(lines.filter((line) => line === 'dispute.won 125050 USD 0').length, 2);
  assert.equal(lines.filter((line) => line === 'dispute.lost 125050 USD 1500').length, 1);
  assert.deepEqual(
    simulated.truth().map(({ refundedMinor, lostMinor }) => [refundedMinor, lostMinor]),
    [
      [5000n, 0n],
      [0n, 0n],
      [0n, 125050n],
    ],
  );
  assert.throws(() => simulated.refund?.(String(first), 125050n, at(50)), RangeError);
});

test('invoice events lead to the PaymentIntent with a key, to the invoice without', async () => {
  const opening = await open({ seed: 3, extraEvents: true });
  const { simulated, settings, api } = opening;
  const id = simulated.pay(order, at(0));
  const notices = simulated.takeNotices().filter(({ label }) => label.startsWith('invoice'));
  assert.deepEqual(
    notices.map(({ label }) => label.split(' ')[0]),
    ['invoice.paid', 'invoice.payment_succeeded', 'invoice_payment.paid'],
  );
  const keyed = await read(notices[0] as SimulatedNotice, { settings, api });
  assert.deepEqual(keyed.map(inOneLine), [
    'payment.succeeded 125050 USD 3656',
    'payment.referenced 125050 USD',
  ]);
  assert.ok(keyed.every(({ externalPaymentId }) => externalPaymentId === id));
  const { secretKey: _, ...without } = settings;
  const [provisional] = await read(notices[1] as SimulatedNotice, { settings: without });
  const [tie] = await read(notices[2] as SimulatedNotice, { settings: without });
  assert.equal(provisional?.provisional, true);
  assert.equal(tie?.externalPaymentId, id);
  assert.equal(tie?.links.paymentExternalId, provisional?.externalPaymentId);
});

test('a pull by events and a backfill by lists find every payment, page by page', async () => {
  const { simulated, settings, api } = await open({ seed: 5, extraEvents: true });
  const ids = Array.from({ length: 130 }, (_, minute) => simulated.pay(order, at(minute)));
  simulated.refund?.(ids[0] as string, 100n, at(200));
  const { pull } = stripe;
  assert.ok(pull);
  for (const days of [1, 300]) {
    const now = new Date(START + 86_400_000);
    let cursor = pull.start(new Date(now.getTime() - days * 86_400_000));
    const events: CanonicalEvent[] = [];
    for (let more = true; more; ) {
      const page = await pull.page(api, cursor, { settings, now });
      for (const body of page.bodies) events.push(...(await readBody(body, { settings, api })));
      ({ next: cursor, more } = page);
    }
    const paid = events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(new Set(paid.map(({ externalPaymentId }) => externalPaymentId)), new Set(ids));
    assert.ok(paid.some(({ feeMinor }) => feeMinor === 3656n));
    assert.ok(events.some(({ type }) => type === 'refund.succeeded'));
    assert.ok(events.some(({ type }) => type === 'payment.referenced'));
  }
  assert.equal(
    await stripe.check?.(api, settings),
    'Stripe account Airworks Repair (acct_1SimAirworks)',
  );
});

test('every currency keeps its exact amount on the way through', async () => {
  const opening = await open();
  const amounts = { JPY: 125050n, KWD: 1250500n, ISK: 125050n, UGX: 4500000n, MGA: 12505000n };
  for (const [currency, amountMinor] of Object.entries(amounts)) {
    opening.simulated.pay({ ...order, currency, amountMinor }, at(0));
    const [paid, withFee] = await told(opening);
    assert.equal(paid, `payment.succeeded ${amountMinor} ${currency}`);
    const [{ feeMinor } = { feeMinor: null }] = opening.simulated.truth().slice(-1);
    assert.equal(withFee, `payment.succeeded ${amountMinor} ${currency} ${feeMinor}`);
  }
});

test('the same seed tells the same story, another one another', async () => {
  const stories: string[] = [];
  for (const seed of [4, 4, 9]) {
    const { simulated } = await open({ seed });
    simulated.refund?.(simulated.pay(order, at(0)), 100n, at(1));
    stories.push(
      simulated
        .takeNotices()
        .map((notice) => String(notice.sign(at(2)).body))
        .join(),
    );
  }
  assert.equal(stories[0], stories[1]);
  assert.notEqual(stories[0], stories[2]);
});

test('faults are answered in the form Stripe has, wrong keys are refused', async () => {
  const { simulated } = await open({ seed: 2, faultRate: 1 });
  const url = new URL('/v1/events', simulated.settings.apiBaseUrl);
  for (let calls = 0; calls < 60; calls++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.status !== 429) {
      await answer?.arrayBuffer().catch(() => undefined);
      continue;
    }
    assert.equal(answer.headers.get('stripe-rate-limited-reason'), 'global-rate');
    const { error } = (await answer.json()) as { error: { code: string } };
    assert.equal(error.code, 'rate_limit');
    assert.equal(simulated.requestCount(), calls + 1);
    const healthy = await open();
    const refused = await fetch(new URL('/v1/events', healthy.simulated.settings.apiBaseUrl));
    assert.equal(refused.status, 401);
    return;
  }
  assert.fail('no 429 in 60 calls');
});
