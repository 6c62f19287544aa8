import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { type Cursor, check, fetchObjects, pull } from './pull.ts';
import { type Settings, settings } from './settings.ts';

const NOW = new Date('2026-11-20T12:00:00.000Z');
const keyed = settings.parse({ apiKey: 'live_abc' });
const organized = settings.parse({
  organizationToken: 'access_abc',
  profileId: 'pfl_QkEhN94Ba',
  testmode: 'true',
  payouts: 'settlements',
});

/** An API that answers from `answers` in turn and remembers what it was asked. */
function scripted(...answers: readonly (object | number)[]) {
  const calls: ApiCall[] = [];
  const api: PortalApi = {
    async request(call) {
      const answer = answers[calls.push(call) - 1];
      if (answer === undefined) throw new Error(`unexpected ${call.path}`);
      const [status, body] = typeof answer === 'number' ? [answer, {}] : [200, answer];
      return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  return { api, calls };
}

const page = (list: string, createdAt: readonly string[], next?: string) => ({
  count: createdAt.length,
  _embedded: { [list]: createdAt.map((at, index) => ({ id: `x_${index}`, createdAt: at })) },
  _links: { next: next === undefined ? null : { href: next, type: 'application/hal+json' } },
});

const NEXT = 'https://api.mollie.com/v2/payments?from=tr_next&limit=250';

async function step(cursor: Cursor, answer: object, of: Settings = keyed) {
  const { api, calls } = scripted(answer);
  return { ...(await pull.page(api, cursor, { settings: of, now: NOW })), call: calls[0] };
}

describe('a round', () => {
  const start = pull.start(new Date('2026-11-20T11:45:00Z'));

  test('reads three lists newest first, then begins again where it began', async () => {
    let cursor = start;
    const asked: (string | undefined)[] = [];
    for (const list of ['payments', 'refunds', 'chargebacks']) {
      const { next, more, call } = await step(cursor, page(list, ['2026-11-20T11:00:00+00:00']));
      asked.push(call?.path);
      assert.deepEqual(call?.query, { limit: '250', sort: 'desc' });
      assert.equal(more, list !== 'chargebacks');
      cursor = next;
    }
    assert.deepEqual(asked, ['/payments', '/refunds', '/chargebacks']);
    assert.deepEqual(cursor, pull.start(NOW));
  });

  test('goes on to the next page while its records are younger than the look-back', async () => {
    const young = page('payments', ['2026-11-19T00:00:00Z', '2026-10-17T00:00:00Z'], NEXT);
    const { next } = await step(start, young);
    assert.deepEqual([next.list, next.next], ['payments', { from: 'tr_next', limit: '250' }]);

    const old = page('payments', ['2026-11-19T00:00:00Z', '2026-10-15T00:00:00Z'], NEXT);
    assert.equal((await step(start, old)).next.list, 'refunds');
  });

  test('reads further back after an outage, and as far as the setting says', async () => {
    const old = page('payments', ['2026-10-01T00:00:00Z'], NEXT);
    const outage = pull.start(new Date('2026-09-30T00:00:00Z'));
    assert.equal((await step(outage, old)).next.list, 'payments');
    const patient = settings.parse({ apiKey: 'live_abc', lookBackDays: '60' });
    assert.equal((await step(start, old, patient)).next.list, 'payments');
  });

  test('chargebacks are watched for longer, for they are reversed late', async () => {
    const cursor = { ...start, list: 'chargebacks' as const };
    const old = page('chargebacks', ['2026-06-01T00:00:00Z'], NEXT);
    assert.equal((await step(cursor, old)).next.list, 'chargebacks');
  });

  test('follows the query of a link, never its host', async () => {
    const cursor = { ...start, next: { from: 'tr_next', limit: '250' } };
    const { call } = await step(cursor, page('payments', []));
    assert.equal(call?.path, '/payments');
    assert.deepEqual(call?.query, { limit: '250', sort: 'desc', from: 'tr_next' });
  });

  test('a page that leads to itself, or is no page, is a mismatch', async () => {
    const cursor = { ...start, next: { from: 'tr_next' } };
    const looping = page('payments', ['2026-11-19T00:00:00Z'], NEXT);
    await assert.rejects(step(cursor, looping), WireMismatch);
    await assert.rejects(step(start, page('refunds', [])), WireMismatch);
    await assert.rejects(step(start, { status: 200 }), WireMismatch);
  });
});

describe('credentials', () => {
  test('an organization token names profile and mode, and reaches settlements', async () => {
    const start = pull.start(NOW);
    const { call } = await step(start, page('payments', []), organized);
    assert.deepEqual(call?.query, {
      limit: '250',
      sort: 'desc',
      profileId: 'pfl_QkEhN94Ba',
      testmode: 'true',
    });
    const last = await step({ ...start, list: 'chargebacks' }, page('chargebacks', []), organized);
    assert.deepEqual([last.next.list, last.more], ['settlements', true]);
    const fees = settings.parse({ organizationToken: 'access_abc', fees: 'true' });
    const before = await step({ ...start, list: 'chargebacks' }, page('chargebacks', []), fees);
    const empty = page('balance_transactions', []);
    const transactions = await step(before.next, empty, fees);
    assert.equal(transactions.call?.path, '/balances/primary/transactions');
    assert.deepEqual([transactions.call?.query, transactions.more], [{ limit: '250' }, false]);
    const settlements = await step(last.next, page('settlements', []), organized);
    assert.deepEqual([settlements.call?.query, settlements.more], [{ limit: '250' }, false]);
  });

  test('an API key is told neither profile nor mode, and reads no payouts', async () => {
    const of = settings.parse({
      apiKey: 'test_abc',
      profileId: 'pfl_QkEhN94Ba',
      testmode: 'true',
      payouts: 'payouts',
    });
    const start = pull.start(NOW);
    const { call } = await step(start, page('payments', []), of);
    assert.deepEqual(call?.query, { limit: '250', sort: 'desc' });
    const last = await step({ ...start, list: 'chargebacks' }, page('chargebacks', []), of);
    assert.equal(last.more, false);
  });

  test('without any there is no pull', () => {
    assert.equal(pull.possible?.(settings.parse({})), false);
    assert.equal(pull.possible?.(keyed), true);
  });

  test('the check names the profile', async () => {
    const one = { _embedded: { payments: [{ id: 'tr_1', profileId: 'pfl_Abc' }] } };
    assert.equal(await check(scripted(one).api, keyed), 'Mollie profile pfl_Abc');
    const none = { _embedded: { payments: [] } };
    assert.match(await check(scripted(none).api, keyed), /without payments/);
  });
});

describe('fetch', () => {
  const payment = { entity: 'payment', id: 'tr_1' };

  test('asks for all that hangs on a payment; what does not exist yields nothing', async () => {
    const { api, calls } = scripted({ id: 'tr_1' }, 404, 410);
    const requests = [payment, { ...payment, id: 'tr_2' }, { ...payment, id: 'tr_3' }];
    const found = await fetchObjects(api, requests, organized);
    assert.deepEqual(
      found.map(({ request, body }) => [request.id, body.toString()]),
      [['tr_1', '{"id":"tr_1"}']],
    );
    assert.equal(calls[0]?.path, '/payments/tr_1');
    assert.deepEqual(calls[0]?.query, { embed: 'refunds,chargebacks,captures', testmode: 'true' });
    assert.deepEqual(calls[0]?.accept, [404, 410]);
  });

  test('of a fetched event only the snapshot is new', async () => {
    const event = {
      resource: 'event',
      id: 'event_1',
      type: 'refund.refunded',
      entityId: 're_1',
      createdAt: '2026-11-14T09:40:02+00:00',
    };
    const entity = { resource: 'refund', id: 're_1' };
    const request = { entity: 'event', id: 'event_1' };
    const full = scripted({ ...event, _embedded: { entity } });
    const [found] = await fetchObjects(full.api, [request], keyed);
    assert.equal(found?.body.toString(), JSON.stringify(entity));
    assert.equal(full.calls[0]?.path, '/events/event_1');
    await assert.rejects(fetchObjects(scripted(event).api, [request], keyed), WireMismatch);
  });

  test('an id cannot leave its path, an unknown entity is not asked for', async () => {
    const { api, calls } = scripted(404);
    await fetchObjects(api, [{ entity: 'payment', id: '../balances' }], keyed);
    assert.equal(calls[0]?.path, '/payments/..%2Fbalances');
    await assert.rejects(
      fetchObjects(api, [{ entity: 'order', id: 'ord_1' }], keyed),
      WireMismatch,
    );
  });
});
