/** Recording payments in a simulated Sage 50 by the bridges that can. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../../test/support/simulated-books.ts';
import type { ApiCall, RecordingNotes } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { sage50 } from './index.ts';
import {
  type Connection,
  cheque,
  connect,
  fill,
  minutes,
  NOW,
  ours,
  pullRound,
  told,
} from './simulated-connection.ts';

const books = sage50.books ?? assert.fail('no books');
const reverse = books.reversePayment ?? assert.fail('no reversal');

const sample = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'));

function context(
  { settings }: Pick<Connection, 'settings'>,
  notes: RecordingNotes = memoryNotes(),
) {
  return { settings, idempotencyKey: 'CV-ab12cd-pay_12', notes };
}

const rejected = (pattern: RegExp) => (error: unknown) =>
  error instanceof Rejected && pattern.test(error.message);

/** Throws instead of the answer to the so-many-th write, which arrived all the same. */
function losing(number: number) {
  let writes = 0;
  return async (
    call: ApiCall,
    send: (call?: ApiCall) => ReturnType<Connection['api']['request']>,
  ) => {
    const answer = await send();
    if (call.method !== 'POST') return answer;
    writes += 1;
    if (writes === number) throw new RetryLater('the answer was lost on its way');
    return answer;
  };
}

for (const bridge of ['own', 'oss'] as const) {
  describe(`recording by the bridge ${bridge}`, () => {
    test('is done once, exactly, and its echo carries the mark and is no new money', async () => {
      await using connection = await connect({ bridge });
      const { sage, api } = connection;
      const { customer, invoice } = fill(sage);
      const first = await pullRound(connection, { at: minutes(5) });
      const payment = ours(customer, invoice);
      const given = context(connection);
      const { externalId } = await books.recordPayment(api, payment, given);
      assert.deepEqual(await books.recordPayment(api, payment, given), { externalId });
      assert.deepEqual(await books.recordPayment(api, payment, context(connection)), {
        externalId,
      });
      assert.deepEqual(sage.recordedPayments(), [
        {
          externalId,
          reference: payment.mark,
          customerExternalId: customer,
          amountMinor: 45250n,
          currency: 'USD',
        },
      ]);
      assert.deepEqual(sage.truth(), []);
      const { events } = await pullRound(connection, { ...first, at: minutes(10) });
      const echo = events.find((one) => one.externalPaymentId === externalId);
      assert.equal(echo?.amountMinor, 45250n);
      const marks = echo?.references.map(({ text }) => findOwnMark(text ?? '')?.paymentId);
      assert.ok(marks?.includes('pay_12'));
      const shares = echo?.references.filter(({ kind }) => kind === 'invoice');
      assert.deepEqual(shares, [
        { kind: 'invoice', externalId: invoice, number: '10421', amountMinor: 45250n },
      ]);
    });

    for (const write of [1, 2, 3]) {
      test(`is done once though the answer to write ${write} was lost`, async () => {
        await using connection = await connect({ bridge, meddle: losing(write) });
        const { sage, api } = connection;
        const { customer, invoice } = fill(sage);
        const second = sage.addInvoice(
          { number: '10422', customerExternalId: customer, amountMinor: 9000n, currency: 'USD' },
          NOW,
        );
        const payment = ours(customer, invoice, {
          invoices: [
            { externalId: invoice, number: '10421', amountMinor: 40000n },
            { externalId: second, number: '10422', amountMinor: 5250n },
          ],
        });
        const notes = memoryNotes();
        for (let attempt = 0; attempt < 3; attempt += 1) {
          await books.recordPayment(api, payment, context(connection, notes)).catch((error) => {
            assert.ok(error instanceof RetryLater);
          });
        }
        assert.equal(sage.recordedPayments().length, 1);
        const { events } = await pullRound(connection, { at: minutes(5) });
        const bills = told(events).filter((one) => one.startsWith('invoice'));
        assert.equal(bills.length, 2);
        const left = await connection.api.request({
          path: bridge === 'own' ? 'v1/receipts' : 'api/sales/ledger',
          query: { since: '2000-01-01T00:00:00Z|0', limit: '200' },
        });
        const outstanding = left.body.toString().match(/"outstanding":"?[\d.]+/g);
        assert.deepEqual(
          outstanding?.map((one) => Number(one.replace(/[^\d.]/g, ''))).sort(),
          [0, 37.5, 839.1],
          'each invoice got its share once',
        );
      });
    }

    test('more than its invoices stays on account; shares beyond it are refused', async () => {
      await using connection = await connect({ bridge });
      const { sage, api } = connection;
      const { customer, invoice } = fill(sage);
      const shares = [{ externalId: invoice, number: '10421', amountMinor: 40000n }];
      await books.recordPayment(
        api,
        ours(customer, invoice, { invoices: shares }),
        context(connection),
      );
      assert.equal(sage.recordedPayments()[0]?.amountMinor, 45250n);
      const less = ours(customer, invoice, { amountMinor: 100n, mark: 'CV-ab12cd-pay_13' });
      await assert.rejects(
        books.recordPayment(api, less, context(connection)),
        rejected(/shares exceed its amount/),
      );
      assert.equal(sage.recordedPayments().length, 1);
    });

    test('what stands there under the mark is not what we mean: nobody is paid twice', async () => {
      await using connection = await connect({ bridge });
      const { sage, api } = connection;
      const { customer, invoice } = fill(sage);
      await books.recordPayment(api, ours(customer, invoice), context(connection));
      const invoices = [{ externalId: invoice, number: '10421', amountMinor: 45200n }];
      const other = ours(customer, invoice, { amountMinor: 45200n, invoices });
      await assert.rejects(
        books.recordPayment(api, other, context(connection)),
        (error) => error instanceof WireMismatch && /452\.5.*not 452\.00/.test(error.message),
      );
      assert.equal(sage.recordedPayments().length, 1);
    });

    test('into no bank account, of other data or in fils it is refused in plain words', async () => {
      await using connection = await connect({ bridge });
      const { sage, api, settings } = connection;
      const { customer, invoice } = fill(sage);
      const { bankNominal: _, ...without } = settings;
      await assert.rejects(
        books.recordPayment(api, ours(customer, invoice), context({ settings: without })),
        rejected(/bankNominal/),
      );
      await assert.rejects(
        books.recordPayment(api, ours(customer, 'OTHER:1'), context(connection)),
        rejected(/invoice OTHER:1 is of other data/),
      );
      const fils = { currency: 'KWD', amountMinor: 1001n, invoices: [] };
      await assert.rejects(
        books.recordPayment(api, ours(customer, invoice, fils), context(connection)),
        rejected(/two decimals only|records USD only/),
      );
      assert.deepEqual(sage.recordedPayments(), []);
    });
  });
}

describe('the own bridge', () => {
  test('takes payments in other currencies, and tells why it refuses', async () => {
    await using connection = await connect();
    const { sage, api, calls } = connection;
    const { customer, invoice } = fill(sage, 'JPY');
    const invoices = [{ externalId: invoice, number: '10421', amountMinor: 1500n }];
    const yen = ours(customer, invoice, { currency: 'JPY', amountMinor: 1500n, invoices });
    await books.recordPayment(api, yen, context(connection));
    const sent = calls.find(({ method }) => method === 'POST')?.json as Record<string, unknown>;
    assert.equal(sent.grossAmount, '1500.00');
    assert.equal(sent.type, 'SR');
    assert.equal(sent.date, '2026-11-03');
    const mixed = ours(customer, invoice, {
      mark: 'CV-ab12cd-pay_13',
      amountMinor: 100n,
      invoices: [{ externalId: invoice, number: '10421', amountMinor: 100n }],
    });
    const other = { ...context(connection), idempotencyKey: 'CV-ab12cd-pay_13' };
    await assert.rejects(
      books.recordPayment(api, mixed, other),
      rejected(/the bridge refuses: Foreign Currency mismatch/),
    );
  });

  test('a receipt that somebody deleted is not entered again', async () => {
    await using connection = await connect();
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(connection),
    );
    sage.remove(externalId, minutes(1));
    await assert.rejects(
      books.recordPayment(api, ours(customer, invoice), context(connection)),
      rejected(/deleted in Sage 50 by hand/),
    );
    assert.deepEqual(
      sage.recordedPayments().map(({ takenBack }) => takenBack),
      [true],
    );
  });

  test('takes back by paying back, once, and its echo is no refund', async () => {
    await using connection = await connect();
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const notes = memoryNotes();
    const { mark } = ours(customer, invoice);
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(connection, notes),
    );
    const back = { ...context(connection, notes), idempotencyKey: `${mark}-reversed` };
    await reverse(api, { externalId, mark }, back);
    await reverse(api, { externalId, mark }, back);
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.ok(told(events).every((one) => !one.startsWith('refund')));
    const file = sage
      .exportFile()
      .split('\r\n')
      .filter((line) => /,SP,/.test(line));
    assert.equal(file.length, 1);
    assert.match(String(file[0]), /CV-ab12cd-pay_12-R,takes back CV-ab12cd-pay_12,452\.50/);
  });

  test('what was deleted there is taken back already; what was never noted is for a person', async () => {
    await using connection = await connect();
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const notes = memoryNotes();
    const { mark } = ours(customer, invoice);
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(connection, notes),
    );
    const back = { ...context(connection, notes), idempotencyKey: `${mark}-reversed` };
    await assert.rejects(
      reverse(api, { externalId, mark }, { ...back, notes: memoryNotes() }),
      rejected(/by hand/),
    );
    sage.remove(externalId, minutes(1));
    await reverse(api, { externalId, mark }, back);
    assert.ok(!sage.exportFile().includes(',SP,'));
  });
});

