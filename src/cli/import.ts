/** `import`: customers, invoices, work orders and payments from CSV. Good rows enter, bad ones are named. */
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { parse } from 'csv-parse';
import type { App } from '../app.ts';
import { type Database, sql } from '../db/database.ts';
import { type OwnRecordInput, ownRecord } from '../intake/own-document.ts';
import { storeOwnRecords } from '../intake/store.ts';
import { fromDecimalText } from '../money/money.ts';
import { addBooksOptions, type BooksOptions, type Registration, withBooks } from './command.ts';
import { asJson, EXIT, type Terminal, wrongUsage } from './terminal.ts';

type Row = Readonly<Record<string, string>>;

type Kind = {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  record(row: Row): unknown;
};

const total = (row: Row) =>
  row.total === undefined ? undefined : { amount: row.total, currency: row.currency };

/** The columns of a payment that say what it pays. */
const REFERENCES = {
  invoice: 'invoice',
  workOrder: 'workOrder',
  purchaseOrder: 'purchaseOrder',
  memo: 'memo',
};

function paymentRecord(row: Row): unknown {
  const { externalId, amount, currency, occurredAt, method } = row;
  const references = Object.entries(REFERENCES).flatMap(([column, kind]) =>
    row[column] === undefined ? [] : [{ kind, value: row[column] }],
  );
  return {
    kind: 'payment.recorded',
    externalId,
    amount: { amount, currency },
    // A day alone is what bank lists give: noon keeps it the same day in most of the world.
    occurredAt: /^\d{4}-\d{2}-\d{2}$/.test(occurredAt ?? '')
      ? `${occurredAt}T12:00:00Z`
      : occurredAt,
    ...(method === undefined ? {} : { method }),
    references,
    customer: {
      externalId: row.customerExternalId,
      name: row.customerName,
      email: row.customerEmail,
    },
  };
}

/** Columns are named as the API's fields; case, blanks, dashes and underscores do not matter. */
const KINDS: Readonly<Record<string, Kind>> = {
  customers: {
    required: ['externalId'],
    optional: ['name', 'email'],
    record: (row) => ({ ...row, kind: 'customer.upserted' }),
  },
  invoices: {
    required: ['externalId', 'total', 'currency'],
    optional: [
      'number',
      'customerExternalId',
      'issuedOn',
      'dueOn',
      'workOrder',
      'purchaseOrder',
      'void',
    ],
    record: ({ currency: _currency, void: voided, ...row }) => ({
      ...row,
      kind: 'invoice.upserted',
      total: total({ ...row, currency: _currency ?? '' }),
      ...(voided === undefined ? {} : { void: /^(true|yes|1)$/i.test(voided) }),
    }),
  },
  'work-orders': {
    required: ['externalId', 'kind'],
    optional: ['number', 'description', 'customerExternalId', 'total', 'currency'],
    record: ({ kind, currency: _currency, ...row }) => ({
      ...row,
      kind: 'work-order.upserted',
      workOrderKind: kind,
      total: total({ ...row, currency: _currency ?? '' }),
    }),
  },
  payments: {
    required: ['externalId', 'amount', 'currency', 'occurredAt'],
    optional: [
      'method',
      ...Object.keys(REFERENCES),
      'customerExternalId',
      'customerName',
      'customerEmail',
    ],
    record: paymentRecord,
  },
};

const BATCH = 500;
const MAX_SHOWN = 50;
const WAIT_MS = 30_000;
const POLL_MS = 200;

type BadRow = { readonly line: number; readonly reason: string };
type Summary = {
  readonly rows: number;
  readonly entered: number;
  readonly applied: number;
  readonly waiting: number;
  readonly bad: readonly BadRow[];
};

export function registerImport({ program, terminal, end }: Registration): void {
  const columns = Object.entries(KINDS).map(
    ([kind, { required, optional }]) =>
      `  ${kind}: ${required.join(', ')} (required), ${optional.join(', ')}`,
  );
  addBooksOptions(program.command('import'))
    .description('Enter the rows of a CSV file; a row that is known by its externalId is updated.')
    .argument('<what>', Object.keys(KINDS).join(', '))
    .argument('<file>', 'CSV with a header line, UTF-8')
    .addHelpText('after', `\nColumns, in any order:\n${columns.join('\n')}`)
    .action(async (what: string, file: string, options: BooksOptions) => {
      const kind = Object.hasOwn(KINDS, what) ? KINDS[what] : undefined;
      if (!kind) throw wrongUsage(`"${what}" is not one of ${Object.keys(KINDS).join(', ')}.`);
      await access(file).catch((error: Error) => {
        throw wrongUsage(`${file} cannot be read: ${error.message}.`);
      });
      const summary = await withBooks(terminal, options, (app, organizationId) =>
        importFile(app, { organizationId, kind, file, terminal }),
      );
      terminal.out(options.json ? asJson(summary) : describe(summary));
      end(summary.bad.length === 0 ? EXIT.ok : EXIT.failed);
    });
}

type Import = {
  readonly organizationId: number;
  readonly kind: Kind;
  readonly file: string;
  readonly terminal: Terminal;
};

type Entered = { readonly line: number; readonly documentId: bigint };
type Good = { readonly line: number; readonly record: OwnRecordInput };

