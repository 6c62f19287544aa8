/** Pulling from a simulated company file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reauthorize, Rejected, RetryLater } from '../kit/errors.ts';
import { myob } from './index.ts';
import { cheque, connect, days, fill, minutes, NOW, pullRound } from './simulated-connection.ts';

const kinds = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);

describe('pulling', () => {
  test('reads every page of every list once, with the headers that MYOB asks for', async () => {
    await using connection = await connect({ fileLogIn: true });
    const { file, calls } = connection;
    const { customer, invoice } = fill(file);
    const ids = Array.from({ length: 12 }, () => file.enterPayment(cheque(customer, invoice), NOW));
    const first = await pullRound(connection, { at: minutes(5) });
    const paid = first.events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(paid.map(({ externalPaymentId }) => externalPaymentId).sort(), ids.sort());
    assert.deepEqual(first.reached, minutes(5));
    assert.ok(kinds(first.events).includes('invoice.upserted'));
    assert.ok(kinds(first.events).includes('customer.upserted'));
    assert.ok(
      calls.every(({ path }) => !/[ ']/.test(path)),
      'blanks and quotes are encoded',
    );
    const again = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(again.events, []);
  });

  test('a receipt dated back, one deleted, a refund: all are found', async () => {
    await using connection = await connect();
    const { file } = connection;
    const { customer, invoice } = fill(file);
    const kept = file.enterPayment(cheque(customer, invoice), NOW);
    const gone = file.enterPayment(cheque(customer, invoice, 700n), NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    file.remove(gone, minutes(6));
    const back = file.enterPayment(cheque(customer, invoice, 900n), days(-3));
    const refund = file.refund(kept, 100n, minutes(7));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    const money = second.events.filter(({ type }) => /^(payment|refund)/.test(type));
    assert.deepEqual(
      money.map(({ type, externalPaymentId, refundId }) => [type, externalPaymentId ?? refundId]),
      [
        ['payment.succeeded', back],
        ['payment.voided', gone],
        ['refund.succeeded', refund],
      ],
    );
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(third.events, []);
  });

  test('nothing is judged deleted that can still be read', async () => {
    let hidden = '';
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (!call.path.includes('Sale/CustomerPayment?')) return answer;
        const page = JSON.parse(answer.body.toString()) as { Items: { UID: string }[] };
        const Items = page.Items.filter(({ UID }) => UID !== hidden);
        return { ...answer, body: Buffer.from(JSON.stringify({ ...page, Items })) };
      },
    });
    const { file } = connection;
    const { customer, invoice } = fill(file);
    const id = file.enterPayment(cheque(customer, invoice), NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    hidden = id;
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.ok(!kinds(second.events).includes('payment.voided'));
    hidden = '';
    file.remove(id, minutes(11));
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(kinds(third.events), ['payment.voided']);
  });

  test('a round that broke off goes on where it was', async () => {
    let broken = 0;
    await using connection = await connect({
      meddle: (_call, send) => {
        broken += 1;
        if (broken === 5) throw new RetryLater('broke off');
        return send();
      },
    });
    const { file, api, settings } = connection;
    const { customer, invoice } = fill(file);
    for (let count = 0; count < 12; count += 1) file.enterPayment(cheque(customer, invoice), NOW);
    const { pull } = myob;
    assert.ok(pull);
    let cursor = pull.start(days(-5));
    let documents = 0;
    for (let look = 0; look < 40; look += 1) {
      try {
        const page = await pull.page(api, cursor, { settings, now: minutes(5) });
        documents += page.bodies.flatMap((body) => myob.split(body, {})).length;
        cursor = page.next;
        if (!page.more) break;
      } catch (error) {
        assert.ok(error instanceof RetryLater);
      }
    }
    // One customer; the invoice by its changes and by its window.
    assert.equal(documents, 12 + 1 + 2);
  });
});

describe('access', () => {
  const answering = (status: number, name: string) => ({
    meddle: async () => {
      const body = JSON.stringify({ Errors: [{ Name: name, Message: 'no', Severity: 'Error' }] });
      const answer = { status, headers: {}, body: Buffer.from(body) };
      if (myob.api?.throttled?.(answer)) throw new RetryLater('throttled');
      throw new Rejected('refused', { status, body });
    },
  });

  test('the check names the company file, or the permission that is missing', async () => {
    await using connection = await connect();
    const { api, settings } = connection;
    const said = await myob.check?.(api, settings);
    assert.equal(
      said,
      `MYOB company file Simulated Air Services Pty Ltd (${settings.companyFileId})`,
    );
    await using denied = await connect(answering(403, 'AccessDenied'));
    await assert.rejects(async () => myob.check?.(denied.api, denied.settings), /sme-sales/);
    await using spent = await connect(answering(403, 'RateLimitError'));
    await assert.rejects(async () => myob.check?.(spent.api, spent.settings), RetryLater);
  });

  test('without a company file the consent page is named; the way back must tell it', async () => {
    await using connection = await connect();
    const { api, settings } = connection;
    const { companyFileId, ...none } = settings;
    await assert.rejects(async () => myob.check?.(api, none), Reauthorize);
    const { fromRedirect, page } = myob.api?.consent ?? {};
    const back = new URLSearchParams({ code: 'c', businessId: companyFileId ?? '' });
    assert.deepEqual(fromRedirect?.(back, settings), { companyFileId });
    assert.throws(() => fromRedirect?.(new URLSearchParams({ code: 'c' }), settings), /businessId/);
    assert.equal(page?.(settings).parameters.prompt, 'consent');
  });

  test('the life of a token that is told as text is believed', async () => {
    await using connection = await connect();
    await myob.check?.(connection.api, connection.settings);
    const token = await connection.store.load();
    assert.equal(token?.expiresAt.getTime(), NOW.getTime() + 1200_000);
  });
});
