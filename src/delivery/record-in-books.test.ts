import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryNotes } from '../../test/support/simulated-books.ts';
import { definePortal, type PaymentToRecord, type PortalApi } from '../portals/contract.ts';
import { Reauthorize, Rejected, RetryLater } from '../portals/kit/errors.ts';
import { settings } from '../portals/servicemobility/settings.ts';
import { exampleAllocation, exampleState } from './example-state.ts';
import {
  abandonInBooks,
  type BooksFacts,
  mayReverse,
  paymentToRecord,
  recordInBooks,
  recordToReverse,
  reverseInBooks,
} from './record-in-books.ts';

const notes = memoryNotes();
const facts: BooksFacts = {
  timeZone: 'America/New_York',
  installation: 'ab12cd',
  held: new Map(),
  recorded: new Set(),
  marked: new Map(),
  takenBack: new Set(),
  heardUntil: null,
  triedAt: new Map(),
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
      from: { portal: 'stripe', externalId: 'ch_1' },
      amountMinor: 107500n,
      currency: 'USD',
      receivedOn: '2026-11-03',
      method: 'card',
      memo: 'stripe ch_1',
      invoices: [{ externalId: '145', number: 'INV-9', amountMinor: 107500n }],
    });
  });

  test('sums the allocations of one invoice and keeps the rest as credit', () => {
    const allocations = [exampleAllocation(500n), exampleAllocation(700n), exampleAllocation(0n)];
    const record = recordOf({ allocations });
    assert.deepEqual(record.invoices, [{ externalId: '145', number: 'INV-9', amountMinor: 1200n }]);
    assert.equal(record.amountMinor, 107500n);
  });

  test('leaves out what pays the invoices of other books', () => {
    const elsewhere = exampleAllocation(7500n, { connectionId: 'con_other', externalId: 'x' });
    const record = recordOf({ allocations: [exampleAllocation(100000n), elsewhere] });
    assert.equal(record.amountMinor, 100000n);
    assert.deepEqual(record.invoices, [
      { externalId: '145', number: 'INV-9', amountMinor: 100000n },
    ]);
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

  test('comes to the end of its own recording that nobody confirmed', () => {
    const held = new Map([[12n, '991']]);
    const marked = held;
    assert.ok('record' in plan({}, { held, marked }));
    assert.ok(skipped({}, { held, marked, recorded: new Set([12n]) }), 'what is confirmed stays');
  });

  test('waits for news of an attempt that may have recorded money that is gone by now', () => {
    const gone = { payment: { refundedMinor: 107500n } };
    const afterSilence = (more: Partial<BooksFacts>) => {
      const state = exampleState('payment.applied', gone);
      const delivery = { ...state.delivery, attempts: 2, mayHaveArrived: true };
      const planned = paymentToRecord({ ...state, delivery }, 'con_books', { ...facts, ...more });
      assert.ok('outcome' in planned);
      return planned.outcome;
    };
    const [before, tried, after] = ['07:00', '08:00', '09:00'].map(
      (time) => new Date(`2026-11-05T${time}:00.000Z`),
    ) as [Date, Date, Date];
    const triedAt = new Map([[3n, tried]]);
    assert.equal(afterSilence({}), 'retry');
    assert.equal(afterSilence({ triedAt, heardUntil: before }), 'retry');
    assert.equal(afterSilence({ triedAt, heardUntil: after }), 'skip', 'no record was told of');
    const held = new Map([[12n, '991']]);
    assert.equal(afterSilence({ held, marked: held }), 'skip', 'the reversal finds it');
  });

  test('asks a person to enter anew what was taken back when its money is here again', () => {
    const takenBack = new Set([12n]);
    const held = new Map([[12n, '991']]);
    const again = plan({}, { held, marked: held, recorded: new Set([12n]), takenBack });
    assert.deepEqual(again, {
      outcome: 'park',
      because: '991 was taken back there, and its money is here again: enter it there',
    });
    const gone = { payment: { refundedMinor: 107500n } };
    assert.ok(skipped(gone, { held, marked: held, recorded: new Set([12n]), takenBack }));
  });

  test('asks a person when the books do not know the customer', () => {
    assert.equal('outcome' in plan({}, { customers: new Map() }) && 'park', 'park');
  });

  test('takes the invoice’s customer for a payment without one', () => {
    assert.equal(recordOf({ payment: { customerId: null } }).customerExternalId, 'QB-7');
  });
});

