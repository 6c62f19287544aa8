/** Recording payments in a simulated company, by either API. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { ApiCall, PaymentToRecord } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { sageIntacct } from './index.ts';
import { restLedger } from './rest-ledger.ts';
import {
  APIS,
  type Connection,
  connect,
  days,
  fill,
  minutes,
  money,
  NOW,
  pullRound,
} from './simulated-connection.ts';
import type { PaymentToWrite } from './xml-functions.ts';

const books = sageIntacct.books ?? assert.fail('no books');
const reverse = books.reversePayment ?? assert.fail('no reversal');
const MARK = 'CV-ab12cd-pay_12';

const context = (settings: unknown) => ({
  settings,
  idempotencyKey: MARK,
  notes: memoryNotes(),
});
const reversing = (settings: unknown) => ({
  ...context(settings),
  idempotencyKey: `${MARK}-reversed`,
});
const ours = (customer: string, invoice: string, change: Partial<PaymentToRecord> = {}) =>
  ({
    paymentId: 'pay_12',
    from: { portal: 'stripe', externalId: 'pi_12' },
    mark: MARK,
    customerExternalId: customer,
    amountMinor: 5510n,
    currency: 'USD',
    receivedOn: '2026-11-20',
    method: 'card',
    memo: 'stripe pi_12',
    invoices: [{ externalId: invoice, amountMinor: 5510n }],
    ...change,
  }) satisfies PaymentToRecord;

/** Calls that create a payment, by either API. */
const creates = (calls: readonly ApiCall[]) =>
  calls.filter(
    ({ body, json, path }) =>
      /<create[_>]/.test(body?.text ?? '') || (json && path.endsWith('/payment')),
  );
const record = ({ api, settings }: Connection, payment: PaymentToRecord) =>
  books.recordPayment(api, payment, context(settings));

