import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import braintreeSdk from 'braintree';
import { braintree } from '../src/portals/braintree/index.ts';
import type { PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { Reauthorize, RetryLater, WireMismatch } from '../src/portals/kit/errors.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { Secret } from '../src/portals/kit/secret.ts';
import { type BraintreeSimulatorOptions, simulateBraintree } from './braintree.ts';
import type { SimulatedOrder, SimulatedPortal } from './contract.ts';

const START = Date.parse('2026-11-02T08:00:00.000Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);
const order = (amountMinor: bigint, currency = 'USD'): SimulatedOrder => ({
  amountMinor,
  currency,
  customer: { externalId: 'cust_1', name: 'Northgate & Sons', email: 'ap@northgate.example' },
  invoiceNumber: 'INV-1',
  workOrder: 'WO-1',
});

const opened: SimulatedPortal[] = [];
after(() => Promise.all(opened.map((simulated) => simulated.close())));

async function open(options: Partial<BraintreeSimulatorOptions> = {}): Promise<SimulatedPortal> {
  const simulated = await simulateBraintree({ seed: 1, ...options });
  opened.push(simulated);
  return simulated;
}

const settingsOf = ({ settings }: SimulatedPortal) => braintree.settings.parse(settings);

/** As the engine makes it, without pauses. */
function apiOf(simulated: SimulatedPortal, privateKey = simulated.settings.privateKey): PortalApi {
  const { publicKey, apiBaseUrl } = simulated.settings;
  return portalApi({
    baseUrl: apiBaseUrl ?? '',
    authorization: { kind: 'basic', user: publicKey ?? '', password: new Secret(privateKey ?? '') },
    headers: braintree.api?.headers?.(settingsOf(simulated)) ?? {},
    requestsPerMinute: 60_000,
    pause: async () => {},
  });
}

async function eventsIn(simulated: SimulatedPortal, body: Buffer): Promise<CanonicalEvent[]> {
  const settings = settingsOf(simulated);
  const events: CanonicalEvent[] = [];
  for (const document of braintree.split(body, {})) {
    const told = braintree.normalize({ ...document, headers: {}, receivedAt: at(0) }, settings);
    assert.ok(!('quarantined' in told), 'quarantined' in told ? told.quarantined : '');
    if ('events' in told) events.push(...told.events);
    if (!('fetch' in told) || !told.fetch) continue;
    const found = await braintree.fetch?.(apiOf(simulated), told.fetch, settings);
    assert.equal(found?.length, told.fetch.length);
    for (const one of found ?? []) events.push(...(await eventsIn(simulated, one.body)));
  }
  return events;
}

async function fromNotices(simulated: SimulatedPortal): Promise<CanonicalEvent[]> {
  const { publicKey = '', privateKey = '', merchantId = '' } = simulated.settings;
  const sdk = new braintreeSdk.BraintreeGateway({
    environment: braintreeSdk.Environment.Sandbox,
    merchantId,
    publicKey,
    privateKey,
  });
  const events: CanonicalEvent[] = [];
  for (const notice of simulated.takeNotices()) {
    const signed = { ...notice.sign(at(600)), url: '/', receivedAt: at(600) };
    const settings = settingsOf(simulated);
    assert.equal(braintree.webhook?.authenticate(signed, settings).verdict, 'authentic');
    const forged = { ...signed, ...notice.forge?.(at(600)) };
    assert.equal(braintree.webhook?.authenticate(forged, settings).verdict, 'refused');
    const form = new URLSearchParams(signed.body.toString());
    const parsed = await sdk.webhookNotification.parse(
      form.get('bt_signature') ?? '',
      form.get('bt_payload') ?? '',
    );
    assert.equal(parsed.kind, notice.label.split(' ')[0]);
    events.push(...(await eventsIn(simulated, signed.body)));
  }
  return events;
}

async function fromPull(simulated: SimulatedPortal, api = apiOf(simulated)) {
  const events: CanonicalEvent[] = [];
  let cursor = braintree.pull?.start(at(0));
  const context = { settings: settingsOf(simulated), now: at(1000) };
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      const page = await braintree.pull?.page(api, cursor, context);
      for (const body of page?.bodies ?? []) events.push(...(await eventsIn(simulated, body)));
      if (!page?.more) return events;
      cursor = page.next;
    } catch (error) {
      if (!(error instanceof RetryLater || error instanceof WireMismatch)) throw error;
    }
  }
  throw new Error('the pull does not end');
}

/** Each thing that a payment, refund, dispute or payout became, once. */
const told = (events: readonly CanonicalEvent[]): readonly string[] =>
  [
    ...new Set(
      events.map(({ type, eventId, amountMinor, currency, feeMinor }) =>
        [type, eventId, amountMinor, currency, feeMinor ?? ''].join(' ').trim(),
      ),
    ),
  ].sort();