describe('taking back what was recorded', () => {
  const reversal = (change: Change, more: Partial<BooksFacts> = {}, topic = 'refund.succeeded') => {
    const state = exampleState(topic, change);
    const held = new Map([[12n, '991']]);
    return recordToReverse(state, { ...facts, held, recorded: new Set([12n]), ...more });
  };
  const voided = { payment: { voidedAt: '2026-11-05T00:00:00.000Z', receivedMinor: 0n } };

  test('only when nothing of the money is left, and only what we recorded', () => {
    const record = { externalId: '991', mark: 'CV-ab12cd-pay_12' };
    assert.deepEqual(reversal(voided), record);
    assert.deepEqual(reversal({ payment: { refundedMinor: 107500n } }), record);
    assert.deepEqual(reversal({ payment: { refundedMinor: 7500n, lostMinor: 100000n } }), record);
    const part = reversal({ payment: { refundedMinor: 7500n } });
    assert.equal('outcome' in part && part.outcome, 'skip');
    const copied = reversal(voided, { recorded: new Set() });
    assert.equal('outcome' in copied && copied.outcome, 'skip');
    const marked = new Map([[12n, '993']]);
    const unconfirmed = reversal(voided, { recorded: new Set(), marked });
    assert.deepEqual(unconfirmed, { ...record, externalId: '993' }, 'ours, not what others hold');
  });

  test('waits for its own record to be known', () => {
    const early = reversal(voided, { held: new Map() });
    assert.equal('outcome' in early && early.outcome, 'retry');
  });

  test('on what takes money back, and nothing else', () => {
    const on = (topic: string) => mayReverse(exampleState(topic, {}));
    assert.ok(['payment.failed', 'payment.voided', 'refund.succeeded', 'dispute.lost'].every(on));
    assert.ok(!['payment.applied', 'dispute.opened', 'refund.failed'].some(on));
  });

  test('by the books’ own way, else by a person', async () => {
    const api: PortalApi = { request: () => Promise.reject(new Error('not used')) };
    const asked: unknown[] = [];
    const portal = (reversible: boolean) =>
      definePortal({
        id: 'books',
        name: 'Books',
        settings,
        tells: [],
        split: () => [],
        normalize: () => ({ ignored: 'nothing' }),
        books: {
          recordPayment: async () => ({ externalId: '991' }),
          ...(reversible
            ? { reversePayment: async (...given: unknown[]) => void asked.push(given.slice(1)) }
            : {}),
        },
      });
    const record = { externalId: '991', mark: 'CV-ab12cd-pay_12' };
    const done = await reverseInBooks({ portal: portal(true), api, settings: {}, notes }, record);
    assert.equal(done.outcome, 'done');
    const idempotencyKey = 'CV-ab12cd-pay_12-reversed';
    assert.deepEqual(asked, [[record, { settings: {}, idempotencyKey, notes }]]);
    const parked = await reverseInBooks(
      { portal: portal(false), api, settings: {}, notes },
      record,
    );
    assert.equal(parked.outcome, 'park');
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
    const result = await recordInBooks(
      { portal, api, settings: {}, notes },
      recordOf(),
      async (id) => {
        told.push(id);
      },
    );
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
    const ours = await failing(new RetryLater('not yet', { ourSide: true }));
    assert.deepEqual(ours, {
      outcome: 'retry',
      because: 'not yet',
      afterMs: undefined,
      ourSide: true,
    });
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

describe('abandonInBooks', () => {
  const api: PortalApi = { request: () => Promise.reject(new Error('not used')) };
  const skip = { outcome: 'skip', because: 'its money was taken back' } as const;

  async function abandon(
    found: { externalId: string } | undefined,
    given: { readonly mayHaveArrived: boolean; readonly able?: false },
  ) {
    const told: string[] = [];
    let asked = 0;
    const portal = definePortal({
      id: 'books',
      name: 'Books',
      settings,
      tells: [],
      split: () => [],
      normalize: () => ({ ignored: 'nothing' }),
      books: {
        recordPayment: async () => ({ externalId: '991' }),
        ...(given.able === false
          ? {}
          : {
              abandonRecording: async () => {
                asked += 1;
                return found;
              },
            }),
      },
    });
    const { outcome } = await abandonInBooks(
      { portal, api, settings: {}, notes },
      { paymentId: 'pay_12', mark: 'CV-ab12cd-pay_12' },
      { skip, ...given, recorded: async (id) => void told.push(id) },
    );
    return { outcome, asked, told };
  }

  test('knows as recorded what had arrived, and skips what had not', async () => {
    const mayHaveArrived = true;
    const had = await abandon({ externalId: '991' }, { mayHaveArrived });
    assert.deepEqual(had, { outcome: 'done', asked: 1, told: ['991'] });
    const not = await abandon(undefined, { mayHaveArrived });
    assert.deepEqual(not, { outcome: 'skip', asked: 1, told: [] });
  });

  test('asks nothing where nothing was tried, or nobody can tell', async () => {
    const untried = await abandon({ externalId: '991' }, { mayHaveArrived: false });
    assert.deepEqual(untried, { outcome: 'skip', asked: 0, told: [] });
    const unable = await abandon(undefined, { mayHaveArrived: true, able: false });
    assert.equal(unable.outcome, 'skip');
  });
});
