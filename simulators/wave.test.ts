/** The life of invoices in the simulated Wave, as the portal's pull reads it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { Reauthorize, Rejected, RetryLater } from '../src/portals/kit/errors.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { memoryTokenStore, tokenSource } from '../src/portals/kit/oauth.ts';
import { wave } from '../src/portals/wave/index.ts';
import type { SimulatedOrder } from './contract.ts';
import { simulateWave, type WaveSimulator, type WaveSimulatorOptions } from './wave.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 12, 9, minute));

const order = (amountMinor: bigint, currency = 'USD'): SimulatedOrder => ({
  amountMinor,
  currency,
  customer: { externalId: 'cus_1', name: 'Harbor Steel', email: 'ap@harbor.example' },
  invoiceNumber: 'INV-2026-0481',
});

/** A business, connected as the engine connects one. */
async function connect(options: Partial<WaveSimulatorOptions> = {}) {
  const business = await simulateWave({ seed: 11, ...options });
  const settings = wave.settings.parse(business.settings);
  const auth = wave.api?.auth(settings);
  assert.ok(wave.api && wave.pull && auth);
  const authorization =
    auth.kind === 'oauth2'
      ? {
          kind: 'oauth2' as const,
          tokens: tokenSource({
            store: memoryTokenStore(),
            client: auth.client,
            clock: () => at(0),
          }),
        }
      : auth;
  const baseUrl = wave.api.baseUrl(settings);
  const real = portalApi({ baseUrl, authorization, requestsPerMinute: 600_000 });
  const calls: ApiCall[] = [];
  const api: PortalApi = {
    request(call) {
      calls.push(call);
      return real.request(call);
    },
  };
  let cursor = wave.pull.start(new Date('2026-11-01T00:00:00.000Z'));
  return {
    business,
    settings,
    api,
    calls,
    /** A whole round of pages, as canonical events; begins anew, as after a lost cursor, when told to. */
    async pull(now: Date): Promise<readonly CanonicalEvent[]> {
      const events: CanonicalEvent[] = [];
      for (let more = true; more; ) {
        const page = await wave.pull?.page(api, cursor, { settings, now });
        assert.ok(page);
        events.push(...page.bodies.flatMap((body) => eventsIn(body, settings)));
        cursor = JSON.parse(JSON.stringify(page.next));
        more = page.more;
      }
      return events;
    },
    [Symbol.asyncDispose]: () => business.close(),
  };
}

function eventsIn(body: Buffer, settings: unknown): readonly CanonicalEvent[] {
  return wave.split(body, {}).flatMap((document) => {
    const part = { body: document.body, headers: {}, receivedAt: at(0) };
    const outcome = wave.normalize(part, settings);
    assert.ok('events' in outcome);
    return outcome.events;
  });
}

/** The last that was said of each payment. */
function payments(events: readonly CanonicalEvent[]): readonly string[] {
  const last = new Map<string, string>();
  for (const { type, externalPaymentId, amountMinor, currency } of events) {
    if (!type.startsWith('payment.')) continue;
    last.set(externalPaymentId ?? '', `${type} ${amountMinor} ${currency}`);
  }
  return [...last].map(([id, says]) => `${id.split('#')[1]}: ${says}`);
}

