/** `api-key create`. */
import { ROLES, type Role } from '../api/access.ts';
import { createApiKey } from '../api/api-keys.ts';
import {
  addBooksOptions,
  type BooksOptions,
  commandLineActor,
  type Registration,
  withBooks,
} from './command.ts';
import { asJson, EXIT, wrongUsage } from './terminal.ts';

export function registerApiKeys({ program, terminal, end }: Registration): void {
  const keys = program.command('api-key').description('Keys for the API and the console.');
  addBooksOptions(keys.command('create'))
    .description('Make an API key. It is shown once and stored only as a hash.')
    .requiredOption('--name <name>', 'who or what uses it')
    .requiredOption('--role <role>', ROLES.join(', '))
    .action(async (options: BooksOptions & { name: string; role: string }) => {
      const role = ROLES.find((one): one is Role => one === options.role);
      if (!role) throw wrongUsage(`--role is one of ${ROLES.join(', ')}.`);
      if (options.name.trim() === '') throw wrongUsage('--name must not be blank.');
      const made = await withBooks(terminal, options, (app, organizationId) =>
        createApiKey(app.database, {
          organizationId,
          name: options.name,
          role,
          actor: commandLineActor(terminal.environment),
        }),
      );
      if (options.json) terminal.out(asJson(made));
      else {
        terminal.out(made.key);
        terminal.remark(`This is ${made.id} (${role}). Keep it: it cannot be shown again.`);
      }
      end(EXIT.ok);
    });
}
