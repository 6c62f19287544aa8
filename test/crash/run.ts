/** The kill test: `node test/crash/run.ts --kills 50 --nodes 1|2 [--postgres] [--seed N]`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { killAndCheck } from './kills.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    nodes: { type: 'string', default: '1' },
    postgres: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
  },
});
const seed = Number(values.seed);
const kills = Number(values.kills);
if (!Number.isSafeInteger(kills) || !Number.isSafeInteger(seed)) {
  throw new Error('--kills and --seed are whole numbers');
}
if (values.nodes !== '1' && values.nodes !== '2') throw new Error('--nodes is 1 or 2');

console.log(`seed ${seed}`);
const began = performance.now();
const result = await killAndCheck({
  seed,
  kills,
  nodes: values.nodes === '2' ? 2 : 1,
  postgres: values.postgres,
  onKill: (number, what) => console.log(`kill ${number} of ${kills}: ${what}`),
});
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`${kills} kills in ${seconds} s, ${result.acknowledged} notices acknowledged`);
console.log({ payments: result.payments, ...result.sent });
for (const problem of result.problems.slice(0, 50)) console.log(problem);
console.log(
  result.problems.length === 0 ? 'nothing lost, nothing doubled' : `FAILED: seed ${seed}`,
);
if (result.problems.length > 0) process.exitCode = 1;
