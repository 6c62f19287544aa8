import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';

const MAPPING = {
  type: 'event.kind',
  types: { 'charge.paid': 'payment.succeeded', 'charge.back': 'refund.succeeded' },
  id: 'event.charge.id',
  paymentId: 'event.charge.of',
  amount: 'event.charge.total',
  currency: 'event.charge.currency',
  fee: 'event.charge.cost',
  occurredAt: 'event.at',
  timeFormat: 'unixSeconds',
  method: 'event.charge.by',
  methods: { cc: 'card' },
  customerId: 'event.payer["0"]',
  invoice: 'event.lines[].invoice',
  invoiceAmount: 'event.lines[].paid',
  workOrder: 'event.lines[0].job',
};
const { customerId: _, ...GOOD } = MAPPING;

const BODY = {
  event: {
    kind: 'charge.paid',
    at: 1763000000,
    charge: { id: 4711, total: 1284.5, currency: 'usd', cost: '37.55', by: 'cc' },
    lines: [
      { invoice: 'INV-1', paid: '1000.00', job: 'WO-1' },
      { invoice: null, paid: '1.00' },
      { invoice: 'INV-2', paid: '284.50' },
    ],
  },
};

function problems(fieldMapping: unknown): string {
  const result = schema.safeParse({ fieldMapping });
  return result.success ? '' : result.error.issues.map(({ message }) => message).join('\n');
}

function read(body: unknown, mapping: object = GOOD) {
  const settings = schema.parse({ fieldMapping: JSON.stringify(mapping) });
  const document = {
    body: Buffer.from(JSON.stringify(body)),
    headers: { 'webhook-id': 'msg_1' },
    receivedAt: new Date(0),
  };
  try {
    return normalize(document, settings);
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

describe('a mapped body', () => {
  test('becomes what our own contract becomes', () => {
    assert.deepEqual(read(BODY), {
      events: [
        {
          type: 'payment.succeeded',
          externalPaymentId: '4711',
          eventId: 'msg_1',
          occurredAt: '2025-11-13T02:13:20.000Z',
          amountMinor: 128450n,
          currency: 'USD',
          feeMinor: 3755n,
          method: 'card',
          references: [
            { kind: 'invoice', number: 'INV-1', amountMinor: 100000n },
            { kind: 'invoice', number: 'INV-2', amountMinor: 28450n },
            { kind: 'workOrder', number: 'WO-1' },
          ],
          customer: null,
          links: {},
        },
      ],
    });
  });

  test('in minor units, with constants and times of other formats', () => {
    const mapping = {
      type: '=payment.succeeded',
      id: 'id',
      amountMinor: 'cents',
      currency: '=JPY',
      occurredAt: 'ms',
      timeFormat: 'unixMilliseconds',
    };
    const outcome = read({ id: 'a', cents: 84500, ms: 1763000000123 }, mapping);
    assert.ok('events' in outcome);
    assert.equal(outcome.events[0]?.amountMinor, 84500n);
    assert.equal(outcome.events[0]?.occurredAt, '2025-11-13T02:13:20.123Z');
  });

  test('of another type of event is ignored, by the word of the sender', () => {
    const body = { event: { kind: 'lead.created' } };
    assert.deepEqual(read(body), {
      ignored: 'lead.created: not a type of event that is read here',
    });
  });

  test('without what is needed says where it was looked for', () => {
    const without = { event: { ...BODY.event, charge: { total: 1, currency: 'USD' } } };
    assert.deepEqual(read(without), { quarantined: 'id: there is nothing at event.charge.id' });
    assert.deepEqual(read({}), { quarantined: 'type: there is nothing at event.kind' });
    const late = { event: { ...BODY.event, at: '2026-11-12' } };
    const outcome = read(late);
    assert.ok('quarantined' in outcome);
    assert.match(outcome.quarantined, /unixSeconds/);
  });
});

describe('setting a mapping', () => {
  test('every mistake is a sentence that names the field', () => {
    assert.equal(problems(JSON.stringify(GOOD)), '');
    assert.equal(problems(GOOD), '');
    assert.match(problems('{'), /not a JSON object/);
    assert.match(problems('[]'), /not a JSON object/);
    assert.match(problems({ ...GOOD, amont: 'x' }), /"amont" is no field; it has type, id/);
    assert.match(problems({ ...GOOD, id: 5 }), /id: must be a path/);
    assert.match(problems({ ...GOOD, id: 'a..b' }), /id: "a..b" is not a path/);
    assert.match(problems({ ...GOOD, id: 'a[].b' }), /names many values/);
    assert.match(problems(MAPPING), /customerId: .* is not a path/);
    assert.match(problems({ ...GOOD, timeFormat: 'unix' }), /timeFormat: must be one of/);
    assert.match(problems({ ...GOOD, types: { paid: 'payment.paid' } }), /no type of event/);
    assert.match(problems({ ...GOOD, types: [] }), /types: must be an object/);
    const { id: _id, currency: _currency, amount: _amount, ...short } = GOOD;
    assert.match(problems(short), /id: is missing.*\ncurrency: is missing.*\namount: is missing/);
  });
});
