/**
 * An independent oracle: the simulated books as a plain journal, added up by hledger. Needs hledger on the machine
 * (Debian: apt-get install hledger). `node test/oracle/run.ts [--seed N] [--runs M]`.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { parse } from 'csv-parse/sync';
import { SIMULATORS } from '../../simulators/index.ts';
import { formatEntry, journal } from '../../src/cli/export.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import { toDecimalText } from '../../src/money/money.ts';
import { runSeed } from '../simulation/run-seed.ts';
import { testDatabase } from '../support/database.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '5' } },
});

if (spawnSync('hledger', ['--version']).status !== 0) {
  console.error('hledger is not installed; on Debian: apt-get install hledger');
  process.exit(2);
}

await using database = await testDatabase();
const db = connectDatabase(database.url, { poolSize: 6 });
let passed = 0;
let failed = 0;
for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.runs); seed += 1) {
  const before = await organizations(db);
  await runSeed(db, { seed, payments: 24, portals: SIMULATORS });
  for (const organizationId of (await organizations(db)).filter((id) => !before.includes(id))) {
    const differences = await compare(organizationId);
    if (differences.length === 0) passed += 1;
    else failed += 1;
    for (const line of differences) console.log(`seed ${seed}: ${line}`);
  }
}
await db.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function organizations(tx: Database): Promise<readonly number[]> {
  const rows = await tx.query<{ id: number }>(
    sql`select organization_id as id from organizations order by 1`,
  );
  return rows.map((row) => row.id);
}

/** Every account and currency by hledger against ours, and the journal against hledger's strict reading. */
async function compare(organizationId: number): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const entry of journal(db, organizationId)) lines.push(formatEntry('hledger', entry));
  if (lines.length === 0) return ['the journal is empty: there is nothing to compare'];
  const text = lines.join('\n');
  const checked = hledger(['check', 'balancednoautoconversion'], text);
  if (checked.status !== 0) return [`hledger refuses the journal: ${checked.stderr}`];
  const theirs = new Map<string, string>();
  const answer = hledger(
    ['balance', '--flat', '--empty', '--no-total', '--layout=bare', '-O', 'csv'],
    text,
  );
  for (const [account, commodity, amount] of parse(answer.stdout, { from: 2 }) as string[][]) {
    if (Number(amount) !== 0) theirs.set(`${account} ${commodity}`, amount as string);
  }
  const ours = new Map<string, string>();
  const rows = await db.query<{ account: string; currency: string; minor: bigint }>(
    sql`select account, currency, debit_minor - credit_minor as minor from account_balances
        where organization_id = ${organizationId} and debit_minor <> credit_minor`,
  );
  for (const { account, currency, minor } of rows) {
    ours.set(`${account} ${currency}`, toDecimalText({ minor, currency }));
  }
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((key) => ours.get(key) !== theirs.get(key))
    .map((key) => `${key}: ours ${ours.get(key) ?? '0'}, hledger ${theirs.get(key) ?? '0'}`);
}

function hledger(command: readonly string[], text: string) {
  return spawnSync('hledger', ['-f', '-', ...command], { input: text, encoding: 'utf8' });
}
