/** Pulling, fetching and checking against a simulated organisation. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiAnswer, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { xero } from './index.ts';
import { cheque, connect, fill, minutes, NOW, read } from './simulated-connection.ts';

const pull = xero.pull ?? assert.fail('no pull');
const fetchObjects = xero.fetch ?? assert.fail('no fetch');
const check = xero.check ?? assert.fail('no check');

/** Pages until the round is over. */
async function round(api: PortalApi, cursor: unknown, settings: unknown, now: Date) {
  const bodies: Buffer[] = [];
  for (let pages = 0; pages < 50; pages += 1) {
    const page = await pull.page(api, cursor, { settings, now });
    bodies.push(...page.bodies);
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more)
      return {
        cursor,
        reached: page.reached,
        events: bodies.flatMap((body) => read(body, settings).events),
      };
  }
  return assert.fail('the round does not end');
}

const answer = (body: unknown, status = 200): ApiAnswer => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
});

describe('pull', () => {
  test('everything, then what changed, deletions and overpayments included', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer, invoice } = fill(organisation);
    const paid = organisation.enterPayment(cheque(customer, invoice), minutes(1));
    const first = await round(api, pull.start(minutes(-60)), settings, minutes(5));
    assert.deepEqual(
      first.events.map(({ type }) => type),
      ['customer.upserted', 'invoice.upserted', 'payment.succeeded'],
    );
    assert.deepEqual(first.reached, minutes(5));
    assert.equal(calls[0]?.headers?.['if-modified-since'], '2026-10-14T14:55:00');
    assert.equal(calls.length, 5, 'one call for each list');

    organisation.void(paid, minutes(60));
    const rest = organisation.enterPayment(
      { ...cheque(customer, invoice), invoices: [] },
      minutes(61),
    );
    const second = await round(api, first.cursor, settings, minutes(70));
    const money = second.events.filter(({ type }) => type.startsWith('payment.'));
    assert.deepEqual(
      money.map(({ type, externalPaymentId, amountMinor }) => [
        type,
        externalPaymentId,
        amountMinor,
      ]),
      [
        ['payment.voided', paid, 5500n],
        ['payment.succeeded', rest, 5500n],
      ],
    );
    const third = await round(api, second.cursor, settings, minutes(90));
    assert.deepEqual(third.events, [], 'nothing newer, told as an empty list or 304');
  });

  test('a long list goes on from its last row, so that no row slips between two pages', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer } = fill(organisation);
    for (let count = 0; count < 2300; count += 1) {
      const more = { number: `N-${count}`, customerExternalId: customer, amountMinor: 100n };
      organisation.addInvoice({ ...more, currency: 'USD' }, new Date(NOW.getTime() + count * 700));
    }
    let edited = false;
    const editing: PortalApi = {
      async request(call) {
        const page = await api.request(call);
        // A row of the first page moves to the end between two pages.
        if (call.path.endsWith('/Invoices') && !edited) {
          edited = true;
          const [oldest] = read(page.body, settings).events;
          const id = oldest?.invoice?.externalId ?? '';
          organisation.enterPayment(cheque(customer, id, 100n), minutes(50));
        }
        return page;
      },
    };
    const { events } = await round(editing, pull.start(minutes(-60)), settings, minutes(60));
    const ids = events.flatMap(({ invoice }) => invoice?.externalId ?? []);
    assert.equal(new Set(ids).size, 2301);
    const asked = calls.filter(({ path }) => path.endsWith('/Invoices'));
    assert.ok(asked.length <= 4, `${asked.length} calls`);
    assert.ok(asked.every(({ query }) => query?.page === '1'));
  });

  test('more rows in one second than a page holds are read by number', async () => {
    await using connection = await connect();
    const { organisation, settings, api } = connection;
    const { customer } = fill(organisation);
    for (let count = 0; count < 1500; count += 1) {
      const more = { number: `N-${count}`, customerExternalId: customer, amountMinor: 100n };
      organisation.addInvoice({ ...more, currency: 'USD' }, NOW);
    }
    const { events } = await round(api, pull.start(minutes(-60)), settings, minutes(60));
    const ids = events.flatMap(({ invoice }) => invoice?.externalId ?? []);
    assert.equal(new Set(ids).size, 1501);
  });

  test('a list that may not be read is left where it stands, and the others are read', async () => {
    await using connection = await connect();
    const { organisation, settings, api } = connection;
    const { customer, invoice } = fill(organisation);
    organisation.enterPayment({ ...cheque(customer, invoice), invoices: [] }, minutes(1));
    for (const error of [new Reauthorize('401'), new Rejected('403', { status: 403, body: '' })]) {
      const narrow: PortalApi = {
        request: async (call) => {
          if (/(Pre|Over)payments$/.test(call.path)) throw error;
          return api.request(call);
        },
      };
      const first = await round(narrow, pull.start(minutes(-60)), settings, minutes(5));
      assert.ok(!first.events.some(({ type }) => type === 'payment.succeeded'));
      const later = await round(api, first.cursor, settings, minutes(600));
      assert.ok(
        later.events.some(({ type }) => type === 'payment.succeeded'),
        'once it is allowed',
      );
    }
    const closed: PortalApi = { request: async () => Promise.reject(new Reauthorize('401')) };
    await assert.rejects(round(closed, pull.start(NOW), settings, NOW), Reauthorize);
  });

  test('without pagination a full page asks for more, and a wrong shape is no empty list', async () => {
    const settings = xero.settings.parse({ clientId: 'c', clientSecret: 's', tenantId: 't' });
    const rows = Array.from({ length: 100 }, (_, index) => ({
      ContactID: `c${index}`,
      UpdatedDateUTC: `/Date(${NOW.getTime() + index})/`,
    }));
    const full: PortalApi = { request: async () => answer({ Contacts: rows }) };
    const context = { settings, now: NOW };
    const first = await pull.page(full, pull.start(NOW), context);
    assert.ok(first.more);
    assert.match(JSON.stringify(first.next), /"place":\{/);
    const strange: PortalApi = { request: async () => answer({ Status: 'OK' }) };
    await assert.rejects(async () => pull.page(strange, pull.start(NOW), context), WireMismatch);
  });
});

