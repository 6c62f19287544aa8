/** What commands share: their options, the open application, and the organization they work in. */
import { type Command, InvalidArgumentError } from 'commander';
import { type App, openApp } from '../app.ts';
import { type Config, type Options, readConfig } from '../config.ts';
import { sql } from '../db/database.ts';
import { createLog } from '../log.ts';
import { CommandFailed, type ExitCode, type Terminal } from './terminal.ts';

/** A command's work; what it returns is the exit code. */
export type Run<Input extends readonly unknown[]> = (...input: Input) => Promise<ExitCode>;

/** Registers commands on `program`; `end` is told the exit code of the one that ran. */
export type Registration = {
  readonly program: Command;
  readonly terminal: Terminal;
  end(code: ExitCode): void;
};

export type BooksOptions = Options & {
  readonly organization: number;
  readonly json?: boolean;
};

export function addConfigOptions(command: Command): Command {
  return command
    .option('--data <directory>', 'where the embedded database and the master key live')
    .option('--files <directory>', 'where the folders of connections with files lie (<data>/files)')
    .option('--database-url <url>', 'a PostgreSQL of your own instead of the embedded one');
}

/** Options of every command that works on the books. */
export function addBooksOptions(command: Command): Command {
  return addConfigOptions(command)
    .option('--organization <number>', 'the organization to work in', wholeNumber, 1)
    .option('--json', 'print JSON');
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** `key=value` pairs as an object. */
export function readPairs(pairs: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CommandFailed(`${option} takes key=value, not "${pair}".`, 2);
      return [pair.slice(0, at).trim(), pair.slice(at + 1)];
    }),
  );
}

/** The configuration from the environment and the options given. */
export function configOf(terminal: Terminal, options: Options): Config {
  return readConfig({ environment: terminal.environment, options });
}

/** Opens the books for the time of `work`; it applies nothing itself, a running server does. */
export async function withBooks<Result>(
  terminal: Terminal,
  options: BooksOptions,
  work: (app: App, organizationId: number) => Promise<Result>,
): Promise<Result> {
  const config = configOf(terminal, options);
  // What a server logs at start is noise around a command's answer.
  const log = createLog({ logLevel: terminal.environment.CHECKVALVE_LOG_LEVEL || 'warn' });
  const app = await openApp(config, { work: false, log });
  try {
    const [known] = await app.database.query(sql`
      select from organizations where organization_id = ${options.organization}`);
    if (!known) throw new CommandFailed(`Organization ${options.organization} does not exist.`);
    return await work(app, options.organization);
  } finally {
    await app.close();
  }
}

/** Who is named as the actor of what the command line changes. */
export function commandLineActor(environment: Terminal['environment']): string {
  return `${environment.SUDO_USER ?? environment.USER ?? 'someone'} (command line)`;
}
