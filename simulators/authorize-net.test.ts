import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { authorizeNet } from '../src/portals/authorize-net/index.ts';
import type { Notice } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { simulateAuthorizeNet } from './authorize-net.ts';
import type { SimulatedOrder, SimulatedPortal, TruePayment } from './contract.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 12, 9, minute));
const NOW = at(200);

const order = (amountMinor: bigint): SimulatedOrder => ({
  amountMinor,
  currency: 'USD',
  customer: { externalId: 'CUST-1', name: 'Harbor Steel', email: 'ap@harbor.example' },
  invoiceNumber: 'INV-2026-0481',
  workOrder: 'WO-10482',
});

const settingsOf = (portal: SimulatedPortal) => authorizeNet.settings.parse(portal.settings);

function apiOf(portal: SimulatedPortal, settings = settingsOf(portal)) {
  const api = authorizeNet.api as NonNullable<typeof authorizeNet.api>;
  const authorization = api.auth(settings);
  assert.ok(authorization.kind !== 'oauth2');
  return portalApi({ baseUrl: api.baseUrl(settings), authorization, requestsPerMinute: 60_000 });
}

/** Every act that the gateway offers, each at a minute of its own. */
function story(portal: SimulatedPortal): void {
  const paid = portal.pay(order(128450n), at(1));
  portal.refund?.(paid, 11500n, at(2));
  const back = portal.refund?.(paid, 990n, at(3)) ?? '';
  portal.failRefund?.(back, at(4));
  portal.void?.(portal.pay(order(8800n), at(5)), at(6));
  portal.capture?.(portal.authorize?.(order(50000n), at(7)) ?? '', at(8));
  portal.void?.(portal.authorize?.(order(50100n), at(9)) ?? '', at(10));
  portal.authorize?.(order(50200n), at(11));
  for (let n = 0; n < 4; n += 1)
    portal.settle?.(portal.begin?.(order(BigInt(700 + n)), at(12)) ?? '', at(13));
  for (let n = 0; n < 4; n += 1)
    portal.fail?.(portal.begin?.(order(BigInt(900 + n)), at(14)) ?? '', at(15));
  portal.begin?.(order(1234n), at(16));
  const disputed = portal.pay(order(64000n), at(17));
  const won = portal.pay(order(64100n), at(18));
  portal.payout?.(at(30));
  const late = portal.refund?.(paid, 2000n, at(31)) ?? '';
  portal.dispute?.(disputed, at(32));
  portal.closeDispute?.(portal.dispute?.(won, at(33)) ?? '', 'won', at(34));
  portal.payout?.(at(40));
  portal.failRefund?.(late, at(41));
  portal.payout?.(at(50));
}

/** What the portal's documents become, with all that they make us fetch. */
async function follow(portal: SimulatedPortal, body: Buffer): Promise<CanonicalEvent[]> {
  const settings = settingsOf(portal);
  const events: CanonicalEvent[] = [];
  for (const document of authorizeNet.split(body, {})) {
    const given = { body: document.body, headers: {}, receivedAt: NOW };
    const result = authorizeNet.normalize(given, settings);
    assert.ok(!('quarantined' in result), 'quarantined' in result ? result.quarantined : '');
    if ('events' in result) events.push(...result.events);
    const wanted = 'fetch' in result ? (result.fetch ?? []) : [];
    const found = (await authorizeNet.fetch?.(apiOf(portal), wanted, settings)) ?? [];
    assert.equal(found.length, wanted.length);
    for (const one of found) events.push(...(await follow(portal, one.body)));
  }
  return events;
}

async function fromNotices(portal: SimulatedPortal): Promise<CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const simulated of portal.takeNotices()) {
    const notice: Notice = { ...simulated.sign(NOW), url: '/', receivedAt: NOW };
    const verdict = authorizeNet.webhook?.authenticate(notice, settingsOf(portal));
    assert.equal(verdict?.verdict, 'authentic', simulated.label);
    events.push(...(await follow(portal, notice.body)));
  }
  return events;
}

