import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { exponentOf, MalformedAmount, toDecimalText, UnknownCurrency } from '../../money/money.ts';
import type { PortalDocument } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { normalize } from './normalize.ts';
import { pageOf, split } from './split.ts';
import { minorOf } from './wire.ts';

const SAMPLE = readFileSync(new URL('fixtures/api-list-invoices.in.json', import.meta.url));
const [FIRST] = JSON.parse(SAMPLE.toString()).data.business.invoices.edges;

const documentOf = (body: Buffer): PortalDocument => ({
  body,
  headers: {},
  receivedAt: new Date('2026-10-14T17:00:00.000Z'),
});
const read = (change: Record<string, unknown>) =>
  normalize(documentOf(pageOf([{ ...FIRST.node, ...change }])), {});
const paymentsOf = (change: Record<string, unknown>) => {
  const outcome = read(change);
  assert.ok('events' in outcome);
  return outcome.events.filter(({ type }) => type.startsWith('payment.'));
};

describe('amounts', () => {
  test('thousands separators are no decimal points', () => {
    assert.equal(minorOf('1,234.50', 'USD'), 123_450n);
    assert.equal(minorOf('1,234,567.8', 'USD'), 123_456_780n);
    assert.equal(minorOf('1,500', 'JPY'), 1_500n);
    assert.equal(minorOf('1,234.567', 'KWD'), 1_234_567n);
  });

  test('commas elsewhere, excess digits, signs and unknown currencies are refused', () => {
    for (const text of ['1,23', '12,34.50', ',500', '1.234,50', '1,234.505', '-5.00', '', '1e3']) {
      assert.throws(() => minorOf(text, 'USD'), MalformedAmount, text);
    }
    assert.throws(() => minorOf('1.00', 'USDT'), UnknownCurrency);
  });

  test('every amount is read back from what Wave prints of it', () => {
    const currencies = fc.constantFrom('USD', 'JPY', 'KWD');
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), currencies, (minor, currency) => {
        const [whole = '', fraction = ''] = toDecimalText({ minor, currency }).split('.');
        const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
        const text = exponentOf(currency) === 0 ? grouped : `${grouped}.${fraction}`;
        assert.equal(minorOf(text, currency), minor);
      }),
    );
  });
});

describe('the payment of an invoice', () => {
  it('keeps its id while it grows, and its revision orders the totals', () => {
    const [half] = paymentsOf({});
    const [whole] = paymentsOf({
      modifiedAt: '2026-10-20T10:00:00Z',
      amountPaid: { value: '1,234.50' },
    });
    assert.equal(half?.externalPaymentId, whole?.externalPaymentId);
    assert.deepEqual([half?.amountMinor, whole?.amountMinor], [50_000n, 123_450n]);
    assert.ok((whole?.revision ?? 0) > (half?.revision ?? 0));
  });

  it('depends on the paid amount alone, not on total, amount due or status', () => {
    const told = ['PAID', 'OVERDUE', 'NEVER_SEEN', null].map((status) =>
      paymentsOf({ status, total: { value: '9.00' }, amountDue: { value: '-491.00' } }),
    );
    for (const events of told) assert.deepEqual(events, paymentsOf({}));
    assert.deepEqual(paymentsOf({ amountPaid: { value: '0.00' } }), []);
  });

  it('is voided once it fell to nothing, and what is paid then is another', () => {
    const id = FIRST.node.id;
    const told = [
      paymentsOf({ amountPaid: { value: '0.00' }, checkvalve: { falls: 1 } }),
      paymentsOf({ amountPaid: { value: '7.00' }, checkvalve: { falls: 1 } }),
      paymentsOf({ amountPaid: { value: '0.00' }, checkvalve: { falls: 2 } }),
    ].flat();
    assert.deepEqual(
      told.map(({ type, externalPaymentId }) => [type, externalPaymentId]),
      [
        ['payment.voided', `${id}#1`],
        ['payment.succeeded', `${id}#2`],
        ['payment.voided', `${id}#2`],
      ],
    );
  });

  it('is what others than we paid', () => {
    const recorded = (...values: readonly string[]) => ({
      checkvalve: { recorded: values.map((value) => ({ value, currency: 'USD' })) },
    });
    const [less] = paymentsOf({ amountPaid: { value: '1,234.50' }, ...recorded('1,000.00', '34') });
    assert.equal(less?.amountMinor, 20_050n);
    assert.deepEqual(paymentsOf(recorded('500.00')), []);
    assert.throws(
      () => read(recorded('500.01')),
      /500\.00 is less than the 500\.01 that we recorded/,
    );
    const other = { recorded: [{ value: '1', currency: 'EUR' }] };
    assert.throws(() => read({ checkvalve: other }), /USD, though we recorded 1 EUR there/);
  });

  it('is told even of a draft, because money is money', () => {
    assert.equal(paymentsOf({ status: 'DRAFT' }).length, 1);
    assert.deepEqual(read({ status: 'DRAFT', amountPaid: { value: '0.00' } }), {
      ignored: 'a draft is no invoice yet',
    });
  });
});

test('invoices and customers are left alone when they are kept elsewhere', () => {
  const elsewhere = (change: Record<string, unknown>) =>
    normalize(documentOf(pageOf([{ ...FIRST.node, ...change }])), { importInvoices: false });
  assert.deepEqual(elsewhere({}), { events: paymentsOf({}) });
  assert.ok('ignored' in elsewhere({ amountPaid: { value: '0.00' } }));
});

describe('what cannot be read', () => {
  it('is refused by name', () => {
    assert.throws(() => read({ modifiedAt: '2026-10-14T16:02:11' }), WireMismatch);
    assert.throws(() => read({ modifiedAt: '2099-10-14T16:02:11Z' }), WireMismatch);
    assert.throws(() => read({ amountPaid: null }), /amountPaid/);
    assert.throws(() => read({ currency: { code: 'XXX' } }), UnknownCurrency);
    assert.throws(() => read({ amountPaid: { value: '-5.00' } }), MalformedAmount);
  });

  it('is not taken for a page when it holds errors, whatever rows came with them', () => {
    const body = Buffer.from(
      JSON.stringify({ ...JSON.parse(SAMPLE.toString()), errors: [{ message: 'half of it' }] }),
    );
    assert.deepEqual(split(body), [{ key: split(body)[0]?.key, body }]);
    assert.deepEqual(normalize(documentOf(body), {}), {
      quarantined: 'Wave answered with an error: half of it',
    });
  });
});

test('an invoice that changed is another document, an unchanged one the same', () => {
  const keys = (row: unknown) => split(pageOf([row])).map(({ key }) => key);
  const viewed = { ...FIRST.node, modifiedAt: '2026-10-14T18:00:00.000Z' };
  assert.deepEqual(keys(FIRST.node), keys({ ...FIRST.node }));
  assert.notDeepEqual(keys(FIRST.node), keys(viewed));
  assert.equal(split(pageOf([FIRST.node, FIRST.node])).length, 1);
  assert.deepEqual(split(pageOf([])), []);
});
