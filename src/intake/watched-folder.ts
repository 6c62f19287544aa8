/**
 * The folder of one connection: files are put into `in`, and end in `done` or `failed`. Every step is one rename, so
 * that of several programs one takes a file, and one that dies leaves it where the next finds it.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { NotUploadable } from './upload.ts';

export type Folder = {
  readonly path: string;
  readonly in: string;
  readonly done: string;
  readonly failed: string;
  /** What people take away from here. */
  readonly out: string;
  /** Hidden: what somebody is working on, each file in a directory that says since when. */
  readonly taking: string;
};

/** A file in `in`. */
export type Waiting = {
  /** Readable; `path` is what the file system calls it, byte for byte. */
  readonly name: string;
  readonly path: Buffer;
  /** Equal as long as nobody writes to it. */
  readonly state: string;
};

/** A file that somebody has taken and nobody else works on. */
export type Taken = { readonly name: string; readonly directory: string; readonly state: string };

/** Longer than taking a file in lasts; whoever has not finished by then is believed dead. */
const LEASE_MS = 2 * 60_000;
const NAME_BYTES = 255;

export function folderOf(filesDirectory: string, connectionId: string): Folder {
  const path = join(filesDirectory, connectionId);
  const inside = (name: string) => join(path, name);
  return {
    path,
    in: inside('in'),
    done: inside('done'),
    failed: inside('failed'),
    out: inside('out'),
    taking: inside('.taking'),
  };
}

/** Makes what is missing of it. @throws Error for what is there and is no directory */
export async function openFolder(folder: Folder): Promise<void> {
  await mkdir(folder.path, { recursive: true });
  for (const path of [folder.path, folder.in, folder.done, folder.failed, folder.taking]) {
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await requireDirectory(path);
  }
}

/** @throws Error for anything else: a link would lead out of the folder */
export async function requireDirectory(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) throw new Error(`${path} is no directory`);
}

/** Names that programs give to what they have not finished, what Windows adds by itself, and reasons of ours. */
const PASSED_OVER = /^(\.|~\$)|\.(tmp|part|filepart|why\.txt)$|^(thumbs\.db|desktop\.ini)$/i;

/** What lies in `in`, but for directories and what is not finished. */
export async function lookInto(folder: Folder): Promise<readonly Waiting[]> {
  const entries = await readdir(folder.in, { encoding: 'buffer' });
  const found: Waiting[] = [];
  for (const entry of entries) {
    const text = entry.toString('utf8');
    if (PASSED_OVER.test(text)) continue;
    const path = Buffer.concat([Buffer.from(`${folder.in}/`), entry]);
    const stats = await lstat(path).catch(unlessGone);
    if (stats?.isFile() || stats?.isSymbolicLink()) {
      // Bytes that are no text may need more room once they are.
      found.push({ name: numbered(text, 1), path, state: stateOf(stats) });
    }
  }
  return found;
}

function stateOf({ size, mtimeMs }: Stats): string {
  return `${size} ${mtimeMs}`;
}

/** Undefined when another was quicker, or it is gone. */
export async function take(
  folder: Folder,
  { name, path, state }: Waiting,
  by: { readonly now: Date; readonly token: string },
): Promise<Taken | undefined> {
  const directory = join(folder.taking, nameOfClaim(by));
  await mkdir(directory);
  try {
    await rename(path, join(directory, name));
    return { name, directory, state };
  } catch (error) {
    await rmdir(directory).catch(unlessGone);
    return unlessGone(error as NodeJS.ErrnoException);
  }
}

/** The claims of those who have not finished in their time: they died, or could not. */
export async function findLeft(folder: Folder, now: Date): Promise<readonly string[]> {
  const claims = await readdir(folder.taking);
  return claims.filter((claim) => {
    const since = Number(/^(\d{1,15})-/.exec(claim)?.[1]);
    return now.getTime() - since >= LEASE_MS;
  });
}

