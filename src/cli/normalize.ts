/** `normalize`: what a body would become. Stores nothing and needs no database. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { settingsSchema } from '../intake/connection-settings.ts';
import type { FetchRequest, Normalized, Portal, PortalDocument } from '../portals/contract.ts';
import { type CanonicalEvent, toJsonEvent } from '../portals/events.ts';
import { findPortal } from '../portals/index.ts';
import { collect, type Registration, readPairs } from './command.ts';
import { asJson, CommandFailed, EXIT, wrongUsage } from './terminal.ts';

type NormalizeOptions = {
  readonly header: readonly string[];
  readonly set: readonly string[];
  readonly json?: boolean;
};

type Result = {
  readonly events: readonly Record<string, unknown>[];
  readonly ignored: readonly { readonly reason: string }[];
  readonly quarantined: readonly { readonly reason: string }[];
  readonly fetch: readonly FetchRequest[];
};

export function registerNormalize({ program, terminal, end }: Registration): void {
  program
    .command('normalize')
    .description('Show what a body of a portal would become. Stores nothing.')
    .argument('<portal>', 'see checkvalve portals')
    .argument('<file>', 'the body as it was sent; - reads standard input')
    .option('--header <name: value>', 'a header it came with; repeatable', collect, [])
    .option('--set <key=value>', 'a setting that reading depends on; repeatable', collect, [])
    .option('--json', 'print JSON')
    .action(async (portalId: string, file: string, options: NormalizeOptions) => {
      const portal = findPortal(portalId);
      if (!portal) throw wrongUsage(`"${portalId}" is no portal; see checkvalve portals.`);
      const headers = readHeaders(options.header);
      const settings = settingsFor(portal, readPairs(options.set, '--set'));
      const body = await readBody(file);
      const result = normalizeBody(portal, settings, { headers, body, receivedAt: new Date() });
      terminal.out(options.json ? asJson(result) : describe(result));
      end(EXIT.ok);
    });
}

async function readBody(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    throw wrongUsage(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

function readHeaders(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((header) => {
      const at = header.indexOf(':');
      if (at < 1) throw wrongUsage(`--header takes "Name: value", not "${header}".`);
      return [header.slice(0, at).trim().toLowerCase(), header.slice(at + 1).trim()];
    }),
  );
}

/** What each document in the body becomes, in order. */
function normalizeBody(portal: Portal, settings: unknown, document: PortalDocument): Result {
  const events: Record<string, unknown>[] = [];
  const ignored: { reason: string }[] = [];
  const quarantined: { reason: string }[] = [];
  const fetch: FetchRequest[] = [];
  for (const part of portal.split(document.body, document.headers)) {
    const normalized = normalizePart(portal, settings, { ...document, body: part.body });
    if ('events' in normalized) {
      events.push(...normalized.events);
      fetch.push(...(normalized.fetch ?? []));
    } else if ('ignored' in normalized) ignored.push({ reason: normalized.ignored });
    else if ('quarantined' in normalized) quarantined.push({ reason: normalized.quarantined });
    else fetch.push(...normalized.fetch);
  }
  return { events, ignored, quarantined, fetch };
}

type Shown =
  | Exclude<Normalized, { events: readonly CanonicalEvent[] }>
  | {
      readonly events: readonly Record<string, unknown>[];
      readonly fetch?: readonly FetchRequest[];
    };

/** Whatever `normalize` throws sets the document aside, here as in the books. */
function normalizePart(portal: Portal, settings: unknown, document: PortalDocument): Shown {
  try {
    const normalized = portal.normalize(document, settings);
    return 'events' in normalized
      ? { ...normalized, events: normalized.events.map(toJsonEvent) }
      : normalized;
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

/** Values that fit what settings usually ask for; none of them opens anything. */
const PLACEHOLDERS = [
  'placeholder-placeholder-placeholder',
  'cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItMzI=',
  'whsec_cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItMzI=',
  '00112233445566778899aabbccddeeff',
  'https://placeholder.invalid',
  '00000000-0000-4000-8000-000000000000',
  'UTC',
  'USD',
  '1',
  'true',
];

/** Settings for reading: those given, and harmless placeholders for whatever else is required. */
function settingsFor(portal: Portal, given: Readonly<Record<string, string>>): unknown {
  const { properties } = settingsSchema(portal);
  for (const field of Object.keys(given)) {
    if (!(field in properties)) {
      const known = Object.keys(properties).join(', ');
      throw wrongUsage(`${field} is no setting of ${portal.name}; it has ${known}.`);
    }
  }
  const settings: Record<string, string> = { ...given };
  const invented: string[] = [];
  for (const field of failingFields(portal, settings)) {
    if (field in given) continue;
    const choices = (properties[field] as { enum?: readonly string[] } | undefined)?.enum ?? [];
    const fitting = [...choices, ...PLACEHOLDERS].find(
      (value) => !failingFields(portal, { ...settings, [field]: value }).has(field),
    );
    if (fitting === undefined) continue;
    settings[field] = fitting;
    if (!properties[field]?.secret) invented.push(field);
  }
  const result = portal.settings.safeParse(settings);
  if (result.success) {
    // An account that was not named is no account to be told from others: reading must not compare with it.
    const known = Object.entries(result.data as object).filter(
      ([field]) => !invented.includes(field),
    );
    return Object.fromEntries(known);
  }
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new CommandFailed(`Reading needs settings by --set. ${problems.join('; ')}`, EXIT.usage);
}

function failingFields(portal: Portal, settings: Record<string, string>): ReadonlySet<string> {
  const result = portal.settings.safeParse(settings);
  return new Set(result.success ? [] : result.error.issues.map(({ path }) => String(path[0])));
}

function describe({ events, ignored, quarantined, fetch }: Result): string {
  const lines = [
    ...events.map((event) => {
      const { type, externalPaymentId, amountMinor, currency, occurredAt } = event;
      const amount = currency === 'XXX' ? '' : ` ${amountMinor} ${currency} (minor units)`;
      return `event        ${type} ${externalPaymentId ?? ''}${amount} at ${occurredAt}`;
    }),
    ...ignored.map(({ reason }) => `ignored      ${reason}`),
    ...quarantined.map(({ reason }) => `quarantined  ${reason}`),
    ...fetch.map(({ entity, id }) => `to fetch     ${entity} ${id}`),
  ];
  return lines.length === 0 ? 'Nothing: the body holds no document.' : lines.join('\n');
}
