import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sdk from '@adyen/api-library';
import { adyen } from '../src/portals/adyen/index.ts';
import type { PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { type AdyenSimulatorOptions, simulateAdyen } from './adyen.ts';
import type { SimulatedNotice, SimulatedOrder, SimulatedPortal } from './contract.ts';

const START = Date.parse('2026-11-02T08:00:00.000Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);
const order: SimulatedOrder = {
  amountMinor: 125050n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Northgate Foundry', email: 'ap@northgate.example' },
  invoiceNumber: 'INV-1',
  workOrder: 'WO-1',
  memo: 'Thank you',
};

const opened: SimulatedPortal[] = [];
after(() => Promise.all(opened.map((simulated) => simulated.close())));

async function open(options: Partial<AdyenSimulatorOptions> = {}) {
  const simulated = await simulateAdyen({ seed: 1, ...options });
  opened.push(simulated);
  const settings = adyen.settings.parse(simulated.settings);
  return { simulated, settings, api: overFetch(simulated) };
}
type Opening = Awaited<ReturnType<typeof open>>;

/** Just enough of a transport: the engine's own retries and maps errors. */
function overFetch({ settings }: SimulatedPortal): PortalApi {
  return {
    async request({ path, headers, accept = [] }) {
      const proof = { 'x-api-key': String(settings.reportApiKey) };
      const answer = await fetch(new URL(path, settings.apiBaseUrl), {
        headers: { ...headers, ...proof },
      });
      const body = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok && !accept.includes(answer.status))
        throw new Error(`${answer.status}: ${body}`);
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
    },
  };
}

/** Signs and authenticates a notice, then reads it to the end, fetching what it asks for. */
async function read(notice: SimulatedNotice, opening: Opening): Promise<readonly CanonicalEvent[]> {
  const signed = { ...notice.sign(at(600)), url: '/', receivedAt: at(601) };
  assert.equal(adyen.webhook?.recognizes(signed), true);
  assert.deepEqual(adyen.webhook?.authenticate(signed, opening.settings), { verdict: 'authentic' });
  return readBody(signed.body, opening);
}

async function readBody(body: Buffer, opening: Opening): Promise<readonly CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const document of adyen.split(body, {})) {
    const read = { ...document, headers: {}, receivedAt: at(0) };
    const outcome = adyen.normalize(read, opening.settings);
    assert.ok(!('quarantined' in outcome), 'quarantined' in outcome ? outcome.quarantined : '');
    if ('events' in outcome) events.push(...outcome.events);
    if (!('fetch' in outcome)) continue;
    for (const fetched of (await adyen.fetch?.(
      opening.api,
      outcome.fetch ?? [],
      opening.settings,
    )) ?? []) {
      events.push(...(await readBody(fetched.body, opening)));
    }
  }
  return events;
}

async function told(opening: Opening): Promise<readonly CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const notice of opening.simulated.takeNotices())
    events.push(...(await read(notice, opening)));
  return events;
}

const inOneLine = ({ type, amountMinor, currency, feeMinor }: CanonicalEvent): string =>
  [type, amountMinor, currency, ...(feeMinor === null ? [] : [feeMinor])].join(' ');

const sumOf = (events: readonly CanonicalEvent[], type: string): bigint =>
  events.filter((event) => event.type === type).reduce((sum, one) => sum + one.amountMinor, 0n);

test('an automatic account is told of by one item', async () => {
  const opening = await open();
  const id = opening.simulated.pay(order, at(0));
  const events = await told(opening);
  assert.deepEqual(events.map(inOneLine), ['payment.succeeded 125050 USD']);
  const [paid] = events;
  assert.equal(paid?.externalPaymentId, id);
  assert.deepEqual(paid?.customer, order.customer);
  assert.deepEqual(paid?.references, [
    { kind: 'invoice', number: 'INV-1' },
    { kind: 'workOrder', number: 'WO-1' },
    { kind: 'memo', text: 'Thank you' },
  ]);
});

