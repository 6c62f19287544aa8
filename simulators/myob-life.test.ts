/** The life of one payment at a simulated company file, with what goes wrong on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PaymentToRecord } from '../src/portals/contract.ts';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { myob } from '../src/portals/myob/index.ts';
import { connect, fill, minutes, pullRound } from '../src/portals/myob/simulated-connection.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';

test('connected, pulled, recorded once though the answer was lost, read back, token expired', async () => {
  let losing = true;
  await using connection = await connect({
    meddle: async (call, send) => {
      const answer = await send();
      if (call.method !== 'POST' || !losing) return answer;
      losing = false;
      throw new RetryLater('the answer was lost on its way');
    },
  });
  const { file, api, settings } = connection;
  const { books } = myob;
  assert.ok(books);
  const { customer, invoice } = fill(file);
  const first = await pullRound(connection, { at: minutes(5) });
  const known = first.events.find(({ type }) => type === 'invoice.upserted');
  assert.equal(known?.invoice?.externalId, invoice);
  assert.equal(known?.invoice?.workOrder, 'WO-20881');
  const payment: PaymentToRecord = {
    paymentId: 'pay_7',
    from: { portal: 'stripe', externalId: 'pi_7' },
    mark: 'CV-ab12cd-pay_7',
    customerExternalId: customer,
    amountMinor: 123910n,
    currency: 'USD',
    receivedOn: '2026-10-14',
    method: 'card',
    memo: 'Stripe',
    invoices: [{ externalId: invoice, amountMinor: 123910n }],
  };
  const context = { settings, idempotencyKey: 'org_1/pay_7/myob', notes: memoryNotes() };
  await assert.rejects(books.recordPayment(api, payment, context), RetryLater);
  file.expireAccessTokens?.();
  const { externalId } = await books.recordPayment(api, payment, context);
  assert.deepEqual(
    file.recordedPayments().map((one) => one.externalId),
    [externalId],
  );
  const second = await pullRound(connection, { ...first, at: minutes(10) });
  const echo = second.events.find((one) => one.type === 'payment.succeeded');
  assert.equal(echo?.externalPaymentId, externalId);
  assert.ok(echo?.references.some(({ text }) => text?.includes(payment.mark)));
  await books.reversePayment?.(api, { externalId, mark: payment.mark }, context);
  const third = await pullRound(connection, { ...second, at: minutes(15) });
  assert.deepEqual(
    third.events.map(({ type, externalPaymentId }) => [type, externalPaymentId]),
    [['payment.voided', externalId]],
  );
});
