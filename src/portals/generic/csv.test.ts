import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { exponentOf } from '../../money/money.ts';
import { amountCell, dayCell } from './csv-cells.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';

const COLUMNS = {
  date: 'Date',
  amount: 'Amount',
  description: 'Text',
  balance: 'Balance',
};
const PROFILE = { csvColumns: JSON.stringify(COLUMNS), csvCurrency: 'USD' };
const HEADER = 'Date,Text,Amount,Balance';

function read(text: string | Buffer, profile: Readonly<Record<string, string>> = PROFILE) {
  const document = { body: Buffer.from(text), headers: {}, receivedAt: new Date(0) };
  try {
    return normalize(document, schema.parse(profile));
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

function events(text: string | Buffer, profile?: Readonly<Record<string, string>>) {
  const outcome = read(text, profile);
  assert.ok('events' in outcome, 'quarantined' in outcome ? outcome.quarantined : 'no events');
  return outcome.events;
}

function problem(text: string | Buffer, profile?: Readonly<Record<string, string>>): string {
  const outcome = read(text, profile);
  return 'quarantined' in outcome ? outcome.quarantined : 'read';
}

const rows = (...lines: readonly string[]) => [HEADER, ...lines].join('\n');
const idsOf = (text: string) => events(text).map((event) => event.externalPaymentId);

describe('amounts in cells', () => {
  test('any amount in any notation is read exactly', () => {
    const notation = fc.record({
      minor: fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }),
      currency: fc.constantFrom('USD', 'JPY', 'KWD'),
      mark: fc.constantFrom('dot' as const, 'comma' as const),
      thousands: fc.constantFrom('', 'other', ' ', "'", '\u00a0', '\u202f'),
      negative: fc.constantFrom('-x', '- x', 'x-', 'x -', '(x)'),
    });
    fc.assert(
      fc.property(notation, ({ minor, currency, mark, thousands, negative }) => {
        const digits = exponentOf(currency);
        const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
        const [point, other] = mark === 'dot' ? ['.', ','] : [',', '.'];
        const between = thousands === 'other' ? other : thousands;
        const whole = text
          .slice(0, text.length - digits)
          .replace(/\B(?=(\d{3})+$)/g, () => String(between));
        const fraction = digits === 0 ? '' : `${point}${text.slice(-digits)}`;
        const positive = `${whole}${fraction}`;
        const written = minor < 0n ? negative.replace('x', positive) : positive;
        assert.equal(amountCell(written, { currency, mark }), minor, written);
      }),
    );
  });

  test('another notation than that of the profile does not fit', () => {
    const dot = { currency: 'USD', mark: 'dot' } as const;
    for (const text of [
      ...['1.234,50', '1,23', '12,34.50', '1 234 5', '1.2.3', '1e5', '1.81E+15', '$5', '5 USD'],
      ...['--5', '+', '-', '()', 'five', '1.005', '٣', '0x10', '1,234 567'],
    ]) {
      assert.throws(() => amountCell(text, dot), Error, text);
    }
    assert.equal(amountCell('', dot), undefined);
    assert.equal(amountCell('1,234', dot), 123400n);
    assert.throws(() => amountCell('1,234', { currency: 'USD', mark: 'comma' }));
  });
});

describe('dates in cells', () => {
  test('are read in the order of the profile', () => {
    assert.equal(dayCell('13.11.2026', 'DMY'), '2026-11-13');
    assert.equal(dayCell('3/11/26', 'DMY'), '2026-11-03');
    assert.equal(dayCell('3/11/26', 'MDY'), '2026-03-11');
    assert.equal(dayCell('2026-11-13', 'YMD'), '2026-11-13');
    assert.equal(dayCell('20261113', 'YMD'), '2026-11-13');
    assert.equal(dayCell('13112026', 'DMY'), '2026-11-13');
    assert.equal(dayCell('2026-11-13 23:59:10', 'YMD'), '2026-11-13');
    assert.equal(dayCell('2026-11-13T00:00:00.000+01:00', 'YMD'), '2026-11-13');
  });

  test('that do not exist, or are numbers of a spreadsheet, do not fit', () => {
    for (const text of [
      '31.02.2026',
      '11.13.2026',
      '2026-11-13',
      '45975',
      '',
      '13.11',
      '1.1.126',
    ]) {
      assert.throws(() => dayCell(text, 'DMY'), Error, text);
    }
  });
});