test('a manual account tells of every capture, in parts that add up', async () => {
  const opening = await open({ seed: 3, capture: 'manual' });
  for (let count = 0; count < 40; count += 1) {
    const id = opening.simulated.pay(order, at(count));
    const events = await told(opening);
    assert.ok(events.every(({ externalPaymentId }) => externalPaymentId === id));
    const [first] = events;
    assert.equal(first?.type, 'payment.authorized');
    const failed = new Set(
      events.filter(({ type }) => type === 'payment.failed').map(({ part }) => part),
    );
    const taken = events.filter(
      ({ part, type }) => type === 'payment.succeeded' && !failed.has(part),
    );
    assert.equal(sumOf(taken, 'payment.succeeded'), order.amountMinor);
  }
});

test('debits wait and settle or fail; authorizations are captured or released', async () => {
  const opening = await open({ seed: 5 });
  const { simulated } = opening;
  const settled = simulated.begin?.(order, at(0)) ?? '';
  const failed = simulated.begin?.(order, at(1)) ?? '';
  simulated.settle?.(settled, at(2));
  simulated.fail?.(failed, at(3));
  const released = simulated.authorize?.(order, at(5)) ?? '';
  simulated.void?.(released, at(7));
  assert.deepEqual((await told(opening)).map(inOneLine), [
    'payment.pending 125050 USD',
    'payment.pending 125050 USD',
    'payment.succeeded 125050 USD',
    'payment.failed 125050 USD',
    'payment.authorized 125050 USD',
    'payment.voided 125050 USD',
  ]);
  simulated.capture?.(simulated.authorize?.(order, at(8)) ?? '', at(9));
  assert.deepEqual(
    simulated.truth().map(({ status }) => status),
    ['succeeded', 'failed', 'voided', 'succeeded'],
  );
  assert.throws(() => simulated.settle?.(failed, at(8)), RangeError);
});

test('refunds, disputes, fees and payouts leave a truth that the documents tell', async () => {
  const opening = await open({ seed: 7, form: true, basic: true });
  const { simulated } = opening;
  const [first, second, third] = [0, 1, 2].map((minute) => simulated.pay(order, at(minute)));
  const refund = simulated.refund?.(String(first), 25000n, at(10)) ?? '';
  simulated.refund?.(String(first), 5000n, at(11));
  simulated.failRefund?.(refund, at(12));
  const won = simulated.dispute?.(String(second), at(20)) ?? '';
  const lost = simulated.dispute?.(String(third), at(21)) ?? '';
  simulated.closeDispute?.(won, 'won', at(30));
  simulated.closeDispute?.(lost, 'lost', at(31));
  assert.ok(simulated.payout?.(at(40)));
  assert.equal(simulated.payout?.(at(41)), undefined);
  const events = await told(opening);
  const truth = simulated.truth();
  const fees = events.reduce((sum, { feeMinor }) => sum + (feeMinor ?? 0n), 0n);
  assert.equal(
    truth.reduce((sum, { feeMinor }) => sum + (feeMinor ?? 0n), 0n),
    fees,
  );
  const costs = events.reduce((sum, { payoutCostMinor = 0n }) => sum + payoutCostMinor, 0n);
  const owed = 3n * 125050n - 5000n - 125050n - fees - costs;
  assert.equal(sumOf(events, 'payout.paid'), owed);
  assert.deepEqual(
    simulated.payouts?.().map(({ externalId }) => externalId),
    events.filter(({ type }) => type === 'payout.paid').map(({ payoutId }) => payoutId),
  );
  assert.equal(sumOf(events, 'refund.succeeded') - sumOf(events, 'refund.failed'), 5000n);
  assert.equal(events.filter(({ type }) => type === 'dispute.won').length, 1);
  assert.equal(events.filter(({ type }) => type === 'dispute.lost').length, 1);
  assert.deepEqual(
    truth.map(({ refundedMinor, lostMinor }) => [refundedMinor, lostMinor]),
    [
      [5000n, 0n],
      [0n, 0n],
      [0n, 125050n],
    ],
  );
  assert.throws(() => simulated.refund?.(String(first), 125050n, at(50)), RangeError);
});

