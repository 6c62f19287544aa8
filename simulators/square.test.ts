import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { WebhooksHelper } from 'square';
import type { PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { Secret } from '../src/portals/kit/secret.ts';
import { square } from '../src/portals/square/index.ts';
import type { SimulatedNotice, SimulatedOrder, SimulatedPortal } from './contract.ts';
import { simulateSquare } from './square.ts';

const START = Date.parse('2026-11-02T08:00:00.000Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);
const order: SimulatedOrder = {
  amountMinor: 125050n,
  currency: 'USD',
  customer: { externalId: 'CUS1', name: 'Northgate Foundry', email: 'ap@northgate.example' },
  invoiceNumber: 'INV-1',
  workOrder: 'WO-1',
};

const opened: SimulatedPortal[] = [];
after(() => Promise.all(opened.map((simulated) => simulated.close())));

async function open(seed = 1) {
  const simulated = await simulateSquare({ seed });
  opened.push(simulated);
  const settings = square.settings.parse(simulated.settings);
  return { simulated, settings, api: apiOf(simulated) };
}

function apiOf({ settings }: SimulatedPortal, token = settings.accessToken): PortalApi {
  return portalApi({
    baseUrl: String(settings.apiBaseUrl),
    authorization: { kind: 'bearer', token: new Secret(String(token)) },
    requestsPerMinute: 1_000_000,
  });
}

type Opening = Awaited<ReturnType<typeof open>>;

/** Reads a body to the end, fetching what it asks for. */
async function readBody(body: Buffer, opening: Opening): Promise<readonly CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const document of square.split(body, {})) {
    const outcome = square.normalize(
      { ...document, headers: {}, receivedAt: at(0) },
      opening.settings,
    );
    assert.ok(!('quarantined' in outcome), 'quarantined' in outcome ? outcome.quarantined : '');
    if ('events' in outcome) events.push(...outcome.events);
    if (!('fetch' in outcome) || !outcome.fetch) continue;
    const fetched = await square.fetch?.(opening.api, outcome.fetch, opening.settings);
    for (const one of fetched ?? []) events.push(...(await readBody(one.body, opening)));
  }
  return events;
}

function signed(notice: SimulatedNotice) {
  return { ...notice.sign(at(600)), url: '/webhooks/square/con_1', receivedAt: at(601) };
}

async function told(opening: Opening, notices = opening.simulated.takeNotices()) {
  const events: CanonicalEvent[] = [];
  for (const notice of notices) events.push(...(await readBody(signed(notice).body, opening)));
  return events;
}

async function pulled(opening: Opening, since: Date, now: Date) {
  const pull = square.pull as NonNullable<typeof square.pull>;
  const events: CanonicalEvent[] = [];
  let cursor = pull.start(since);
  for (let page = 0; page < 200; page += 1) {
    const context = { settings: opening.settings, now };
    const answer = await pull.page(opening.api, cursor, context);
    for (const body of answer.bodies) events.push(...(await readBody(body, opening)));
    // As the engine does: the cursor is kept as JSON between two pages.
    cursor = JSON.parse(JSON.stringify(answer.next));
    if (!answer.more) return events;
  }
  throw new Error('the pull does not end');
}

const types = (events: readonly CanonicalEvent[]) => [...new Set(events.map(({ type }) => type))];

test('what it signs is authentic to us and to the official SDK', async () => {
  const opening = await open();
  opening.simulated.pay(order, at(0));
  for (const notice of opening.simulated.takeNotices()) {
    const delivery = signed(notice);
    assert.equal(square.webhook?.recognizes(delivery), true);
    const verdict = square.webhook?.authenticate(delivery, opening.settings);
    assert.deepEqual(verdict, { verdict: 'authentic' });
    const accepted = await WebhooksHelper.verifySignature({
      requestBody: delivery.body.toString(),
      signatureHeader: String(delivery.headers['x-square-hmacsha256-signature']),
      signatureKey: String(opening.simulated.settings.signatureKey),
      notificationUrl: String(opening.simulated.settings.notificationUrl),
    });
    assert.equal(accepted, true);
  }
});

