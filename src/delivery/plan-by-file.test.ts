import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { definePortal, type FileEntry, type ImportFile } from '../portals/contract.ts';
import { findPortal, portals } from '../portals/index.ts';
import { Rejected } from '../portals/kit/errors.ts';
import { exampleRefund, exampleState } from './example-state.ts';
import {
  type FilingFacts,
  goesByFile,
  type PlanContext,
  planByFile,
  type Written,
} from './plan-by-file.ts';
import type { BooksFacts } from './record-in-books.ts';

const NOW = new Date('2026-11-06T08:00:00.000Z');
const facts: BooksFacts = {
  timeZone: 'America/New_York',
  installation: 'ab12cd',
  held: new Map(),
  recorded: new Set(),
  marked: new Map(),
  takenBack: new Set(),
  heardUntil: null,
  triedAt: new Map(),
  customers: new Map([[7n, 'NORTHF']]),
  otherBooks: new Set(),
};
const filing: FilingFacts = {
  payments: new Map(),
  reversals: new Map(),
  shown: new Map(),
  takenBack: new Set(),
};

const sage = findPortal('sage-50');
assert.ok(sage);
const booksWith = (importFile: () => ImportFile) =>
  definePortal({
    ...sage,
    books: {
      recordPayment: () => Promise.reject(new Error('no program records here')),
      importFile,
    },
  });
const portal = booksWith(() => ({ extension: 'csv', body: Buffer.from('') }));

type Change = NonNullable<Parameters<typeof exampleState>[1]>;

function plan(
  topic: string,
  given: {
    readonly change?: Change;
    readonly facts?: Partial<BooksFacts>;
    readonly filing?: Partial<FilingFacts>;
    readonly context?: Partial<PlanContext>;
  } = {},
) {
  return planByFile(exampleState(topic, given.change ?? {}), {
    portal,
    settings: {},
    connectionId: 'con_books',
    facts: { ...facts, ...given.facts },
    filing: { ...filing, ...given.filing },
    now: NOW,
    ...given.context,
  });
}

function entryOf(planned: ReturnType<typeof plan>): FileEntry {
  assert.ok(
    'entry' in planned,
    JSON.stringify(planned, (_, one) => String(one)),
  );
  return planned.entry;
}
const outcomeOf = (planned: ReturnType<typeof plan>) =>
  'outcome' in planned ? planned.outcome : Object.keys(planned)[0];

const paid = entryOf(plan('payment.applied')).payment;
const written = (at: string): ReadonlyMap<bigint, Written> =>
  new Map([[12n, { file: '2026-11-05-1-0a1b2c3d.csv', at: new Date(at), record: paid }]]);
const gone: Change = { payment: { refundedMinor: 107500n } };

