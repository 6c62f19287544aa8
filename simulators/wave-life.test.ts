/** The life of one payment in books that are Wave's, with everything that gets lost on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { wave } from '../src/portals/wave/index.ts';
import { connect, ours } from '../src/portals/wave/simulated-connection.ts';
import { fillBooks } from '../test/support/simulated-books.ts';

test('connected, pulled, recorded once though the answer was lost, token expired, cheque told apart', async () => {
  let losing = true;
  await using connection = await connect({
    credentials: 'client',
    listsPayments: true,
    meddle: async (call, send) => {
      const answer = await send();
      if (!losing || !JSON.stringify(call.json).includes('invoicePaymentCreateManual('))
        return answer;
      losing = false;
      throw new RetryLater('the answer was lost');
    },
  });
  const { business, api, settings, record, pull, clock } = connection;
  assert.match(
    (await wave.check?.(api, settings)) ?? '',
    /^Wave business Simulated Air Service, USD/,
  );
  const { customer, invoice } = fillBooks(business, { at: clock.now() });
  assert.deepEqual(await pull(), []);

  clock.pass(5);
  const payment = ours([{ externalId: invoice, amountMinor: 100_000n }]);
  await assert.rejects(record(payment), RetryLater);
  business.expireAccessTokens();
  clock.pass(2);
  assert.deepEqual(await record(payment), { externalId: payment.mark });
  assert.deepEqual(business.recordedPayments(), [
    {
      externalId: 'CV-ab12cd-pay_12',
      reference: 'stripe pi_12; CV-ab12cd-pay_12',
      customerExternalId: customer,
      amountMinor: 100_000n,
      currency: 'USD',
    },
  ]);

  clock.pass(5);
  assert.deepEqual(await pull(), [], 'our own payment is no money');
  const cheque = business.change(invoice, 23_910n, clock.now());
  clock.pass(5);
  assert.deepEqual(await pull(), ['1: 23910 USD']);
  assert.deepEqual(
    business.truth().map(({ externalId, amountMinor }) => [externalId, amountMinor]),
    [[cheque, 23_910n]],
  );
  business.void(cheque, clock.now());
  clock.pass(5);
  assert.deepEqual(await pull(), ['1: voided']);
  assert.equal(wave.books?.reversePayment, undefined, 'Wave lets nobody take it back');
});
