import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import currencyCodes from 'currency-codes';
import fc from 'fast-check';
import {
  exponentOf,
  fromDecimalText,
  fromMinor,
  MalformedAmount,
  scaleDecimalText,
  toDecimalText,
  toJsonMoney,
  UnknownCurrency,
} from './money.ts';

const NOT_MONEY = 'XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX'.split(' ');
const CURRENCIES = currencyCodes.codes().filter((code) => !NOT_MONEY.includes(code));
const currency = fc.constantFrom(...CURRENCIES);
const minor = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n });

describe('exponents', () => {
  // Written down from ISO 4217 itself, so that a changed package is noticed.
  const ISO_4217: Readonly<Record<number, string>> = {
    0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
    2: 'AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR MGA MRU MXN NOK NZD PLN SEK TWD USD ZAR',
    3: 'BHD IQD JOD KWD LYD OMR TND',
    4: 'CLF UYW',
  };
  for (const [digits, codes] of Object.entries(ISO_4217)) {
    test(`${digits}: ${codes}`, () => {
      for (const code of codes.split(' ')) assert.equal(exponentOf(code), Number(digits), code);
    });
  }

  for (const code of [...NOT_MONEY, 'usd', 'US', 'USDX', 'DEM', '', '   ', '__proto__']) {
    test(`"${code}" is no currency`, () => {
      assert.throws(() => exponentOf(code), UnknownCurrency);
      assert.throws(() => fromMinor(1n, code), UnknownCurrency);
      assert.throws(() => fromDecimalText('1', code), UnknownCurrency);
    });
  }
});

describe('decimal text', () => {
  const TABLE = [
    ['1250.50', 'USD', 125050n],
    ['1250.5', 'USD', 125050n],
    ['1250', 'USD', 125000n],
    ['1250.5000', 'USD', 125050n],
    ['0.01', 'USD', 1n],
    ['-0.01', 'USD', -1n],
    ['007', 'USD', 700n],
    ['1250', 'JPY', 1250n],
    ['1250.00', 'JPY', 1250n],
    ['1.234', 'KWD', 1234n],
    ['0.0001', 'CLF', 1n],
    ['90071992547409931.01', 'USD', 9007199254740993101n],
  ] as const;
  for (const [text, code, expected] of TABLE) {
    test(`${text} ${code} is ${expected}`, () => {
      assert.equal(fromDecimalText(text, code).minor, expected);
    });
  }

  const MALFORMED = [
    '',
    ' ',
    '1,250.50',
    '1.250,50',
    '.5',
    '5.',
    '1e3',
    '+1',
    '0x10',
    '1 000',
    '--1',
  ];
  for (const text of [...MALFORMED, 'NaN', 'Infinity', '$5', '１.00', '1\n', '9'.repeat(31)]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => fromDecimalText(text, 'USD'), MalformedAmount);
    });
  }

  for (const [text, code] of [
    ['1.001', 'USD'],
    ['1.5', 'JPY'],
    ['1.2345', 'KWD'],
    ['0.00001', 'CLF'],
  ] as const) {
    test(`${text} ${code} has an excess digit and is never rounded`, () => {
      assert.throws(() => fromDecimalText(text, code), MalformedAmount);
    });
  }

  test('writing and reading is a round trip in every currency', () => {
    fc.assert(
      fc.property(minor, currency, (amount, code) => {
        const text = toDecimalText({ minor: amount, currency: code });
        assert.equal(fromDecimalText(text, code).minor, amount);
        assert.match(text, exponentOf(code) === 0 ? /^-?\d+$/ : /^-?\d+\.\d+$/);
        assert.equal(text.split('.')[1]?.length ?? 0, exponentOf(code));
      }),
      { numRuns: 1000 },
    );
  });

  test('a non-zero digit beyond the exponent is refused in every currency', () => {
    const digit = fc.integer({ min: 1, max: 9 });
    const zeros = fc.integer({ min: 0, max: 5 });
    fc.assert(
      fc.property(minor, currency, digit, zeros, (amount, code, last, count) => {
        const text = toDecimalText({ minor: amount, currency: code });
        const point = exponentOf(code) === 0 ? '.' : '';
        const padded = `${text}${point}${'0'.repeat(count)}`;
        if (count > 0) assert.equal(fromDecimalText(padded, code).minor, amount);
        assert.throws(() => fromDecimalText(`${padded}${last}`, code), MalformedAmount);
      }),
    );
  });

  test('scaling is multiplication by a power of ten', () => {
    fc.assert(
      fc.property(minor, fc.integer({ min: 0, max: 6 }), (amount, digits) => {
        assert.equal(scaleDecimalText(String(amount), digits), amount * 10n ** BigInt(digits));
      }),
    );
  });
});

describe('minor units', () => {
  for (const [given, expected] of [
    [125050, 125050n],
    ['125050', 125050n],
    [-1n, -1n],
    ['-1', -1n],
    [Number.MAX_SAFE_INTEGER, 9007199254740991n],
  ] as const) {
    test(`${given} is read`, () => assert.equal(fromMinor(given, 'USD').minor, expected));
  }

  for (const given of [1.5, Number.NaN, Infinity, 2 ** 53, '1.0', '', ' 1', '1e3', '0x1', '1_0']) {
    test(`${given} is refused`, () => {
      assert.throws(() => fromMinor(given, 'USD'), MalformedAmount);
    });
  }
});

test('JSON shows a decimal string with exactly the digits of the currency', () => {
  assert.deepEqual(toJsonMoney({ minor: 107500n, currency: 'USD' }), {
    amount: '1075.00',
    currency: 'USD',
  });
  assert.equal(toDecimalText({ minor: 5n, currency: 'KWD' }), '0.005');
  assert.equal(toDecimalText({ minor: -5n, currency: 'JPY' }), '-5');
  assert.equal(toDecimalText({ minor: 0n, currency: 'CLF' }), '0.0000');
});
