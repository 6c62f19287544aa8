/** The embedded database's files: where they are, and making them. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, realpath, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readIfPresent, writeWhole } from './data-directory.ts';
import {
  type Account,
  type Binaries,
  canEnter,
  makeSystemDirectory,
  programOptions,
  SYSTEM_DIRECTORY,
} from './postgres-binaries.ts';

const execute = promisify(execFile);

/** PostgreSQL's own administrator and our database have the product's name. */
export const DATABASE_NAME = 'checkvalve';
const RECORD = 'postgres.json';
/** Beside a cluster outside the data directory: the data directory it belongs to. */
const OWNER = 'belongs-to';

const recordSchema = z.object({
  /** `creating` until initdb has finished; what is then found half made is thrown away. */
  state: z.enum(['creating', 'ready']),
  /** Relative when inside the data directory, which may then be moved or copied as a whole. */
  directory: z.string(),
  password: z.string(),
  /** The port of the last start, taken again when it is free. */
  port: z.number().int().optional(),
});

type ClusterRecord = Readonly<z.infer<typeof recordSchema>>;
export type Cluster = ClusterRecord & {
  /** Whom the files belong to and who therefore runs the server. */
  readonly account: Account;
};

/** What `<dataDirectory>/postgres.json` says; undefined before the first start. */
export async function readClusterRecord(dataDirectory: string): Promise<ClusterRecord | undefined> {
  const path = join(dataDirectory, RECORD);
  let text: string | undefined;
  try {
    text = await readIfPresent(path);
  } catch (cause) {
    throw new Error(`${path} cannot be read; run this as the user that started Checkvalve.`, {
      cause,
    });
  }
  if (text === undefined) return undefined;
  try {
    const record = recordSchema.parse(JSON.parse(text));
    return { ...record, directory: resolve(await realpath(dataDirectory), record.directory) };
  } catch (cause) {
    throw new Error(
      `${path} is damaged. It names the database's directory and password; restore it from a backup.`,
      { cause },
    );
  }
}

/** Remembers the port, so that a restart keeps it. */
export async function recordPort(dataDirectory: string, cluster: Cluster, port: number) {
  if (cluster.port === port) return;
  const { state, directory, password } = cluster;
  await writeRecord(dataDirectory, { state, directory, password, port });
}

async function writeRecord(dataDirectory: string, record: ClusterRecord): Promise<void> {
  const path = relative(await realpath(dataDirectory), record.directory);
  const directory = path.startsWith('..') ? record.directory : path;
  await writeWhole(join(dataDirectory, RECORD), JSON.stringify({ ...record, directory }));
}

/** Who owns the existing files, else `fallback`: root may start a server whose files are a user's. */
export async function accountOf(dataDirectory: string, fallback: Account): Promise<Account> {
  const record = await readClusterRecord(dataDirectory);
  if (record?.state !== 'ready' || !fallback) return fallback;
  const files = await stat(record.directory).catch(() => undefined);
  return files && files.uid !== 0 ? { uid: files.uid, gid: files.gid } : fallback;
}

/**
 * Opens the data directory's cluster, or makes one on the first start.
 * @throws when the files are missing, belong to another data directory, or are of another major version;
 * books are never silently begun anew
 */
export async function prepareCluster(
  dataDirectory: string,
  programs: { readonly binaries: Binaries; readonly account: Account },
): Promise<Cluster> {
  const record = await readClusterRecord(dataDirectory);
  if (record?.state === 'ready') {
    await checkCluster(dataDirectory, record.directory, programs.binaries);
    return { ...record, account: programs.account };
  }
  if (record) await rm(record.directory, { recursive: true, force: true });
  return createCluster(dataDirectory, programs);
}

async function checkCluster(dataDirectory: string, directory: string, binaries: Binaries) {
  const version = (await readIfPresent(join(directory, 'PG_VERSION')))?.trim();
  if (version === undefined) {
    throw new Error(
      `The database of ${dataDirectory} should be in ${directory}, but is not there. Restore it; ` +
        `or, to begin with empty books, delete ${join(dataDirectory, RECORD)}.`,
    );
  }
  if (version !== binaries.majorVersion) {
    throw new Error(
      `The database in ${directory} was written by PostgreSQL ${version}, but ${binaries.majorVersion} is ` +
        'installed. Start the version of Checkvalve that wrote it, or move the data with pg_dump.',
    );
  }
  const owner = (await readIfPresent(join(dirname(directory), OWNER)))?.trim();
  if (owner === undefined || owner === (await realpath(dataDirectory))) return;
  if ((await readClusterRecord(owner).catch(() => undefined))?.directory === directory) {
    throw new Error(
      `${dataDirectory} is a copy of ${owner}: both name the database in ${directory}. ` +
        `Delete ${join(dataDirectory, RECORD)} to begin with empty books, or use the original.`,
    );
  }
  // The data directory was moved.
  await writeWhole(join(dirname(directory), OWNER), await realpath(dataDirectory));
}

async function createCluster(
  dataDirectory: string,
  { binaries, account }: { readonly binaries: Binaries; readonly account: Account },
): Promise<Cluster> {
  const parent = await chooseParent(dataDirectory, account);
  const record = {
    state: 'creating' as const,
    directory: join(parent, 'postgres'),
    password: randomBytes(24).toString('hex'),
  };
  await writeRecord(dataDirectory, record);
  await rm(record.directory, { recursive: true, force: true });
  await mkdir(record.directory, { mode: 0o700 });
  const passwordFile = join(parent, `password-${crypto.randomUUID()}`);
  try {
    await writeFile(passwordFile, record.password, { mode: 0o600 });
    if (account) {
      await chown(record.directory, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    await runInitdb(binaries, account, { directory: record.directory, passwordFile });
  } finally {
    await unlink(passwordFile);
  }
  const ready = { ...record, state: 'ready' as const };
  await writeRecord(dataDirectory, ready);
  return { ...ready, account };
}

/** Inside the data directory, unless PostgreSQL's user cannot get there. Free of links: see isPostmasterOf. */
async function chooseParent(dataDirectory: string, account: Account): Promise<string> {
  const inside = await realpath(dataDirectory);
  if (!account || (await canEnter(account, inside))) return inside;
  await makeSystemDirectory();
  const outside = join(SYSTEM_DIRECTORY, `data-${randomBytes(8).toString('hex')}`);
  await mkdir(outside);
  await chmod(outside, 0o711);
  await writeWhole(join(outside, OWNER), inside);
  return outside;
}

async function runInitdb(
  binaries: Binaries,
  account: Account,
  { directory, passwordFile }: { readonly directory: string; readonly passwordFile: string },
): Promise<void> {
  // The built-in locale sorts alike on every machine: an index never depends on the system's libraries.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = [
    '--auth=scram-sha-256',
    `--username=${DATABASE_NAME}`,
    `--pwfile=${passwordFile}`,
  ];
  const files = [
    `--pgdata=${directory}`,
    '--encoding=UTF8',
    '--data-checksums',
    '--no-instructions',
  ];
  try {
    await execute(binaries.initdb, [...files, ...locale, ...access], programOptions(account));
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new Error(
      `The database could not be made in ${directory}: ${(stderr || message).trim()}`,
      {
        cause,
      },
    );
  }
}
