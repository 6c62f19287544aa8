import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from 'mollie-api-typescript';
import type { Notice, PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { mollie } from '../src/portals/mollie/index.ts';
import type { SimulatedOrder, SimulatedPortal, TruePayment } from './contract.ts';
import { simulateMollie } from './mollie.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 12, 9, minute));

const order = (amountMinor: bigint, currency: string): SimulatedOrder => ({
  amountMinor,
  currency,
  customer: { externalId: 'cst_1', name: 'Harbor Steel', email: 'ap@harbor.example' },
  invoiceNumber: 'INV-2026-0481',
  workOrder: 'WO-10482',
});

/** The least a portal's API needs: its base URL and its bearer token. */
function apiOf(portal: SimulatedPortal, token = portal.settings.organizationToken): PortalApi {
  return {
    async request({ path, query, accept }) {
      const url = new URL(`${portal.settings.apiBaseUrl}${path}`);
      for (const [name, value] of Object.entries(query ?? {})) {
        url.searchParams.set(name, String(value));
      }
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      const body = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok && !accept?.includes(answer.status)) {
        throw new Error(`${answer.status} ${body}`);
      }
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
    },
  };
}

/** Every kind of change once; a payment in yen and one in dinar among them. */
function story(portal: SimulatedPortal): void {
  portal.pay(order(150000n, 'JPY'), at(0));
  portal.pay(order(1234567n, 'KWD'), at(1));
  const refunded = portal.pay(order(128450n, 'EUR'), at(2));
  portal.refund?.(refunded, 11500n, at(3));
  portal.failRefund?.(portal.refund?.(refunded, 2000n, at(4)) ?? '', at(5));
  portal.closeDispute?.(portal.dispute?.(refunded, at(6)) ?? '', 'won', at(7));
  const disputed = portal.pay(order(9900n, 'EUR'), at(8));
  portal.closeDispute?.(portal.dispute?.(disputed, at(9)) ?? '', 'lost', at(10));
  portal.settle?.(portal.begin?.(order(64000n, 'EUR'), at(11)) ?? '', at(12));
  portal.fail?.(portal.begin?.(order(64100n, 'EUR'), at(13)) ?? '', at(14));
  portal.begin?.(order(64200n, 'EUR'), at(15));
  portal.capture?.(portal.authorize?.(order(50000n, 'EUR'), at(16)) ?? '', at(17));
  portal.void?.(portal.authorize?.(order(50100n, 'EUR'), at(18)) ?? '', at(19));
  portal.authorize?.(order(50200n, 'EUR'), at(20));
}

const settingsOf = (portal: SimulatedPortal) => mollie.settings.parse(portal.settings);

function eventsIn(portal: SimulatedPortal, body: Buffer) {
  return mollie
    .split(body, {})
    .map((document) =>
      mollie.normalize({ ...document, headers: {}, receivedAt: at(0) }, settingsOf(portal)),
    );
}

async function fromNotices(portal: SimulatedPortal): Promise<CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const simulated of portal.takeNotices()) {
    const notice: Notice = { ...simulated.sign(at(30)), url: '/', receivedAt: at(30) };
    const signed = notice.headers['x-mollie-signature'] !== undefined;
    const verdict = mollie.webhook?.authenticate(notice, settingsOf(portal));
    assert.equal(verdict?.verdict, signed ? 'authentic' : 'hint', simulated.label);
    assert.ok(mollie.webhook?.recognizes(notice));
    for (const result of eventsIn(portal, notice.body)) {
      if ('events' in result) {
        assert.ok(signed, 'a hint may only cause a fetch');
        events.push(...result.events);
        continue;
      }
      assert.ok('fetch' in result, simulated.label);
      const found = await mollie.fetch?.(apiOf(portal), result.fetch, settingsOf(portal));
      assert.equal(found?.length, result.fetch.length);
      for (const { body } of found ?? []) {
        for (const one of eventsIn(portal, body))
          events.push(...('events' in one ? one.events : []));
      }
    }
  }
  return events;
}

