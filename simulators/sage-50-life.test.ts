/** The life of payments at a simulated Sage 50, with what goes wrong on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { sage50 } from '../src/portals/sage-50/index.ts';
import {
  cheque,
  connect,
  fill,
  minutes,
  NOW,
  ours,
  pullRound,
  told,
} from '../src/portals/sage-50/simulated-connection.ts';
import { readBody } from '../test/support/simulated-api.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';

test('by the own bridge: pushed, pulled, recorded once though the answer was lost, paid back', async () => {
  let losing = true;
  await using connection = await connect({
    pushes: true,
    meddle: async (call, send) => {
      const answer = await send();
      if (call.method !== 'POST' || !losing) return answer;
      losing = false;
      throw new RetryLater('the answer was lost on its way');
    },
  });
  const { sage, api, settings } = connection;
  const { books, webhook } = sage50;
  assert.ok(books && webhook);
  const { customer, invoice } = fill(sage);
  const notes = sage.takeNotices().map((notice) => notice.sign(NOW));
  const [pushed] = notes.map(({ headers, body }) => {
    const notice = { headers, body, url: '/', receivedAt: NOW };
    assert.ok(webhook.recognizes(notice));
    assert.equal(webhook.authenticate(notice, settings).verdict, 'authentic');
    return sage50.split(body, headers)[0]?.key;
  });
  const first = await pullRound(connection, { at: minutes(5) });
  assert.ok(first.stored.has(String(pushed)), 'pushed and pulled it is one document');
  const payment = ours(customer, invoice);
  const context = { settings, idempotencyKey: payment.mark, notes: memoryNotes() };
  await assert.rejects(books.recordPayment(api, payment, context), RetryLater);
  const { externalId } = await books.recordPayment(api, payment, context);
  assert.equal(sage.recordedPayments().length, 1);
  const second = await pullRound(connection, { ...first, at: minutes(10) });
  const echo = second.events.find((one) => one.externalPaymentId === externalId);
  assert.ok(echo?.references.some(({ text }) => text === payment.mark));
  const back = { ...context, idempotencyKey: `${payment.mark}-reversed` };
  await books.reversePayment?.(api, { externalId, mark: payment.mark }, back);
  const third = await pullRound(connection, { ...second, at: minutes(15) });
  assert.deepEqual(told(third.events), []);
});

test('a receipt on account, allocated, corrected under another number, and all of it in the export', async () => {
  await using connection = await connect();
  const { sage, settings } = connection;
  const { customer, invoice } = fill(sage);
  const onAccount = sage.enterPayment({ ...cheque(customer, invoice), invoices: [] }, NOW);
  const first = await pullRound(connection, { at: minutes(5) });
  sage.allocate(onAccount, [{ externalId: invoice, amountMinor: 5500n }], minutes(6));
  const second = await pullRound(connection, { ...first, at: minutes(10) });
  const again = second.events.find(({ externalPaymentId }) => externalPaymentId === onAccount);
  assert.equal(again?.amountMinor, 5500n, 'the same payment, once more');
  const corrected = sage.correct(onAccount, 5400n, minutes(11));
  const third = await pullRound(connection, { ...second, at: minutes(15) });
  const id = (externalId: string) => externalId.replace(/^.*:/, '');
  assert.deepEqual([...told(third.events)].sort(), [
    `invoice.upserted ${id(invoice)} 123910`,
    `payment.succeeded ${id(corrected)} 5400`,
    `payment.voided ${id(onAccount)} 5500`,
  ]);
  const body = Buffer.from(sage.exportFile());
  const exported = readBody({ id: 'sage-50', body, settings }, NOW).events;
  const pulled = [...first.events, ...second.events, ...third.events];
  for (const event of exported.filter(({ type }) => type !== 'customer.upserted')) {
    const same = pulled.find(({ eventId }) => eventId === event.eventId);
    assert.equal(same?.amountMinor, event.amountMinor, event.eventId);
    assert.equal(same?.occurredAt, event.occurredAt, event.eventId);
  }
});

test('by the US edition’s files: exported, exported again, paid by an import of ours', async () => {
  await using connection = await connect({ edition: 'us', bridge: 'none' });
  const { sage, settings } = connection;
  const { books } = sage50;
  assert.ok(books);
  const { customer, invoice } = fill(sage);
  const paid = sage.enterPayment(cheque(customer, invoice), NOW);
  const keysOf = (file: string) => sage50.split(Buffer.from(file), {}).map(({ key }) => key);
  const [known] = keysOf(sage.exportFile());
  const entry = { entry: 'payment', payment: ours(customer, invoice) } as const;
  const file = books.importFile?.([entry], settings);
  const [imported] = sage.importFile(String(file?.body), minutes(5));
  assert.deepEqual(keysOf(sage.exportFile())[0], known, 'what was exported before is known');
  const body = Buffer.from(sage.exportFile());
  const { events } = readBody({ id: 'sage-50', body, settings }, NOW);
  const money = events.filter(({ type }) => type === 'payment.succeeded');
  assert.deepEqual(
    money.map(({ externalPaymentId }) => externalPaymentId),
    [paid, imported],
  );
  assert.deepEqual(money[0]?.references[0], {
    kind: 'invoice',
    number: '10421',
    amountMinor: 5500n,
  });
  assert.ok(money[1]?.references.some(({ text }) => text === 'CV-ab12cd-pay_12'));
});
