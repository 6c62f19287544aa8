/**
 * Measures the running product from HTTP request to posted and released, beside its peer:
 * `npm run bench -- [--short] [--seconds 10] [--stored 1000000] [--data DIR] [--profile DIR]`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureConsoleBuilt } from '../src/api/console-build.ts';
import { startEmbeddedPostgres } from '../src/db/embedded-server.ts';
import { buildFlushDelay, type StartedDatabase, startWithFlushDelay } from './flush-delay.ts';
import { describeMachine, type Machine } from './machine.ts';
import { fullPlan, measureBooks, measurePeer, SHORT_PLAN } from './measure.ts';
import { type Results, type Setting, toMarkdown } from './report.ts';

const FLUSH_US = 4000;
const STORED = 1_000_000;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    /** Of each saturated measurement; less than 10 is for a first look. */
    seconds: { type: 'string', default: '10' },
    /** Payments in the books before; 0 leaves that measurement out. */
    stored: { type: 'string' },
    data: { type: 'string', default: '/var/tmp/checkvalve-bench' },
    /** Where the server under measurement writes a CPU profile. */
    profile: { type: 'string' },
  },
});
const plan = values.short ? SHORT_PLAN : fullPlan(Number(values.seconds));
const stored = Number(values.stored ?? (values.short ? 0 : STORED));
const dataDirectory = values.data;
const nodeOptions = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [];
const quiet = { info: () => {}, warn: () => {} };
const loadBefore = loadavg()[0] ?? 0;
const say = (line: string) => process.stdout.write(`${line}\n`);

async function measure(
  database: StartedDatabase,
  name: string,
  options: { readonly stored: number; readonly withPeer: boolean },
): Promise<Setting> {
  say(name);
  const place = { serverUrl: database.databaseUrl, dataDirectory };
  const ours = await measureBooks(place, plan, { stored: options.stored, nodeOptions }, say);
  const peer = options.withPeer ? await measurePeer(place, plan) : [];
  return { name, ours, peer };
}

async function measureProduct(settings: Setting[]): Promise<Machine> {
  const database = await startEmbeddedPostgres({ dataDirectory, log: quiet });
  try {
    const name = 'Empty books, the disk as it is';
    settings.push(await measure(database, name, { stored: 0, withPeer: true }));
    if (stored > 0) {
      const filled = `${stored.toLocaleString('en')} payments stored before`;
      settings.push(await measure(database, filled, { stored, withPeer: false }));
    }
    return await describeMachine(database.databaseUrl, loadBefore);
  } finally {
    await database.stop();
  }
}

async function measureSlowDisk(settings: Setting[]): Promise<void> {
  const shim = await buildFlushDelay(dataDirectory);
  if (!shim) {
    say('Left out: flushes of 4 ms need gcc to build bench/flush-delay.c.');
    return;
  }
  const database = await startWithFlushDelay(dataDirectory, { shim, flushUs: FLUSH_US });
  try {
    const name = 'Empty books, every flush 4 ms longer';
    settings.push(await measure(database, name, { stored: 0, withPeer: true }));
  } finally {
    await database.stop();
  }
}

await mkdir(dataDirectory, { recursive: true });
// The server builds the console at its start where it is not built; that must not run beside a measurement.
await ensureConsoleBuilt(quiet);
const settings: Setting[] = [];
const machine = await measureProduct(settings);
if (!values.short) await measureSlowDisk(settings);
const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  short: values.short,
  plan,
  machine,
  settings,
};
const folder = join(import.meta.dirname, 'results');
const markdown = toMarkdown(results);
say(`\n${markdown}`);
// A short run shows that the benchmark works; its figures are no results.
if (!values.short) {
  const file = join(folder, `${results.date}-${machine.commit}.json`);
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(join(folder, 'latest.md'), markdown);
}