describe('a payment', () => {
  test('is written, then waited for an hour at a time, then asked about', () => {
    assert.equal(paid.mark, 'CV-ab12cd-pay_12');
    const after = (at: string) => plan('payment.applied', { filing: { payments: written(at) } });
    assert.deepEqual(after('2026-11-06T07:00:00Z'), {
      outcome: 'wait',
      because: 'written into 2026-11-05-1-0a1b2c3d.csv, which nobody has imported yet',
      until: new Date('2026-11-06T09:00:00.000Z'),
    });
    const last = after('2026-11-03T08:30:00Z');
    assert.ok('until' in last);
    assert.deepEqual(last.until, new Date('2026-11-06T08:30:00.000Z'));
    assert.equal(outcomeOf(after('2026-11-03T08:00:00Z')), 'park');
  });

  test('that these books show by its mark is imported, be it known as written or not', () => {
    const marked = new Map([[12n, 'D:99']]);
    for (const payments of [written('2026-11-06T07:00:00Z'), new Map<bigint, Written>()]) {
      const planned = plan('payment.applied', { facts: { marked }, filing: { payments } });
      assert.deepEqual(planned, { imported: 'D:99' });
    }
    const known = { marked, held: marked, recorded: new Set([12n]) };
    assert.equal(outcomeOf(plan('payment.applied', { facts: known })), 'skip');
  });

  test('that was imported otherwise than it was written is a person’s', () => {
    const marked = new Map([[12n, 'D:99']]);
    const payments = written('2026-11-06T07:00:00Z');
    const showing = (minor: bigint, currency = 'USD') =>
      plan('payment.applied', {
        facts: { marked },
        filing: { payments, shown: new Map([[12n, { minor, currency }]]) },
      });
    assert.deepEqual(showing(107_500n), { imported: 'D:99' });
    assert.deepEqual(showing(107_400n), {
      outcome: 'park',
      because:
        'these books hold D:99 as 1074.00 USD, and 2026-11-05-1-0a1b2c3d.csv says 1075.00 USD: correct it there',
    });
    assert.equal(outcomeOf(showing(107_500n, 'EUR')), 'park');
  });

  test('that stands there without a mark is held: it is not waited for', () => {
    const held = new Map([[12n, 'D:99']]);
    const payments = written('2026-11-06T07:00:00Z');
    const planned = plan('payment.applied', { facts: { held }, filing: { payments } });
    assert.equal(outcomeOf(planned), 'skip');
  });

  test('whose money went is still waited for when it was written, and not written otherwise', () => {
    const payments = written('2026-11-06T07:00:00Z');
    assert.equal(
      outcomeOf(plan('payment.applied', { change: gone, filing: { payments } })),
      'wait',
    );
    assert.equal(outcomeOf(plan('payment.applied', { change: gone })), 'skip');
  });

  test('that a file cannot say is a person’s', () => {
    const refusing = booksWith(() => {
      throw new Rejected('it is in EUR: enter it by hand', { status: 422, body: '' });
    });
    assert.deepEqual(plan('payment.applied', { context: { portal: refusing } }), {
      outcome: 'park',
      because: 'it is in EUR: enter it by hand',
    });
  });

  test('is not the concern of other topics', () => {
    const payments = written('2026-11-06T07:00:00Z');
    assert.equal(outcomeOf(plan('payment.pending', { filing: { payments } })), 'skip');
  });
});

describe('a reversal', () => {
  const marked = new Map([[12n, 'D:99']]);
  const payments = written('2026-11-05T07:00:00Z');
  const imported = { change: gone, facts: { marked, recorded: new Set([12n]) } };

  test('says what the payment’s file said, on the firm’s day on which the money went', () => {
    const change = { ...gone, refund: exampleRefund({ succeededAt: '2026-11-06T03:00:00.000Z' }) };
    const planned = plan('refund.succeeded', { ...imported, change, filing: { payments } });
    assert.deepEqual(entryOf(planned), { entry: 'reversal', payment: paid, on: '2026-11-05' });
  });

  test('is waited for, and done when these books show it', () => {
    const reversals = written('2026-11-06T07:30:00Z');
    const both = { payments, reversals };
    assert.equal(outcomeOf(plan('refund.succeeded', { ...imported, filing: both })), 'wait');
    const shown = { ...both, takenBack: new Set([12n]) };
    assert.equal(outcomeOf(plan('refund.succeeded', { ...imported, filing: shown })), 'done');
  });

  test('of what no file entered is a person’s', () => {
    const planned = plan('refund.succeeded', imported);
    assert.equal(outcomeOf(planned), 'park');
    assert.match('because' in planned ? planned.because : '', /no import file entered D:99/);
  });

  test('of what was not recorded, or only in part, is none', () => {
    assert.equal(outcomeOf(plan('refund.succeeded', { change: gone })), 'skip');
    const part = { ...imported, change: {}, filing: { payments } };
    assert.equal(outcomeOf(plan('refund.succeeded', part)), 'skip');
  });
});

test('the settings of Sage 50 say whether it goes by file, and nothing else does', () => {
  const by = (settings: object) => goesByFile(sage, sage.settings.parse(settings));
  const least = { dataset: 'D', baseCurrency: 'GBP' };
  const bridge = { apiBaseUrl: 'http://sage-pc', apiKey: 'k', authToken: 't' };
  assert.ok(by({ ...least, bankNominal: '1200' }));
  assert.ok(by(least), 'what cannot be said yet goes by file as well');
  assert.ok(by({ ...least, ...bridge, bridge: 'hyperaccounts' }));
  assert.ok(!by({ ...least, ...bridge, bridge: 'own' }));
  assert.ok(!by({ ...least, ...bridge, bridge: 'oss' }));
  const others = portals.filter(({ id }) => id !== 'sage-50');
  assert.ok(others.every((other) => !goesByFile(other, {})));
});