/** Takes up what another has left; undefined when somebody was quicker. */
export async function takeUp(
  folder: Folder,
  left: string,
  by: { readonly now: Date; readonly token: string },
): Promise<Taken | undefined> {
  const directory = join(folder.taking, nameOfClaim(by));
  const mine = await rename(join(folder.taking, left), directory).then(() => true, unlessGone);
  if (!mine) return undefined;
  const [name] = await readdir(directory);
  if (name !== undefined) {
    return { name, directory, state: stateOf(await lstat(join(directory, name))) };
  }
  await rmdir(directory);
  return undefined;
}

function nameOfClaim({ now, token }: { readonly now: Date; readonly token: string }): string {
  return `${now.getTime()}-${token}`;
}

/**
 * Its bytes; undefined when somebody still writes to it. A file over the limit is not read.
 * @throws NotUploadable
 */
export async function readTaken(
  { name, directory, state }: Taken,
  limit: { readonly bytes: number; tooLarge(bytes: number): NotUploadable },
): Promise<Buffer | undefined> {
  const file = await open(
    join(directory, name),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  ).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ELOOP') {
      throw new NotUploadable(
        'unreadable',
        'it is a link to another place: put the file itself here',
      );
    }
    if (error.code === 'EACCES' || error.code === 'EPERM') {
      throw new NotUploadable('unreadable', 'the server is not allowed to read the file');
    }
    throw error;
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new NotUploadable('unreadable', 'it is no file');
    if (stats.size > limit.bytes) throw limit.tooLarge(stats.size);
    const body = Buffer.alloc(stats.size);
    let length = 0;
    while (length < body.length) {
      const { bytesRead } = await file.read(body, length, body.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return stateOf(await file.stat()) === state && length === body.length ? body : undefined;
  } finally {
    await file.close();
  }
}

/** Keeps it in `done`, under the day and its name; `remarks` are written beside it. Resolves to its name there. */
export async function keepDone(
  folder: Folder,
  taken: Taken,
  given: { readonly day: string; readonly remarks: readonly string[] },
): Promise<string | undefined> {
  return moveTo(folder.done, taken, {
    name: `${given.day}-${taken.name}`,
    because: given.remarks.join('\n'),
  });
}

/** Keeps it in `failed`, with the reason beside it. Resolves to its name there. */
export async function keepFailed(
  folder: Folder,
  taken: Taken,
  because: string,
): Promise<string | undefined> {
  return moveTo(folder.failed, taken, { name: taken.name, because });
}

export const REASON_ENDING = '.why.txt';

/**
 * Undefined when somebody else has taken it up meanwhile. Whatever is there under its name stays: it gets a number. The
 * name is reserved first, because a rename replaces.
 */
async function moveTo(
  directory: string,
  taken: Taken,
  given: { readonly name: string; readonly because: string },
): Promise<string | undefined> {
  const source = join(taken.directory, taken.name);
  if (!(await lstat(source).catch(unlessGone))) return undefined;
  const name = await reserve(directory, given.name);
  if (given.because !== '') await write(join(directory, name + REASON_ENDING), given.because);
  const moved = await rename(source, join(directory, name)).then(() => true, unlessGone);
  if (moved) await rmdir(taken.directory).catch(unlessGone);
  else
    for (const left of [name, name + REASON_ENDING])
      await unlink(join(directory, left)).catch(unlessGone);
  return moved ? name : undefined;
}

async function reserve(directory: string, wanted: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = numbered(wanted, number);
    const reserved = await open(join(directory, name), 'wx').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return undefined;
        throw error;
      },
    );
    if (!reserved) continue;
    await reserved.close();
    return name;
  }
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `name-2.csv`; short enough for a file system, the reason's ending included. */
function numbered(name: string, number: number): string {
  const [, stem = name, ending = ''] = /^(.+?)(\.[^.]{1,20})?$/s.exec(name) ?? [];
  const tail = `${number === 1 ? '' : `-${number}`}${ending}`;
  const room = NAME_BYTES - Buffer.byteLength(tail) - REASON_ENDING.length;
  let kept = stem;
  while (Buffer.byteLength(kept) > room) kept = [...kept].slice(0, -1).join('');
  return kept + tail;
}

/** What vanished is somebody else's; anything else is thrown. */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
