/** Pulling from a simulated business in which we record payments: ours are never money, and nobody else's is lost. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { ApiCall, PaymentToRecord } from '../contract.ts';
import { RetryLater } from '../kit/errors.ts';
import { type Connection, connect, ours } from './simulated-connection.ts';

const queryOf = ({ json }: ApiCall) => (json as { query: string }).query;
const isMutation = (call: ApiCall) => queryOf(call).startsWith('mutation');
const isList = (call: ApiCall) => queryOf(call).includes('invoices(');

const share = (externalId: string, amountMinor = 50_000n) => ({ externalId, amountMinor });
/** An invoice of 1,239.10. */
const invoiceIn = ({ business, clock }: Connection, number = 'INV-1016') =>
  fillBooks(business, { at: clock.now(), number }).invoice;

describe('what we recorded', () => {
  test('is subtracted from what is paid, also after the cursor was lost', async () => {
    await using connection = await connect();
    const { record, pull, business, clock, forgetCursor } = connection;
    const invoice = invoiceIn(connection);
    business.change(invoice, 30_000n, clock.now());
    assert.deepEqual(await pull(), ['1: 30000 USD']);
    clock.pass(5);
    await record(ours([share(invoice)]));
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: 30000 USD']);
    business.change(invoice, 1_000n, clock.now());
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: 31000 USD']);
    forgetCursor();
    assert.deepEqual(await pull(), ['1: 31000 USD']);
    business.void(invoice, clock.now());
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: voided']);
  });

  test('is not told by a page that was read before it was finished', async () => {
    let meanwhile: PaymentToRecord | undefined;
    const connection = await connect({
      meddle: async (call, send) => {
        const payment = isList(call) ? meanwhile : undefined;
        meanwhile = payment ? undefined : meanwhile;
        // Recorded whole while the answer with what was paid before, or after, is on its way to us.
        if (payment?.paymentId === 'pay_1') await connection.record(payment);
        const answer = await send();
        if (payment?.paymentId === 'pay_2') await connection.record(payment);
        return answer;
      },
    });
    await using _ = connection;
    const { pull, clock, business } = connection;
    const invoice = invoiceIn(connection);
    business.change(invoice, 60_000n, clock.now());
    for (const number of [1, 2]) {
      meanwhile = ours([share(invoice, 20_000n)], { number });
      const believed = await pull();
      assert.ok(believed.length === 0 || believed[0] === '1: 60000 USD', believed.join());
      clock.pass(5);
      assert.deepEqual(await pull(), ['1: 60000 USD']);
      business.view(invoice, clock.now());
    }
    assert.deepEqual(connection.setAside, []);
  });

  test('is held back for as long as nobody knows what became of it, and nothing beside it', async () => {
    let isDown = true;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (isDown && isMutation(call)) throw new RetryLater('lost');
        return answer;
      },
    });
    const { record, pull, business, clock, notes } = connection;
    const [invoice, other] = [invoiceIn(connection), invoiceIn(connection, 'INV-1017')];
    business.change(invoice, 30_000n, clock.now());
    const payment = ours([share(invoice)]);
    await assert.rejects(record(payment), RetryLater);
    for (let hour = 1; hour <= 6; hour += 1) {
      clock.pass(60);
      business.change(other, 100n, clock.now());
      assert.deepEqual(await pull(), [`1: ${hour}00 USD`]);
    }
    isDown = false;
    await record(payment);
    assert.equal((await notes.of(payment.paymentId).kept())[0]?.text.includes('recorded'), true);
    clock.pass(5);
    assert.deepEqual((await pull()).toSorted(), ['1: 30000 USD', '1: 600 USD']);
  });
});

describe('a payment of ours that somebody removed in Wave', () => {
  test('is gone once nothing is paid, and what is paid then is money', async () => {
    await using connection = await connect();
    const { record, pull, business, clock } = connection;
    const invoice = invoiceIn(connection);
    const payment = ours([share(invoice)]);
    await record(payment);
    clock.pass(5);
    assert.deepEqual(await pull(), []);
    business.removeRecorded(payment.mark, clock.now());
    clock.pass(5);
    assert.deepEqual(await pull(), []);
    business.change(invoice, 50_000n, clock.now());
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: 50000 USD']);
    business.void(invoice, clock.now());
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: voided']);
  });

  test('is gone when another of ours was recorded on an invoice of which nothing was paid', async () => {
    await using connection = await connect();
    const { record, pull, business, clock } = connection;
    const invoice = invoiceIn(connection);
    const [first, second] = [1, 2].map((number) =>
      ours([share(invoice, 123_910n)], { number }),
    ) as [PaymentToRecord, PaymentToRecord];
    await record(first);
    business.removeRecorded(first.mark, clock.now());
    clock.pass(1);
    await record(second);
    clock.pass(5);
    assert.deepEqual(await pull(), []);
    assert.deepEqual(connection.setAside, []);
  });

  test('is named, and nothing is guessed, while something else is paid of the invoice', async () => {
    await using connection = await connect();
    const { record, pull, business, clock, setAside } = connection;
    const invoice = invoiceIn(connection);
    const payment = ours([share(invoice)]);
    business.change(invoice, 20_000n, clock.now());
    await record(payment);
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: 20000 USD']);
    business.removeRecorded(payment.mark, clock.now());
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: 20000 USD']);
    assert.equal(setAside.length, 1);
    assert.match(setAside[0] ?? '', /200\.00 is less than the 500\.00 that we recorded there/);
  });
});
