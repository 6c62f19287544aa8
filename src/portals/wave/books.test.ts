/** Recording payments in a simulated business, whatever gets lost or happens meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord, PortalApi, RecordingNotes } from '../contract.ts';
import { Rejected, RetryLater } from '../kit/errors.ts';
import { wave } from './index.ts';
import { type Connection, connect, ours } from './simulated-connection.ts';

const SAMPLE = JSON.parse(
  readFileSync(new URL('fixtures/create-payment-request.json', import.meta.url), 'utf8'),
);
const books = wave.books ?? assert.fail('no books');

/** An invoice of 1,239.10 in the business. */
const invoiceIn = ({ business, clock }: Connection, number = 'INV-1016', currency = 'USD') =>
  fillBooks(business, { at: clock.now(), number, currency }).invoice;

const share = (externalId: string, amountMinor = 50_000n) => ({ externalId, amountMinor });

/** What stands in Wave of ours, mark by mark. */
const recorded = ({ business }: Connection) =>
  business
    .recordedPayments()
    .map(({ externalId, amountMinor, currency }) => `${externalId} ${amountMinor} ${currency}`);

const mutations = ({ calls }: Connection) =>
  calls.flatMap(({ json }) => {
    const { query, variables } = json as { query: string; variables?: { input?: object } };
    return query.startsWith('mutation') ? [variables?.input] : [];
  });

describe('recording payments', () => {
  test('by the documented mutation, and it does not come back as money', async () => {
    await using connection = await connect();
    const { record, pull, clock } = connection;
    const invoice = invoiceIn(connection);
    assert.deepEqual(await record(ours([share(invoice)])), { externalId: 'CV-ab12cd-pay_12' });
    const [input] = mutations(connection);
    assert.deepEqual(Object.keys(input ?? {}), Object.keys(SAMPLE.variables.input));
    assert.deepEqual(input, {
      invoiceId: invoice,
      paymentAccountId: connection.settings.paymentAccountId,
      amount: '500.00',
      paymentDate: '2026-11-12',
      paymentMethod: 'CREDIT_CARD',
      exchangeRate: '1',
      memo: 'stripe pi_12; CV-ab12cd-pay_12',
    });
    const { json } = connection.calls.findLast(({ json: asked }) =>
      (asked as { query: string }).query.startsWith('mutation'),
    ) as { json: { query: string } };
    assert.equal(json.query.replace(/\s+/g, ' '), SAMPLE.query.replace(/\s+/g, ' '));
    clock.pass(10);
    assert.deepEqual(await pull(), []);
    await record(ours([share(invoice)]));
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 50000 USD'], 'once');
  });

  test('pays each of its invoices by a payment of its own, and goes on where it broke off', async () => {
    let losing = true;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        const lost = losing && JSON.stringify(call.json).includes('25.00');
        if (lost) losing = false;
        if (lost) throw new RetryLater('the answer was lost');
        return answer;
      },
    });
    const { record, pull, clock } = connection;
    const [first, second] = [invoiceIn(connection), invoiceIn(connection, 'INV-1017')];
    const payment = ours([share(first), share(second, 2_500n)]);
    const failed = await record(payment).catch((error: unknown) => error);
    assert.ok(failed instanceof RetryLater && (failed.afterMs ?? 0) >= 60_000, 'Wave gets time');
    clock.pass(2);
    assert.deepEqual(await pull(), []);
    await record(payment);
    assert.equal(mutations(connection).length, 2);
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 52500 USD']);
    clock.pass(10);
    assert.deepEqual(await pull(), []);
  });

  test('in Wave’s words for how it was paid, the mark behind a memo that is too long', async () => {
    await using connection = await connect();
    const invoice = invoiceIn(connection);
    const ways: readonly (readonly [Partial<PaymentToRecord>, string])[] = [
      [{ method: 'phone' }, 'CREDIT_CARD'],
      [{ method: 'ach' }, 'BANK_TRANSFER'],
      [{ method: 'bank' }, 'BANK_TRANSFER'],
      [{ method: 'check' }, 'CHEQUE'],
      [{ method: 'cash' }, 'CASH'],
      [{ method: 'wallet' }, 'OTHER'],
      [{ method: null }, 'OTHER'],
      [{ method: 'wallet', from: { portal: 'paypal', externalId: '5TY' } }, 'PAYPAL'],
    ];
    for (const [index, [change, _]] of ways.entries()) {
      const payment = ours([share(invoice, 100n)], { number: index + 1 });
      await connection.record({ ...payment, ...change, memo: 'x'.repeat(400) });
    }
    const inputs = mutations(connection) as { paymentMethod: string; memo: string }[];
    assert.deepEqual(
      inputs.map(({ paymentMethod }) => paymentMethod),
      ways.map(([, word]) => word),
    );
    assert.ok(inputs.every(({ memo }) => memo.length === 255));
    assert.ok(inputs[0]?.memo.endsWith('x; CV-ab12cd-pay_1'));
  });

  for (const [homeCurrency, amountMinor, text] of [
    ['JPY', 12_000n, '12000'],
    ['KWD', 46_500n, '46.500'],
  ] as const) {
    test(`in the digits of ${homeCurrency}`, async () => {
      await using connection = await connect({ homeCurrency });
      const { record, pull, clock } = connection;
      const invoice = invoiceIn(connection, 'INV-1016', homeCurrency);
      await record(ours([share(invoice, amountMinor)], { currency: homeCurrency }));
      assert.equal((mutations(connection)[0] as { amount: string }).amount, text);
      clock.pass(10);
      assert.deepEqual(await pull(), []);
    });
  }
});

