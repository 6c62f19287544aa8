/** Everything a running node holds, opened in reading order and closed in reverse. */
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Applier, startApplier } from './apply/applier.ts';
import type { Config } from './config.ts';
import { connectDatabase, type Database } from './db/database.ts';
import { openDatabaseUrl, startEmbeddedPostgres } from './db/embedded-server.ts';
import { migrate } from './db/migrate.ts';
import { startHandingOut } from './delivery/hand-out-files.ts';
import { lookAgainAtFiles } from './delivery/look-again.ts';
import {
  CONNECTIONS_CHANNEL,
  type ConnectionCache,
  connectionCache,
} from './intake/connections.ts';
import { askPortal, type PortalAccess, portalAccess } from './intake/portal-access.ts';
import { findAddress } from './intake/public-address.ts';
import type { Receiving } from './intake/receive.ts';
import { countRefusals } from './intake/refusals.ts';
import { createSealer, type Sealer } from './intake/sealing.ts';
import { createIntake } from './intake/store.ts';
import { watchFolders } from './intake/watch-folders.ts';
import { type Jobs, startJobs } from './jobs.ts';
import { createLog } from './log.ts';
import { loadMasterKeys } from './master-keys.ts';
import { createMeters, type Meters } from './meters.ts';

export type App = {
  readonly config: Config;
  readonly database: Database;
  readonly log: Logger;
  readonly now: () => Date;
  readonly sealer: Sealer;
  readonly meters: Meters;
  readonly connections: ConnectionCache;
  readonly receiving: Receiving;
  readonly access: PortalAccess;
  /** Says that an organization has new documents; without an applier here, another node finds them. */
  readonly wakeApplier: (organizationId: number) => void;
  /** Undefined in a command, which applies nothing itself. */
  readonly applier: Applier | undefined;
  close(): Promise<void>;
};

/**
 * Opens the database (starting the embedded one where none is named), brings its schema up to date and, with
 * `work`, begins to apply documents and run jobs.
 */
export async function openApp(
  given: Config,
  options: { readonly work: boolean; readonly log?: Logger },
): Promise<App> {
  const log = options.log ?? createLog(given);
  const now = () => new Date();
  const server = await (options.work
    ? openServerDatabase(given, log)
    : openDatabaseUrl(given, log));
  await migrate(server.databaseUrl);
  const database = connectDatabase(server.databaseUrl, { poolSize: options.work ? 8 : 4 });
  // Taking in and applying only ever look up by keys; people's questions may have to read whole tables.
  const engine = connectDatabase(server.databaseUrl, { poolSize: 6, onlyByIndex: true });
  const config = options.work ? given : await withAddressOfServer(given, database);
  const sealer = createSealer(await loadMasterKeys(config));
  const meters = createMeters(database);
  const connections = connectionCache({ database, sealer }, now);
  const listening = await database.listen(CONNECTIONS_CHANNEL, () => connections.drop());
  const refusals = countRefusals(database, now);
  const access = portalAccess({ database, sealer, now });
  const applier = options.work
    ? startApplier({
        db: engine,
        log,
        now,
        onApplied: (organizationId, result) => {
          countApplied(meters, result, now());
          lookAgainAtFiles({ database, now, log }, { organizationId, portalIds: result.portals });
        },
      })
    : undefined;
  const wakeApplier = (organizationId: number) => applier?.wake(organizationId);
  const jobs: Jobs | undefined = options.work
    ? await startJobs({
        database,
        sealer,
        now,
        log,
        access,
        wakeApplier,
        pause: setTimeout,
        config,
      })
    : undefined;
  const { filesDirectory } = config;
  const folders = { database, sealer, now, log, connections, wakeApplier, filesDirectory };
  const workers = options.work ? [watchFolders(folders), startHandingOut(folders)] : [];
  return {
    config,
    database,
    log,
    now,
    sealer,
    meters,
    connections,
    receiving: {
      intake: createIntake(engine),
      sealer,
      connections,
      refusals,
      asking: askPortal(access),
    },
    access,
    wakeApplier,
    applier,
    close: async () => {
      for (const worker of workers) await worker.stop();
      await jobs?.stop();
      await applier?.stop();
      await refusals.close();
      await listening.close();
      await engine.close();
      await database.close();
      await server.close();
    },
  };
}

/** @throws DataDirectoryInUse when another server runs on the same data directory. */
async function openServerDatabase(config: Config, log: Logger) {
  if (config.databaseUrl !== undefined) return openDatabaseUrl(config, log);
  const embedded = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, log });
  return { databaseUrl: embedded.databaseUrl, close: () => embedded.stop() };
}

/** A command does not know on which port the server listens; the server has told the database. */
async function withAddressOfServer(config: Config, database: Database): Promise<Config> {
  if (config.publicUrlGiven) return config;
  return { ...config, publicUrl: (await findAddress(database)) ?? config.publicUrl };
}

type AppliedBatch = Parameters<NonNullable<Parameters<typeof startApplier>[0]['onApplied']>>[1];

function countApplied(
  meters: Meters,
  { outcomes, portals, receivedAt }: AppliedBatch,
  now: Date,
): void {
  outcomes.forEach((outcome, index) => {
    const portal = portals[index] ?? '';
    meters.applied.inc({ portal, status: outcome.status });
    meters.lag.observe(
      { portal },
      Math.max(0, now.getTime() - Date.parse(receivedAt[index] ?? '')) / 1000,
    );
  });
}
