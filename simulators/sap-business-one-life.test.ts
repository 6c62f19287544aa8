/** The life of one payment at a simulated company, with what goes wrong on the way; and what the simulator refuses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PaymentToRecord } from '../src/portals/contract.ts';
import { Rejected, RetryLater } from '../src/portals/kit/errors.ts';
import { sapBusinessOne } from '../src/portals/sap-business-one/index.ts';
import {
  connect,
  fill,
  minutes,
  moneyIn,
  pullRound,
} from '../src/portals/sap-business-one/simulated-connection.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';

for (const version of ['v2', 'v1'] as const) {
  test(`connected, pulled, recorded once though the answer was lost, read back, taken back (${version})`, async () => {
    let losing = true;
    await using connection = await connect({
      version,
      syncIdField: version === 'v2',
      meddle: async (call, send) => {
        const answer = await send();
        if (call.method !== 'POST' || !losing) return answer;
        losing = false;
        throw new RetryLater('the answer was lost on its way');
      },
    });
    const { company, api, settings } = connection;
    const { books } = sapBusinessOne;
    assert.ok(books);
    const { customer, invoice } = fill(company);
    const first = await pullRound(connection, { at: minutes(5) });
    const known = first.events.find(({ type }) => type === 'invoice.upserted');
    assert.equal(known?.invoice?.externalId, invoice);
    assert.equal(known?.invoice?.number, 'INV-1016');
    assert.equal(known?.invoice?.workOrder, 'WO-20881');
    const payment: PaymentToRecord = {
      paymentId: 'pay_7',
      from: { portal: 'stripe', externalId: 'pi_7' },
      mark: 'CV-ab12cd-pay_7',
      customerExternalId: customer,
      amountMinor: 123_910n,
      currency: 'USD',
      receivedOn: '2026-10-14',
      method: 'card',
      memo: 'Stripe',
      invoices: [{ externalId: invoice, amountMinor: 123_910n }],
    };
    const context = { settings, idempotencyKey: payment.mark, notes: memoryNotes() };
    await assert.rejects(books.recordPayment(api, payment, context), RetryLater);
    company.expireAccessTokens();
    const { externalId } = await books.recordPayment(api, payment, context);
    assert.deepEqual(
      company.recordedPayments().map((one) => one.externalId),
      [externalId],
    );
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    const echo = second.events.find((one) => one.type === 'payment.succeeded');
    assert.equal(echo?.externalPaymentId, externalId);
    assert.ok(echo?.references.some(({ text }) => text?.includes(payment.mark)));
    await books.reversePayment?.(api, { externalId, mark: payment.mark }, context);
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(moneyIn(third.events), [`payment.voided ${externalId}`]);
  });
}

describe('the simulator is as strict as the Service Layer', () => {
  const refusedFor = async (path: string, words: RegExp, version: 'v1' | 'v2' = 'v2') => {
    await using connection = await connect({ version });
    fill(connection.company);
    await assert.rejects(
      connection.api.request({ path }),
      (error) => error instanceof Rejected && words.test(error.body),
      path,
    );
  };

  test('payments have no day of change, and nothing has a property that it has not', async () => {
    const day = "ge%20'2026-10-14'";
    await refusedFor(`IncomingPayments?$filter=UpdateDate%20${day}`, /'UpdateDate' of 'Payment'/);
    await refusedFor(`IncomingPayments?$filter=CreationDate%20${day}`, /'CreationDate' of/);
    await refusedFor('IncomingPayments?$select=DocTotal', /'DocTotal' of 'Payment'/);
    await refusedFor('Invoices?$orderby=CardNo', /'CardNo' of 'Document'/);
    await refusedFor(`BusinessPartners?$filter=CreateDate%20${day}`, /'CreateDate' of/, 'v1');
  });

  test('enumerations and days stand in quotes, numbers do not', async () => {
    await refusedFor('IncomingPayments?$filter=Cancelled%20eq%20tYES', /Invalid filter/);
    await refusedFor("IncomingPayments?$filter=DocEntry%20eq%20'1204'", /Invalid filter/);
    await refusedFor('Invoices?$filter=UpdateDate%20ge%202026-10-14', /Invalid filter/, 'v1');
    await refusedFor('Invoices?$filter=DocEntry%20gt', /Invalid filter/);
    await refusedFor('Invoices?$filter=DocEntry+gt+1', /plus sign/);
    await refusedFor('Invoices?$expand=Lines', /\$expand/);
  });

  test('errors have the shape of their version', async () => {
    await refusedFor('Invoices?$select=X', /"code":"-1000","message":"Property/);
    await refusedFor('Invoices?$select=X', /"code":-1000,"message":\{"lang":"en-us"/, 'v1');
    await refusedFor('Invoices(1)', /-2028/);
  });
});
