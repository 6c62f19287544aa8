/** Exported files taken apart into documents: all of one or nothing, for damage shows only here and there. */
import { WireMismatch } from '../kit/errors.ts';
import { hundredths, plainAmount } from './amounts.ts';
import {
  type AuditColumn,
  type AuditRow,
  auditPlaces,
  isScreenExport,
  type Places,
  REQUIRED,
  type ReceiptColumn,
  type ReceiptRow,
  receiptPlaces,
} from './columns.ts';
import { misfit, type Row, readTable, requireUntouched, type Table } from './csv.ts';
import { type DateOrder, dayOf } from './dates.ts';
import { isNobodys, typeOf } from './types.ts';

/** What one document of a file says. */
export type FileDocument =
  | { readonly rows: readonly AuditRow[] }
  | { readonly distributions: readonly ReceiptRow[] }
  | { readonly customer: { accountRef: string; name: string | null; email: string | null } };

type Line<C extends string> = {
  readonly line: number;
  readonly cells: Readonly<Partial<Record<C, string>>>;
};

/** The documents of a file of either edition. @throws WireMismatch for a file that cannot be believed */
export function readFile(body: Buffer): readonly FileDocument[] {
  const table = readTable(body);
  const audit = auditPlaces(table.header);
  const receipts = receiptPlaces(table.header);
  if ('Cash Amount' in receipts || 'Cash Account' in receipts) {
    requireColumns(receipts, REQUIRED.receipts, 'the cash receipts journal (RECEIPTS.CSV)');
    return readReceipts(linesOf(table, receipts, { order: 'mdy', dates: ['Date'] }));
  }
  if ('TYPE' in audit) {
    requireColumns(audit, REQUIRED.audit, 'AUDIT_HEADER');
    const dates = ['DATE', 'DUE_DATE', 'RECORD_MODIFY_DATE'] as const;
    return readAudit(linesOf(table, audit, { order: 'dmy', dates }), isScreenExport(table.header));
  }
  if ('ACCOUNT_REF' in audit && 'NAME' in audit) {
    return linesOf(table, audit, { order: 'dmy', dates: [] }).map(({ cells, line }) => {
      const { ACCOUNT_REF: accountRef, NAME: name = null, E_MAIL: email = null } = cells;
      if (accountRef === undefined) throw misfit({ line }, 'it has no ACCOUNT_REF');
      return { customer: { accountRef, name, email } };
    });
  }
  const columns = table.header.join(', ').slice(0, 200);
  throw new WireMismatch(
    `it is neither an export of AUDIT_HEADER nor RECEIPTS.CSV, separated by commas; its columns are ${columns}`,
  );
}

function requireColumns<C extends string>(places: Places<C>, names: readonly C[], of: string) {
  const missing = names.filter((name) => !(name in places));
  if (missing.length === 0) return;
  throw new WireMismatch(`it looks like ${of}, but has no column ${missing.join(', ')}`);
}

/** A date that does not exist in the edition's order betrays that all of them were written anew in another. */
function linesOf<C extends string>(
  { rows }: Table,
  places: Places<C>,
  given: { readonly order: DateOrder; readonly dates: readonly C[] },
): readonly Line<C>[] {
  const entries = Object.entries<number | undefined>(places) as [C, number][];
  const days = new Set<string>();
  return rows.map((row) => {
    const cells = entries.flatMap(([column, at]) => {
      const cell = row.cells[at] ?? '';
      return cell === '' ? [] : [[column, cell] as const];
    });
    requireUntouched(
      row,
      cells.map(([, cell]) => cell),
    );
    const found = Object.fromEntries(cells) as Partial<Record<C, string>>;
    for (const column of given.dates) {
      const date = found[column];
      if (date === undefined || days.has(date)) continue;
      attempt(row, column, () => dayOf(date, given.order));
      days.add(date);
    }
    return { line: row.line, cells: found };
  });
}

function attempt<T>(row: Pick<Row, 'line'>, column: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw misfit(row, `${column}: ${(error as Error).message}`);
  }
}

function readAudit(
  lines: readonly Line<AuditColumn>[],
  isScreen: boolean,
): readonly FileDocument[] {
  for (const { line, cells } of lines) {
    if (!/^\d{1,10}$/.test(cells.TRAN_NUMBER ?? ''))
      throw misfit({ line }, 'it has no TRAN_NUMBER');
    for (const column of ['DATE', 'GROSS_AMOUNT'] as const) {
      if (cells[column] === undefined) throw misfit({ line }, `it has no ${column}`);
    }
    attempt({ line }, 'GROSS_AMOUNT', () => plainAmount(cells.GROSS_AMOUNT ?? ''));
  }
  const told = lines.filter(({ cells }) => !isNobodys(typeOf(cells.TYPE)));
  const joined = joinRepeated(told);
  return isScreen ? joinSplits(joined) : joined.map(({ cells }) => ({ rows: [cells] }));
}