async function fromPull(portal: SimulatedPortal): Promise<CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  const context = { settings: settingsOf(portal), now: NOW };
  let cursor = authorizeNet.pull?.start(at(0));
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await authorizeNet.pull?.page(apiOf(portal), cursor, context);
    for (const body of page?.bodies ?? []) events.push(...(await follow(portal, body)));
    if (!page?.more) return events;
    cursor = page.next;
  }
  throw new Error('the pull does not end');
}

/** The state of a payment by its events: a void is final, a later failure takes success back. */
function statusOf(own: readonly CanonicalEvent[]): TruePayment['status'] {
  const last = (type: string) =>
    own
      .filter((one) => one.type === `payment.${type}`)
      .map(({ occurredAt }) => occurredAt)
      .sort()
      .at(-1);
  const [succeeded, failed] = [last('succeeded'), last('failed')];
  if (last('voided')) return 'voided';
  if (succeeded) return failed && failed > succeeded ? 'failed' : 'succeeded';
  if (failed) return 'failed';
  return last('authorized') ? 'authorized' : 'pending';
}

/** Folds events as the books do in short. */
function fold(events: readonly CanonicalEvent[]) {
  const standing = (paymentId: string, key: 'refundId' | 'disputeId', undone: string) => {
    const open = new Map<string, bigint>();
    const told = events.filter(
      (one) => one[key] !== undefined && one.externalPaymentId === paymentId,
    );
    for (const one of told) open.set(one[key] as string, one.amountMinor);
    for (const one of told) if (one.type === undone) open.delete(one[key] as string);
    return [...open.values()].reduce((sum, minor) => sum + minor, 0n);
  };
  const own = events.filter(({ type }) => type.startsWith('payment.'));
  const ids = [...new Set(own.map(({ externalPaymentId }) => String(externalPaymentId)))].sort();
  return ids.map((externalId) => {
    const mine = own.filter((one) => one.externalPaymentId === externalId);
    return {
      externalId,
      status: statusOf(mine),
      amountMinor: mine[0]?.amountMinor,
      currency: mine[0]?.currency,
      refundedMinor: standing(externalId, 'refundId', 'refund.failed'),
      disputedMinor: standing(externalId, 'disputeId', 'dispute.won'),
    };
  });
}

const truthOf = (portal: SimulatedPortal) =>
  portal
    .truth()
    .map(({ lostMinor: _lost, feeMinor: _fee, ...rest }) => rest)
    .sort((a, b) => (a.externalId < b.externalId ? -1 : 1));

async function opened<T>(
  options: Parameters<typeof simulateAuthorizeNet>[0],
  use: (portal: SimulatedPortal) => Promise<T>,
): Promise<T> {
  const portal = await simulateAuthorizeNet(options);
  try {
    return await use(portal);
  } finally {
    await portal.close();
  }
}

