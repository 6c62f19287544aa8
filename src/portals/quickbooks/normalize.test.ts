import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { findOwnMark, ownMark } from '../kit/own-mark.ts';
import { normalize } from './normalize.ts';
import { type ReadingSettings, settings } from './settings.ts';
import { split } from './split.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.in.json`, fixtures));
const text = (name: string): string => readFileSync(new URL(name, fixtures), 'utf8');
const connected = settings.parse(JSON.parse(text('settings.json')));

function become(body: Buffer | string, of: ReadingSettings = connected): Normalized {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
  return normalize({ body: bytes, headers: {}, receivedAt: new Date(0) }, of);
}

/**
 * The one event of an object; `changes` replace fields by JSON text, so that decimals stay as
 * written.
 */
function only(name: string, changes: Record<string, string> = {}, of?: ReadingSettings) {
  const result = become(changed(name, changes), of);
  assert.ok('events' in result, `no events but ${inspect(result)}`);
  assert.equal(result.events.length, 1);
  return result.events[0] as CanonicalEvent;
}

function changed(name: string, changes: Record<string, string>): string {
  const [entity = '', row] = Object.entries(JSON.parse(fixture(name).toString()))[0] ?? [];
  const fields = Object.entries(row as Record<string, unknown>)
    .filter(([field]) => !(field in changes))
    .map(([field, value]) => `"${field}":${JSON.stringify(value)}`);
  const replaced = Object.entries(changes).map(([field, json]) => `"${field}":${json}`);
  return `{"${entity}":{${[...fields, ...replaced].join(',')}}}`;
}

const notice = (type: string, changes: Record<string, unknown> = {}): string =>
  JSON.stringify([
    {
      id: 'e-1',
      type,
      time: '2026-10-14T16:02:11.345678912Z',
      intuitentityid: '163',
      intuitaccountid: connected.realmId,
      ...changes,
    },
  ]);

const legacy = (name: string, operation: string, lastUpdated = '2026-10-14T14:42:19-0700') =>
  JSON.stringify({
    eventNotifications: [
      {
        realmId: connected.realmId,
        dataChangeEvent: { entities: [{ name, id: '163', operation, lastUpdated }] },
      },
    ],
  });

describe('fixtures', () => {
  test('what the batch holds besides is fetched or ignored by name', () => {
    const results = split(fixture('webhook-cloudevents-batch')).map(({ body }) => become(body));
    assert.deepEqual(results.slice(1), [
      { fetch: [{ entity: 'RefundReceipt', id: '181' }] },
      { fetch: [{ entity: 'Deposit', id: '190' }] },
      { fetch: [{ entity: 'Customer', id: '20' }] },
      {
        ignored: "company 9341453000000002 is not this connection's company 9341453000000001",
      },
    ]);
  });

  test('the credit application of the query page is ignored by name', () => {
    const last = split(fixture('api-query-payments')).at(-1);
    assert.deepEqual(become(last?.body ?? ''), {
      ignored: 'Payment 167 applies a CreditMemo to invoices: no money was received',
    });
  });

  test('an error that was stored is quarantined with its code', () => {
    assert.deepEqual(become(fixture('error-object-not-found')), {
      quarantined: 'QuickBooks answered with an error: 610 Object Not Found',
    });
  });
});