test('a payment is told as often as it changes, and it is one payment with fee, payer and invoice', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const opening = await open(seed);
    const id = opening.simulated.pay(order, at(0));
    const [truth] = opening.simulated.truth();
    const labels = opening.simulated.takeNotices();
    assert.equal(labels[0]?.label, `payment.created ${id}`);
    const events = await told(opening, labels);
    assert.deepEqual([...new Set(events.map(({ externalPaymentId }) => externalPaymentId))], [id]);
    const paid = events.filter(({ type }) => type === 'payment.succeeded');
    assert.ok(paid.length > 1);
    assert.equal(new Set(paid.map(({ amountMinor }) => amountMinor)).size, 1);
    assert.equal(events.findLast(({ feeMinor }) => feeMinor !== null)?.feeMinor, truth?.feeMinor);
    const names = events.flatMap(({ references }) => references);
    assert.ok(names.some(({ kind, number }) => kind === 'invoice' && number === 'INV-1'));
    assert.ok(events.some(({ customer }) => customer?.name === 'Northgate Foundry'));
    assert.ok(events.some(({ customer }) => customer?.externalId === 'CUS1'));
  }
});

test('bank debits settle or fail, authorizations are captured or voided', async () => {
  const opening = await open(3);
  const { simulated } = opening;
  const settled = simulated.begin?.(order, at(0)) as string;
  const failed = simulated.begin?.(order, at(1)) as string;
  const captured = simulated.authorize?.(order, at(2)) as string;
  const voided = simulated.authorize?.(order, at(3)) as string;
  assert.deepEqual(types(await told(opening)).sort(), [
    'payment.authorized',
    'payment.pending',
    'payment.referenced',
  ]);
  simulated.settle?.(settled, at(10));
  simulated.fail?.(failed, at(11));
  simulated.capture?.(captured, at(12));
  simulated.void?.(voided, at(13));
  const events = await told(opening);
  const last = (id: string) =>
    events.findLast((one) => one.externalPaymentId === id && one.type !== 'payment.referenced');
  assert.equal(last(settled)?.type, 'payment.succeeded');
  assert.equal(last(failed)?.type, 'payment.failed');
  assert.equal(last(failed)?.reason, 'INSUFFICIENT_FUNDS');
  assert.equal(last(captured)?.type, 'payment.succeeded');
  assert.equal(last(voided)?.type, 'payment.voided');
  const statuses = simulated.truth().map(({ status }) => status);
  assert.deepEqual(statuses, ['succeeded', 'failed', 'succeeded', 'voided']);
  assert.throws(() => simulated.capture?.(voided, at(14)), RangeError);
});

test('refunds in parts, one of which fails', async () => {
  const opening = await open(4);
  const { simulated } = opening;
  const id = simulated.pay(order, at(0));
  simulated.takeNotices();
  simulated.refund?.(id, 25000n, at(5));
  const failing = simulated.refund?.(id, 1000n, at(6)) as string;
  assert.equal(simulated.truth()[0]?.refundedMinor, 26000n);
  simulated.failRefund?.(failing, at(7));
  const back = (await told(opening)).filter(({ type }) => type.startsWith('refund.'));
  assert.deepEqual(
    back.map(({ type, amountMinor, feeMinor }) => [type, amountMinor, feeMinor]),
    [
      ['refund.succeeded', 25000n, -725n],
      ['refund.succeeded', 1000n, -29n],
      ['refund.failed', 1000n, null],
    ],
  );
  assert.equal(simulated.truth()[0]?.refundedMinor, 25000n);
  assert.throws(() => simulated.refund?.(id, 125050n, at(8)), RangeError);
});

test('disputes of every kind end as they are decided, and inquiries take no money', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const opening = await open(seed);
    const { simulated } = opening;
    for (const outcome of ['won', 'lost'] as const) {
      const id = simulated.pay(order, at(0));
      simulated.takeNotices();
      const disputeId = simulated.dispute?.(id, at(5)) as string;
      const [openedEvent] = await told(opening);
      assert.equal(openedEvent?.type, 'dispute.opened');
      const truth = () => simulated.truth().find(({ externalId }) => externalId === id);
      if (openedEvent.fundsWithdrawn) assert.equal(truth()?.disputedMinor, 125050n);
      simulated.closeDispute?.(disputeId, outcome, at(9));
      const events = await told(opening);
      assert.equal(events.at(-1)?.type, `dispute.${outcome}`);
      assert.equal(truth()?.disputedMinor, 0n);
      assert.equal(truth()?.lostMinor, outcome === 'lost' ? 125050n : 0n);
    }
  }
});

