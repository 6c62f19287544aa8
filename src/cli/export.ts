/** `export ledger`: the journal in forms that other programs read and check. */

import { type EntryJson, readEntries } from '../api/json/entry.ts';
import { type Queryable, sql } from '../db/database.ts';
import { addBooksOptions, type BooksOptions, type Registration, withBooks } from './command.ts';
import { stringifyCsvRow } from './csv-row.ts';
import { EXIT, wrongUsage } from './terminal.ts';

const PAGE = 1_000;
const FORMATS = ['hledger', 'csv'] as const;
type Format = (typeof FORMATS)[number];

const CSV_HEAD = [
  'sequence',
  'effectiveOn',
  'postedAt',
  'kind',
  'memo',
  'debitAccount',
  'creditAccount',
  'amount',
  'currency',
  'paymentId',
  'invoiceId',
  'documentId',
  'hash',
];

export function registerExport({ program, terminal, end }: Registration): void {
  const group = program.command('export').description('Write the books for other programs.');
  addBooksOptions(group.command('ledger'))
    .description('The journal, entry by entry, in the order it was posted.')
    .option('--format <format>', FORMATS.join(' or '), 'hledger')
    .action(async (options: BooksOptions & { format: string }) => {
      const format = FORMATS.find((one) => one === options.format);
      if (!format) throw wrongUsage(`--format is ${FORMATS.join(' or ')}.`);
      if (format === 'csv') terminal.out(stringifyCsvRow(CSV_HEAD));
      await withBooks(terminal, options, async (app, organizationId) => {
        for await (const entry of journal(app.database, organizationId)) {
          terminal.out(formatEntry(format, entry));
        }
      });
      end(EXIT.ok);
    });
}

/** Every entry in the order it was posted, a page at a time. */
export async function* journal(tx: Queryable, organizationId: number): AsyncGenerator<EntryJson> {
  let after = 0n;
  for (;;) {
    const page = await readEntries(tx, {
      organizationId,
      condition: sql`e.sequence > ${after}`,
      order: sql`e.sequence`,
      limit: PAGE,
    });
    for (const { json } of page) yield json;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.sequence;
  }
}

/** One entry as text: a transaction of hledger, or a CSV row for each posting. */
export function formatEntry(format: Format, entry: EntryJson): string {
  return format === 'hledger' ? asTransaction(entry) : asRows(entry);
}

/** In hledger a semicolon begins a comment and two spaces end an account name. */
function asTransaction(entry: EntryJson): string {
  const memo = `${entry.kind} | ${entry.memo}`.replaceAll(';', ',').replace(/\s+/g, ' ');
  const lines = entry.postings.flatMap(({ debitAccount, creditAccount, amount }) => [
    `    ${debitAccount}  ${amount.amount} ${amount.currency}`,
    `    ${creditAccount}  -${amount.amount} ${amount.currency}`,
  ]);
  const source = `    ; document:${entry.documentId}, hash:${entry.hash}`;
  return `${[`${entry.effectiveOn} * (${entry.sequence}) ${memo}`, source, ...lines].join('\n')}\n`;
}

function asRows(entry: EntryJson): string {
  return entry.postings
    .map(({ debitAccount, creditAccount, amount, paymentId, invoiceId }) =>
      stringifyCsvRow([
        entry.sequence,
        entry.effectiveOn,
        entry.postedAt,
        entry.kind,
        entry.memo,
        debitAccount,
        creditAccount,
        amount.amount,
        amount.currency,
        paymentId ?? '',
        invoiceId ?? '',
        entry.documentId,
        entry.hash,
      ]),
    )
    .join('\n');
}