async function importFile(app: App, input: Import): Promise<Summary> {
  const { organizationId, kind, file, terminal } = input;
  const bad: BadRow[] = [];
  const entered: Entered[] = [];
  let batch: Good[] = [];
  let rows = 0;
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const receivedAt = app.now();
    const stored = await storeOwnRecords(
      app.database,
      batch.map(({ record }) => ({ organizationId, record, origin: 'file' as const, receivedAt })),
    );
    stored.forEach(({ documentId }, index) => {
      entered.push({ line: batch[index]?.line ?? 0, documentId });
    });
    batch = [];
    if (terminal.watched) terminal.remark(`${entered.length} rows entered`);
  };
  for await (const { line, row } of readRows(file, kind)) {
    rows += 1;
    const read = readRow(kind, row);
    if ('reason' in read) bad.push({ line, reason: read.reason });
    else batch.push({ line, record: read.record });
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  const { refused, waiting } = await waitForAll(app.database, organizationId, entered);
  bad.push(...refused);
  const applied = entered.length - refused.length - waiting;
  return { rows, entered: entered.length, applied, waiting, bad };
}

/** @throws CommandFailed (usage) when the header lacks a required column or the file is no CSV. */
async function* readRows(
  file: string,
  kind: Kind,
): AsyncGenerator<{ readonly line: number; readonly row: Row }> {
  const known = [...kind.required, ...kind.optional];
  const parser = createReadStream(file).pipe(
    parse({
      bom: true,
      trim: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count_less: true,
      columns: (heads: readonly string[]) => readHeader(heads, kind, known),
    }),
  );
  try {
    for await (const { info, record } of parser) {
      const cells = Object.entries(record as Row).filter(([, cell]) => cell !== '');
      yield { line: (info as { lines: number }).lines, row: Object.fromEntries(cells) };
    }
  } catch (error) {
    const { code } = error as { code?: string };
    if (code?.startsWith('CSV_')) throw wrongUsage(`${file}: ${(error as Error).message}.`);
    throw error;
  }
}

function readHeader(
  heads: readonly string[],
  kind: Kind,
  known: readonly string[],
): (string | false)[] {
  const fold = (text: string) => text.replace(/[\s_-]/g, '').toLowerCase();
  const columns = heads.map((head) => known.find((one) => fold(one) === fold(head)) ?? false);
  const missing = kind.required.filter((field) => !columns.includes(field));
  if (missing.length > 0) {
    throw wrongUsage(`The header lacks ${missing.join(', ')}; it has ${heads.join(', ')}.`);
  }
  return columns;
}

function readRow(
  kind: Kind,
  row: Row,
): { readonly record: OwnRecordInput } | { readonly reason: string } {
  const record = kind.record(row);
  const result = ownRecord.safeParse(record);
  if (!result.success) {
    return {
      reason: result.error.issues
        .map(({ path, message }) => `${path.join('.')}: ${message}`)
        .join('; '),
    };
  }
  const { data } = result;
  try {
    if ('total' in data && data.total) fromDecimalText(data.total.amount, data.total.currency);
    return { record: data };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

/** Gives a running server time to apply the rows; what the books refuse is told with its line. */
async function waitForAll(
  database: Database,
  organizationId: number,
  entered: readonly Entered[],
): Promise<{ readonly refused: readonly BadRow[]; readonly waiting: number }> {
  const last = entered.at(-1);
  if (!last) return { refused: [], waiting: 0 };
  const first = entered[0]?.documentId ?? 0n;
  const deadline = performance.now() + WAIT_MS;
  let before: number | undefined;
  for (;;) {
    const [row] = await database.query<{ waiting: number }>(sql`
      select count(*)::integer as waiting from inbox where organization_id = ${organizationId}
        and document_id between ${first} and ${last.documentId}`);
    const waiting = row?.waiting ?? 0;
    // Without progress in a few seconds no server is running, and waiting would be in vain.
    const stuck = before === waiting && performance.now() > deadline - WAIT_MS + 3_000;
    if (waiting === 0 || stuck || performance.now() > deadline) {
      const refused = await readRefused(database, organizationId, entered);
      return { refused, waiting };
    }
    before = waiting;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function readRefused(
  database: Database,
  organizationId: number,
  entered: readonly Entered[],
): Promise<readonly BadRow[]> {
  const lines = new Map(entered.map(({ documentId, line }) => [documentId, line]));
  const rows = await database.query<{ id: bigint; reason: string }>(sql`
    select document_id as id, reason from outcomes
    where organization_id = ${organizationId} and status = 'quarantined'
      and document_id = any(${[...lines.keys()]}::bigint[])
    order by sequence`);
  return rows.map(({ id, reason }) => ({ line: lines.get(id) ?? 0, reason }));
}

function describe({ rows, applied, waiting, bad }: Summary): string {
  const lines = bad.slice(0, MAX_SHOWN).map(({ line, reason }) => `line ${line}: ${reason}`);
  if (bad.length > MAX_SHOWN) lines.push(`and ${bad.length - MAX_SHOWN} more; --json lists all`);
  const waits = waiting === 0 ? '' : ` ${waiting} wait for the server, which applies them.`;
  return [...lines, `${applied} of ${rows} rows are in the books.${waits}`].join('\n');
}
