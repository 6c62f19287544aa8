import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toDecimalText } from '../../money/money.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';

const settings = schema.parse({});
const RECEIVED = new Date('2026-11-21T08:00:00.000Z');
const replace = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
const payment = { id: 'gp_1', amount: '12.50', currency: 'USD' };

function read(
  body: unknown,
  headers: Readonly<Record<string, string>> = { 'webhook-id': 'msg_1' },
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return normalize({ body: Buffer.from(text), headers, receivedAt: RECEIVED }, settings);
}

function event(data: object, more: object = {}) {
  const outcome = read({
    type: 'payment.succeeded',
    timestamp: '2026-11-12T15:04:05Z',
    data,
    ...more,
  });
  assert.ok('events' in outcome, JSON.stringify(outcome, replace));
  const [first, ...others] = outcome.events;
  assert.ok(first && others.length === 0);
  return first;
}

function problem(data: object, more: object = {}): string {
  try {
    const outcome = read({
      type: 'payment.succeeded',
      timestamp: '2026-11-12T15:04:05Z',
      data,
      ...more,
    });
    return 'quarantined' in outcome
      ? outcome.quarantined
      : `read: ${JSON.stringify(outcome, replace)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('amounts', () => {
  test('major or minor units, in every exponent, are the same money', () => {
    const currency = fc.constantFrom('USD', 'JPY', 'KWD', 'ISK', 'CLF');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), currency, (minor, code) => {
        const decimal = toDecimalText({ minor, currency: code });
        const given = { id: 'gp_1', currency: code };
        const forms = [
          { amount: decimal },
          { amount_minor: String(minor) },
          { amount: decimal, amount_minor: String(minor) },
        ];
        for (const form of forms) assert.equal(event({ ...given, ...form }).amountMinor, minor);
      }),
    );
  });

  test('a number beyond what floating point can hold is read digit by digit', () => {
    const body = `{"type":"payment.succeeded","timestamp":"2026-11-12T15:04:05Z",
      "data":{"id":"gp_1","amount_minor":90071992547409931,"currency":"USD"}}`;
    const outcome = read(body);
    assert.ok('events' in outcome);
    assert.equal(outcome.events[0]?.amountMinor, 90071992547409931n);
  });

  test('that contradict each other, or are none, are not guessed', () => {
    assert.match(problem({ ...payment, amount_minor: 1251 }), /not the same amount/);
    assert.match(problem({ ...payment, amount: '-1.00' }), /negative/);
    assert.match(problem({ ...payment, amount: '1.005' }), /digits/);
    assert.match(problem({ ...payment, amount: '1,000.00' }), /amount/);
    assert.match(problem({ id: 'gp_1', amount_minor: 12.5, currency: 'USD' }), /whole number/);
    assert.match(problem({ id: 'gp_1', currency: 'USD' }), /needs an amount/);
    assert.match(problem({ ...payment, currency: 'usd' }), /ISO 4217/);
    assert.match(problem({ ...payment, fee: '1.00', fee_minor: 1 }), /data.fee/);
  });

  test('a payout may debit our bank, and an ended payment may come without', () => {
    assert.equal(
      event({ ...payment, amount: '-3.00' }, { type: 'payout.paid' }).amountMinor,
      -300n,
    );
    for (const type of ['payment.failed', 'payment.voided', 'refund.failed', 'payout.failed']) {
      assert.equal(event({ id: 'x_1', currency: 'USD' }, { type }).amountMinor, 0n);
    }
    assert.match(problem({ id: 'x_1', currency: 'US' }, { type: 'payment.failed' }), /ISO 4217/);
  });
});

describe('times', () => {
  test('occurred_at goes before timestamp, and any offset is one instant', () => {
    assert.equal(event(payment).occurredAt, '2026-11-12T15:04:05.000Z');
    const at = (occurred_at: string) => event({ ...payment, occurred_at }).occurredAt;
    assert.equal(at('2026-11-12T15:04:05.344522Z'), '2026-11-12T15:04:05.344Z');
    assert.equal(at('2026-11-12T15:04:05+01:00'), '2026-11-12T14:04:05.000Z');
    assert.equal(at('2026-12-31 23:30:00-05:00'), '2027-01-01T04:30:00.000Z');
  });

  test('without an offset, or none at all, is not guessed', () => {
    for (const timestamp of [
      '2026-11-12T15:04:05',
      '2026-11-12',
      '12.11.2026',
      '1763000000',
      'x',
    ]) {
      assert.match(problem(payment, { timestamp }), /ISO 8601/);
    }
    assert.match(problem(payment, { timestamp: null }), /when it happened/);
  });
});

describe('everything else', () => {
  test('types that are not ours, and empty bodies, are ignored by name', () => {
    assert.deepEqual(read({ type: 'invoice.paid', timestamp: 'x', data: {} }), {
      ignored: 'invoice.paid: invoices and customers enter through the API, not by this webhook',
    });
    assert.ok('ignored' in read({ type: 'lead.created' }));
    assert.ok('ignored' in read({ type: 'constructor', data: payment }));
    assert.ok('ignored' in read(''));
  });

  test('a body that is no event is set aside', () => {
    for (const body of ['[]', 'null', '"x"', '{}', '{"data":{}}', '{']) {
      const outcome = (() => {
        try {
          return read(body);
        } catch (error) {
          return { quarantined: (error as Error).message };
        }
      })();
      assert.ok('quarantined' in outcome, body);
    }
  });

  test('the same id is the same payment, however it came', () => {
    const { eventId, externalPaymentId } = event(payment);
    assert.equal(eventId, 'msg_1');
    const body = { type: 'payment.succeeded', timestamp: '2026-11-12T15:04:05Z', data: payment };
    const pasted = read(body, {});
    assert.ok('events' in pasted);
    assert.equal(pasted.events[0]?.externalPaymentId, externalPaymentId);
    assert.match(String(pasted.events[0]?.eventId), /^body:/);
    const svix = read(body, { 'svix-id': 'msg_2' });
    assert.ok('events' in svix);
    assert.equal(svix.events[0]?.eventId, 'msg_2');
  });

  test('methods in other words, numbers as ids, absent payers', () => {
    assert.equal(event({ ...payment, method: 'Card' }).method, 'card');
    assert.equal(event({ ...payment, method: 'bitcoin' }).method, 'other');
    assert.equal(event({ ...payment, id: 71 }).externalPaymentId, '71');
    assert.equal(event({ ...payment, customer: { id: '', name: null } }).customer, null);
    assert.match(problem({ ...payment, id: ' ' }), /empty/);
  });
});
