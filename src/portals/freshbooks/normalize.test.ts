/** FreshBooks rows: what is money, what is not, and when it was. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { normalize } from './normalize.ts';
import { split } from './split.ts';
import { readWallTime, wallTime } from './wall-time.ts';

const ROW = {
  id: 10865326,
  amount: { amount: '100.00', code: 'USD' },
  clientid: 212566,
  invoiceid: 197902,
  from_credit: false,
  type: 'Check',
  note: '',
  updated: '2026-10-14 12:18:29',
  vis_state: 0,
};
const receivedAt = new Date('2026-11-21T08:00:00.000Z');
const read = (body: string) =>
  normalize({ body: Buffer.from(body), headers: {}, receivedAt }, { accountId: 'zDmNq' });
const payment = (fields: object = {}) =>
  read(JSON.stringify({ response: { result: { payment: { ...ROW, ...fields } } } }));

describe('times', () => {
  test('are New York wall times, summer and winter', () => {
    assert.equal(readWallTime('2026-10-14 12:18:29', 'updated'), '2026-10-14T16:18:29.000Z');
    assert.equal(readWallTime('2026-11-20 12:18:29', 'updated'), '2026-11-20T17:18:29.000Z');
    assert.equal(readWallTime('2026-11-01 01:30:00', 'updated'), '2026-11-01T05:30:00.000Z');
    assert.equal(readWallTime('2026-03-08 02:30:00', 'updated'), '2026-03-08T07:30:00.000Z');
    assert.equal(readWallTime('2026-10-14T12:18:29Z', 'updated'), '2026-10-14T12:18:29.000Z');
    for (const text of ['', '2026-10-14', '2026-13-40 12:00:00', 'now']) {
      assert.throws(() => readWallTime(text, 'updated'), /updated/);
    }
  });

  test('come back as they were written, but for the hour that comes twice', () => {
    const moments = fc.date({
      min: new Date('2020-01-01T00:00:00Z'),
      max: new Date('2035-01-01T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        const text = wallTime(moment);
        assert.equal(wallTime(new Date(readWallTime(text, 'updated'))), text);
      }),
    );
  });
});

describe('payments', () => {
  test('taken by the gateway of a portal of ours name it, as that portal tells of the same money', () => {
    const links = (gateway: string | null) => {
      const normalized = payment({ gateway });
      return 'events' in normalized ? normalized.events.map((event) => event.links) : normalized;
    };
    assert.deepEqual(links('Stripe'), [{ elsewhere: [{ portal: 'stripe' }] }]);
    assert.deepEqual(links('fbpay'), [{}]);
    assert.deepEqual(links(null), [{}]);
  });

  test('credit put on an invoice and surplus kept as credit are no money', () => {
    for (const fields of [
      { from_credit: true },
      { type: 'Credit' },
      { type: 'Credit', vis_state: 1 },
      { amount: { amount: '0.00', code: 'USD' }, overpaymentid: 3302 },
    ]) {
      assert.ok('ignored' in payment(fields), JSON.stringify(fields));
    }
    assert.ok('quarantined' in payment({ amount: { amount: '0.00', code: 'USD' } }));
  });

  test('an amount or currency that cannot be read is thrown, never guessed', () => {
    for (const amount of [
      { amount: '1.234', code: 'USD' },
      { amount: '1,000.00', code: 'USD' },
      { amount: '1.00', code: 'ABC' },
      { amount: '150.50', code: 'JPY' },
      null,
    ]) {
      assert.throws(() => payment({ amount }), JSON.stringify(amount));
    }
    assert.throws(() => payment({ updated: 'yesterday' }));
  });

  test('numbers may be text, unknown types are other methods', () => {
    const outcome = payment({
      id: '10865326',
      invoiceid: '197902',
      type: 'Barter',
      vis_state: '0',
    });
    assert.ok('events' in outcome);
    assert.equal(outcome.events[0]?.externalPaymentId, '10865326');
    assert.equal(outcome.events[0]?.method, 'other');
  });

  test('one gone for good is voided without its amount', () => {
    const body = '{"gonePayment":{"id":"10865326"}}';
    const outcome = read(body);
    assert.ok('events' in outcome);
    assert.equal(outcome.events[0]?.type, 'payment.voided');
    assert.equal(split(Buffer.from(body))[0]?.key, 'gone:10865326');
  });
});

describe('callbacks', () => {
  test('name what is fetched, and of other accounts or kinds nothing', () => {
    const form = 'object_id=7&account_id=zDmNq';
    assert.deepEqual(read(`name=payment.update&${form}`), {
      fetch: [{ entity: 'payment', id: '7' }],
    });
    assert.deepEqual(read(`name=payment.delete&${form}`), {
      fetch: [{ entity: 'deleted-payment', id: '7' }],
    });
    assert.deepEqual(read(`name=callback.verify&verifier=v:1&${form}`), {
      fetch: [{ entity: 'callback', id: '7:v:1' }],
    });
    assert.ok('ignored' in read(`name=expense.create&${form}`));
    assert.ok('ignored' in read('name=payment.create&object_id=7&account_id=other'));
    assert.throws(() => read('name=payment.create&account_id=zDmNq'), /object_id/);
  });
});
