import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from '../../simulators/random.ts';
import { portals } from '../../src/portals/index.ts';
import { liveThrough } from './life.ts';
import { SYSTEMS } from './systems.ts';

const seed = randomInt(1, 900_000);
/** Two, others each time; `npm run test:life` tells of all of them. */
const some = seededRandom(seed).shuffle(SYSTEMS).slice(0, 2);

test(`payments live through the deaths of the server in ${some.join(' and ')} (seed ${seed})`, async () => {
  assert.deepEqual(await liveThrough({ seed, systems: some }), []);
});

test('there is a story of every portal that can hold our records', () => {
  const told: readonly string[] = SYSTEMS;
  const missing = portals.filter(({ id, books }) => books && !told.includes(id));
  assert.deepEqual(missing, []);
});
