/** Everything that can be set from outside, read once, validated and frozen. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type MasterKey, parseMasterKeys } from './master-keys.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Config = {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** Below it each connection whose portal has files has a folder. */
  readonly filesDirectory: string;
  /** Absent: the embedded PostgreSQL inside `dataDirectory`. */
  readonly databaseUrl: string | undefined;
  /** Where portals reach us, without a trailing slash; webhook URLs begin with it. */
  readonly publicUrl: string;
  /** False when `publicUrl` is only guessed from the port. */
  readonly publicUrlGiven: boolean;
  /** From the environment, the first is current; undefined means `<dataDirectory>/master.key`. */
  readonly masterKeys: readonly MasterKey[] | undefined;
  readonly logLevel: LogLevel;
  readonly bodyLimitBytes: number;
  /** Per connection. */
  readonly webhookRequestsPerSecond: number;
  /** Whether deliveries and portal calls may go to loopback and private networks. */
  readonly allowPrivateTargets: boolean;
};

/** Options of the command line, as text; an option wins over its variable. */
export type Options = {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly files?: string;
  readonly databaseUrl?: string;
  readonly publicUrl?: string;
};

/** A setting that cannot be used; `problems` are sentences that name the setting and the form it needs. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

function wholeNumber({ from, to }: { readonly from: number; readonly to: number }) {
  const form = `must be a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, form)
    .transform(Number)
    .refine((number) => number >= from && number <= to, form);
}

function urlOf(protocols: readonly string[], example: string) {
  const form = `must be a URL such as ${example}`;
  return z
    .string()
    .refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), form);
}

const schema = z.object({
  host: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be an address to listen on, such as 127.0.0.1 or 0.0.0.0')
    .default('127.0.0.1'),
  port: wholeNumber({ from: 0, to: 65_535 }).default(4870),
  data: z
    .string()
    .default('data')
    // A relative default belongs to the repository; a directory that a person names, to where they stand.
    .transform((path) => (path === 'data' ? resolve(REPOSITORY, path) : resolve(path))),
  files: z
    .string()
    .transform((path) => resolve(path))
    .optional(),
  databaseUrl: urlOf(
    ['postgres:', 'postgresql:'],
    'postgres://user:password@host:5432/checkvalve',
  ).optional(),
  publicUrl: urlOf(['http:', 'https:'], 'https://payments.example.com')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  masterKey: z
    .string()
    .transform((text, context) => {
      try {
        return parseMasterKeys(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .optional(),
  logLevel: z
    .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` })
    .default('info'),
  bodyLimitBytes: wholeNumber({ from: 1024, to: 64 * 1024 * 1024 }).default(2 * 1024 * 1024),
  webhookRequestsPerSecond: wholeNumber({ from: 1, to: 1_000_000 }).default(5000),
  allowPrivateTargets: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .transform((text) => text === 'true')
    .default(false),
});
type Setting = keyof z.input<typeof schema>;

const VARIABLES: Record<Setting, string> = {
  host: 'CHECKVALVE_HOST',
  port: 'CHECKVALVE_PORT',
  data: 'CHECKVALVE_DATA',
  files: 'CHECKVALVE_FILES_DIR',
  databaseUrl: 'DATABASE_URL',
  publicUrl: 'CHECKVALVE_PUBLIC_URL',
  masterKey: 'CHECKVALVE_MASTER_KEY',
  logLevel: 'CHECKVALVE_LOG_LEVEL',
  bodyLimitBytes: 'CHECKVALVE_BODY_LIMIT_BYTES',
  webhookRequestsPerSecond: 'CHECKVALVE_WEBHOOK_REQUESTS_PER_SECOND',
  allowPrivateTargets: 'CHECKVALVE_ALLOW_PRIVATE_TARGETS',
};

const FLAGS: Record<keyof Options, string> = {
  host: '--host',
  port: '--port',
  data: '--data',
  files: '--files',
  databaseUrl: '--database-url',
  publicUrl: '--public-url',
};

/**
 * The configuration of this process. An empty variable counts as absent, because shells and container files
 * cannot always leave one out.
 * @throws InvalidConfig naming every setting that cannot be used
 */
export function readConfig(source: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly options?: Options;
}): Config {
  const given: Partial<Record<Setting, string>> = {};
  const names = new Map<string, string>();
  for (const [setting, variable] of Object.entries(VARIABLES) as [Setting, string][]) {
    const option = source.options?.[setting as keyof Options];
    const value = option ?? source.environment[variable];
    if (value === undefined || (option === undefined && value === '')) continue;
    given[setting] = value;
    names.set(setting, option === undefined ? variable : FLAGS[setting as keyof Options]);
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw new InvalidConfig(
      parsed.error.issues.map((issue) => `${names.get(String(issue.path[0]))} ${issue.message}.`),
    );
  }
  const { data, files, masterKey, publicUrl, databaseUrl, ...rest } = parsed.data;
  return Object.freeze({
    ...rest,
    dataDirectory: data,
    filesDirectory: files ?? join(data, 'files'),
    databaseUrl,
    publicUrl: publicUrl ?? `http://localhost:${rest.port}`,
    publicUrlGiven: publicUrl !== undefined,
    masterKeys: masterKey,
  });
}
