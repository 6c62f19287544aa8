/** Recording payments in a simulated company. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { sapBusinessOne } from './index.ts';
import { connect, fill, minutes, NOW, pullRound } from './simulated-connection.ts';

const books = sapBusinessOne.books ?? assert.fail('no books');
const reverse = books.reversePayment ?? assert.fail('no reversal');

const context = (settings: unknown) => ({
  settings,
  idempotencyKey: 'CV-ab12cd-pay_12',
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
  memo: `stripe pi_12 ${'x'.repeat(300)}`,
  invoices: [{ externalId: invoice, amountMinor: 5510n }],
});

const isRejected = (words: RegExp) => (error: unknown) =>
  error instanceof Rejected && words.test(error.message);

describe('recording', () => {
  test('is the documented request, written once and exactly, and its echo carries the mark', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const { json } = calls.find(({ method }) => method === 'POST') ?? assert.fail('not created');
    const documented = JSON.parse(
      readFileSync(new URL('fixtures/create-payment-request.json', import.meta.url), 'utf8'),
    );
    const { U_SyncId: _, ...fields } = documented;
    const sent = JSON.parse(JSON.stringify(json));
    assert.deepEqual(Object.keys(sent).sort(), [...Object.keys(fields), 'DocCurrency'].sort());
    assert.deepEqual(Object.keys(sent.PaymentInvoices[0]), Object.keys(fields.PaymentInvoices[0]));
    assert.match(JSON.stringify(json), /"TransferSum":55\.10,.*"SumApplied":55\.10,/);
    assert.equal(sent.DocCurrency, '$');
    assert.equal(sent.TransferReference, payment.mark);
    assert.equal(sent.Remarks.length, 254);
    assert.deepEqual(await books.recordPayment(api, payment, context(settings)), { externalId });
    assert.equal(company.recordedPayments().length, 1);
    assert.deepEqual(company.truth(), [], 'our own record is no new money');
    const { events } = await pullRound(connection, { at: minutes(5) });
    const echo = events.find(({ externalPaymentId }) => externalPaymentId === externalId);
    assert.equal(echo?.amountMinor, 5510n);
    const marks = echo?.references.map(({ text }) => findOwnMark(text ?? '')?.paymentId);
    assert.ok(marks?.includes('pay_12'));
  });

  test('is known by U_SyncId where somebody added it, though its reference was overwritten', async () => {
    await using connection = await connect({ syncIdField: true });
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    await books.recordPayment(api, payment, context(settings));
    const [search] = calls;
    assert.match(decodeURIComponent(search?.path ?? ''), /filter=U_SyncId eq 'CV-ab12cd-pay_12'/);
    await books.recordPayment(api, payment, context(settings));
    assert.equal(company.recordedPayments().length, 1);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const texts = events.flatMap(({ references }) => references.map(({ text }) => text));
    assert.equal(texts.filter((text) => text === payment.mark).length, 1, 'said once');
  });

  test('what exceeds the invoices stays on account', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const payment = { ...ours(customer, invoice), amountMinor: 6510n };
    await books.recordPayment(api, payment, context(settings));
    assert.equal(company.recordedPayments()[0]?.amountMinor, 6510n);
    const none = { ...payment, mark: 'CV-ab12cd-pay_13', invoices: [] };
    await books.recordPayment(api, none, context(settings));
    assert.equal(company.recordedPayments().length, 2);
  });

  test('pays down payment invoices, and each invoice in one line', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const deposit = company.addDownPayment(customer, 7000n, NOW);
    const shares = [
      { externalId: invoice, amountMinor: 2000n },
      { externalId: invoice, amountMinor: 510n },
      { externalId: deposit, amountMinor: 3000n },
    ];
    const payment = { ...ours(customer, invoice), invoices: shares };
    await books.recordPayment(api, payment, context(settings));
    const { json } = calls.find(({ method }) => method === 'POST') ?? assert.fail('not created');
    const lines = JSON.parse(JSON.stringify(json)).PaymentInvoices as Record<string, unknown>[];
    assert.deepEqual(
      lines.map(({ InvoiceType, SumApplied }) => [InvoiceType, SumApplied]),
      [
        ['it_Invoice', 25.1],
        ['it_DownPayment', 30],
      ],
    );
    const odd = {
      ...payment,
      mark: 'CV-ab12cd-pay_9',
      invoices: [{ externalId: 'x', amountMinor: 1n }],
    };
    await assert.rejects(books.recordPayment(api, odd, context(settings)), isRejected(/"x" is no/));
  });

  for (const foreignSums of ['document', 'local'] as const) {
    for (const untold of [false, true]) {
      const known = untold ? 'nobody said so' : 'that is known';
      test(`in euros, whose sums are told in the ${foreignSums} currency and ${known}`, async () => {
        await using connection = await connect({ foreignSums, untold });
        const { company, settings, api, calls } = connection;
        const { customer, invoice } = fill(company, 'EUR');
        const payment = { ...ours(customer, invoice), currency: 'EUR', amountMinor: 6510n };
        await books.recordPayment(api, payment, context(settings));
        await books.recordPayment(api, payment, context(settings));
        const create = calls.find(({ method }) => method === 'POST');
        assert.match(JSON.stringify(create?.json), /"DocCurrency":"EUR".*"TransferSum":65\.10,/);
        assert.match(JSON.stringify(create?.json), /"AppliedFC":55\.10,/);
        assert.equal(company.recordedPayments()[0]?.amountMinor, 6510n);
        assert.equal(company.recordedPayments().length, 1);
      });
    }
  }

  test('yen have no decimals, dinars three', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    for (const [currency, digits] of [
      ['JPY', '5510'],
      ['KWD', '5.510'],
    ] as const) {
      calls.length = 0;
      const { customer, invoice } = fill(company, currency);
      const payment = {
        ...ours(customer, invoice),
        currency,
        mark: `CV-ab12cd-pay_${digits.length}`,
      };
      await books.recordPayment(api, payment, context(settings));
      const create = calls.find(({ method }) => method === 'POST');
      assert.ok(JSON.stringify(create?.json).includes(`"AppliedFC":${digits},`));
    }
  });
});

describe('trouble', () => {
  test('an answer that was lost, and a session that ended: still once', async () => {
    let losing = true;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (call.method !== 'POST' || !losing) return answer;
        losing = false;
        throw new RetryLater('the answer was lost on its way');
      },
    });
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const record = () => books.recordPayment(api, ours(customer, invoice), context(settings));
    await assert.rejects(record(), RetryLater);
    company.expireAccessTokens();
    const { externalId } = await record();
    assert.deepEqual(
      company.recordedPayments().map((one) => one.externalId),
      [externalId],
    );
  });

  const differences: readonly [string, Partial<PaymentToRecord>, RegExp][] = [
    ['amount', { amountMinor: 5600n }, /the amount is 55\.10, not 56\.00/],
    ['currency', { currency: 'EUR' }, /the currency is USD, not EUR/],
    ['customer', { customerExternalId: 'C-9999' }, /the customer is C-0042, not C-9999/],
    ['shares', { invoices: [] }, /it pays 5510 to invoice \d+, not no invoice/],
  ];
  for (const [what, change, words] of differences) {
    test(`what is held under the mark differs in its ${what}: nobody is paid twice`, async () => {
      await using connection = await connect();
      const { company, settings, api } = connection;
      const { customer, invoice } = fill(company);
      const payment = ours(customer, invoice);
      await books.recordPayment(api, payment, context(settings));
      await assert.rejects(
        books.recordPayment(api, { ...payment, ...change }, context(settings)),
        (error) => error instanceof WireMismatch && words.test(error.message),
      );
      assert.equal(company.recordedPayments().length, 1);
    });
  }

  test('a refusal says what Business One said', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const amountMinor = 200_000n;
    const invoices = [{ externalId: invoice, amountMinor }];
    const payment = { ...ours(customer, invoice), amountMinor, invoices };
    await assert.rejects(
      books.recordPayment(api, payment, context(settings)),
      isRejected(
        /did not record CV-ab12cd-pay_12: Invoice is already closed or blocked.*\(-5002\)/,
      ),
    );
    const stranger = { ...ours('C-9999', invoice) };
    await assert.rejects(
      books.recordPayment(api, stranger, context(settings)),
      isRejected(/No matching records found/),
    );
    assert.deepEqual(company.recordedPayments(), []);
  });

  test('without an account to put it into nothing is sent', async () => {
    await using connection = await connect({ change: { transferAccount: undefined } });
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    await assert.rejects(
      books.recordPayment(api, ours(customer, invoice), context(settings)),
      isRejected(/enter transferAccount/),
    );
    assert.ok(!calls.some(({ method }) => method === 'POST'));
  });

  test('an approval procedure: said in plain words, one draft however often it is tried', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    company.requireApproval(true);
    const record = () => books.recordPayment(api, ours(customer, invoice), context(settings));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await assert.rejects(record(), isRejected(/awaits approval in Business One/));
    }
    assert.equal(company.drafts(), 1);
    assert.deepEqual(company.recordedPayments(), []);
  });
});

describe('taking back', () => {
  test('cancels, once, however often that is asked, and is not recorded anew', async () => {
    await using connection = await connect();
    const { company, settings, api, calls } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const recorded = { externalId, mark: payment.mark };
    await reverse(api, recorded, context(settings));
    await reverse(api, recorded, context(settings));
    assert.deepEqual(
      company.recordedPayments().map(({ takenBack }) => takenBack),
      [true],
    );
    const cancels = calls.filter(({ path }) => path.endsWith('/Cancel'));
    assert.deepEqual(
      cancels.map(({ path }) => path),
      [`IncomingPayments(${externalId})/Cancel`],
    );
    await reverse(api, { ...recorded, externalId: '999999' }, context(settings));
    await assert.rejects(
      books.recordPayment(api, payment, context(settings)),
      isRejected(/cancelled in Business One/),
    );
  });

  test('what lies in a deposit stays, with the reason', async () => {
    await using connection = await connect();
    const { company, settings, api } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    company.deposit(externalId);
    await assert.rejects(
      reverse(api, { externalId, mark: payment.mark }, context(settings)),
      isRejected(/did not cancel payment \d+: You cannot cancel.*deposited/),
    );
    await assert.rejects(
      reverse(api, { externalId: 'out:3', mark: payment.mark }, context(settings)),
      isRejected(/no DocEntry/),
    );
  });
});
