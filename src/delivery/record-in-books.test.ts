import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { definePortal, type PaymentToRecord, type PortalApi } from '../portals/contract.ts';
import { Reauthorize, Rejected, RetryLater } from '../portals/kit/errors.ts';
import { settings } from '../portals/servicemobility/settings.ts';
import { exampleAllocation, exampleState } from './example-state.ts';
import { type BooksFacts, paymentToRecord, recordInBooks } from './record-in-books.ts';

const facts: BooksFacts = {
  timeZone: 'America/New_York',
  installation: 'ab12cd',
  held: new Map(),
  customers: new Map([[7n, 'QB-7']]),
  otherBooks: new Set(['con_other']),
};
type Change = NonNullable<Parameters<typeof exampleState>[1]>;

function plan(change: Change = {}, more: Partial<BooksFacts> = {}, topic = 'payment.applied') {
  return paymentToRecord(exampleState(topic, change), 'con_books', { ...facts, ...more });
}

function recordOf(change: Change = {}): PaymentToRecord {
  const planned = plan(change);
  assert.ok('record' in planned);
  return planned.record;
}

function skipped(...given: Parameters<typeof plan>): boolean {
  const planned = plan(...given);
  return 'outcome' in planned && planned.outcome === 'skip';
}

describe('paymentToRecord', () => {
  test('marks the payment, names customer, day and invoices', () => {
    assert.deepEqual(recordOf({ payment: { succeededAt: '2026-11-04T02:00:00.000Z' } }), {
      paymentId: 'pay_12',
      mark: 'CV-ab12cd-pay_12',
      customerExternalId: 'QB-7',
      amountMinor: 107500n,
      currency: 'USD',
      receivedOn: '2026-11-03',
      method: 'card',
      memo: 'stripe ch_1',
      invoices: [{ externalId: '145', amountMinor: 107500n }],
    });
  });

  test('sums the allocations of one invoice and keeps the rest as credit', () => {
    const allocations = [exampleAllocation(500n), exampleAllocation(700n), exampleAllocation(0n)];
    const record = recordOf({ allocations });
    assert.deepEqual(record.invoices, [{ externalId: '145', amountMinor: 1200n }]);
    assert.equal(record.amountMinor, 107500n);
  });

  test('leaves out what pays the invoices of other books', () => {
    const elsewhere = exampleAllocation(7500n, { connectionId: 'con_other', externalId: 'x' });
    const record = recordOf({ allocations: [exampleAllocation(100000n), elsewhere] });
    assert.equal(record.amountMinor, 100000n);
    assert.deepEqual(record.invoices, [{ externalId: '145', amountMinor: 100000n }]);
  });

  test('skips what these books hold, brought or need not know', () => {
    assert.ok(skipped({}, { held: new Map([[12n, '991']]) }));
    assert.ok(skipped({ payment: { connectionId: 'con_books' } }));
    assert.ok(skipped({ payment: { mirrors: 3n } }));
    assert.ok(skipped({ payment: { voidedAt: '2026-11-05T00:00:00.000Z' } }));
    assert.ok(skipped({ payment: { receivedMinor: 0n } }));
    assert.ok(skipped({ payment: { refundedMinor: 107500n } }));
    assert.ok(skipped({ allocations: [] }));
    assert.ok(skipped({}, {}, 'refund.succeeded'));
  });

  test('asks a person when the books do not know the customer', () => {
    assert.equal('outcome' in plan({}, { customers: new Map() }) && 'park', 'park');
  });

  test('takes the invoice’s customer for a payment without one', () => {
    assert.equal(recordOf({ payment: { customerId: null } }).customerExternalId, 'QB-7');
  });
});

describe('recordInBooks', () => {
  const api: PortalApi = { request: () => Promise.reject(new Error('not used')) };

  async function record(answer: () => Promise<{ externalId: string }>) {
    const keys: string[] = [];
    const told: string[] = [];
    const portal = definePortal({
      id: 'books',
      name: 'Books',
      settings,
      tells: [],
      split: () => [],
      normalize: () => ({ ignored: 'nothing' }),
      books: {
        recordPayment: (_api, _payment, { idempotencyKey }) => {
          keys.push(idempotencyKey);
          return answer();
        },
      },
    });
    const result = await recordInBooks({ portal, api, settings: {} }, recordOf(), async (id) => {
      told.push(id);
    });
    return { result, keys, told };
  }

  test('tells the id under which it was recorded', async () => {
    const { result, keys, told } = await record(async () => ({ externalId: '991' }));
    assert.equal(result.outcome, 'done');
    assert.deepEqual([keys, told], [['CV-ab12cd-pay_12'], ['991']]);
  });

  test('maps what went wrong to what follows', async () => {
    const failing = async (error: Error) => (await record(() => Promise.reject(error))).result;
    const later = await failing(new RetryLater('busy', { afterMs: 9 }));
    assert.deepEqual(later, { outcome: 'retry', because: 'busy', afterMs: 9 });
    assert.equal((await failing(new Reauthorize('expired'))).outcome, 'retry');
    const rejected = await failing(new Rejected('no', { status: 400, body: 'closed period' }));
    assert.deepEqual(rejected, {
      outcome: 'park',
      because: 'no',
      status: 400,
      excerpt: 'closed period',
    });
    await assert.rejects(failing(new TypeError('a mistake of ours')), TypeError);
  });
});
