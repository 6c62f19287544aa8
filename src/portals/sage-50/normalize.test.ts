/** What transactions become, beyond the samples: kinds, amounts, currencies, days, and one payment by every way. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { split } from './split.ts';

const READ_AT = new Date('2026-11-21T08:00:00.000Z');
const LEAST = { dataset: 'AIRCOMP-2026', baseCurrency: 'GBP' };

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const sample = (name: string) => JSON.parse(fixture(`${name}.in.json`).toString());

function read(body: Buffer, given: Readonly<Record<string, unknown>> = {}): readonly Normalized[] {
  const parsed = settings.parse({ ...LEAST, ...given });
  return split(body).map((part) =>
    normalize({ body: part.body, headers: {}, receivedAt: READ_AT }, parsed),
  );
}

const outcomes = (value: unknown, given = {}) => read(Buffer.from(JSON.stringify(value)), given);

function money(of: readonly Normalized[]): readonly CanonicalEvent[] {
  return of
    .flatMap((one) => ('events' in one ? one.events : []))
    .filter(({ type }) => type !== 'customer.upserted');
}

/** A push with another receipt in it. */
function receipt(change: object, given = {}): readonly Normalized[] {
  const push = sample('webhook-payment-succeeded');
  return outcomes({ ...push, receipt: { ...push.receipt, allocations: [], ...change } }, given);
}

/** A line of AUDIT_HEADER in a file of its own. */
function line(change: Readonly<Record<string, string>>, given = {}): readonly Normalized[] {
  const cells = {
    TRAN_NUMBER: '1842',
    TYPE: 'SR',
    DATE: '03/11/2026',
    ACCOUNT_REF: 'NORTHF',
    BANK_CODE: '1200',
    GROSS_AMOUNT: '452.50',
    ...change,
  };
  const file = `${Object.keys(cells).join(',')}\r\n${Object.values(cells).join(',')}\r\n`;
  return read(Buffer.from(file), given);
}

describe('kinds of transactions', () => {
  const TABLE: Readonly<Record<string, string>> = {
    SR: 'payment.succeeded',
    SA: 'payment.succeeded',
    sr: 'payment.succeeded',
    '3': 'payment.succeeded',
    '4': 'payment.succeeded',
    SP: 'refund.succeeded',
    SI: 'invoice.upserted',
    '1': 'invoice.upserted',
    BR: 'payment.succeeded',
    CR: 'payment.succeeded',
    VR: 'payment.succeeded',
  };
  for (const [type, event] of Object.entries(TABLE)) {
    test(`${type} is ${event}`, () => {
      assert.equal(money(receipt({ type, paymentReceived: null }))[0]?.type, event);
    });
  }
  const DELETED = {
    SR: 'payment.voided',
    SA: 'payment.voided',
    SP: 'refund.failed',
    SI: 'invoice.voided',
  };
  for (const [type, event] of Object.entries(DELETED)) {
    test(`a deleted ${type} is ${event}`, () => {
      const [told] = money(receipt({ type, deleted: true, paymentReceived: null }));
      assert.equal(told?.type, event);
    });
  }
  for (const type of ['SC', 'SD', '2', '5', 'BP', 'JC', 'PI', 'PA', '6', '10', '15']) {
    test(`${type} is ignored by name`, () => {
      const [outcome] = receipt({ type, paymentReceived: null });
      assert.ok(outcome && 'ignored' in outcome && outcome.ignored.includes('1842'));
    });
  }
  for (const type of ['', 'ZZ', '11', '17', 'SRX', 'constructor']) {
    test(`"${type}" is set aside`, () => {
      const [outcome] = receipt({ type, paymentReceived: null });
      assert.ok(
        outcome && 'quarantined' in outcome && outcome.quarantined.includes('unknown type'),
      );
    });
  }

  test('bank receipts count for a customer’s account alone', () => {
    for (const accountRef of [null, ' ', '1200', '1230']) {
      const [outcome] = receipt({ type: 'BR', accountRef });
      assert.ok(outcome && 'ignored' in outcome, String(accountRef));
    }
  });

  test('a receipt that says it is no money received is not believed', () => {
    assert.throws(() => receipt({ paymentReceived: false }), /paymentReceived/);
    assert.equal(money(receipt({ paymentReceived: undefined })).length, 1);
  });

  test('what takes back a payment of ours is no refund; one that only mentions it is', () => {
    const [own] = receipt({ type: 'SP', reference: 'CV-ab12cd-pay_12-R', paymentReceived: false });
    assert.ok(own && 'ignored' in own && own.ignored.includes('CV-ab12cd-pay_12-R'));
    const [packed] = receipt({ type: 'SP', reference: 'CV-ab12cd-pay.5yc1s-R', deleted: true });
    assert.ok(packed && 'ignored' in packed);
    for (const reference of ['CV-ab12cd-pay_12', 'refund CV-ab12cd-pay_12-R', 'R']) {
      assert.equal(money(receipt({ type: 'SP', reference }))[0]?.type, 'refund.succeeded');
    }
  });
});

