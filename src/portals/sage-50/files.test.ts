/** Exported files: what they may look like, and those that are refused as a whole. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { split } from './split.ts';

const READ_AT = new Date('2026-11-21T08:00:00.000Z');
const UK = { dataset: 'D', baseCurrency: 'GBP' };
const US = { dataset: 'D', baseCurrency: 'USD', edition: 'us', timeZone: 'America/Chicago' };

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const UK_FILE = fixture('file-uk-audit-header.in.csv').toString();
const US_FILE = fixture('file-us-receipts.in.csv').toString();

function read(file: string | Buffer, given: object = UK): readonly Normalized[] {
  return split(Buffer.from(file)).map(({ body }) => {
    try {
      return normalize({ body, headers: {}, receivedAt: READ_AT }, settings.parse(given));
    } catch (error) {
      return { quarantined: (error as Error).message };
    }
  });
}

function payments(file: string | Buffer, given: object = UK): readonly CanonicalEvent[] {
  return read(file, given)
    .flatMap((one) => ('events' in one ? one.events : []))
    .filter(({ type }) => type !== 'customer.upserted');
}

/** The reason for which a file is refused as a whole, being one document. */
function refused(file: string | Buffer, given: object = UK): string {
  const outcomes = read(file, given);
  const [outcome] = outcomes;
  assert.equal(outcomes.length, 1);
  assert.ok(outcome && 'quarantined' in outcome, JSON.stringify(outcome, String));
  assert.match(outcome.quarantined, /^the file is refused as a whole: /);
  return outcome.quarantined;
}

