/** Reading the simulated processor: by changes in the books, and by ids that must be asked for again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiCall } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater } from '../kit/errors.ts';
import { intuitPayments } from './index.ts';
import {
  connect,
  days,
  type Kept,
  minutes,
  NOW,
  order,
  pullRound,
} from './simulated-connection.ts';

const pull = intuitPayments.pull ?? assert.fail('no pull');
const asksProcessor = ({ path }: ApiCall) => path.startsWith('/quickbooks/v4/payments/');
const states = (events: readonly { type: string; externalPaymentId: string | null }[]) =>
  events.map(({ type, externalPaymentId }) => [type, externalPaymentId]);

describe('what changed in the books', () => {
  test('records that name a transaction are read with it, all others are left alone', async () => {
    await using connection = await connect({ subscribed: 'accounting' });
    const { processor, calls } = connection;
    const customer = processor.addCustomer({ name: 'Cash Only', email: 'c@c.example' }, NOW);
    processor.enterCheque(customer, 5_500n, NOW);
    const paid = processor.pay(order(), minutes(1));
    const { invoiceNumber: _, ...sale } = order();
    const sold = processor.pay(sale, minutes(2));
    const debited = processor.begin(order({ invoiceNumber: 'INV-1017' }), minutes(3));
    const { events, refused } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(refused, []);
    assert.deepEqual(
      states(events).sort(),
      [
        ['payment.pending', debited],
        ['payment.succeeded', paid],
        ['payment.succeeded', sold],
      ].sort(),
    );
    const charge = events.find(({ externalPaymentId }) => externalPaymentId === paid);
    assert.deepEqual(charge?.links.elsewhere, [
      { portal: 'quickbooks', externalId: processor.recordOf(paid) },
    ]);
    assert.equal(charge?.amountMinor, 121_045n);
    assert.equal(calls.filter(asksProcessor).length, 4, 'the eCheck was looked for as a charge');
  });

  test('the overlap is read again, and nothing of it is asked for again at the processor', async () => {
    await using connection = await connect();
    const { processor, calls } = connection;
    const first = processor.pay(order(), NOW);
    const round = await pullRound(connection, { at: minutes(5) });
    calls.length = 0;
    const second = await pullRound(connection, { ...round, at: minutes(10) });
    assert.deepEqual(second.events, []);
    assert.equal(calls.length, 3, 'one query for each kind');
    const { settings } = connection;
    assert.ok(
      calls.every(({ path }) => path.startsWith(`${settings.accountingBaseUrl}/v3/company/`)),
    );
    processor.void(first, minutes(11));
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(states(third.events), [['payment.voided', first]]);
  });

  test('a thousand records: pages by time, a bounded number of calls a page', async () => {
    await using connection = await connect();
    const { processor, calls, api, settings } = connection;
    const customer = processor.addCustomer({ name: 'Cash Only', email: 'c@c.example' }, days(-3));
    for (let count = 0; count < 1005; count += 1) {
      processor.enterCheque(customer, 100n, new Date(days(-3).getTime() + count * 1000));
    }
    const paid = Array.from({ length: 25 }, (_, index) =>
      processor.pay(order({ invoiceNumber: `INV-${index}` }), minutes(index)),
    );
    let most = 0;
    let cursor: unknown = pull.start(days(-30));
    for (;;) {
      calls.length = 0;
      const page = await pull.page(api, cursor, { settings, now: minutes(60) });
      most = Math.max(most, calls.length);
      cursor = JSON.parse(JSON.stringify(page.next));
      if (!page.more) break;
    }
    assert.ok(most <= 11, String(most));
    const { events } = await pullRound(connection, { at: minutes(60) });
    assert.deepEqual(events.map(({ externalPaymentId }) => externalPaymentId).sort(), paid.sort());
  });

  test('a page that breaks off keeps what came; a run that begins anew repeats no document', async () => {
    let left = 7;
    await using connection = await connect({
      meddle: async (call, send) => {
        if (asksProcessor(call) && left-- === 0) throw new RetryLater('broke off');
        return send();
      },
    });
    const { processor, api, settings } = connection;
    const paid = Array.from({ length: 9 }, (_, index) =>
      processor.pay(order({ invoiceNumber: `INV-${index}` }), minutes(index)),
    );
    const context = { settings, now: minutes(20), followed: async () => [] };
    const query = await pull.page(api, pull.start(days(-1)), context);
    const broken = await pull.page(api, query.next, context);
    assert.equal(broken.bodies.length, 7);
    // A crash before the page was stored: the same cursor gives the same documents, and all of them.
    const again = await pull.page(api, query.next, context);
    const keys = (bodies: readonly Buffer[]) =>
      bodies.flatMap((body) => intuitPayments.split(body, {}).map(({ key }) => key));
    assert.deepEqual(keys(again.bodies).slice(0, 7), keys(broken.bodies));
    assert.equal(again.bodies.length, 9);
    const rest = await pull.page(api, broken.next, context);
    assert.deepEqual([...keys(broken.bodies), ...keys(rest.bodies)], keys(again.bodies));
    assert.equal(new Set(keys(again.bodies)).size, paid.length);
  });

  test('a transaction that the processor does not know waits for a person, and is looked at again', async () => {
    let known = false;
    await using connection = await connect({
      meddle: async (call, send) => {
        if (!asksProcessor(call) || known) return send();
        const errors = [{ code: 'PMT-4000', type: 'invalid_request', message: 'id is invalid.' }];
        return { status: 404, headers: {}, body: Buffer.from(JSON.stringify({ errors })) };
      },
    });
    const { processor } = connection;
    const paid = processor.pay(order(), NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    assert.match(
      first.refused.join(),
      new RegExp(`names transaction ${paid}, which Intuit Payments`),
    );
    known = true;
    const second = await pullRound(connection, { ...first, at: minutes(9) });
    assert.deepEqual(states(second.events), [['payment.succeeded', paid]]);
  });

  test('the number of an invoice is read where its line lacks it', async () => {
    await using connection = await connect({
      meddle: async (_call, send) => {
        const answer = await send();
        const text = answer.body
          .toString()
          .replace(/"LineEx":\{"any":\[.*?\}\]\}/g, '"LineEx":null');
        return { ...answer, body: Buffer.from(text) };
      },
    });
    const { processor } = connection;
    const { customer } = order();
    const customerExternalId = processor.addCustomer(customer, NOW);
    const invoice = {
      number: 'INV-1016',
      customerExternalId,
      amountMinor: 121_045n,
      currency: 'USD',
    };
    processor.addInvoice(invoice, NOW);
    processor.pay(order(), minutes(1));
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(events[0]?.references[0], {
      kind: 'invoice',
      number: 'INV-1016',
      amountMinor: 121_045n,
    });
  });
});

describe('what must be asked for again', () => {
  /** A round at an instant, and which transactions it asked for. */
  async function roundAt(
    connection: Awaited<ReturnType<typeof connect>>,
    kept: Partial<Kept>,
    at: Date,
  ) {
    connection.calls.length = 0;
    const round = await pullRound(connection, { ...kept, at });
    const asked = connection.calls
      .filter(asksProcessor)
      .map(({ path }) => path.split('/').at(-1) ?? '');
    return { ...round, asked };
  }

  test('an authorization in each round until it is captured; less is captured', async () => {
    await using connection = await connect();
    const { processor } = connection;
    const id = processor.authorize(order(), NOW);
    const kept = { followed: new Set([id]) };
    const first = await roundAt(connection, kept, minutes(10));
    assert.deepEqual(states(first.events), [['payment.authorized', id]]);
    const second = await roundAt(connection, first, minutes(20));
    assert.deepEqual([second.asked, second.events], [[id], []]);
    processor.capture(id, minutes(25), 1_000n);
    const third = await roundAt(connection, second, minutes(30));
    assert.deepEqual(new Set(states(third.events)), new Set([['payment.succeeded', id]]));
    assert.ok(third.events.every(({ amountMinor }) => amountMinor === 1_000n));
    const fourth = await roundAt(connection, third, minutes(40));
    assert.deepEqual(fourth.asked, [], 'money is asked for once a day');
  });

  test('a bank debit in each round, then once a day, and it comes back ten banking days later', async () => {
    await using connection = await connect();
    const { processor } = connection;
    const id = processor.begin(order(), NOW);
    let round = await roundAt(connection, {}, minutes(10));
    assert.deepEqual(states(round.events), [['payment.pending', id]]);
    round = await roundAt(connection, round, days(3));
    assert.deepEqual(round.asked, [id]);
    assert.deepEqual(states(round.events), [['payment.pending', id]], 'without its record');
    round = await roundAt(connection, round, days(3.1));
    assert.deepEqual([round.asked, round.events], [[id], []]);
    processor.settle(id, days(4));
    round = await roundAt(connection, round, days(4));
    assert.deepEqual(states(round.events), [['payment.succeeded', id]]);
    const [success] = round.events;
    round = await roundAt(connection, round, new Date(days(4).getTime() + 3_600_000));
    assert.deepEqual(round.asked, []);
    round = await roundAt(connection, round, days(5));
    assert.deepEqual([round.asked, round.events], [[id], []]);
    processor.fail(id, days(17));
    round = await roundAt(connection, round, days(18));
    assert.deepEqual(states(round.events), [['payment.failed', id]]);
    const [failure] = round.events;
    assert.ok(String(failure?.occurredAt) > String(success?.occurredAt), 'later than its success');
    round = await roundAt(connection, round, days(19));
    assert.deepEqual(round.asked, [], 'what failed is over');
  });

  test('many: twenty a page, each once a round, and what came before a refusal is kept', async () => {
    let left = 12;
    await using connection = await connect({
      records: 'none',
      meddle: async (call, send) => {
        if (asksProcessor(call) && left-- === 0) throw new RetryLater('too many requests');
        return send();
      },
    });
    const { processor, api, settings } = connection;
    const ids = Array.from({ length: 45 }, () => processor.pay(order(), NOW));
    const context = { settings, now: minutes(10), followed: async () => ids };
    const sizes: number[] = [];
    let cursor: unknown = pull.start(days(-1));
    for (let page = 0; page < 20; page += 1) {
      const answer = await pull.page(api, cursor, context);
      if (answer.bodies.length > 0) sizes.push(answer.bodies.length);
      cursor = JSON.parse(JSON.stringify(answer.next));
      if (!answer.more) break;
    }
    assert.deepEqual(sizes, [12, 20, 13]);
    const before = connection.calls.length;
    const { asked } = await roundAt(
      connection,
      { cursor: cursor as Kept['cursor'], followed: new Set(ids) },
      minutes(20),
    );
    assert.deepEqual(asked, []);
    assert.ok(before < 45 + 3 + 5);
  });

  test('a refusal at the first of a page is a refusal: nothing is stored', async () => {
    await using connection = await connect({
      records: 'none',
      meddle: async (call, send) => {
        if (asksProcessor(call)) throw new RetryLater('too many requests');
        return send();
      },
    });
    const id = connection.processor.pay(order(), NOW);
    const kept = { at: minutes(10), followed: new Set([id]) };
    await assert.rejects(pullRound(connection, kept), RetryLater);
  });

  test('a refund without a receipt waits for a person after a day, one with a receipt does not', async () => {
    for (const receiptsName of ['refund', 'charge'] as const) {
      await using connection = await connect({ receiptsName });
      const { processor } = connection;
      const silent = processor.pay(order(), NOW);
      const told = processor.pay(order({ invoiceNumber: 'INV-1017' }), NOW);
      let round = await roundAt(connection, {}, minutes(10));
      processor.refundSilently(silent, 121_045n, days(2));
      processor.refund(told, 121_045n, days(2));
      round = await roundAt(connection, round, new Date(days(2).getTime() + 3_600_000));
      const refunds = round.events.filter(({ type }) => type === 'refund.succeeded');
      assert.deepEqual(
        refunds.map(({ externalPaymentId, amountMinor }) => [externalPaymentId, amountMinor]),
        [[told, 121_045n]],
      );
      assert.deepEqual(round.refused, []);
      round = await roundAt(connection, round, days(3.5));
      assert.deepEqual(round.refused, [
        `charge ${silent} was refunded, but no refund receipt in QuickBooks names it: enter its refund`,
      ]);
      round = await roundAt(connection, round, days(5));
      assert.deepEqual([round.asked.includes(silent), round.refused], [false, []], 'said once');
    }
  });

  test('of partial refunds each is told by its receipt, in whichever way it names the charge', async () => {
    for (const receiptsName of ['refund', 'charge'] as const) {
      await using connection = await connect({ receiptsName });
      const { processor } = connection;
      const id = processor.pay(order(), NOW);
      const round = await pullRound(connection, { at: minutes(10) });
      const refundIds = [
        processor.refund(id, 1_000n, days(2)),
        processor.refund(id, 2_045n, days(2)),
      ];
      const { events } = await pullRound(connection, { ...round, at: days(2.1) });
      const refunds = events.filter(({ type }) => type === 'refund.succeeded');
      assert.deepEqual(
        refunds.map(({ amountMinor }) => amountMinor),
        [1_000n, 2_045n],
      );
      assert.ok(refunds.every(({ externalPaymentId }) => externalPaymentId === id));
      const known = refunds.map(({ refundId }) => refundId);
      if (receiptsName === 'refund') assert.deepEqual(known, refundIds);
      else assert.match(known.join(), /^RefundReceipt:\d+,RefundReceipt:\d+$/);
    }
  });
});

