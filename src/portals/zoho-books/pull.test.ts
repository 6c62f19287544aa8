/** Pulling from a simulated organization, and fetching what webhooks named. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readBody } from '../../../test/support/simulated-api.ts';
import type { ApiAnswer, ApiCall } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { zohoBooks } from './index.ts';
import { cheque, connect, days, fill, minutes, NOW, pullRound } from './simulated-connection.ts';

const money = (events: readonly { type: string; externalPaymentId: string | null }[]) =>
  events
    .filter(({ type }) => /^(payment|refund)/.test(type))
    .map(({ type, externalPaymentId }) => `${type} ${externalPaymentId}`);
const isList = ({ path }: ApiCall) => path.endsWith('/customerpayments');
const fetchObjects = zohoBooks.fetch ?? assert.fail('no fetch');

const answer = (status: number, body: unknown, headers = {}): ApiAnswer => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});

describe('pulling', () => {
  test('finds what is new, edited, declined and deleted, and tells nothing twice', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const [kept, edited, declined, gone] = [1, 2, 3, 4].map((count) =>
      organization.enterPayment(cheque(customer, invoice, BigInt(count * 100)), NOW),
    ) as [string, string, string, string];
    const first = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(
      money(first.events),
      [kept, edited, declined, gone].map((id) => `payment.succeeded ${id}`),
    );
    assert.deepEqual(first.reached, minutes(5));
    assert.ok(first.events.some(({ type }) => type === 'invoice.upserted'));
    assert.ok(first.events.some(({ type }) => type === 'customer.upserted'));

    organization.edit(edited, { amountMinor: 250n }, minutes(6));
    organization.decline(declined, minutes(7));
    organization.void(gone, minutes(8));
    const late = organization.enterPayment(cheque(customer, invoice, 900n), minutes(9));
    const second = await pullRound(connection, { ...first, at: minutes(20) });
    assert.deepEqual(money(second.events).toSorted(), [
      `payment.failed ${declined}`,
      `payment.succeeded ${edited}`,
      `payment.succeeded ${late}`,
      `payment.voided ${gone}`,
    ]);
    const third = await pullRound(connection, { ...second, at: minutes(35) });
    assert.deepEqual(third.events, []);
  });

  test('notices the deletion of what only a webhook told of', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const first = await pullRound(connection, { at: minutes(5) });
    const gone = organization.enterPayment(cheque(customer, invoice, 100n), minutes(6));
    const kept = organization.enterPayment(cheque(customer, invoice, 200n), minutes(7));
    organization.void(gone, minutes(8));
    const followed = [gone, kept];
    const second = await pullRound(connection, { ...first, at: minutes(20), followed });
    assert.deepEqual(money(second.events).toSorted(), [
      `payment.succeeded ${kept}`,
      `payment.voided ${gone}`,
    ]);
  });

  test('reads each payment once however many there are, and none again that did not change', async () => {
    await using connection = await connect({
      // Small pages, as if there were thousands.
      meddle: (call, send) =>
        send(call.query?.per_page ? { ...call, query: { ...call.query, per_page: '5' } } : call),
    });
    const { organization, calls } = connection;
    const { customer, invoice } = fill(organization);
    const ids = Array.from({ length: 12 }, (_, index) =>
      organization.enterPayment(cheque(customer, invoice, 100n), minutes(index)),
    );
    const first = await pullRound(connection, { at: minutes(30) });
    assert.deepEqual(
      money(first.events),
      ids.map((id) => `payment.succeeded ${id}`),
    );
    assert.equal(calls.filter(isList).length, 3);
    calls.splice(0);
    await pullRound(connection, { ...first, at: minutes(45) });
    assert.equal(calls.length, 3 + 1 + 1, 'the lists, and no payment by itself');
  });

  test('goes on after a crash between any two pages', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const ids = [1, 2, 3].map(() => organization.enterPayment(cheque(customer, invoice), NOW));
    const told: string[] = [];
    let round = await pullRound(connection, { at: minutes(5), pages: 1 });
    for (let page = 0; page < 10; page += 1) {
      told.push(...money(round.events));
      if (round.reached) break;
      round = await pullRound(connection, { ...round, at: minutes(5), pages: 1 });
    }
    assert.deepEqual(
      told,
      ids.map((id) => `payment.succeeded ${id}`),
    );
  });

  test('looks 35 days back for what was deleted, and reads nothing older', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const old = organization.enterPayment(cheque(customer, invoice), days(-40));
    const month = organization.enterPayment(cheque(customer, invoice), days(-29));
    const first = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(money(first.events), [`payment.succeeded ${month}`]);
    organization.void(month, minutes(6));
    organization.void(old, minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(20) });
    assert.deepEqual(money(second.events), [`payment.voided ${month}`]);
  });

  test('does not depend on the order of the list being kept', async () => {
    await using connection = await connect({
      meddle: async (call, send) => {
        const given = await send();
        if (!isList(call)) return given;
        const page = JSON.parse(given.body.toString());
        page.customerpayments.reverse();
        return { ...given, body: Buffer.from(JSON.stringify(page)) };
      },
    });
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    for (const day of [-20, -3, -10]) {
      organization.enterPayment(cheque(customer, invoice), days(day));
    }
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.equal(money(events).length, 3);
  });

  test('goes on when the token ends in the middle', async () => {
    let expire = () => {};
    await using connection = await connect({
      meddle: (call, send) => {
        if (isList(call)) expire();
        return send();
      },
    });
    const { organization } = connection;
    expire = organization.expireAccessTokens;
    const { customer, invoice } = fill(organization);
    organization.enterPayment(cheque(customer, invoice), NOW);
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.equal(money(events).length, 1);
  });
});

describe('too many requests', () => {
  const waits = async (given: ApiAnswer) => {
    const told = zohoBooks.api?.throttled?.(given);
    return typeof told === 'object' ? told.afterMs : told;
  };

  test('a minute is waited for the limit of a minute, an hour for that of a day', async () => {
    assert.equal(await waits(answer(429, { code: 44, message: 'x' })), 60_000);
    assert.equal(await waits(answer(429, { code: 45, message: 'x' })), 3_600_000);
    assert.equal(await waits(answer(200, '{"code":44}')), 60_000);
    assert.equal(await waits(answer(400, { code: 4401, message: 'x' })), false);
    assert.equal(await waits(answer(200, { code: 0, payment: { note: '"code":45,' } })), false);
  });
});

describe('what an answer says of a payment', () => {
  const fetchOne = async (given: ApiAnswer) => {
    await using connection = await connect({ meddle: async () => given });
    const request = { entity: 'payment', id: '460000000079467' };
    const [found] = await fetchObjects(connection.api, [request], connection.settings);
    return readBody(
      { id: 'zoho-books', body: found?.body ?? Buffer.alloc(0), settings: connection.settings },
      NOW,
    ).events.map(({ type }) => type);
  };

  test('it is gone only where Zoho says that it does not exist', async () => {
    assert.deepEqual(await fetchOne(answer(404, { code: 1002, message: 'x' })), ['payment.voided']);
    assert.deepEqual(await fetchOne(answer(400, { code: 1002, message: 'x' })), ['payment.voided']);
    assert.deepEqual(await fetchOne(answer(404, { code: 24003, message: 'x' })), [
      'payment.voided',
    ]);
  });

  test('a wrong address, a lost permission or a gateway void nothing', async () => {
    await assert.rejects(fetchOne(answer(404, { code: 5, message: 'Invalid URL' })), Rejected);
    await assert.rejects(fetchOne(answer(401, { code: 57, message: 'no' })), Reauthorize);
    await assert.rejects(fetchOne(answer(200, { code: 57, message: 'no' })), Reauthorize);
    await assert.rejects(fetchOne(answer(400, { code: 6041, message: 'no' })), Rejected);
    await assert.rejects(fetchOne(answer(404, { error: 'no route' })), WireMismatch);
    await assert.rejects(fetchOne(answer(404, '<html>not here</html>')), (error) => {
      return error instanceof RetryLater || error instanceof WireMismatch;
    });
  });
});

describe('fetching', () => {
  test('reads the payment that a webhook named, and its refunds in its currency', async () => {
    await using connection = await connect({ notices: 'raw' });
    const { organization, api, settings } = connection;
    const { customer, invoice } = fill(organization, 'KWD');
    const payment = { ...cheque(customer, invoice, 45_125n), currency: 'KWD' };
    const id = organization.enterPayment(payment, NOW);
    organization.refund(id, 5_125n, minutes(1));
    const [notice] = organization.takeNotices();
    const body = notice?.sign(NOW).body ?? Buffer.alloc(0);
    const { requests } = readBody({ id: 'zoho-books', body, settings }, NOW);
    assert.deepEqual(requests, [{ entity: 'payment', id }]);
    const [found] = await fetchObjects(api, requests, settings);
    const told = readBody({ id: 'zoho-books', body: found?.body as Buffer, settings }, NOW);
    assert.deepEqual(money(told.events), [`payment.succeeded ${id}`]);
    assert.deepEqual(told.requests, [{ entity: 'refunds', id }]);
    const refunds = (await fetchObjects(api, told.requests, settings)).flatMap(
      (one) => readBody({ id: 'zoho-books', body: one.body, settings }, NOW).events,
    );
    assert.deepEqual(
      refunds.map(({ type, amountMinor, currency }) => [type, amountMinor, currency]),
      [['refund.succeeded', 5_125n, 'KWD']],
    );
  });
});

test('the check names the organization, or says that the token does not open it', async () => {
  await using connection = await connect();
  const { api, settings } = connection;
  const check = zohoBooks.check ?? assert.fail('no check');
  assert.equal(
    await check(api, settings),
    `Zoho Books organization Simulated Air Services (${settings.organizationId})`,
  );
  await assert.rejects(check(api, { ...settings, organizationId: '1' }), Reauthorize);
  await assert.rejects(check(api, { ...settings, organizationId: undefined }), /consent page/);
});
