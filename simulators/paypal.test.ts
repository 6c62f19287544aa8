import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Asking, FetchRequest, Portal } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { downloads } from '../src/portals/kit/download.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { memoryTokenStore, tokenSource } from '../src/portals/kit/oauth.ts';
import { paypal } from '../src/portals/paypal/index.ts';
import type { SimulatedNotice, SimulatedOrder, SimulatedPortal } from './contract.ts';
import { type PaypalSimulatorOptions, simulatePaypal } from './paypal.ts';

const START = Date.parse('2026-11-02T08:00:00.000Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);
const NOW = at(100_000);
const order: SimulatedOrder = {
  amountMinor: 125_050n,
  currency: 'USD',
  customer: { externalId: 'CUS1', name: 'Northgate Foundry', email: 'ap@northgate.example' },
  invoiceNumber: 'INV-1',
  workOrder: 'WO-1',
};
const FEE = 4413n;

const opened: SimulatedPortal[] = [];
after(() => Promise.all(opened.map((simulated) => simulated.close())));

async function open(options: Partial<PaypalSimulatorOptions> = {}) {
  const simulated = await simulatePaypal({ seed: 1, ...options });
  opened.push(simulated);
  const settings = paypal.settings.parse(simulated.settings);
  return { simulated, settings, api: apiOf(settings) };
}

/** The engine's own transport, tokens included. */
function apiOf(settings: unknown) {
  const { baseUrl, auth } = paypal.api as NonNullable<Portal['api']>;
  const proof = auth(settings);
  assert.equal(proof.kind, 'oauth2');
  const { client } = proof as Extract<typeof proof, { kind: 'oauth2' }>;
  const tokens = tokenSource({ client, store: memoryTokenStore(), clock: () => NOW });
  return portalApi({
    baseUrl: baseUrl(settings),
    authorization: { kind: 'oauth2', tokens },
    requestsPerMinute: 60_000,
    clock: () => NOW,
  });
}

async function verdictOf(notice: SimulatedNotice, settings: unknown, forged = ''): Promise<string> {
  const { headers, body } = notice.sign(NOW);
  const delivery = { headers, body: Buffer.concat([body, Buffer.from(forged)]) };
  const given = { ...delivery, url: '/', receivedAt: NOW };
  const { webhook } = paypal;
  assert.ok(webhook?.ask && webhook.recognizes(given));
  assert.equal(webhook.authenticate(given, settings).verdict, 'ask');
  const asking: Asking = { download: downloads(), api: apiOf(settings) };
  return (await webhook.ask(given, settings, asking)).verdict;
}

function read(body: Buffer, settings: unknown) {
  const events: CanonicalEvent[] = [];
  const fetch: FetchRequest[] = [];
  for (const document of paypal.split(body, {})) {
    const outcome = paypal.normalize({ ...document, headers: {}, receivedAt: NOW }, settings);
    assert.ok(!('quarantined' in outcome), 'quarantined' in outcome ? outcome.quarantined : '');
    if ('events' in outcome) events.push(...outcome.events);
    if ('fetch' in outcome) fetch.push(...(outcome.fetch ?? []));
  }
  return { events, fetch };
}

const inOneLine = ({
  type,
  externalPaymentId,
  refundId,
  disputeId,
  payoutId,
  ...event
}: CanonicalEvent) =>
  [type, externalPaymentId, refundId ?? disputeId ?? payoutId, event.amountMinor, event.feeMinor]
    .filter((part) => part !== null && part !== undefined)
    .join(' ');

function told({ simulated, settings }: Awaited<ReturnType<typeof open>>): readonly string[] {
  return simulated
    .takeNotices()
    .flatMap((notice) => read(notice.sign(NOW).body, settings).events)
    .map(inOneLine);
}

/** Everything that pulling and fetching tells. */
async function pulled({ settings, api }: Awaited<ReturnType<typeof open>>) {
  const pull = paypal.pull as NonNullable<typeof paypal.pull>;
  const events: CanonicalEvent[] = [];
  let cursor = pull.start(at(0));
  for (let pages = 0; pages < 200; pages += 1) {
    const page = await pull.page(api, cursor, { settings, now: NOW });
    for (const body of page.bodies) {
      const one = read(body, settings);
      events.push(...one.events);
      for (const { body: found } of (await paypal.fetch?.(api, one.fetch, settings)) ?? []) {
        events.push(...read(found, settings).events);
      }
    }
    cursor = page.next;
    if (!page.more) return { lines: events.map(inOneLine), pages: pages + 1 };
  }
  throw new Error('the pull does not come to an end');
}

test('both generations are signed, by a certificate that is known or by asking', async () => {
  for (const generation of ['v1', 'v2'] as const) {
    for (const certificate of ['trusted', 'unknown'] as const) {
      const { simulated, settings } = await open({ generation, certificate });
      simulated.pay(order, at(0));
      const [notice] = simulated.takeNotices() as [SimulatedNotice];
      assert.equal(await verdictOf(notice, settings), 'authentic');
      assert.equal(await verdictOf(notice, settings), 'authentic', 'each attempt anew');
      assert.equal(await verdictOf(notice, settings, ' '), 'refused');
    }
  }
});

test('one payment has one id by webhook, order and search', async () => {
  for (const generation of ['v1', 'v2'] as const) {
    const firm = await open({ generation, invoiced: false });
    const id = firm.simulated.pay(order, at(0));
    const line = `payment.succeeded ${id} 125050 ${FEE}`;
    assert.deepEqual(told(firm), [line]);
    assert.deepEqual((await pulled(firm)).lines, [line]);
    const [truth] = firm.simulated.truth();
    assert.deepEqual([truth?.externalId, truth?.status, truth?.feeMinor], [id, 'succeeded', FEE]);
  }
});

test('an e-check waits, and an authorization is captured under an id of its own', async () => {
  const firm = await open({ generation: 'v2', invoiced: false });
  const { simulated } = firm;
  const [settled, failed] = [simulated.begin?.(order, at(0)), simulated.begin?.(order, at(1))];
  simulated.settle?.(String(settled), at(2));
  simulated.fail?.(String(failed), at(3));
  const authorized = String(simulated.authorize?.(order, at(4)));
  simulated.capture?.(authorized, at(5));
  const voided = String(simulated.authorize?.(order, at(6)));
  simulated.void?.(voided, at(7));
  const captured = simulated.truth()[2]?.externalId;
  assert.notEqual(captured, authorized);
  assert.deepEqual(told(firm), [
    `payment.pending ${settled} 125050`,
    `payment.pending ${failed} 125050`,
    `payment.succeeded ${settled} 125050 ${FEE}`,
    `payment.failed ${failed} 125050`,
    `payment.authorized ${authorized} 125050`,
    `payment.succeeded ${captured} 125050 ${FEE}`,
    `payment.authorized ${voided} 125050`,
    `payment.voided ${voided} 125050`,
  ]);
  assert.deepEqual((await pulled(firm)).lines, [
    `payment.succeeded ${settled} 125050 ${FEE}`,
    `payment.failed ${failed} 125050`,
    `payment.authorized ${authorized} 125050`,
    `payment.succeeded ${captured} 125050 ${FEE}`,
    `payment.voided ${voided} 125050`,
  ]);
  assert.throws(() => simulated.void?.(authorized, at(9)), RangeError);
});

test('refunds, their failures, disputes and withdrawals are found by pulling alone', async () => {
  const firm = await open({ seed: 4 });
  const { simulated } = firm;
  const refunded = simulated.pay(order, at(0));
  const kept = String(simulated.refund?.(refunded, 50n, at(1)));
  const failing = String(simulated.refund?.(refunded, 60n, at(2)));
  simulated.failRefund?.(failing, at(3));
  const disputed = [10, 20, 30, 40].map((minute) => simulated.pay(order, at(minute)));
  const disputes = disputed.map((id, index) => String(simulated.dispute?.(id, at(50 + index))));
  simulated.closeDispute?.(String(disputes[0]), 'lost', at(60));
  simulated.closeDispute?.(String(disputes[1]), 'won', at(61));
  const payout = String(simulated.payout?.(at(70)));
  const { lines, pages } = await pulled(firm);
  const has = (start: string) =>
    assert.ok(
      lines.some((line) => line.startsWith(start)),
      start,
    );
  has(`refund.succeeded ${refunded} ${kept} 50`);
  has(`refund.failed ${refunded} ${failing} 60`);
  has(`dispute.lost ${disputed[0]} ${disputes[0]}`);
  has(`dispute.won ${disputed[1]} ${disputes[1]} 125050`);
  has(`dispute.opened ${disputed[2]} ${disputes[2]} 125050`);
  has(`payout.paid ${payout}`);
  assert.ok(pages >= 3, 'disputes come two a page');
  const [first, lost] = simulated.truth();
  assert.deepEqual([first?.refundedMinor, (lost?.lostMinor ?? 0n) > 0n], [50n, true]);
  assert.throws(() => simulated.refund?.(refunded, 200_000n, at(80)), RangeError);
});

test('a search that finds too many is halved', async () => {
  for (let seed = 1; seed < 9; seed += 1) {
    const firm = await open({ seed, generation: 'v1' });
    const ids = Array.from({ length: 45 }, (_, index) =>
      firm.simulated.pay(order, at(index * 700)),
    );
    const { lines } = await pulled(firm);
    assert.deepEqual(
      lines.map((line) => line.split(' ')[1]),
      ids,
    );
  }
});

test('nobody reads without a token, and wrong credentials get none', async () => {
  const { simulated, settings } = await open();
  const base = String(simulated.settings.apiBaseUrl);
  const answer = await fetch(`${base}/v1/reporting/balances`);
  assert.equal(answer.status, 401);
  const wrong = paypal.settings.parse({ ...simulated.settings, clientSecret: 'wrong' });
  await assert.rejects(
    apiOf(wrong).request({ path: '/v1/reporting/balances' }),
    /refused to issue/,
  );
  assert.match(String(await paypal.check?.(apiOf(settings), settings)), /account XZXSPECPDZHZU/);
  const other = paypal.settings.parse({ ...simulated.settings, webhookId: 'OTHER' });
  await assert.rejects(async () => paypal.check?.(apiOf(other), other), /OTHER is not one of this/);
});

test('the same seed tells the same story, however often the API is called', async () => {
  const story = async (calls: number) => {
    const { simulated } = await open({ seed: 7, faultRate: 0.5 });
    for (let call = 0; call < calls; call += 1) {
      await fetch(`${simulated.settings.apiBaseUrl}/v1/reporting/balances`).catch(() => undefined);
    }
    const id = simulated.pay(order, at(0));
    simulated.dispute?.(id, at(1));
    simulated.payout?.(at(2));
    return [
      simulated.truth(),
      simulated.payouts?.(),
      simulated.takeNotices().map((one) => one.label),
    ];
  };
  assert.deepEqual(await story(0), await story(9));
});