describe('files of the UK edition', () => {
  const ids = (file: string | Buffer) =>
    payments(file).map((one) => one.externalPaymentId ?? one.refundId ?? one.invoice?.externalId);
  const ALL = ['D:1842', 'D:1843', 'D:1844', 'D:1830', 'D:1845'];

  test('are read by the names of their columns, wherever these stand and however they are written', () => {
    assert.deepEqual(ids(UK_FILE), ALL);
    assert.deepEqual(ids(`\ufeff${UK_FILE}`), ALL);
    assert.deepEqual(ids(UK_FILE.replaceAll('\r\n', '\n')), ALL);
    const lower = UK_FILE.replace(/^[^\r]+/, (header) => header.toLowerCase().replaceAll('_', ' '));
    assert.deepEqual(ids(lower), ALL);
    const lines = UK_FILE.trim().split('\r\n');
    const turned = lines.map((line) => line.split(',').reverse().join(',')).join('\r\n');
    assert.deepEqual(ids(turned), ALL);
    const grown = lines
      .map((line, at) => `${line},${at === 0 ? 'USER_NAME' : '"a, b"'}`)
      .join('\n');
    assert.deepEqual(
      split(Buffer.from(grown)).map(({ key }) => key),
      split(Buffer.from(UK_FILE)).map(({ key }) => key),
      'further columns make no other documents',
    );
  });

  test('without what is not required say less, and the same', () => {
    const lines = UK_FILE.trim().split('\r\n');
    const least = lines.map((line) => {
      const cells = line.split(',');
      return [0, 1, 2, 3, 9].map((place) => cells[place]).join(',');
    });
    const [first] = payments(least.join('\r\n'));
    assert.equal(first?.externalPaymentId, 'D:1842');
    assert.equal(first?.amountMinor, 45250n);
    assert.equal(first?.revision, undefined, 'nothing says when it changed');
  });

  test('that lack what is required are refused with its name', () => {
    for (const column of ['DATE', 'ACCOUNT_REF', 'GROSS_AMOUNT', 'TRAN_NUMBER']) {
      const without = UK_FILE.replace(`${column},`, 'OTHER,');
      assert.match(refused(without), new RegExp(`no column ${column}`));
    }
    assert.match(refused(UK_FILE.replace('TYPE,', 'KIND,')), /neither an export of AUDIT_HEADER/);
    assert.match(refused(UK_FILE.replaceAll(',', ';')), /separated by commas/);
  });

  test('names in Windows-1252 and in UTF-8 are the same', () => {
    const file = 'ACCOUNT_REF,NAME\r\nCAFE,Café Müller\r\n';
    const names = (bytes: Buffer) =>
      read(bytes).flatMap((one) =>
        'events' in one ? one.events.map((e) => e.customer?.name) : [],
      );
    assert.deepEqual(names(Buffer.from(file, 'utf8')), ['Café Müller']);
    assert.deepEqual(names(Buffer.from(file, 'latin1')), ['Café Müller']);
  });

  test('that a spreadsheet saved again are refused whole, each with its line', () => {
    assert.match(refused(UK_FILE.replace('10881', '1.0881E+4')), /line 2: .*spreadsheet/);
    assert.match(refused(UK_FILE.replace('FP 5512', '#####')), /line 3: .*spreadsheet/);
    const american = UK_FILE.replace('30/10/2026,REYES', '10/30/2026,REYES');
    assert.match(refused(american), /line 5: DATE: .*day\/month\/year/);
    assert.match(refused(Buffer.from('PK\u0003\u0004rest')), /Excel/);
    assert.match(refused(Buffer.from(`\ufeff${UK_FILE}`, 'utf16le')), /UTF-16/);
    assert.match(refused(UK_FILE.replace('452.50,452.50', '£452.50,452.50')), /line 2: GROSS/);
    assert.match(refused(UK_FILE.replace(',0,06/11/2026,06/11', ',06/11/2026,06/11')), /18 cells/);
  });

  test('leave out purchases and journals, and what they do not know is set aside', () => {
    const type = (kind: string) => read(UK_FILE.replace('1842,SR', `1842,${kind}`));
    for (const kind of ['PI', 'JC', 'BP']) assert.equal(type(kind).length, 4);
    const [unknown] = type('QX');
    assert.ok(unknown && 'quarantined' in unknown && unknown.quarantined.includes('"QX"'));
    const one = UK_FILE.split('\r\n').slice(0, 2).join('\r\n').replace('1842,SR', '1842,PI');
    const [nothing] = read(one);
    assert.ok(nothing && 'ignored' in nothing);
  });

  test('with a number twice are one transaction where only the splits differ, else refused', () => {
    const lines = UK_FILE.trim().split('\r\n').slice(0, 2);
    const [header, row] = lines as [string, string];
    const joined = [`${header},EXTRA_REF`, `${row},CV-ab12cd-pay_12`, `${row},more`].join('\r\n');
    const [payment] = payments(joined);
    assert.ok(payment?.references.some(({ text }) => text === 'CV-ab12cd-pay_12 more'));
    const other = [header, row, row.replaceAll('452.50', '52.50')].join('\r\n');
    assert.match(refused(other), /transaction 1842 stands in line 2 with other content/);
  });

  test('of screens number a receipt’s splits on: neighbours alike are one receipt', () => {
    const screen = (...rows: readonly string[]) =>
      payments(['No,Type,Account,Date,Ref,Bank,Gross', ...rows].join('\r\n')).map((one) => [
        one.externalPaymentId,
        one.amountMinor,
      ]);
    const row = (no: number, amount: string, ref = '10881', type = 'SR') =>
      `${no},${type},NORTHF,03/11/2026,${ref},1200,${amount}`;
    assert.deepEqual(screen(row(1842, '400.00'), row(1843, '52.50')), [['D:1842', 45250n]]);
    assert.deepEqual(screen(row(1843, '52.50'), row(1842, '400.00')), [['D:1842', 45250n]]);
    const apart = [
      ['D:1842', 40000n],
      ['D:1844', 5250n],
    ];
    assert.deepEqual(screen(row(1842, '400.00'), row(1844, '52.50')), apart);
    assert.equal(screen(row(1842, '400.00'), row(1843, '52.50', '10882')).length, 2);
    assert.equal(screen(row(1842, '400.00', ''), row(1843, '52.50', '')).length, 2);
    assert.equal(screen(row(1842, '1.00', 'x', 'SA'), row(1843, '2.00', 'x', 'SA')).length, 2);
  });

  test('of the other edition are set aside row by row', () => {
    for (const outcome of read(UK_FILE, US)) {
      assert.ok('quarantined' in outcome && outcome.quarantined.includes('UK edition'));
    }
    for (const outcome of read(US_FILE, UK)) {
      assert.ok('quarantined' in outcome && outcome.quarantined.includes('US edition'));
    }
  });
});

