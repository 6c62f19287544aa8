/** `upload`: a file of a portal, such as a bank statement, into the books. */
import { readFile } from 'node:fs/promises';
import { loadConnection } from '../intake/connections.ts';
import { NotUploadable, storeUpload, type Uploaded } from '../intake/upload.ts';
import {
  addBooksOptions,
  type BooksOptions,
  commandLineActor,
  type Registration,
  withBooks,
} from './command.ts';
import { asJson, CommandFailed, EXIT, wrongUsage } from './terminal.ts';

export function registerUpload({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('upload'))
    .description('Take in a file of a portal (bank statement, CSV export). Overlaps are free.')
    .argument('<connection>', 'its id, con_…')
    .argument('<file>', 'the file as the bank gave it')
    .action(async (id: string, file: string, options: BooksOptions) => {
      const body = await readFile(file).catch((error: Error) => {
        throw wrongUsage(`${file} cannot be read: ${error.message}.`);
      });
      const stored = await withBooks(terminal, options, async (app, organizationId) => {
        const connection = await loadConnection(app, id, organizationId);
        if (!connection) throw new CommandFailed(`connection ${id} does not exist`);
        const actor = commandLineActor(terminal.environment);
        return storeUpload(app, { connection, body, actor }).catch((error: Error) => {
          throw error instanceof NotUploadable ? new CommandFailed(`${error.message}.`) : error;
        });
      });
      terminal.out(options.json ? asJson({ connectionId: id, ...stored }) : describe(stored));
      end(stored.setAside.length === 0 ? EXIT.ok : EXIT.failed);
    });
}

function describe({ documents, new: fresh, known, setAside }: Uploaded): string {
  const count = `${documents} ${documents === 1 ? 'document' : 'documents'}: ${fresh} new, ${known} known.`;
  return [count, ...setAside.map((reason) => `set aside  ${reason}`)].join('\n');
}
