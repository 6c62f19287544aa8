/** `normalize`: what a body would become. Stores nothing and needs no database. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { settingsToTry, type Tried, tryBody } from '../intake/try-body.ts';
import { findPortal } from '../portals/index.ts';
import { collect, type Registration, readPairs } from './command.ts';
import { asJson, EXIT, wrongUsage } from './terminal.ts';

type NormalizeOptions = {
  readonly header: readonly string[];
  readonly set: readonly string[];
  readonly json?: boolean;
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
      const settings = settingsToTry(portal, readPairs(options.set, '--set'));
      const body = await readBody(file);
      const result = tryBody(portal, settings, { headers, body, receivedAt: new Date() });
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

function describe({ events, ignored, quarantined, fetch }: Tried): string {
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
