import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { readDetails } from './mt940-details.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';

const settings = schema.parse({});

function read(body: string | Buffer): readonly Normalized[] {
  return split(Buffer.from(body), {}).map((part) => {
    try {
      return normalize({ body: part.body, headers: {}, receivedAt: new Date(0) }, settings);
    } catch (error) {
      return { quarantined: (error as Error).message };
    }
  });
}

function events(body: string | Buffer): readonly CanonicalEvent[] {
  return read(body).flatMap((one) => {
    assert.ok(!('quarantined' in one), 'quarantined' in one ? one.quarantined : '');
    return 'events' in one ? one.events : [];
  });
}

const problem = (body: string) =>
  read(body)
    .flatMap((one) => ('quarantined' in one ? one.quarantined : []))
    .join('\n');

const comma = (minor: bigint, currency: string) => {
  const text = toDecimalText({ minor: minor < 0n ? -minor : minor, currency });
  return text.includes('.') ? text.replace('.', ',') : `${text},`;
};

type Line = {
  readonly minor: bigint;
  readonly mark: string;
  readonly rest?: string;
  readonly day?: string;
};

/** A statement whose balances are right, but for `off`. */
function statement(lines: readonly Line[], { currency = 'EUR', off = 0n } = {}): string {
  const signed = lines.map(({ minor, mark }) =>
    ['C', 'RD'].includes(mark) ? minor : ['D', 'RC'].includes(mark) ? -minor : 0n,
  );
  const end = signed.reduce((sum, one) => sum + one, 100n) + off;
  return [
    ':20:STMT',
    ':25:12030000/0000202051',
    ':28C:1/1',
    `:60F:C261112${currency}${comma(100n, currency)}`,
    ...lines.map(
      ({ minor, mark, rest = 'NTRFREF//B1', day = '2611131113' }) =>
        `:61:${day}${mark}${comma(minor, currency)}${rest}`,
    ),
    `:62F:${end < 0n ? 'D' : 'C'}261113${currency}${comma(end, currency)}`,
    '-',
  ].join('\r\n');
}

const one = (rest: string, mark = 'C') => statement([{ minor: 1050n, mark, rest }]);

