import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  baseStatus,
  earliest,
  foldMarks,
  latest,
  NO_MARKS,
  type PaymentEventType,
  type PaymentMarks,
} from './fold.ts';

type Seen = { readonly type: PaymentEventType; readonly occurredAt: string };

const TYPES = [
  'payment.pending',
  'payment.authorized',
  'payment.succeeded',
  'payment.failed',
  'payment.voided',
  'payment.referenced',
] as const;

/** Few instants, so that events of the same second and millisecond are common. */
const at = (second: number) => `2026-11-21T08:00:${String(second).padStart(2, '0')}.000Z`;

const event: fc.Arbitrary<Seen> = fc.record({
  type: fc.constantFrom(...TYPES),
  occurredAt: fc.integer({ min: 0, max: 4 }).map(at),
});

function fold(events: readonly Seen[]): PaymentMarks {
  return events.reduce(foldMarks, NO_MARKS);
}

/** `succeeded@1 failed@2` as events. */
function story(text: string): readonly Seen[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [type, second] = word.split('@');
      return { type: `payment.${type}` as PaymentEventType, occurredAt: at(Number(second)) };
    });
}

describe('the fold is a join', () => {
  test('no order and no repetition of events changes marks or status', () => {
    const shuffled = fc.array(event, { maxLength: 12 }).chain((events) =>
      fc.record({
        events: fc.constant(events),
        again: fc.shuffledSubarray(events),
        order: fc.shuffledSubarray(events, { minLength: events.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ events, again, order }) => {
        const expected = fold(events);
        for (const other of [
          [...order, ...again],
          [...again, ...order],
        ]) {
          assert.deepEqual(fold(other), expected);
          assert.equal(baseStatus(fold(other)), baseStatus(expected));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('marks only move forward, but the first success only back', () => {
    fc.assert(
      fc.property(fc.array(event), event, (events, more) => {
        const before = fold(events);
        const after = foldMarks(before, more);
        for (const mark of Object.keys(NO_MARKS) as (keyof PaymentMarks)[]) {
          const [was, is] = [before[mark], after[mark]];
          if (was === null) continue;
          assert.ok(is !== null && (mark === 'succeededAt' ? is <= was : is >= was), mark);
        }
      }),
    );
  });

  test('a reference says nothing about the state', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const told = events.filter(({ type }) => type !== 'payment.referenced');
        assert.deepEqual(fold(events), fold(told));
      }),
    );
  });
});

describe('status', () => {
  const TABLE = [
    ['', 'pending'],
    ['pending@1', 'pending'],
    ['authorized@1', 'authorized'],
    ['authorized@1 pending@2', 'authorized'],
    ['succeeded@1', 'succeeded'],
    ['succeeded@1 pending@2', 'succeeded'],
    ['succeeded@1 authorized@2', 'succeeded'],
    ['failed@1', 'failed'],
    ['pending@1 failed@1', 'failed'],
    ['authorized@1 failed@1', 'failed'],
    // Success outranks a failure before it or in the same second …
    ['failed@1 succeeded@2', 'succeeded'],
    ['failed@1 succeeded@1', 'succeeded'],
    // … only a strictly later failure takes the money back (a returned debit) …
    ['succeeded@1 failed@2', 'failed'],
    // … until it succeeds again.
    ['succeeded@1 failed@2 succeeded@3', 'succeeded'],
    ['succeeded@1 failed@2 pending@3', 'failed'],
    // A new attempt after a failure is alive again.
    ['failed@1 pending@2', 'pending'],
    ['failed@1 authorized@2', 'authorized'],
    ['authorized@1 failed@2 pending@3', 'pending'],
    ['authorized@1 failed@2 authorized@3', 'authorized'],
    // A void is final.
    ['voided@1', 'voided'],
    ['voided@1 succeeded@2', 'voided'],
    ['succeeded@1 voided@2', 'voided'],
    ['voided@1 failed@2 pending@3', 'voided'],
    ['referenced@1', 'pending'],
  ] as const;
  for (const [events, status] of TABLE) {
    test(`${events || 'nothing seen'} is ${status}`, () => {
      assert.equal(baseStatus(fold(story(events))), status);
    });
  }

  test('is an ordering of what was seen, computed without marks', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        assert.equal(baseStatus(fold(events)), statusByReading(events));
      }),
      { numRuns: 2000 },
    );
  });
});

/** The same rules told over the list of events instead of marks. */
function statusByReading(events: readonly Seen[]): string {
  const of = (type: PaymentEventType) => events.filter((one) => one.type === type);
  const failures = of('payment.failed');
  const outlives = (one: Seen) => failures.every((failed) => one.occurredAt > failed.occurredAt);
  if (of('payment.voided').length > 0) return 'voided';
  const successes = of('payment.succeeded');
  if (successes.length > 0) {
    const stands = successes.some((success) =>
      failures.every((failed) => success.occurredAt >= failed.occurredAt),
    );
    return stands ? 'succeeded' : 'failed';
  }
  if (of('payment.authorized').some(outlives)) return 'authorized';
  return failures.length === 0 || of('payment.pending').some(outlives) ? 'pending' : 'failed';
}

test('the later and the earlier of two instants, absent ones aside', () => {
  assert.equal(latest(at(1), at(2)), at(2));
  assert.equal(earliest(at(1), at(2)), at(1));
  for (const choose of [latest, earliest]) {
    assert.equal(choose(null, at(1)), at(1));
    assert.equal(choose(at(1), null), at(1));
    assert.equal(choose(null, null), null);
  }
});
