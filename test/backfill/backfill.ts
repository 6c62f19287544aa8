/** Reads a long history from a portal that refuses now and then, through a server that is killed meanwhile. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { simulateMollie } from '../../simulators/mollie.ts';
import { seededRandom } from '../../simulators/random.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import { findRunningDatabase } from '../../src/db/embedded-server.ts';
import { waitUntilApplied } from '../crash/check-books.ts';
import { type CommandSettings, runCommand, serverProcess } from '../crash/server-process.ts';
import { removeDataDirectory, temporaryDataDirectory } from '../support/test-server.ts';

export type BackfillOptions = {
  readonly seed: number;
  readonly payments: number;
  readonly kills: number;
  /** How many of the API's answers are 429, 500, HTML, cut off or late. */
  readonly faultRate: number;
  readonly tell?: (line: string) => void;
};

export type BackfillResult = {
  readonly problems: readonly string[];
  /** Calls of lists whose pages are all needed, without any fault or kill. */
  readonly leastCalls: number;
  readonly calls: number;
  readonly seconds: number;
};

const PAGE = 250;
const LOOK_MS = 200;
const PATIENCE_MS = 1_800_000;
const DAY_MS = 86_400_000;
/** Refunds and chargebacks, each an empty page. */
const OTHER_LISTS = 2;

export async function backfill(options: BackfillOptions): Promise<BackfillResult> {
  const random = seededRandom(options.seed);
  const dataDirectory = temporaryDataDirectory();
  const settings: CommandSettings = {
    where: ['--data', dataDirectory],
    environment: {
      CHECKVALVE_MASTER_KEY: randomBytes(32).toString('base64'),
      CHECKVALVE_LOG_LEVEL: 'silent',
    },
  };
  const portal = await simulateMollie({ seed: options.seed, faultRate: options.faultRate });
  const began = Date.now();
  for (let index = 0; index < options.payments; index += 1) {
    portal.pay(orderOf(index), new Date(began - 20 * DAY_MS + index * 10));
  }
  portal.takeNotices();
  const server = serverProcess(settings);
  try {
    await server.start();
    const { webhookSecret: _, profileId: __, ...apiSettings } = portal.settings;
    await connect(settings, { ...apiSettings, payouts: 'none', fees: 'false' });
    const killAt = Array.from({ length: options.kills }, () => random.between(5, 90)).sort(
      (a, b) => a - b,
    );
    await withDatabase(dataDirectory, async (db) => {
      await waitUntilRead(db, async (documents) => {
        const percent = (documents * 100) / options.payments;
        if (killAt.length === 0 || percent < (killAt[0] as number)) return;
        killAt.shift();
        options.tell?.(`kill -9 after ${documents} documents and ${portal.requestCount()} calls`);
        await server.kill();
        await server.start();
      });
    });
    const calls = portal.requestCount();
    const seconds = Math.round((Date.now() - began) / 1000);
    const problems = await withDatabase(dataDirectory, (db) => reckon(db, options));
    const { code, output } = await runCommand(['verify'], settings);
    if (code !== 0) problems.push(`verify ended with ${code}:\n${output}`);
    const leastCalls = Math.ceil(options.payments / PAGE) + OTHER_LISTS;
    return { problems, leastCalls, calls, seconds };
  } finally {
    await server.kill();
    await portal.close();
    await removeDataDirectory(dataDirectory);
  }
}

const orderOf = (index: number) => ({
  amountMinor: BigInt(100 + index),
  currency: 'EUR',
  customer: {
    externalId: `cus_${index}`,
    name: `Customer ${index}`,
    email: `c${index}@example.com`,
  },
});

async function connect(settings: CommandSettings, given: Record<string, string>): Promise<void> {
  const pairs = Object.entries(given).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const words = ['connect', 'mollie', '--name', 'Mollie with a past', ...pairs, '--json'];
  const { code, output } = await runCommand(words, settings);
  if (code !== 0) throw new Error(`connect ended with ${code}:\n${output}`);
}

/** The database survives its server, but not its port: it is looked for anew after each kill. */
async function withDatabase<T>(
  dataDirectory: string,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const url = await findRunningDatabase(dataDirectory);
  if (url === undefined) throw new Error(`no database runs in ${dataDirectory}`);
  const db = connectDatabase(url, { poolSize: 2 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Until a run of the pull has ended; `look` may kill the server, which does not end the database's use here. */
async function waitUntilRead(
  db: Database,
  look: (documents: number) => Promise<void>,
): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const place = await readPlace(db);
    if (place?.finished_at) return;
    await look(Number(place?.documents ?? 0));
    await pause(LOOK_MS);
  }
  throw new Error('the history was not read in time');
}

type Place = { readonly documents: bigint; readonly finished_at: string | null };

/** Undefined while the database restarts. */
async function readPlace(db: Database): Promise<Place | undefined> {
  try {
    const [place] = await db.query<Place>(sql`select documents, finished_at from pull_cursors`);
    return place;
  } catch {
    return undefined;
  }
}

async function reckon(db: Database, { payments }: BackfillOptions): Promise<string[]> {
  await waitUntilApplied(db);
  const [row] = await db.query<{ count: bigint; sum: bigint; quarantined: bigint }>(
    sql`select count(*) as count, coalesce(sum(received_minor), 0)::bigint as sum,
          (select count(*) from outcomes where status = 'quarantined') as quarantined
        from payments`,
  );
  const wanted = BigInt(payments) * 100n + (BigInt(payments) * BigInt(payments - 1)) / 2n;
  const problems: string[] = [];
  if (row?.count !== BigInt(payments)) problems.push(`${row?.count} of ${payments} payments`);
  if (row?.sum !== wanted) problems.push(`${row?.sum} of ${wanted} received`);
  if (row?.quarantined !== 0n) problems.push(`${row?.quarantined} documents were quarantined`);
  return problems;
}