describe('a row that does not fit stops the file, with its line', () => {
  const good = '2026-11-13,INV-1,10.00,110.00';
  for (const [row, reason] of [
    ['13.11.2026,INV-2,10.00,120.00', /line 3: "13.11.2026" is not a date/],
    ['2026-11-13,INV-2,"10,00",120.00', /line 3: "10,00" is not an amount/],
    ['2026-11-13,INV-2,,120.00', /line 3: it has no amount/],
    ['2026-11-13,INV-2,10.00', /line 3: it has 3 cells, the first row 4/],
    ['2026-11-13,INV-2,10.00,1,2', /line 3: it has 5 cells/],
    ['2026-11-13,"INV"-2,10.00,1', /no CSV by its profile/],
    ['=1+1,x,1.00,1', /line 3: "=1\+1" is not a date/],
    ['Total,,20.00,', /line 3: "Total" is not a date/],
  ] as const) {
    test(row, () => assert.match(problem(rows(good, row, good)), reason));
  }

  test('the line counts what was skipped and what a cell spans', () => {
    const profile = { ...PROFILE, csvSkipLines: '2', csvFooterLines: '1' };
    const text = ['Account 1', 'November', HEADER, '2026-11-13,"a\nb",1.00,1', 'x,,,', 'Sum,,1.00'];
    assert.match(problem(text.join('\r\n'), profile), /line 6: "x" is not a date/);
  });

  test('credit and debit columns hold one amount together', () => {
    const csvColumns = '{"date":1,"credit":2,"debit":3}';
    const profile = { csvColumns, csvCurrency: 'USD', csvHeader: 'false' };
    const day = '2026-11-13';
    assert.match(problem(`${day},,`, profile), /line 1: it has neither/);
    assert.match(problem(`${day},1.00,1.00`, profile), /both a credit and a debit/);
    assert.match(problem(`${day},-1.00,`, profile), /credit is negative/);
    for (const debit of ['4.90', '-4.90', '(4.90)', '4.90-']) {
      const outcome = read(`${day},,${debit}\n${day},0.00,${debit}`, profile);
      assert.ok('ignored' in outcome, debit);
    }
    assert.equal(events(`${day},1.00,0.00\n${day},,3.00`, profile).length, 1);
  });

  test('so does a file of another encoding or another bank', () => {
    const latin = Buffer.from(rows('2026-11-13,M\u00fcller,1.00,1.00'), 'latin1');
    assert.match(problem(latin), /not utf-8; set `csvEncoding`/);
    const [event] = events(latin, { ...PROFILE, csvEncoding: 'windows-1252' });
    assert.deepEqual(event?.references, [{ kind: 'memo', text: 'M\u00fcller' }]);
    assert.match(problem('Day;Value\n1;2'), /names no column "Date"/);
    assert.match(problem(rows('2026-11-13,x,1.00,1'), {}), /needs `csvColumns`/);
    assert.match(problem(Buffer.from('PK\u0003\u0004')), /Excel/);
    const { csvCurrency: _, ...without } = PROFILE;
    assert.match(problem(rows('2026-11-13,x,1.00,1'), without), /line 2: it has no currency/);
  });

  test('and more rows than the books take at once', () => {
    const many = Array.from({ length: 10_001 }, () => '2026-11-13,x,1.00,1');
    assert.match(problem(rows(...many)), /at most 10000/);
  });
});

