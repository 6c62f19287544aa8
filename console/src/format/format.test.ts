import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../../src/money/money.ts';
import { isZero, sumDecimals } from './decimal.ts';
import { dayOf, formatInstant, formatUtc } from './instant.ts';
import { formatMoney, present, totals } from './money.ts';
import { actionWords, methodWords, sentence } from './words.ts';

test('sums decimal texts as exactly as the books do', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('JPY', 'USD', 'KWD'),
      fc.array(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), { minLength: 1 }),
      (currency, amounts) => {
        const total = amounts.reduce((sum, minor) => sum + minor, 0n);
        assert.equal(
          sumDecimals(amounts.map((minor) => toDecimalText({ minor, currency }))),
          toDecimalText({ minor: total, currency }),
        );
      },
    ),
  );
});

test('shows every digit of an amount that no double can hold', () => {
  const amount = '90071992547409931234.57';
  assert.equal(formatMoney({ amount, currency: 'USD' }, 'en-US'), '$90,071,992,547,409,931,234.57');
});

test('shows the digits of the text, not those the language expects', () => {
  assert.equal(formatMoney({ amount: '1500', currency: 'JPY' }, 'en-US'), '¥1,500');
  assert.equal(formatMoney({ amount: '1.234', currency: 'KWD' }, 'en-US'), 'KWD\u00a01.234');
  assert.equal(formatMoney({ amount: '-0.05', currency: 'EUR' }, 'en-US'), '-€0.05');
  assert.throws(() => formatMoney({ amount: '1e3', currency: 'USD' }), RangeError);
});

test('totals are by currency, the most frequent first, without those that come to nothing', () => {
  const of = (amount: string, currency: string) => ({ amount, currency });
  assert.deepEqual(
    totals([of('5', 'JPY'), of('0.10', 'USD'), of('0.20', 'USD'), of('0.00', 'EUR')]),
    [of('0.30', 'USD'), of('5', 'JPY')],
  );
  assert.deepEqual(totals([]), []);
  assert.equal(present(of('0.00', 'USD')), null);
  assert.equal(isZero('0.010'), false);
});

test('an instant is as long as the reader needs it', () => {
  const reader = { locale: 'en-US', timeZone: 'America/Chicago' };
  const instant = '2026-11-21T05:30:15.000Z';
  assert.equal(dayOf(new Date(instant), reader.timeZone), '2026-11-20');
  assert.equal(formatInstant(instant, '2026-11-20', reader), '23:30:15');
  assert.equal(formatInstant(instant, '2026-11-21', reader), 'Nov 20, 23:30:15');
  assert.equal(formatInstant(instant, '2027-01-01', reader), 'Nov 20, 2026, 23:30:15');
  assert.equal(formatUtc(instant), '2026-11-21 05:30:15 UTC');
});

test('codes become words, and unknown ones stay readable', () => {
  assert.equal(actionWords('service.release'), 'Service released');
  assert.equal(actionWords('crane.lower'), 'Crane lower');
  assert.equal(methodWords('ach'), 'ACH');
  assert.equal(sentence('payment.partially_refunded'), 'Payment partially refunded');
});