describe('refunds that are issued', () => {
  test('are asked for once a day: one settles and is over, one is declined, one is believed', async () => {
    await using connection = await connect({ receiptsName: 'refund' });
    const { processor, calls } = connection;
    const id = processor.pay(order(), NOW);
    let round = await pullRound(connection, { at: minutes(10) });
    const [settles, declined, stays] = [1_000n, 2_000n, 3_000n].map((amountMinor) =>
      processor.refund(id, amountMinor, days(2)),
    ) as [string, string, string];
    const asked = () =>
      calls.flatMap(({ path }) => /\/refunds\/(\w+)$/.exec(path)?.[1] ?? []).sort();
    const roundAt = async (at: Date) => {
      calls.length = 0;
      round = await pullRound(connection, { ...round, at });
      return round.events.filter(({ type }) => type.startsWith('refund.'));
    };
    assert.equal((await roundAt(days(2.1))).length, 3);
    assert.deepEqual(await roundAt(days(2.2)), []);
    assert.deepEqual(asked(), []);
    processor.endRefund(settles, 'SETTLED');
    processor.endRefund(declined, 'DECLINED');
    const ended = await roundAt(days(4));
    assert.deepEqual(asked(), [declined, settles, stays].sort());
    const failed = ended.find(({ refundId }) => refundId === declined);
    assert.equal(failed?.type, 'refund.failed');
    assert.equal(failed?.occurredAt, days(4).toISOString(), 'when it was learned');
    assert.ok(
      ended
        .filter(({ refundId }) => refundId !== declined)
        .every(({ type }) => type === 'refund.succeeded'),
    );
    await roundAt(days(5));
    assert.deepEqual(asked(), [stays]);
    await roundAt(days(18));
    assert.deepEqual(asked(), [stays], 'for the last time');
    await roundAt(days(19));
    assert.deepEqual(asked(), []);
    assert.equal(processor.truth()[0]?.refundedMinor, 4_000n);
  });
});