describe('amounts', () => {
  test('come out of two decimals as they went in, in any currency that has them', () => {
    const currencies = fc.constantFrom('GBP', 'EUR', 'JPY');
    fc.assert(
      fc.property(currencies, fc.bigInt({ min: 1n, max: 10n ** 13n }), (currency, minor) => {
        const text = toDecimalText({ minor, currency });
        const grossAmount = currency === 'JPY' ? `${text}.00` : text;
        const [told] = money(receipt({ currency, grossAmount }));
        assert.deepEqual([told?.amountMinor, told?.currency], [minor, currency]);
        const cells = { FOREIGN_GROSS_AMOUNT: grossAmount, CURRENCY: '2' };
        const given = { currencyTable: `2=${currency}`, baseCurrency: 'USD' };
        const [fromFile] = money(line({ ...cells, GROSS_AMOUNT: '1.00' }, given));
        assert.deepEqual([fromFile?.amountMinor, fromFile?.currency], [minor, currency]);
      }),
    );
  });

  const WRONG: readonly (readonly [string, string])[] = [
    ['1500.50', 'JPY'],
    ['1.005', 'GBP'],
    ['1,000.00', 'GBP'],
    ['1e3', 'GBP'],
    ['£5', 'GBP'],
    ['', 'GBP'],
    ['5', 'ZZZ'],
    ['5', ''],
  ];
  for (const [grossAmount, currency] of WRONG) {
    test(`"${grossAmount}" ${currency} of a bridge is set aside`, () => {
      assert.throws(() => receipt({ grossAmount, currency }));
    });
  }

  test('fils cannot be kept in two decimals, but what is kept is read', () => {
    assert.equal(money(receipt({ currency: 'KWD', grossAmount: '1.50' }))[0]?.amountMinor, 1500n);
  });

  test('signs say nothing: the kind does', () => {
    assert.equal(money(receipt({ type: 'SP', grossAmount: '-100.00' }))[0]?.amountMinor, 10000n);
    assert.equal(money(line({ TYPE: 'SP', GROSS_AMOUNT: '-100.00' }))[0]?.amountMinor, 10000n);
  });

  test('screens write commas between thousands, and zero is no money', () => {
    assert.equal(money(line({ GROSS_AMOUNT: '"1,234,567.8"' }))[0]?.amountMinor, 123456780n);
    const [nothing] = line({ GROSS_AMOUNT: '0.00' });
    assert.ok(nothing && 'ignored' in nothing);
  });

  test('currencies are numbers of the program’s table, of which one is the base', () => {
    assert.equal(money(line({ CURRENCY: '1' }))[0]?.currency, 'GBP');
    assert.equal(money(line({}))[0]?.currency, 'GBP');
    const foreign = { CURRENCY: 'EUR', FOREIGN_GROSS_AMOUNT: '500.00' };
    assert.equal(money(line(foreign))[0]?.amountMinor, 50000n);
    for (const CURRENCY of ['2', '0', 'constructor', 'ZZZ']) {
      assert.throws(() => line({ CURRENCY, FOREIGN_GROSS_AMOUNT: '1.00' }), /CURRENCY|currency/);
    }
    const given = { currencyTable: '2=EUR' };
    assert.throws(() => line({ CURRENCY: '2' }, given), /FOREIGN_GROSS_AMOUNT: missing, in EUR/);
  });
});

describe('money counts on its day where the company is', () => {
  test('in winter, in summer, and elsewhere', () => {
    const at = (date: string, given = {}) => money(receipt({ date }, given))[0]?.occurredAt;
    assert.equal(at('2026-11-03'), '2026-11-03T00:00:00.000Z');
    assert.equal(at('2026-07-03'), '2026-07-02T23:00:00.000Z');
    assert.equal(at('2026-07-03', { timeZone: 'Europe/Dublin' }), '2026-07-02T23:00:00.000Z');
    assert.equal(at('2026-01-03', { timeZone: 'Pacific/Auckland' }), '2026-01-02T11:00:00.000Z');
    assert.throws(() => at('03/11/2026'), /is not a date/);
  });

  test('changes are local time in files and HyperAccounts, in the order of their day', () => {
    const summer = money(line({ DATE: '03/07/2026', RECORD_MODIFY_DATE: '04/07/2026 09:01:44' }));
    assert.equal(summer[0]?.eventId, 'AIRCOMP-2026:1842:2026-07-04T08:01:44.000Z');
    const rows = [{ ...sample('api-hyperaccounts-record').rows[0], DATE: '11/03/2026' }];
    const record = { rows, from: 'hyperaccounts' };
    const american = money(outcomes(record, { dateFormat: 'mm/dd/yyyy' }));
    assert.equal(american[0]?.occurredAt, '2026-11-03T00:00:00.000Z');
    const changed = Date.UTC(2026, 2, 11, 16, 20, 31) - Date.UTC(2000, 0, 1);
    assert.equal(american[0]?.revision, changed / 1000, 'the change reads 11 March then');
    assert.equal(money(outcomes(record))[0]?.occurredAt, '2026-03-11T00:00:00.000Z');
  });
});