test('each currency is paid out by a batch of its own', async () => {
  const opening = await open({ seed: 9 });
  const { simulated } = opening;
  for (const currency of ['USD', 'EUR', 'JPY']) simulated.pay({ ...order, currency }, at(0));
  const first = simulated.payout?.(at(1));
  const payouts = simulated.payouts?.() ?? [];
  assert.deepEqual(
    payouts.map(({ currency }) => currency),
    ['USD', 'EUR', 'JPY'],
  );
  assert.equal(payouts[0]?.externalId, first);
  const paid = (await told(opening)).filter(({ type }) => type === 'payout.paid');
  assert.equal(paid.length, 3);
});

test('what is owed to Adyen waits for the next batch', async () => {
  const opening = await open({ seed: 8 });
  const { simulated } = opening;
  const id = simulated.pay(order, at(0));
  assert.ok(simulated.payout?.(at(1)));
  simulated.refund?.(id, order.amountMinor, at(2));
  assert.equal(simulated.payout?.(at(3)), undefined);
  simulated.pay({ ...order, amountMinor: 500000n }, at(4));
  assert.ok(simulated.payout?.(at(5)));
  const paid = (await told(opening)).filter(({ type }) => type === 'payout.paid');
  assert.equal(paid.length, 2);
});

test('every currency keeps its exact amount on the way through', async () => {
  const opening = await open();
  const amounts = {
    JPY: 125050n,
    KWD: 1250500n,
    CLP: 125050n,
    ISK: 980000n,
    IDR: 1500000n,
    CVE: 2500n,
  };
  for (const [currency, amountMinor] of Object.entries(amounts)) {
    opening.simulated.pay({ ...order, currency, amountMinor }, at(0));
    opening.simulated.payout?.(at(1));
    const events = await told(opening);
    assert.equal(
      inOneLine(events[0] as CanonicalEvent),
      `payment.succeeded ${amountMinor} ${currency}`,
    );
    const { feeMinor } = opening.simulated.truth().at(-1) ?? {};
    const fee = events.find(({ type }) => type === 'payment.referenced');
    assert.equal(
      inOneLine(fee as CanonicalEvent),
      `payment.referenced ${amountMinor} ${currency} ${feeMinor}`,
    );
  }
});

test('the official library accepts what is signed, and nobody accepts what is forged', async () => {
  const opening = await open({ seed: 11, batches: true });
  const { simulated, settings } = opening;
  for (let minute = 0; minute < 20; minute += 1) simulated.pay(order, at(minute));
  const notices = simulated.takeNotices();
  assert.ok(notices.length < 20, 'no delivery has several items');
  const validator = new sdk.hmacValidator();
  for (const notice of notices) {
    const { body } = notice.sign(at(30));
    for (const { NotificationRequestItem: item } of JSON.parse(body.toString()).notificationItems) {
      assert.equal(validator.validateHMAC(item, String(simulated.settings.hmacKey)), true);
    }
    const forged = notice.forge?.(at(30));
    assert.ok(forged);
    const verdict = adyen.webhook?.authenticate(
      { ...forged, url: '/', receivedAt: at(31) },
      settings,
    );
    assert.equal(verdict?.verdict, 'refused');
    assert.equal((await read(notice, opening)).length > 0, true);
  }
});

test('reports are for whoever has the key', async () => {
  const { simulated, settings, api } = await open({ seed: 2 });
  assert.match((await adyen.check?.(api, settings)) ?? '', /knows the report user/);
  const report =
    '/reports/download/MerchantAccount/AirworksRepairUS/settlement_detail_report_batch_1.csv';
  const ask = async (path: string, key: string) => {
    const url = new URL(path, simulated.settings.apiBaseUrl);
    const answer = await fetch(url, { headers: { 'x-api-key': key } });
    await answer.arrayBuffer();
    return answer.status;
  };
  const key = String(simulated.settings.reportApiKey);
  assert.equal(await ask(report, key), 404);
  simulated.pay(order, at(0));
  simulated.payout?.(at(1));
  assert.equal(await ask(report, key), 200);
  assert.equal(await ask(report, 'wrong'), 401);
  assert.equal(await ask(report.replace('RepairUS', 'RepairEU'), key), 403);
  assert.equal(simulated.requestCount(), 5);
});

test('the same seed tells the same story, another one another', async () => {
  const stories: string[] = [];
  for (const seed of [4, 4, 9]) {
    const { simulated } = await open({ seed, capture: 'manual' });
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
