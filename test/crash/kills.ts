/** Kills servers under load, again and again, and then asks the books whether anything was lost or doubled. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Random, seededRandom } from '../../simulators/random.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
import { readClusterRecord } from '../../src/db/cluster.ts';
import { connectDatabase } from '../../src/db/database.ts';
import { findRunningDatabase, startEmbeddedPostgres } from '../../src/db/embedded-server.ts';
import { findPostmaster } from '../../src/db/postmaster.ts';
import type { ConnectedPortal } from '../simulation/firm.ts';
import { QUIET, removeDataDirectory, temporaryDataDirectory } from '../support/test-server.ts';
import { checkBooks, waitUntilApplied } from './check-books.ts';
import { type Load, openLoad } from './load.ts';
import {
  type CommandSettings,
  runCommand,
  type ServerProcess,
  serverProcess,
} from './server-process.ts';

export type KillOptions = {
  readonly seed: number;
  readonly kills: number;
  /** One server with its embedded PostgreSQL, or two on one PostgreSQL. */
  readonly nodes: 1 | 2;
  /** Kills PostgreSQL as well, every other time. */
  readonly postgres: boolean;
  readonly onKill?: (number: number, what: string) => void;
};

export type KillResult = {
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly payments: number;
  readonly sent: Load['counts'];
};

const CONNECTION = { name: 'Stripe under load', portal: 'stripe' };

/** Leaves nothing behind: the data directory and every process it started are gone afterwards. */
export async function killAndCheck(options: KillOptions): Promise<KillResult> {
  const random = seededRandom(options.seed);
  const dataDirectory = temporaryDataDirectory();
  const environment = {
    CHECKVALVE_MASTER_KEY: randomBytes(32).toString('base64'),
    CHECKVALVE_LOG_LEVEL: 'silent',
    CHECKVALVE_WEBHOOK_REQUESTS_PER_SECOND: '100000',
  };
  const simulated = await simulateStripe({ seed: options.seed });
  const servers: ServerProcess[] = [];
  const site = await openSite(options, dataDirectory, environment);
  try {
    for (let node = 0; node < options.nodes; node += 1) {
      const server = serverProcess(site.settings);
      servers.push(server);
      await server.start();
    }
    const connectionId = await connect(site.settings, simulated.settings.webhookSecret ?? '');
    const portal: ConnectedPortal = {
      id: 'stripe',
      connectionId,
      // Only what notices tell: without the API nothing but an acknowledged notice can bring a payment.
      simulated: {
        ...simulated,
        truth: () => simulated.truth().map((payment) => ({ ...payment, feeMinor: null })),
      },
    };
    const load = openLoad({
      portal,
      random: seededRandom(options.seed + 1),
      urls: () => servers.flatMap((server) => server.url() ?? []),
    });
    const running = load.run();
    try {
      await killRepeatedly({ ...options, random, servers, site });
    } finally {
      load.stop();
      await running;
    }
    await load.finish();
    const problems = await reckon(site, { portal, load });
    const payments = simulated.truth().length;
    return { problems, acknowledged: load.acknowledged.size, payments, sent: load.counts };
  } finally {
    for (const server of servers) await server.kill();
    await site.close();
    await simulated.close();
    await removeDataDirectory(dataDirectory);
  }
}

type Site = {
  readonly settings: CommandSettings;
  databaseUrl(): Promise<string>;
  /** `kill -9` of PostgreSQL itself. */
  killPostgres(): Promise<void>;
  /** Brings PostgreSQL back where no server of ours does. */
  restore(): Promise<void>;
  close(): Promise<void>;
};

async function openSite(
  { nodes }: KillOptions,
  dataDirectory: string,
  environment: Readonly<Record<string, string>>,
): Promise<Site> {
  const killPostgres = async (): Promise<void> => {
    const record = await readClusterRecord(dataDirectory);
    const postmaster = record && (await findPostmaster(record.directory));
    if (postmaster) process.kill(postmaster.identity.pid, 'SIGKILL');
  };
  if (nodes === 1) {
    return {
      settings: { where: ['--data', dataDirectory], environment },
      databaseUrl: async () => {
        const url = await findRunningDatabase(dataDirectory);
        if (url === undefined) throw new Error(`no database runs in ${dataDirectory}`);
        return url;
      },
      killPostgres,
      restore: async () => {},
      close: async () => {},
    };
  }
  const start = () => startEmbeddedPostgres({ dataDirectory, log: QUIET });
  let postgres = await start();
  const { databaseUrl } = postgres;
  return {
    settings: { where: ['--database-url', databaseUrl], environment },
    databaseUrl: async () => databaseUrl,
    killPostgres,
    restore: async () => {
      await postgres.stop();
      postgres = await start();
      if (postgres.databaseUrl !== databaseUrl) {
        throw new Error('PostgreSQL came back at another address');
      }
    },
    close: () => postgres.stop(),
  };
}

async function connect(settings: CommandSettings, webhookSecret: string): Promise<string> {
  const { code, output } = await runCommand(
    [
      'connect',
      CONNECTION.portal,
      '--name',
      CONNECTION.name,
      '--set',
      `webhookSecret=${webhookSecret}`,
      '--json',
    ],
    settings,
  );
  if (code !== 0) throw new Error(`connect ended with ${code}:\n${output}`);
  return (JSON.parse(output) as { id: string }).id;
}

async function killRepeatedly(
  run: KillOptions & {
    readonly random: Random;
    readonly servers: readonly ServerProcess[];
    readonly site: Site;
  },
): Promise<void> {
  const { random, servers, site } = run;
  for (let kill = 1; kill <= run.kills; kill += 1) {
    await pause(random.between(200, 1500));
    const both = run.postgres && random.chance(0.5);
    const victims = servers.length > 1 && !both ? [random.pick(servers)] : servers;
    run.onKill?.(kill, `${victims.length} server${both ? ' and PostgreSQL' : ''}`);
    if (both) await site.killPostgres();
    await Promise.all(victims.map((server) => server.kill()));
    if (both) await site.restore();
    for (const server of victims) await server.start();
  }
}

/** The proof by the product's own commands, and against the portal's truth. */
async function reckon(
  site: Site,
  given: { readonly portal: ConnectedPortal; readonly load: Load },
): Promise<readonly string[]> {
  const db = connectDatabase(await site.databaseUrl(), { poolSize: 2 });
  try {
    await waitUntilApplied(db);
    const problems = [...(await checkBooks(db, given))];
    for (const words of [['verify'], ['rebuild', '--check']]) {
      const { code, output } = await runCommand(words, site.settings);
      if (code !== 0) problems.push(`${words.join(' ')} ended with ${code}:\n${output}`);
    }
    return problems;
  } finally {
    await db.close();
  }
}
