/** What Intacct's records become: states, times and amounts in both of its APIs' words. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Normalized } from '../contract.ts';
import { readInstant, writeInstant } from './instants.ts';
import { normalize } from './normalize.ts';
import type { ReadingSettings } from './settings.ts';
import { NOW } from './simulated-connection.ts';
import { split } from './split.ts';

const PAYMENT = {
  RECORDNO: '7421',
  RECORDTYPE: 'rp',
  STATE: 'C',
  PAYMENTMETHOD: 'EFT',
  CUSTOMERID: 'C-0042',
  CUSTOMERNAME: 'Northfield Plastics',
  DOCNUMBER: 'ACH 55120',
  DESCRIPTION: 'WO-2026-0184',
  RECEIPTDATE: '11/19/2026',
  CURRENCY: 'USD',
  TRX_TOTALENTERED: '452.5',
  AUWHENCREATED: '11/20/2026 08:01:12',
  WHENMODIFIED: '11/21/2026 09:00:00',
};
const REST_PAYMENT = {
  key: '7421',
  recordType: 'rp',
  state: 'complete',
  paymentMethod: 'eft',
  'customer.id': 'C-0042',
  'customer.name': 'Northfield Plastics',
  documentNumber: 'ACH 55120',
  description: 'WO-2026-0184',
  receiptDate: '2026-11-19',
  'txnCurrency.currency': 'USD',
  'txnCurrency.totalAmount': '452.50',
  'audit.createdDateTime': '2026-11-20T08:01:12Z',
  'audit.modifiedDateTime': '2026-11-21T09:00:00Z',
};
const INVOICE = {
  RECORDNO: '5790',
  RECORDID: 'INV-10421',
  STATE: 'Posted',
  CUSTOMERID: 'C-0042',
  CURRENCY: 'USD',
  TRX_TOTALENTERED: '1200.5',
  WHENMODIFIED: '11/20/2026 08:01:12',
};

type Json = Readonly<Record<string, unknown>>;

function read(document: Json, settings: ReadingSettings = {}): Normalized {
  const body = Buffer.from(JSON.stringify(document));
  try {
    return normalize({ body, headers: {}, receivedAt: NOW }, settings);
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}
const payment = (change: Json = {}, more: Json = {}, settings: ReadingSettings = {}) =>
  read({ object: 'ARPYMT', record: { ...PAYMENT, ...change }, details: [], ...more }, settings);
const restPayment = (change: Json = {}) =>
  read({
    object: 'accounts-receivable/payment',
    record: { ...REST_PAYMENT, ...change },
    details: [],
  });
const invoice = (change: Json = {}) =>
  read({ object: 'ARINVOICE', record: { ...INVOICE, ...change } });

const eventOf = (read: Normalized) => ('events' in read ? read.events[0] : undefined);
const word = (read: Normalized) => eventOf(read)?.type ?? Object.keys(read)[0];

describe('states', () => {
  const states: readonly (readonly [state: string, word: string])[] = [
    ['C', 'payment.succeeded'],
    ['c', 'payment.succeeded'],
    ['Complete', 'payment.succeeded'],
    ['COMPLETED', 'payment.succeeded'],
    ['Confirmed', 'payment.succeeded'],
    ['Reconciled', 'payment.succeeded'],
    ['D', 'payment.pending'],
    ['Draft', 'payment.pending'],
    ['V', 'payment.voided'],
    ['v', 'payment.voided'],
    ['Reversed', 'payment.voided'],
    ['Voided', 'payment.voided'],
    ['Reversal', 'ignored'],
    ['', 'quarantined'],
    ['S', 'quarantined'],
    ['Posted', 'quarantined'],
    ['nobody-knows', 'quarantined'],
    ['constructor', 'quarantined'],
    ['__proto__', 'quarantined'],
  ];
  for (const [state, wanted] of states) {
    test(`a payment that is "${state}" is ${wanted}, in both APIs`, () => {
      assert.equal(word(payment({ STATE: state })), wanted);
      assert.equal(word(restPayment({ state })), wanted);
    });
  }

  test('advances are posted and used up; each time they are the same money', () => {
    for (const state of ['C', 'Posted', 'Partially Applied', 'fullyApplied', 'selected']) {
      const told = eventOf(payment({ RECORDTYPE: 'rr', STATE: state }, { details: undefined }));
      assert.deepEqual([told?.type, told?.amountMinor], ['payment.succeeded', 45250n], state);
    }
    assert.equal(word(payment({ RECORDTYPE: 'rr', STATE: 'V' })), 'payment.voided');
    assert.equal(word(payment({ RECORDTYPE: 'rr', STATE: 'unknown' })), 'quarantined');
  });

  test('what applies an overpayment is no money; other kinds of records are not guessed at', () => {
    assert.equal(word(payment({ RECORDTYPE: 'ro' })), 'ignored');
    assert.equal(word(payment({ RECORDTYPE: 'RP' })), 'payment.succeeded');
    for (const RECORDTYPE of ['rx', 'constructor']) {
      assert.equal(word(payment({ RECORDTYPE })), 'quarantined');
    }
  });

  test('invoices by their words', () => {
    const wanted: readonly (readonly [string, string])[] = [
      ['Posted', 'invoice.upserted'],
      ['Partially Paid', 'invoice.upserted'],
      ['partiallyPaid', 'invoice.upserted'],
      ['PAID', 'invoice.upserted'],
      ['Selected', 'invoice.upserted'],
      ['Reversed', 'invoice.voided'],
      ['Reversal', 'ignored'],
      ['Draft', 'ignored'],
      ['No Value', 'ignored'],
      ['', 'quarantined'],
      ['nobody-knows', 'quarantined'],
      ['constructor', 'quarantined'],
    ];
    for (const [STATE, word_] of wanted) assert.equal(word(invoice({ STATE })), word_, STATE);
    assert.equal(word(invoice({ TRX_TOTALENTERED: '-10' })), 'ignored');
  });
});

describe('amounts', () => {
  test('are the transaction’s, in its own digits', () => {
    const minor = (CURRENCY: string, TRX_TOTALENTERED: unknown) =>
      eventOf(payment({ CURRENCY, TRX_TOTALENTERED, TOTALENTERED: '1' }))?.amountMinor;
    assert.equal(minor('USD', '452.5'), 45250n);
    assert.equal(minor('USD', '452.50'), 45250n);
    assert.equal(minor('USD', 452), 45200n);
    assert.equal(minor('JPY', '5510'), 5510n);
    assert.equal(minor('JPY', '5510.00'), 5510n);
    assert.equal(minor('KWD', '12.345'), 12345n);
    for (const [currency, text] of [
      ['JPY', '5510.5'],
      ['USD', '1.005'],
      ['USD', '1,000.00'],
      ['USD', ''],
      ['ZZZ', '10'],
    ] as const) {
      assert.equal(word(payment({ CURRENCY: currency, TRX_TOTALENTERED: text })), 'quarantined');
    }
  });

  test('a company with one currency does not name it', () => {
    const event = eventOf(payment({ CURRENCY: undefined }, {}, { baseCurrency: 'CAD' }));
    assert.deepEqual([event?.currency, event?.amountMinor], ['CAD', 45250n]);
    assert.equal(eventOf(payment({ CURRENCY: '' }))?.currency, 'USD');
  });

  test('of 0 only credits were applied; below it nobody knows', () => {
    assert.equal(word(payment({ TRX_TOTALENTERED: '0' })), 'ignored');
    assert.equal(word(payment({ TRX_TOTALENTERED: '0.00' })), 'ignored');
    assert.equal(word(payment({ TRX_TOTALENTERED: '-5' })), 'quarantined');
  });
});

describe('what a payment pays', () => {
  const line = (RECORDKEY: string | undefined, TRX_PAYMENTAMOUNT?: string) => ({
    PAYMENTKEY: '7421',
    RECORDKEY,
    TRX_PAYMENTAMOUNT,
  });
  const shares = (details: readonly Json[], more: Json = {}) =>
    eventOf(payment({}, { details, ...more }))?.references.filter(({ kind }) => kind === 'invoice');

  test('is summed by invoice; credits and debit memos are no cash of an invoice', () => {
    const details = [
      line('5790', '400'),
      line('5791', '10'),
      line('5791', '42.5'),
      line('5792', '0'),
      line('5793'),
      line(undefined, '5'),
    ];
    const invoices = [{ RECORDNO: '5790', RECORDID: 'INV-10421' }];
    assert.deepEqual(shares(details, { invoices }), [
      { kind: 'invoice', externalId: '5790', number: 'INV-10421', amountMinor: 40000n },
      { kind: 'invoice', externalId: '5791', amountMinor: 5250n },
    ]);
  });

  test('may be less than the money, which then is overpaid, but never more', () => {
    assert.equal(shares([line('5790', '400')])?.[0]?.amountMinor, 40000n);
    assert.equal(word(payment({}, { details: [line('5790', '452.51')] })), 'quarantined');
  });

  test('is asked for where it is not told', () => {
    const asked = { fetch: [{ entity: 'ARPYMT', id: '7421' }] };
    assert.deepEqual(payment({}, { details: undefined }), asked);
    assert.deepEqual(payment({ STATE: 'D' }, { details: undefined }), asked);
  });
});

describe('one payment in both APIs', () => {
  test('is the same event', () => {
    assert.deepEqual(eventOf(restPayment()), eventOf(payment()));
  });

  test('happened when it was created, and was voided when it was changed', () => {
    const paid = eventOf(payment());
    assert.equal(paid?.occurredAt, '2026-11-20T08:01:12.000Z');
    assert.equal(paid?.eventId, '7421:complete:2026-11-21T09:00:00.000Z');
    const voided = eventOf(payment({ STATE: 'V' }));
    assert.equal(voided?.occurredAt, '2026-11-21T09:00:00.000Z');
    assert.deepEqual(
      voided?.references.map(({ kind }) => kind),
      ['memo', 'memo'],
    );
  });

  test('methods have two spellings', () => {
    const methods: readonly (readonly [string, string])[] = [
      ['Printed Check', 'check'],
      ['printedCheck', 'check'],
      ['Cash', 'cash'],
      ['EFT', 'ach'],
      ['Online ACH Debit', 'ach'],
      ['onlineAchDebit', 'ach'],
      ['Credit Card', 'card'],
      ['onlineChargeCard', 'card'],
      ['paymentAcceptanceService', 'other'],
      ['constructor', 'other'],
    ];
    for (const [said, method] of methods) {
      assert.equal(eventOf(payment({ PAYMENTMETHOD: said }))?.method, method);
    }
    assert.equal(eventOf(payment({ PAYMENTMETHOD: undefined }))?.method, null);
  });

  test('our own mark stands in a memo and is no id of another portal', () => {
    const ours = eventOf(
      payment({ DOCNUMBER: 'CV-ab12cd-pay_1234567', DESCRIPTION: 'stripe pi_1' }),
    );
    assert.deepEqual(ours?.references[0], { kind: 'memo', text: 'CV-ab12cd-pay_1234567' });
    const elsewhere = (DOCNUMBER: string) => eventOf(payment({ DOCNUMBER }))?.links.elsewhere;
    assert.deepEqual(ours?.links, {});
    assert.deepEqual(elsewhere('pi_3QabcEXAMPLE01'), [{ externalId: 'pi_3QabcEXAMPLE01' }]);
    for (const number of ['10881', 'CHK 4471', 'auth 8KX2PL', '80016488910', 'WO-2026-0184-A']) {
      assert.equal(elsewhere(number), undefined, number);
    }
  });

  test('a payer for several customers has a name alone', () => {
    const group = { CUSTOMERID: undefined, CUSTOMERNAME: '', PAYERNAME: 'ABC LLC group payment' };
    const { customer } = eventOf(payment(group)) ?? {};
    assert.deepEqual(customer, { externalId: null, name: 'ABC LLC group payment', email: null });
  });
});

describe('times', () => {
  test('are read in both forms, and real', () => {
    const wanted = '2026-11-20T08:01:12.000Z';
    for (const text of [
      '11/20/2026 08:01:12',
      '2026-11-20T08:01:12Z',
      '2026-11-20T03:01:12-0500',
    ]) {
      assert.equal(readInstant(text, 'x'), wanted);
    }
    assert.equal(readInstant('2026-11-20T08:01:12.5Z', 'x'), '2026-11-20T08:01:12.500Z');
    assert.equal(writeInstant(wanted), '11/20/2026 08:01:12');
    for (const text of [
      '20/11/2026 08:01:12',
      '06/31/2026',
      '2026-02-30',
      '11/20/26',
      'yesterday',
    ]) {
      assert.throws(() => readInstant(text, 'WHENMODIFIED'), /WHENMODIFIED/, text);
    }
    assert.equal(word(payment({ WHENMODIFIED: 'soon' })), 'quarantined');
    assert.equal(word(payment({ AUWHENCREATED: '' })), 'payment.succeeded');
  });

  test('days have no zone', () => {
    const facts = eventOf(invoice({ WHENCREATED: '11/02/2026', WHENDUE: '2026-12-02' }))?.invoice;
    assert.deepEqual([facts?.issuedOn, facts?.dueOn], ['2026-11-02', '2026-12-02']);
  });
});

describe('what is no record', () => {
  const outcome = (name: string) => {
    const body = readFileSync(new URL(`fixtures/${name}`, import.meta.url));
    const [piece] = split(body);
    return normalize({ body: piece?.body ?? body, headers: {}, receivedAt: NOW }, {});
  };

  test('refusals are set aside with Intacct’s words', () => {
    assert.match(JSON.stringify(outcome('error-control.in.xml')), /quarantined.*XL03000006/);
    assert.match(JSON.stringify(outcome('error-function.in.xml')), /quarantined.*BL01001973/);
    assert.match(
      JSON.stringify(outcome('error-rest-422.in.json')),
      /quarantined.*REST-1028.*paymentDetails\.arInvoice\.key is not valid/,
    );
  });

  test('lines by themselves are ignored', () => {
    assert.ok('ignored' in outcome('api-query-details.in.xml'));
    assert.ok('ignored' in outcome('api-rest-query-details.in.json'));
  });
});
