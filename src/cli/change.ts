/** `change` and `consent`: what a person does to a connection that is there already. */
import { CONSENT_PATH } from '../api/consent.ts';
import type { App } from '../app.ts';
import { sql } from '../db/database.ts';
import { updateConnection } from '../intake/connections.ts';
import { askForConsent, ConsentRefused } from '../intake/consent.ts';
import {
  addBooksOptions,
  type BooksOptions,
  collect,
  commandLineActor,
  type Registration,
  readPairs,
  withBooks,
} from './command.ts';
import { asJson, CommandFailed, EXIT, wrongUsage } from './terminal.ts';

type ChangeOptions = BooksOptions & {
  readonly name?: string;
  readonly set: readonly string[];
  readonly on?: boolean;
  readonly off?: boolean;
};

export function registerChange({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('change'))
    .description('Change a connection; settings that are not given stay as they are.')
    .argument('<connection>', 'its id, con_…')
    .option('--name <name>', 'what people call it')
    .option('--set <key=value>', 'a setting, in the words of the portal; repeatable', collect, [])
    .option('--on', 'take in what it sends and pull it')
    .option('--off', 'leave it alone; its documents stay')
    .action(async (id: string, options: ChangeOptions) => {
      const { name, on, off } = options;
      if (on && off) throw wrongUsage('--on and --off exclude each other.');
      const changes = {
        ...(name === undefined ? {} : { name }),
        ...(on || off ? { enabled: on === true } : {}),
        ...(options.set.length > 0 ? { settings: readPairs(options.set, '--set') } : {}),
      };
      const changed = Object.keys(changes);
      if (changed.length === 0) throw wrongUsage('Say what to change; --help says how.');
      await withBooks(terminal, options, async (app, organizationId) => {
        await requireConnection(app, organizationId, id);
        const actor = commandLineActor(terminal.environment);
        await updateConnection(app, { organizationId, id, actor, ...changes });
      });
      terminal.out(options.json ? asJson({ id, changed }) : `${id} is changed.`);
      end(EXIT.ok);
    });

  addBooksOptions(program.command('consent'))
    .description('The address of the portal’s page on which a person lets us in, once more.')
    .argument('<connection>', 'its id, con_…')
    .action(async (id: string, options: BooksOptions) => {
      const asked = await withBooks(terminal, options, async (app, organizationId) => {
        await requireConnection(app, organizationId, id);
        const actor = commandLineActor(terminal.environment);
        return askInBrowser(app, { organizationId, connectionId: id, actor }).catch((error) => {
          throw error instanceof ConsentRefused ? new CommandFailed(error.message) : error;
        });
      });
      const expiresAt = asked.expiresAt.toISOString();
      if (options.json) terminal.out(asJson({ id, consentUrl: asked.url, expiresAt }));
      else terminal.out(consentSentence(asked.url));
      end(EXIT.ok);
    });
}

/** What to open in the browser, and where it leads back to. */
export function askInBrowser(
  app: App,
  input: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly actor: string;
  },
): Promise<{ readonly url: string; readonly expiresAt: Date }> {
  return askForConsent(app, { ...input, redirectUri: `${app.config.publicUrl}${CONSENT_PATH}` });
}

export function consentSentence(url: string): string {
  return `Let Checkvalve in, within a quarter of an hour: ${url}`;
}

async function requireConnection(app: App, organizationId: number, id: string): Promise<void> {
  const [known] = await app.database.query(
    sql`select from connections where organization_id = ${organizationId} and id = ${id}`,
  );
  if (!known) throw new CommandFailed(`Connection ${id} does not exist.`);
}
