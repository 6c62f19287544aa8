/** Recording payments in a simulated company. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord, PortalApi } from '../contract.ts';
import { Rejected, RetryLater } from '../kit/errors.ts';
import { quickbooks } from './index.ts';
import { connect, fill, NOW, read } from './simulated-connection.ts';

const books = quickbooks.books ?? assert.fail('no books');
const fetchObjects = quickbooks.fetch ?? assert.fail('no fetch');

describe('recording payments', () => {
  const context = (settings: unknown) => ({
    settings,
    idempotencyKey: 'org_1/pay_12/quickbooks',
    notes: memoryNotes(),
  });
  const ours = (customer: string, invoice: string): PaymentToRecord => ({
    paymentId: 'pay_12',
    from: { portal: 'stripe', externalId: 'pi_12' },
    mark: 'CV-ab12cd-pay_12',
    customerExternalId: customer,
    amountMinor: 6510n,
    currency: 'USD',
    receivedOn: '2026-10-14',
    method: 'card',
    memo: "Stripe payment for WO-20881, Bob's compressor",
    invoices: [{ externalId: invoice, amountMinor: 5500n }],
  });

  test('is written once, exactly, and its echo carries the mark', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const create = calls.find(({ method }) => method === 'POST');
    assert.match(JSON.stringify(create?.json), /"TotalAmt":65\.10,.*"Amount":55\.00/);
    assert.ok(String(create?.query?.requestid).length <= 50);
    const again = await books.recordPayment(api, payment, context(settings));
    assert.deepEqual(again, { externalId });
    assert.deepEqual(company.recordedPayments(), [
      {
        externalId,
        reference: 'CV-ab12cd-pay_12',
        customerExternalId: customer,
        amountMinor: 6510n,
        currency: 'USD',
      },
    ]);
    assert.deepEqual(company.truth(), [], 'our own record is no new money');
    const [echo] = await fetchObjects(api, [{ entity: 'Payment', id: externalId }], settings);
    const [event] = read(echo?.body ?? Buffer.alloc(0), settings).events;
    assert.ok(event?.references.some(({ text }) => text === 'CV-ab12cd-pay_12'));
  });

  test('money of Intuit Payments names its transaction, by which QuickBooks finds the deposit', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const from = { portal: 'intuit-payments', externalId: 'EZXGXZQXGXCF' };
    const payment = { ...ours(customer, invoice), from };
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    assert.partialDeepStrictEqual(calls.find(({ method }) => method === 'POST')?.json, {
      PaymentRefNum: 'CV-ab12cd-pay_12',
      TxnSource: 'IntuitPayment',
      CreditCardPayment: {
        CreditChargeInfo: { ProcessPayment: true },
        CreditChargeResponse: { CCTransId: 'EZXGXZQXGXCF' },
      },
    });
    const [echo] = await fetchObjects(api, [{ entity: 'Payment', id: externalId }], settings);
    const [event] = read(echo?.body ?? Buffer.alloc(0), settings).events;
    assert.deepEqual(event?.links, {
      paymentExternalId: 'EZXGXZQXGXCF',
      elsewhere: [{ portal: 'intuit-payments', externalId: 'EZXGXZQXGXCF' }],
    });
    assert.ok(event?.references.some(({ text }) => text === payment.mark));
    const plain = { ...ours(customer, invoice), paymentId: 'pay_13', mark: 'CV-ab12cd-pay_13' };
    await books.recordPayment(api, plain, { ...context(settings), idempotencyKey: 'pay_13' });
    assert.ok(!JSON.stringify(calls.at(-2)?.json).includes('CreditCardPayment'), 'of Stripe');
  });

  test('what QuickBooks recorded of its own charge is the record', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const from = { portal: 'intuit-payments', externalId: 'EZXGXZQXGXCF' };
    const order = {
      amountMinor: 6510n,
      currency: 'USD',
      customer: { externalId: customer, name: "O'Brien & Sons", email: 'ap@ob.example' },
      invoiceNumber: '1016',
    };
    const shown = company.show({ ...from, order }, NOW);
    const payment = {
      ...ours(customer, invoice),
      from,
      invoices: [{ externalId: invoice, amountMinor: 6510n }],
    };
    const recorded = await books.recordPayment(api, payment, context(settings));
    assert.deepEqual(recorded, { externalId: shown });
    assert.ok(!calls.some(({ method }) => method === 'POST'));
    const other = { ...payment, amountMinor: 6500n };
    await assert.rejects(
      books.recordPayment(api, other, context(settings)),
      /TotalAmt is 65\.10, not 65\.00/,
    );
    company.void(shown, NOW);
    const again = await books.recordPayment(api, payment, context(settings));
    assert.notDeepEqual(again, recorded, 'a voided record holds no money');
  });

  test('is taken back by voiding it, once, however often that is asked', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const reverse = books.reversePayment ?? assert.fail('no reversal');
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(settings),
    );
    const record = { externalId, mark: 'CV-ab12cd-pay_12' };
    const reversing = {
      settings,
      idempotencyKey: 'org_1/pay_12/quickbooks/reversed',
      notes: memoryNotes(),
    };
    for (let time = 0; time < 2; time += 1) await reverse(api, record, reversing);
    assert.equal(calls.filter(({ query }) => query?.operation === 'update').length, 1);
    const [voided] = await fetchObjects(api, [{ entity: 'Payment', id: externalId }], settings);
    const [event] = read(voided?.body ?? Buffer.alloc(0), settings).events;
    assert.equal(event?.type, 'payment.voided');
    await reverse(api, { ...record, externalId: '999999' }, reversing);
  });

  test('an answer lost on its way does not pay twice', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const lossy: PortalApi = {
      async request(call) {
        const answer = await api.request(call);
        if (call.method === 'POST') throw new RetryLater('broke off');
        return answer;
      },
    };
    await assert.rejects(books.recordPayment(lossy, payment, context(settings)), RetryLater);
    await books.recordPayment(api, payment, context(settings));
    assert.equal(company.recordedPayments().length, 1);
    // Even when the search finds nothing yet, the request id replays the first answer.
    const blind: PortalApi = {
      request: async (call) =>
        call.path.endsWith('/query')
          ? { status: 200, headers: {}, body: Buffer.from('{"QueryResponse":{}}') }
          : api.request(call),
    };
    await books.recordPayment(blind, payment, context(settings));
    assert.equal(company.recordedPayments().length, 1);
  });

  test('a difference is named: amount, share, customer', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const other = company.addCustomer({ name: 'Other', email: 'o@o.example' }, NOW);
    const payment = ours(customer, invoice);
    await books.recordPayment(api, payment, context(settings));
    const changes: readonly (readonly [Partial<PaymentToRecord>, RegExp])[] = [
      [{ amountMinor: 6511n }, /TotalAmt is 65\.10, not 65\.11/],
      [{ currency: 'CAD' }, /CurrencyRef is USD, not CAD/],
      [{ customerExternalId: other }, /CustomerRef is/],
      [{ invoices: [] }, /it pays 5500 to invoice \d+, not no invoice/],
    ];
    for (const [change, message] of changes) {
      await assert.rejects(
        books.recordPayment(api, { ...payment, ...change }, context(settings)),
        message,
      );
    }
    assert.equal(company.recordedPayments().length, 1);
  });

  test('a refusal by QuickBooks is a refusal', async () => {
    await using connection = await connect();
    const { settings, api } = connection;
    await assert.rejects(
      books.recordPayment(api, ours('404', '404'), context(settings)),
      (error) => error instanceof Rejected && /CustomerRef/.test(error.body),
    );
  });
});