describe('a statement', () => {
  test('amounts of every exponent are exact, and one unit off a balance is noticed', () => {
    const lines = fc.array(
      fc.record({
        minor: fc.bigInt({ min: 1n, max: 10n ** 11n }),
        mark: fc.constantFrom('C', 'D', 'RC', 'RD', 'EC', 'ED'),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(lines, fc.constantFrom('EUR', 'JPY', 'KWD'), (given, currency) => {
        const numbered = given.map((line, at) => ({ ...line, rest: `NTRFR${at}//B${at}` }));
        const money = numbered.filter(({ mark }) => mark === 'C' || mark === 'RC');
        assert.deepEqual(
          events(statement(numbered, { currency })).map((event) => [event.type, event.amountMinor]),
          money.map(({ mark, minor }) => [
            mark === 'C' ? 'payment.succeeded' : 'payment.failed',
            minor,
          ]),
        );
        const broken = statement(numbered, { currency, off: 1n });
        assert.equal(read(broken).length, 1);
        assert.match(problem(broken), /closing balance/);
      }),
      { numRuns: 60 },
    );
  });

  test('with an amount that its currency cannot have is not rounded', () => {
    assert.match(
      problem(statement([{ minor: 1n, mark: 'C' }]).replaceAll('0,01', '0,015')),
      /digits/,
    );
    assert.equal(
      events(statement([{ minor: 50000n, mark: 'C' }]).replace('C500,00', 'C500,'))[0]?.amountMinor,
      50000n,
    );
  });

  test('the entry date has the year nearest to the value date', () => {
    const day = (day: string) =>
      events(statement([{ minor: 1n, mark: 'C', day }]))[0]?.occurredAt.slice(0, 10);
    assert.equal(day('2512310102'), '2026-01-02');
    assert.equal(day('2601021231'), '2025-12-31');
    assert.equal(day('261113'), '2026-11-13');
    assert.equal(day('2402280229'), '2024-02-29');
    assert.match(problem(statement([{ minor: 1n, mark: 'C', day: '2611311131' }])), /no day/);
    assert.match(
      problem(statement([{ minor: 1n, mark: 'C', day: '2611130230' }])),
      /not an entry date/,
    );
  });

  test('is set aside when it is cut off or is none', () => {
    const good = one('NTRFREF//B1');
    assert.match(problem(good.replace(/:62F:.*/, '')), /cut off/);
    assert.match(problem(good.replace(/:25:.*\r\n/, '')), /no account/);
    assert.match(problem(good.replace(/:60F:.*\r\n/, '')), /neither an opening balance/);
    assert.match(problem(good.replace('NTRFREF', 'TRFREF')), /not a statement line/);
    assert.match(
      problem(good.replace(':62F:C261113EUR', ':62F:C261113USD')),
      /different currencies/,
    );
    assert.match(problem(good.replaceAll('EUR', 'EUX')), /ISO 4217/);
  });

  test('may be one of several in a file, in Latin-1, with a funds letter', () => {
    const text = `${one('NTRFREF//B1\r\n:86:M\u00dcLLER')}\r\n${one('NTRFREF//B2').replace('13C10', '13CR10')}`;
    const found = events(Buffer.from(text, 'latin1'));
    assert.deepEqual(
      found.map((event) => event.externalPaymentId),
      ['B1:2026-11-13:1050', 'B2:2026-11-13:1050'],
    );
    assert.equal(found[0]?.references[0]?.text, 'M\u00dcLLER');
  });
});

describe('an intraday report (MT942)', () => {
  const report = (count: number, sum: string, more = '') =>
    [
      ...[':20:I', ':25:1/2', ':28C:1', ':34F:EURD0,', ':34F:EURC0,', ':13D:2611131200+0100'],
      ...[':61:2611131113C10,50NTRFREF//B1', ':61:2611131113RC3,00NTRFREF//B2'],
      ...[`:90D:1EUR3,00`, `:90C:${count}EUR${sum}`, more || '-'],
    ].join('\n');

  test('announces what the statement books under the same id', () => {
    const [announced, ...others] = events(report(1, '10,50'));
    assert.equal(others.length, 0);
    assert.equal(announced?.type, 'payment.pending');
    const [booked] = events(one('NTRFREF//B1'));
    assert.equal(booked?.type, 'payment.succeeded');
    assert.equal(announced?.externalPaymentId, booked?.externalPaymentId);
    assert.notEqual(announced?.eventId, booked?.eventId);
  });

  test('is held against its sums', () => {
    assert.match(problem(report(2, '10,50')), /:90C: states 2 movements/);
    assert.match(problem(report(1, '10,51')), /there are 1 of 10.50/);
  });
});

describe('a movement', () => {
  const type = (rest: string, mark: string) => events(one(rest, mark))[0]?.type;

  test('means what its mark, type and transaction code say', () => {
    assert.equal(type('NTRFREF', 'C'), 'payment.succeeded');
    assert.equal(type('NTRFREF', 'D'), undefined);
    assert.equal(type('NTRFREF', 'RC'), 'payment.failed');
    assert.equal(type('NRTIREF', 'D'), 'payment.failed');
    assert.equal(type('NRTIREF', 'C'), 'refund.failed');
    for (const code of ['108', '109']) {
      assert.equal(type(`NTRFREF\r\n:86:${code}?00RETOURE?20EREF+DD-1`, 'D'), 'payment.failed');
    }
    assert.equal(type('NTRFREF\r\n:86:105?00LASTSCHRIFT?20EREF+DD-1', 'D'), undefined);
    assert.equal(type('NTRFREF\r\n:86:159?00RETOURE?20EREF+gr_1', 'C'), 'refund.failed');
    assert.equal(type('NTRFREF\r\n:86:/EREF/DD-1/RTRN/AC04/', 'D'), 'payment.failed');
  });

  test('that came back is its original amount, and the rest is the fee of the bank', () => {
    const returned = (words: string) => {
      const [event] = events(
        one(`NRTINONREF\r\n:86:109?00R?20EREF+DD-1?21${words}?22SVWZ+AC06`, 'D'),
      );
      return [event?.externalPaymentId, event?.amountMinor, event?.feeMinor, event?.reason];
    };
    assert.deepEqual(returned('OAMT+7,50'), ['e2e:DD-1', 750n, 300n, 'AC06']);
    assert.deepEqual(returned('COAM+3,00'), ['e2e:DD-1', 750n, 300n, 'AC06']);
    assert.deepEqual(returned('MREF+M1'), ['e2e:DD-1', 1050n, null, 'AC06']);
    assert.deepEqual(returned('OAMT+99,00'), ['e2e:DD-1', 1050n, null, 'AC06']);
  });

  test('without a reference of the bank is told from its equals by a number', () => {
    const line = { minor: 5n, mark: 'C', rest: 'NMSCNONREF\r\n:86:CASH' };
    const ids = events(statement([line, line])).map((event) => event.externalPaymentId);
    assert.equal(new Set(ids).size, 2);
    assert.equal(events(statement([line]))[0]?.externalPaymentId, ids[0]);
    const same = { ...line, rest: 'NMSCNONREF//B9' };
    assert.equal(events(statement([same, same])).length, 1);
  });

  test('of a processor is a payout', () => {
    const stripe = 'NTRFREF//B1\r\n:86:166?00GUTSCHRIFT?20SVWZ+STRIPE X?32STRIPE PAYMENTS EUROPE';
    assert.deepEqual(
      events(one(stripe)).map(({ type, payoutId }) => [type, payoutId !== undefined]),
      [['payout.banked', true]],
    );
  });
});

describe('details', () => {
  test('of German banks: slices without blanks between them, keywords, names', () => {
    const read_ = readDetails(
      '166?00SEPA?109248?20EREF+E-1?21KREF+K?22SVWZ+INV-2026-04?2381, WO-?2477?30BIC?31DE89?32ABCDEFGHIJKLMNOPQRSTUVWXYZ1?33234 GMBH?60 REST',
    );
    assert.equal(read_.code, '166');
    assert.equal(read_.endToEndId, 'E-1');
    assert.equal(read_.text, 'INV-2026-0481, WO-77 REST');
    assert.equal(read_.payer, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ1234 GMBH');
    assert.equal(read_.payerAccount, 'DE89');
    assert.equal(readDetails('051?00X?20INV 7 WHAT??21?').text, 'INV 7 WHAT??');
    assert.equal(readDetails('166?20SVWZ+A?32UMBRELLA?20B').text, 'AB');
  });

  test('of Dutch banks: keys between slashes, values with slashes of their own', () => {
    const read_ = readDetails(
      '/TRTP/SEPA/IBAN/NL01/BIC/X/NAME/J. Jansen/REMI/INV 12/13 paid/EREF/E-9',
    );
    assert.equal(read_.payer, 'J. Jansen');
    assert.equal(read_.payerAccount, 'NL01');
    assert.equal(read_.text, 'INV 12/13 paid');
    assert.equal(read_.endToEndId, 'E-9');
    const ing = readDetails('/EREF/E-1//CNTP/NL02/INGB/K. Klaas/AMS//REMI/USTD//INV-5/');
    assert.deepEqual([ing.payer, ing.payerAccount, ing.endToEndId], ['K. Klaas', 'NL02', 'E-1']);
    assert.match(ing.text, /INV-5/);
  });

  test('in free words stay as they are', () => {
    assert.deepEqual(readDetails('PAYMENT INV-7'), {
      text: 'PAYMENT INV-7',
      isReturn: false,
      returnCode: undefined,
    });
  });
});
