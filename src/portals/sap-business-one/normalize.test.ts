/** What records of Business One become, beyond the samples. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { Normalized } from '../contract.ts';
import { dayAt, dayOf, midnightOf } from './days.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8'));
const least = fixture('contract.json').settings;
const sample = fixture('api-incoming-payment.in.json');
const [, , , foreignSample] = fixture('api-list-payments.in.json').value;
const [line] = sample.PaymentInvoices;
const SEEN = new Date('2026-11-05T10:00:00.000Z');

function become(record: unknown, given: Record<string, string> = {}): Normalized {
  const [document] = split(Buffer.from(JSON.stringify(record)));
  assert.ok(document);
  const settings = schema.parse({ ...least, ...given });
  return normalize({ body: document.body, headers: {}, receivedAt: SEEN }, settings);
}

function event(record: unknown, given: Record<string, string> = {}) {
  const outcome = become(record, given);
  return 'events' in outcome ? outcome.events[0] : assert.fail(JSON.stringify(outcome));
}
const money = (record: unknown, given: Record<string, string> = {}) => {
  const told = event(record, given);
  return told && toDecimalText({ minor: told.amountMinor, currency: told.currency });
};

describe('amounts', () => {
  test('any amount in any number of decimals comes out as it went in', () => {
    const currencies = fc.constantFrom('USD', 'JPY', 'KWD');
    fc.assert(
      fc.property(currencies, fc.bigInt({ min: 1n, max: 10n ** 15n }), (currency, minor) => {
        const TransferSum = rawNumber(toDecimalText({ minor, currency }));
        const record = { ...sample, DocCurrency: currency, TransferSum, PaymentInvoices: [] };
        const told = event(record, { foreignSums: 'document' });
        assert.deepEqual([told?.amountMinor, told?.currency], [minor, currency]);
      }),
    );
  });

  test('all means of payment are added up; the largest is the method', () => {
    const mixed = {
      ...sample,
      TransferSum: 100,
      CashSum: 20.5,
      BillOfExchangeAmount: 1,
      PaymentChecks: [
        { CheckNumber: 7, CheckSum: 300.25 },
        { CheckNumber: 8, CheckSum: 30.75 },
      ],
      PaymentCreditCards: [{ CreditSum: 50 }],
    };
    assert.equal(money(mixed), '502.50');
    assert.equal(event(mixed)?.method, 'check');
    assert.equal(
      event(mixed)?.channel,
      'check, transfer, card, cash, bill of exchange no. 7 no. 8',
    );
  });

  test('what contradicts itself, or has more digits than its currency, is set aside', () => {
    const more = { ...sample, TransferSum: 452.49 };
    assert.throws(() => become(more), /SumApplied comes to 452\.50.*means of payment to 452\.49/);
    assert.throws(() => become({ ...sample, TransferSum: 1000.005 }), /more digits than USD/);
    assert.throws(() => become({ ...sample, TransferSum: rawNumber('1e3') }), /plain decimal/);
    const { PaymentChecks: _, ...hidden } = sample;
    assert.throws(() => become(hidden), /PaymentChecks/);
    assert.equal(money({ ...sample, PaymentChecks: null }), '452.50');
    assert.throws(() => become({ ...sample, TransferSum: -5, PaymentInvoices: [] }), /-5\.000000/);
    const lines = [{ ...line, SumApplied: -10 }];
    assert.ok('quarantined' in become({ ...sample, TransferSum: -5, PaymentInvoices: lines }));
  });

  test('credits that are applied are no money, whichever their sign', () => {
    for (const SumApplied of [100, -100]) {
      const lines = [
        { ...line, SumApplied: 100 },
        { ...line, DocEntry: 77, InvoiceType: 'it_CredItnote', SumApplied },
      ];
      const nothing = { ...sample, TransferSum: 0, PaymentInvoices: lines };
      assert.ok('ignored' in become(nothing));
      const some = [{ ...line, SumApplied: 300 }, lines[1]];
      const beside = { ...sample, TransferSum: 200, PaymentInvoices: some };
      assert.equal(money(beside), '200.00');
      assert.deepEqual(event(beside)?.references[0], {
        kind: 'invoice',
        externalId: '5790',
        amountMinor: 20000n,
      });
    }
  });

  test('a payment on account names no invoice; a journal entry is none', () => {
    const account = { ...sample, Remarks: null, PaymentInvoices: [] };
    assert.deepEqual(event(account)?.references, [{ kind: 'memo', text: 'STRIPE-PY-0001' }]);
    const journal = [{ ...line, InvoiceType: 'it_JournalEntry' }];
    const kinds = event({ ...sample, PaymentInvoices: journal })?.references.map(
      ({ kind }) => kind,
    );
    assert.ok(!kinds?.includes('invoice'));
  });
});

describe('currencies', () => {
  test('codes are the company’s own: explained, ISO 4217, or set aside with what to do', () => {
    const inCode = (DocCurrency: string | null) => ({ ...sample, DocCurrency });
    assert.equal(event(inCode('$'))?.currency, 'USD');
    assert.equal(event(inCode('USD'))?.currency, 'USD');
    assert.equal(
      event(inCode('$'), { currencies: '$=CAD', localCurrency: 'CAD' })?.currency,
      'CAD',
    );
    for (const code of ['US$', '##', 'usd', 'ZZZ']) {
      assert.throws(() => become(inCode(code)), /setting currencies/);
    }
    assert.throws(() => become(inCode(null)), /DocCurrency: missing/);
    assert.throws(() => become(inCode('')), /DocCurrency: missing/);
  });

  test('LocalCurrency says local; where DocCurrency says something else, neither is believed', () => {
    const local = { ...sample, LocalCurrency: 'tYES' };
    assert.equal(event({ ...local, DocCurrency: null })?.currency, 'USD');
    assert.equal(event(local)?.currency, 'USD');
    assert.throws(() => become({ ...local, DocCurrency: 'EUR' }), /tYES, but DocCurrency is EUR/);
  });
});

describe('sums of payments in foreign currency', () => {
  // 640 EUR for an invoice, at 1.08: 691.20 in local currency.
  const inLocal = {
    ...foreignSample,
    PaymentCreditCards: [{ ...foreignSample.PaymentCreditCards[0], CreditSum: 691.2 }],
  };
  const transfer = {
    ...foreignSample,
    PaymentCreditCards: [],
    TransferSum: 700,
    PaymentInvoices: [],
  };

  test('are read by the lines where all is applied, in whichever currency they are told', () => {
    assert.equal(money(foreignSample), '640.00');
    assert.equal(money(inLocal), '640.00');
    assert.equal(money(inLocal, { foreignSums: 'local' }), '640.00');
    assert.equal(event(inLocal)?.currency, 'EUR');
    assert.equal(event(inLocal)?.references[0]?.amountMinor, 64000n);
  });

  test('are not guessed where something stays on account', () => {
    assert.throws(() => become(transfer), /foreignSums/);
    assert.equal(money(transfer, { foreignSums: 'document' }), '700.00');
    // 700 at 1.08 is 648.15 (700.002): no other cent of EUR comes to 700.00.
    assert.equal(money(transfer, { foreignSums: 'local' }), '648.15');
    const partly = { ...inLocal, PaymentCreditCards: [{ CreditSum: 799.2 }] };
    assert.throws(() => become(partly), /foreignSums/);
    assert.equal(money(partly, { foreignSums: 'local' }), '740.00');
  });

  test('a rate that leads to several amounts, or to none, leads to none here', () => {
    const local = { foreignSums: 'local' };
    const yen = { ...transfer, DocCurrency: 'JPY', DocRate: 0.0067, TransferSum: 36.92 };
    assert.throws(() => become(yen, local), /no one amount in JPY/);
    assert.throws(() => become({ ...transfer, DocRate: 0 }, local), /no one amount/);
    assert.throws(() => become({ ...transfer, TransferSum: 0.01, DocRate: 900 }, local), /no one/);
  });

  test('cash is told in both currencies', () => {
    const cash = { ...transfer, TransferSum: 0, CashSum: 108, CashSumFC: 100 };
    assert.equal(money(cash), '100.00');
    const both = { ...cash, TransferSum: 54 };
    assert.throws(() => become(both), /foreignSums/);
  });

  test('less than what is applied of them is a contradiction', () => {
    const less = { ...foreignSample, PaymentCreditCards: [{ CreditSum: 600 }] };
    assert.throws(() => become(less, { foreignSums: 'document' }), /AppliedFC comes to 640/);
  });

  test('a local payment of a foreign invoice has local shares', () => {
    const record = {
      ...sample,
      TransferSum: 691.2,
      PaymentInvoices: [{ ...line, SumApplied: 691.2, AppliedFC: 640 }],
    };
    assert.equal(event(record)?.references[0]?.amountMinor, 69120n);
  });

  test('the bank’s charge is told in the payment’s currency where it can be', () => {
    const fee = (change: object) => {
      const told = event({ ...foreignSample, ...change });
      return [told?.feeMinor, told?.feeCurrency];
    };
    assert.deepEqual(fee({ BankChargeAmount: 1.08, BankChargeAmountInFC: 1 }), [100n, undefined]);
    assert.deepEqual(fee({ BankChargeAmount: 1.08 }), [108n, 'USD']);
    assert.deepEqual(fee({}), [null, undefined]);
  });
});

describe('states', () => {
  const approvals: Readonly<Record<string, string>> = {
    pasWithout: 'payment.succeeded',
    pasApproved: 'payment.succeeded',
    pasGenerated: 'payment.succeeded',
    pasGeneratedbyAuthorizer: 'payment.succeeded',
    pasPending: 'payment.pending',
  };
  for (const [AuthorizationStatus, type] of Object.entries(approvals)) {
    test(`${AuthorizationStatus} is ${type}`, () => {
      assert.equal(event({ ...sample, AuthorizationStatus })?.type, type);
      assert.equal(
        event({ ...sample, AuthorizationStatus, Cancelled: 'tYES' })?.type,
        'payment.voided',
      );
    });
  }

  test('without approvals there is no such state; one that nobody explained is set aside', () => {
    assert.equal(event({ ...sample, AuthorizationStatus: null })?.type, 'payment.succeeded');
    for (const AuthorizationStatus of ['', 'pasRejected', 'pasCancelled', 'PASPENDING', 'new']) {
      assert.ok('quarantined' in become({ ...sample, AuthorizationStatus }), AuthorizationStatus);
    }
  });

  test('Cancelled is yes or no, and nothing else', () => {
    for (const Cancelled of ['', 'yes', 'TYES', 'tyes', null, true]) {
      assert.throws(() => become({ ...sample, Cancelled }), /Cancelled/);
    }
  });

  test('a payment first seen cancelled is only that, with its amount, and dated by its sight', () => {
    const outcome = become({ ...sample, Cancelled: 'tYES' });
    assert.ok('events' in outcome && outcome.events.length === 1);
    assert.equal(outcome.events[0]?.amountMinor, 45250n);
    assert.equal(outcome.events[0]?.occurredAt, SEEN.toISOString());
  });

  test('whose money it is: a customer’s; an account’s and a supplier’s are none of ours', () => {
    const typed = (DocType: string | null, DocTypte: string | null = DocType) =>
      become({ ...sample, DocType, DocTypte });
    assert.ok('ignored' in typed('rAccount'));
    assert.ok('ignored' in typed('rSupplier'));
    assert.ok('events' in typed(null, 'rCustomer'), 'the older spelling');
    for (const odd of ['', 'rcustomer', 'toString', 'rEmployee']) {
      assert.ok('quarantined' in typed(odd), odd);
    }
  });

  test('partners are customers, or ignored by name', () => {
    const [row] = fixture('api-partners.in.json').value;
    assert.equal(event({ BusinessPartners: row })?.type, 'customer.upserted');
    assert.ok('quarantined' in become({ BusinessPartners: { ...row, CardType: 'cCUSTOMER' } }));
  });
});

describe('invoices', () => {
  const [row] = fixture('api-invoices.in.json').value;
  const facts = (change: object, given: Record<string, string> = {}) =>
    event({ Invoices: { ...row, ...change } }, given)?.invoice;

  test('a cancellation is the later state of its day, and a later day’s state later still', () => {
    const revision = (change: object) => event({ Invoices: { ...row, ...change } })?.revision ?? 0;
    const open = revision({});
    const cancelled = revision({ Cancelled: 'tYES' });
    assert.ok(cancelled > open);
    assert.ok(revision({ UpdateDate: '2026-11-04' }) > cancelled);
  });

  test('numbers and work orders stand where the firm keeps them', () => {
    assert.equal(
      facts({ U_InvoiceNo: 'F-7' }, { invoiceNumberField: 'U_InvoiceNo' })?.number,
      'F-7',
    );
    assert.equal(facts({}, { invoiceNumberField: 'U_InvoiceNo' })?.number, null);
    assert.equal(
      facts({ NumAtCard: 'PO 9', U_WO: 20881 }, { workOrderField: 'U_WO' })?.workOrder,
      '20881',
    );
    assert.equal(facts({ NumAtCard: 'PO 9', Comments: 'for WO-20881' })?.workOrder, 'WO-20881');
    assert.equal(facts({ NumAtCard: 'PO 9' })?.purchaseOrder, 'PO 9');
  });

  test('in foreign currency count by their foreign total, and are set aside without one', () => {
    assert.throws(() => facts({ DocCurrency: 'EUR', DocTotalFc: 0 }), /DocTotalFc: 0/);
    assert.throws(() => facts({ DocCurrency: 'EUR', DocTotalFc: null }), /DocTotalFc: missing/);
    assert.equal(facts({ DocCurrency: 'JPY', DocTotalFc: 5510 })?.totalMinor, 5510n);
  });

  test('that give money back are ignored by name', () => {
    assert.ok('ignored' in become({ Invoices: { ...row, DocTotal: -5 } }));
    assert.ok('ignored' in become({ Invoices: { ...row, CancelStatus: 'csCancellation' } }));
  });
});

describe('days', () => {
  test('begin where the company is, in summer and winter', () => {
    const midnight = (day: string, zone: string) => midnightOf(day, 'DocDate', zone);
    assert.equal(midnight('2026-07-01', 'America/Chicago'), '2026-07-01T05:00:00.000Z');
    assert.equal(midnight('2026-12-01', 'America/Chicago'), '2026-12-01T06:00:00.000Z');
    // The clocks go back in the night of this day.
    assert.equal(midnight('2026-11-01', 'America/Chicago'), '2026-11-01T05:00:00.000Z');
    assert.equal(midnight('2026-12-01', 'Pacific/Auckland'), '2026-11-30T11:00:00.000Z');
  });

  test('come with and without a midnight; anything else is no day', () => {
    assert.equal(dayOf('2026-11-03', 'DocDate'), '2026-11-03');
    assert.equal(dayOf('2026-11-03T00:00:00Z', 'DocDate'), '2026-11-03');
    for (const odd of ['2026-11-03T14:00:00Z', '2026-02-30', '03.11.2026', '20261103', '']) {
      assert.throws(() => dayOf(odd, 'DocDate'), /DocDate/, odd);
    }
  });

  test('of instants are the company’s', () => {
    const at = new Date('2026-11-03T02:00:00.000Z');
    assert.equal(dayAt(at, 'America/Chicago'), '2026-11-02');
    assert.equal(dayAt(at, 'America/Chicago', -1), '2026-11-01');
    assert.equal(dayAt(at, 'Asia/Tokyo'), '2026-11-03');
  });
});

describe('identity', () => {
  test('a version read twice is one document, another version another', () => {
    const [bare] = split(Buffer.from(JSON.stringify(sample)));
    const page = {
      '@odata.context': 'x#IncomingPayments',
      value: [{ '@odata.etag': 'W/"1"', ...sample }],
    };
    const keys = (value: object) => split(Buffer.from(JSON.stringify(value))).map(({ key }) => key);
    assert.deepEqual(keys(page), [bare?.key]);
    const { '@odata.context': _, ...row } = sample;
    const pulled = { Records: [{ IncomingPayments: row, InvoiceNumbers: { '5790': '10421' } }] };
    assert.deepEqual(keys(pulled), [bare?.key]);
    assert.notDeepEqual(keys({ ...sample, Cancelled: 'tYES' }), [bare?.key]);
  });

  test('kinds without a context are told by what only they have', () => {
    const { '@odata.context': _, ...row } = sample;
    assert.equal(event(row)?.type, 'payment.succeeded');
    assert.equal(
      event({ ...row, DocObjectCode: 'bopot_OutgoingPayments' })?.type,
      'refund.succeeded',
    );
    assert.throws(() => become({ ...row, DocObjectCode: null }), /not a record/);
  });
});
