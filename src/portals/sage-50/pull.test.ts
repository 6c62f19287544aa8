/** Pulling from a simulated Sage 50 by each of its bridges. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { sage50 } from './index.ts';
import {
  type Connection,
  cheque,
  connect,
  days,
  fill,
  minutes,
  NOW,
  pullRound,
  told,
} from './simulated-connection.ts';

const sample = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'));

/** What each bridge must do alike. */
const WAYS = [
  { bridge: 'own' },
  { bridge: 'oss' },
  { bridge: 'oss', ledgerByCode: true },
  { bridge: 'hyperaccounts' },
  { bridge: 'hyperaccounts', dateFormat: 'mm/dd/yyyy' },
] as const;

for (const way of WAYS) {
  describe(`pulling by ${Object.values(way).join(' ')}`, () => {
    test('brings every page of what there is, once', async () => {
      await using connection = await connect(way);
      const { sage } = connection;
      const { customer, invoice } = fill(sage);
      const ids = Array.from({ length: 12 }, (_, at) =>
        sage.enterPayment(cheque(customer, invoice, BigInt(500 + at)), NOW),
      );
      const first = await pullRound(connection, { at: minutes(5) });
      const paid = first.events.filter(({ type }) => type === 'payment.succeeded');
      assert.deepEqual(paid.map(({ externalPaymentId }) => externalPaymentId).sort(), ids.sort());
      const bills = first.events.filter(({ type }) => type === 'invoice.upserted');
      assert.equal(bills[0]?.invoice?.externalId, invoice);
      assert.equal(bills[0]?.invoice?.number, '10421');
      assert.equal(bills[0]?.invoice?.workOrder, 'WO-20881');
      const payer = first.events.find(({ customer: one }) => one?.email === 'ap@ob.example');
      assert.equal(payer?.customer?.externalId, customer);
      assert.equal(payer?.customer?.name, "O'Brien & Sons");
      const again = await pullRound(connection, { ...first, at: minutes(10) });
      assert.deepEqual(again.events, []);
    });

    test('finds what is new, dated back, changed, deleted, corrected and given back', async () => {
      await using connection = await connect(way);
      const { sage } = connection;
      const { customer, invoice } = fill(sage);
      const onAccount = { ...cheque(customer, invoice, 900n), invoices: [] };
      const kept = sage.enterPayment(onAccount, NOW);
      const gone = sage.enterPayment(cheque(customer, invoice, 700n), NOW);
      const wrong = sage.enterPayment(cheque(customer, invoice, 610n), NOW);
      const first = await pullRound(connection, { at: minutes(5) });
      sage.remove(gone, minutes(6));
      sage.allocate(kept, [{ externalId: invoice, amountMinor: 900n }], minutes(6));
      const right = sage.correct(wrong, 601n, minutes(7));
      const refund = sage.refund(kept, 100n, minutes(8));
      const second = await pullRound(connection, { ...first, at: minutes(10) });
      const id = (externalId: string) => externalId.replace(/^SIM-\d+:/, '');
      const amount = way.bridge === 'oss' ? 0n : undefined;
      const money = told(second.events).filter((one) => !one.startsWith('invoice.'));
      assert.deepEqual(
        money.sort(),
        [
          `payment.succeeded ${id(kept)} 900`,
          `payment.succeeded ${id(right)} 601`,
          `payment.voided ${id(gone)} ${amount ?? 700n}`,
          `payment.voided ${id(wrong)} ${amount ?? 610n}`,
          `refund.succeeded ${id(refund)} 100`,
        ].sort(),
      );
      const third = await pullRound(connection, { ...second, at: minutes(15) });
      assert.deepEqual(third.events, []);
    });

    test('learns which invoice a receipt pays, at once or later', async () => {
      await using connection = await connect(way);
      const { sage } = connection;
      const { customer, invoice } = fill(sage);
      const first = await pullRound(connection, { at: minutes(5) });
      const paid = sage.enterPayment(cheque(customer, invoice, 5500n), minutes(6));
      const onAccount = { ...cheque(customer, invoice, 900n), invoices: [] };
      const second = await pullRound(connection, { ...first, at: minutes(10) });
      const shareOf = (events: typeof second.events, id: string) =>
        events
          .find((one) => one.externalPaymentId === id)
          ?.references.filter(({ kind }) => kind === 'invoice');
      const share = (amountMinor: bigint) => [
        { kind: 'invoice', externalId: invoice, number: '10421', amountMinor },
      ];
      assert.deepEqual(shareOf(second.events, paid), share(5500n));
      const later = sage.enterPayment(onAccount, minutes(11));
      const third = await pullRound(connection, { ...second, at: minutes(15) });
      assert.deepEqual(shareOf(third.events, later), []);
      sage.allocate(later, [{ externalId: invoice, amountMinor: 900n }], minutes(16));
      const fourth = await pullRound(connection, { ...third, at: minutes(20) });
      assert.deepEqual(shareOf(fourth.events, later), share(900n));
      assert.ok(told(fourth.events).some((one) => one.startsWith('invoice.upserted')));
    });

    test('goes on where it was when it broke off, or the bridge was busy', async () => {
      let calls = 0;
      await using connection = await connect({
        ...way,
        meddle: (_call, send) => {
          calls += 1;
          if ([2, 4, 7].includes(calls)) throw new RetryLater('Accounts application is busy');
          return send();
        },
      });
      const { sage, api, settings } = connection;
      const { customer, invoice } = fill(sage);
      for (let at = 0; at < 12; at += 1) {
        sage.enterPayment(cheque(customer, invoice, BigInt(500 + at)), NOW);
      }
      const { pull } = sage50;
      assert.ok(pull);
      let cursor: unknown = pull.start(days(-5));
      const keys: string[] = [];
      for (let look = 0; look < 60; look += 1) {
        try {
          const page = await pull.page(api, cursor, { settings, now: minutes(5) });
          keys.push(...page.bodies.flatMap((body) => sage50.split(body, {})).map(({ key }) => key));
          cursor = JSON.parse(JSON.stringify(page.next));
          if (!page.more) break;
        } catch (error) {
          assert.ok(error instanceof RetryLater);
        }
      }
      const receipts = keys.filter((key) => /^(receipt|audit):/.test(key));
      assert.equal(new Set(receipts).size, 13);
      assert.equal(receipts.length, 13, 'no page was read twice');
    });

    test('tells its check what it reaches', async () => {
      await using connection = await connect(way);
      const { api, settings } = connection;
      const said = await sage50.check?.(api, settings);
      assert.match(String(said), /^Sage 50 \(UK\), data "SIM-7": /);
    });
  });
}