describe('the simulated Authorize.Net', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`its API alone tells its truth and what it paid out (seed ${seed})`, () =>
      opened({ seed }, async (portal) => {
        story(portal);
        const events = await fromPull(portal);
        assert.deepEqual(fold(events), truthOf(portal));
        const payouts = new Map(
          events.flatMap((one) => (one.payoutId ? [[one.payoutId, one.amountMinor]] : [])),
        );
        const paid = portal.payouts?.() ?? [];
        assert.ok(paid.length >= 2);
        assert.deepEqual(payouts, new Map(paid.map((one) => [one.externalId, one.amountMinor])));
      }));

    test(`its notices, with what they make us fetch, tell its truth (seed ${seed})`, () =>
      opened({ seed }, async (portal) => {
        story(portal);
        assert.deepEqual(fold(await fromNotices(portal)), truthOf(portal));
      }));
  }

  test('tells the same story for the same seed, however often it is asked', async () => {
    const told = async (asks: boolean) =>
      opened({ seed: 6 }, async (portal) => {
        if (asks) await fromPull(portal);
        story(portal);
        return portal.takeNotices().map((notice) => notice.sign(NOW).body.toString());
      });
    assert.deepEqual(await told(true), await told(false));
  });

  test('a settled charge can no longer be voided', () =>
    opened({ seed: 7 }, async (portal) => {
      const id = portal.pay(order(100n), at(1));
      portal.payout?.(at(2));
      portal.void?.(id, at(3));
      assert.equal(portal.truth()[0]?.status, 'succeeded');
      assert.equal(portal.payout?.(at(4)), undefined);
    }));

  test('pages by number, insists on the order of members, and refuses as the service does', () =>
    opened({ seed: 8 }, async (portal) => {
      for (let n = 0; n < 5; n += 1) portal.pay(order(100n), at(n));
      const api = apiOf(portal);
      const { apiLoginId: name, transactionKey } = portal.settings;
      const ask = async (request: string, fields: object, proof = { name, transactionKey }) => {
        const json = { [request]: { merchantAuthentication: proof, ...fields } };
        const { body } = await api.request({ method: 'POST', path: '/xml/v1/request.api', json });
        assert.equal(body.subarray(0, 3).toString('hex'), 'efbbbf');
        return JSON.parse(body.subarray(3).toString());
      };
      const page = (offset: string) => ({ paging: { limit: '3', offset } });
      const list = 'getUnsettledTransactionListRequest';
      const pages = [
        await ask(list, page('1')),
        await ask(list, page('2')),
        await ask(list, page('3')),
      ];
      assert.deepEqual(
        pages.map((one) => [one.transactions?.length, one.totalNumInResultSet]),
        [
          [3, 5],
          [2, 5],
          [undefined, 5],
        ],
      );
      const code = (answer: { messages: { message: { code: string }[] } }) =>
        answer.messages.message[0]?.code;
      assert.equal(
        code(await ask(list, { paging: { limit: '3', offset: '1' }, sorting: {} })),
        'E00003',
      );
      assert.equal(code(await ask('getTransactionDetailsRequest', { transId: '1' })), 'E00040');
      const forged = { name, transactionKey: 'forged' };
      assert.equal(code(await ask(list, {}, forged)), 'E00007');
      const month = {
        firstSettlementDate: '2026-01-01T00:00:00Z',
        lastSettlementDate: '2026-03-01T00:00:00Z',
      };
      assert.equal(
        code(await ask('getSettledBatchListRequest', { includeStatistics: true, ...month })),
        'E00013',
      );
    }));

  test('the check names the account, and wrong keys are told from missing rights', () =>
    opened({ seed: 9 }, async (portal) => {
      const told = await authorizeNet.check?.(apiOf(portal), settingsOf(portal));
      assert.match(String(told), /Simulated Compressors in USD; active webhooks: 1/);
      const forged = authorizeNet.settings.parse({ ...portal.settings, transactionKey: 'forged' });
      const check = authorizeNet.check?.(apiOf(portal, forged), forged) ?? Promise.resolve();
      await assert.rejects(check, { name: 'Reauthorize' });
      const rest = apiOf(portal, forged).request({ path: '/rest/v1/webhooks' });
      await assert.rejects(rest, { name: 'Reauthorize' });
    }));

  test('its faults include its own way of saying later', () =>
    opened({ seed: 10, faultRate: 1 }, async (portal) => {
      const causes = new Set<string>();
      for (let n = 0; n < 40; n += 1) {
        const requests = [{ entity: 'transaction', id: '1' }];
        const cause = await Promise.resolve(
          authorizeNet.fetch?.(apiOf(portal), requests, settingsOf(portal)),
        ).then(
          () => 'answered',
          (error: Error) => `${error.name}${/E00001/.test(error.message) ? ' E00001' : ''}`,
        );
        causes.add(cause);
      }
      assert.deepEqual([...causes].sort(), ['RetryLater', 'RetryLater E00001', 'answered']);
    }));
});