describe('notices', () => {
  const fetched = (entity: string) => ({ fetch: [{ entity, id: '163' }] });
  const table: readonly (readonly [string, Normalized | RegExp | string])[] = [
    [notice('qbo.payment.created.v1'), fetched('Payment')],
    [notice('qbo.payment.updated.v1'), fetched('Payment')],
    [notice('qbo.refundreceipt.created.v1'), fetched('RefundReceipt')],
    [notice('qbo.salesreceipt.updated.v1'), fetched('SalesReceipt')],
    [notice('qbo.deposit.created.v1'), fetched('Deposit')],
    [notice('qbo.invoice.updated.v1'), fetched('Invoice')],
    [notice('qbo.customer.merged.v1'), fetched('Customer')],
    [notice('qbo.payment.void.v1'), 'payment.voided'],
    [notice('qbo.payment.voided.v1'), 'payment.voided'],
    [notice('qbo.payment.deleted.v1'), 'payment.voided'],
    [notice('qbo.salesreceipt.deleted.v1'), 'payment.voided'],
    [notice('qbo.refundreceipt.void.v1'), 'refund.failed'],
    [notice('qbo.invoice.deleted.v1'), 'invoice.voided'],
    [notice('qbo.payment.emailed.v1'), /moves no money/],
    [notice('qbo.payment.archived.v1'), /Payment archived: an operation unknown/],
    [notice('qbo.payment.merged.v1'), /only customers/],
    [notice('qbo.creditmemo.created.v1'), /creditmemo created: this kind/],
    [notice('qbo.customer.deleted.v1'), /Customer 163 deleted/],
    [notice('qbo.deposit.deleted.v1'), /depositsArePayouts/],
    [notice('payroll.run.created.v1'), /not an event of QuickBooks/],
    [notice('qbo.payment.created.v1', { intuitaccountid: '1' }), /company 1 is not/],
    [legacy('Payment', 'Create'), fetched('Payment')],
    [legacy('Customer', 'Merge'), fetched('Customer')],
    [legacy('Payment', 'Void'), 'payment.voided'],
    [legacy('Payment', 'Delete'), 'payment.voided'],
    [legacy('Invoice', 'Void'), 'invoice.voided'],
    [legacy('Payment', 'Emailed'), /moves no money/],
    [legacy('Vendor', 'Update'), /Vendor Update: this kind/],
    ['[]', /empty batch/],
    ['{"eventNotifications":[]}', /no change/],
  ];
  for (const [body, expected] of table) {
    test(`${body.slice(0, 150)}`, () => {
      const result = become(body);
      if (typeof expected === 'string') {
        assert.ok('events' in result);
        assert.equal(result.events[0]?.type, expected);
      } else if (expected instanceof RegExp) {
        assert.match('ignored' in result ? result.ignored : '', expected);
      } else assert.deepEqual(result, expected);
    });
  }

  test('a deletion takes back the payment with no amount of its own', () => {
    const result = become(legacy('Payment', 'Delete'), { ...connected, homeCurrency: 'CAD' });
    assert.ok('events' in result);
    assert.deepEqual(result.events, [
      {
        type: 'payment.voided',
        externalPaymentId: '163',
        eventId: '9341453000000001|Payment|163|Delete|2026-10-14T14:42:19-0700',
        occurredAt: '2026-10-14T21:42:19.000Z',
        amountMinor: 0n,
        currency: 'CAD',
        feeMinor: null,
        method: null,
        references: [],
        customer: null,
        links: {},
        reason: 'deleted in QuickBooks',
      },
    ]);
  });

  test('a time without its offset is not guessed', () => {
    assert.throws(() => become(legacy('Payment', 'Delete', '2026-10-14T14:42:19')), /offset/);
  });

  test('nothing is needed of the settings', () => {
    assert.deepEqual(become(notice('qbo.payment.created.v1'), {}), fetched('Payment'));
    assert.equal(only('api-payment-read', {}, {}).eventId, 'Payment:163:0');
  });
});

