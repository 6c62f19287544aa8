/** `verify` and `rebuild --check`: the proof of the books. */
import { checkRebuild } from '../apply/rebuild.ts';
import { verifyBooks } from '../apply/verify.ts';
import { addBooksOptions, type BooksOptions, type Registration, withBooks } from './command.ts';
import { asJson, EXIT, wrongUsage } from './terminal.ts';

export function registerBooks({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('verify'))
    .description('Recompute the hash chain, every balance and every other invariant.')
    .action(async (options: BooksOptions) => {
      const result = await withBooks(terminal, options, (app, organizationId) =>
        verifyBooks(app.database, organizationId, ({ name, ok, examined, problems }) => {
          if (options.json) return;
          terminal.out(`${ok ? 'ok    ' : 'BROKEN'}  ${name} (${examined} examined)`);
          for (const problem of problems) terminal.out(`        ${problem}`);
        }),
      );
      if (options.json) terminal.out(asJson(result));
      else terminal.out(result.ok ? 'The books are whole.' : 'The books are broken.');
      end(result.ok ? EXIT.ok : EXIT.failed);
    });

  addBooksOptions(program.command('rebuild'))
    .description('Rebuild the books from the stored documents and compare. Changes nothing.')
    .option('--check', 'compare only (the one thing it does)')
    .action(async (options: BooksOptions & { check?: boolean }) => {
      if (!options.check) {
        throw wrongUsage('Say rebuild --check: the books are compared, never overwritten.');
      }
      const result = await withBooks(terminal, options, (app, organizationId) =>
        checkRebuild(app.database, organizationId, (documents) => {
          if (terminal.watched) terminal.remark(`${documents} documents replayed`);
        }),
      );
      if (options.json) terminal.out(asJson(result));
      else {
        for (const difference of result.differences) terminal.out(difference);
        const verdict = result.ok ? 'give the same books' : 'do not give the same books';
        terminal.out(`${result.documents} documents ${verdict}.`);
      }
      end(result.ok ? EXIT.ok : EXIT.failed);
    });
}
