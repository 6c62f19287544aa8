/** A real server in a process of its own, which can be killed at any moment and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LISTENS = /listens on (http:\/\/\S+)/;
const START_MS = 60_000;
const KEPT_OUTPUT = 8_000;

export type CommandSettings = {
  /** `--data DIR` or `--database-url URL`. */
  readonly where: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

export type ServerProcess = {
  /** The address of the server that runs now; undefined while it is down. */
  url(): string | undefined;
  start(): Promise<void>;
  /** `kill -9`; resolves once the process is gone. */
  kill(): Promise<void>;
};

/** Without a port it listens on another one each time it starts. */
export function serverProcess(settings: CommandSettings, port = 0): ServerProcess {
  let child: ChildProcess | undefined;
  let url: string | undefined;
  return {
    url: () => url,
    start: async () => {
      child = run(['start', '--port', String(port), ...settings.where], settings.environment);
      url = await listening(child);
    },
    kill: async () => {
      url = undefined;
      const running = child;
      child = undefined;
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const gone = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await gone;
    },
  };
}

/** Runs a command to its end. */
export async function runCommand(
  words: readonly string[],
  { where, environment }: CommandSettings,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = run([...words, ...where], environment);
  const output = collect(child);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output: output() };
}

function run(words: readonly string[], environment: CommandSettings['environment']): ChildProcess {
  return spawn(process.execPath, [`${ROOT}src/main.ts`, ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  });
}

function collect(child: ChildProcess): () => string {
  let output = '';
  const add = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => output;
}

function listening(child: ChildProcess): Promise<string> {
  const output = collect(child);
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`the server ${why}:\n${output()}`));
    };
    const timer = setTimeout(() => fail('did not start in time'), START_MS);
    const ended = () => fail('ended while it started');
    child.once('exit', ended);
    child.stdout?.on('data', () => {
      const found = LISTENS.exec(output())?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      child.off('exit', ended);
      resolve(found);
    });
  });
}
