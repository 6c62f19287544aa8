/** The life of payments at Intuit's simulated processor, in the order in which a firm meets them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connect,
  days,
  fetched,
  type Kept,
  minutes,
  NOW,
  order,
  pullRound,
} from '../src/portals/intuit-payments/simulated-connection.ts';

const told = (events: readonly { type: string; externalPaymentId: string | null }[]) =>
  events.map(({ type, externalPaymentId }) => `${type} ${externalPaymentId}`);

test('an invoice paid by its link: notice, pull, token lost, refunds in part, one payment', async () => {
  await using connection = await connect({ subscribed: 'both' });
  const { processor } = connection;
  const { amountMinor, currency, customer } = order();
  const customerExternalId = customer.externalId;
  processor.addInvoice({ number: 'INV-1016', customerExternalId, amountMinor, currency }, NOW);
  const id = processor.pay(order(), NOW);
  const byNotice = [];
  for (const notice of processor.takeNotices()) {
    byNotice.push(...(await fetched(connection, notice.sign(NOW).body)));
  }
  assert.deepEqual(told(byNotice), [`payment.succeeded ${id}`, `payment.succeeded ${id}`]);
  assert.deepEqual(
    new Set(byNotice.map((event) => `${event.amountMinor} ${event.eventId}`)).size,
    1,
    'by either notice it is the same money',
  );
  processor.expireAccessTokens();
  let kept: Partial<Kept> = {};
  const pulled = await pullRound(connection, { at: minutes(10) });
  kept = pulled;
  assert.deepEqual(told(pulled.events), [`payment.succeeded ${id}`]);
  const [event] = pulled.events;
  assert.equal(event?.references[0]?.number, 'INV-1016');
  assert.ok(
    event?.references.some(({ kind, number }) => kind === 'workOrder' && number === 'WO-20881'),
  );
  processor.refund(id, 20_000n, days(2));
  const second = await pullRound(connection, { ...kept, at: days(2.1) });
  assert.deepEqual(
    second.events
      .filter(({ type }) => type !== 'payment.succeeded')
      .map(({ amountMinor }) => amountMinor),
    [20_000n],
  );
  processor.removeRecord(id, days(3));
  const third = await pullRound(connection, { ...second, at: days(3.5) });
  assert.ok(
    third.events.every(({ type }) => type.endsWith('.succeeded')),
    'the charge stays',
  );
  assert.equal(new Set(third.events.map(({ refundId }) => refundId ?? id)).size, 2);
  assert.equal(processor.truth().length, 1);
});

test('an authorization that is captured in part, and one that is let go', async () => {
  await using connection = await connect({ subscribed: 'created' });
  const { processor } = connection;
  const taken = processor.authorize(order(), NOW);
  const left = processor.authorize(order({ invoiceNumber: 'INV-1017' }), NOW);
  const followed = new Set<string>();
  for (const notice of processor.takeNotices()) {
    for (const event of await fetched(connection, notice.sign(NOW).body)) {
      assert.equal(event.type, 'payment.authorized');
      followed.add(String(event.externalPaymentId));
    }
  }
  const first = await pullRound(connection, { followed, at: minutes(10) });
  processor.capture(taken, minutes(20), 50_000n);
  processor.void(left, minutes(21));
  const second = await pullRound(connection, { ...first, at: minutes(30) });
  assert.deepEqual(
    new Set(told(second.events)),
    new Set([`payment.succeeded ${taken}`, `payment.voided ${left}`]),
  );
  const captured = second.events.find(({ externalPaymentId }) => externalPaymentId === taken);
  assert.equal(captured?.amountMinor, 50_000n);
  assert.equal(captured?.occurredAt, minutes(20).toISOString());
  const third = await pullRound(connection, { ...second, at: days(1.5) });
  assert.ok(!told(third.events).some((one) => one.endsWith(left)), 'what was let go is over');
});

test('a debit that succeeds and is returned, one that is declined, and one that stays', async () => {
  await using connection = await connect({ subscribed: 'accounting' });
  const { processor } = connection;
  const [returned, declined, stays] = ['INV-1', 'INV-2', 'INV-3'].map((invoiceNumber) =>
    processor.begin(order({ invoiceNumber }), NOW),
  ) as [string, string, string];
  const first = await pullRound(connection, { at: minutes(10) });
  assert.equal(first.events.filter(({ type }) => type === 'payment.pending').length, 3);
  processor.settle(returned, days(3));
  processor.settle(stays, days(3));
  processor.fail(declined, days(3));
  const second = await pullRound(connection, { ...first, at: days(3) });
  assert.deepEqual(
    told(second.events).sort(),
    [
      `payment.failed ${declined}`,
      `payment.succeeded ${returned}`,
      `payment.succeeded ${stays}`,
    ].sort(),
  );
  processor.fail(returned, days(13));
  const third = await pullRound(connection, { ...second, at: days(14) });
  assert.deepEqual(told(third.events), [`payment.failed ${returned}`]);
  assert.deepEqual([...third.followed], [stays]);
});

test('a charge undone on its day is voided in the books, and gives nothing back', async () => {
  await using connection = await connect({ subscribed: 'accounting' });
  const { processor } = connection;
  const id = processor.pay(order(), NOW);
  const first = await pullRound(connection, { at: minutes(10) });
  processor.takeNotices();
  processor.void(id, minutes(60));
  const byNotice = [];
  for (const notice of processor.takeNotices()) {
    byNotice.push(...(await fetched(connection, notice.sign(NOW).body)));
  }
  assert.deepEqual(told(byNotice), [`payment.voided ${id}`]);
  const second = await pullRound(connection, { ...first, at: minutes(70) });
  assert.deepEqual(told(second.events), [`payment.voided ${id}`]);
});
