/** Pulling from a simulated account, and what its nudges lead to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addTransaction } from '../../../simulators/netsuite-account.ts';
import { readBody } from '../../../test/support/simulated-api.ts';
import { Reauthorize, Rejected, RetryLater } from '../kit/errors.ts';
import { netsuite } from './index.ts';
import {
  type Connection,
  cheque,
  connect,
  days,
  fill,
  minutes,
  NOW,
  pullRound,
} from './simulated-connection.ts';

const kinds = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);
const money = (events: Awaited<ReturnType<typeof pullRound>>['events']) =>
  events
    .filter(({ type }) => /^(payment|refund|payout)/.test(type))
    .map((one) => `${one.type} ${one.refundId ?? one.payoutId ?? one.externalPaymentId}`);
const queries = ({ calls }: Connection) =>
  calls.map(({ json }) => String((json as { q?: unknown } | undefined)?.q));

describe('pulling', () => {
  for (const way of ['certificate', 'tokens', 'consent'] as const) {
    test(`by ${way}: reads every page of every list once, in orders that cannot overlap`, async () => {
      await using connection = await connect({ way });
      const { account, calls } = connection;
      const { customer, invoice } = fill(account);
      const ids = Array.from({ length: 12 }, () =>
        account.enterPayment(cheque(customer, invoice, 500n), NOW),
      );
      const first = await pullRound(connection, { at: minutes(5) });
      const paid = first.events.filter(({ type }) => type === 'payment.succeeded');
      assert.deepEqual(paid.map(({ externalPaymentId }) => externalPaymentId).sort(), ids.sort());
      assert.deepEqual(paid[0]?.references[0], {
        kind: 'invoice',
        externalId: invoice,
        number: 'INV10421',
        amountMinor: 500n,
      });
      assert.equal(paid[0]?.occurredAt, NOW.toISOString());
      assert.ok(kinds(first.events).includes('invoice.upserted'));
      assert.ok(kinds(first.events).includes('customer.upserted'));
      assert.deepEqual(first.reached, minutes(5));
      for (const call of calls) assert.equal(call.headers?.prefer, 'transient');
      assert.ok(queries(connection).every((one) => / ORDER BY /.test(one)));
      const again = await pullRound(connection, { ...first, at: minutes(10) });
      assert.deepEqual(again.events, []);
    });
  }

  test('a quiet round asks each list once', async () => {
    await using connection = await connect();
    await pullRound(connection, { at: minutes(5) });
    assert.equal(connection.calls.length, 3);
  });

  test('what was voided, deleted, refunded and undone is found, however accounts say it', async () => {
    for (const refundSide of ['next', 'previous'] as const) {
      const habits = { refundSide, longStatus: true, negativeRefunds: true, voidKeepsTotal: false };
      await using connection = await connect({ habits });
      const { account } = connection;
      const { customer, invoice } = fill(account);
      const [kept, gone, dead] = [500n, 600n, 700n].map((minor) =>
        account.enterPayment(cheque(customer, invoice, minor), NOW),
      ) as [string, string, string];
      const first = await pullRound(connection, { at: minutes(5) });
      account.void(dead, minutes(6));
      account.remove(gone, minutes(7));
      const refund = account.refund(kept, 100n, minutes(8));
      const second = await pullRound(connection, { ...first, at: minutes(10) });
      // The payment is told again, because something is applied to it now; it is the same.
      assert.deepEqual(money(second.events).sort(), [
        `payment.succeeded ${kept}`,
        `payment.voided ${gone}`,
        `payment.voided ${dead}`,
        `refund.succeeded ${refund}`,
      ]);
      const back = second.events.find(({ type }) => type === 'refund.succeeded');
      assert.deepEqual([back?.externalPaymentId, back?.amountMinor], [kept, 100n]);
      const same = second.events.find(({ externalPaymentId }) => externalPaymentId === kept);
      assert.equal(same?.references.filter(({ kind }) => kind === 'invoice').length, 1);
      account.failRefund?.(refund, minutes(11));
      const third = await pullRound(connection, { ...second, at: minutes(15) });
      assert.ok(money(third.events).includes(`refund.failed ${refund}`));
    }
  });

  test('a refund that pays out a credit memo is of no payment', async () => {
    await using connection = await connect({ habits: { refundSide: null } });
    const { account } = connection;
    const { customer, invoice } = fill(account);
    account.refund(account.enterPayment(cheque(customer, invoice), NOW), 100n, NOW);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const back = events.find(({ type }) => type === 'refund.succeeded');
    assert.deepEqual([back?.externalPaymentId, back?.amountMinor], [null, 100n]);
  });

  test('unapproved payments wait; deposits are money once, whatever applies them', async () => {
    await using connection = await connect({ payouts: true });
    const { account } = connection;
    const { customer } = fill(account);
    const order = {
      amountMinor: 7500n,
      currency: 'USD',
      customer: { externalId: 'c1', name: 'Harbor Foods', email: 'ap@harbor.example' },
      memo: 'before the invoice',
    };
    const waiting = account.begin(order, NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(money(first.events), [`payment.pending ${waiting}`]);
    account.settle(waiting, minutes(6));
    const deposit = addTransaction(
      account.account,
      {
        type: 'CustDep',
        entity: Number(customer),
        amountMinor: 900n,
        currency: 'USD',
        status: 'C',
      },
      minutes(6),
    );
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(money(second.events), [
      `payment.succeeded ${waiting}`,
      `payment.succeeded ${deposit.id}`,
    ]);
    const payout = account.payout(minutes(11));
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.ok(money(third.events).includes(`payout.paid ${payout}`));
    // Now that it was brought to the bank the payment is told anew, and is the same.
    assert.ok(money(third.events).includes(`payment.succeeded ${waiting}`));
  });

  test('what changed within a day of the last round is read again, so a wrong zone loses nothing', async () => {
    // The account is in California, we are told that it is in Auckland: 21 hours apart.
    await using connection = await connect({ change: { accountTimeZone: 'Pacific/Auckland' } });
    const { account } = connection;
    const { customer, invoice } = fill(account);
    const first = await pullRound(connection, { at: minutes(5) });
    const late = account.enterPayment(cheque(customer, invoice), minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.ok(money(second.events).includes(`payment.succeeded ${late}`));
  });

  test('nothing from before the overlap is read', async () => {
    await using connection = await connect();
    const { account } = connection;
    const { customer, invoice } = fill(account);
    account.enterPayment(cheque(customer, invoice), days(-30));
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(money(events), []);
  });

  test('rows changed while pages are read are neither lost nor read twice', async () => {
    let pages = 0;
    const edited: (() => void)[] = [];
    await using connection = await connect({
      meddle: async (_call, send) => {
        pages += 1;
        if (pages % 2 === 0) edited.shift()?.();
        return send();
      },
    });
    const { account } = connection;
    const { customer, invoice } = fill(account);
    const ids = Array.from({ length: 14 }, (_, index) =>
      account.enterPayment(cheque(customer, invoice, 500n), minutes(index)),
    );
    // The oldest rows move to the end of the order of time, one after the other.
    for (const id of ids.slice(0, 4)) {
      edited.push(() => {
        const row = account.account.transactions.get(Number(id));
        if (row) row.modified = minutes(60);
      });
    }
    const { events } = await pullRound(connection, { at: minutes(90) });
    const paid = events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(new Set(paid.map(({ externalPaymentId }) => externalPaymentId)), new Set(ids));
  });

  test('a round that broke off goes on where it was, and no token is lost in the middle', async () => {
    let calls = 0;
    const connection: Connection = await connect({
      meddle: (_call, send) => {
        calls += 1;
        if (calls === 6) throw new RetryLater('broke off');
        if (calls === 9) connection.account.expireAccessTokens();
        return send();
      },
    });
    await using open = connection;
    const { account, api, settings } = open;
    const { customer, invoice } = fill(account);
    for (let count = 0; count < 12; count += 1) {
      account.enterPayment(cheque(customer, invoice, 500n), NOW);
    }
    const { pull } = netsuite;
    assert.ok(pull);
    let cursor = pull.start(days(-5));
    let documents = 0;
    for (let look = 0; look < 40; look += 1) {
      try {
        const page = await pull.page(api, cursor, { settings, now: minutes(5) });
        documents += page.bodies.flatMap((body) => netsuite.split(body, {})).length;
        cursor = JSON.parse(JSON.stringify(page.next));
        if (!page.more) break;
      } catch (error) {
        assert.ok(error instanceof RetryLater);
      }
    }
    assert.equal(documents, 12 + 1 + 1, 'payments, the customer, the invoice');
  });

  test('links beyond what one query gives are asked for in halves', async () => {
    await using connection = await connect();
    const { account, api, settings } = connection;
    const { customer } = fill(account);
    const invoices = Array.from({ length: 6 }, (_, index) =>
      account.addInvoice(
        {
          number: `INV-${index}`,
          customerExternalId: customer,
          amountMinor: 1000n,
          currency: 'USD',
        },
        NOW,
      ),
    );
    const ids = [1, 2, 3].map(() =>
      account.enterPayment(
        {
          ...cheque(customer, ''),
          amountMinor: 600n,
          invoices: invoices.map((externalId) => ({ externalId, amountMinor: 100n })),
        },
        NOW,
      ),
    );
    let claimed = 0;
    const lying: typeof api = {
      async request(call) {
        const answer = await api.request(call);
        const q = String((call.json as { q?: unknown }).q);
        if (!q.includes('NextTransactionLineLink') || !q.includes(`${ids[0]},`)) return answer;
        claimed += 1;
        const page = JSON.parse(answer.body.toString());
        return { ...answer, body: Buffer.from(JSON.stringify({ ...page, totalResults: 100_000 })) };
      },
    };
    const requests = ids.map((id) => ({ entity: 'transaction', id }));
    const found = (await netsuite.fetch?.(lying, requests, settings)) ?? [];
    assert.equal(claimed, 2, 'all three, then the first two; one alone is read as it is');
    for (const { body } of found) {
      const { events } = readBody({ id: 'netsuite', body, settings }, NOW);
      assert.equal(events[0]?.references.filter(({ kind }) => kind === 'invoice').length, 6);
    }
  });

  test('a role that may not see deletions still lets us read money; the check says so', async () => {
    await using connection = await connect({ hidesDeletions: true });
    const { account, api, settings } = connection;
    const { customer, invoice } = fill(account);
    const id = account.enterPayment(cheque(customer, invoice), NOW);
    const { events, reached } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(money(events), [`payment.succeeded ${id}`]);
    assert.deepEqual(reached, minutes(5));
    await assert.rejects(async () => netsuite.check?.(api, settings), /needs Deleted Records/);
  });

  test('deletions of other kinds are left out, and pages of them end', async () => {
    await using connection = await connect();
    const { account, calls } = connection;
    const { customer, invoice } = fill(account);
    for (let id = 1; id <= 11; id += 1) {
      account.account.deleted.push({ id: 77, type: `customrecord${id}`, at: NOW });
    }
    const gone = account.enterPayment(cheque(customer, invoice), NOW);
    account.remove(gone, minutes(1));
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(money(events), [`payment.voided ${gone}`]);
    assert.ok(calls.length < 12, `${calls.length} calls`);
  });

  test('an account without Multiple Currencies has records that name none', async () => {
    await using connection = await connect({ habits: { singleCurrency: 'EUR' } });
    const { account } = connection;
    const { customer, invoice } = fill(account, 'EUR');
    account.enterPayment({ ...cheque(customer, invoice), currency: 'EUR' }, NOW);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const paid = events.find(({ type }) => type === 'payment.succeeded');
    assert.deepEqual([paid?.amountMinor, paid?.currency], [5500n, 'EUR']);
    assert.ok(queries(connection).every((one) => !/currency/.test(one)));
  });

  test('how a payment was made is asked for only where the account has it', async () => {
    await using connection = await connect({ change: { paymentMethodColumn: 'paymentmethod' } });
    const { account } = connection;
    const { customer, invoice } = fill(account);
    account.enterPayment(cheque(customer, invoice), NOW);
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.equal(events.find(({ type }) => type === 'payment.succeeded')?.method, 'check');
    await using other = await connect({ change: { paymentMethodColumn: 'paymentoption' } });
    await assert.rejects(pullRound(other, { at: minutes(5) }), Rejected);
  });
});

describe('fetching', () => {
  test('many nudges of both kinds are two queries and the links; what is gone is left out', async () => {
    await using connection = await connect();
    const { account, api, calls, settings } = connection;
    const { customer, invoice } = fill(account);
    const [one, two] = [500n, 600n].map((minor) =>
      account.enterPayment(cheque(customer, invoice, minor), NOW),
    );
    const ids = [one, two, invoice, '999999', "1) OR t.id IN (1'"];
    const requests = [
      ...ids.map((id) => ({ entity: 'transaction', id: String(id) })),
      { entity: 'customer', id: customer },
    ];
    const found = (await netsuite.fetch?.(api, requests, settings)) ?? [];
    assert.deepEqual(
      found.map(({ request }) => request.id).sort(),
      [one, two, invoice, customer].map(String).sort(),
    );
    assert.equal(calls.length, 3);
    assert.ok(queries(connection).every((one) => !one.includes('OR t.id')));
    // What was fetched and what is pulled are the same documents.
    const stored = new Set(
      found.flatMap(({ body }) => netsuite.split(body, {}).map(({ key }) => key)),
    );
    const { events } = await pullRound(connection, { at: minutes(5), stored });
    assert.deepEqual(events, []);
  });
});

describe('access', () => {
  test('the check names account, way and clock', async () => {
    for (const [way, words] of [
      ['certificate', 'by certificate'],
      ['tokens', 'by access tokens'],
      ['consent', 'by the consent page'],
    ] as const) {
      await using connection = await connect({ way });
      const { account, api, settings } = connection;
      const early = await netsuite.check?.(api, settings);
      const named = `NetSuite account ${settings.accountId}, signed in ${words}`;
      assert.equal(early, `${named}; its clock is not seen yet`);
      const { customer, invoice } = fill(account);
      account.enterPayment(cheque(customer, invoice), NOW);
      const late = await netsuite.check?.(api, settings);
      assert.equal(late, `${named}; its clock is that of America/Los_Angeles`);
    }
  });

  test('a wrong zone is named with what the account shows', async () => {
    await using connection = await connect({ change: { accountTimeZone: 'America/New_York' } });
    const { account, api, settings } = connection;
    const { customer, invoice } = fill(account);
    account.enterPayment(cheque(customer, invoice), NOW);
    await assert.rejects(
      async () => netsuite.check?.(api, settings),
      /the account shows 2026-11-03 08:00:00 for 2026-11-03T16:00:00.000Z, which is 180 minutes after/,
    );
  });

  test('credentials of another account are refused by each way', async () => {
    for (const way of ['certificate', 'tokens', 'consent'] as const) {
      const secret = {
        certificate: 'certificateId',
        tokens: 'tokenSecret',
        consent: 'clientSecret',
      };
      await using connection = await connect({ way, change: { [secret[way]]: 'of-another' } });
      await assert.rejects(pullRound(connection, { at: minutes(5) }), Reauthorize);
    }
    await using other = await connect({ way: 'tokens', change: { accountId: '7654321' } });
    await assert.rejects(
      pullRound(other, { at: minutes(5) }),
      Reauthorize,
      'the realm is signed in',
    );
  });

  test('too many calls at once are waited for, in both of their forms', () => {
    const answer = (status: number, code: string) =>
      netsuite.api?.throttled?.({
        status,
        headers: {},
        body: Buffer.from(JSON.stringify({ error: { code } })),
      });
    assert.equal(answer(400, 'SSS_REQUEST_LIMIT_EXCEEDED'), true);
    assert.equal(answer(400, 'USER_ERROR'), false);
  });
});