describe('fetch', () => {
  test('what events named, in few calls', async () => {
    await using connection = await connect();
    const { organisation, settings, api, calls } = connection;
    const { customer, invoice } = fill(organisation);
    const second = fill(organisation, 'INV-1017');
    organisation.enterPayment(cheque(customer, invoice), minutes(1));
    organisation.enterPayment(cheque(second.customer, second.invoice), minutes(2));
    const requests = organisation
      .takeNotices()
      .flatMap((notice) => read(notice.sign(NOW).body, settings).requests);
    const found = await fetchObjects(api, requests, settings);
    for (const request of requests) {
      assert.ok(
        found.some((one) => one.request.entity === request.entity && one.request.id === request.id),
      );
    }
    const events = found.flatMap(({ body }) => read(body, settings).events);
    const count = (wanted: string) => events.filter(({ type }) => type === wanted).length;
    assert.deepEqual(
      ['payment.succeeded', 'invoice.upserted', 'customer.upserted'].map(count),
      [2, 2, 2],
    );
    assert.ok(calls.length <= 4, `${calls.length} calls`);
  });

  test('what Xero does not have is no document', async () => {
    await using connection = await connect();
    const { organisation, settings, api } = connection;
    fill(organisation);
    const missing = ['Invoices', 'Contacts', 'Prepayments', 'Overpayments', 'Payments'];
    const requests = missing.map((entity) => ({ entity, id: 'gone' }));
    assert.deepEqual(await fetchObjects(api, requests, settings), []);
  });

  test('a trimmed payment gets the currency of what it pays', async () => {
    const settings = xero.settings.parse({ clientId: 'c', clientSecret: 's', tenantId: 't' });
    const row = {
      PaymentID: 'p1',
      Amount: 46.5,
      PaymentType: 'ACCRECPAYMENT',
      Status: 'AUTHORISED',
      UpdatedDateUTC: '/Date(1791993730690+0000)/',
      Invoice: { InvoiceID: 'i1' },
    };
    const apiOf = (invoice: object): PortalApi => ({
      request: async ({ path }) =>
        path.includes('/Payments/') ? answer({ Payments: [row] }) : answer({ Invoices: [invoice] }),
    });
    const requests = [{ entity: 'Payments', id: 'p1' }];
    const [found] = await fetchObjects(
      apiOf({ InvoiceID: 'i1', CurrencyCode: 'NZD' }),
      requests,
      settings,
    );
    const [event] = read(found?.body ?? Buffer.alloc(0), settings).events;
    assert.deepEqual([event?.amountMinor, event?.currency], [4650n, 'NZD']);
    await assert.rejects(fetchObjects(apiOf({ InvoiceID: 'i1' }), requests, settings), /currency/);
  });
});

