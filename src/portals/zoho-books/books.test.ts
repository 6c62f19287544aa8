/** Recording payments in a simulated organization. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { zohoBooks } from './index.ts';
import { type Connection, connect, fill, minutes, NOW, pullRound } from './simulated-connection.ts';

const books = zohoBooks.books ?? assert.fail('no books');
const SAMPLE = JSON.parse(
  readFileSync(new URL('fixtures/create-payment-request.json', import.meta.url), 'utf8'),
);
const MARK = 'CV-ab12cd-pay_12';

const ours = (customer: string, invoice: string, amountMinor = 50_000n): PaymentToRecord => ({
  paymentId: 'pay_12',
  mark: MARK,
  customerExternalId: customer,
  from: { portal: 'stripe', externalId: 'pi_12' },
  amountMinor,
  currency: 'USD',
  receivedOn: '2026-10-14',
  method: 'card',
  memo: 'stripe pi_12',
  invoices: [{ externalId: invoice, amountMinor }],
});
const context = (settings: unknown) => ({
  settings,
  idempotencyKey: MARK,
  notes: memoryNotes(),
});
const record = ({ api, settings }: Connection, payment: PaymentToRecord) =>
  books.recordPayment(api, payment, context(settings));
const reverse = ({ api, settings }: Connection, externalId: string) =>
  books.reversePayment?.(api, { externalId, mark: MARK }, context(settings));
const writes = ({ calls }: Connection) => calls.filter(({ method = 'GET' }) => method !== 'GET');

describe('recording payments', () => {
  test('by the documented fields, with the mark as its number, and its echo is recognised', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const { externalId } = await record(connection, ours(customer, invoice));
    const [call] = writes(connection);
    const sent = JSON.parse(JSON.stringify(call?.json));
    const unknown = Object.keys(sent).filter((field) => !(field in SAMPLE));
    assert.deepEqual(unknown, []);
    assert.deepEqual(sent, {
      customer_id: customer,
      payment_mode: 'creditcard',
      amount: 500,
      date: '2026-10-14',
      reference_number: MARK,
      description: 'stripe pi_12',
      invoices: [{ invoice_id: invoice, amount_applied: 500 }],
    });
    const { events } = await pullRound(connection, { at: minutes(5) });
    const echo = events.find((event) => event.externalPaymentId === externalId);
    const marks = (echo?.references ?? []).map(({ text }) => findOwnMark(text ?? '')?.paymentId);
    assert.ok(marks.includes('pay_12'));
  });

  for (const uniqueField of [undefined, 'cf_external_payment_id']) {
    test(`once, though every answer was lost (${uniqueField ?? 'without a unique field'})`, async () => {
      let losing = 2;
      await using connection = await connect({
        change: uniqueField === undefined ? {} : { uniqueField },
        meddle: async (call, send) => {
          const answer = await send();
          if ((call.method ?? 'GET') === 'GET' || losing === 0) return answer;
          losing -= 1;
          throw new RetryLater('the answer was lost');
        },
      });
      const { organization } = connection;
      const { customer, invoice } = fill(organization);
      const payment = ours(customer, invoice);
      await assert.rejects(record(connection, payment), RetryLater);
      organization.expireAccessTokens?.();
      const first = await record(connection, payment);
      assert.deepEqual(await record(connection, payment), first);
      assert.equal(organization.recordedPayments().length, 1);
      assert.equal(writes(connection).length, 1, 'it was found by its mark');
    });
  }

  test('once by a unique field even where the list does not show it yet', async () => {
    await using connection = await connect({
      change: { uniqueField: 'cf_external_payment_id' },
      meddle: async (call, send) => {
        if (!call.query?.reference_number) return send();
        const body = { code: 0, customerpayments: [], page_context: { has_more_page: false } };
        return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) };
      },
    });
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const first = await record(connection, ours(customer, invoice));
    assert.deepEqual(await record(connection, ours(customer, invoice)), first);
    assert.equal(organization.recordedPayments().length, 1);
    const [{ headers } = {}] = writes(connection);
    assert.deepEqual(headers, {
      'X-Unique-Identifier-Key': 'cf_external_payment_id',
      'X-Unique-Identifier-Value': MARK,
      'X-Upsert': 'true',
    });
  });

  test('into the account that the firm chose, with what pays no invoice left as credit', async () => {
    const accountId = '460000000000361';
    await using connection = await connect({ change: { accountId } });
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const payment = { ...ours(customer, invoice), amountMinor: 60_000n };
    const { externalId } = await record(connection, payment);
    assert.equal(organization.accounts().get(externalId), accountId);
    assert.equal(organization.recordedPayments()[0]?.amountMinor, 60_000n);
  });

  test('what Zoho holds otherwise than we meant is named', async () => {
    await using connection = await connect();
    const { customer, invoice } = fill(connection.organization);
    await record(connection, ours(customer, invoice));
    const differs = (change: Partial<PaymentToRecord>, because: RegExp) =>
      assert.rejects(record(connection, { ...ours(customer, invoice), ...change }), (error) => {
        assert.ok(error instanceof WireMismatch);
        assert.match(error.message, because);
        return true;
      });
    await differs({ amountMinor: 50_001n }, /amount is 500\.00, not 500\.01/);
    await differs({ currency: 'EUR' }, /currency_code is USD, not EUR/);
    await differs({ customerExternalId: '1' }, /customer_id is \d+, not 1/);
    await differs({ invoices: [] }, /it pays 50000 to invoice \d+, not no invoice/);
  });

  test('two payments with one mark are for a person', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    for (let time = 0; time < 2; time += 1) {
      const entered = { customerExternalId: customer, currency: 'USD', method: 'Check' };
      const invoices = [{ externalId: invoice, amountMinor: 100n }];
      organization.enterPayment({ ...entered, amountMinor: 100n, reference: MARK, invoices }, NOW);
    }
    await assert.rejects(record(connection, ours(customer, invoice)), /all carry CV-ab12cd-pay_12/);
  });

  test('what Zoho refuses is said in its words, and nothing is recorded', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const refused = (payment: PaymentToRecord, because: RegExp) =>
      assert.rejects(record(connection, payment), (error) => {
        assert.ok(error instanceof Rejected);
        assert.match(error.message, because);
        return true;
      });
    await refused(ours(customer, invoice, 123_911n), /24016.*more than the balance due/);
    await refused(ours('1', invoice), /does not exist in Zoho Books/);
    assert.deepEqual(organization.recordedPayments(), []);
  });

  for (const [method, mode] of [
    ['phone', 'creditcard'],
    ['ach', 'banktransfer'],
    ['check', 'check'],
    ['wallet', 'others'],
    [null, 'others'],
  ] as const) {
    test(`paid by ${method} is recorded as ${mode}`, async () => {
      await using connection = await connect();
      const { customer, invoice } = fill(connection.organization);
      await record(connection, { ...ours(customer, invoice), method });
      const [sent] = writes(connection).map(({ json }) => json as { payment_mode: string });
      assert.equal(sent?.payment_mode, mode);
    });
  }
});

describe('taking back', () => {
  test('deletes what was recorded, and what is gone is taken back', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const { externalId } = await record(connection, ours(customer, invoice));
    for (let time = 0; time < 2; time += 1) await reverse(connection, externalId);
    assert.deepEqual(organization.recordedPayments(), []);
  });

  test('is refused by Zoho once money of it went back there', async () => {
    await using connection = await connect();
    const { organization } = connection;
    const { customer, invoice } = fill(organization);
    const { externalId } = await record(connection, ours(customer, invoice));
    organization.refund(externalId, 100n, NOW);
    await assert.rejects(async () => reverse(connection, externalId), Rejected);
    assert.equal(organization.recordedPayments().length, 1);
  });
});