for (const api of APIS) {
  describe(`recording by ${api}`, () => {
    test('is done once, exactly, and its echo carries the mark', async () => {
      await using connection = await connect({ api });
      const { company, calls } = connection;
      const { customer, invoice } = fill(company);
      const payment = ours(customer, invoice);
      const { externalId } = await record(connection, payment);
      assert.deepEqual(await record(connection, payment), { externalId });
      assert.equal(creates(calls).length, 1);
      assert.deepEqual(company.recordedPayments(), [
        {
          externalId,
          reference: MARK,
          customerExternalId: customer,
          amountMinor: 5510n,
          currency: 'USD',
        },
      ]);
      assert.deepEqual(company.truth(), [], 'our own record is no new money');
      const { events } = await pullRound(connection, { at: minutes(5) });
      const echo = events.find(({ externalPaymentId }) => externalPaymentId === externalId);
      assert.deepEqual(
        [echo?.type, echo?.amountMinor, echo?.method],
        ['payment.succeeded', 5510n, 'card'],
      );
      assert.deepEqual(echo?.references[0]?.amountMinor, 5510n);
      const marks = echo?.references.map(({ text }) => findOwnMark(text ?? '')?.paymentId);
      assert.ok(marks?.includes('pay_12'));
    });

    test('is done once although every answer is lost', async () => {
      let losing = 2;
      await using connection = await connect({
        api,
        meddle: async (call, send) => {
          const answer = await send();
          if (losing === 0 || creates([call]).length === 0) return answer;
          losing -= 1;
          throw new RetryLater('the answer was lost on its way');
        },
      });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      const payment = ours(customer, invoice);
      await assert.rejects(record(connection, payment), RetryLater);
      const { externalId } = await record(connection, payment);
      assert.deepEqual(
        company.recordedPayments().map((one) => one.externalId),
        [externalId],
      );
    });

    test('a repeat that Intacct refuses is looked for once more', async () => {
      let blind = 1;
      let losing = true;
      await using connection = await connect({
        api,
        meddle: async (call, send) => {
          const text = call.body?.text ?? JSON.stringify(call.json);
          // What was just made is not listed yet when it is looked for.
          if (blind > 0 && /DOCNUMBER = |documentNumber":\[/.test(text)) {
            blind -= 1;
            const other = JSON.stringify(call).replaceAll('pay_12', 'pay_0');
            return send(JSON.parse(other) as ApiCall);
          }
          const answer = await send();
          if (!losing || creates([call]).length === 0) return answer;
          losing = false;
          throw new RetryLater('the answer was lost on its way');
        },
      });
      const { company, calls } = connection;
      const { customer, invoice } = fill(company);
      const payment = ours(customer, invoice);
      await assert.rejects(record(connection, payment), RetryLater);
      blind = 2;
      await assert.rejects(record(connection, payment), (error) => {
        const told = /enter it there by hand .* CV-ab12cd-pay_12/;
        return error instanceof RetryLater && told.test(error.message);
      });
      blind = 1;
      const { externalId } = await record(connection, payment);
      assert.equal(
        creates(calls).length,
        3,
        'the second and the third were refused as repetitions',
      );
      assert.deepEqual(
        company.recordedPayments().map((one) => one.externalId),
        [externalId],
      );
    });

    test('a refusal is told in Intacct’s words; a later attempt has another id', async () => {
      await using connection = await connect({ api });
      const { company, settings, calls } = connection;
      const { customer } = fill(company);
      const late = ours(customer, '1');
      const given = context(settings);
      await assert.rejects(books.recordPayment(connection.api, late, given), (error) => {
        return error instanceof Rejected && /Invoice 1 is not valid/.test(error.message);
      });
      const invoice = company.addInvoice(
        { number: 'INV-2', customerExternalId: customer, amountMinor: 5510n, currency: 'USD' },
        NOW,
      );
      await books.recordPayment(connection.api, ours(customer, invoice), given);
      const ids = creates(calls).map(
        ({ body, headers }) =>
          headers?.['idempotency-key'] ?? /controlid="([^"]+)"/.exec(body?.text ?? '')?.[1],
      );
      assert.deepEqual(ids, [MARK, `${MARK}-2`]);
      assert.equal(company.recordedPayments().length, 1);
    });

    test('in another currency by its own amounts; a third decimal is refused', async () => {
      await using connection = await connect({ api });
      const { company, calls } = connection;
      const { customer, invoice } = fill(company, { currency: 'JPY' });
      await record(connection, ours(customer, invoice, { currency: 'JPY' }));
      assert.equal(company.recordedPayments()[0]?.currency, 'JPY');
      const fils = ours(customer, invoice, { currency: 'KWD' });
      const before = calls.length;
      await assert.rejects(
        record(connection, { ...fils, mark: 'CV-ab12cd-pay_13', amountMinor: 5511n }),
        (error) => error instanceof Rejected && /5\.511 KWD.*2 decimals/.test(error.message),
      );
      assert.equal(calls.length, before, 'nothing was asked');
    });

    test('beyond its invoices the rest is the customer’s credit', async () => {
      await using connection = await connect({ api });
      const { company, calls } = connection;
      const { customer, invoice } = fill(company);
      const { externalId } = await record(
        connection,
        ours(customer, invoice, { amountMinor: 6510n }),
      );
      const text = creates(calls)[0]?.body?.text ?? '';
      if (api === 'xml')
        assert.match(text, /<create_arpayment><customerid>.*<refid>CV-ab12cd-pay_12</);
      const { events } = await pullRound(connection, { at: minutes(5) });
      const echo = events.find(({ externalPaymentId }) => externalPaymentId === externalId);
      assert.deepEqual([echo?.amountMinor, echo?.references[0]?.amountMinor], [6510n, 5510n]);
    });

    test('what Intacct holds under the mark is not what we mean: nothing is written', async () => {
      await using connection = await connect({ api });
      const { company, calls } = connection;
      const { customer, invoice } = fill(company);
      const payment = ours(customer, invoice);
      await record(connection, payment);
      const other = company.addCustomer({ name: 'Other', email: 'o@example.com' }, NOW);
      const changes: readonly (readonly [Partial<PaymentToRecord>, RegExp])[] = [
        [{ amountMinor: 5500n, invoices: [] }, /amount is 55\.10?, not 55\.00/],
        [{ currency: 'EUR' }, /currency is USD, not EUR/],
        [{ customerExternalId: other }, /customer is C-\d+, not C-\d+/],
        [{ invoices: [{ externalId: invoice, amountMinor: 5000n }] }, /it pays 5510 .*, not 5000/],
      ];
      for (const [change, words] of changes) {
        await assert.rejects(record(connection, { ...payment, ...change }), (error) => {
          return error instanceof WireMismatch && words.test(error.message);
        });
      }
      assert.equal(creates(calls).length, 1);
    });

    test('of a closed account is refused before anything is asked', async () => {
      await using connection = await connect({ api, change: { financialEntity: undefined } });
      const { company, calls } = connection;
      const { customer, invoice } = fill(company);
      await assert.rejects(
        record(connection, ours(customer, invoice)),
        /financialEntity or undeposited/,
      );
      assert.equal(calls.length, 0);
    });

    test('never charges the customer, however they paid', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      const methods = ['card', 'phone', 'ach', 'bank', 'wallet', 'check', 'cash', 'other', null];
      for (const [index, method] of methods.entries()) {
        const mark = `CV-ab12cd-pay_${index + 20}`;
        const amountMinor = 100n;
        const invoices = [{ externalId: invoice, amountMinor }];
        await books.recordPayment(
          connection.api,
          ours(customer, invoice, { mark, method, amountMinor, invoices }),
          { ...context(connection.settings), idempotencyKey: mark },
        );
      }
      assert.deepEqual(company.charges(), []);
      assert.equal(company.recordedPayments().length, methods.length);
    });
  });

  describe(`taking back by ${api}`, () => {
    test('reverses it once, however often that is asked, and frees the invoice', async () => {
      await using connection = await connect({ api });
      const { company, settings } = connection;
      const { customer, invoice } = fill(company);
      const first = await pullRound(connection, { at: minutes(1) });
      const { externalId } = await record(connection, ours(customer, invoice));
      const recorded = { externalId, mark: MARK };
      await reverse(connection.api, recorded, reversing(settings));
      await reverse(connection.api, recorded, reversing(settings));
      assert.deepEqual(
        company.recordedPayments().map(({ takenBack }) => takenBack),
        [true],
      );
      const { events } = await pullRound(connection, { ...first, at: minutes(5) });
      assert.deepEqual(money(events), [['payment.voided', externalId]]);
      const memos = events.find(({ type }) => type === 'payment.voided')?.references;
      assert.deepEqual(memos?.[0], { kind: 'memo', text: MARK });
      await assert.rejects(record(connection, ours(customer, invoice)), (error) => {
        return (
          error instanceof Rejected &&
          /recorded in Intacct as .* and reversed there/.test(error.message)
        );
      });
    });

    test('is dated today by Intacct’s clock, where the payment’s own period is closed', async () => {
      await using connection = await connect({ api, openFrom: '2026-12-01' });
      const { company, settings } = connection;
      const { customer, invoice } = fill(company);
      const { externalId } = await record(connection, ours(customer, invoice));
      const recorded = { externalId, mark: MARK };
      const given = reversing(settings);
      await assert.rejects(reverse(connection.api, recorded, given), /is closed/);
      company.addCustomer({ name: 'Somebody later', email: 'later@example.com' }, days(12));
      await reverse(connection.api, recorded, given);
      assert.deepEqual(
        company.recordedPayments().map(({ takenBack }) => takenBack),
        [true],
      );
    });

    test('what is gone already is taken back; a draft is deleted', async () => {
      await using connection = await connect({ api });
      const { company, settings } = connection;
      const { customer, invoice } = fill(company);
      const invoices = [{ externalId: invoice, amountMinor: 100n }];
      const entered = { customerExternalId: customer, amountMinor: 100n, currency: 'USD' };
      const draft = company.draft({ ...entered, method: 'Cash', reference: MARK, invoices }, NOW);
      await assert.rejects(
        record(connection, ours(customer, invoice, { amountMinor: 100n, invoices })),
        /submit it there/,
      );
      const given = reversing(settings);
      await reverse(connection.api, { externalId: draft, mark: MARK }, given);
      assert.equal(company.truth()[0]?.status, 'voided');
      await reverse(connection.api, { externalId: draft, mark: MARK }, given);
      await reverse(connection.api, { externalId: '1', mark: MARK }, given);
    });
  });
}

