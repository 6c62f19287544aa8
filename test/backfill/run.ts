/** A long history, read through refusals and kills: `node test/backfill/run.ts [--payments N] [--kills K] [--seed S]`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { backfill } from './backfill.ts';

const { values } = parseArgs({
  options: {
    payments: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '5' },
    faults: { type: 'string', default: '0.15' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
  },
});
const [seed, payments, kills] = [values.seed, values.payments, values.kills].map(Number) as [
  number,
  number,
  number,
];
console.log(`seed ${seed}`);
const result = await backfill({
  seed,
  payments,
  kills,
  faultRate: Number(values.faults),
  tell: console.log,
});
console.log(
  `${payments} payments read in ${result.seconds} s with ${result.calls} calls; ` +
    `the least without faults is ${result.leastCalls}`,
);
for (const problem of result.problems) console.log(problem);
console.log(
  result.problems.length === 0 ? 'nothing lost, nothing doubled' : `FAILED: seed ${seed}`,
);
if (result.problems.length > 0) process.exitCode = 1;
