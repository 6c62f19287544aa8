/** Recording payments in a simulated organisation. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord, PortalApi } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { xero } from './index.ts';
import { cheque, connect, fill, minutes, NOW, read } from './simulated-connection.ts';

const books = xero.books ?? assert.fail('no books');
const reverse = books.reversePayment ?? assert.fail('no reversal');
const fetchObjects = xero.fetch ?? assert.fail('no fetch');
const MARK = 'CV-ab12cd-pay_12';
const context = (settings: unknown) => ({
  settings,
  idempotencyKey: 'org_1/pay_12/xero',
  notes: memoryNotes(),
});

const ours = (customer: string, invoice: string): PaymentToRecord => ({
  paymentId: 'pay_12',
  from: { portal: 'stripe', externalId: 'pi_12' },
  mark: MARK,
  customerExternalId: customer,
  amountMinor: 5510n,
  currency: 'USD',
  receivedOn: '2026-10-14',
  method: 'card',
  memo: "Stripe payment for WO-20881, Bob's compressor",
  invoices: [{ externalId: invoice, amountMinor: 5510n }],
});

describe('recording payments', () => {
  test('is written once, exactly, and its echo carries the mark', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer, invoice } = fill(organisation);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const create = calls.find(({ method }) => method === 'PUT');
    assert.match(JSON.stringify(create?.json), /"Code":"090".*"Amount":55\.10,"Reference":"CV-/);
    assert.equal(create?.headers?.['idempotency-key'], 'org_1/pay_12/xero');
    const file = new URL('./fixtures/create-payment-request.json', import.meta.url);
    const [documented] = JSON.parse(readFileSync(file, 'utf8')).Payments;
    const sent = create?.json as { readonly Payments: readonly object[] } | undefined;
    assert.deepEqual(Object.keys(sent?.Payments[0] ?? {}), Object.keys(documented));
    const again = await books.recordPayment(api, payment, context(settings));
    assert.deepEqual(again, { externalId });
    assert.deepEqual(organisation.recordedPayments(), [
      {
        externalId,
        reference: MARK,
        customerExternalId: customer,
        amountMinor: 5510n,
        currency: 'USD',
      },
    ]);
    assert.deepEqual(organisation.truth(), [], 'our own record is no new money');
    const [echo] = await fetchObjects(api, [{ entity: 'Payments', id: externalId }], settings);
    const [event] = read(echo?.body ?? Buffer.alloc(0), settings).events;
    assert.ok(event?.references.some(({ text }) => text === MARK));
  });

  test('of several invoices and more than they ask for: one payment each, and an overpayment', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer, invoice } = fill(organisation);
    const second = fill(organisation, 'INV-1017').invoice;
    const payment = {
      ...ours(customer, invoice),
      amountMinor: 10_000n,
      invoices: [
        { externalId: invoice, amountMinor: 5510n },
        { externalId: second, amountMinor: 3000n },
      ],
    };
    await books.recordPayment(api, payment, context(settings));
    await books.recordPayment(api, payment, context(settings));
    assert.equal(calls.filter(({ method }) => method === 'PUT').length, 2);
    const [record, ...others] = organisation.recordedPayments();
    assert.deepEqual([record?.amountMinor, others.length], [10_000n, 0]);
    const marked = { externalId: record?.externalId ?? '', mark: MARK };
    for (let time = 0; time < 2; time += 1) await reverse(api, marked, context(settings));
    const deletes = calls.filter(({ method }) => method === 'POST').map(({ path }) => path);
    assert.equal(deletes.filter((path) => path.includes('/Payments/')).length, 2);
    assert.equal(deletes.filter((path) => path.includes('/BankTransactions/')).length, 1);
    // Everything is owed again.
    organisation.enterPayment(cheque(customer, invoice, 123_910n), minutes(9));
  });

  test('is taken back by deleting it, once, however often that is asked', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer, invoice } = fill(organisation);
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(settings),
    );
    const record = { externalId, mark: MARK };
    const reversing = {
      settings,
      idempotencyKey: 'org_1/pay_12/xero/reversed',
      notes: memoryNotes(),
    };
    for (let time = 0; time < 2; time += 1) await reverse(api, record, reversing);
    const deletes = calls.filter(({ method }) => method === 'POST');
    assert.deepEqual(
      deletes.map(({ json }) => json),
      [{ Status: 'DELETED' }],
    );
    const [deleted] = await fetchObjects(api, [{ entity: 'Payments', id: externalId }], settings);
    const [event] = read(deleted?.body ?? Buffer.alloc(0), settings).events;
    assert.equal(event?.type, 'payment.voided');
    await reverse(api, { ...record, externalId: 'never-there' }, reversing);
  });

  test('an answer lost on its way does not pay twice', async () => {
    await using connection = await connect();
    const { organisation, settings, api } = connection;
    const { customer, invoice } = fill(organisation);
    const payment = ours(customer, invoice);
    const lossy: PortalApi = {
      async request(call) {
        const answer = await api.request(call);
        if (call.method === 'PUT') throw new RetryLater('broke off');
        return answer;
      },
    };
    await assert.rejects(books.recordPayment(lossy, payment, context(settings)), RetryLater);
    await books.recordPayment(api, payment, context(settings));
    assert.equal(organisation.recordedPayments().length, 1);
    // Even when the search finds nothing yet, the key repeats the first answer.
    const blind: PortalApi = {
      request: async (call) =>
        call.query?.where === undefined
          ? api.request(call)
          : { status: 200, headers: {}, body: Buffer.from('{"Payments":[]}') },
    };
    await books.recordPayment(blind, payment, context(settings));
    assert.equal(organisation.recordedPayments().length, 1);
  });

  test('a difference is named: share, invoice, currency', async () => {
    await using connection = await connect();
    const { organisation, settings, api } = connection;
    const { customer, invoice } = fill(organisation);
    const other = fill(organisation, 'INV-1017').invoice;
    const payment = ours(customer, invoice);
    await books.recordPayment(api, payment, context(settings));
    const shares = (externalId: string, amountMinor: bigint) => ({
      amountMinor,
      invoices: [{ externalId, amountMinor }],
    });
    const recorded = (change: object) =>
      books.recordPayment(
        api,
        { ...payment, ...change },
        { settings, idempotencyKey: 'other', notes: memoryNotes() },
      );
    await assert.rejects(recorded(shares(invoice, 5511n)), /it pays 5510 to invoice .*, not 5511/);
    await assert.rejects(recorded(shares(other, 5510n)), WireMismatch);
    await assert.rejects(recorded({ currency: 'CAD' }), /CurrencyCode is USD, not CAD/);
    const wrong = { mark: 'CV-ab12cd-pay_13', currency: 'CAD' };
    await assert.rejects(recorded(wrong), /is in USD, the payment in CAD/);
    await assert.rejects(recorded({ amountMinor: 1n }), /exceed/);
  });

  test('a refusal is a refusal, as a 400 and inside an answer that says 200', async () => {
    for (const softErrors of [false, true]) {
      await using connection = await connect({ softErrors });
      const { organisation, settings, api } = connection;
      const { customer, invoice } = fill(organisation);
      const payment = ours(customer, invoice);
      const much = {
        amountMinor: 999_999n,
        invoices: [{ externalId: invoice, amountMinor: 999_999n }],
      };
      await assert.rejects(
        books.recordPayment(api, { ...payment, ...much }, context(settings)),
        (error) =>
          error instanceof Rejected && /exceeds the amount outstanding/.test(error.message),
      );
      assert.deepEqual(organisation.recordedPayments(), []);
      const { paymentAccount: _, ...without } = settings as Record<string, unknown>;
      await assert.rejects(books.recordPayment(api, payment, context(without)), /paymentAccount/);
      const nobody = { ...payment, invoices: [{ externalId: 'no-invoice', amountMinor: 5510n }] };
      await assert.rejects(books.recordPayment(api, nobody, context(settings)), /no invoice/);
    }
  });

  test('yen have no decimals, and fils that would not fit are refused', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer } = fill(organisation);
    const invoiceIn = (currency: string) =>
      organisation.addInvoice(
        { number: currency, customerExternalId: customer, amountMinor: 50_000n, currency },
        NOW,
      );
    const record = (currency: string, amountMinor: bigint) => {
      const invoices = [{ externalId: invoiceIn(currency), amountMinor }];
      const mark = `CV-ab12cd-pay_${amountMinor}`;
      const payment = { ...ours(customer, ''), currency, amountMinor, invoices, mark };
      return books.recordPayment(api, payment, {
        settings,
        idempotencyKey: mark,
        notes: memoryNotes(),
      });
    };
    await record('JPY', 12_000n);
    await record('KWD', 46_500n);
    const sent = calls
      .filter(({ method }) => method === 'PUT')
      .map(({ json }) => JSON.stringify(json));
    assert.match(sent[0] ?? '', /"Amount":12000,/);
    assert.match(sent[1] ?? '', /"Amount":46\.50,/);
    await assert.rejects(record('KWD', 46_501n), /two decimals|2 decimals/);
  });
});