describe('the open-source bridge', () => {
  test('is told what its samples show, each step noted before it is sent', async () => {
    await using connection = await connect({ bridge: 'oss' });
    const { sage, api, calls } = connection;
    const { customer, invoice } = fill(sage);
    const steps: string[] = [];
    const notes = memoryNotes();
    const noted: RecordingNotes = {
      ...notes,
      keep: async (about, text) => {
        steps.push(`note ${about}`);
        await notes.keep(about, text);
      },
    };
    const writes = () => calls.filter(({ method }) => method === 'POST');
    const watching = {
      request: (call: ApiCall) => {
        if (call.method === 'POST') steps.push(`send ${call.path}`);
        return api.request(call);
      },
    };
    const payment = ours(customer, invoice, {
      mark: 'STR-0001',
      memo: 'Stripe WO-2026-0184',
      invoices: [{ externalId: invoice, number: '10421', amountMinor: 40000n }],
    });
    await books.recordPayment(watching, payment, context(connection, noted));
    assert.deepEqual(steps, [
      'note receipt',
      'send api/sales/receipt',
      'note allocation:1001',
      'send api/payments/allocate',
    ]);
    const [receipt, allocation] = writes().map(({ json }) => JSON.parse(JSON.stringify(json)));
    const account = customer;
    assert.deepEqual(receipt, {
      ...sample('open-source-receipt-request'),
      customerAccount: account,
    });
    assert.deepEqual(allocation, {
      ...sample('open-source-allocate-request'),
      accountRef: account,
    });
  });

  test('that only says that it allocated is found out, and what a person then does is recognised', async () => {
    await using connection = await connect({ bridge: 'oss', allocates: false });
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const record = () => books.recordPayment(api, ours(customer, invoice), context(connection));
    await assert.rejects(
      record(),
      rejected(/said that it allocated.*nothing changed.*10421 by hand/),
    );
    await assert.rejects(record(), rejected(/by hand/));
    const [recorded] = sage.recordedPayments();
    assert.ok(recorded);
    sage.allocate(recorded.externalId, [{ externalId: invoice, amountMinor: 45250n }], minutes(1));
    assert.deepEqual(await record(), { externalId: recorded.externalId });
    assert.equal(sage.recordedPayments().length, 1);
  });

  test('nothing is posted that could not be allocated', async () => {
    await using connection = await connect({ bridge: 'oss' });
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const record = (id = invoice) =>
      books.recordPayment(api, ours(customer, id), context(connection));
    await assert.rejects(record('SIM-7:9999'), rejected(/not in the account/));
    sage.enterPayment({ ...cheque(customer, invoice, 100_000n) }, NOW);
    await assert.rejects(record(), rejected(/452\.50 cannot.*only 239\.1/));
    const like = {
      number: '10423',
      customerExternalId: customer,
      amountMinor: 90_000n,
      currency: 'USD',
    };
    const twin = sage.addInvoice(like, NOW);
    sage.addInvoice(like, NOW);
    await assert.rejects(record(twin), rejected(/all have the reference 10423: allocate by hand/));
    assert.deepEqual(sage.recordedPayments(), []);
  });

  test('a receipt that was allocated elsewhere meanwhile is for a person', async () => {
    await using connection = await connect({ bridge: 'oss', meddle: losing(1) });
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const second = sage.addInvoice(
      { number: '10422', customerExternalId: customer, amountMinor: 9000n, currency: 'USD' },
      NOW,
    );
    const record = () => books.recordPayment(api, ours(customer, invoice), context(connection));
    await assert.rejects(record(), RetryLater);
    const [recorded] = sage.recordedPayments();
    assert.ok(recorded);
    sage.allocate(recorded.externalId, [{ externalId: second, amountMinor: 300n }], minutes(1));
    await assert.rejects(
      record(),
      rejected(/allocated by hand in part: allocate the rest to 10421/),
    );
  });

  test('a receipt that one list has cut off is not sent again, nor held for taken back', async () => {
    let cutting = false;
    let lose = losing(1);
    await using connection = await connect({
      bridge: 'oss',
      meddle: async (call, send) => {
        const answer = await lose(call, send);
        if (!cutting || call.path !== 'api/sales/ledger') return answer;
        const told = JSON.parse(answer.body.toString());
        const data = told.data.filter(({ type }: { type: string }) => type === 'SI');
        return { ...answer, body: Buffer.from(JSON.stringify({ ...told, data })) };
      },
    });
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const given = context(connection, memoryNotes());
    const record = () => books.recordPayment(api, ours(customer, invoice), given);
    await assert.rejects(record(), RetryLater);
    lose = async (_call, send) => send();
    cutting = true;
    await assert.rejects(record(), /stands in one list of the bridge/);
    cutting = false;
    const { externalId } = await record();
    assert.equal(sage.recordedPayments().length, 1);
    cutting = true;
    const { mark } = ours(customer, invoice);
    await assert.rejects(reverse(api, { externalId, mark }, given), rejected(/delete it there/));
  });

  test('cannot take back, but sees when a person did', async () => {
    await using connection = await connect({ bridge: 'oss' });
    const { sage, api } = connection;
    const { customer, invoice } = fill(sage);
    const notes = memoryNotes();
    const { mark } = ours(customer, invoice);
    const { externalId } = await books.recordPayment(
      api,
      ours(customer, invoice),
      context(connection, notes),
    );
    const given = context(connection, notes);
    await assert.rejects(reverse(api, { externalId, mark }, given), rejected(/delete it there/));
    await assert.rejects(
      reverse(api, { externalId, mark }, context(connection)),
      rejected(/delete it there/),
    );
    sage.remove(externalId, minutes(1));
    await reverse(api, { externalId, mark }, given);
  });
});

test('without a bridge that records, the file is named', async () => {
  for (const bridge of ['none', 'hyperaccounts'] as const) {
    await using connection = await connect({ bridge });
    const { api } = connection;
    const payment = ours('NORTHF', 'SIM-7:1');
    const byFile = rejected(/goes by an import file/);
    await assert.rejects(books.recordPayment(api, payment, context(connection)), byFile);
    const recorded = { externalId: 'SIM-7:2', mark: payment.mark };
    await assert.rejects(reverse(api, recorded, context(connection)), byFile);
  }
});
