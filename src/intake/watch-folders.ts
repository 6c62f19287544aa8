/** Looks every few seconds into the folders of connections, and takes in what people and programs put there. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Database, sql } from '../db/database.ts';
import { businessDay } from '../money/business-day.ts';
import { portals } from '../portals/index.ts';
import { recordAudit } from './audit.ts';
import { type Connection, type ConnectionCache, loadConnection } from './connections.ts';
import { mirrorFailed, nameOfDirectory, namesOfFailed } from './failed-files.ts';
import type { Sealer } from './sealing.ts';
import { NotUploadable, storeUpload, tooLarge } from './upload.ts';
import {
  type Folder,
  findLeft,
  folderOf,
  keepDone,
  keepFailed,
  lookInto,
  openFolder,
  readTaken,
  type Taken,
  take,
  takeUp,
  type Waiting,
} from './watched-folder.ts';

export type WatchContext = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly log: Logger;
  readonly connections: ConnectionCache;
  readonly filesDirectory: string;
  readonly wakeApplier: (organizationId: number) => void;
};

export type Watch = {
  /** One look into every folder; never throws. */
  look(): Promise<void>;
  stop(): Promise<void>;
};

const LOOK_MS = 3_000;
/** A file is whole when nobody has written to it for so long. */
const STILL_MS = 10_000;
const MIRROR_MS = 3_600_000;
const ACTOR = 'watched folder';

/** Begins to look around; `everyMs` 0 looks only when asked. */
export function watchFolders(ctx: WatchContext, everyMs = LOOK_MS): Watch {
  const watchers = new Map<string, Watcher>();
  const troubles = new Map<string, string>();
  let stopped = false;
  let looking: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  /** What goes wrong is said once, not every few seconds. */
  const tell = (about: string, error: Error | undefined): void => {
    if (error && troubles.get(about) !== error.message) {
      ctx.log.error({ err: error, about }, 'a watched folder cannot be used; it is tried again');
    }
    if (error) troubles.set(about, error.message);
    else troubles.delete(about);
  };
  const attempt = (about: string, work: () => Promise<void>): Promise<void> =>
    work().then(
      () => tell(about, undefined),
      (error: Error) => tell(about, error),
    );

  const lookAround = async (): Promise<void> => {
    const connections = await connectionsWithFiles(ctx);
    if (connections.length === 0) return;
    const directory = await nameOfDirectory(ctx.filesDirectory);
    for (const connection of connections) {
      if (stopped) return;
      const watcher = watchers.get(connection.id) ?? openWatcher(ctx, connection);
      watchers.set(connection.id, watcher);
      await attempt(connection.id, () => watcher.look(directory));
    }
  };
  const look = (): Promise<void> => {
    looking = looking.then(() => attempt(ctx.filesDirectory, lookAround));
    return looking;
  };
  const goOn = (): void => {
    if (stopped || everyMs === 0) return;
    timer = setTimeout(() => void look().then(goOn), everyMs);
  };
  if (everyMs > 0) void look().then(goOn);

  return {
    look,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** The enabled connections whose portals have files, as the cache knows them. */
async function connectionsWithFiles({ connections }: WatchContext): Promise<readonly Connection[]> {
  const withFiles = portals.filter(({ uploadLimitBytes }) => uploadLimitBytes !== undefined);
  const lists = await Promise.all(withFiles.map(({ id }) => connections.ofPortal(id)));
  return lists.flat();
}

type Place = { readonly organizationId: number; readonly id: string };
type Watcher = { look(directory: string): Promise<void> };

/** Remembers between two looks which files have not been written to since when. */
function openWatcher(ctx: WatchContext, { organizationId, id }: Place): Watcher {
  const folder = folderOf(ctx.filesDirectory, id);
  let still = new Map<string, { readonly state: string; readonly since: number }>();
  let mirrored: { readonly names: string; readonly at: number } | undefined;

  const mirror = async (directory: string): Promise<void> => {
    const names = await namesOfFailed(folder);
    const text = JSON.stringify([directory, names]);
    const at = ctx.now().getTime();
    if (mirrored?.names === text && at - mirrored.at < MIRROR_MS) return;
    await mirrorFailed(ctx, { organizationId, connectionId: id, directory, folder, names });
    mirrored = { names: text, at };
  };

  /** Which files nobody has written to for long enough. */
  const findStill = async (): Promise<readonly Waiting[]> => {
    const at = ctx.now().getTime();
    const waiting = await lookInto(folder);
    const before = still;
    still = new Map(
      waiting.map(({ path, state }) => {
        const known = before.get(path.toString('latin1'));
        const since = known?.state === state ? known.since : at;
        return [path.toString('latin1'), { state, since }];
      }),
    );
    return waiting.filter(({ path }) => {
      const since = still.get(path.toString('latin1'))?.since ?? at;
      return at - since >= STILL_MS;
    });
  };

  return {
    look: async (directory) => {
      await openFolder(folder);
      const claim = () => ({ now: ctx.now(), token: randomUUID() });
      const troubles: unknown[] = [];
      // A file that cannot be taken in now must not keep the others from it.
      const goOnWith = async (claiming: Promise<Taken | undefined>): Promise<void> => {
        try {
          const taken = await claiming;
          if (taken) await takeIn(ctx, { organizationId, id, folder }, taken);
        } catch (error) {
          troubles.push(error);
        }
      };
      for (const left of await findLeft(folder, ctx.now())) {
        await goOnWith(takeUp(folder, left, claim()));
      }
      for (const waiting of await findStill()) await goOnWith(take(folder, waiting, claim()));
      await mirror(directory);
      if (troubles.length > 0) throw troubles[0];
    },
  };
}

/**
 * Takes one file in. What fails for another reason than the file stays with whoever took it, and is taken up again
 * later; so does what came while its connection was being switched off.
 */
async function takeIn(
  ctx: WatchContext,
  { organizationId, id, folder }: Place & { readonly folder: Folder },
  taken: Taken,
): Promise<void> {
  const connection = await loadConnection(ctx, id, organizationId);
  if (!connection?.enabled) return;
  const { name } = taken;
  try {
    const body = await readTaken(taken, {
      bytes: connection.portal.uploadLimitBytes ?? 0,
      tooLarge: (bytes) => tooLarge(connection.portal, bytes),
    });
    if (!body) return;
    const { setAside } = await storeUpload(ctx, { connection, body, actor: ACTOR, name });
    ctx.wakeApplier(organizationId);
    await keepDone(folder, taken, { day: await today(ctx, organizationId), remarks: setAside });
  } catch (error) {
    if (!(error instanceof NotUploadable)) throw error;
    if (error.because === 'disabled') return;
    const kept = await keepFailed(folder, taken, `${error.message}.`);
    if (kept === undefined) return;
    await recordAudit(ctx.database, {
      organizationId,
      actor: ACTOR,
      verb: 'connection.file-failed',
      subject: id,
      details: { name, because: error.message },
    });
  }
}

/** Today as the firm counts its days. */
async function today({ database, now }: WatchContext, organizationId: number): Promise<string> {
  const [firm] = await database.query<{ timeZone: string }>(
    sql`select time_zone as "timeZone" from organizations where organization_id = ${organizationId}`,
  );
  return businessDay(now().toISOString(), firm?.timeZone ?? 'UTC');
}
