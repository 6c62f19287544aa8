/** Builds the web console at start when its sources changed since it was last built. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export const CONSOLE_ROOT = join(import.meta.dirname, '../../console');
const FINGERPRINT_FILE = '.fingerprint';
/**
 * What the build reads; beside it the program's own manifest, which pins what the console is made
 * of.
 */
const SOURCES = ['src', 'index.html', 'vite.config.ts'] as const;

/** The one line that is logged, in the shape of pino. */
export type BuildLog = {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};

export type ConsoleBuild =
  | { readonly outcome: 'fresh' }
  | { readonly outcome: 'built'; readonly durationMs: number }
  | { readonly outcome: 'failed'; readonly cause: unknown };

export type ConsoleFolders = {
  /** The folder of `index.html`, `vite.config.ts` and `src`. */
  readonly root: string;
  readonly dist: string;
};

const FOLDERS: ConsoleFolders = { root: CONSOLE_ROOT, dist: join(CONSOLE_ROOT, 'dist') };

/**
 * Makes sure that `dist` is what the sources say. Never throws: payments are taken in without a
 * console too, and the plugin that serves it explains what is missing. Concurrent starts each build
 * for themselves and swap the finished folder in; the last one stands and all of them are equal.
 */
export async function ensureConsoleBuilt(
  log: BuildLog,
  folders: ConsoleFolders = FOLDERS,
): Promise<ConsoleBuild> {
  try {
    const fingerprint = await fingerprintOf(folders.root);
    if (fingerprint === (await builtFrom(folders.dist))) return { outcome: 'fresh' };
    const startedAt = performance.now();
    await build(folders, fingerprint);
    const durationMs = Math.round(performance.now() - startedAt);
    log.info({ durationMs }, 'built the console');
    return { outcome: 'built', durationMs };
  } catch (cause) {
    log.warn({ err: cause }, 'the console could not be built; everything else works without it');
    return { outcome: 'failed', cause };
  }
}

/** SHA-256 over the names and bytes of everything the console is built from. */
async function fingerprintOf(root: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await Promise.all(SOURCES.map((name) => filesBelow(join(root, name))))).flat();
  for (const file of [...files.sort(), join(root, '../package.json')]) {
    const bytes = await readFile(file);
    hash.update(`${relative(root, file)}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error) => {
    if (isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  });
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function builtFrom(dist: string): Promise<string | undefined> {
  try {
    return await readFile(join(dist, FINGERPRINT_FILE), 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function build({ root, dist }: ConsoleFolders, fingerprint: string): Promise<void> {
  // Beside `dist`, hence on its file system: only there is a rename possible.
  const beside = join(dirname(dist), `.dist-${process.pid}-${randomBytes(4).toString('hex')}`);
  const fresh = `${beside}-fresh`;
  try {
    await bundle(root, fresh);
    // Written last: a folder with a fingerprint is complete.
    await writeFile(join(fresh, FINGERPRINT_FILE), fingerprint);
    await swapIn(fresh, dist, `${beside}-old`);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function bundle(root: string, outDir: string): Promise<void> {
  // Only needed here, and absent where development dependencies are not installed.
  const vite = await import('vite');
  const mode = process.env.NODE_ENV;
  try {
    await vite.build({
      root,
      configFile: join(root, 'vite.config.ts'),
      configLoader: 'native',
      logLevel: 'error',
      build: { outDir, emptyOutDir: true },
    });
  } finally {
    // Vite sets it for the bundle's sake; the server's own mode is not its business.
    if (mode === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = mode;
  }
}

/**
 * A folder cannot be renamed over another, so the old one steps aside; another start may be faster
 * each time.
 */
async function swapIn(fresh: string, dist: string, aside: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      await rename(dist, aside);
      await rm(aside, { recursive: true, force: true });
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
    }
    try {
      await rename(fresh, dist);
      return;
    } catch (error) {
      if (!isCode(error, 'ENOTEMPTY') && !isCode(error, 'EEXIST')) throw error;
    }
  }
  throw new Error(`${dist} is being replaced by someone else all the time`);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