describe('amounts and currencies', () => {
  const line = (amount: string, type = 'Invoice', id = '70') =>
    `{"Amount":${amount},"LinkedTxn":[{"TxnId":"${id}","TxnType":"${type}"}]}`;

  test('are exact in yen, dinars and large sums', () => {
    const sums: readonly (readonly [string, string, bigint])[] = [
      ['JPY', '150000', 150000n],
      ['JPY', '150000.00', 150000n],
      ['KWD', '12.345', 12345n],
      ['KWD', '0.1', 100n],
      ['USD', '9007199254740993.37', 900719925474099337n],
      ['USD', '1.10', 110n],
    ];
    for (const [currency, amount, minor] of sums) {
      const event = only('api-payment-read', {
        TotalAmt: amount,
        CurrencyRef: `{"value":"${currency}"}`,
        Line: `[${line(amount)}]`,
      });
      assert.equal(event.amountMinor, minor);
      assert.equal(event.references[0]?.amountMinor, minor);
    }
  });

  test('never round and are never guessed', () => {
    const wrong: readonly Record<string, string>[] = [
      { TotalAmt: '10.005' },
      { TotalAmt: '1e3' },
      { TotalAmt: '-5.00' },
      { TotalAmt: '"ten"' },
      { TotalAmt: 'null' },
      { TotalAmt: '150000.5', CurrencyRef: '{"value":"JPY"}' },
      { CurrencyRef: '{"value":"XXX"}' },
      { CurrencyRef: '{"value":"usd"}' },
      { SyncToken: '"latest"' },
      { MetaData: '{"CreateTime":"2026-10-14","LastUpdatedTime":"2026-10-14"}' },
    ];
    for (const changes of wrong) {
      assert.throws(() => become(changed('api-payment-read', changes)), JSON.stringify(changes));
    }
  });

  test('a record without currency is in the home currency', () => {
    const home = { ...connected, homeCurrency: 'JPY' };
    const changes = { CurrencyRef: 'null', TotalAmt: '65', Line: '[]' };
    assert.equal(only('api-payment-read', changes, home).amountMinor, 65n);
    assert.equal(only('api-payment-read', changes).amountMinor, 6500n);
  });

  test('credits used beside money do not inflate what the money pays', () => {
    const one = only('api-payment-read', {
      TotalAmt: '100.00',
      Line: `[${line('125.00')},${line('25.00', 'CreditMemo', '88')}]`,
    });
    assert.equal(one.references[0]?.amountMinor, 10000n);
    const lines = [
      line('65.00'),
      line('60.00', 'Invoice', '71'),
      line('25.00', 'CreditMemo', '88'),
    ];
    const several = only('api-payment-read', { TotalAmt: '100.00', Line: `[${lines}]` });
    assert.deepEqual(
      several.references.filter(({ kind }) => kind === 'invoice'),
      [
        { kind: 'invoice', externalId: '70' },
        { kind: 'invoice', externalId: '71' },
      ],
    );
  });

  test('two lines of one invoice are one reference', () => {
    const event = only('api-payment-read', { Line: `[${line('30.00')},${line('25.00')}]` });
    assert.equal(event.references[0]?.amountMinor, 5500n);
    assert.equal(event.references[1]?.kind, 'workOrder');
  });
});

