/** The data directory: who uses it now, and files in it that are replaced whole or not at all. */
import {
  access,
  chmod,
  chown,
  constants,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.ts';

/** A server stays; a command starts the database only for as long as it runs. */
export type Purpose = 'server' | 'command';
export type Holder = ProcessIdentity & { readonly purpose: Purpose; readonly closing?: true };

const LOCK = 'checkvalve.lock';
const GUARD = 'checkvalve.lock.sqlite';
/** A process that has just taken the lock writes its name within a moment. */
const NAME_WAIT_MS = 2000;
const SQLITE_BUSY = 5;
const BORROWERS = 'borrowers';
const PRIVATE = 0o600;
const READABLE = 0o644;

/** Another process uses the data directory; the message names it and says what to do. */
export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';
  /** Undefined when it is in another container and so has no pid here. */
  readonly holder: Holder | undefined;
  constructor(dataDirectory: string, holder: Holder | undefined) {
    const who = holder ? `Process ${holder.pid}` : 'A process in another container';
    const stop = holder ? ` (kill ${holder.pid})` : '';
    super(
      `${who} already uses the data directory ${dataDirectory}. ` +
        `Stop it first${stop}, or name another directory with --data.`,
    );
    this.holder = holder;
  }
}

/**
 * Makes the directory when it is missing and returns its absolute path. One made by root may be crossed, not
 * listed, by other users, because PostgreSQL runs as one of them; an existing one keeps its permissions.
 */
export async function prepareDataDirectory(dataDirectory: string): Promise<string> {
  const path = resolve(dataDirectory);
  try {
    await makeDirectory(path);
    await makeDirectory(join(path, BORROWERS));
    await access(path, constants.W_OK);
  } catch (cause) {
    throw new Error(
      `The data directory ${path} cannot be written. Run this as the user that made it, or name ` +
        'another directory with --data.',
      { cause },
    );
  }
  return path;
}

/** True when this process runs as root, as which PostgreSQL refuses to run. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Takes the directory for this process. What a killed process left never blocks.
 * @throws DataDirectoryInUse while another process, or this one, holds it
 */
export async function lockDataDirectory(dataDirectory: string, purpose: Purpose) {
  const guard = await takeGuard(dataDirectory);
  if (!guard) throw new DataDirectoryInUse(dataDirectory, await waitForName(dataDirectory));
  const path = join(dataDirectory, LOCK);
  const self = await ownIdentity();
  const write = (holder: Holder) => writeWhole(path, JSON.stringify(holder), READABLE);
  const free = () => {
    held.delete(guard);
    guard.close();
  };
  try {
    await write({ ...self, purpose });
  } catch (error) {
    free();
    throw error;
  }
  return {
    /** Tells commands that would borrow the database that it is about to stop. */
    announceClosing: (closing: boolean) =>
      write({ ...self, purpose, ...(closing && { closing: true }) }),
    release: async () => {
      await unlink(path);
      free();
    },
  };
}
export type DataDirectoryLock = Awaited<ReturnType<typeof lockDataDirectory>>;

/** Open for as long as they are held: closing one, as the garbage collector would, gives its lock away. */
const held = new Set<DatabaseSync>();

/**
 * A lock of the kernel, which ends with its process however that ends, and which Node offers only through
 * SQLite. Lock files alone cannot be taken over from a killed process without a race.
 */
async function takeGuard(dataDirectory: string): Promise<DatabaseSync | undefined> {
  const path = join(dataDirectory, GUARD);
  const guard = new DatabaseSync(path, { timeout: 0 });
  try {
    guard.exec('pragma journal_mode = memory; pragma locking_mode = exclusive; begin exclusive');
  } catch (error) {
    guard.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  held.add(guard);
  if (isRoot()) {
    const { uid, gid } = await stat(dataDirectory);
    await chown(path, uid, gid);
  }
  return guard;
}

async function waitForName(dataDirectory: string): Promise<Holder | undefined> {
  const deadline = performance.now() + NAME_WAIT_MS;
  for (;;) {
    const holder = await findHolder(dataDirectory);
    if (holder || performance.now() > deadline) return holder;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The live process that holds the directory. */
export async function findHolder(dataDirectory: string): Promise<Holder | undefined> {
  const text = await readIfPresent(join(dataDirectory, LOCK));
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder && (await isAlive(holder)) ? holder : undefined;
}

/** Marks that this process uses the database of the directory's holder; the holder waits for the release. */
export async function registerBorrower(dataDirectory: string) {
  const path = join(dataDirectory, BORROWERS, `${process.pid}-${crypto.randomUUID()}`);
  await writeWhole(
    path,
    JSON.stringify({ ...(await ownIdentity()), purpose: 'command' }),
    READABLE,
  );
  return { release: () => unlink(path) };
}

/** Whether a live process uses the database; forgets those that were killed. */
export async function hasBorrowers(dataDirectory: string): Promise<boolean> {
  const directory = join(dataDirectory, BORROWERS);
  for (const name of await readdir(directory)) {
    const text = await readIfPresent(join(directory, name));
    const borrower = text === undefined ? undefined : parseHolder(text);
    if (borrower && (await isAlive(borrower))) return true;
    // A draft that is still being written has no identity yet and must stay.
    if (borrower) await unlink(join(directory, name)).catch(ignoreMissing);
  }
  return false;
}

/** Replaces a file by a complete, durable one. As root, the file belongs to whom its directory belongs. */
export async function writeWhole(path: string, text: string, mode = PRIVATE): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}.draft`;
  const file = await open(draft, 'wx', mode);
  try {
    await file.writeFile(text);
    if (isRoot()) {
      const { uid, gid } = await stat(join(path, '..'));
      await file.chown(uid, gid);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

/** The file's text, or undefined when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder>;
    return typeof holder.pid === 'number' && typeof holder.startMark === 'string'
      ? (holder as Holder)
      : undefined;
  } catch {
    // Cut short by a full disk or a power failure: whoever wrote it is gone.
    return undefined;
  }
}

async function ownIdentity(): Promise<ProcessIdentity> {
  const self = await identifyProcess(process.pid);
  if (!self) throw new Error('This process cannot read its own start time; is /proc mounted?');
  return self;
}

/** As root, what is made belongs to whom its surroundings belong, who may come back without root. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
  if (first === undefined || !isRoot()) return;
  const { uid, gid } = await stat(join(first, '..'));
  for (let made = path; made.startsWith(first); made = join(made, '..')) {
    await chown(made, uid, gid);
    // mkdir obeys the umask, but PostgreSQL's user must get through.
    await chmod(made, 0o711);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