describe('one receipt by every way', () => {
  const push = money(read(fixture('webhook-payment-succeeded.in.json')))[0];
  const pulled = money(read(fixture('api-list-payments.in.json'))).find(
    ({ externalPaymentId }) => externalPaymentId === push?.externalPaymentId,
  );
  const exported = money(read(fixture('file-uk-audit-header.in.csv')))[0];
  const listed = money(read(fixture('api-open-source-receipt.in.json')))[0];

  test('has one id, amount, day and method', () => {
    const facts = (one: CanonicalEvent | undefined) => [
      one?.externalPaymentId,
      one?.amountMinor,
      one?.currency,
      one?.occurredAt,
      one?.method,
      one?.customer?.externalId,
    ];
    const wanted = [
      'AIRCOMP-2026:1842',
      45250n,
      'GBP',
      '2026-11-03T00:00:00.000Z',
      'bank',
      'NORTHF',
    ];
    for (const way of [push, pulled, exported, listed]) assert.deepEqual(facts(way), wanted);
  });

  test('and one version; what was only read later is a later one', () => {
    assert.equal(exported?.revision, push?.revision);
    assert.equal(exported?.eventId, push?.eventId);
    assert.ok(Number(listed?.revision) > Number(push?.revision));
  });

  test('pushed and pulled alike it is one document', () => {
    const keys = (name: string) => split(fixture(name)).map(({ key }) => key);
    const [key] = keys('webhook-payment-succeeded.in.json');
    assert.ok(keys('api-list-payments.in.json').includes(String(key)));
  });

  test('of other data it is refused, with both names', () => {
    const other = { dataset: 'AIRCOMP-2027' };
    assert.throws(
      () => read(fixture('webhook-payment-succeeded.in.json'), other),
      /"AIRCOMP-2026".*"AIRCOMP-2027"/,
    );
    assert.throws(() => read(fixture('api-gone-payment.in.json'), other), /AIRCOMP-2027/);
  });

  test('our mark stands in a memo by every way, in the extra reference too', () => {
    const memos = (of: readonly Normalized[]) => money(of)[0]?.references.map(({ text }) => text);
    assert.ok(memos(receipt({ reference: 'CV-ab12cd-pay_12' }))?.includes('CV-ab12cd-pay_12'));
    assert.ok(memos(receipt({ extraReference: 'CV-ab12cd-pay_12' }))?.includes('CV-ab12cd-pay_12'));
    assert.ok(memos(line({ EXTRA_REF: 'CV-ab12cd-pay_12' }))?.includes('CV-ab12cd-pay_12'));
  });

  test('a deletion names no work that other payments may pay', () => {
    const [told] = money(receipt({ deleted: true, details: 'WO-2026-0184' }));
    assert.deepEqual(
      told?.references.map(({ kind }) => kind),
      ['memo', 'memo'],
    );
    const [before] = money(receipt({ details: 'WO-2026-0184' }));
    assert.ok(before?.references.some(({ kind }) => kind === 'workOrder'));
  });
});

describe('shares', () => {
  const paying = (amount: string) => [{ invoiceTran: 1790, invoiceRef: '10421', amount }];

  test('of nothing are left out, of more than the receipt are not believed', () => {
    const shares = (amount: string) =>
      money(receipt({ allocations: paying(amount) }))[0]?.references.filter(
        ({ kind }) => kind === 'invoice',
      );
    assert.equal(shares('400.00')?.[0]?.amountMinor, 40000n);
    assert.deepEqual(shares('0.00'), []);
    assert.equal(shares('452.51')?.[0]?.amountMinor, undefined);
  });
});

describe('what nothing can be made of', () => {
  test('says what is wrong', () => {
    assert.throws(() => receipt({ grossAmount: undefined }), /receipt\.grossAmount/);
    assert.throws(() => receipt({ modifiedAt: '03/11/2026' }), /modifiedAt/);
    assert.throws(() => receipt({ tranNumber: 0 }), /receipt\.tranNumber/);
    assert.throws(() => receipt({ tranNumber: '1842; drop' }), /receipt\.tranNumber/);
    assert.throws(() => line({ DELETED_FLAG: 'perhaps' }), /DELETED_FLAG/);
    assert.throws(() => outcomes({ anything: true }), /not a document of Sage 50/);
    const [page] = outcomes({ dataset: 'AIRCOMP-2026', receipts: [], hasMore: false });
    assert.ok(page && 'ignored' in page);
  });
});
