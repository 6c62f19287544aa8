import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { backfill } from './backfill.ts';

const seed = randomInt(1_000_000);

test(`a history is read to its end through refusals and a kill (seed ${seed})`, async () => {
  const result = await backfill({ seed, payments: 2_000, kills: 1, faultRate: 0.1 });
  assert.deepEqual(result.problems, []);
  assert.ok(result.calls >= result.leastCalls);
});
