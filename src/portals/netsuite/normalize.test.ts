/** What NetSuite's rows become, beyond the samples. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import { instantOf, revisionOf, wallTimeOf } from './instants.ts';
import { normalize } from './normalize.ts';
import type { ReadingSettings } from './settings.ts';
import { split } from './split.ts';

const rows = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.in.json`, import.meta.url), 'utf8')).items;
const [PAYMENT] = rows('api-payments-with-applications');
const [INVOICE] = rows('api-invoices');
const DEPOSIT = { ...PAYMENT, type: 'CustDep', applications: undefined };
const REFUND = { ...PAYMENT, type: 'CustRfnd', applications: undefined };

function become(row: unknown, given: ReadingSettings = {}): Normalized {
  const [document] = split(Buffer.from(JSON.stringify(row)));
  assert.ok(document);
  return normalize({ body: document.body, headers: {}, receivedAt: new Date(0) }, given);
}

function event(row: unknown, given: ReadingSettings = {}) {
  const outcome = become(row, given);
  return 'events' in outcome ? outcome.events[0] : assert.fail(JSON.stringify(outcome));
}

/** The type of its event, or what else became of it. */
function fate(row: unknown, given: ReadingSettings = {}): string {
  try {
    const outcome = become(row, given);
    return 'events' in outcome ? String(outcome.events[0]?.type) : Object.keys(outcome).join();
  } catch (error) {
    assert.match((error as Error).message, /status: ".*" of \w+ \d+ is not known/);
    return 'set aside';
  }
}

describe('statuses', () => {
  const PENDING = 'payment.pending';
  const PAID = 'payment.succeeded';
  const GONE = 'payment.voided';
  const table: readonly (readonly [object, Readonly<Record<string, string>>])[] = [
    [PAYMENT, { A: PENDING, B: PAID, C: PAID, V: GONE, D: 'set aside', '': 'set aside' }],
    [DEPOSIT, { A: PAID, B: PAID, C: PAID, D: PENDING, V: GONE, R: 'set aside', Y: 'set aside' }],
    [REFUND, { C: 'refund.succeeded', Y: 'refund.succeeded', V: 'refund.failed', A: 'set aside' }],
    [
      INVOICE,
      {
        A: 'invoice.upserted',
        B: 'invoice.upserted',
        D: 'ignored',
        E: 'invoice.voided',
        V: 'invoice.voided',
        X: 'set aside',
      },
    ],
  ];
  for (const [row, fates] of table) {
    const { type } = row as { readonly type: string };
    for (const [status, wanted] of Object.entries(fates)) {
      test(`${type} ${status || 'of no letter'}: ${wanted}`, () => {
        assert.equal(fate({ ...row, status }), wanted);
        if (status === '') return;
        assert.equal(fate({ ...row, status: `${type}:${status}` }), wanted);
        assert.equal(fate({ ...row, status: `Some : ${type}:${status.toLowerCase()} ` }), wanted);
      });
    }
    test(`${type} without a status is set aside, and voided whatever its status`, () => {
      const { status: _, ...bare } = row as { readonly status: string };
      assert.equal(fate(bare), 'set aside');
      assert.match(fate({ ...bare, voided: 'T' }), /voided|failed/);
      assert.match(fate({ ...row, voided: 'T', foreigntotal: '0' }), /voided|failed/);
      assert.throws(() => become({ ...row, voided: 'perhaps' }), /voided/);
      assert.throws(() => become({ ...row, voided: undefined }), /voided/);
    });
  }

  test('bank deposits are payouts only where the setting says so, and have no status', () => {
    const row = { ...PAYMENT, type: 'Deposit', status: undefined };
    assert.equal(fate(row), 'ignored');
    assert.equal(fate(row, { depositsArePayouts: true }), 'payout.paid');
    assert.equal(fate({ ...row, foreigntotal: '-5' }, { depositsArePayouts: true }), 'quarantined');
  });

  test('types that are no money are ignored by name, unknown ones too', () => {
    for (const type of ['DepAppl', 'CustCred', 'Journal', 'SalesOrd', 'constructor']) {
      const outcome = become({ ...PAYMENT, type });
      assert.ok('ignored' in outcome && outcome.ignored.includes(type), type);
    }
  });
});

