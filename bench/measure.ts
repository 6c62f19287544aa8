/** What is measured, in what order and for how long. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChainRun, measureChain } from './chain.ts';
import {
  databaseUrlOf,
  dropDatabase,
  enterStory,
  hasDatabase,
  makeDatabase,
  nextPlace,
  openFirm,
  proveBooks,
} from './firm.ts';
import type { PeerRun } from './peer.ts';
import { runPeer, startServer } from './programs.ts';
import { type Latency, medianBy } from './statistics.ts';

export type Plan = {
  readonly connections: readonly number[];
  readonly repeats: number;
  readonly saturatedSeconds: number;
  /** At most; a run also ends when they are used up. */
  readonly noticesPerRun: number;
  readonly fixedSeconds: number;
  readonly warmUpNotices: number;
};

/** More than the generator and the server on the same cores reach together. */
const NOTICES_PER_SECOND_MAX = 4000;

/** Everything, with so many seconds for each saturated measurement and twice that at the fixed rate. */
export function fullPlan(seconds: number): Plan {
  return {
    connections: [1, 32, 128],
    repeats: 1,
    saturatedSeconds: seconds,
    noticesPerRun: seconds * NOTICES_PER_SECOND_MAX,
    fixedSeconds: seconds * 2,
    warmUpNotices: 8_000,
  };
}

/** Enough to show that the benchmark works, in about a minute. */
export const SHORT_PLAN: Plan = {
  connections: [32],
  repeats: 1,
  saturatedSeconds: 3,
  noticesPerRun: 12_000,
  fixedSeconds: 5,
  warmUpNotices: 3_000,
};

export const FIXED_RATE = 500;
const FIXED_CONNECTIONS = 16;
const PORT = 4879;

export type BooksResult = {
  readonly storedPayments: number;
  readonly fillSeconds: number | undefined;
  readonly saturated: readonly ChainRun[];
  readonly fixed: ChainRun;
};

export type PeerResult = PeerRun & { readonly concurrency: number };

type Place = { readonly serverUrl: string; readonly dataDirectory: string };
export type Say = (line: string) => void;

/**
 * Measures our server on books with so many earlier payments. Filled books are kept for the next run; empty ones
 * are made anew.
 */
export async function measureBooks(
  place: Place,
  plan: Plan,
  given: { readonly stored: number; readonly nodeOptions: readonly string[] },
  say: Say,
): Promise<BooksResult> {
  const name = `bench_books_${given.stored}`;
  const { databaseUrl, fillSeconds } = await prepareBooks(place, name, given.stored, say);
  const runs = plan.connections.length * plan.repeats;
  const fixedCount = FIXED_RATE * plan.fixedSeconds;
  let first = await nextPlace(databaseUrl);
  const receivables = plan.warmUpNotices + runs * plan.noticesPerRun + fixedCount;
  await enterStory(databaseUrl, { from: first, to: first + receivables, paid: false });
  const { dataDirectory } = place;
  const { nodeOptions } = given;
  const server = await startServer({ databaseUrl, dataDirectory, port: PORT, nodeOptions });
  const run = async (load: { connections: number; count: number; arrivalsPerSecond?: number }) => {
    const seconds = load.arrivalsPerSecond ? plan.fixedSeconds : plan.saturatedSeconds;
    const result = await measureChain(server, databaseUrl, { ...load, firstPlace: first, seconds });
    first += load.count;
    say(`  ${load.arrivalsPerSecond ?? 'saturated'} x${load.connections}: ${inShort(result)}`);
    return result;
  };
  try {
    await run({ connections: 32, count: plan.warmUpNotices });
    const saturated: ChainRun[] = [];
    for (const connections of plan.connections) {
      const repeated: ChainRun[] = [];
      for (let repeat = 0; repeat < plan.repeats; repeat += 1) {
        repeated.push(await run({ connections, count: plan.noticesPerRun }));
      }
      saturated.push(medianBy(repeated, ({ posted }) => posted.perSecond));
    }
    const fixed = await run({
      connections: FIXED_CONNECTIONS,
      count: fixedCount,
      arrivalsPerSecond: FIXED_RATE,
    });
    return { storedPayments: given.stored, fillSeconds, saturated, fixed };
  } finally {
    await server.stop();
    if (given.stored === 0) await dropDatabase(place.serverUrl, name);
  }
}

function inShort({ acknowledged, posted }: ChainRun): string {
  const p99 = (run: Latency) => `p99 ${run.p99Ms.toFixed(0)} ms`;
  return (
    `acknowledged ${acknowledged.perSecond.toFixed(0)}/s ${p99(acknowledged)}, ` +
    `posted ${posted.perSecond.toFixed(0)}/s ${p99(posted)}`
  );
}

/** A filled database is complete once its mark stands beside it. */
async function prepareBooks(
  { serverUrl, dataDirectory }: Place,
  name: string,
  stored: number,
  say: Say,
): Promise<{ readonly databaseUrl: string; readonly fillSeconds: number | undefined }> {
  const mark = join(dataDirectory, `${name}.filled`);
  const isFilled = await stat(mark).catch(() => undefined);
  if (isFilled && (await hasDatabase(serverUrl, name))) {
    return { databaseUrl: databaseUrlOf(serverUrl, name), fillSeconds: undefined };
  }
  const databaseUrl = await makeDatabase(serverUrl, name);
  await openFirm(databaseUrl, dataDirectory);
  if (stored === 0) return { databaseUrl, fillSeconds: undefined };
  const started = performance.now();
  let told = 0;
  await enterStory(databaseUrl, { from: 0, to: stored, paid: true }, (payments) => {
    if (payments < told + 100_000) return;
    told = payments;
    say(`  ${payments} payments filled in`);
  });
  const fillSeconds = (performance.now() - started) / 1000;
  await proveBooks(databaseUrl);
  await writeFile(mark, '');
  return { databaseUrl, fillSeconds };
}

/** Measures the peer on the same server, each concurrency on a fresh database. */
export async function measurePeer(
  { serverUrl }: Place,
  plan: Plan,
): Promise<readonly PeerResult[]> {
  const results: PeerResult[] = [];
  for (const concurrency of plan.connections) {
    const runs: PeerRun[] = [];
    for (let repeat = 0; repeat < plan.repeats; repeat += 1) {
      const databaseUrl = await makeDatabase(serverUrl, 'bench_peer');
      const { saturatedSeconds: seconds, noticesPerRun: count } = plan;
      runs.push(await runPeer({ databaseUrl, concurrency, seconds, firstPlace: 0, count }));
    }
    results.push({ concurrency, ...medianBy(runs, ({ perSecond }) => perSecond) });
  }
  await dropDatabase(serverUrl, 'bench_peer');
  return results;
}
