/** The command line: every command, its help, and honest exit codes. */
import { Command, CommanderError } from 'commander';
import { InvalidConfig } from '../config.ts';
import { InvalidSettings } from '../intake/connection-settings.ts';
import { registerApiKeys } from './api-keys.ts';
import { registerBooks } from './books.ts';
import { registerChange } from './change.ts';
import { registerConnections } from './connections.ts';
import { registerDoctor } from './doctor.ts';
import { registerExport } from './export.ts';
import { registerImport } from './import.ts';
import { registerImportFiles } from './import-files.ts';
import { registerNormalize } from './normalize.ts';
import { registerPortals } from './portals.ts';
import { registerQueue } from './queue.ts';
import { registerStart } from './start.ts';
import { CommandFailed, EXIT, type ExitCode, processTerminal, type Terminal } from './terminal.ts';
import { registerUpload } from './upload.ts';

/** The program with all its commands; `end` is told the exit code of the command that ran. */
export function createCli(
  terminal: Terminal = processTerminal,
  end: (code: ExitCode) => void = () => {},
): Command {
  const program = new Command('checkvalve')
    .description('Takes payments from every portal into balanced books and released work.')
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .configureOutput({
      writeOut: (text) => terminal.out(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.remark(text.replace(/\n$/, '')),
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a check failed or a thing does not exist, 2 wrong usage.',
    );
  const registration = { program, terminal, end };
  registerStart(registration);
  registerPortals(registration);
  registerConnections(registration);
  registerChange(registration);
  registerNormalize(registration);
  registerApiKeys(registration);
  registerImport(registration);
  registerUpload(registration);
  registerImportFiles(registration);
  registerQueue(registration);
  registerBooks(registration);
  registerExport(registration);
  registerDoctor(registration);
  return program;
}

/** Runs the command that `argv` (as `process.argv`) names and returns its exit code. */
export async function runCli(
  argv: readonly string[],
  terminal: Terminal = processTerminal,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createCli(terminal, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    return explain(error, terminal);
  }
}

function explain(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandFailed) {
    terminal.remark(error.message);
    return error.exitCode;
  }
  if (error instanceof InvalidConfig || error instanceof InvalidSettings) {
    const lines =
      error instanceof InvalidConfig
        ? error.problems
        : error.fields.map(({ field, message }) => `${field}: ${message}`);
    for (const line of lines) terminal.remark(line);
    return EXIT.usage;
  }
  terminal.remark(sentenceOf(error));
  return EXIT.failed;
}

function sentenceOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return `The database cannot be reached (${code}). Is it running, and is DATABASE_URL right?`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return message || `It failed without a word${code === undefined ? '' : ` (${code})`}.`;
}