describe('what Wave does not take', () => {
  test('is refused with what to do about it, and leaves nothing behind', async () => {
    await using connection = await connect({ change: { paymentAccountId: 'an account of none' } });
    const { record, notes, business, clock } = connection;
    const invoice = invoiceIn(connection);
    const refused = async (payment: PaymentToRecord, because: RegExp) => {
      await assert.rejects(record(payment), (error) => {
        assert.ok(error instanceof Rejected);
        assert.match(error.message, because);
        return true;
      });
      const steps = (await notes.of(payment.paymentId).kept()).map(({ text }) => text);
      assert.ok(steps.every((step) => step === '{"step":"nothing"}'));
    };
    const payment = ours([share(invoice)]);
    await refused(payment, /recorded nothing: paymentAccountId: Account not found/);
    await refused({ ...payment, amountMinor: 51_000n }, /10\.00 USD of it is meant for none/);
    await refused({ ...payment, currency: 'EUR' }, /is in USD, the payment in EUR/);
    await refused(ours([share('none')]), /knows no invoice none/);
    const foreign = invoiceIn(connection, 'INV-7', 'EUR');
    const inEuro = ours([share(foreign)], { currency: 'EUR' });
    await refused(inEuro, /is in EUR, the business in USD: only a person knows the exchange rate/);
    business.makeDraft(invoice, clock.now());
    await refused(payment, /INV-1016 in Wave is a draft.*approveDrafts/);
    assert.deepEqual(recorded(connection), []);
  });

  test('without an account to record into nothing is asked', async () => {
    await using connection = await connect({ change: { paymentAccountId: undefined } });
    const invoice = invoiceIn(connection);
    await assert.rejects(connection.record(ours([share(invoice)])), /paymentAccountId is not set/);
    assert.deepEqual(connection.calls, []);
  });

  test('a draft is approved where the firm wants that', async () => {
    await using connection = await connect({ change: { approveDrafts: 'true' } });
    const { business, clock, record } = connection;
    const invoice = invoiceIn(connection);
    business.makeDraft(invoice, clock.now());
    await record(ours([share(invoice)]));
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 50000 USD']);
  });

  test('what somebody has entered already waits for our own books, and is not paid twice', async () => {
    await using connection = await connect();
    const { business, clock, record, pull } = connection;
    const invoice = invoiceIn(connection);
    business.change(invoice, 123_910n, clock.now());
    const failed = await record(ours([share(invoice)])).catch((error: unknown) => error);
    assert.ok(failed instanceof RetryLater && failed.ourSide);
    assert.match(failed.message, /only 0\.00 USD of invoice INV-1016 in Wave is left/);
    assert.deepEqual(recorded(connection), []);
    clock.pass(10);
    assert.deepEqual(await pull(), ['1: 123910 USD']);
  });

  test('an answer that holds errors is not believed to have done nothing', async () => {
    let times = 0;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (!JSON.stringify(call.json).includes('invoicePaymentCreateManual(')) return answer;
        times += 1;
        const data = JSON.parse(answer.body.toString()).data;
        const errors = [{ message: 'x', extensions: { code: 'SOMETHING_ELSE' } }];
        return { ...answer, body: Buffer.from(JSON.stringify({ data, errors })) };
      },
    });
    const { record, clock } = connection;
    const payment = ours([share(invoiceIn(connection))]);
    await assert.rejects(record(payment), Rejected);
    clock.pass(10);
    await record(payment);
    assert.equal(times, 1);
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 50000 USD']);
  });
});