describe('files of the US edition', () => {
  const change = (from: string | RegExp, to: string) => US_FILE.replace(from, to);

  test('make one receipt of its rows, with the share of each invoice', () => {
    const [first, second] = payments(US_FILE, US);
    assert.equal(first?.externalPaymentId, 'D:11-184');
    assert.equal(first?.amountMinor, 45250n);
    assert.equal(first?.method, 'check');
    assert.deepEqual(first?.references.slice(0, 2), [
      { kind: 'invoice', number: '10421', amountMinor: 40000n },
      { kind: 'invoice', number: '10422', amountMinor: 5250n },
    ]);
    assert.equal(second?.externalPaymentId, 'D:11-185');
    assert.ok(
      second?.references.every(({ kind }) => kind === 'memo'),
      'a prepayment',
    );
  });

  test('keep invoice numbers as they are written, and jobs as work orders', () => {
    const [zeros] = payments(change('10421,0.00,0.00,,Invoice 10421', '"00123",0.00,0.00,,x'), US);
    assert.equal(zeros?.references[0]?.number, '00123');
    const [job] = payments(change('-400.00,,,11', '-400.00,WO-2026-0184,,11'), US);
    assert.ok(
      job?.references.some((one) => one.kind === 'workOrder' && one.number === 'WO-2026-0184'),
    );
  });

  test('that were cut off or do not add up are refused whole', () => {
    const cut = US_FILE.split('\r\n')
      .filter((_, at) => at !== 2)
      .join('\r\n');
    assert.match(refused(cut, US), /line 2: .* 1 rows, its Number of Distributions is 2/);
    assert.match(refused(change('-52.50,,,11', '-52.05,,,11'), US), /do not add up/);
    const second = /(10422.*\r\n)/;
    assert.match(
      refused(
        US_FILE.replace(
          '452.50,,,-452.50,49000,FALSE,FALSE,,2,10422',
          '453.50,,,-452.50,49000,FALSE,FALSE,,2,10422',
        ),
        US,
      ),
      /line 3: its Cash Amount differs/,
    );
    assert.ok(second.test(US_FILE));
    const dayFirst = US_FILE.replaceAll('11/3/26', '30/11/26');
    assert.match(refused(dayFirst, US), /Date: .*month\/day\/year/);
    assert.match(refused(US_FILE.replaceAll('11/3/26', '2026-11-03'), US), /month\/day\/year/);
    assert.match(refused(change('10421,0.00', '1.0421E+4,0.00'), US), /spreadsheet/);
  });

  test('whose template lacks columns do without them', () => {
    const lines = US_FILE.trim()
      .split('\r\n')
      .map((line) => line.split(','));
    const dropped = ['Number of Distributions', 'Transaction Period', 'Receipt Number'];
    const [header = []] = lines;
    const kept = header.map((name) => !dropped.includes(name));
    const file = lines.map((cells) => cells.filter((_, at) => kept[at]).join(',')).join('\r\n');
    const [first, second] = payments(file, US);
    assert.match(String(first?.externalPaymentId), /^D:sha256-[0-9a-f]{24}$/);
    assert.equal(first?.amountMinor, 45250n);
    assert.notEqual(first?.externalPaymentId, second?.externalPaymentId);
    assert.equal(payments(file, US)[0]?.externalPaymentId, first?.externalPaymentId);
  });

  test('count discounts to the invoice and not to the money', () => {
    const discount = change('10421,0.00,0.00', '10421,8.00,0.00');
    const cash = (amount: string) => discount.replaceAll(',452.50,', `,${amount},`);
    const [less] = payments(cash('444.50'), US);
    assert.equal(less?.amountMinor, 44450n);
    assert.equal(less?.references[0]?.amountMinor, 39200n);
    const [more] = payments(cash('460.50'), US);
    assert.equal(more?.references[0]?.amountMinor, 40800n);
    const [same] = payments(discount, US);
    assert.equal(same?.references[0]?.amountMinor, 40000n);
    assert.match(refused(cash('444.00'), US), /do not add up/);
  });

  test('of vendors, of nothing and of nobody are ignored; a negative one is for a person', () => {
    const vendor = US_FILE.replaceAll('FALSE,FALSE', 'FALSE,TRUE');
    const [ignored] = read(vendor, US);
    assert.ok(ignored && 'ignored' in ignored && ignored.ignored.includes('vendor'));
    const zero = US_FILE.replaceAll('690.00', '0.00');
    assert.ok(read(zero, US).some((one) => 'ignored' in one && one.ignored.includes('of 0')));
    const nobody = US_FILE.replace('HARBOR,Harbor Foods LLC', ',');
    assert.ok(
      read(nobody, US).some((one) => 'ignored' in one && one.ignored.includes('no customer')),
    );
    const negative = US_FILE.replace('690.00', '-690.00').replace('-690.00,,,11', '690.00,,,11');
    assert.ok(
      read(negative, US).some(
        (one) => 'quarantined' in one && one.quarantined.includes('negative'),
      ),
    );
    const odd = US_FILE.replaceAll('TRUE,FALSE', 'TRUE,maybe');
    assert.ok(
      read(odd, US).some((one) => 'quarantined' in one && one.quarantined.includes('MAYBE')),
    );
  });

  const METHODS = {
    Check: 'check',
    'American Express': 'card',
    Cash: 'cash',
    ACH: 'ach',
    'Wire Transfer': 'bank',
    Barter: 'other',
  };
  for (const [name, method] of Object.entries(METHODS)) {
    test(`${name} is ${method}`, () => {
      assert.equal(payments(US_FILE.replaceAll(',Check,', `,${name},`), US)[0]?.method, method);
    });
  }
});