describe('states', () => {
  test('an edited payment has a higher revision and the time of the edit', () => {
    const event = only('api-payment-read', {
      SyncToken: '"4"',
      MetaData:
        '{"CreateTime":"2026-10-14T09:02:11-07:00","LastUpdatedTime":"2026-10-16T08:00:00-07:00"}',
    });
    assert.equal(event.type, 'payment.succeeded');
    assert.equal(event.revision, 4);
    assert.equal(event.eventId, '9341453000000001:Payment:163:4');
    assert.equal(event.occurredAt, '2026-10-16T15:00:00.000Z');
  });

  test('a payment of 0 that is neither voided nor a credit waits for a person', () => {
    const zero = { TotalAmt: '0', PrivateNote: '"hello"' };
    assert.ok('quarantined' in become(changed('api-payment-voided', zero)));
    const linked = '[{"Amount":0,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]';
    const odd = become(changed('api-payment-voided', { Line: linked }));
    assert.ok('quarantined' in odd, 'the note says voided but the lines are still there');
  });

  test('receipts of 0: a gift, a void, an edit', () => {
    const gift = become(changed('api-salesreceipt-read', { TotalAmt: '0' }));
    assert.ok('ignored' in gift);
    const edited = become(changed('api-refundreceipt-read', { TotalAmt: '0', SyncToken: '"2"' }));
    assert.ok('quarantined' in edited);
    const voided = { TotalAmt: '0.00', SyncToken: '"1"', PrivateNote: '"Voided"' };
    assert.equal(only('api-refundreceipt-read', voided).type, 'refund.failed');
    const sale = only('api-salesreceipt-read', voided);
    assert.equal(sale.type, 'payment.voided');
    assert.equal(sale.externalPaymentId, '172');
  });

  test('invoices: voided ones keep their number, free ones are invoices', () => {
    const voided = only('api-invoice-read', { TotalAmt: '0', PrivateNote: '"Voided"' });
    assert.equal(voided.type, 'invoice.voided');
    assert.equal(voided.invoice?.number, '1016');
    assert.equal(only('api-invoice-read', { TotalAmt: '0' }).type, 'invoice.upserted');
    const noted = { CustomField: '[]', PrivateNote: '"for WO 20881, second stage"' };
    assert.equal(only('api-invoice-read', noted).invoice?.workOrder, 'WO 20881');
    assert.equal(only('api-invoice-read', { CustomField: '[]' }).invoice?.workOrder, null);
  });

  test('deposits are payouts only when the connection says so', () => {
    const deposit = changed('api-refundreceipt-read', {}).replace('RefundReceipt', 'Deposit');
    assert.match(JSON.stringify(become(deposit)), /ignored.*Deposit 181/);
    const result = become(deposit, { ...connected, depositsArePayouts: true });
    assert.ok('events' in result);
    assert.equal(result.events[0]?.type, 'payout.paid');
    assert.equal(result.events[0]?.payoutId, '181');
    assert.equal(result.events[0]?.amountMinor, 12000n);
  });

  test('unknown objects are ignored by name, unknown shapes are not', () => {
    assert.match(JSON.stringify(become('{"Bill":{"Id":"1"}}')), /ignored.*Bill/);
    for (const odd of ['{}', '7', 'null', '{"Payment":null}', '{"Bill":1}', '{"a":1,"b":2}']) {
      assert.throws(() => become(odd), odd);
    }
  });
});

describe('what people write', () => {
  test('methods by the names firms give them', () => {
    const names: readonly (readonly [string, string | null])[] = [
      ['"Cash"', 'cash'],
      ['"Check"', 'check'],
      ['"Cheque"', 'check'],
      ['"Visa"', 'card'],
      ['"American Express"', 'card'],
      ['"Debit Card"', 'card'],
      ['"ACH"', 'ach'],
      ['"e-Check"', 'ach'],
      ['"Wire transfer"', 'bank'],
      ['"PayPal"', 'wallet'],
      ['"Barter"', 'other'],
      ['" "', null],
      ['null', null],
    ];
    for (const [name, method] of names) {
      const ref = `{"value":"9","name":${name}}`;
      assert.equal(only('api-payment-read', { PaymentMethodRef: ref }).method, method, name);
    }
  });

  test('our own mark stays visible wherever it was kept', () => {
    const mark = ownMark({ installation: 'ab12cd', paymentId: 'pay_12' });
    for (const field of ['PaymentRefNum', 'PrivateNote']) {
      const event = only('api-payment-read', { [field]: JSON.stringify(mark) });
      const found = event.references.map((one) => findOwnMark(one.text ?? '')).find(Boolean);
      assert.deepEqual(found, { installation: 'ab12cd', paymentId: 'pay_12' });
    }
  });

  test('odd notes in the margin cost the number, not the payment', () => {
    const odd =
      '[{"Amount":55.0,"LineEx":{"any":"?"},"LinkedTxn":[{"TxnId":70,"TxnType":"Invoice"}]}]';
    const event = only('api-payment-read', { Line: odd });
    assert.deepEqual(event.references[0], {
      kind: 'invoice',
      externalId: '70',
      amountMinor: 5500n,
    });
  });
});

test('normalize throws nothing but errors', () => {
  const object = fc.record({ Id: fc.string(), SyncToken: fc.string(), TotalAmt: fc.jsonValue() });
  const bodies = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc
      .dictionary(fc.constantFrom('Payment', 'Invoice', 'Customer', 'Deposit'), object)
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      try {
        assert.equal(typeof become(body), 'object');
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
});