describe('amounts', () => {
  const CURRENCIES = ['USD', 'JPY', 'KWD'] as const;

  test('any amount of any number of decimals comes out as it went in, whatever its sign', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CURRENCIES),
        fc.bigInt({ min: 1n, max: 10n ** 15n }),
        fc.boolean(),
        (currencycode, minor, negative) => {
          const text = toDecimalText({ minor, currency: currencycode });
          const foreigntotal = `${negative ? '-' : ''}${text}`;
          const told = event({ ...DEPOSIT, currencycode, foreigntotal });
          assert.deepEqual([told?.amountMinor, told?.currency], [minor, currencycode]);
        },
      ),
    );
  });

  test('numbers in place of texts keep their digits', () => {
    const text = JSON.stringify(DEPOSIT).replace(
      '"foreigntotal":"452.5"',
      '"foreigntotal":1210.10',
    );
    const [document] = split(Buffer.from(text));
    const outcome = normalize(
      { body: document?.body ?? Buffer.alloc(0), headers: {}, receivedAt: new Date(0) },
      {},
    );
    assert.ok('events' in outcome);
    assert.equal(outcome.events[0]?.amountMinor, 121010n);
    assert.match(document?.body.toString() ?? '', /"foreigntotal":1210\.10/);
  });

  test('excess digits, formats of people, unknown and missing currencies are refused', () => {
    for (const foreigntotal of ['452.505', '1,000.00', '', '4e2', '$5']) {
      assert.throws(() => become({ ...PAYMENT, foreigntotal }), foreigntotal);
    }
    assert.throws(() => become({ ...PAYMENT, foreigntotal: undefined }), /foreigntotal/);
    assert.throws(() => become({ ...PAYMENT, currencycode: 'US Dollar' }), /US Dollar/);
    assert.throws(() => become({ ...PAYMENT, currencycode: undefined }), /currencycode/);
    const single = event({ ...DEPOSIT, currencycode: undefined }, { singleCurrency: 'EUR' });
    assert.equal(single?.currency, 'EUR');
    assert.equal(event(DEPOSIT, { singleCurrency: 'EUR' })?.currency, 'USD', 'what is said counts');
  });

  test('a payment of nothing only applies credits; an invoice of less than nothing is set aside', () => {
    for (const row of [PAYMENT, DEPOSIT, REFUND]) {
      assert.equal(fate({ ...row, foreigntotal: '0.00' }), 'ignored');
    }
    assert.equal(fate({ ...INVOICE, foreigntotal: '-400' }), 'quarantined');
    assert.equal(event({ ...INVOICE, foreigntotal: '0' })?.invoice?.totalMinor, 0n);
  });
});

describe('what is paid', () => {
  const link = (more: object) => ({
    links: [],
    payment: '5821',
    invoice: '5790',
    invoicenumber: 'INV10421',
    invoicetype: 'CustInvc',
    linktype: 'Payment',
    foreignamount: '400',
    ...more,
  });
  const invoices = (applications: readonly object[]) =>
    event({ ...PAYMENT, applications })
      ?.references.filter(({ kind }) => kind === 'invoice')
      .map(({ externalId, amountMinor }) => [externalId, amountMinor]);

  test('lines of one invoice are one share; amounts count without their sign', () => {
    const lines = [link({ foreignamount: '100' }), link({ foreignamount: '-52.5' })];
    assert.deepEqual(invoices(lines), [['5790', 15250n]]);
  });

  test('a discount applies more than was paid: one invoice takes all, several leave it open', () => {
    assert.deepEqual(invoices([link({ foreignamount: '500' })]), [['5790', 45250n]]);
    assert.deepEqual(invoices([link({ foreignamount: '400' }), link({ invoice: '5791' })]), [
      ['5790', undefined],
      ['5791', undefined],
    ]);
  });

  test('links of other kinds, to other documents, or of nothing are left out', () => {
    const others = [
      link({ linktype: 'OrdBill' }),
      link({ invoicetype: 'Journal' }),
      link({ invoicetype: 'CustRfnd' }),
      link({ foreignamount: '0' }),
      link({ foreignamount: undefined }),
    ];
    assert.deepEqual(invoices(others), []);
    assert.deepEqual(invoices([link({ invoicetype: undefined, linktype: 'PAYMENT' })]), [
      ['5790', 40000n],
    ]);
  });

  test('a deposit names no invoice, whatever is applied of it', () => {
    const row = { ...DEPOSIT, applications: [link({})] };
    assert.ok(event(row)?.references.every(({ kind }) => kind !== 'invoice'));
  });

  test('a refund is of the one payment it is linked to', () => {
    const to = (...types: readonly (readonly [string, string])[]) =>
      event({
        ...REFUND,
        applications: types.map(([invoicetype, invoice]) => link({ invoicetype, invoice })),
      })?.externalPaymentId;
    assert.equal(to(['CustPymt', '5821']), '5821');
    assert.equal(to(['CustDep', '5842'], ['CustCred', '5900']), '5842');
    assert.equal(to(['CustCred', '5900']), null);
    assert.equal(to(['CustPymt', '5821'], ['CustPymt', '5824']), null);
  });

  test('the id that a processor has for the money is told', () => {
    const links = (externalid: string) => event({ ...PAYMENT, externalid })?.links;
    assert.deepEqual(links('anet:60020981677'), { elsewhere: [{ externalId: '60020981677' }] });
    assert.deepEqual(links('CV-ab12cd-pay_12'), {});
    assert.deepEqual(links('a note: of somebody'), {});
  });

  test('methods are known by their names', () => {
    const names = {
      ACH: 'ach',
      Visa: 'card',
      'American Express': 'card',
      Check: 'check',
      Cash: 'cash',
      'Wire Transfer': 'bank',
      PayPal: 'wallet',
      Barter: 'other',
    };
    for (const [method, wanted] of Object.entries(names)) {
      assert.equal(event({ ...PAYMENT, method })?.method, wanted);
    }
    assert.equal(event({ ...PAYMENT, method: undefined })?.method, null);
  });
});