describe('what is written', () => {
  test('by XML is one function a request, remembered by the key of the payment', async () => {
    await using connection = await connect();
    const { customer, invoice } = fill(connection.company);
    await record(connection, ours(customer, invoice));
    const [create] = creates(connection.calls);
    assert.equal(
      create?.body?.text,
      `<function controlid="${MARK}"><create><ARPYMT><FINANCIALENTITY>BOFA1435</FINANCIALENTITY>` +
        `<PAYMENTMETHOD>Credit Card</PAYMENTMETHOD><CUSTOMERID>${customer}</CUSTOMERID>` +
        `<DOCNUMBER>${MARK}</DOCNUMBER><DESCRIPTION>stripe pi_12</DESCRIPTION>` +
        '<RECEIPTDATE>11/20/2026</RECEIPTDATE><PAYMENTDATE>11/20/2026</PAYMENTDATE><CURRENCY>USD</CURRENCY>' +
        `<ARPYMTDETAILS><ARPYMTDETAIL><RECORDKEY>${invoice}</RECORDKEY>` +
        '<TRX_PAYMENTAMOUNT>55.10</TRX_PAYMENTAMOUNT></ARPYMTDETAIL></ARPYMTDETAILS></ARPYMT></create></function>',
    );
  });

  test('on account makes an advance, by the older function alone', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { customer, invoice } = fill(company);
    const payment = ours(customer, invoice, { invoices: [], method: 'check' });
    const { externalId } = await record(connection, payment);
    assert.deepEqual(await record(connection, payment), { externalId });
    const recorded = { externalId, mark: MARK };
    await reverse(connection.api, recorded, reversing(connection.settings));
    assert.deepEqual(
      company.recordedPayments().map(({ takenBack }) => takenBack),
      [true],
    );
    await using rest = await connect({ api: 'rest' });
    const other = fill(rest.company);
    await assert.rejects(
      record(rest, ours(other.customer, other.invoice, { invoices: [] })),
      Rejected,
    );
  });

  test('by REST is what its documentation shows, and its answer is understood', async () => {
    const wanted = readFileSync(new URL('fixtures/create-payment-request.json', import.meta.url));
    const payment: PaymentToWrite = {
      customerId: 'C-0042',
      amount: '452.50',
      account: { bank: 'BOFA1435' },
      paymentMethod: 'EFT',
      docNumber: 'py_EXAMPLE0001',
      description: 'WO-2026-0184',
      receivedOn: '2026-11-19',
      currency: 'USD',
      details: [
        { invoiceKey: '5790', amount: '400.00' },
        { invoiceKey: '5791', amount: '52.50' },
      ],
      beyond: null,
    };
    const sent: ApiCall[] = [];
    const body = readFileSync(new URL('fixtures/create-payment-response.json', import.meta.url));
    const ledger = restLedger({
      request: async (call) => {
        sent.push(call);
        return { status: 201, headers: {}, body };
      },
    });
    assert.equal(await ledger.create(payment, MARK), '7425');
    assert.deepEqual(sent[0]?.json, JSON.parse(wanted.toString()));
    assert.deepEqual(sent[0]?.headers, { 'idempotency-key': MARK });
  });

  test('the query asks as its documentation shows, but for an order that does not move', async () => {
    await using connection = await connect({ api: 'rest' });
    const { pull } = sageIntacct;
    await pullRound(connection, { at: NOW, cursor: pull?.start(days(-1)) as never });
    const wanted = JSON.parse(
      readFileSync(new URL('fixtures/rest-query-request.json', import.meta.url), 'utf8'),
    );
    const asked = connection.calls
      .map(({ json }) => json as Record<string, unknown>)
      .find(({ object }) => object === wanted.object);
    const { fields, filters, orderBy, size, ...rest } = asked ?? {};
    assert.deepEqual(
      wanted.fields.filter((field: string) => !(fields as string[]).includes(field)),
      [],
    );
    assert.deepEqual(filters, [{ $gte: { 'audit.modifiedDateTime': '2026-11-19T16:00:00Z' } }]);
    assert.deepEqual([orderBy, size], [[{ key: 'asc' }], 200]);
    const { fields: _f, filters: _g, orderBy: _o, size: _s, ...others } = wanted;
    assert.deepEqual(rest, others);
  });
});
