/** The life of payments in every accounting system: `node test/life/run.ts [--portals a,b] [--seed N]`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { liveThrough } from './life.ts';
import { SYSTEMS } from './systems.ts';

const { values } = parseArgs({
  options: {
    portals: { type: 'string', default: SYSTEMS.join(',') },
    seed: { type: 'string', default: String(randomInt(1, 900_000)) },
  },
});
const wanted = values.portals.split(',');
const unknown = wanted.filter((id) => !SYSTEMS.some((known) => known === id));
if (unknown.length > 0) {
  throw new Error(`${unknown.join(', ')}: not among ${SYSTEMS.join(', ')}`);
}
const seed = Number(values.seed);
if (!Number.isSafeInteger(seed) || seed < 1) throw new Error('--seed is a whole number from 1 on');

console.log(`seed ${seed}`);
const began = performance.now();
const seconds = () => ((performance.now() - began) / 1000).toFixed(1).padStart(6);
const problems = await liveThrough({
  seed,
  systems: SYSTEMS.filter((id) => wanted.includes(id)),
  tell: (line) => console.log(`${seconds()} s  ${line}`),
});
for (const problem of problems) console.log(problem);
console.log(
  problems.length === 0
    ? `${seconds().trim()} s: each payment was recorded once, and what went back was taken back`
    : `FAILED: seed ${seed}`,
);
if (problems.length > 0) process.exitCode = 1;
