import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { baseStatus, foldMarks, NO_MARKS, type PaymentEventType } from './fold.ts';
import { amountOfPart, feeOfParts, foldPart, type PaymentParts, takenOf } from './parts.ts';

type Told = {
  readonly type: PaymentEventType;
  readonly occurredAt: string;
  readonly part?: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint | null;
};

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 2, 8, minute)).toISOString();
const told = (type: Told['type'], minute: number, more: Partial<Told> = {}): Told => {
  return { type, occurredAt: at(minute), amountMinor: 0n, feeMinor: null, ...more };
};
const taken = (part: string, amountMinor: bigint, minute = 10): Told =>
  told('payment.succeeded', minute, { part, amountMinor });
const failed = (part: string, minute = 20): Told => told('payment.failed', minute, { part });

function fold(events: readonly Told[]) {
  let parts: PaymentParts | null = null;
  for (const event of events) {
    if (event.part !== undefined) parts = foldPart(parts, { ...event, part: event.part });
  }
  return { ...events.reduce(foldMarks, NO_MARKS), parts };
}

describe('parts of a payment', () => {
  it('add up, each once', () => {
    const { parts } = fold([taken('a', 60n), taken('b', 40n), taken('a', 60n)]);
    assert.equal(takenOf(parts), 100n);
    assert.equal(amountOfPart(parts, 'a'), 60n);
    assert.equal(amountOfPart(parts, 'c'), null);
    assert.equal(amountOfPart(parts, 'constructor'), null);
    assert.equal(takenOf(null), null);
  });

  it('that fail leave the others', () => {
    const all = [told('payment.authorized', 1), taken('a', 60n), taken('b', 40n), failed('b')];
    assert.equal(takenOf(fold(all).parts), 60n);
    assert.equal(baseStatus(fold(all)), 'succeeded');
    assert.equal(baseStatus(fold([...all, failed('a')])), 'failed');
    assert.equal(takenOf(fold([...all, failed('a')]).parts), 0n);
  });

  it('outlive the void of the rest', () => {
    const expired = [told('payment.authorized', 1), taken('a', 60n), told('payment.voided', 30)];
    assert.equal(baseStatus(fold(expired)), 'succeeded');
    assert.equal(baseStatus(fold([...expired, failed('a', 40)])), 'voided');
    assert.equal(
      baseStatus(fold([told('payment.authorized', 1), told('payment.voided', 3)])),
      'voided',
    );
  });

  it('that were refused end an authorization only while nothing was taken', () => {
    const refused = [told('payment.authorized', 1), failed('a', 5)];
    assert.equal(baseStatus(fold(refused)), 'failed');
    assert.equal(baseStatus(fold([...refused, taken('b', 60n, 3)])), 'succeeded');
  });

  it('may fail without a word of their success', () => {
    const automatic = [told('payment.succeeded', 1, { amountMinor: 100n }), failed('a', 5)];
    assert.equal(baseStatus(fold(automatic)), 'failed');
  });

  it('share the fee', () => {
    const fee = (part: string, feeMinor: bigint) =>
      told('payment.referenced', 50, { part, feeMinor });
    const { parts } = fold([taken('a', 60n), fee('x', 24n), fee('y', -4n), fee('x', 24n)]);
    assert.equal(feeOfParts(parts), 20n);
    assert.equal(takenOf(parts), 60n);
    assert.equal(feeOfParts(fold([taken('a', 60n)]).parts), null);
    assert.equal(takenOf(fold([fee('x', 24n)]).parts), null);
  });

  it('come to the same in any order, however often', () => {
    const amounts: Readonly<Record<string, bigint>> = { a: 60n, b: 40n, c: 7n };
    const event = fc.oneof(
      fc.constantFrom('a', 'b', 'c').map((part) => taken(part, amounts[part] as bigint)),
      fc.constantFrom('a', 'b', 'c').map((part) => failed(part)),
      fc
        .constantFrom('a', 'b')
        .map((part) => told('payment.referenced', 1, { part, feeMinor: 5n })),
      fc.constantFrom(told('payment.authorized', 1), told('payment.voided', 30)),
    );
    const stories = fc
      .array(event, { minLength: 1, maxLength: 8 })
      .chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 }),
        ),
      );
    fc.assert(
      fc.property(stories, ([events, again]) => {
        assert.deepEqual(fold(again).parts ?? {}, fold(events).parts ?? {});
        assert.equal(baseStatus(fold(again)), baseStatus(fold(events)));
      }),
    );
  });
});
