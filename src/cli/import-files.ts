/** `import-files`: what was written for people to import into their books, to be listed, cut and taken. */
import { open } from 'node:fs/promises';
import { type ImportFileJson, readImportFiles } from '../api/json/import-file.ts';
import type { App } from '../app.ts';
import { empty, sql } from '../db/database.ts';
import {
  downloadImportFile,
  NoImportFile,
  requestImportFile,
} from '../delivery/fetch-import-file.ts';
import { goesByFile } from '../delivery/plan-by-file.ts';
import { loadConnection } from '../intake/connections.ts';
import {
  addBooksOptions,
  type BooksOptions,
  commandLineActor,
  type Registration,
  wholeNumber,
  withBooks,
} from './command.ts';
import { asJson, asTable, CommandFailed, EXIT, type Terminal, wrongUsage } from './terminal.ts';

type ImportFilesOptions = BooksOptions & {
  readonly system?: string;
  readonly cut?: boolean;
  readonly download?: string;
  readonly to?: string;
  readonly limit: number;
};

export function registerImportFiles({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('import-files'))
    .description('List the files for people to import into their books, the newest first.')
    .option(
      '--system <id>',
      'the books they are for, sys_…; needed by --cut where several take files',
    )
    .option('--cut', 'write what waits into a file now')
    .option('--download <name>', 'take one away; import it once')
    .option('--to <path>', 'where to put it (its name, here)')
    .option('--limit <number>', 'how many to show', wholeNumber, 50)
    .action(async (options: ImportFilesOptions) => {
      const { cut, download, to } = options;
      if (cut && download !== undefined) throw wrongUsage('--cut or --download, not both.');
      if (to !== undefined && download === undefined) throw wrongUsage('--to needs --download.');
      await withBooks(terminal, options, async (app, organizationId) => {
        const asked = { app, organizationId, options, terminal };
        if (download !== undefined) await take(asked, download);
        else if (cut) await cutNow(asked);
        else await list(asked);
      });
      end(EXIT.ok);
    });
}

type Asked = {
  readonly app: App;
  readonly organizationId: number;
  readonly options: ImportFilesOptions;
  readonly terminal: Terminal;
};

async function list({ app, organizationId, options, terminal }: Asked): Promise<void> {
  const { system, limit, json } = options;
  const condition = sql`true ${system === undefined ? empty : sql`and f.system_id = ${system}`}`;
  const files = await readImportFiles(app.database, { organizationId, condition, limit });
  const shown = files.map((file) => file.json);
  if (json) terminal.out(asJson(shown));
  else if (shown.length === 0) terminal.out('No import file has been written.');
  else {
    const heads = ['name', 'system', 'entries', 'seen in the books', 'downloaded'];
    terminal.out(asTable(heads, shown.map(rowOf)));
  }
}

function rowOf(file: ImportFileJson): readonly string[] {
  const { name, systemId, entries, seen, firstDownloadedAt } = file;
  return [name, systemId, String(entries.length), String(seen), firstDownloadedAt ?? 'never'];
}

async function cutNow({ app, organizationId, options, terminal }: Asked): Promise<void> {
  const systemId = options.system ?? (await onlySystem(app, organizationId));
  const actor = commandLineActor(terminal.environment);
  const { id, name } = await requestImportFile(app, { organizationId, systemId, actor }).catch(
    (error: Error) => {
      throw error instanceof NoImportFile ? new CommandFailed(error.message) : error;
    },
  );
  const condition = sql`f.id = ${id}`;
  const [file] = await readImportFiles(app.database, { organizationId, condition });
  if (options.json) terminal.out(asJson(file?.json));
  else terminal.out(`${name} is written: checkvalve import-files --download ${name}`);
}

async function onlySystem(app: App, organizationId: number): Promise<string> {
  const books = await app.database.query<{ id: string; connectionId: string }>(sql`
    select id, connection_id as "connectionId" from systems
    where organization_id = ${organizationId} and kind = 'books' and enabled order by id`);
  const found: string[] = [];
  for (const { id, connectionId } of books) {
    const connection = await loadConnection(app, connectionId, organizationId);
    if (connection && goesByFile(connection.portal, connection.settings)) found.push(id);
  }
  const [only, ...others] = found;
  if (only === undefined) throw new CommandFailed('No books here take import files.');
  if (others.length > 0) throw wrongUsage(`Say which by --system: ${found.join(', ')}.`);
  return only;
}

async function take(asked: Asked, name: string): Promise<void> {
  const { app, organizationId, options, terminal } = asked;
  const { system } = options;
  const condition = sql`f.name = ${name}
    ${system === undefined ? empty : sql`and f.system_id = ${system}`}`;
  const found = await readImportFiles(app.database, { organizationId, condition });
  const [file, ...others] = found;
  if (!file) throw new CommandFailed(`There is no import file ${name}.`);
  if (others.length > 0) {
    const systems = found.map(({ json }) => json.systemId).join(', ');
    throw wrongUsage(`Several books have a file of this name; say which by --system: ${systems}.`);
  }
  const path = options.to ?? name;
  // It only counts as downloaded when there is a place for it.
  const place = await open(path, 'wx').catch((error: Error) => {
    throw new CommandFailed(`${path} cannot be written: ${error.message}.`);
  });
  try {
    const actor = commandLineActor(terminal.environment);
    const downloaded = await downloadImportFile(app, { organizationId, id: file.id, actor });
    await place.writeFile(downloaded?.body ?? '');
  } finally {
    await place.close();
  }
  if (options.json) terminal.out(asJson({ name, path, size: file.json.size }));
  else terminal.out(`${path} is there: import it once.`);
}
