import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chargebee } from '../src/portals/chargebee/index.ts';
import type { PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { Secret } from '../src/portals/kit/secret.ts';
import { simulateChargebee } from './chargebee.ts';
import type { SimulatedNotice, SimulatedOrder, SimulatedPortal } from './contract.ts';

const START = Date.parse('2026-11-02T08:00:00.000Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);
const order: SimulatedOrder = {
  amountMinor: 125050n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Northgate Foundry', email: 'ap@northgate.example' },
  invoiceNumber: 'INV-1',
  workOrder: 'WO-1',
};

const opened: SimulatedPortal[] = [];
after(() => Promise.all(opened.map((simulated) => simulated.close())));

async function open(options: Parameters<typeof simulateChargebee>[0] = { seed: 1 }) {
  const simulated = await simulateChargebee(options);
  opened.push(simulated);
  const settings = chargebee.settings.parse(simulated.settings);
  return { simulated, settings, api: apiOf(simulated, String(simulated.settings.apiKey)) };
}

function apiOf(simulated: SimulatedPortal, apiKey: string): PortalApi {
  return portalApi({
    baseUrl: String(simulated.settings.apiBaseUrl),
    authorization: { kind: 'basic', user: apiKey, password: new Secret('') },
    requestsPerMinute: 60_000,
  });
}

type Reading = { readonly settings: unknown; readonly api: PortalApi };

async function readBody(body: Buffer, reading: Reading): Promise<readonly CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  for (const document of chargebee.split(body, {})) {
    const read = { body: document.body, headers: {}, receivedAt: at(0) };
    const outcome = chargebee.normalize(read, reading.settings);
    assert.ok(!('quarantined' in outcome), 'quarantined' in outcome ? outcome.quarantined : '');
    if ('events' in outcome) events.push(...outcome.events);
    if (!('fetch' in outcome) || !outcome.fetch) continue;
    const fetched = await chargebee.fetch?.(reading.api, outcome.fetch, reading.settings);
    for (const one of fetched ?? []) events.push(...(await readBody(one.body, reading)));
  }
  return events;
}

async function pullAll({ settings, api }: Reading): Promise<readonly CanonicalEvent[]> {
  const { pull } = chargebee;
  assert.ok(pull);
  const events: CanonicalEvent[] = [];
  let cursor: unknown = pull.start(at(-60));
  for (let more = true; more; ) {
    const page = await pull.page(api, cursor, { settings, now: at(6000) });
    for (const body of page.bodies) events.push(...(await readBody(body, { settings, api })));
    cursor = JSON.parse(JSON.stringify(page.next));
    more = page.more;
  }
  return events;
}

async function told(
  notices: readonly SimulatedNotice[],
  reading: Reading,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const notice of notices) {
    const signed = { ...notice.sign(at(600)), url: '/', receivedAt: at(601) };
    assert.equal(chargebee.webhook?.recognizes(signed), true);
    assert.deepEqual(chargebee.webhook?.authenticate(signed, reading.settings), {
      verdict: 'authentic',
    });
    lines.push(...(await readBody(signed.body, reading)).map(inOneLine));
  }
  return lines;
}

const inOneLine = ({ type, amountMinor, currency }: CanonicalEvent): string =>
  `${type} ${amountMinor} ${currency}`;

test('a card payment of an invoice is told with its invoice and its work', async () => {
  const opening = await open();
  const id = opening.simulated.pay(order, at(0));
  const notices = opening.simulated.takeNotices();
  const paid = notices.find(({ label }) => label === `payment_succeeded ${id}`);
  assert.ok(paid);
  const [event] = await readBody(paid.sign(at(1)).body, opening);
  assert.deepEqual(event?.references, [
    { kind: 'invoice', externalId: 'INV-1', number: 'INV-1', amountMinor: 125050n },
    { kind: 'workOrder', number: 'WO-1', amountMinor: 125050n },
    { kind: 'purchaseOrder', number: 'WO-1', amountMinor: 125050n },
  ]);
  assert.deepEqual(await told(notices, opening), ['payment.succeeded 125050 USD']);
  assert.equal(opening.simulated.truth()[0]?.status, 'succeeded');
  assert.throws(() => opening.simulated.pay({ ...order, currency: 'KWD', amountMinor: 1n }, at(1)));
});

test('the pull finds the same payment with the same references', async () => {
  const opening = await open();
  const id = opening.simulated.pay(order, at(0));
  const [pulled, fetched] = await pullAll(opening);
  assert.equal(pulled?.externalPaymentId, id);
  assert.deepEqual(
    fetched?.references.map(({ kind }) => kind),
    ['invoice', 'workOrder', 'purchaseOrder'],
  );
});

