/** Notices at a simulated processor: what they name is asked for, once, and becomes one payment. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reauthorize, RetryLater } from '../kit/errors.ts';
import { intuitPayments } from './index.ts';
import { connect, fetched, minutes, NOW, order } from './simulated-connection.ts';

const webhook = intuitPayments.webhook ?? assert.fail('no webhook');
const fetchObjects = intuitPayments.fetch ?? assert.fail('no fetch');
const check = intuitPayments.check ?? assert.fail('no check');

describe('notices', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`PaymentCreated of seed ${seed}: signed, recognised, fetched`, async () => {
      await using connection = await connect({ seed, subscribed: 'created' });
      const { processor, settings } = connection;
      const charge = processor.pay(order(), NOW);
      const debit = processor.begin(order(), NOW);
      const told = [];
      for (const one of processor.takeNotices()) {
        const { headers, body } = one.sign(NOW);
        const notice = { headers, body, url: '/', receivedAt: NOW };
        assert.ok(webhook.recognizes(notice), body.toString());
        assert.deepEqual(webhook.authenticate(notice, settings), { verdict: 'authentic' });
        told.push(...(await fetched(connection, body)));
      }
      assert.deepEqual(
        told.map(({ type, externalPaymentId }) => [type, externalPaymentId]),
        [
          ['payment.succeeded', charge],
          ['payment.pending', debit],
        ],
      );
    });
  }

  for (const notices of ['legacy', 'cloud-events'] as const) {
    test(`${notices} of accounting: the record with its charge is one event`, async () => {
      await using connection = await connect({ notices, subscribed: 'accounting' });
      const { processor } = connection;
      const customer = processor.addCustomer({ name: 'Cash Only', email: 'c@c.example' }, NOW);
      processor.enterCheque(customer, 5_500n, NOW);
      const id = processor.pay(order(), minutes(1));
      processor.refund(id, 45n, minutes(2));
      const told = [];
      for (const one of processor.takeNotices()) {
        const notice = { ...one.sign(NOW), url: '/', receivedAt: NOW };
        assert.ok(!webhook.recognizes(notice), 'at the address of all portals it is QuickBooks');
        told.push(...(await fetched(connection, notice.body)));
      }
      const facts = told.map(({ type, externalPaymentId, amountMinor }) => [
        type,
        externalPaymentId,
        amountMinor,
      ]);
      assert.deepEqual(facts, [
        ['payment.succeeded', id, 121_045n],
        ['payment.succeeded', id, 121_045n],
        ['refund.succeeded', id, 45n],
      ]);
    });
  }

  test('a record that is gone, and a charge that is not there yet, yield nothing to be asked again', async () => {
    await using connection = await connect();
    const { processor, api, settings } = connection;
    const id = processor.pay(order(), NOW);
    const record = String(processor.recordOf(id));
    processor.removeRecord(id, minutes(1));
    const missing = [
      { entity: 'Payment', id: record },
      { entity: 'Transaction', id: 'ENOTTHERE123' },
    ];
    assert.deepEqual(await fetchObjects(api, missing, settings), []);
    const named = [...missing, { entity: 'Transaction', id }];
    const found = await fetchObjects(api, named, settings);
    assert.deepEqual(
      found.map(({ request }) => request.id),
      [id],
    );
  });

  test('PaymentCreated that means the payment in QuickBooks leads to its charge', async () => {
    await using connection = await connect();
    const { processor } = connection;
    const id = processor.pay(order(), NOW);
    const body = JSON.stringify({ type: 'PaymentCreated', id: Number(processor.recordOf(id)) });
    const [event] = await fetched(connection, Buffer.from(body));
    assert.equal(event?.externalPaymentId, id);
  });

  test('many records of a kind are read by one query', async () => {
    await using connection = await connect();
    const { processor, api, settings, calls } = connection;
    const ids = Array.from({ length: 8 }, (_, index) =>
      processor.pay(order({ invoiceNumber: `INV-${index}` }), NOW),
    );
    const requests = ids.map((id) => ({ entity: 'Payment', id: String(processor.recordOf(id)) }));
    assert.equal((await fetchObjects(api, requests, settings)).length, 8);
    assert.equal(calls.length, 9);
  });

  test('a call that breaks off breaks off the whole, and is made again', async () => {
    let breaks = true;
    await using connection = await connect({
      meddle: async (call, send) => {
        if (breaks && call.path.includes('/charges/')) throw new RetryLater('broke off');
        return send();
      },
    });
    const { processor, api, settings } = connection;
    const request = { entity: 'Transaction', id: processor.pay(order(), NOW) };
    await assert.rejects(fetchObjects(api, [request], settings), RetryLater);
    breaks = false;
    assert.equal((await fetchObjects(api, [request], settings)).length, 1);
  });
});

describe('check', () => {
  test('names the company, and that its payments can be read', async () => {
    await using connection = await connect();
    const { api, settings } = connection;
    assert.equal(
      await check(api, settings),
      `QuickBooks company Simulated Air Service (${settings.realmId}), with its payments`,
    );
  });

  test('a consent without payments, and a company without a merchant account, are named', async () => {
    await using narrow = await connect({ scope: 'accounting' });
    await assert.rejects(
      check(narrow.api, narrow.settings),
      (error) =>
        error instanceof Reauthorize &&
        /scope com\.intuit\.quickbooks\.payment/.test(error.message),
    );
    await using none = await connect({ merchant: false });
    await assert.rejects(
      check(none.api, none.settings),
      (error) => error instanceof Reauthorize && /PMT-3000 account_error/.test(error.message),
    );
  });

  test('before a company is chosen', async () => {
    await using connection = await connect();
    const { api, settings } = connection;
    const { realmId: _, ...without } = settings;
    await assert.rejects(check(api, without), /no company is chosen yet/);
  });
});

describe('addresses', () => {
  const given = { clientId: 'c', clientSecret: 's', realmId: '1' };
  const hosts = (more: Record<string, string>) => {
    const settings = intuitPayments.settings.parse({ ...given, ...more });
    const { api } = intuitPayments;
    return [api?.baseUrl(settings), ...(api?.otherBaseUrls?.(settings) ?? [])];
  };
  test('both hosts follow the environment unless they are set', () => {
    assert.deepEqual(hosts({}), ['https://api.intuit.com', 'https://quickbooks.api.intuit.com']);
    assert.deepEqual(hosts({ environment: 'sandbox' }), [
      'https://sandbox.api.intuit.com',
      'https://sandbox-quickbooks.api.intuit.com',
    ]);
    const set = { apiBaseUrl: 'http://127.0.0.1:1', accountingBaseUrl: 'http://127.0.0.1:2' };
    assert.deepEqual(hosts({ ...set, environment: 'sandbox' }), [
      'http://127.0.0.1:1',
      'http://127.0.0.1:2',
    ]);
  });
  test('the consent page asks for both scopes', () => {
    const settings = intuitPayments.settings.parse(given);
    assert.deepEqual(intuitPayments.api?.consent?.page(settings), {
      url: 'https://appcenter.intuit.com/connect/oauth2',
      parameters: { scope: 'com.intuit.quickbooks.payment com.intuit.quickbooks.accounting' },
    });
    const back = (query: string) =>
      intuitPayments.api?.consent?.fromRedirect?.(new URLSearchParams(query), settings);
    assert.deepEqual(back('code=x&realmId=9341453000000001'), { realmId: '9341453000000001' });
    assert.throws(() => back('code=x'), /realmId/);
  });
});
