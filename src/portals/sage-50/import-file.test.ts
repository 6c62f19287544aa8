/** The files that a bookkeeper imports, byte for byte, and their way back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readBody } from '../../../test/support/simulated-api.ts';
import type { FileEntry, PaymentToRecord } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { importFile } from './import-file.ts';
import { settings } from './settings.ts';
import { connect, fill, minutes, NOW, ours, told } from './simulated-connection.ts';

const UK = { dataset: 'D', baseCurrency: 'GBP', bankNominal: '1200' };
const US = {
  dataset: 'D',
  edition: 'us',
  baseCurrency: 'USD',
  timeZone: 'America/New_York',
  cashAccount: '10200',
  receivablesAccount: '11000',
  depositsAccount: '24400',
  discountAccount: '49000',
};

const sample = (name: string) =>
  readFileSync(new URL(`fixtures/${name}.csv`, import.meta.url), 'utf8');

function written(entries: readonly FileEntry[], given: object): string {
  return importFile(entries, settings.parse(given))?.body.toString('utf8') ?? '';
}

/** The sample's payment: what our system calls it differs, the rest is the sample's. */
const stripe = (more: Partial<PaymentToRecord> = {}): PaymentToRecord =>
  ours('NORTHF', 'D:1790', {
    mark: 'STR-0001',
    currency: 'GBP',
    memo: 'Stripe WO-2026-0184',
    ...more,
  });
const payment = (more: Partial<PaymentToRecord> = {}): FileEntry => ({
  entry: 'payment',
  payment: stripe(more),
});

/** Cells of the columns that our own words do not decide. */
function determined(file: string, free: readonly string[]): readonly (readonly string[])[] {
  const [header = [], ...rows] = file.split('\r\n').map((line) => line.split(','));
  const fixed = header.map((name) => !free.includes(name));
  return [header, ...rows.map((row) => row.filter((_, at) => fixed[at]))];
}

const rejects = (entry: FileEntry, given: object, pattern: RegExp) =>
  assert.throws(
    () => written([entry], given),
    (error) => error instanceof Rejected && pattern.test(error.message),
  );

describe('the import of the UK edition', () => {
  test('is the sample, but for the words that are ours', () => {
    const reversal: FileEntry = {
      entry: 'reversal',
      on: '2026-11-06',
      payment: stripe({ amountMinor: 10000n, invoices: [] }),
    };
    const file = written([payment(), reversal], UK);
    const free = ['Reference', 'Details', 'Extra Reference', 'User Name'];
    assert.deepEqual(determined(file, free), determined(sample('import-uk-receipts'), free));
    const [, first, second] = file.split('\r\n');
    assert.match(
      String(first),
      /,STR-0001,Stripe WO-2026-0184 INV 10421,.*,STR-0001,CHECKVALVE,,$/,
    );
    assert.match(String(second), /^SP,.*,STR-0001-R,stripe refund of STR-0001,.*,STR-0001-R,/);
  });

  test('keeps to its columns’ widths and its lines, whatever the words', () => {
    const memo = `Müller, "Söhne"\r\n=1+1 ${'x'.repeat(80)}`;
    const [, row = '', rest] = written([payment({ memo })], UK).split('\r\n');
    assert.equal(rest, '');
    const [, details = ''] = /,STR-0001,"((?:[^"]|"")*)",452\.50,/.exec(row) ?? [];
    assert.match(details, /^Muller, ""Sohne"" =1\+1 x+$/);
    assert.ok(details.replaceAll('""', '"').length <= 60);
    assert.match(row, /^[\x20-\x7e]+$/);
  });

  test('refuses what it cannot say', () => {
    rejects(payment({ currency: 'EUR' }), UK, /exchange rate/);
    rejects(payment({ customerExternalId: 'NINECHARS' }), UK, /Account Reference takes 8/);
    rejects(payment({ customerExternalId: 'CAFÉ' }), UK, /enter it by hand/);
    rejects(payment(), { ...UK, bankNominal: undefined }, /bankNominal/);
    rejects(payment({ amountMinor: 1n }), UK, /shares exceed/);
  });

  test('is not written where a bridge records, nor of nothing', () => {
    const bridge = { ...UK, apiBaseUrl: 'http://sage-pc', apiKey: 'k', authToken: 't' };
    for (const way of ['own', 'oss']) {
      assert.equal(importFile([payment()], settings.parse({ ...bridge, bridge: way })), undefined);
    }
    assert.ok(importFile([payment()], settings.parse({ ...bridge, bridge: 'hyperaccounts' })));
    assert.equal(importFile([], settings.parse(UK)), undefined);
    assert.equal(importFile([payment()], settings.parse(UK))?.extension, 'csv');
  });
});