async function fromPull(portal: SimulatedPortal): Promise<CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  const context = { settings: settingsOf(portal), now: at(40) };
  let cursor = mollie.pull?.start(at(0));
  for (let pages = 0; pages < 20; pages += 1) {
    const page = await mollie.pull?.page(apiOf(portal), cursor, context);
    for (const body of page?.bodies ?? []) {
      for (const one of eventsIn(portal, body)) events.push(...('events' in one ? one.events : []));
    }
    if (!page?.more) return events;
    cursor = page.next;
  }
  throw new Error('the pull does not end');
}

const PRECEDENCE = ['pending', 'authorized', 'failed', 'voided', 'succeeded'] as const;

/** Folds events as the books do in short: each object counts once, in its furthest state. */
function fold(events: readonly CanonicalEvent[]): Omit<TruePayment, 'lostMinor' | 'feeMinor'>[] {
  const types = (key: 'refundId' | 'disputeId', id: string | undefined) =>
    new Set(events.filter((one) => one[key] === id).map(({ type }) => type));
  const total = (key: 'refundId' | 'disputeId', undone: string, paymentId: string) => {
    const standing = new Map<string, bigint>();
    for (const event of events) {
      const id = event[key];
      if (event.externalPaymentId !== paymentId || id === undefined) continue;
      if (![...types(key, id)].some((type) => type === undone)) standing.set(id, event.amountMinor);
    }
    return [...standing.values()].reduce((sum, minor) => sum + minor, 0n);
  };
  const ids = new Set(events.map((one) => one.externalPaymentId).filter((id) => id !== null));
  return [...ids].sort().map((externalId) => {
    const own = events.filter(
      (one) => one.externalPaymentId === externalId && one.type.startsWith('payment.'),
    );
    const states = own.map(({ type }) => PRECEDENCE.indexOf(type.slice(8) as 'pending'));
    const [first] = own;
    return {
      externalId,
      status: PRECEDENCE[Math.max(...states)] ?? 'pending',
      amountMinor: first?.amountMinor ?? 0n,
      currency: first?.currency ?? '',
      refundedMinor: total('refundId', 'refund.failed', externalId),
      disputedMinor: total('disputeId', 'dispute.won', externalId),
    };
  });
}

const truthOf = (portal: SimulatedPortal) =>
  portal
    .truth()
    .map(({ lostMinor: _lost, feeMinor: _fee, ...rest }) => rest)
    .sort((a, b) => (a.externalId < b.externalId ? -1 : 1));

