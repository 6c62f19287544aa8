import assert from 'node:assert/strict';
import test from 'node:test';
import { latencyOf, medianBy } from './statistics.ts';

test('percentiles are samples that were measured, by nearest rank', () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.deepEqual(latencyOf(samples), { count: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 });
  assert.deepEqual(latencyOf([7]), { count: 1, p50Ms: 7, p99Ms: 7, maxMs: 7 });
});

test('the median run is one of the runs', () => {
  const runs = [{ perSecond: 30 }, { perSecond: 10 }, { perSecond: 20 }];
  assert.equal(
    medianBy(runs, ({ perSecond }) => perSecond),
    runs[2],
  );
  assert.throws(() => medianBy([], Number), /no runs/);
});
