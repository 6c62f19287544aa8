import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { killAndCheck } from './kills.ts';

const seed = randomInt(1_000_000);

test(`three kills under load lose nothing and double nothing (seed ${seed})`, async () => {
  const result = await killAndCheck({ seed, kills: 3, nodes: 1, postgres: true });
  assert.deepEqual(result.problems, []);
  assert.ok(result.acknowledged > 0, 'the load reached the server');
});
