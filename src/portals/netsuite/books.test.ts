/** Recording payments in a simulated account, and taking them back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { addTransaction } from '../../../simulators/netsuite-account.ts';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { ApiCall, PaymentToRecord } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { parseExactJson } from '../kit/wire.ts';
import { netsuite } from './index.ts';
import { connect, fill, minutes, NOW, pullRound } from './simulated-connection.ts';
import { customerPayment } from './wire.ts';

const books = netsuite.books ?? assert.fail('no books');
const reverse = books.reversePayment ?? assert.fail('no reversal');
const context = (settings: unknown) => ({
  settings,
  idempotencyKey: 'org_1/pay_12/netsuite',
  notes: memoryNotes(),
});

function ours(
  customer: string,
  invoice: string,
  more: Partial<PaymentToRecord> = {},
): PaymentToRecord {
  return {
    paymentId: 'pay_12',
    from: { portal: 'stripe', externalId: 'pi_12' },
    mark: 'CV-ab12cd-pay_12',
    customerExternalId: customer,
    amountMinor: 5510n,
    currency: 'USD',
    receivedOn: '2026-11-03',
    method: 'card',
    memo: 'stripe pi_12',
    invoices: [{ externalId: invoice, amountMinor: 5510n }],
    ...more,
  };
}

const written = (calls: readonly ApiCall[]) => calls.filter(({ method }) => method === 'PUT');
const json = (call: ApiCall | undefined) => JSON.parse(JSON.stringify(call?.json ?? null));

describe('recording payments', () => {
  test('is put once under our mark, exactly, and its echo is recognised', async () => {
    await using connection = await connect();
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const [put] = written(calls);
    assert.equal(put?.path, '/services/rest/record/v1/customerPayment/eid:CV-ab12cd-pay_12');
    assert.deepEqual(json(put), {
      externalId: 'CV-ab12cd-pay_12',
      customer: { id: customer },
      currency: { id: '1' },
      tranDate: '2026-11-03',
      payment: 55.1,
      autoApply: false,
      toBeEmailed: false,
      memo: 'stripe pi_12; CV-ab12cd-pay_12',
      apply: { items: [{ doc: { id: invoice }, apply: true, amount: 55.1, line: 0 }] },
    });
    assert.match(JSON.stringify(put?.json), /"payment":55\.10,/, 'as decimal text, never a float');
    assert.deepEqual(await books.recordPayment(api, payment, context(settings)), { externalId });
    assert.equal(written(calls).length, 1);
    assert.deepEqual(
      account.recordedPayments().map((one) => [one.externalId, one.reference]),
      [[externalId, payment.mark]],
    );
    assert.deepEqual(account.truth(), [], 'our own record is no new money');
    const { events } = await pullRound(connection, { at: minutes(5) });
    const echo = events.find(({ externalPaymentId }) => externalPaymentId === externalId);
    assert.equal(echo?.amountMinor, 5510n);
    const marks = echo?.references.map(({ text }) => findOwnMark(text ?? '')?.paymentId);
    assert.ok(marks?.includes('pay_12'));
  });

  test('a mark is told even when somebody edits the memo', async () => {
    await using connection = await connect();
    const { account, settings, api } = connection;
    const { customer, invoice } = fill(account);
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(settings),
    );
    const row = account.account.transactions.get(Number(externalId));
    account.account.transactions.set(Number(externalId), { ...row, memo: 'tidied' } as typeof row &
      object);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const echo = events.find(({ externalPaymentId }) => externalPaymentId === externalId);
    assert.ok(echo?.references.some(({ text }) => text === 'CV-ab12cd-pay_12'));
  });

  test('is there once although every answer was lost on its way', async () => {
    let lost = 0;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (call.method !== 'PUT' && lost > 0) return answer;
        lost += 1;
        throw new RetryLater('the answer was lost');
      },
    });
    const { account, settings, api } = connection;
    const { customer, invoice } = fill(account);
    const payment = ours(customer, invoice);
    let recorded: { readonly externalId: string } | undefined;
    for (let attempt = 0; attempt < 5 && !recorded; attempt += 1) {
      try {
        recorded = await books.recordPayment(api, payment, context(settings));
      } catch (error) {
        assert.ok(error instanceof RetryLater);
      }
    }
    assert.deepEqual(
      account.recordedPayments().map(({ externalId }) => externalId),
      [recorded?.externalId],
    );
    assert.ok(lost >= 2);
  });

  test('what no invoice takes stays unapplied, and pays no other invoice by itself', async () => {
    await using connection = await connect();
    const { account, settings, api } = connection;
    const { customer, invoice } = fill(account);
    account.addInvoice(
      { number: 'INV-2', customerExternalId: customer, amountMinor: 900n, currency: 'USD' },
      NOW,
    );
    const payment = ours(customer, invoice, { amountMinor: 6000n });
    await books.recordPayment(api, payment, context(settings));
    const shares = account.account.links.map(({ amountMinor }) => amountMinor);
    assert.deepEqual(shares, [5510n]);
  });

  test('in currencies of no and of three decimals, to several invoices, into a chosen account', async () => {
    for (const [currency, amount] of [
      ['JPY', '5510'],
      ['KWD', '5.510'],
    ] as const) {
      await using connection = await connect({ change: { depositAccount: '118' } });
      const { account, settings, api, calls } = connection;
      const { customer, invoice } = fill(account, currency);
      const second = account.addInvoice(
        { number: 'INV-2', customerExternalId: customer, amountMinor: 900n, currency },
        NOW,
      );
      const invoices = [
        { externalId: invoice, amountMinor: 4610n },
        { externalId: second, amountMinor: 900n },
      ];
      await books.recordPayment(
        api,
        ours(customer, invoice, { currency, invoices }),
        context(settings),
      );
      const text = JSON.stringify(written(calls)[0]?.json);
      assert.ok(text.includes(`"payment":${amount},`), text);
      assert.ok(text.includes('"account":{"id":"118"}'));
      assert.equal(account.recordedPayments()[0]?.currency, currency);
    }
  });

  test('has every field of the body that Oracle documents, in its shape', async () => {
    await using connection = await connect({ change: { depositAccount: '1' } });
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    await books.recordPayment(api, ours(customer, invoice), context(settings));
    const file = new URL('fixtures/create-payment-request.json', import.meta.url);
    const shapeOf = (value: unknown): unknown => {
      if (Array.isArray(value)) return [shapeOf(value[0])];
      if (typeof value !== 'object' || value === null) return typeof value;
      return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, shapeOf(of)]));
    };
    const { externalId, autoApply, ...documented } = json(written(calls)[0]);
    assert.deepEqual(shapeOf(documented), shapeOf(JSON.parse(readFileSync(file, 'utf8'))));
    assert.deepEqual([externalId, autoApply], ['CV-ab12cd-pay_12', false]);
  });

  test('a long memo gives way to the mark', async () => {
    await using connection = await connect();
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    const memo = 'x'.repeat(2000);
    await books.recordPayment(api, ours(customer, invoice, { memo }), context(settings));
    const kept = String(json(written(calls)[0]).memo);
    assert.equal(kept.length, 999);
    assert.ok(kept.endsWith('; CV-ab12cd-pay_12'));
  });

  test('what NetSuite holds under the mark is not what we mean: nobody is paid twice', async () => {
    await using connection = await connect();
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    const other = account.addCustomer({ name: 'Other', email: 'o@x.example' }, NOW);
    await books.recordPayment(api, ours(customer, invoice), context(settings));
    const differences: readonly (readonly [Partial<PaymentToRecord>, RegExp])[] = [
      [{ amountMinor: 5500n }, /the amount is 55\.10?, not 55\.00/],
      [{ currency: 'EUR' }, /the currency has the id 1, not 2 \(EUR\)/],
      [{ customerExternalId: other }, new RegExp(`the customer is ${customer}, not ${other}`)],
      [{ invoices: [{ externalId: invoice, amountMinor: 5000n }] }, /it pays 5510 to invoice/],
      [{ invoices: [] }, /not no invoice/],
    ];
    for (const [change, words] of differences) {
      await assert.rejects(
        books.recordPayment(api, ours(customer, invoice, change), context(settings)),
        (error) => error instanceof WireMismatch && words.test(error.message),
      );
    }
    assert.equal(written(calls).length, 1);
  });

  test('what NetSuite refuses is said with its words, and nothing is left behind', async () => {
    await using connection = await connect();
    const { account, settings, api } = connection;
    const { customer, invoice } = fill(account);
    const refused: readonly (readonly [Partial<PaymentToRecord>, RegExp])[] = [
      [{ customerExternalId: '999999' }, /Please enter value\(s\) for: Customer/],
      [{ invoices: [{ externalId: '999999', amountMinor: 1n }] }, /Invalid reference key 999999/],
    ];
    for (const [change, words] of refused) {
      await assert.rejects(
        books.recordPayment(api, ours(customer, invoice, change), context(settings)),
        (error) => error instanceof Rejected && words.test(error.body),
      );
    }
    await assert.rejects(
      books.recordPayment(api, ours(customer, invoice, { currency: 'CHF' }), context(settings)),
      /NetSuite has no currency with the symbol CHF/,
    );
    assert.deepEqual(account.recordedPayments(), []);
  });

  test('that nothing stands under the mark yet may be said with either status, and nothing else', async () => {
    let code = 'NONEXISTENT_ID';
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (answer.status !== 404 || call.method !== undefined) return answer;
        const body = Buffer.from(JSON.stringify({ 'o:errorDetails': [{ 'o:errorCode': code }] }));
        return { ...answer, status: 400, body };
      },
    });
    const { account, settings, api } = connection;
    const { customer, invoice } = fill(account);
    await books.recordPayment(api, ours(customer, invoice), context(settings));
    assert.equal(account.recordedPayments().length, 1);
    code = 'USER_ERROR';
    const other = ours(customer, invoice, { mark: 'CV-ab12cd-pay_13' });
    await assert.rejects(books.recordPayment(api, other, context(settings)), Rejected);
    assert.equal(account.recordedPayments().length, 1);
  });

  test('an account without Multiple Currencies is sent none, and takes no other', async () => {
    await using connection = await connect({ habits: { singleCurrency: 'USD' } });
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    await books.recordPayment(api, ours(customer, invoice), context(settings));
    assert.ok(!('currency' in json(written(calls)[0])));
    const eur = ours(customer, invoice, { currency: 'EUR', mark: 'CV-ab12cd-pay_13' });
    await assert.rejects(
      books.recordPayment(api, eur, context(settings)),
      /keeps USD alone, not EUR/,
    );
  });

  test('a record as NetSuite documents it is read, shares and all', () => {
    const file = new URL('fixtures/api-customer-payment.json', import.meta.url);
    const record = customerPayment.parse(parseExactJson(readFileSync(file)));
    assert.equal(record.payment, '452.5');
    assert.deepEqual(
      record.apply?.items.map(({ apply, amount, doc }) => [apply, amount, doc?.id]),
      [
        [true, '400.0', '5790'],
        [true, '52.5', '5791'],
      ],
    );
  });
});

describe('taking a recorded payment back', () => {
  test('deletes it, once, however often that is asked, and its invoice is open again', async () => {
    await using connection = await connect();
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    const recorded = { externalId, mark: payment.mark };
    await reverse(api, recorded, context(settings));
    await reverse(api, recorded, context(settings));
    assert.deepEqual(account.recordedPayments(), []);
    assert.deepEqual(account.account.links, []);
    assert.equal(calls.filter(({ method }) => method === 'DELETE').length, 1);
  });

  test('what was voided there already is taken back', async () => {
    await using connection = await connect();
    const { account, settings, api, calls } = connection;
    const { customer, invoice } = fill(account);
    const payment = ours(customer, invoice);
    const { externalId } = await books.recordPayment(api, payment, context(settings));
    account.void(externalId, minutes(1));
    await reverse(api, { externalId, mark: payment.mark }, context(settings));
    assert.ok(calls.every(({ method }) => method !== 'DELETE'));
  });

  test('in a closed period, or once it was brought to the bank, a person is told what to do', async () => {
    for (const hinder of ['period', 'bank'] as const) {
      await using connection = await connect();
      const { account, settings, api } = connection;
      const { customer, invoice } = fill(account);
      const payment = ours(customer, invoice);
      const { externalId } = await books.recordPayment(api, payment, context(settings));
      const row = account.account.transactions.get(Number(externalId));
      assert.ok(row);
      if (hinder === 'bank') row.status = 'C';
      else account.account.openFrom = '2026-12-01';
      await assert.rejects(
        reverse(api, { externalId, mark: payment.mark }, context(settings)),
        (error) =>
          error instanceof Rejected &&
          /closed period|linked to by a Deposit/.test(error.message) &&
          /Open the period .* or void the payment in NetSuite: open it, Actions > Void/.test(
            error.message,
          ),
      );
      assert.equal(account.recordedPayments().length, 1);
    }
  });

  test('an id that is none is never part of a query', async () => {
    await using connection = await connect();
    const { settings, api, calls, account } = connection;
    addTransaction(
      account.account,
      { type: 'CustInvc', entity: null, amountMinor: 1n, currency: 'USD', status: 'A' },
      NOW,
    );
    await assert.rejects(
      reverse(api, { externalId: '1) OR (1=1', mark: 'CV-ab12cd-pay_12' }, context(settings)),
      WireMismatch,
    );
    assert.equal(calls.length, 0);
  });
});