test('payouts empty each location, and those sent back are in the next one', async () => {
  const opening = await open(7);
  const { simulated } = opening;
  for (let minute = 0; minute < 30; minute += 1) {
    simulated.pay({ ...order, currency: minute % 2 ? 'USD' : 'JPY' }, at(minute));
    simulated.payout?.(at(minute));
  }
  const payouts = simulated.payouts?.() ?? [];
  assert.deepEqual([...new Set(payouts.map(({ state }) => state))].sort(), ['failed', 'paid']);
  const events = (await told(opening)).filter(({ type }) => type.startsWith('payout.'));
  for (const { externalId, state, amountMinor, currency } of payouts) {
    const last = events.findLast(({ payoutId }) => payoutId === externalId);
    assert.equal(last?.type, `payout.${state}`);
    assert.deepEqual([last?.amountMinor, last?.currency], [amountMinor, currency]);
  }
});

test('a pull over all locations finds what no webhook told, page by page', async () => {
  const opening = await open(11);
  const { simulated } = opening;
  const ids: string[] = [];
  for (let minute = 0; minute < 40; minute += 1) {
    ids.push(simulated.pay({ ...order, currency: minute % 4 ? 'USD' : 'EUR' }, at(minute)));
  }
  for (const id of ids.slice(0, 9)) simulated.refund?.(id, 5000n, at(50));
  for (const id of ids.slice(9, 18)) simulated.dispute?.(id, at(51));
  simulated.payout?.(at(60));
  simulated.takeNotices();
  const events = await pulled(opening, at(-60), at(61));
  const received = events.filter(({ type }) => type === 'payment.succeeded');
  const found = new Set(received.map(({ externalPaymentId }) => externalPaymentId));
  assert.deepEqual([...found].sort(), [...ids].sort());
  for (const { externalId, feeMinor } of simulated.truth()) {
    const of = received.findLast((one) => one.externalPaymentId === externalId);
    assert.equal(of?.feeMinor, feeMinor);
  }
  const isPayout = (type: string) => type.startsWith('payout.');
  assert.deepEqual(
    types(events)
      .filter((type) => !isPayout(type))
      .sort(),
    ['dispute.opened', 'payment.referenced', 'payment.succeeded', 'refund.succeeded'],
  );
  assert.equal(types(events).some(isPayout), true);
  assert.deepEqual(await pulled(opening, at(400), at(460)), events.filter(isListedWhole));
});

/** Disputes and young payouts are listed again by every round. */
function isListedWhole({ type }: CanonicalEvent): boolean {
  return type.startsWith('dispute.') || type.startsWith('payout.');
}

test('a wrong token is refused, and the right one names the seller', async () => {
  const { simulated, settings, api } = await open();
  await assert.rejects(async () => square.check?.(apiOf(simulated, 'wrong'), settings), {
    name: 'Reauthorize',
  });
  const said = await square.check?.(api, settings);
  assert.match(said ?? '', /^Square seller Airworks Repair \(\w{13}\), 4 locations$/);
});

test('the number of API calls does not change the story', async () => {
  const [quiet, busy] = [await open(5), await open(5)];
  for (const { simulated, settings, api } of [busy, busy]) {
    simulated.pay(order, at(0));
    await square.check?.(api, settings);
  }
  quiet.simulated.pay(order, at(0));
  quiet.simulated.pay(order, at(0));
  assert.deepEqual(quiet.simulated.truth(), busy.simulated.truth());
});

test('a currency without a location is refused', async () => {
  const { simulated } = await open();
  assert.deepEqual(simulated.currencies, ['USD', 'EUR', 'JPY']);
  assert.throws(() => simulated.pay({ ...order, currency: 'KWD' }, at(0)), RangeError);
});