describe('answers that are not what was asked for', () => {
  const answering = (status: number, body: unknown) =>
    connect({
      records: 'none',
      meddle: async (call, send) =>
        asksProcessor(call)
          ? { status, headers: {}, body: Buffer.from(JSON.stringify(body)) }
          : send(),
    });
  const errors = (code: string) => ({ errors: [{ code, type: 'x', message: 'No.' }] });

  test('each error by its kind', async () => {
    for (const [status, body, cause] of [
      [400, errors('PMT-6000'), RetryLater],
      [400, errors('PMT-3000'), Reauthorize],
      [400, { odd: true }, Rejected],
    ] as const) {
      await using connection = await answering(status, body);
      const kept = { at: NOW, followed: new Set(['E1']) };
      await assert.rejects(pullRound(connection, kept), cause);
    }
    for (const [status, code] of [
      [404, 'PMT-4000'],
      [400, 'PMT-4002'],
      [400, 'PMT-5000'],
    ] as const) {
      await using connection = await answering(status, errors(code));
      const round = await pullRound(connection, { at: NOW, followed: new Set(['E1']) });
      assert.deepEqual([round.events, round.refused], [[], []]);
    }
  });

  test('tokens lost in the middle, and too many requests of both hosts', async () => {
    await using connection = await connect({ faultRate: 0.3 });
    const { processor } = connection;
    const paid = Array.from({ length: 12 }, (_, index) =>
      processor.pay(order({ invoiceNumber: `INV-${index}` }), minutes(index)),
    );
    let kept: Partial<Kept> = {};
    const found = new Set<string | null>();
    for (let tries = 0; tries < 60 && found.size < paid.length; tries += 1) {
      if (tries % 3 === 0) processor.expireAccessTokens();
      try {
        const round = await pullRound(connection, { ...kept, at: minutes(30 + tries) });
        kept = round;
        for (const { externalPaymentId } of round.events) found.add(externalPaymentId);
      } catch (error) {
        assert.ok(error instanceof RetryLater, String(error));
      }
    }
    assert.deepEqual([...found].sort(), paid.sort());
  });
});