describe('times', () => {
  test('are those of the account’s clock, in summer and winter', () => {
    const at = (text: string, zone: string) => instantOf(text, 'created', zone);
    assert.equal(at('2026-11-03 08:12:01', 'America/Los_Angeles'), '2026-11-03T16:12:01.000Z');
    assert.equal(at('2026-10-31 08:12:01', 'America/Los_Angeles'), '2026-10-31T15:12:01.000Z');
    assert.equal(at('2026-11-03 08:12:01', 'Asia/Kolkata'), '2026-11-03T02:42:01.000Z');
    assert.equal(at('2026-11-03 08:12:01', 'Pacific/Auckland'), '2026-11-02T19:12:01.000Z');
    assert.equal(at('2026-11-03T16:12:01Z', 'America/Los_Angeles'), '2026-11-03T16:12:01.000Z');
    assert.equal(at('2026-11-03 08:12:01.5', 'UTC'), '2026-11-03T08:12:01.500Z');
    // The hour that comes twice is the first one; the hour left out is the one after.
    assert.equal(at('2026-11-01 01:30:00', 'America/Los_Angeles'), '2026-11-01T08:30:00.000Z');
    assert.equal(at('2026-03-08 02:30:00', 'America/Los_Angeles'), '2026-03-08T10:30:00.000Z');
  });

  test('back and forth is the same second, outside of the hour that comes twice', () => {
    const zones = fc.constantFrom('America/Los_Angeles', 'Europe/Berlin', 'Asia/Kolkata', 'UTC');
    const instants = fc.date({
      min: new Date('2026-01-01T00:00:00Z'),
      max: new Date('2026-10-24T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(zones, instants, (zone, at) => {
        const second = new Date(Math.floor(at.getTime() / 1000) * 1000);
        const wall = wallTimeOf(second, zone);
        assert.match(wall, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
        assert.equal(instantOf(wall, 'modified', zone), second.toISOString());
      }),
    );
  });

  test('formats that people prefer are not guessed at', () => {
    for (const created of ['11/3/2026 8:12 am', '3.11.2026', '2026-11-03', '2026-13-03 08:00:00']) {
      assert.throws(() => become({ ...PAYMENT, created }), /created/, created);
    }
    assert.throws(() => become({ ...INVOICE, trandate: '11/3/2026' }), /trandate/);
    assert.throws(() => become({ ...INVOICE, duedate: '2026-02-31x' }), /duedate/);
    assert.equal(event({ ...PAYMENT, trandate: '11/3/2026' })?.type, 'payment.succeeded');
  });

  test('a later version has a higher revision, which fits 32 bits', () => {
    const early = revisionOf('2026-11-03T16:12:03.000Z');
    assert.ok(revisionOf('2026-11-03T16:12:04.000Z') > early);
    assert.ok(revisionOf('2080-01-01T00:00:00.000Z') < 2 ** 31);
  });
});

describe('documents', () => {
  const keys = (value: object) => split(Buffer.from(JSON.stringify(value))).map(({ key }) => key);

  test('a version read twice is one, a later one or another application another', () => {
    const [first] = keys(PAYMENT);
    assert.deepEqual(keys({ items: [PAYMENT, PAYMENT] }), [first]);
    assert.notDeepEqual(keys({ ...PAYMENT, modified: '2026-11-03 08:12:04' }), [first]);
    assert.notDeepEqual(keys({ ...PAYMENT, applications: [] }), [first]);
  });

  test('a customer and a transaction of the same id are two, and so are their deletions', () => {
    const [customer] = rows('api-customers');
    assert.equal(new Set([...keys(customer), ...keys({ ...PAYMENT, id: customer.id })]).size, 2);
    const gone = rows('api-deleted-records').filter(
      (row: { recordid: string }) => row.recordid === '5791',
    );
    assert.equal(keys({ items: gone }).length, 2);
  });
});
