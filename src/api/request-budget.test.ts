import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestBudget } from './request-budget.ts';

function budgetAt(perSecond: number) {
  let nowMs = Date.parse('2026-11-21T08:00:00Z');
  const budget = requestBudget({ perSecond, now: () => new Date(nowMs) });
  return { budget, pass: (ms: number) => (nowMs += ms) };
}

function takeAll(take: () => boolean): number {
  let taken = 0;
  while (take()) taken += 1;
  return taken;
}

test('a burst of two seconds passes, then the rate', () => {
  const { budget, pass } = budgetAt(10);
  assert.equal(
    takeAll(() => budget.take('a')),
    20,
  );
  assert.ok(budget.isSpent('a'));
  pass(500);
  assert.equal(
    takeAll(() => budget.take('a')),
    5,
  );
  pass(3_600_000);
  assert.equal(
    takeAll(() => budget.take('a')),
    20,
  );
});

test('each key has a budget of its own, and looking costs nothing', () => {
  const { budget } = budgetAt(1);
  takeAll(() => budget.take('a'));
  for (let look = 0; look < 100; look += 1) assert.ok(!budget.isSpent('b'));
  assert.equal(
    takeAll(() => budget.take('b')),
    2,
  );
});

test('a clock that goes back takes nothing away and gives nothing', () => {
  const { budget, pass } = budgetAt(1);
  takeAll(() => budget.take('a'));
  pass(-60_000);
  assert.ok(!budget.take('a'));
  pass(1000);
  assert.ok(budget.take('a'));
});

test('never more than the burst and the rate, however requests come', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), gaps, (perSecond, waits) => {
      const { budget, pass } = budgetAt(perSecond);
      let taken = 0;
      let passedMs = 0;
      for (const wait of waits) {
        pass(wait);
        passedMs += wait;
        if (budget.take('a')) taken += 1;
      }
      assert.ok(taken <= perSecond * 2 + (passedMs / 1000) * perSecond + 1e-6);
    }),
  );
});

test('many keys do not fill the memory, and a known key outlives none of them for ever', () => {
  const { budget } = budgetAt(1);
  for (let key = 0; key < 25_000; key += 1) assert.ok(budget.take(`key ${key}`));
});