describe('the simulated Mollie', () => {
  for (const seed of [1, 2, 3, 4]) {
    test(`its notices alone, and its API alone, tell its truth (seed ${seed})`, async () => {
      const portal = await simulateMollie({ seed });
      try {
        story(portal);
        assert.deepEqual(fold(await fromNotices(portal)), truthOf(portal));
        assert.deepEqual(fold(await fromPull(portal)), truthOf(portal));
      } finally {
        await portal.close();
      }
    });
  }

  test('a payout per currency pays out what cleared, once, and is pulled', async () => {
    const portal = await simulateMollie({ seed: 5 });
    try {
      story(portal);
      const id = portal.payout?.(at(25));
      assert.equal(portal.payout?.(at(26)), undefined);
      const payouts = (await fromPull(portal)).filter(({ type }) => type === 'payout.paid');
      assert.equal(payouts[0]?.payoutId, id);
      assert.deepEqual(
        payouts.map(({ currency, amountMinor }) => [currency, amountMinor]),
        [
          ['JPY', 150000n - 1500n],
          ['KWD', 1234567n - 12345n],
          ['EUR', 128450n - 1284n - 11500n - 99n + 64000n - 640n + 50000n - 500n],
        ],
      );
    } finally {
      await portal.close();
    }
  });

  test('its balance tells the fees it kept', async () => {
    const portal = await simulateMollie({ seed: 9 });
    try {
      story(portal);
      const told = (await fromPull(portal)).filter(({ feeMinor }) => feeMinor !== null);
      const kept = portal.truth().filter(({ feeMinor }) => feeMinor !== null);
      assert.deepEqual(
        new Map(told.map((one) => [one.externalPaymentId, one.feeMinor])),
        new Map(kept.map((one) => [one.externalId, one.feeMinor])),
      );
      assert.equal(kept.length, 6);
    } finally {
      await portal.close();
    }
  });

  test('tells the same story for the same seed', async () => {
    const [one, other] = [await simulateMollie({ seed: 6 }), await simulateMollie({ seed: 6 })];
    try {
      const told = [one, other].map((portal) => {
        story(portal);
        const texts = portal.takeNotices().map((notice) => notice.sign(at(30)).body.toString());
        return texts.map((text) => text.replaceAll(/127\.0\.0\.1:\d+/g, ''));
      });
      assert.deepEqual(told[0], told[1]);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  test('pages by the id that follows, and refuses as Mollie does', async () => {
    const portal = await simulateMollie({ seed: 7 });
    try {
      for (let n = 0; n < 5; n += 1) portal.pay(order(100n, 'EUR'), at(n));
      const api = apiOf(portal);
      const ask = async (path: string, query = {}, by = api) =>
        JSON.parse(
          (await by.request({ path, query, accept: [401, 403, 404, 422] })).body.toString(),
        );
      const first = await ask('/payments', { limit: '3' });
      const from = new URL(first._links.next.href).searchParams.get('from');
      const second = await ask('/payments', { limit: '3', from });
      assert.deepEqual([first.count, second.count, second._links.next], [3, 2, null]);

      const keyed = apiOf(portal, portal.settings.apiKey);
      assert.equal((await ask('/payments', { testmode: 'true' }, keyed)).status, 422);
      assert.equal((await ask('/settlements', {}, keyed)).status, 403);
      assert.equal((await ask('/payments', {}, apiOf(portal, 'live_forged'))).status, 401);
      assert.equal((await ask('/payments/tr_unknown')).status, 404);
      assert.equal((await ask('/payments', { limit: '251' })).field, 'limit');
      assert.match((await mollie.check?.(api, settingsOf(portal))) ?? '', /Mollie profile pfl_/);
      assert.equal(portal.requestCount(), 8);
    } finally {
      await portal.close();
    }
  });

  test('its faults include the rate limit in its own form', async () => {
    const portal = await simulateMollie({ seed: 8, faultRate: 1 });
    try {
      const statuses = new Set<number>();
      for (let n = 0; n < 40; n += 1) {
        const answer = await apiOf(portal)
          .request({ path: '/payments', accept: [429, 500, 502] })
          .catch(() => undefined);
        if (answer?.status === 429) {
          assert.equal(JSON.parse(answer.body.toString()).title, 'Too Many Requests');
        }
        statuses.add(answer?.status ?? 0);
      }
      assert.deepEqual([...statuses].sort(), [0, 200, 429, 500, 502]);
    } finally {
      await portal.close();
    }
  });
});

test('the official client reads the simulated account as it reads Mollie', async () => {
  const portal = await simulateMollie({ seed: 31 });
  try {
    const id = portal.pay(order(128450n, 'EUR'), at(0));
    portal.refund?.(id, 11500n, at(1));
    const client = new Client({
      security: { apiKey: portal.settings.apiKey ?? '' },
      serverURL: (portal.settings.apiBaseUrl ?? '').replace(/v2$/, ''),
    });
    const payment = await client.payments.get({ paymentId: id });
    assert.deepEqual(
      [payment.status, payment.amount.value, payment.amount.currency, payment.id],
      ['paid', '1284.50', 'EUR', id],
    );
  } finally {
    await portal.close();
  }
});
