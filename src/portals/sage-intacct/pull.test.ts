/** Pulling from a simulated company, by either API. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reauthorize, Rejected, RetryLater } from '../kit/errors.ts';
import { sageIntacct } from './index.ts';
import type { Cursor } from './pull.ts';
import {
  APIS,
  cheque,
  connect,
  days,
  fill,
  minutes,
  money,
  NOW,
  pullRound,
} from './simulated-connection.ts';

const { pull } = sageIntacct;
assert.ok(pull);
const kinds = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);

for (const api of APIS) {
  describe(`pulling by ${api}`, () => {
    test('reads every page of every list once', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      const ids = Array.from({ length: 12 }, () =>
        company.enterPayment(cheque(customer, invoice), NOW),
      );
      const first = await pullRound(connection, { at: minutes(5) });
      const paid = first.events.filter(({ type }) => type === 'payment.succeeded');
      assert.deepEqual(paid.map((one) => one.externalPaymentId).sort(), ids.sort());
      const [invoiced] = paid[0]?.references ?? [];
      assert.deepEqual(invoiced, {
        kind: 'invoice',
        externalId: invoice,
        number: 'INV-10421',
        amountMinor: 5500n,
      });
      assert.equal(paid[0]?.method, 'check');
      const known = first.events.find(({ type }) => type === 'invoice.upserted')?.invoice;
      assert.deepEqual(
        [known?.externalId, known?.totalMinor, known?.workOrder, known?.customerExternalId],
        [invoice, 123910n, 'WO-20881', customer],
      );
      const payer = first.events.find(({ type }) => type === 'customer.upserted')?.customer;
      assert.deepEqual(payer, {
        externalId: customer,
        name: "O'Brien & Sons",
        email: 'ap@ob.example',
      });
      assert.deepEqual(first.reached, minutes(5));
      const again = await pullRound(connection, { ...first, at: minutes(10) });
      assert.deepEqual(again.events, []);
    });

    test('a draft waits, is submitted and reversed; its counter-entry is nothing', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      const id = company.draft(cheque(customer, invoice), NOW);
      const first = await pullRound(connection, { at: minutes(1) });
      assert.deepEqual(money(first.events), [['payment.pending', id]]);
      company.settle?.(id, minutes(2));
      const second = await pullRound(connection, { ...first, at: minutes(3) });
      assert.deepEqual(money(second.events), [['payment.succeeded', id]]);
      company.void(id, minutes(4));
      const third = await pullRound(connection, { ...second, at: minutes(5) });
      assert.deepEqual(money(third.events), [['payment.voided', id]]);
      assert.equal(third.events.at(-1)?.occurredAt, minutes(4).toISOString());
    });

    test('advances and overpayments are money once, however they are applied later', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      const other = company.addInvoice(
        { number: 'INV-2', customerExternalId: customer, amountMinor: 90_000n, currency: 'USD' },
        NOW,
      );
      const advance = company.enterPayment({ ...cheque(customer, invoice), invoices: [] }, NOW);
      const over = company.enterPayment(
        {
          ...cheque(customer, other, 95_000n),
          invoices: [{ externalId: other, amountMinor: 90_000n }],
        },
        NOW,
      );
      const first = await pullRound(connection, { at: minutes(1) });
      assert.deepEqual(money(first.events), [
        ...(api === 'xml' ? [['payment.succeeded', advance]] : []),
        ['payment.succeeded', over],
        ...(api === 'rest' ? [['payment.succeeded', advance]] : []),
      ]);
      const told = first.events.find(({ externalPaymentId }) => externalPaymentId === over);
      assert.equal(told?.amountMinor, 95_000n);
      assert.equal(told?.references[0]?.amountMinor, 90_000n);
      company.applyCredit(advance, invoice, 5500n, minutes(2));
      company.applyCredit(over, invoice, 5000n, minutes(2));
      const second = await pullRound(connection, { ...first, at: minutes(3) });
      assert.deepEqual(money(second.events), []);
      assert.ok(kinds(second.events).includes('invoice.upserted'), 'the invoice was changed');
    });

    test('the first round reads what is owed and who owes it, however old', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company, { at: days(-400) });
      const paid = company.addInvoice(
        { number: 'INV-OLD', customerExternalId: customer, amountMinor: 5500n, currency: 'USD' },
        days(-400),
      );
      company.enterPayment(cheque(customer, paid), days(-399));
      const first = await pullRound(connection, { at: NOW });
      assert.deepEqual(kinds(first.events), ['customer.upserted', 'invoice.upserted']);
      assert.equal(first.events[1]?.invoice?.externalId, invoice);
    });

    test('a round that broke off goes on where it was', async () => {
      let count = 0;
      await using connection = await connect({
        api,
        meddle: (_call, send) => {
          count += 1;
          if (count % 5 === 2) throw new RetryLater('broke off');
          return send();
        },
      });
      const { company, settings } = connection;
      const { customer, invoice } = fill(company);
      for (let one = 0; one < 12; one += 1) company.enterPayment(cheque(customer, invoice), NOW);
      let cursor: unknown = pull.start(days(-5));
      const keys: string[] = [];
      for (let look = 0; look < 60; look += 1) {
        try {
          const page = await pull.page(connection.api, cursor, { settings, now: minutes(5) });
          keys.push(
            ...page.bodies.flatMap((body) => sageIntacct.split(body, {})).map(({ key }) => key),
          );
          cursor = JSON.parse(JSON.stringify(page.next));
          if (!page.more) break;
        } catch (error) {
          assert.ok(error instanceof RetryLater);
        }
      }
      // Twelve payments, an invoice and a customer, each told once: a page that failed was not stored.
      assert.deepEqual([keys.length, new Set(keys).size], [14, 14]);
      assert.equal((cursor as Cursor).round, null);
    });

    test('log-ins that end in the middle are renewed by themselves', async () => {
      await using connection = await connect({
        api,
        meddle: (_call, send) => {
          connection.company.expireAccessTokens();
          return send();
        },
      });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      for (let one = 0; one < 7; one += 1) company.enterPayment(cheque(customer, invoice), NOW);
      const { events } = await pullRound(connection, { at: minutes(5) });
      assert.equal(money(events).length, 7);
      assert.equal(company.counts.reuses, 0);
    });

    test('clocks differ, so what was changed shortly before the last round is read again', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company);
      const first = await pullRound(connection, { at: minutes(60) });
      const late = company.enterPayment(cheque(customer, invoice), minutes(51));
      const second = await pullRound(connection, { ...first, at: minutes(65) });
      assert.deepEqual(money(second.events), [['payment.succeeded', late]]);
    });

    test('once a day a week is read again, for what was changed without saying so', async () => {
      await using connection = await connect({ api });
      const { company } = connection;
      const { customer, invoice } = fill(company, { at: days(-3) });
      const first = await pullRound(connection, { at: NOW });
      // Behind the watermark, as if nothing had told that it was changed.
      const silent = company.enterPayment(cheque(customer, invoice), days(-2));
      const hours = await pullRound(connection, { ...first, at: minutes(10 * 60) });
      assert.deepEqual(money(hours.events), []);
      const nextDay = await pullRound(connection, { ...hours, at: minutes(21 * 60) });
      assert.deepEqual(money(nextDay.events), [['payment.succeeded', silent]]);
      const beyond = company.enterPayment(cheque(customer, invoice), days(-6));
      const { cursor } = nextDay;
      const from = { ...cursor, from: days(-4).toISOString() };
      const later = await pullRound(connection, { ...nextDay, cursor: from, at: days(2) });
      assert.deepEqual(money(later.events), [], `${beyond} is from before the beginning`);
    });

    test('the check names the company, or the permission that is missing', async () => {
      await using connection = await connect({ api });
      const said = await sageIntacct.check?.(connection.api, connection.settings);
      assert.match(
        String(said),
        api === 'xml' ? /payments\.sync of Simulated\w+$/ : /REST by consent$/,
      );
      const { financialEntity: _, ...none } = connection.settings;
      const without = await sageIntacct.check?.(connection.api, none);
      assert.match(String(without), /no payments can be recorded/);
      await using denied = await connect({
        api,
        meddle: (call, send) => {
          const text = call.body?.text ?? JSON.stringify(call.json);
          if (/ARINVOICE|receivable\/invoice/.test(text)) {
            throw new Rejected('you may not', { status: 403, body: '' });
          }
          return send();
        },
      });
      await assert.rejects(
        async () => sageIntacct.check?.(denied.api, denied.settings),
        (error) =>
          error instanceof Rejected && /Invoices: List, View.*you may not/.test(error.message),
      );
    });
  });
}

describe('rows kept for us', () => {
  test('of which an answer was lost on its way are noticed: none is passed over', async () => {
    let lost = 0;
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (!/readMore/.test(call.body?.text ?? '') || lost > 0) return answer;
        lost += 1;
        throw new RetryLater('the answer was lost on its way');
      },
    });
    const { company, api, settings } = connection;
    const { customer, invoice } = fill(company);
    const ids = Array.from({ length: 17 }, () =>
      company.enterPayment(cheque(customer, invoice), NOW),
    );
    let cursor: unknown = pull.start(days(-5));
    const found = new Set<string>();
    for (let more = true; more; ) {
      try {
        const page = await pull.page(api, cursor, { settings, now: minutes(5) });
        for (const body of page.bodies) {
          for (const one of JSON.parse(body.toString())) found.add(one.record.RECORDNO);
        }
        cursor = JSON.parse(JSON.stringify(page.next));
        more = page.more;
      } catch (error) {
        assert.ok(error instanceof RetryLater);
      }
    }
    assert.equal(lost, 1);
    assert.deepEqual(
      ids.filter((id) => !found.has(id)),
      [],
    );
  });

  test('that are gone let the list begin anew, in a way that needs none', async () => {
    let forgotten = 0;
    await using connection = await connect({
      meddle: (call, send) => {
        if (/readMore/.test(call.body?.text ?? '')) {
          forgotten += 1;
          connection.company.forgetResults();
        }
        return send();
      },
    });
    const { company } = connection;
    const { customer, invoice } = fill(company);
    const ids = Array.from({ length: 12 }, () =>
      company.enterPayment(cheque(customer, invoice), NOW),
    );
    const { events, cursor } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(
      money(events)
        .map(([, id]) => id)
        .sort(),
      ids.sort(),
    );
    assert.equal(forgotten, 1);
    assert.equal(cursor.round, null);
  });

  test('that are always gone end the run, not the pull', async () => {
    let forgetting = true;
    await using connection = await connect({
      meddle: (call, send) => {
        const text = call.body?.text ?? '';
        // Nor does the other way lead on.
        if (forgetting && /<query><object>ARPYMT</.test(text)) {
          throw new Rejected('no such field', { status: 400, body: '' });
        }
        if (forgetting && /readMore/.test(text)) connection.company.forgetResults();
        return send();
      },
    });
    const { company } = connection;
    const { customer, invoice } = fill(company);
    for (let one = 0; one < 7; one += 1) company.enterPayment(cheque(customer, invoice), NOW);
    const first = await pullRound(connection, { at: minutes(5) });
    assert.ok(first.cursor.round, 'the round is not over');
    assert.equal(first.cursor.readUntil, days(-5).toISOString());
    forgetting = false;
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.equal(money([...first.events, ...second.events]).length, 7);
    assert.equal(second.cursor.readUntil, minutes(5).toISOString());
  });
});

describe('entities', () => {
  const privately = async (given: Parameters<typeof connect>[0]) => {
    const connection = await connect(given);
    const { company } = connection;
    const { customer, invoice } = fill(company);
    const open = company.enterPayment(cheque(customer, invoice), NOW);
    const hidden = company.enterPrivately(cheque(customer, invoice), 'E100', NOW);
    return { connection, open, hidden, [Symbol.asyncDispose]: () => company.close() };
  };

  test('keep payments to themselves unless they are asked for, and the check says so', async () => {
    await using top = await privately({});
    const { events } = await pullRound(top.connection, { at: minutes(5) });
    assert.deepEqual(money(events), [['payment.succeeded', top.open]]);
    const { api, settings } = top.connection;
    assert.match(
      String(await sageIntacct.check?.(api, settings)),
      /1 payments are private.*showPrivate/,
    );
  });

  test('show them with showPrivate, in the entity itself, and always by REST', async () => {
    for (const given of [
      { change: { showPrivate: 'true' } },
      { entity: 'E100' },
      { api: 'rest' as const },
    ]) {
      await using all = await privately(given);
      const { events } = await pullRound(all.connection, { at: minutes(5) });
      assert.deepEqual(
        money(events).map(([, id]) => id),
        [all.open, all.hidden],
        JSON.stringify(given),
      );
      const said = await sageIntacct.check?.(all.connection.api, all.connection.settings);
      assert.ok(!/private/.test(String(said)));
    }
  });

  test('page behind the last number with showPrivate', async () => {
    await using connection = await connect({ change: { showPrivate: true } });
    const { company, calls } = connection;
    const { customer, invoice } = fill(company);
    const ids = Array.from({ length: 12 }, () =>
      company.enterPayment(cheque(customer, invoice), NOW),
    );
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(
      money(events).map(([, id]) => id),
      ids,
    );
    assert.ok(!calls.some(({ body }) => /readByQuery/.test(body?.text ?? '')));
    const behind = calls.filter(({ body }) =>
      /<field>RECORDNO<\/field><value>\d/.test(body?.text ?? ''),
    );
    assert.ok(behind.length >= 2);
  });

  test('that do not exist are refused', async () => {
    await using xml = await connect({ change: { entity: 'E999' } });
    await assert.rejects(async () => sageIntacct.check?.(xml.api, xml.settings), Reauthorize);
    await using rest = await connect({ api: 'rest', change: { entity: 'E999' } });
    await assert.rejects(async () => sageIntacct.check?.(rest.api, rest.settings), /E999/);
  });
});

describe('REST', () => {
  test('an app signs in by itself as the user it names', async () => {
    await using connection = await connect({ api: 'rest', ownSignIn: true });
    const said = await sageIntacct.check?.(connection.api, connection.settings);
    assert.match(String(said), /^Sage Intacct REST as payments\.sync@Simulated/);
    connection.company.expireAccessTokens();
    assert.ok(await sageIntacct.check?.(connection.api, connection.settings));
    const life = (await connection.store.load())?.expiresAt.getTime();
    assert.equal(life, NOW.getTime() + 21_600_000);
  });

  test('each refresh token is used once, and its successor kept', async () => {
    await using connection = await connect({ api: 'rest' });
    const { company, store, api, settings } = connection;
    const seen = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      company.expireAccessTokens();
      await sageIntacct.check?.(api, settings);
      seen.add((await store.load())?.refreshToken?.reveal() ?? '');
    }
    // The first token of the connection was good still when it was first asked for.
    assert.ok(seen.size >= 3);
    assert.deepEqual([company.counts.refreshes >= 3, company.counts.reuses], [true, 0]);
  });

  test('advances that an app may not read do not hold up the rest, and the check names them', async () => {
    await using connection = await connect({
      api: 'rest',
      meddle: (call, send) => {
        if (!/receivable\/advance/.test(JSON.stringify(call.json))) return send();
        throw new Rejected('no such object', { status: 404, body: '' });
      },
    });
    const { company, settings } = connection;
    const { customer, invoice } = fill(company);
    const id = company.enterPayment(cheque(customer, invoice), NOW);
    const { events, cursor } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(money(events), [['payment.succeeded', id]]);
    assert.equal(cursor.readUntil, minutes(5).toISOString());
    const said = await sageIntacct.check?.(connection.api, settings);
    assert.match(String(said), /advances are not read: no such object/);
  });
});

describe('settings', () => {
  const problems = (given: object) =>
    sageIntacct.settings.safeParse(given).error?.issues.map(({ path }) => path.join('.')) ?? [];

  test('ask for what the chosen way in needs', () => {
    assert.deepEqual(problems({}), [
      'senderId',
      'senderPassword',
      'companyId',
      'userId',
      'userPassword',
    ]);
    assert.deepEqual(problems({ api: 'rest' }), ['clientId', 'clientSecret']);
    assert.deepEqual(problems({ api: 'rest', clientId: 'c', clientSecret: 's' }), []);
    assert.deepEqual(problems({ api: 'soap' }), ['api']);
  });
});