/** Dies at a certain effect of ours, before or after it took place, and never does anything again. */
function mortal(
  { api, notes }: { readonly api: PortalApi; readonly notes: RecordingNotes },
  death: { readonly at: number; readonly after: boolean },
) {
  let effects = 0;
  const once = async <T>(effect: () => Promise<T>): Promise<T> => {
    effects += 1;
    if (effects > death.at || (effects === death.at && !death.after)) throw new Died();
    const done = await effect();
    if (effects === death.at) throw new Died();
    return done;
  };
  return {
    effects: () => effects,
    api: { request: (call) => once(() => api.request(call)) } satisfies PortalApi,
    notes: {
      keep: (...given) => once(() => notes.keep(...given)),
      keepUnless: (...given) => once(() => notes.keepUnless(...given)),
      kept: () => notes.kept(),
    } satisfies RecordingNotes,
  };
}
class Died extends Error {}

/** More effects than one attempt has. */
const EFFECTS = 8;
const SCHEMAS = [
  { listsPayments: false, asksForOne: true },
  { listsPayments: true, asksForOne: true },
  { listsPayments: false, asksForOne: false, sorts: false },
] as const;

describe('an attempt that dies, wherever it does', () => {
  for (const schema of SCHEMAS) {
    for (const othersMinor of [0n, 20_000n, 70_000n]) {
      const meanwhile = othersMinor === 0n ? 'nothing' : `${othersMinor} by somebody else`;
      test(`is ended by the next, once, with ${meanwhile} meanwhile (${JSON.stringify(schema)})`, async () => {
        let died = 0;
        for (let at = 1; at <= EFFECTS; at += 1) {
          for (const after of [false, true]) {
            if (await dieOnce(schema, { at, after, othersMinor })) died += 1;
          }
        }
        assert.ok(died >= 10, 'it died at every one of them');
      });
    }
  }

  async function dieOnce(
    schema: (typeof SCHEMAS)[number],
    { othersMinor, ...death }: { at: number; after: boolean; othersMinor: bigint },
  ): Promise<boolean> {
    await using connection = await connect(schema);
    const { record, pull, business, clock, notes, api } = connection;
    const invoice = invoiceIn(connection);
    const payment = ours([share(invoice)]);
    await pull();
    clock.pass(1);
    const attempt = mortal({ api, notes: notes.of(payment.paymentId) }, death);
    const died = await record(payment, attempt).catch((error: unknown) => error);
    if (!(died instanceof Error)) return false;
    assert.ok(died instanceof Died);
    clock.pass(1);
    if (othersMinor > 0n) business.change(invoice, othersMinor, clock.now());
    const others = othersMinor === 0n ? [] : [`1: ${othersMinor} USD`];
    const believed = await pull();
    assert.ok(believed.length === 0 || believed.join() === others.join(), believed.join());
    clock.pass(12);
    assert.deepEqual(await pull().then(within(others)), true);
    await record(payment).catch(async (error: Error) => {
      // A person is asked, looks into Wave, and enters what is missing there.
      assert.match(
        error.message,
        /nobody can tell whether 500\.00 USD arrived on invoice INV-1016/,
      );
      assert.ok(othersMinor > 0n);
      if (recorded(connection).length === 0) {
        const entered = { invoice, amountMinor: 50_000n, memo: payment.mark };
        business.enterForUs(entered, clock.now());
      }
      clock.pass(12);
      assert.deepEqual(await pull().then(within(others)), true);
      await record(payment);
    });
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 50000 USD']);
    clock.pass(1);
    assert.deepEqual(await pull().then(within(others)), true);
    clock.pass(5);
    assert.deepEqual(await pull(), others);
    assert.deepEqual(connection.setAside, []);
    return true;
  }

  const within = (others: readonly string[]) => (told: readonly string[]) =>
    told.length === 0 || told.join() === others.join();
});

describe('somebody else who pays the same amount while our answer is lost', () => {
  /** Ours never arrived, and theirs looks like it. */
  async function lost(options: { readonly listsPayments: boolean; readonly believes?: false }) {
    let losing = true;
    const connection = await connect({
      ...options,
      meddle: async (call, send) => {
        const query = (call.json as { query: string }).query;
        if (options.believes === false && query.includes('payments {')) {
          const errors = [{ message: 'no', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }];
          return { status: 400, headers: {}, body: Buffer.from(JSON.stringify({ errors })) };
        }
        if (!losing || !query.startsWith('mutation')) return send();
        losing = false;
        throw new RetryLater('lost');
      },
    });
    const invoice = invoiceIn(connection);
    const payment = ours([share(invoice)]);
    await assert.rejects(connection.record(payment), RetryLater);
    connection.business.change(invoice, 50_000n, connection.clock.now());
    connection.clock.pass(2);
    return { ...connection, payment, invoice };
  }

  test('cannot be told from us where Wave lists no payments: it is taken for a copy', async () => {
    for (const believes of [undefined, false] as const) {
      const listsPayments = believes === false;
      await using connection = await lost({
        listsPayments,
        ...(listsPayments ? { believes } : {}),
      });
      const { record, payment, pull, clock } = connection;
      await record(payment);
      assert.deepEqual(recorded(connection), []);
      clock.pass(5);
      assert.deepEqual(await pull(), []);
    }
  });

  test('is seen where Wave lists them, and a person is asked', async () => {
    await using connection = await lost({ listsPayments: true });
    const { record, payment, pull, clock, business, invoice } = connection;
    await assert.rejects(record(payment), /Make sure that it stands there once, with CV-ab12cd/);
    business.enterForUs({ invoice, amountMinor: 50_000n, memo: payment.mark }, clock.now());
    await record(payment);
    clock.pass(5);
    assert.deepEqual(await pull(), ['1: 50000 USD']);
  });

  test('and whoever lets us retry without looking has it sent when nothing is there', async () => {
    await using connection = await lost({ listsPayments: true });
    const { record, payment, business, invoice, clock, pull } = connection;
    await assert.rejects(record(payment), Rejected);
    business.change(invoice, -50_000n, clock.now());
    await record(payment);
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 50000 USD']);
    clock.pass(5);
    assert.deepEqual(await pull(), []);
  });
});

