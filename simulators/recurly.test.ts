import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Notice } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { Reauthorize, Rejected } from '../src/portals/kit/errors.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { recurly } from '../src/portals/recurly/index.ts';
import type { SimulatedOrder, SimulatedPortal } from './contract.ts';
import { type RecurlySimulatorOptions, simulateRecurly } from './recurly.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 12, 9, minute));
const NOW = at(200);

const order = (amountMinor: bigint, more: Partial<SimulatedOrder> = {}): SimulatedOrder => ({
  amountMinor,
  currency: 'USD',
  customer: { externalId: 'C-2207', name: 'Harbor Millworks', email: 'ap@harbor.example' },
  workOrder: 'WO-10482',
  ...more,
});

const settingsOf = (portal: SimulatedPortal) => recurly.settings.parse(portal.settings);

function apiOf(portal: SimulatedPortal, given = portal.settings) {
  const api = recurly.api as NonNullable<typeof recurly.api>;
  const settings = recurly.settings.parse(given);
  const authorization = api.auth(settings);
  assert.ok(authorization.kind !== 'oauth2');
  const headers = api.headers?.(settings) ?? {};
  return portalApi({
    baseUrl: api.baseUrl(settings),
    authorization,
    headers,
    requestsPerMinute: 60_000,
  });
}

/** Every act that the site offers, each at a minute of its own. */
function story(portal: SimulatedPortal): void {
  const paid = portal.pay(order(128_450n, { invoiceNumber: 'INV-7' }), at(1));
  portal.refund?.(paid, 11_500n, at(2));
  const refund = portal.refund?.(paid, 990n, at(3)) ?? '';
  portal.failRefund?.(refund, at(4));
  portal.void?.(portal.pay(order(8_800n), at(5)), at(6));
  portal.capture?.(portal.authorize?.(order(50_000n), at(7)) ?? '', at(8));
  portal.void?.(portal.authorize?.(order(50_100n), at(9)) ?? '', at(10));
  for (let n = 0; n < 6; n += 1) {
    portal.settle?.(portal.begin?.(order(BigInt(700 + n)), at(11)) ?? '', at(12));
    portal.fail?.(portal.begin?.(order(BigInt(900 + n)), at(13)) ?? '', at(15));
    const dispute = portal.dispute?.(portal.pay(order(BigInt(5000 + n)), at(16)), at(17)) ?? '';
    portal.closeDispute?.(dispute, n % 2 ? 'won' : 'lost', at(18));
  }
  portal.pay(order(1_500n, { currency: 'JPY' }), at(19));
  portal.pay(order(1_234_567n, { currency: 'KWD' }), at(20));
}

async function pullAll(portal: SimulatedPortal): Promise<CanonicalEvent[]> {
  const { pull } = recurly;
  assert.ok(pull);
  const settings = settingsOf(portal);
  const api = apiOf(portal);
  const events: CanonicalEvent[] = [];
  let cursor = pull.start(at(0));
  for (;;) {
    const page = await pull.page(api, cursor, { settings, now: NOW });
    for (const body of page.bodies) events.push(...eventsIn(body, portal));
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return events;
  }
}

function eventsIn(body: Buffer, portal: SimulatedPortal): readonly CanonicalEvent[] {
  return recurly.split(body, {}).flatMap((document) => {
    const read = recurly.normalize(
      { body: document.body, headers: {}, receivedAt: NOW },
      settingsOf(portal),
    );
    assert.ok(!('quarantined' in read), 'quarantined' in read ? read.quarantined : '');
    return 'events' in read ? read.events : [];
  });
}

async function open(options: Partial<RecurlySimulatorOptions> = {}) {
  return simulateRecurly({ seed: 7, ...options });
}

for (const captures of ['own', 'same'] as const) {
  test(`what is pulled is what happened, captures being ${captures}`, async () => {
    const portal = await open({ captures, billsHere: true });
    try {
      story(portal);
      const events = await pullAll(portal);
      const last = new Map<string, string>();
      for (const { type, externalPaymentId } of events) {
        if (type.startsWith('payment.')) last.set(String(externalPaymentId), type);
      }
      for (const payment of portal.truth()) {
        assert.equal(last.get(payment.externalId), `payment.${payment.status}`);
      }
      for (const { amountMinor, currency, externalId } of portal.truth()) {
        const told = events.find(
          ({ type, externalPaymentId: id }) => type.startsWith('payment.') && id === externalId,
        );
        assert.deepEqual([told?.amountMinor, told?.currency], [amountMinor, currency]);
      }
      const kinds = new Set(events.map(({ type }) => type));
      for (const kind of ['invoice.upserted', 'invoice.voided', 'customer.upserted'] as const) {
        assert.ok(kinds.has(kind), kind);
      }
    } finally {
      await portal.close();
    }
  });
}

describe('notices', () => {
  for (const format of ['json', 'xml', 'both'] as const) {
    test(`${format}: each is recognised, authentic, and names what can be fetched`, async () => {
      const portal = await open({ format });
      try {
        story(portal);
        const notices = portal.takeNotices();
        assert.ok(notices.length > 20);
        assert.deepEqual(portal.takeNotices(), []);
        for (const { sign } of notices) {
          const notice: Notice = { ...sign(NOW), url: '/', receivedAt: NOW };
          assert.ok(recurly.webhook?.recognizes(notice));
          assert.deepEqual(recurly.webhook?.authenticate(notice, settingsOf(portal)), {
            verdict: 'authentic',
          });
          const read = recurly.normalize({ ...notice, receivedAt: NOW }, settingsOf(portal));
          if ('ignored' in read) continue;
          assert.ok('fetch' in read && read.fetch);
          const fetched = await recurly.fetch?.(apiOf(portal), read.fetch, settingsOf(portal));
          assert.equal(fetched?.length, 1);
        }
      } finally {
        await portal.close();
      }
    });
  }
});

test('the API refuses wrong keys and a missing version, and knows no made-up ids', async () => {
  const portal = await open();
  try {
    assert.match(
      String(await recurly.check?.(apiOf(portal), settingsOf(portal))),
      /^Recurly site airworks-\w+ \(production\)$/,
    );
    const wrong = apiOf(portal, { ...portal.settings, apiKey: 'wrong' });
    await assert.rejects(wrong.request({ path: '/transactions' }), Reauthorize);
    const unversioned = apiOf(portal).request({
      path: '/transactions',
      headers: { accept: 'application/json' },
    });
    await assert.rejects(unversioned, (error) => error instanceof Rejected && error.status === 406);
    const request = { entity: 'transaction', id: 'uuid-00' };
    assert.deepEqual(await recurly.fetch?.(apiOf(portal), [request], settingsOf(portal)), []);
  } finally {
    await portal.close();
  }
});

test('the same seed tells the same story', async () => {
  const [one, other] = [await open(), await open()];
  try {
    story(one);
    await pullAll(one);
    story(other);
    assert.deepEqual(one.truth(), other.truth());
    const sent = (portal: SimulatedPortal) =>
      portal.takeNotices().map(({ sign }) => sign(NOW).body.toString());
    assert.deepEqual(sent(one), sent(other));
  } finally {
    await one.close();
    await other.close();
  }
});