describe('the import of the US edition', () => {
  const shares = [
    { externalId: 'D:10421', number: '10421', amountMinor: 40000n },
    { externalId: 'D:10422', number: '10422', amountMinor: 5250n },
  ];
  const dollars = (more: Partial<PaymentToRecord> = {}) =>
    payment({ currency: 'USD', invoices: shares, ...more });

  test('is the sample, but for the customer’s name, which is not asked for', () => {
    const file = written([dollars()], US);
    const wanted = sample('import-us-receipts').replaceAll('Northfield Plastics', '');
    assert.equal(file, wanted);
  });

  test('money without an invoice is a prepayment', () => {
    const [header = '', row = ''] = written([dollars({ invoices: [] })], US).split('\r\n');
    const cells = new Map(header.split(',').map((name, at) => [name, row.split(',')[at]]));
    const wanted = {
      Prepayment: 'TRUE',
      'Total Paid on Invoice(s)': '0.00',
      'Invoice Paid': '',
      'G/L Account': '24400',
      Amount: '-452.50',
      'Number of Distributions': '1',
    };
    for (const [name, cell] of Object.entries(wanted)) assert.equal(cells.get(name), cell, name);
  });

  test('a mark that is too long for the reference stands in the description', () => {
    const mark = 'CV-ab12cd-pay_1234567';
    const [, row = ''] = written([dollars({ mark })], US).split('\r\n');
    assert.equal(row.split(',')[3]?.length, 20);
    assert.equal(findOwnMark(row)?.paymentId, 'pay_1234567');
  });

  test('refuses what it cannot say', () => {
    const reversal: FileEntry = {
      entry: 'reversal',
      on: '2026-11-06',
      payment: stripe({ currency: 'USD' }),
    };
    rejects(reversal, US, /cannot take a receipt back: void/);
    rejects(dollars({ amountMinor: 46250n }), US, /10\.00 USD more/);
    rejects(dollars({ currency: 'CAD' }), US, /exchange rate/);
    rejects(dollars({ customerExternalId: 'x'.repeat(21) }), US, /Customer ID takes 20/);
    rejects(dollars(), { ...US, receivablesAccount: undefined }, /receivablesAccount/);
    rejects(dollars({ invoices: [] }), { ...US, depositsAccount: undefined }, /depositsAccount/);
    rejects(dollars(), { ...US, cashAccount: undefined }, /cashAccount/);
  });
});

for (const edition of ['uk', 'us'] as const) {
  test(`imported into the ${edition} edition it comes back with the mark and is no money of its own`, async () => {
    await using connection = await connect({ edition, bridge: 'none' });
    const { sage, settings: given } = connection;
    const { customer, invoice } = fill(sage);
    const entries: readonly FileEntry[] = [
      { entry: 'payment', payment: ours(customer, invoice) },
      {
        entry: 'payment',
        payment: ours(customer, invoice, { paymentId: 'pay_13', mark: 'CV-ab12cd-pay_13' }),
      },
    ];
    const file = importFile(entries, given);
    const imported = sage.importFile(String(file?.body), minutes(1));
    const body = Buffer.from(sage.exportFile());
    const { events } = readBody({ id: 'sage-50', body, settings: given }, NOW);
    const echoes = events.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(
      echoes.map(({ externalPaymentId }) => externalPaymentId),
      imported,
    );
    const marks = echoes.map(({ references }) =>
      references.map(({ text }) => findOwnMark(text ?? '')?.paymentId).find((one) => one),
    );
    assert.deepEqual(marks, ['pay_12', 'pay_13']);
    assert.deepEqual(sage.truth(), []);
    if (edition === 'us') return;
    const taken = {
      entry: 'reversal',
      on: '2026-11-05',
      payment: ours(customer, invoice),
    } as const;
    const back = importFile([taken], given);
    sage.importFile(String(back?.body), minutes(2));
    const after = Buffer.from(sage.exportFile());
    const read = readBody({ id: 'sage-50', body: after, settings: given }, NOW);
    assert.ok(
      told(read.events).every((one) => !one.startsWith('refund')),
      'it is no refund',
    );
  });
}