/** A query that joins splits repeats their header, with an extra reference of each. */
function joinRepeated(lines: readonly Line<AuditColumn>[]): readonly Line<AuditColumn>[] {
  const byNumber = new Map<string, Line<AuditColumn>>();
  for (const { line, cells } of lines) {
    const number = cells.TRAN_NUMBER ?? '';
    const before = byNumber.get(number);
    if (!before) {
      byNumber.set(number, { line, cells });
      continue;
    }
    const { EXTRA_REF: extra, ...header } = cells;
    const { EXTRA_REF: known, ...same } = before.cells;
    if (JSON.stringify(header) !== JSON.stringify(same)) {
      throw misfit(
        { line },
        `transaction ${number} stands in line ${before.line} with other content`,
      );
    }
    const texts = [...new Set([known, extra].filter((one) => one !== undefined))];
    const EXTRA_REF = texts.length > 0 ? { EXTRA_REF: texts.join(' ') } : {};
    byNumber.set(number, { line: before.line, cells: { ...same, ...EXTRA_REF } });
  }
  return [...byNumber.values()];
}

/**
 * On screens a receipt for several invoices shows a row for each, numbered on: neighbours of one account, day,
 * reference and bank are one receipt, known by its first number.
 */
function joinSplits(lines: readonly Line<AuditColumn>[]): readonly FileDocument[] {
  const sorted = lines.toSorted((left, right) => numberOf(left) - numberOf(right));
  const groups: Line<AuditColumn>[][] = [];
  for (const line of sorted) {
    const last = groups.at(-1)?.at(-1);
    const isNext = last !== undefined && numberOf(line) === numberOf(last) + 1;
    const isSplit = typeOf(line.cells.TYPE) === 'SR' && isNext && sharesReceipt(line, last);
    if (isSplit) groups.at(-1)?.push(line);
    else groups.push([line]);
  }
  return groups.map((group) => ({ rows: group.map(({ cells }) => cells) }));
}

function numberOf({ cells }: Line<AuditColumn>): number {
  return Number(cells.TRAN_NUMBER);
}

function sharesReceipt({ cells: left }: Line<AuditColumn>, { cells: right }: Line<AuditColumn>) {
  const shared = ['TYPE', 'ACCOUNT_REF', 'DATE', 'INV_REF', 'BANK_CODE', 'DELETED_FLAG'] as const;
  return left.INV_REF !== undefined && shared.every((column) => left[column] === right[column]);
}

/** Each receipt is a group of rows, one for each invoice or account that its money goes to. */
function readReceipts(lines: readonly Line<ReceiptColumn>[]): readonly FileDocument[] {
  const groups = new Map<string, Line<ReceiptColumn>[]>();
  for (const line of lines) {
    const key = receiptKey(line.cells);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()].map((group) => {
    checkReceipt(group);
    return { distributions: group.map(({ cells }) => cells) };
  });
}

function receiptKey(cells: ReceiptRow): string {
  const { 'Transaction Period': period, 'Transaction Number': number } = cells;
  if (period !== undefined && number !== undefined) return `${period}-${number}`;
  const { 'Customer ID': customer, Reference, Date: day, 'Cash Account': account } = cells;
  return JSON.stringify([customer, Reference, day, account]);
}

const SAME = [
  'Customer ID',
  'Reference',
  'Date',
  'Cash Account',
  'Cash Amount',
  'Vendor Receipt',
] as const;

/** A receipt that lacks rows or does not add up was cut off or changed on its way. */
function checkReceipt(group: readonly Line<ReceiptColumn>[]): void {
  const [first] = group as [Line<ReceiptColumn>];
  for (const { line, cells } of group) {
    if (
      cells['Cash Amount'] === undefined ||
      cells.Amount === undefined ||
      cells.Date === undefined
    ) {
      throw misfit({ line }, 'it has no Date, Cash Amount or Amount');
    }
    const other = SAME.find((column) => cells[column] !== first.cells[column]);
    if (other) throw misfit({ line }, `its ${other} differs from that of line ${first.line}`);
  }
  const count = first.cells['Number of Distributions'];
  if (count !== undefined && Number(count) !== group.length) {
    const has = `the receipt of line ${first.line} has ${group.length} rows`;
    throw misfit(first, `${has}, its Number of Distributions is ${count}`);
  }
  attempt(first, 'Amount', () => discountSign(group.map(({ cells }) => cells)));
}

/**
 * How discounts stand to the amounts of a receipt's rows: the sum of the amounts, which are negative, is its cash,
 * or its cash with the discounts added or taken off. @throws WireMismatch when it is neither
 */
export function discountSign(rows: readonly ReceiptRow[]): -1n | 0n | 1n {
  const sum = (column: ReceiptColumn) =>
    rows.reduce((total, row) => total + hundredths(row[column] ?? '0'), 0n);
  const cash = hundredths(rows[0]?.['Cash Amount'] ?? '');
  const [paid, discount] = [-sum('Amount'), sum('Discount Amount')];
  if (paid === cash) return 0n;
  if (paid - discount === cash) return -1n;
  if (paid + discount === cash) return 1n;
  throw new WireMismatch('the amounts of its rows do not add up to its Cash Amount');
}
