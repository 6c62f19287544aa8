/** The life of one payment at a simulated account, with what goes wrong on the way, by each way to sign in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../src/portals/contract.ts';
import { netsuite } from '../src/portals/netsuite/index.ts';
import {
  cheque,
  connect,
  fill,
  minutes,
  NOW,
  pullRound,
} from '../src/portals/netsuite/simulated-connection.ts';
import { loseFirstAnswer, tellLifeOfRecord } from '../test/support/life-of-record.ts';
import { readBody } from '../test/support/simulated-api.ts';
import type { SimulatedNotice } from './contract.ts';

const delivered = (notice: SimulatedNotice, at: Date): Notice => ({
  ...notice.sign(at),
  url: '/',
  receivedAt: at,
});

for (const [way, key] of [
  ['certificate', 'rsa'],
  ['certificate', 'ec'],
  ['tokens', 'ec'],
  ['consent', 'ec'],
] as const) {
  test(`by ${way} (${key}): pulled, recorded once though the answer was lost, read back, deleted`, async () => {
    const meddle = loseFirstAnswer(({ method }) => method === 'PUT');
    await using connection = await connect({ way, key, meddle });
    await tellLifeOfRecord<Awaited<ReturnType<typeof pullRound>>>({
      portal: 'netsuite',
      connection,
      simulated: connection.account,
      books: fill(connection.account),
      receivedOn: '2026-11-03',
      pull: (minute, before) => pullRound(connection, { ...before, at: minutes(minute) }),
    });
  });
}

test('the account’s own script tells of a payment, of its edit and of its end', async () => {
  await using connection = await connect();
  const { account, api, settings } = connection;
  const { customer, invoice } = fill(account);
  account.takeNotices();
  const id = account.enterPayment(cheque(customer, invoice), NOW);
  const [created, ...others] = account.takeNotices();
  assert.ok(created);
  assert.deepEqual(others, [], 'the invoice was touched without an event of its own');
  const notice = delivered(created, minutes(1));
  assert.equal(netsuite.webhook?.recognizes(notice), true);
  assert.equal(netsuite.webhook?.authenticate(notice, settings).verdict, 'authentic');
  assert.equal(
    netsuite.webhook?.authenticate({ ...notice, ...created.forge?.(minutes(1)) }, settings).verdict,
    'refused',
  );
  const { requests } = readBody({ id: 'netsuite', body: notice.body, settings }, NOW);
  assert.deepEqual(requests, [{ entity: 'transaction', id }]);
  const [fetched] = (await netsuite.fetch?.(api, requests, settings)) ?? [];
  assert.ok(fetched);
  const { events } = readBody({ id: 'netsuite', body: fetched.body, settings }, NOW);
  assert.deepEqual(
    events.map(({ type, externalPaymentId, amountMinor }) => [
      type,
      externalPaymentId,
      amountMinor,
    ]),
    [['payment.succeeded', id, 5500n]],
  );
  account.remove(id, minutes(2));
  const [gone] = account.takeNotices();
  assert.ok(gone);
  const told = readBody({ id: 'netsuite', body: gone.sign(NOW).body, settings }, NOW);
  assert.deepEqual(
    told.events.map(({ type, externalPaymentId }) => [type, externalPaymentId]),
    [['payment.voided', id]],
  );
});

test('the account refuses what NetSuite refuses', async () => {
  await using connection = await connect({ way: 'tokens' });
  const { api } = connection;
  const query = (q: string, more: object = {}) =>
    api.request({
      method: 'POST',
      path: '/services/rest/query/v1/suiteql',
      query: { limit: '1000', offset: '0' },
      headers: { prefer: 'transient' },
      json: { q },
      accept: [400],
      ...more,
    });
  const fine = 'SELECT t.id FROM transaction t ORDER BY t.id';
  assert.equal((await query(fine)).status, 200);
  const refused: readonly (readonly [string, object])[] = [
    [fine, { headers: {} }],
    [fine, { query: { limit: '1001', offset: '0' } }],
    [fine, { query: { limit: '1000', offset: '7' } }],
    ['SELECT t.id FROM transaction t', {}],
    ['SELECT t.id FROM transaction t ORDER BY t.id LIMIT 5', {}],
    ['SELECT id FROM transaction ORDER BY id', {}],
    ['SELECT t.nothing FROM transaction t ORDER BY t.id', {}],
    ['SELECT t.id FROM transactions t ORDER BY t.id', {}],
    ["SELECT t.id FROM transaction t WHERE t.id IN ('5') ORDER BY t.id", {}],
    ["SELECT t.id FROM transaction t WHERE t.lastmodifieddate >= '2026-11-03' ORDER BY t.id", {}],
    ["SELECT TO_CHAR(t.memo,'YYYY-MM-DD') AS m FROM transaction t ORDER BY t.id", {}],
  ];
  for (const [q, more] of refused) assert.equal((await query(q, more)).status, 400, q);
  const { account } = connection;
  const { customer, invoice } = fill(account);
  for (let count = 0; count < 2; count += 1) account.enterPayment(cheque(customer, invoice), NOW);
  const equal = 'SELECT t.id FROM transaction t ORDER BY t.lastmodifieddate';
  assert.equal((await query(equal)).status, 400, 'rows of one second would overlap');
});