test('debits wait, settle, fail at once or late; holds are captured or released', async () => {
  const opening = await open({ seed: 3 });
  const { simulated } = opening;
  const plain = { ...order, invoiceNumber: 'INV-2' };
  const settled = simulated.begin?.(plain, at(0)) ?? '';
  simulated.settle?.(settled, at(1));
  const ends = new Set<string>();
  for (let minute = 2; minute < 14; minute += 2) {
    simulated.takeNotices();
    simulated.fail?.(simulated.begin?.(plain, at(minute)) ?? '', at(minute + 1));
    ends.add((await told(simulated.takeNotices(), opening)).join(', '));
  }
  assert.deepEqual(
    [...ends].sort((one, other) => one.length - other.length),
    [
      'payment.pending 125050 USD, payment.failed 125050 USD',
      'payment.pending 125050 USD, payment.succeeded 125050 USD, payment.failed 125050 USD',
    ],
  );
  const held = simulated.authorize?.(order, at(20)) ?? '';
  const released = simulated.authorize?.(order, at(21)) ?? '';
  simulated.capture?.(held, at(22));
  simulated.void?.(released, at(23));
  assert.deepEqual(await told(simulated.takeNotices(), opening), [
    'payment.authorized 125050 USD',
    'payment.authorized 125050 USD',
    'payment.succeeded 125050 USD',
    'payment.voided 125050 USD',
  ]);
  const named = (await pullAll(opening)).flatMap(({ links }) => links.insteadOf ?? []);
  assert.deepEqual(new Set(named), new Set([held]));
  assert.ok(simulated.truth().every(({ externalId }) => externalId !== held));
  assert.throws(() => simulated.settle?.(settled, at(30)), RangeError);
});

test('money goes back by refunds, chargebacks and removals, and some of it returns', async () => {
  const opening = await open({ seed: 7 });
  const { simulated } = opening;
  const ids = [0, 1, 2, 3].map((minute) => simulated.pay(order, at(minute)));
  const { invoiceNumber: _, ...noted } = order;
  const byHand = simulated.pay(noted, at(4));
  simulated.takeNotices();
  const [first, second, third, fourth] = ids as [string, string, string, string];
  simulated.refund?.(first, 5000n, at(10));
  const refund = simulated.refund?.(first, 25000n, at(11)) ?? '';
  simulated.failRefund?.(refund, at(12));
  const won = simulated.dispute?.(second, at(20)) ?? '';
  simulated.dispute?.(third, at(21));
  simulated.closeDispute?.(won, 'won', at(30));
  simulated.void?.(fourth, at(31));
  simulated.void?.(byHand, at(32));
  assert.deepEqual(await told(simulated.takeNotices(), opening), [
    'refund.succeeded 5000 USD',
    'refund.succeeded 25000 USD',
    'dispute.opened 125050 USD',
    'dispute.opened 125050 USD',
    'dispute.won 125050 USD',
    'payment.voided 125050 USD',
  ]);
  const lines = (await pullAll(opening)).map(inOneLine);
  assert.ok(lines.includes('refund.failed 25000 USD'), 'which no event tells');
  assert.equal(lines.filter((line) => line === 'payment.voided 125050 USD').length, 2);
  assert.deepEqual(
    simulated.truth().map((one) => [one.status, one.refundedMinor, one.disputedMinor]),
    [
      ['succeeded', 5000n, 0n],
      ['succeeded', 0n, 0n],
      ['succeeded', 0n, 125050n],
      ['voided', 0n, 0n],
      ['voided', 0n, 0n],
    ],
  );
  assert.throws(() => simulated.refund?.(first, 125050n, at(50)), RangeError);
});

test('a site that bills has its invoices and customers read as they stand', async () => {
  const opening = await open({ seed: 11, billsHere: true });
  const { invoiceNumber: _, ...plan } = order;
  for (let minute = 0; minute < 120; minute += 1) opening.simulated.pay(plan, at(minute));
  const events = await pullAll(opening);
  const count = (type: string) => events.filter((one) => one.type === type).length;
  assert.equal(count('payment.succeeded'), 120);
  assert.equal(count('invoice.upserted'), 120);
  assert.ok(count('invoice.voided') > 5);
  assert.equal(count('customer.upserted'), 1);
});

test('the API refuses a wrong key, parameters it does not have, and says what is not there', async () => {
  const { simulated, api, settings } = await open();
  await assert.rejects(apiOf(simulated, 'wrong').request({ path: '/transactions' }), {
    name: 'Reauthorize',
  });
  await assert.rejects(api.request({ path: '/transactions', query: { limit: '101' } }), {
    name: 'Rejected',
  });
  await assert.rejects(api.request({ path: '/transactions', query: { after: '1' } }), {
    name: 'Rejected',
  });
  const gone = await api.request({ path: '/invoices/none', accept: [404] });
  assert.match(String(gone.body), /resource_not_found/);
  assert.match((await chargebee.check?.(api, settings)) ?? '', /^Chargebee site 127/);
});

test('one seed tells one story, however often the API is asked', async () => {
  const [quiet, asked] = [await open({ seed: 21 }), await open({ seed: 21 })];
  const bodies = async ({ simulated, api }: typeof quiet, ask: boolean) => {
    const notices: string[] = [];
    for (let minute = 0; minute < 5; minute += 1) {
      simulated.refund?.(simulated.pay(order, at(minute)), 100n, at(minute));
      if (ask) await api.request({ path: '/transactions' });
      notices.push(...simulated.takeNotices().map((one) => String(one.sign(at(9)).body)));
    }
    return notices;
  };
  assert.deepEqual(await bodies(asked, true), await bodies(quiet, false));
});
