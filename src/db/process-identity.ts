/** Which process a pid means: pids are used again, so a process is its pid and the moment it started. */
import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export type ProcessIdentity = { readonly pid: number; readonly startMark: string };

/** The process that has this pid now; undefined when there is none, or it has ended and only waits to be reaped. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startMark =
    process.platform === 'linux' ? await linuxStart(pid) : await psColumn(pid, 'lstart');
  return startMark === undefined ? undefined : { pid, startMark };
}

/** True while exactly this process lives. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startMark === identity.startMark;
}

/** True when the process is the PostgreSQL server of this directory (a real path, free of links). */
export async function isPostmasterOf(pid: number, clusterDirectory: string): Promise<boolean> {
  if (process.platform !== 'linux') {
    return ((await psColumn(pid, 'command')) ?? '').includes(`-D ${clusterDirectory}`);
  }
  try {
    // A postmaster works in its data directory, however it was started.
    const directory = await readlink(`/proc/${pid}/cwd`);
    const [program = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    return directory === clusterDirectory && basename(program) === 'postgres';
  } catch {
    // Gone, or a process of another user and so not a server that we started.
    return false;
  }
}

/** Waits until the process has ended; false when it still lives after `timeoutMs`. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

async function linuxStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${bootId.trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

async function psColumn(pid: number, column: 'lstart' | 'command'): Promise<string | undefined> {
  try {
    return (await execute('ps', ['-ww', '-o', `${column}=`, '-p', `${pid}`])).stdout.trim();
  } catch {
    return undefined;
  }
}