describe('credentials', () => {
  test('the check names the organisation and what is missing', async () => {
    await using connection = await connect({ furtherOrganisations: ['Demo Company (NZ)'] });
    const { settings, api } = connection;
    assert.match(await check(api, settings), /^Xero organisation Simulated Air Services Ltd \(/);
    const { paymentAccount: _, ...without } = settings as Record<string, unknown>;
    assert.match(await check(api, without), /paymentAccount/);
    const narrow = (pattern: RegExp, status: number): PortalApi => ({
      request: async (call) => (pattern.test(call.path) ? answer({}, status) : api.request(call)),
    });
    await assert.rejects(
      check(narrow(/Payments$/, 403), settings),
      /Payments \(accounting\.payments\)/,
    );
    await assert.rejects(check(narrow(/Contacts$/, 401), settings), /accounting\.contacts\.read/);
    assert.match(
      await check(narrow(/Overpayments$/, 403), settings),
      /not allowed to read Overpay/,
    );
  });

  test('the documented list of connections is what a person chooses from', async () => {
    const file = new URL('./fixtures/api-connections.json', import.meta.url);
    const api: PortalApi = {
      request: async () => ({ status: 200, headers: {}, body: readFileSync(file) }),
    };
    const settings = xero.settings.parse({ clientId: 'c', clientSecret: 's' });
    assert.deepEqual(await xero.api?.consent?.accounts?.(api, settings), [
      {
        label: 'Hartwell Air Services Ltd',
        settings: { tenantId: 'c6ab53c9-a6b2-4d2f-9a5e-0d4dd4a7d1f3' },
      },
    ]);
    const page = xero.api?.consent?.page(settings);
    assert.equal(page?.url, 'https://login.xero.com/identity/connect/authorize');
    assert.match(page?.parameters.scope ?? '', /^offline_access accounting\.payments /);
  });

  test('before an organisation is chosen every call says so', async () => {
    await using connection = await connect();
    const { api, settings } = connection;
    const { tenantId: _, ...unchosen } = settings as Record<string, unknown>;
    await assert.rejects(check(api, unchosen), /Simulated Air Services Ltd .*consent page/);
    const page = async () => pull.page(api, pull.start(NOW), { settings: unchosen, now: NOW });
    await assert.rejects(page, Reauthorize);
  });

  test('another organisation and a spent token are refused', async () => {
    await using wrong = await connect({ change: { tenantId: 'somebody-else' } });
    const page = async () =>
      pull.page(wrong.api, pull.start(NOW), { settings: wrong.settings, now: NOW });
    await assert.rejects(page, Rejected);
    await using spent = await connect({ change: { refreshToken: 'spent' } });
    await assert.rejects(check(spent.api, spent.settings), Reauthorize);
  });

  test('the daily limit is obeyed as long as Xero says', async () => {
    const limited = new RetryLater('429', { afterMs: 40_000_000 });
    await using connection = await connect();
    const { settings } = connection;
    const api: PortalApi = { request: async () => Promise.reject(limited) };
    const failed = pull.page(api, pull.start(NOW), { settings, now: NOW });
    await assert.rejects(
      failed,
      (error) => error instanceof RetryLater && error.afterMs === 40_000_000,
    );
  });

  test('a custom connection needs neither consent nor tenant', () => {
    const settings = xero.settings.parse({
      clientId: 'c',
      clientSecret: 's',
      customConnection: 'true',
    });
    const auth = xero.api?.auth(settings);
    assert.ok(auth?.kind === 'oauth2' && auth.client.grant === 'client_credentials');
    assert.doesNotMatch(auth.client.parameters?.scope ?? '', /offline_access/);
    assert.equal(xero.api?.headers?.(settings)['xero-tenant-id'], undefined);
  });
});
