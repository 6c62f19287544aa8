/** `connect`, `connections` and `sync`. */

import { type ConnectionJson, readConnections, webhookUrl } from '../api/json/connection.ts';
import type { App } from '../app.ts';
import { sql } from '../db/database.ts';
import { recordAudit } from '../intake/audit.ts';
import { createConnection } from '../intake/connections.ts';
import { ConsentRefused } from '../intake/consent.ts';
import { requestSync } from '../intake/test-connection.ts';
import { findPortal } from '../portals/index.ts';
import { askInBrowser, consentSentence } from './change.ts';
import {
  addBooksOptions,
  type BooksOptions,
  collect,
  commandLineActor,
  type Registration,
  readPairs,
  withBooks,
} from './command.ts';
import { asJson, asTable, CommandFailed, EXIT, wrongUsage } from './terminal.ts';

type ConnectOptions = BooksOptions & {
  readonly name: string;
  readonly role: string;
  readonly set: readonly string[];
};

export function registerConnections(registration: Registration): void {
  registerConnect(registration);
  const { program, terminal, end } = registration;

  addBooksOptions(program.command('connections'))
    .description('List the connections and how they fare.')
    .action(async (options: BooksOptions) => {
      const rows = await withBooks(terminal, options, (app, organizationId) =>
        readConnections(app.database, {
          organizationId,
          condition: sql`true`,
          publicUrl: app.config.publicUrl,
        }),
      );
      if (options.json) terminal.out(asJson(rows));
      else if (rows.length === 0) terminal.out('There is no connection yet: checkvalve connect.');
      else {
        terminal.out(
          asTable(
            ['id', 'portal', 'name', 'role', 'state', 'last received', 'webhook URL'],
            rows.map(({ id, portal, name, role, health, ...row }) => [
              id,
              portal,
              name,
              role,
              health.state,
              health.lastReceivedAt ?? 'never',
              row.webhookUrl ?? '-',
            ]),
          ),
        );
      }
      end(EXIT.ok);
    });

  addBooksOptions(program.command('sync'))
    .description('Pull a connection now instead of at its time. Duplicates are free.')
    .argument('<connection>', 'its id, con_…')
    .option('--since <instant>', 'everything from then on again, such as 2026-11-01T00:00:00Z')
    .option('--wait', 'show how far it has come until it is done')
    .action(async (id: string, options: BooksOptions & { since?: string; wait?: boolean }) => {
      const since = options.since === undefined ? undefined : new Date(options.since);
      if (since && Number.isNaN(since.getTime())) {
        throw wrongUsage(`--since takes an instant such as 2026-11-01T00:00:00Z.`);
      }
      const pull = await withBooks(terminal, options, async (app, organizationId) => {
        const requestedAt = app.now();
        await requestSync(app, organizationId, id, since);
        await recordAudit(app.database, {
          organizationId,
          actor: commandLineActor(terminal.environment),
          verb: 'connection.sync-requested',
          subject: id,
          details: { since: options.since ?? null },
        });
        return options.wait
          ? watchPull(app, { organizationId, id, requestedAt, tell: terminal.remark })
          : undefined;
      });
      if (options.json) terminal.out(asJson({ id, status: pull ? 'done' : 'queued', ...pull }));
      else if (pull)
        terminal.out(`${id} is read: ${pull.documents} documents in ${pull.pages} pages.`);
      else terminal.out(`${id} is pulled as soon as the server is free to do it.`);
      end(EXIT.ok);
    });
}

const LOOK_MS = 1_000;
/** A portal may ask for patience this long; without a server nothing would ever happen. */
const STANDSTILL_MS = 300_000;

type Pull = NonNullable<ConnectionJson['pull']>;

/** Tells how far the pull has come, each time it has come further, until a run that began later has ended. */
async function watchPull(
  app: App,
  watched: {
    readonly organizationId: number;
    readonly id: string;
    readonly requestedAt: Date;
    readonly tell: (line: string) => void;
  },
): Promise<Pull> {
  const { organizationId, id, requestedAt, tell } = watched;
  let told = '';
  let movedAt = Date.now();
  for (;;) {
    const [connection] = await readConnections(app.database, {
      organizationId,
      condition: sql`c.id = ${id}`,
      publicUrl: app.config.publicUrl,
    });
    const pull = connection?.pull;
    if (!connection?.enabled) throw new CommandFailed(`${id} is switched off.`);
    if (pull?.finishedAt && pull.finishedAt >= requestedAt.toISOString()) return pull;
    const { reauthorizeSince, lastError } = connection.health;
    if (reauthorizeSince) throw new CommandFailed(`${id} must be connected again: ${lastError}`);
    const upTo = pull?.reachedAt ? `, up to ${pull.reachedAt}` : '';
    const line = `${pull?.pages ?? 0} pages, ${pull?.documents ?? 0} documents${upTo}`;
    if (line !== told) {
      tell(line);
      movedAt = Date.now();
    } else if (Date.now() - movedAt > STANDSTILL_MS) {
      const why = lastError ? `the last failed call: ${lastError}` : 'is the server running?';
      throw new CommandFailed(`${id} has not come further for five minutes; ${why}`);
    }
    told = line;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function registerConnect({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('connect'))
    .description('Connect an account of a portal; prints the id and the webhook URL.')
    .argument('<portal>', 'see checkvalve portals')
    .requiredOption('--name <name>', 'what people call it')
    .option('--role <role>', 'source (its payments are money) or books', 'source')
    .option('--set <key=value>', 'a setting, in the words of the portal; repeatable', collect, [])
    .action(async (portal: string, options: ConnectOptions) => {
      const { name, role } = options;
      if (role !== 'source' && role !== 'books') throw wrongUsage('--role is source or books.');
      if (!findPortal(portal)) {
        throw new CommandFailed(`"${portal}" is no portal; see checkvalve portals.`, EXIT.usage);
      }
      const settings = readPairs(options.set, '--set');
      const made = await withBooks(terminal, options, async (app, organizationId) => {
        const actor = commandLineActor(terminal.environment);
        const input = { organizationId, portal, name, role, settings, actor } as const;
        const { id } = await createConnection(app, input);
        const { publicUrl } = app.config;
        const subject = { organizationId, connectionId: id, actor };
        const consent = await askInBrowser(app, subject).catch(notAsked);
        return {
          id,
          webhookUrl: webhookUrl(publicUrl, { portal, id }),
          ...(consent ? { consentUrl: consent.url } : {}),
        };
      });
      if (options.json) terminal.out(asJson(made));
      else {
        terminal.out(`${name} is connected as ${made.id}.`);
        if (made.webhookUrl) terminal.out(`Let ${portal} send its webhooks to ${made.webhookUrl}`);
        if (made.consentUrl) terminal.out(consentSentence(made.consentUrl));
      }
      end(EXIT.ok);
    });
}

/** Many portals, and some settings of the others, need nobody's consent. */
function notAsked(error: unknown): undefined {
  if (!(error instanceof ConsentRefused)) throw error;
}
