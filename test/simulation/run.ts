/**
 * The seeded simulation: `node test/simulation/run.ts --seed N --runs M [--payments P] [--portals a,b]`.
 * The first failing seed does not end it; each is printed with what differs, and the exit code is 1.
 */
import { parseArgs } from 'node:util';
import { SIMULATORS } from '../../simulators/index.ts';
import { connectDatabase } from '../../src/db/database.ts';
import { testDatabase } from '../support/database.ts';
import { runSeed } from './run-seed.ts';

const PROGRESS_RUNS = 100;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    payments: { type: 'string', default: '16' },
    portals: { type: 'string', default: SIMULATORS.join(',') },
  },
});
const first = Number(values.seed);
const runs = Number(values.runs);
const wanted = values.portals.split(',');
const portals = SIMULATORS.filter((id) => wanted.includes(id));
if (
  !Number.isSafeInteger(first) ||
  !Number.isSafeInteger(runs) ||
  portals.length !== wanted.length
) {
  throw new Error(
    `--seed and --runs are whole numbers, --portals some of ${SIMULATORS.join(', ')}`,
  );
}

await using database = await testDatabase();
const db = connectDatabase(database.url, { poolSize: 6 });
const began = performance.now();
const sums = { payments: 0, documents: 0, entries: 0, delivered: 0, lost: 0, forged: 0 };
const failed: number[] = [];
for (let seed = first; seed < first + runs; seed += 1) {
  const problems = await tryRun(seed);
  const done = seed - first + 1;
  if (done % PROGRESS_RUNS === 0) console.log(`${done} runs, ${failed.length} failed so far`);
  if (problems.length === 0) continue;
  failed.push(seed);
  console.log(`seed ${seed}`);
  for (const problem of problems) console.log(`  ${problem}`);
}
await db.close();
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`${runs} runs from seed ${first} in ${seconds} s: ${failed.length} failed`);
console.log(sums);
if (failed.length > 0) {
  console.log(`failed seeds: ${failed.join(' ')}`);
  process.exitCode = 1;
}

async function tryRun(seed: number): Promise<readonly string[]> {
  try {
    const result = await runSeed(db, { seed, payments: Number(values.payments), portals });
    sums.payments += result.payments;
    sums.documents += result.documents;
    sums.entries += result.entries;
    sums.delivered += result.notices.delivered;
    sums.lost += result.notices.lost;
    sums.forged += result.notices.forged;
    return result.problems;
  } catch (error) {
    return [(error as Error).stack ?? String(error)];
  }
}
