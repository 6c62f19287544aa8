import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MalformedAmount, UnknownCurrency } from '../../money/money.ts';
import { adyenMoney, reportAmount } from './units.ts';

describe('amounts of webhooks', () => {
  const cases: readonly (readonly [number | string, string, bigint])[] = [
    [125050, 'USD', 125050n],
    [980000, 'JPY', 980000n],
    [5000, 'KRW', 5000n],
    [1250500, 'KWD', 1250500n],
    [1250500, 'TND', 1250500n],
    [4294967296, 'EUR', 4294967296n],
    ['125050', 'USD', 125050n],
    [12345600, 'CLP', 123456n],
    [980000, 'ISK', 9800n],
    [2500, 'CVE', 250000n],
    [1500000, 'IDR', 150000000n],
    [0, 'USD', 0n],
  ];
  for (const [value, currency, minor] of cases) {
    test(`${value} ${currency} is ${minor}`, () => {
      assert.deepEqual(adyenMoney(value, currency), { minor, currency });
    });
  }

  test('what is no amount is not guessed', () => {
    for (const value of [-1, '1.5', '', '1e5', 12345650.5, '9'.repeat(29)]) {
      assert.throws(() => adyenMoney(value, 'USD'), MalformedAmount, String(value));
    }
    assert.throws(() => adyenMoney(150, 'CLP'), MalformedAmount);
    assert.throws(() => adyenMoney(155, 'ISK'), MalformedAmount);
    for (const code of ['MRO', 'XXX', 'usd', '']) {
      assert.throws(() => adyenMoney(100, code), UnknownCurrency, code);
    }
  });

  test('scaling loses nothing', () => {
    const amounts = fc.integer({ min: 0, max: 90_000_000_000 });
    fc.assert(
      fc.property(amounts, (whole) => {
        assert.equal(adyenMoney(whole * 100, 'CLP').minor, BigInt(whole));
        assert.equal(adyenMoney(whole, 'IDR').minor, BigInt(whole) * 100n);
        assert.equal(adyenMoney(whole, 'KWD').minor, BigInt(whole));
      }),
    );
  });
});

test('columns of reports are decimals of major units', () => {
  assert.equal(reportAmount('1250.50', 'USD'), 125050n);
  assert.equal(reportAmount('7.5', 'USD'), 750n);
  assert.equal(reportAmount('-0.05', 'USD'), -5n);
  assert.equal(reportAmount('980000', 'JPY'), 980000n);
  assert.equal(reportAmount('980000.00', 'ISK'), 980000n);
  assert.equal(reportAmount('15000', 'IDR'), 1500000n);
  assert.equal(reportAmount('1.234', 'KWD'), 1234n);
  assert.equal(reportAmount('', 'USD'), 0n);
  for (const text of ['0.001', '1,250.50', '1e3', 'USD', '9'.repeat(28)]) {
    assert.throws(() => reportAmount(text, 'USD'), MalformedAmount, text);
  }
});
