/** Where a command speaks: answers on one side, remarks on the other, and how it ends. */

export type Terminal = {
  /** The answer: what a script reads. */
  out(text: string): void;
  /** Remarks and progress, which never mix with the answer. */
  remark(text: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a person watches the remarks. */
  readonly watched: boolean;
};

export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  remark: (text) => void process.stderr.write(`${text}\n`),
  environment: process.env,
  watched: process.stderr.isTTY === true,
};

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a sentence for the person. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command was not used as its help says. */
export function wrongUsage(message: string): CommandFailed {
  return new CommandFailed(message, EXIT.usage);
}

/** JSON for scripts; a bigint is an exact string. */
export function asJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner),
    2,
  );
}

/** Rows in columns as wide as their widest cell. */
export function asTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [heads, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}
