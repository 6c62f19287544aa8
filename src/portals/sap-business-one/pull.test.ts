/** Pulling from a simulated company. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiCall } from '../contract.ts';
import { parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { sapBusinessOne } from './index.ts';
import { listPath, readPage } from './listing.ts';
import {
  type Connection,
  cheque,
  connect,
  days,
  fill,
  minutes,
  moneyIn,
  NOW,
  pullRound,
} from './simulated-connection.ts';

const pull = sapBusinessOne.pull ?? assert.fail('no pull');
const asked = (calls: readonly ApiCall[]) => calls.map(({ path }) => decodeURIComponent(path));
const order = {
  amountMinor: 12_500n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Northgate', email: 'ap@northgate.example' },
};
const entered = (company: Connection['company'], count: number) => {
  const { customer, invoice } = fill(company);
  return Array.from({ length: count }, () => company.enterPayment(cheque(customer, invoice), NOW));
};

describe('a round', () => {
  for (const version of ['v2', 'v1'] as const) {
    test(`reads every page of every list once, in the shapes of ${version}`, async () => {
      await using connection = await connect({ version });
      const { company, calls } = connection;
      const ids = entered(company, 12);
      const first = await pullRound(connection, { at: minutes(5) });
      assert.deepEqual(
        moneyIn(first.events),
        ids.map((id) => `payment.succeeded ${id}`),
      );
      assert.deepEqual(first.reached, minutes(5));
      const told = first.events.map(({ type }) => type);
      assert.ok(told.indexOf('invoice.upserted') < told.indexOf('payment.succeeded'));
      assert.ok(told.includes('customer.upserted'));
      assert.ok(
        calls.every(({ path }) => !path.includes('+')),
        'a plus sign is no blank',
      );
      assert.ok(calls.every(({ headers }) => headers?.prefer === 'odata.maxpagesize=100'));
      const again = await pullRound(connection, { ...first, at: minutes(10) });
      assert.deepEqual(again.events, []);
    });
  }

  test('asks once for each list when nothing happened, and never by a change of payments', async () => {
    await using connection = await connect();
    const { company, calls } = connection;
    entered(company, 1);
    const first = await pullRound(connection, { at: minutes(5) });
    calls.length = 0;
    await pullRound(connection, { ...first, at: minutes(10) });
    const lists = asked(calls).map((path) => path.split('?')[0]);
    assert.deepEqual(lists, [
      'BusinessPartners',
      'Invoices',
      'DownPayments',
      'IncomingPayments',
      'VendorPayments',
      'IncomingPayments',
      'VendorPayments',
    ]);
    const payments = asked(calls).filter((path) => /Payments\?/.test(path) && !/^Down/.test(path));
    assert.ok(payments.every((path) => !/UpdateDate|CreationDate/.test(path)));
  });

  test('the numbers of invoices come by one query for many payments', async () => {
    await using connection = await connect();
    const { company, calls } = connection;
    const { customer } = fill(company);
    const first = await pullRound(connection, { at: minutes(5) });
    const pays = Array.from({ length: 5 }, (_, index) => {
      const facts = { number: `INV-${index}`, customerExternalId: customer, currency: 'USD' };
      const invoice = company.addInvoice({ ...facts, amountMinor: 9000n }, days(-300));
      return company.enterPayment(cheque(customer, invoice, 9000n), minutes(6));
    });
    calls.length = 0;
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    const lookups = asked(calls).filter((path) => /^Invoices\?.*DocEntry eq/.test(path));
    assert.equal(lookups.length, 1);
    const payments = second.events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(
      payments.map((one) => one.externalPaymentId),
      pays,
    );
    assert.deepEqual(
      payments.map((one) => one.references[0]?.number),
      ['INV-0', 'INV-1', 'INV-2', 'INV-3', 'INV-4'],
    );
    // Far too old to be listed as changed, they are known before their payments all the same.
    const invoices = second.events.filter(({ type }) => type === 'invoice.upserted');
    assert.equal(invoices.length, 5);
  });
});

describe('the beginning', () => {
  test('open invoices and customers of any age; payments since the beginning, by their day', async () => {
    await using connection = await connect();
    const { company } = connection;
    const customer = company.addCustomer({ name: 'Old', email: 'old@example.com' }, days(-400));
    const facts = { customerExternalId: customer, amountMinor: 9000n, currency: 'USD' };
    const open = company.addInvoice({ ...facts, number: 'OPEN' }, days(-300));
    const paid = company.addInvoice({ ...facts, number: 'PAID' }, days(-300));
    const waiting = company.addInvoice({ ...facts, number: 'WAITING' }, days(-300));
    company.enterPayment(cheque(customer, paid, 9000n), days(-200));
    const recent = company.enterPayment(cheque(customer, open, 100n), days(-20));
    const { events, ...first } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(moneyIn(events), [`payment.succeeded ${recent}`]);
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(second.events, [], 'looking back a few numbers brings none of them');
    const invoices = events.filter(({ type }) => type === 'invoice.upserted');
    const ids = invoices.map(({ invoice }) => invoice?.externalId);
    assert.deepEqual(ids.sort(), [open, waiting].sort());
    assert.ok(events.some(({ type }) => type === 'customer.upserted'));
  });

  test('what is entered later is new, however far it is dated back', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { customer, invoice } = fill(company);
    const first = await pullRound(connection, { at: minutes(5) });
    const back = company.enterPayment(cheque(customer, invoice), days(-200));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(moneyIn(second.events), [`payment.succeeded ${back}`]);
  });

  test('an empty company', async () => {
    await using connection = await connect();
    const first = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(first.events, []);
    const paid = connection.company.pay(order, minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(moneyIn(second.events), [`payment.succeeded ${paid}`]);
  });

  test('a system that does not tell when partners were made is asked by their changes', async () => {
    await using connection = await connect({ version: 'v1' });
    const { company, calls } = connection;
    fill(company);
    const first = await pullRound(connection, { at: minutes(5) });
    calls.length = 0;
    await pullRound(connection, { ...first, at: minutes(10) });
    const partners = asked(calls).filter((path) => path.startsWith('BusinessPartners'));
    assert.equal(partners.length, 2);
    assert.match(partners[0] ?? '', /CreateDate/);
    assert.doesNotMatch(partners[1] ?? '', /CreateDate/);
  });
});

describe('what becomes of payments', () => {
  test('cancelled, first seen cancelled, paid back, and that cancelled: all are found', async () => {
    await using connection = await connect();
    const { company } = connection;
    const [kept = '', gone = ''] = entered(company, 2);
    const first = await pullRound(connection, { at: minutes(5) });
    company.void(gone, minutes(6));
    const unseen = company.pay(order, minutes(6));
    company.void(unseen, minutes(7));
    const refund = company.refund(kept, 100n, minutes(7));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(
      [...moneyIn(second.events)].sort(),
      [`payment.voided ${gone}`, `payment.voided ${unseen}`, `refund.succeeded ${refund}`].sort(),
    );
    const voided = second.events.find(({ externalPaymentId }) => externalPaymentId === unseen);
    assert.equal(voided?.amountMinor, order.amountMinor);
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(third.events, []);
  });

  test('each round looks back 45 days, once a day 400, for what was cancelled', async () => {
    await using connection = await connect();
    const { company, calls } = connection;
    const { customer, invoice } = fill(company);
    const first = await pullRound(connection, { at: minutes(5) });
    const old = company.enterPayment(cheque(customer, invoice), days(-200));
    // So many follow that looking back a few numbers does not find it.
    for (let count = 0; count < 30; count += 1) company.pay(order, minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    company.void(old, minutes(11));
    calls.length = 0;
    const short = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(short.events, []);
    assert.ok(
      asked(calls).some((path) => path.includes("DocDate ge '2026-08-30'")),
      'of 14 October',
    );
    const long = await pullRound(connection, { ...short, at: days(1) });
    assert.deepEqual(moneyIn(long.events), [`payment.voided ${old}`]);
  });

  test('what was cancelled long before we came is not told', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { customer, invoice } = fill(company);
    company.void(company.enterPayment(cheque(customer, invoice), days(-200)), days(-199));
    const recent = company.enterPayment(cheque(customer, invoice), days(-3));
    company.void(recent, days(-2));
    const { events } = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(moneyIn(events), [`payment.voided ${recent}`]);
  });

  test('what awaits approval is followed by its number until it is decided', async () => {
    await using connection = await connect();
    const { company, calls } = connection;
    const [approved, refused] = [company.begin(order, NOW), company.begin(order, NOW)];
    const first = await pullRound(connection, { at: minutes(5) });
    assert.deepEqual(moneyIn(first.events), [
      `payment.pending ${approved}`,
      `payment.pending ${refused}`,
    ]);
    // So many follow that looking back a few numbers would not find it.
    for (let count = 0; count < 30; count += 1) company.pay(order, minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    company.settle(approved, minutes(11));
    company.withdraw(refused);
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(moneyIn(third.events), [
      `payment.succeeded ${approved}`,
      `payment.voided ${refused}`,
    ]);
    calls.length = 0;
    await pullRound(connection, { ...third, at: minutes(20) });
    assert.ok(!asked(calls).some((path) => path.includes(`DocEntry eq ${approved}`)));
  });

  test('more than a page of them: what stands on the second is not gone', async () => {
    await using connection = await connect();
    const { company } = connection;
    const waiting = Array.from({ length: 12 }, () => company.begin(order, NOW));
    const first = await pullRound(connection, { at: minutes(5) });
    assert.equal(moneyIn(first.events).length, 12);
    company.withdraw(waiting[7] ?? '');
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(moneyIn(second.events), [`payment.voided ${waiting[7]}`]);
  });

  test('a payment of many invoices names each by its number', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { customer } = fill(company);
    const numbers = Array.from({ length: 13 }, (_, index) => `INV-${index}`);
    const invoices = numbers.map((number) => {
      const facts = { number, customerExternalId: customer, amountMinor: 100n, currency: 'USD' };
      return { externalId: company.addInvoice(facts, days(-300)), amountMinor: 100n };
    });
    company.enterPayment({ ...cheque(customer, ''), amountMinor: 1300n, invoices }, NOW);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const paid = events.find(({ type }) => type === 'payment.succeeded');
    const named = paid?.references.flatMap(({ kind, number }) =>
      kind === 'invoice' ? [number] : [],
    );
    assert.deepEqual(named, numbers);
  });

  test('a number that was committed after the next one is read all the same', async () => {
    let hidden = '';
    await using connection = await connect({
      meddle: async (call, send) => {
        const answer = await send();
        if (!call.path.startsWith('IncomingPayments?') || hidden === '') return answer;
        const page = parseVerbatim(answer.body) as { value: { DocEntry: unknown }[] };
        const value = page.value.filter(({ DocEntry }) => JSON.stringify(DocEntry) !== hidden);
        return { ...answer, body: printVerbatim({ ...page, value }) };
      },
    });
    const { company } = connection;
    const first = await pullRound(connection, { at: minutes(5) });
    hidden = company.pay(order, minutes(6));
    const next = company.pay(order, minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(moneyIn(second.events), [`payment.succeeded ${next}`]);
    const late = hidden;
    hidden = '';
    const third = await pullRound(connection, { ...second, at: minutes(15) });
    assert.deepEqual(moneyIn(third.events), [`payment.succeeded ${late}`]);
  });
});

describe('what becomes of invoices', () => {
  test('changed on a day that was read already; cancelled with the document that cancels', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { invoice } = fill(company);
    const first = await pullRound(connection, { at: minutes(5) });
    company.cancelInvoice(invoice, minutes(6));
    const second = await pullRound(connection, { ...first, at: minutes(10) });
    assert.deepEqual(
      second.events.map(({ type, invoice: facts }) => [type, facts?.externalId]),
      [['invoice.voided', invoice]],
    );
  });

  test('down payment invoices have numbers of their own', async () => {
    await using connection = await connect();
    const { company } = connection;
    const { customer } = fill(company);
    const id = company.addDownPayment(customer, 7000n, NOW);
    const { events } = await pullRound(connection, { at: minutes(5) });
    const ids = events.flatMap(({ invoice }) => invoice?.externalId ?? []);
    assert.ok(ids.includes(id) && id.startsWith('dp:'));
  });
});

describe('trouble', () => {
  test('a round that broke off goes on where it was, and a lost session is no trouble', async () => {
    let call = 0;
    await using connection = await connect({
      meddle: (_call, send) => {
        call += 1;
        if (call % 4 === 0) throw new RetryLater('broke off');
        if (call % 5 === 0) connection.company.expireAccessTokens();
        return send();
      },
    });
    const { company, api, settings } = connection;
    const ids = entered(company, 12);
    let cursor: unknown = pull.start(days(-5));
    const keys = new Set<string>();
    for (let look = 0; look < 60; look += 1) {
      try {
        const page = await pull.page(api, cursor, { settings, now: minutes(5) });
        for (const body of page.bodies)
          for (const { key } of sapBusinessOne.split(body, {})) keys.add(key);
        cursor = JSON.parse(JSON.stringify(page.next));
        if (!page.more) break;
      } catch (error) {
        assert.ok(error instanceof RetryLater);
      }
    }
    const payments = [...keys].filter((key) => key.startsWith('object:IncomingPayments:'));
    assert.deepEqual(payments.map((key) => key.split(':')[2]).sort(), [...ids].sort());
  });

  test('a link is followed below our own address, whatever host it names', async () => {
    const linkOf = async (link: string) => {
      const body = Buffer.from(JSON.stringify({ value: [], '@odata.nextLink': link }));
      const api = { request: async () => ({ status: 200, headers: {}, body }) };
      return (await readPage(api, 'Invoices')).next;
    };
    const page = 'Invoices?$filter=DocEntry gt 1&$skip=20';
    assert.equal(await linkOf(page), page);
    assert.equal(await linkOf(`/b1s/v2/${page}`), page);
    assert.equal(await linkOf(`https://evil.example/b1s/v2/${page}`), page);
    for (const odd of ['https://evil.example/Invoices?x', '../Login?x', '//evil.example/x?y']) {
      await assert.rejects(linkOf(odd), WireMismatch);
    }
    const v1 = readFileSync(new URL('fixtures/api-list-payments-v1.in.json', import.meta.url));
    const api = { request: async () => ({ status: 200, headers: {}, body: v1 }) };
    const documented = 'IncomingPayments?$filter=DocEntry%20gt%201203&$orderby=DocEntry&$skip=1';
    assert.equal((await readPage(api, 'IncomingPayments')).next, documented);
  });

  test('texts in filters are quoted', () => {
    const { settings } = {
      settings: sapBusinessOne.settings.parse(least()) as Connection['settings'],
    };
    const path = listPath(
      { entity: 'BusinessPartners', filter: "CardCode eq 'O''Brien'" },
      settings,
    );
    assert.match(
      decodeURIComponent(path),
      /^BusinessPartners\?\$filter=CardCode eq 'O''Brien'&\$select=/,
    );
  });
});

function least(): unknown {
  const file = new URL('fixtures/contract.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).settings;
}

describe('the check', () => {
  test('names the company and user, or what the user may not read, in Business One’s words', async () => {
    await using connection = await connect();
    const { api, settings } = connection;
    assert.equal(
      await sapBusinessOne.check?.(api, settings),
      'SAP Business One company SBODEMOUS as payments-sync (Service Layer v2)',
    );
    await using denied = await connect({
      meddle: async (call, send) => {
        if (!call.path.startsWith('VendorPayments')) return send();
        const error = { code: '-1', message: 'You are not permitted to perform this action' };
        throw new Rejected('403', { status: 403, body: JSON.stringify({ error }) });
      },
    });
    await assert.rejects(
      async () => sapBusinessOne.check?.(denied.api, denied.settings),
      (error) =>
        error instanceof Rejected &&
        /payments-sync read VendorPayments: You are not/.test(error.message),
    );
  });

  test('a field that nobody added is named', async () => {
    await using connection = await connect({ change: { syncIdField: 'U_SyncId' } });
    const { api, settings } = connection;
    await assert.rejects(
      async () => sapBusinessOne.check?.(api, settings),
      /IncomingPayments with U_SyncId: Property 'U_SyncId' of 'Payment' is invalid \(-1000\)/,
    );
  });
});