describe('identity', () => {
  const first = '2026-11-12,INV-1,10.00,110.00';
  const second = '2026-11-13,INV-2,10.00,120.00';

  test('two identical rows are two payments, and an overlap numbers them alike', () => {
    const twice = rows(first, second, second.replace('120.00', '130.00'));
    const ids = idsOf(twice);
    assert.equal(new Set(ids).size, 3);
    const later = rows(second.replace('120.00', '5.00'), second.replace('120.00', '15.00'));
    assert.deepEqual(idsOf(later), ids.slice(1));
    assert.deepEqual(idsOf(rows(first)), ids.slice(0, 1));
  });

  test('accounts are told apart', () => {
    const id = (csvAccount: string) =>
      events(rows(first), { ...PROFILE, csvAccount })[0]?.externalPaymentId;
    assert.notEqual(id('1'), id('2'));
  });

  test("the bank's own number goes before, unless a spreadsheet damaged it", () => {
    const csvColumns = '{"date":"Date","amount":"Amount","id":"Text"}';
    const profile = { ...PROFILE, csvColumns };
    const [one] = events(rows(first, first), profile);
    assert.equal(one?.externalPaymentId, 'INV-1');
    assert.equal(events(rows(first, first), profile).length, 1);
    assert.match(problem(rows(first, first.replace('10.00', '9.00')), profile), /two different/);
    assert.match(problem(rows(first.replace('INV-1', '1.81E+15')), profile), /spreadsheet/);
  });
});

describe('what a row means', () => {
  test('payers, numbers and processors', () => {
    const csvColumns = JSON.stringify({
      ...{ date: 'd', amount: 'a', currency: 'c', description: 't', payer: 'p', payerAccount: 'n' },
      ...{ invoice: 'i', workOrder: 'w', order: 'o', purchaseOrder: 'q', endToEndId: 'e' },
    });
    const text = [
      'd,a,c,t,p,n,i,w,o,q,e',
      '2026-11-13,84500,JPY,Thanks,Ann,IBAN1,"INV-1; INV-2",WO-1,SO-1,PO-1,E-1',
      '2026-11-13,1.000,KWD,Settlement,STRIPE PAYMENTS EU,,,,,,',
    ].join('\n');
    const [event, payout, ...others] = events(text, { csvColumns });
    assert.deepEqual(
      [payout?.type, payout?.payoutId !== undefined, others],
      ['payout.banked', true, []],
    );
    assert.equal(event?.amountMinor, 84500n);
    assert.deepEqual(event?.customer, { externalId: 'IBAN1', name: 'Ann', email: null });
    assert.deepEqual(
      event?.references.map(({ kind, number, text: words }) => `${kind} ${number ?? words}`),
      [
        'invoice INV-1',
        'invoice INV-2',
        'workOrder WO-1',
        'order SO-1',
        'purchaseOrder PO-1',
        'memo Thanks',
      ],
    );
    assert.deepEqual(event?.links, { insteadOf: ['e2e:E-1', 'e2e:E-1:84500:JPY'] });
  });

  test('a debit with a word of a return takes back the payment of its reference', () => {
    const csvColumns = '{"date":"d","amount":"a","description":"t","endToEndId":"e"}';
    const profile = { csvColumns, csvCurrency: 'EUR', csvReturnWords: 'Return, R\u00fcck' };
    const text = 'd,a,t,e\n2026-11-13,-86.25,RETURN AM04,DD-1\n2026-11-13,-4.90,Fee,';
    const [event, ...others] = events(text, profile);
    assert.equal(others.length, 0);
    assert.equal(event?.type, 'payment.failed');
    assert.equal(event?.externalPaymentId, 'e2e:DD-1');
    assert.equal(event?.amountMinor, 8625n);
  });
});

describe('columns', () => {
  const problems = (csvColumns: unknown) => {
    const result = schema.safeParse({ csvColumns });
    return result.success ? '' : result.error.issues.map(({ message }) => message).join('\n');
  };
  test('every mistake is a sentence that names the field', () => {
    assert.equal(problems(COLUMNS), '');
    assert.match(problems('date=1'), /not a JSON object/);
    assert.match(problems({ ...COLUMNS, when: 'x' }), /"when" is no field; it has date, amount/);
    assert.match(problems({ ...COLUMNS, date: 0 }), /date: must be a column's name/);
    assert.match(problems({}), /date: is missing\namount: is missing/);
    assert.match(problems({ ...COLUMNS, debit: 'x' }), /amount: is one signed column/);
  });
});
