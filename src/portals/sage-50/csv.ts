/** The rows of an exported file, and why a file cannot be believed. */
import { parse } from 'csv-parse/sync';
import { WireMismatch } from '../kit/errors.ts';

export type Row = { readonly line: number; readonly cells: readonly string[] };
export type Table = { readonly header: readonly string[]; readonly rows: readonly Row[] };

/** A spreadsheet that opened an export and saved it again has changed what it took for numbers and dates. */
const UNTOUCHED =
  'upload the file as Sage 50 wrote it, without opening and saving it in a spreadsheet';

/** All rows, every one as wide as the header. @throws WireMismatch with the line that does not fit */
export function readTable(body: Buffer): Table {
  const text = decode(body);
  const [header, ...rows] = recordsOf(text);
  if (!header) throw new WireMismatch('the file has no row');
  const width = header.cells.length;
  for (const row of rows) {
    const rest = row.cells.slice(width);
    if (row.cells.length < width || rest.some((cell) => cell !== '')) {
      throw misfit(row, `it has ${row.cells.length} cells, the header ${width}`);
    }
  }
  return { header: header.cells, rows };
}

export function misfit({ line }: Pick<Row, 'line'>, because: string): WireMismatch {
  return new WireMismatch(`line ${line}: ${because}`);
}

const DAMAGED = /^(?:-?\d+(?:[.,]\d+)?E\+\d+|#+)$/i;

/** @throws WireMismatch for what a spreadsheet makes of long numbers and narrow columns */
export function requireUntouched(row: Row, cells: readonly string[]): void {
  const damaged = cells.find((cell) => DAMAGED.test(cell));
  if (damaged === undefined) return;
  throw misfit(row, `"${damaged}" was damaged by a spreadsheet; ${UNTOUCHED}`);
}

/** UTF-8 where it is, else Windows-1252, which every byte is. */
function decode(body: Buffer): string {
  const start = body.subarray(0, 4).toString('latin1');
  if (start.startsWith('PK') || start === '\u00d0\u00cf\u0011\u00e0') {
    throw new WireMismatch(`it is an Excel or ZIP file and no CSV; ${UNTOUCHED}`);
  }
  if (/^(\u00ff\u00fe|\u00fe\u00ff)/.test(start)) {
    throw new WireMismatch(`it is UTF-16, as a spreadsheet saves it; ${UNTOUCHED}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return new TextDecoder('windows-1252').decode(body);
  }
}

function recordsOf(text: string): readonly Row[] {
  try {
    const parsed = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as readonly { info: { lines: number }; record: string[] }[];
    return parsed.map(({ info, record }) => ({
      line: info.lines,
      cells: record.map((cell) => cell.trim()),
    }));
  } catch (error) {
    throw new WireMismatch(`the file is no CSV: ${(error as Error).message}`);
  }
}
