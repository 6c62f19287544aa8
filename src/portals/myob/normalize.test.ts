/** What MYOB's records become, beyond the samples. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { Normalized } from '../contract.ts';
import { dayOf, midnightOf } from './instants.ts';
import { normalize } from './normalize.ts';
import { callHeaders, settings } from './settings.ts';
import { split } from './split.ts';

const sample = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.in.json`, import.meta.url), 'utf8'));

function become(record: unknown, given = {}): Normalized {
  const [document] = split(Buffer.from(JSON.stringify(record)));
  assert.ok(document);
  return normalize({ body: document.body, headers: {}, receivedAt: new Date(0) }, given);
}

function event(record: unknown, given = {}) {
  const outcome = become(record, given);
  return 'events' in outcome ? outcome.events[0] : assert.fail(JSON.stringify(outcome));
}

describe('amounts', () => {
  const receipt = sample('api-payment-read');

  test('any amount of any number of decimals comes out as it went in', () => {
    const currencies = fc.constantFrom('AUD', 'JPY', 'KWD');
    fc.assert(
      fc.property(currencies, fc.bigInt({ min: 1n, max: 10n ** 15n }), (currency, minor) => {
        const amount = rawNumber(toDecimalText({ minor, currency }));
        const foreign = {
          ...receipt,
          ForeignCurrency: currency === 'AUD' ? null : { Code: currency },
          AmountReceived: currency === 'AUD' ? amount : 1,
          AmountReceivedForeign: currency === 'AUD' ? null : amount,
          Invoices: [],
        };
        const told = event(foreign);
        assert.deepEqual([told?.amountMinor, told?.currency], [minor, currency]);
      }),
    );
  });

  test('a file in another currency, and decimals that the currency has not', () => {
    assert.equal(event(receipt, { baseCurrency: 'NZD' })?.currency, 'NZD');
    assert.throws(() => become({ ...receipt, AmountReceived: 1.005 }), /more than 2 digits/);
    const odd = { ...receipt, ForeignCurrency: { Code: 'ZZZ' }, AmountReceivedForeign: 1 };
    assert.throws(() => become(odd), /ZZZ/);
    const half = { ...receipt, ForeignCurrency: { Code: 'JPY' } };
    assert.throws(() => become(half), /JPY, but no amount/);
  });

  test('a receipt of nothing is no money', () => {
    assert.ok('ignored' in become({ ...receipt, AmountReceived: 0 }));
  });
});

describe('methods', () => {
  const names = {
    EFT: 'bank',
    'Bank Deposit': 'bank',
    BPAY: 'bank',
    Visa: 'card',
    MasterCard: 'card',
    Amex: 'card',
    Cash: 'cash',
    Cheque: 'check',
    Barter: 'other',
  };
  for (const [name, method] of Object.entries(names)) {
    test(`${name} is ${method}`, () => {
      const record = { ...sample('api-payment-read'), PaymentMethod: name };
      assert.equal(event(record)?.method, method);
    });
  }
});

describe('days', () => {
  test('begin where the company is, in summer and winter', () => {
    const midnight = (day: string, zone: string) => midnightOf(`${day}T00:00:00`, 'Date', zone);
    assert.equal(midnight('2026-07-01', 'Australia/Sydney'), '2026-06-30T14:00:00.000Z');
    assert.equal(midnight('2026-12-01', 'Australia/Sydney'), '2026-11-30T13:00:00.000Z');
    assert.equal(midnight('2026-10-04', 'Australia/Sydney'), '2026-10-03T14:00:00.000Z');
    assert.equal(midnight('2026-12-01', 'Pacific/Auckland'), '2026-11-30T11:00:00.000Z');
    assert.throws(() => dayOf('14/10/2026', 'Date'), /Date/);
  });
});

describe('identity', () => {
  test('a version read twice is one document, another version another', () => {
    const row = sample('api-payment-read');
    const keys = (page: object) => split(Buffer.from(JSON.stringify(page))).map(({ key }) => key);
    const [first] = keys({ Items: [row], ReadAt: '2026-10-15T01:00:00.000Z' });
    assert.deepEqual(keys({ Items: [row], ReadAt: '2026-10-16T01:00:00.000Z' }), [first]);
    assert.deepEqual(keys(row), [first]);
    assert.notDeepEqual(keys({ ...row, RowVersion: '5' }), [first]);
  });
});

describe('headers', () => {
  const least = { clientId: 'key', clientSecret: 'secret' };

  test('name the key and version, and the log-in of the file only where it has one', () => {
    const plain = { 'x-myobapi-key': 'key', 'x-myobapi-version': 'v2' };
    assert.deepEqual(callHeaders(settings.parse(least)), plain);
    const withUser = settings.parse({ ...least, companyFileUser: 'Administrator' });
    const token = 'QWRtaW5pc3RyYXRvcjo=';
    assert.deepEqual(callHeaders(withUser), { ...plain, 'x-myobapi-cftoken': token });
  });
});
