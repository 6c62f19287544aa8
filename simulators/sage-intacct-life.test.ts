/** The life of one payment at a simulated company, with what goes wrong on the way, by either API. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PaymentToRecord } from '../src/portals/contract.ts';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { sageIntacct } from '../src/portals/sage-intacct/index.ts';
import {
  APIS,
  cheque,
  connect,
  fill,
  minutes,
  money,
  NOW,
  pullRound,
} from '../src/portals/sage-intacct/simulated-connection.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';

const books = sageIntacct.books ?? assert.fail('no books');

for (const api of APIS) {
  test(`connected, pulled, recorded once though the answer was lost, read back, session ended: ${api}`, async () => {
    let losing = true;
    await using connection = await connect({
      api,
      forgetRate: 0.1,
      meddle: async (call, send) => {
        const answer = await send();
        const creates = /<create>/.test(call.body?.text ?? '') || /\/payment$/.test(call.path);
        if (!creates || !losing) return answer;
        losing = false;
        throw new RetryLater('the answer was lost on its way');
      },
    });
    const { company, settings } = connection;
    const { customer, invoice } = fill(company);
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
      receivedOn: '2026-11-20',
      method: 'card',
      memo: 'stripe pi_7',
      invoices: [{ externalId: invoice, amountMinor: 123910n }],
    };
    const context = { settings, idempotencyKey: payment.mark, notes: memoryNotes('pay_7') };
    await assert.rejects(books.recordPayment(connection.api, payment, context), RetryLater);
    company.expireAccessTokens();
    const { externalId } = await books.recordPayment(connection.api, payment, context);
    assert.deepEqual(
      company.recordedPayments().map((one) => one.externalId),
      [externalId],
    );
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    const echo = second.events.find((one) => one.type === 'payment.succeeded');
    assert.equal(echo?.externalPaymentId, externalId);
    assert.ok(echo?.references.some(({ text }) => text?.includes(payment.mark)));
    const reversal = { ...context, idempotencyKey: `${payment.mark}-reversed` };
    await books.reversePayment?.(connection.api, { externalId, mark: payment.mark }, reversal);
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(money(third.events), [['payment.voided', externalId]]);
    const fourth = await pullRound(connection, { ...third, at: minutes(20) });
    assert.deepEqual(fourth.events, []);
  });
}

describe('the simulated company is as strict as the real one', () => {
  const call = async (address: string, body: string, type = 'application/xml') => {
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };

  test('envelopes are of its schema, and sessions of its endpoint alone', async () => {
    let sent = { path: '', text: '' };
    await using connection = await connect({
      meddle: (one, send) => {
        sent = { path: one.path, text: one.body?.text ?? '' };
        return send();
      },
    });
    const { company, settings } = connection;
    const { customer, invoice } = fill(company);
    company.enterPayment(cheque(customer, invoice), NOW);
    await sageIntacct.check?.(connection.api, settings);
    const gateway = `${settings.apiBaseUrl}/xmlgw.phtml`;
    const wrong = await call(gateway, `<request>${sent.text}</request>`);
    assert.match(wrong.text, /XL03000003/);
    assert.equal((await call(gateway, 'x', 'text/xml')).status, 400);
    assert.equal((await call(gateway, 'x', 'text/xml')).status, 400);
    assert.equal(sent.path, 'xmlgw.phtml');
    assert.notEqual(new URL(company.endpoint).port, new URL(gateway).port);
    // What was sent in a session went to the endpoint: had it gone to the gateway, it would have been refused.
    const auth = sageIntacct.api?.auth(settings);
    if (auth?.kind !== 'session') assert.fail('no session');
    const { session, baseUrl } = await auth.open(async (login) => {
      const { text } = await call(gateway, login.body?.text ?? '');
      return { status: 200, headers: {}, body: Buffer.from(text) };
    });
    const attached = auth.attach(
      { path: 'xmlgw.phtml', body: { type: 'application/xml', text: sent.text } },
      session,
    );
    const text = attached.body?.text ?? '';
    assert.match((await call(gateway, text)).text, /GW-0011.*moved/);
    assert.match((await call(`${baseUrl}/xmlgw.phtml`, text)).text, /<data listtype="ARPYMT"/);
  });
});