/** Every kind of change once, in three currencies. */
function story(simulated: SimulatedPortal): Readonly<Record<string, string>> {
  const { begin, settle, fail, authorize, capture, refund, failRefund, dispute, closeDispute } =
    simulated as Required<SimulatedPortal>;
  const yen = simulated.pay(order(5000n, 'JPY'), at(1));
  const dinar = simulated.pay(order(1234n, 'KWD'), at(2));
  const debit = begin(order(352000n), at(3));
  settle(debit, at(4));
  const bounced = begin(order(352100n), at(5));
  fail(bounced, at(6));
  const waiting = begin(order(352200n), at(7));
  const captured = authorize(order(8000n), at(8));
  capture(captured, at(9));
  const voided = authorize(order(8100n), at(10));
  simulated.void?.(voided, at(11));
  const refunded = refund(yen, 1000n, at(12));
  const again = refund(yen, 500n, at(13));
  const returned = refund(debit, 352000n, at(14));
  failRefund(returned, at(15));
  const won = dispute(dinar, at(16));
  closeDispute(won, 'won', at(17));
  const lost = dispute(captured, at(18));
  closeDispute(lost, 'lost', at(19));
  return {
    yen,
    dinar,
    debit,
    bounced,
    waiting,
    captured,
    voided,
    refunded,
    again,
    returned,
    won,
    lost,
  };
}

function expected(ids: Readonly<Record<string, string>>, fees: ReadonlyMap<string, bigint | null>) {
  const paid = (id = '', amount = '') =>
    `payment.succeeded ${id}:settled ${amount} ${fees.get(id) ?? ''}`.trim();
  const {
    yen,
    dinar,
    debit,
    bounced,
    waiting,
    captured,
    voided,
    refunded,
    again,
    returned,
    won,
    lost,
  } = ids;
  return [
    paid(yen, '5000 JPY'),
    paid(dinar, '1234 KWD'),
    paid(debit, '352000 USD'),
    paid(captured, '8000 USD'),
    `payment.failed ${bounced}:settlement_declined 352100 USD`,
    `payment.pending ${waiting}:settlement_pending 352200 USD`,
    `payment.voided ${voided}:voided 8100 USD`,
    `refund.succeeded ${refunded}:settled 1000 JPY`,
    `refund.succeeded ${again}:settled 500 JPY`,
    `refund.failed ${returned}:settlement_declined 352000 USD`,
    `dispute.opened ${won}:open 1234 KWD`,
    `dispute.won ${won}:won 1234 KWD`,
    `dispute.opened ${lost}:open 8000 USD`,
    `dispute.lost ${lost}:lost 8000 USD`,
  ].sort();
}

describe('the pull', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`alone tells all but payouts, seed ${seed}`, async () => {
      const simulated = await open({ seed });
      const ids = story(simulated);
      const fees = new Map(simulated.truth().map((one) => [one.externalId, one.feeMinor]));
      assert.deepEqual(told(await fromPull(simulated)), expected(ids, fees));
    });
  }

  test('gets through faults, however many', async () => {
    const simulated = await open({ seed: 9, faultRate: 0.3 });
    const ids = story(simulated);
    const fees = new Map(simulated.truth().map((one) => [one.externalId, one.feeMinor]));
    assert.deepEqual(told(await fromPull(simulated)), expected(ids, fees));
  });

  test('with a wrong key is refused', async () => {
    const simulated = await open();
    await assert.rejects(fromPull(simulated, apiOf(simulated, 'wrong')), Reauthorize);
  });

  test('is checked by name', async () => {
    const simulated = await open();
    const sentence = await braintree.check?.(apiOf(simulated), settingsOf(simulated));
    assert.match(sentence ?? '', /^Braintree merchant \w+ \(Air Works\)$/);
  });
});

describe('notices', () => {
  for (const bodies of ['whole', 'minimal'] as const) {
    test(`${bodies} say nothing that the pull does not say`, async () => {
      const simulated = await open({ seed: 7, bodies });
      story(simulated);
      const notices = told(await fromNotices(simulated));
      const pulled = told(await fromPull(simulated));
      assert.ok(notices.length > 5);
      // A refund that failed later had been paid when its notice was written.
      const more = notices.filter((one) => !pulled.includes(one));
      assert.ok(
        more.every((one) => one.startsWith('refund.succeeded') && one.includes('352000')),
        more.join(),
      );
    });
  }

  test('tell of disbursements and debits in every currency', async () => {
    const simulated = await open({ seed: 8, payouts: true });
    const paid = simulated.pay(order(5000n, 'JPY'), at(1));
    const fee = simulated.truth()[0]?.feeMinor ?? 0n;
    const first = simulated.payout?.(at(2));
    simulated.refund?.(paid, 2000n, at(3));
    const second = simulated.payout?.(at(4));
    assert.deepEqual(
      told(await fromNotices(simulated)).filter((one) => one.startsWith('payout')),
      [
        `payout.paid ${first}:paid ${5000n - fee} JPY`,
        `payout.paid ${second}:paid -2000 JPY`,
      ].sort(),
    );
    assert.equal(simulated.payouts?.().length, 2);
  });
});

test('the same seed tells the same story, however often the API is called', async () => {
  const labels = async (calls: number) => {
    const simulated = await open({ seed: 11, faultRate: 0.2 });
    for (let call = 0; call < calls; call += 1) await fromPull(simulated);
    story(simulated);
    return simulated.takeNotices().map((notice) => [notice.label, String(notice.sign(at(0)).body)]);
  };
  assert.deepEqual(await labels(0), await labels(2));
});

test('a field that Braintree has not is refused', async () => {
  const simulated = await open();
  const { body } = await apiOf(simulated).request({
    method: 'POST',
    path: '/graphql',
    json: { query: 'query Q { viewer { merchant { owner } } }' },
  });
  assert.match(String(body), /Cannot query field \\"owner\\"/);
});