describe('payments of ours for one invoice at the same time', () => {
  test('are recorded one after the other, each once', async () => {
    await using connection = await connect();
    const { record, pull, clock } = connection;
    const invoice = invoiceIn(connection);
    const payments = [1, 2, 3, 4].map((number) => ours([share(invoice, 10_000n)], { number }));
    let waiting: readonly PaymentToRecord[] = payments;
    for (let round = 0; waiting.length > 0 && round < payments.length; round += 1) {
      const tried = await Promise.all(
        waiting.map((payment) => record(payment).catch((error: unknown) => error)),
      );
      for (const error of tried.filter((one) => one instanceof Error)) {
        assert.ok(error instanceof RetryLater && error.ourSide);
        assert.match(error.message, /pay_\d is being recorded on the same invoice/);
      }
      waiting = waiting.filter((_, index) => tried[index] instanceof Error);
    }
    assert.deepEqual(
      recorded(connection).sort(),
      payments.map(({ mark }) => `${mark} 10000 USD`),
    );
    clock.pass(10);
    assert.deepEqual(await pull(), []);
  });

  test('wait for one whose answer was lost, so that its amount stays told apart', async () => {
    let losing = true;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (!losing || !JSON.stringify(call.json).includes('mutation')) return answer;
        losing = false;
        throw new RetryLater('lost');
      },
    });
    const { record } = connection;
    const invoice = invoiceIn(connection);
    const [first, second] = [1, 2].map((number) => ours([share(invoice)], { number })) as [
      PaymentToRecord,
      PaymentToRecord,
    ];
    await assert.rejects(record(first), RetryLater);
    await assert.rejects(record(second), /pay_1 is being recorded/);
    await record(first);
    await record(second);
    assert.deepEqual(recorded(connection), [
      'CV-ab12cd-pay_1 50000 USD',
      'CV-ab12cd-pay_2 50000 USD',
    ]);
  });
});

describe('a payment no longer to be recorded', () => {
  const lossy = (arrives: boolean) => {
    let losing = true;
    return connect({
      meddle: async (call, send) => {
        if (!losing || !JSON.stringify(call.json).includes('mutation')) return send();
        losing = false;
        if (arrives) await send();
        throw new RetryLater('lost');
      },
    });
  };

  for (const arrives of [true, false]) {
    test(`is known to be there or not after an answer that was lost (${arrives})`, async () => {
      await using connection = await lossy(arrives);
      const { record, api, notes, settings, pull, clock } = connection;
      const payment = ours([share(invoiceIn(connection))]);
      const context = { settings, idempotencyKey: '', notes: notes.of(payment.paymentId) };
      const abandon = () => books.abandonRecording?.(api, payment, context);
      assert.equal(await abandon(), undefined, 'nothing was tried');
      await assert.rejects(record(payment), RetryLater);
      clock.pass(5);
      const found = arrives ? { externalId: payment.mark } : undefined;
      assert.deepEqual(await abandon(), found);
      assert.deepEqual(await abandon(), found);
      clock.pass(5);
      assert.deepEqual(await pull(), []);
    });
  }

  test('or for another invoice: what stands in Wave is said, and nothing more is recorded', async () => {
    await using connection = await connect();
    const { record } = connection;
    const [first, second] = [invoiceIn(connection), invoiceIn(connection, 'INV-1017')];
    await record(ours([share(first)]));
    for (const moved of [[share(second)], [share(first, 20_000n), share(second, 30_000n)]]) {
      await assert.rejects(record(ours(moved)), /stands in Wave, but it pays 50000 to invoice/);
    }
    assert.deepEqual(recorded(connection), ['CV-ab12cd-pay_12 50000 USD']);
  });
});
