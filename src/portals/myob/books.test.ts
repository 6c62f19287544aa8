/** Recording payments in a simulated company file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { myob } from './index.ts';
import { connect, fill, minutes, pullRound } from './simulated-connection.ts';

const books = myob.books ?? assert.fail('no books');
const reverse = books.reversePayment ?? assert.fail('no reversal');

describe('recording payments', () => {
  const context = (settings: unknown) => ({
    settings,
    idempotencyKey: 'org_1/pay_12/myob',
    notes: memoryNotes(),
  });
  const ours = (customer: string, invoice: string): PaymentToRecord => ({
    paymentId: 'pay_12',
    from: { portal: 'stripe', externalId: 'pi_12' },
    mark: 'CV-ab12cd-pay_12',
    customerExternalId: customer,
    amountMinor: 5510n,
    currency: 'USD',
    receivedOn: '2026-10-14',
    method: 'card',
    memo: `Stripe payment for WO-20881, Bob's compressor ${'x'.repeat(300)}`,
    invoices: [{ externalId: invoice, amountMinor: 5510n }],
  });

  test('is written once, exactly, and its echo carries the mark', async () => {
    await using connection = await connect();
    const { file, settings, api, calls } = connection;
    const { customer, invoice } = fill(file);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const create = calls.find(({ method }) => method === 'POST');
    const { ReceiptNumber, Date: day, ...json } = (create?.json ?? {}) as Record<string, unknown>;
    assert.match(String(ReceiptNumber), /^CV[0-9A-Z]{11}$/);
    assert.equal(day, '2026-10-14 00:00:00');
    assert.match(JSON.stringify(json), /"DepositTo":"UndepositedFunds".*"AmountApplied":55\.10,/);
    assert.equal(String(json.Memo).length, 255);
    assert.deepEqual(await books.recordPayment(api, payment, context(settings)), { externalId });
    assert.equal(file.recordedPayments().length, 1);
    assert.deepEqual(file.truth(), [], 'our own record is no new money');
    const { events } = await pullRound(connection, { at: minutes(5) });
    const echo = events.find(({ externalPaymentId }) => externalPaymentId === externalId);
    assert.equal(echo?.amountMinor, 5510n);
    const marks = echo?.references.map(({ text }) => findOwnMark(text ?? '')?.paymentId);
    assert.ok(marks?.includes('pay_12'));
  });

  test('in a foreign currency by the foreign amounts', async () => {
    await using connection = await connect();
    const { file, settings, api, calls } = connection;
    const { customer, invoice } = fill(file, 'JPY');
    const payment = { ...ours(customer, invoice), currency: 'JPY' };
    await books.recordPayment(api, payment, context(settings));
    const create = calls.find(({ method }) => method === 'POST');
    assert.match(JSON.stringify(create?.json), /"AmountAppliedForeign":5510,/);
    assert.equal(file.recordedPayments()[0]?.currency, 'JPY');
  });

  test('is refused in plain words where it is more than its invoices', async () => {
    await using connection = await connect();
    const { file, settings, api } = connection;
    const { customer, invoice } = fill(file);
    const payment = { ...ours(customer, invoice), amountMinor: 6510n };
    await assert.rejects(
      books.recordPayment(api, payment, context(settings)),
      (error) => error instanceof Rejected && /10\.00 USD is meant for none/.test(error.message),
    );
    assert.deepEqual(file.recordedPayments(), []);
  });

  test('what MYOB holds under the mark is not what we mean: nobody is paid twice', async () => {
    await using connection = await connect();
    const { file, settings, api } = connection;
    const { customer, invoice } = fill(file);
    const payment = ours(customer, invoice);
    await books.recordPayment(api, payment, context(settings));
    const shares = [{ externalId: invoice, amountMinor: 5500n }];
    const other = { ...payment, amountMinor: 5500n, invoices: shares };
    await assert.rejects(
      books.recordPayment(api, other, context(settings)),
      (error) => error instanceof WireMismatch && /55\.10?, not 55\.00/.test(error.message),
    );
    assert.equal(file.recordedPayments().length, 1);
  });

  test('is taken back by deleting it, once, however often that is asked', async () => {
    await using connection = await connect();
    const { file, settings, api } = connection;
    const { customer, invoice } = fill(file);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const recorded = { externalId, mark: payment.mark };
    await reverse(api, recorded, context(settings));
    await reverse(api, recorded, context(settings));
    assert.deepEqual(file.recordedPayments(), []);
  });
});