describe('the pull', () => {
  for (const options of [{ credentials: 'token' }, { sorts: false }] as const) {
    test(`finds what is paid, more of it, less and nothing (${JSON.stringify(options)})`, async () => {
      await using wired = await connect(options);
      const { business, pull } = wired;
      const id = business.pay(order(123_450n), at(0));
      assert.deepEqual(payments(await pull(at(1))), ['1: payment.succeeded 123450 USD']);
      business.change(id, 50_000n, at(2));
      assert.deepEqual(payments(await pull(at(3))), ['1: payment.succeeded 173450 USD']);
      business.change(id, -100_000n, at(4));
      assert.deepEqual(payments(await pull(at(5))), ['1: payment.succeeded 73450 USD']);
      business.view(id, at(6));
      assert.deepEqual(payments(await pull(at(7))), ['1: payment.succeeded 73450 USD']);
      business.void(id, at(8));
      assert.deepEqual(payments(await pull(at(9))), ['1: payment.voided 0 USD']);
      assert.deepEqual(payments(await pull(at(10))), ['1: payment.voided 0 USD']);
      assert.equal(business.change(id, 900n, at(11)), id.replace(/1$/, '2'));
      assert.deepEqual(payments(await pull(at(12))), ['2: payment.succeeded 900 USD']);
      assert.deepEqual(
        business.truth().map(({ status, amountMinor }) => [status, amountMinor]),
        [
          ['voided', 73_450n],
          ['succeeded', 900n],
        ],
      );
    });
  }

  test('reads every page of a first round and then only what changed', async () => {
    await using wired = await connect({ credentials: 'token' });
    const { business, pull, calls } = wired;
    fill(business, 120);
    assert.equal(payments(await pull(at(360))).length, 120);
    assert.equal(calls.length, 3);
    const late = business.pay(order(1_500n, 'JPY'), at(400));
    const events = await pull(at(401));
    assert.equal(calls.length, 4, 'one page reaches back far enough');
    assert.ok(events.some(({ externalPaymentId }) => externalPaymentId === late));
  });

  test('is told of nothing when an answer holds errors, and its cursor stays', async () => {
    await using wired = await connect({ credentials: 'token' });
    const { business, settings } = wired;
    business.pay(order(100n), at(0));
    const failing = (code: string, status = 200): PortalApi => ({
      request: async () => ({
        status,
        headers: {},
        body: Buffer.from(
          JSON.stringify({ errors: [{ message: 'x', extensions: { code } }], data: {} }),
        ),
      }),
    });
    const cursor = { ...(wave.pull?.start(at(0)) as object), sorted: false };
    const page = (api: PortalApi) => wave.pull?.page(api, cursor, { settings, now: at(1) });
    await assert.rejects(async () => page(failing('UNAUTHENTICATED')), Reauthorize);
    await assert.rejects(async () => page(failing('INTERNAL_SERVER_ERROR')), RetryLater);
    await assert.rejects(async () => page(failing('THROTTLED')), RetryLater);
    await assert.rejects(async () => page(failing('NOT_FOUND')), Rejected);
    await assert.rejects(async () => page(failing('GRAPHQL_VALIDATION_FAILED', 400)), Rejected);
  });

  test('goes on with a new token when the old one is no longer accepted', async () => {
    await using wired = await connect({ credentials: 'client' });
    const { business, pull } = wired;
    business.pay(order(100n), at(0));
    await pull(at(1));
    business.expireAccessTokens();
    business.pay(order(200n, 'KWD'), at(2));
    assert.ok(payments(await pull(at(3))).includes('1: payment.succeeded 200 KWD'));
  });
});

test('the check names the business, and lists those to choose from', async () => {
  await using wired = await connect();
  const { api, business } = wired;
  const { businessId, ...without } = business.settings;
  const check = (settings: Record<string, unknown>) =>
    wave.check?.(api, wave.settings.parse(settings)) ?? assert.fail();
  const named = `Wave business Simulated Air Service, USD (${businessId})`;
  assert.equal(await check({ ...business.settings, paymentAccountId: 'chosen' }), named);
  const offered = await check(business.settings);
  assert.ok(offered.startsWith(`${named}; to record payments, set paymentAccountId to one of `));
  assert.match(offered, /Cash on Hand \([\w=]+\), Undeposited Funds \([\w=]+\)$/);
  await assert.rejects(check(without), new RegExp(`opens: Simulated Air Service.*${businessId}`));
  assert.deepEqual(await wave.api?.consent?.accounts?.(api, {}), [
    { label: 'Simulated Air Service, USD', settings: { businessId } },
  ]);
  const cursor = wave.pull?.start(at(0));
  const settings = wave.settings.parse(without);
  await assert.rejects(
    async () => wave.pull?.page(api, cursor, { settings, now: at(1) }),
    Reauthorize,
  );
});

test('a wrong token is refused with 401', async () => {
  await using wired = await connect();
  const answer = await fetch(`${wired.business.settings.apiBaseUrl}/graphql/public`, {
    method: 'POST',
    headers: { authorization: 'Bearer wrong' },
    body: '{}',
  });
  assert.equal(answer.status, 401);
});

/** Invoices paid one after the other, three minutes apart. */
function fill(business: WaveSimulator, count: number): void {
  for (let index = 0; index < count; index += 1) {
    business.pay(order(BigInt(100 + index)), at(index * 3));
  }
}