describe('the own bridge', () => {
  const sinceOf = (calls: readonly ApiCall[]) => calls.map(({ query }) => String(query?.since));

  test('is asked from ten minutes before the last change, and from sixty days before once a day', async () => {
    await using connection = await connect();
    const { sage, calls } = connection;
    const { customer, invoice } = fill(sage);
    sage.enterPayment(cheque(customer, invoice, 500n), minutes(3));
    const first = await pullRound(connection, { at: minutes(5), from: days(-90) });
    assert.equal(sinceOf(calls)[0], '2026-08-05T16:00:00Z|0');
    calls.length = 0;
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.equal(sinceOf(calls)[0], '2026-11-03T15:53:00Z|0');
    calls.length = 0;
    const third = await pullRound(connection, { ...second, at: minutes(10 + 21 * 60) });
    assert.equal(sinceOf(calls)[0], '2026-09-05T13:10:00Z|0');
    calls.length = 0;
    await pullRound(connection, { ...third, at: minutes(15 + 21 * 60) });
    assert.equal(sinceOf(calls)[0], '2026-11-03T15:53:00Z|0');
  });

  test('a deletion that it did not count as a change is found by the next long reading', async () => {
    let hidden = true;
    let deleted = '';
    await using connection = await connect({
      meddle: async (_call, send) => {
        const answer = await send();
        const page = JSON.parse(answer.body.toString());
        const receipts = page.receipts.map((one: { tranNumber: number }) =>
          !hidden && String(one.tranNumber) === deleted ? { ...one, deleted: true } : one,
        );
        return { ...answer, body: Buffer.from(JSON.stringify({ ...page, receipts })) };
      },
    });
    const { sage } = connection;
    const { customer, invoice } = fill(sage);
    const id = sage.enterPayment(cheque(customer, invoice, 500n), days(-3));
    sage.enterPayment(cheque(customer, invoice, 600n), NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    hidden = false;
    deleted = id.replace(/^.*:/, '');
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(second.events, []);
    const third = await pullRound(connection, { ...second, at: days(1) });
    assert.deepEqual(told(third.events), [`payment.voided ${deleted} 500`]);
  });

  test('with a backup restored, or other data open, stops and asks before anything is taken', async () => {
    let restored = false;
    await using connection = await connect({
      meddle: async (_call, send) => {
        const answer = await send();
        if (!restored) return answer;
        const page = JSON.parse(answer.body.toString());
        const receipts = page.receipts.map((one: object) => ({
          ...one,
          tranNumber: 1002,
          modifiedAt: '2026-11-03T16:09:00Z',
        }));
        return { ...answer, body: Buffer.from(JSON.stringify({ ...page, receipts })) };
      },
    });
    const { sage, api, settings } = connection;
    const { customer, invoice } = fill(sage);
    sage.enterPayment(cheque(customer, invoice, 500n), NOW);
    sage.enterPayment(cheque(customer, invoice, 600n), NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    restored = true;
    await assert.rejects(
      pullRound(connection, { ...first, at: minutes(10) }),
      (error) => error instanceof WireMismatch && /backup restored/.test(error.message),
    );
    const other = { ...settings, dataset: 'OTHER' };
    await assert.rejects(
      pullRound({ api, settings: other }, { at: minutes(10) }),
      /"SIM-7".*"OTHER"/,
    );
    await assert.rejects(async () => sage50.check?.(api, other), /"SIM-7" open, not "OTHER"/);
  });

  test('a page that leads nowhere ends the round, not the patience', async () => {
    await using connection = await connect({
      meddle: async (_call, send) => {
        const answer = await send();
        const page = { ...JSON.parse(answer.body.toString()), hasMore: true, nextCursor: null };
        return { ...answer, body: Buffer.from(JSON.stringify(page)) };
      },
    });
    await assert.rejects(pullRound(connection, { at: minutes(5) }), /nextCursor/);
  });

  test('a key that is refused asks for another one', async () => {
    await using connection = await connect({ change: { apiKey: 'wrong' } });
    const { api, settings } = connection;
    await assert.rejects(async () => sage50.check?.(api, settings), Reauthorize);
    await assert.rejects(pullRound(connection, { at: minutes(5) }), Reauthorize);
  });

  test('the US edition is read by it too, with periods in its numbers', async () => {
    await using connection = await connect({ edition: 'us' });
    const { sage } = connection;
    const { customer, invoice } = fill(sage);
    const id = sage.enterPayment(cheque(customer, invoice, 500n), NOW);
    assert.match(id, /^SIM-7:11-\d+$/);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const payment = events.find(({ type }) => type === 'payment.succeeded');
    assert.equal(payment?.externalPaymentId, id);
    assert.equal(payment?.occurredAt, '2026-11-03T05:00:00.000Z');
  });
});

/** A bridge that answers what it is told. */
function stub(answer: (call: ApiCall) => unknown): Pick<Connection, 'api' | 'settings'> {
  const given = { dataset: 'D', baseCurrency: 'GBP', apiBaseUrl: 'http://sage-pc:5000' };
  const settings = sage50.settings.parse({ ...given, bridge: 'oss' });
  const api: PortalApi = {
    request: async (call) => {
      const value = answer(call);
      const { status = 200, body = value } = value as { status?: number; body?: unknown };
      return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  return { api, settings: settings as Connection['settings'] };
}
const found = (data: unknown) => ({ success: true, data, error: null });

describe('the open-source bridge', () => {
  test('its samples are one receipt and one invoice, with the bank from the other list', async () => {
    const connection = stub(({ path, query }) => {
      if (path === 'api/customers') return { status: 404, body: sample('open-source-absent') };
      if (path === 'api/sales/ledger') return sample('open-source-sales-ledger');
      assert.equal(query?.type, 'SR');
      return sample('open-source-transactions');
    });
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(
      events
        .filter(({ type }) => type !== 'customer.upserted')
        .map(({ type, amountMinor, method, occurredAt }) => [
          type,
          amountMinor,
          method,
          occurredAt,
        ]),
      [
        ['invoice.upserted', 40000n, null, minutes(5).toISOString()],
        ['payment.succeeded', 45250n, 'bank', '2026-11-03T00:00:00.000Z'],
      ],
    );
  });

  test('its errors with any status are waited for, or told in its words', async () => {
    const round = (status: number, error: string) =>
      pullRound(
        stub(() => ({ status, body: { success: false, data: null, error } })),
        { at: minutes(5) },
      );
    const busy = sample('error-open-source-busy.in').error as string;
    for (const status of [200, 500, 503]) {
      await assert.rejects(
        round(status, busy),
        (error) => error instanceof RetryLater && error.afterMs === 60_000,
      );
    }
    await assert.rejects(round(500, 'Username is already in use'), RetryLater);
    await assert.rejects(round(500, 'Failed to get setup information'), RetryLater);
    await assert.rejects(
      round(400, 'Foreign Currency mismatch'),
      (error) => error instanceof Rejected && /Foreign Currency mismatch/.test(error.message),
    );
    await assert.rejects(
      pullRound(
        stub(() => ({ status: 500, body: { error: 'internal' } })),
        { at: minutes(5) },
      ),
      RetryLater,
    );
  });

  test('lists that its limit cuts off are asked for in halves, to the last row', async () => {
    const row = (transactionNumber: number, date: string) => ({
      transactionNumber,
      accountRef: 'NORTHF',
      type: 'SC',
      date: `${date}T00:00:00`,
      grossAmount: 1.5,
      outstanding: 1.5,
    });
    const all = Array.from({ length: 12_000 }, (_, at) =>
      row(at + 1, new Date(days(-(at % 40))).toISOString().slice(0, 10)),
    );
    let calls = 0;
    const connection = stub(({ path, query }) => {
      if (path !== 'api/sales/ledger') return found([]);
      calls += 1;
      const { from = '', to = '9999', limit } = (query ?? {}) as Record<string, string>;
      const fit = all.filter(({ date }) => date.slice(0, 10) >= from && date.slice(0, 10) <= to);
      return found(fit.slice(0, Number(limit)));
    });
    const { stored } = await pullRound(connection, { at: minutes(5), from: days(-44) });
    assert.equal(stored.size, 12_000);
    assert.ok(calls < 12, `${calls} calls`);
  });

  test('the past is read in portions of its window, then the window alone', async () => {
    const asked: string[] = [];
    const connection = stub(({ path, query }) => {
      const { from = '', to = '' } = (query ?? {}) as Record<string, string>;
      if (path === 'api/sales/ledger') asked.push(`${from}..${to}`);
      return found([]);
    });
    const first = await pullRound(connection, { at: NOW, from: days(-120) });
    await pullRound(connection, { ...first, at: minutes(5) });
    assert.deepEqual(asked, [
      '2026-07-05..2026-08-18',
      '2026-08-19..2026-10-02',
      '2026-09-19..',
      '2026-09-19..',
    ]);
  });

  test('a receipt dated out of the window is not deleted', async () => {
    const ledgerOf = (date: string) => [
      {
        transactionNumber: 1842,
        accountRef: 'A&B',
        type: 'SR',
        date,
        grossAmount: 5,
        outstanding: 5,
      },
    ];
    let date = '2026-11-03T00:00:00';
    const later = { ...ledgerOf(date)[0], transactionNumber: 1900, type: 'SC' };
    const connection = stub(({ path, query }) => {
      if (path !== 'api/sales/ledger') return found([]);
      const isWhole = query?.from === undefined;
      if (isWhole) assert.equal(query?.account, 'A&B');
      const rows = isWhole || date.startsWith('2026-11') ? ledgerOf(date) : [];
      return found([...rows, later]);
    });
    const first = await pullRound(connection, { at: NOW });
    date = '2026-01-03T00:00:00';
    const second = await pullRound(connection, { ...first, at: minutes(5) });
    assert.deepEqual(told(second.events), ['payment.succeeded D:1842 500']);
    const third = await pullRound(connection, { ...second, at: minutes(10) });
    assert.deepEqual(third.events, []);
  });

  test('a list that ends early, is empty or out of order voids nothing', async () => {
    const row = (transactionNumber: number) => {
      const facts = { accountRef: 'NORTHF', type: 'SR', date: '2026-11-03T00:00:00' };
      return { transactionNumber, ...facts, grossAmount: 5, outstanding: 5 };
    };
    const whole = [row(1), row(2), row(3), row(4)];
    let rows = whole;
    const connection = stub(({ path }) => found(path === 'api/sales/ledger' ? rows : []));
    const first = await pullRound(connection, { at: NOW });
    const after = (next: readonly ReturnType<typeof row>[]) => {
      rows = [...next];
      const { cursor, stored } = first;
      return pullRound(connection, { cursor, stored: new Set(stored), at: minutes(5) });
    };
    assert.deepEqual((await after([row(1), row(2)])).events, []);
    assert.deepEqual((await after([row(4), row(1)])).events, []);
    await assert.rejects(after([]), RetryLater);
    const gone = await after([row(1), row(3), row(5)]);
    assert.deepEqual(told(gone.events), [
      'payment.succeeded D:5 500',
      'payment.voided D:2 0',
      'payment.voided D:4 0',
    ]);
    const early = await after([row(1), row(3)]);
    assert.deepEqual(told(early.events), ['payment.voided D:2 0'], 'the fourth waits');
    rows = [row(1), row(3), row(5)];
    const later = await pullRound(connection, { ...early, at: minutes(10) });
    assert.deepEqual(told(later.events), ['payment.succeeded D:5 500', 'payment.voided D:4 0']);
  });

  test('a firm that enters nothing for long is no bridge that lost Sage 50', async () => {
    const facts = { accountRef: 'NORTHF', type: 'SR', grossAmount: 5, outstanding: 5 };
    const row = { transactionNumber: 1, date: '2026-11-03T00:00:00', ...facts };
    const connection = stub(({ path, query }) => {
      const { from = '' } = (query ?? {}) as Record<string, string>;
      return found(path === 'api/sales/ledger' && from <= '2026-11-03' ? [row] : []);
    });
    let { cursor } = await pullRound(connection, { at: NOW });
    for (const at of [44, 45, 46, 60]) {
      const round = await pullRound(connection, { cursor, at: days(at) });
      assert.deepEqual(told(round.events), []);
      cursor = round.cursor;
    }
  });

  test('a number that means another transaction now stops the pull', async () => {
    let rows: object[] = [];
    const row = (transactionNumber: number, accountRef: string, type = 'SR') => {
      const amounts = { grossAmount: 5, outstanding: 0 };
      return { transactionNumber, accountRef, type, date: '2026-11-03T00:00:00', ...amounts };
    };
    const connection = stub(({ path }) => found(path === 'api/sales/ledger' ? rows : []));
    rows = [row(1842, 'NORTHF'), row(1843, 'HARBOR')];
    const first = await pullRound(connection, { at: NOW });
    rows = [row(1842, 'NORTHF'), row(1843, 'REYES')];
    await assert.rejects(pullRound(connection, { ...first, at: minutes(5) }), /1843.*backup/);
    rows = [row(1842, 'NORTHF'), row(1844, 'HARBOR', 'SC')];
    const second = await pullRound(connection, { ...first, at: minutes(5) });
    assert.deepEqual(told(second.events), ['payment.voided D:1843 0']);
    rows = [row(1842, 'NORTHF'), row(1843, 'HARBOR')];
    await assert.rejects(pullRound(connection, { ...second, at: minutes(10) }), /1843.*backup/);
  });

  test('where the account leaves a doubt, nothing is said of invoices', async () => {
    type Row = readonly [number, string, number, number];
    let rows: readonly Row[] = [];
    const connection = stub(({ path }) =>
      found(
        path !== 'api/sales/ledger'
          ? []
          : rows.map(([transactionNumber, type, grossAmount, outstanding]) => {
              const facts = { accountRef: 'NORTHF', date: '2026-11-03T00:00:00' };
              const reference = `R${transactionNumber}`;
              return { transactionNumber, type, grossAmount, outstanding, reference, ...facts };
            }),
      ),
    );
    const invoices: readonly Row[] = [
      [1, 'SI', 400, 400],
      [2, 'SI', 52.5, 52.5],
      [3, 'SI', 60, 60],
    ];
    rows = invoices;
    const first = await pullRound(connection, { at: NOW });
    const after = async (next: readonly Row[]) => {
      rows = next;
      const { events } = await pullRound(connection, {
        cursor: first.cursor,
        stored: new Set(first.stored),
        at: minutes(5),
      });
      return events.flatMap(({ references }) =>
        references.flatMap(({ kind, number, amountMinor }) =>
          kind === 'invoice' ? [`${number} ${amountMinor}`] : [],
        ),
      );
    };
    const [one, two, three] = invoices as [Row, Row, Row];
    const paid = ([number, type, gross]: Row): Row => [number, type, gross, 0];
    assert.deepEqual(await after([paid(one), paid(two), three, [4, 'SR', 452.5, 0]]), [
      'R1 40000',
      'R2 5250',
    ]);
    assert.deepEqual(
      await after([paid(one), paid(two), three, [4, 'SR', 400, 0], [5, 'SR', 52.5, 0]]),
      ['R1 40000', 'R2 5250'],
    );
    // A payment to the customer has no part in it.
    assert.deepEqual(await after([paid(one), two, three, [4, 'SR', 400, 0], [5, 'SP', 90, 0]]), [
      'R1 40000',
    ]);
    // Two receipts of one amount, a credit note in between, or money for an invoice that nobody sees.
    const doubtful: readonly (readonly Row[])[] = [
      [paid(one), two, three, [4, 'SR', 200, 0], [5, 'SR', 200, 0]],
      [paid(one), two, three, [4, 'SR', 300, 0], [5, 'SC', 100, 0]],
      [paid(one), two, three, [4, 'SR', 452.5, 0]],
      [one, two, three, [4, 'SR', 400, 0]],
    ];
    for (const next of doubtful) assert.deepEqual(await after(next), []);
  });

  test('nor of an invoice that was there before it was seen, for nobody knows what it lacked', async () => {
    let rows: readonly (readonly [number, string, number, number])[] = [];
    const connection = stub(({ path }) =>
      found(
        path !== 'api/sales/ledger'
          ? []
          : rows.map(([transactionNumber, type, grossAmount, outstanding]) => {
              const facts = { accountRef: 'NORTHF', date: '2026-11-03T00:00:00', reference: 'R' };
              return { transactionNumber, type, grossAmount, outstanding, ...facts };
            }),
      ),
    );
    rows = [[10, 'SI', 1, 1]];
    const first = await pullRound(connection, { at: NOW });
    rows = [
      [9, 'SI', 400, 0],
      [10, 'SI', 1, 1],
      [11, 'SR', 400, 0],
    ];
    const { events } = await pullRound(connection, { ...first, at: minutes(5) });
    const [paid] = events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(
      paid?.references.filter(({ kind }) => kind === 'invoice'),
      [],
    );
  });

  test('a receipt read anew from the beginning is the document that it was, with its allocations', async () => {
    await using connection = await connect({ bridge: 'oss' });
    const { sage } = connection;
    const { customer, invoice } = fill(sage);
    const first = await pullRound(connection, { at: minutes(5) });
    sage.enterPayment(cheque(customer, invoice), minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.equal(told(second.events).filter((one) => one.startsWith('payment')).length, 1);
    const anew = await pullRound(connection, { at: minutes(15), stored: second.stored });
    assert.deepEqual(told(anew.events), []);
  });

  test('a bridge without Sage 50 behind it is named', async () => {
    const { api, settings } = stub(() => found({ status: 'ok', connected: false, version: '1' }));
    await assert.rejects(async () => sage50.check?.(api, settings), /no connection to Sage 50/);
  });
});

describe('HyperAccounts', () => {
  test('is searched with filters of its own form, in the date format of its PC', async () => {
    for (const [dateFormat, value] of [
      ['dd/mm/yyyy', '29/10/2026'],
      ['mm/dd/yyyy', '10/29/2026'],
    ] as const) {
      await using connection = await connect({ bridge: 'hyperaccounts', dateFormat });
      const { calls } = connection;
      fill(connection.sage);
      const first = await pullRound(connection, { at: minutes(5), from: days(-4) });
      const search = calls.find(({ path }) => path === 'api/search/auditHeaders');
      const [form] = sample('hyperaccounts-search-request');
      assert.deepEqual(search?.json, [{ ...form, value }]);
      calls.length = 0;
      await pullRound(connection, { ...first, at: minutes(10) });
      assert.equal(calls.length, 1, 'customers are read once a day');
      assert.match(JSON.stringify(calls[0]?.json), /2026/);
    }
  });

  test('a wrong token, which is answered 403, asks for another one', async () => {
    await using connection = await connect({
      bridge: 'hyperaccounts',
      change: { authToken: 'wrong' },
    });
    const { api, settings } = connection;
    await assert.rejects(async () => sage50.check?.(api, settings), Reauthorize);
    await assert.rejects(pullRound(connection, { at: minutes(5) }), Reauthorize);
  });

  test('a bare list is read as well, a refusal told, and busy waited for', async () => {
    let change = (body: string) => body;
    await using connection = await connect({
      bridge: 'hyperaccounts',
      meddle: async (_call, send) => {
        const answer = await send();
        return { ...answer, body: Buffer.from(change(answer.body.toString())) };
      },
    });
    const { sage } = connection;
    const { customer, invoice } = fill(sage);
    sage.enterPayment(cheque(customer, invoice, 500n), NOW);
    change = (body) => JSON.stringify(JSON.parse(body).results);
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.ok(told(events).some((one) => one.startsWith('payment.succeeded')));
    const failing = (message: string, code: number) => () =>
      JSON.stringify({ success: false, code, response: null, message });
    change = failing('Username is already in use', 500);
    await assert.rejects(pullRound(connection, { at: minutes(5) }), RetryLater);
    change = failing('Invalid field', 422);
    await assert.rejects(pullRound(connection, { at: minutes(5) }), /Invalid field/);
  });
});

test('without a bridge nothing is pulled, and the check says so', async () => {
  await using connection = await connect({ bridge: 'none' });
  const { api, settings, calls } = connection;
  assert.equal(sage50.pull?.possible?.(settings), false);
  assert.match(String(await sage50.check?.(api, settings)), /by files only/);
  assert.deepEqual(calls, []);
});

test('a cursor of another bridge, or of other data, begins anew', async () => {
  await using connection = await connect();
  const { sage, api, settings } = connection;
  const { customer, invoice } = fill(sage);
  sage.enterPayment(cheque(customer, invoice, 500n), NOW);
  const first = await pullRound(connection, { at: minutes(5) });
  const reading = { ...first.cursor.reading, dataset: 'BEFORE' } as never;
  const again = await pullRound(
    { api, settings },
    { at: minutes(10), cursor: { ...first.cursor, reading } },
  );
  assert.equal(told(again.events).length, 2);
});
