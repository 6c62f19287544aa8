/** CSV exports of banks, read by the profile in the settings. A row that does not fit stops the file. */
import { parse } from 'csv-parse/sync';
import { exponentOf } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { amountCell, dayCell, type Marks } from './csv-cells.ts';
import type { CsvColumns, CsvField } from './csv-columns.ts';
import { credited, derivedId, type Movement, memo, takenBack } from './movement.ts';
import type { GenericSettings } from './settings.ts';

/** One document becomes one step in the books, so it stays of a size that they can take at once. */
const MOST_ROWS = 10_000;

const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t', pipe: '|' } as const;

/** All rows or none: what does not fit is thrown with the number of its line. @throws WireMismatch */
export function readCsv(body: Buffer, settings: GenericSettings): Normalized {
  const columns = settings.csvColumns;
  if (columns === undefined) {
    return {
      quarantined:
        'it is none of the formats that are known (camt, MT940, BAI2, NACHA); a CSV needs `csvColumns`',
    };
  }
  if (body.subarray(0, 2).toString('latin1') === 'PK') {
    return {
      quarantined: 'it is a ZIP or Excel file; upload what is in it, an Excel sheet as CSV',
    };
  }
  const rows = rowsOf(decode(body, settings), settings);
  const places = placesOf(rows, columns, settings);
  const data = settings.csvHeader ? rows.slice(1) : rows;
  if (data.length > MOST_ROWS) {
    throw new WireMismatch(`the file has ${data.length} rows; export at most ${MOST_ROWS} at once`);
  }
  const width = rows[0]?.cells.length ?? 0;
  const seen = new Map<string, number>();
  const read = data.map((row) => {
    if (row.cells.length !== width) {
      throw misfit(row, `it has ${row.cells.length} cells, the first row ${width}`);
    }
    return readRow(row, { places, seen, settings });
  });
  const events = read.flatMap((one) => ('event' in one ? one.event : []));
  if (events.length > 0) return { events: distinct(events) };
  const reasons = [...new Set(read.flatMap((one) => ('ignored' in one ? one.ignored : [])))];
  return { ignored: `no row of ${data.length} is a payment received: ${reasons.join('; ')}` };
}

type Row = { readonly line: number; readonly cells: readonly string[] };

function misfit({ line }: Row, because: string): WireMismatch {
  return new WireMismatch(`line ${line}: ${because}`);
}

function decode(body: Buffer, { csvEncoding }: GenericSettings): string {
  try {
    return new TextDecoder(csvEncoding, { fatal: true }).decode(body);
  } catch (cause) {
    throw new WireMismatch(
      `the file is not ${csvEncoding}; set \`csvEncoding\` (old exports are windows-1252)`,
      { cause },
    );
  }
}

/** The rows with the header first; lines above it and at the end are left out by their number alone. */
function rowsOf(text: string, settings: GenericSettings): readonly Row[] {
  const { csvSkipLines, csvFooterLines, csvDelimiter } = settings;
  const lines = text.replace(/^\ufeff/, '').split('\n');
  while (lines.length > 0 && (lines.at(-1) ?? '').trim() === '') lines.pop();
  const kept = lines.slice(csvSkipLines, lines.length - csvFooterLines);
  try {
    const parsed = parse(kept.join('\n'), {
      delimiter: DELIMITERS[csvDelimiter],
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as readonly { info: { lines: number }; record: string[] }[];
    return parsed.map(({ info, record }) => ({
      line: info.lines + csvSkipLines,
      cells: record.map((cell) => cell.trim()),
    }));
  } catch (error) {
    throw new WireMismatch(`the file is no CSV by its profile: ${(error as Error).message}`);
  }
}

type Places = Readonly<Partial<Record<CsvField, number>>>;

function placesOf(
  [header]: readonly Row[],
  columns: CsvColumns,
  { csvHeader, csvSkipLines }: GenericSettings,
): Places {
  if (!header) throw new WireMismatch('the file has no row');
  const names = header.cells.map((cell) => cell.toLowerCase());
  const places = Object.entries(columns).map(([field, column]) => {
    if (typeof column === 'number') {
      if (column > names.length) {
        throw new WireMismatch(`${field}: the file has ${names.length} columns, none is ${column}`);
      }
      return [field, column - 1];
    }
    const place = csvHeader ? names.indexOf(column.trim().toLowerCase()) : -1;
    if (place < 0) {
      throw new WireMismatch(
        `line ${csvSkipLines + 1} names no column "${column}" (${field}); it has ` +
          header.cells.join(', ').slice(0, 300),
      );
    }
    return [field, place];
  });
  return Object.fromEntries(places) as Places;
}

type Context = {
  readonly places: Places;
  /** How often a row was met; equal rows are as many movements. */
  readonly seen: Map<string, number>;
  readonly settings: GenericSettings;
};
type RowRead = { readonly event: CanonicalEvent } | { readonly ignored: string };

function readRow(row: Row, { places, seen, settings }: Context): RowRead {
  const cell = (field: CsvField): string => {
    const place = places[field];
    return place === undefined ? '' : (row.cells[place] ?? '');
  };
  try {
    const currency = cell('currency') || settings.csvCurrency;
    if (!currency) throw new WireMismatch('it has no currency; set `csvCurrency`');
    exponentOf(currency);
    const bookedOn = dayCell(cell('date'), settings.csvDateOrder);
    const minor = signedAmount(cell, places, { currency, mark: settings.csvDecimalMark });
    const id = idOf(row, { places, seen, settings });
    const movement = movementOf(cell, { id, bookedOn, currency, minor });
    const description = cell('description');
    if (minor === 0n) return { ignored: 'rows without money' };
    if (minor > 0n) {
      return credited(settings.processorNames, {
        type: 'payment.succeeded',
        movement,
        status: 'booked',
        payer: cell('payer'),
        text: description,
      });
    }
    const word = settings.csvReturnWords.find((one) =>
      description.toLowerCase().includes(one.toLowerCase()),
    );
    if (word === undefined) return { ignored: 'debits that return no payment' };
    const reason = description || word;
    return {
      event: takenBack(movement, { status: 'returned', reason, undoes: 'debit' }),
    };
  } catch (error) {
    throw misfit(row, (error as Error).message);
  }
}

/** Positive for money received. A row without any amount does not fit. */
function signedAmount(cell: (field: CsvField) => string, places: Places, marks: Marks): bigint {
  const read = (field: CsvField) => amountCell(cell(field), marks);
  if (places.amount !== undefined) {
    const amount = read('amount');
    if (amount === undefined) throw new WireMismatch('it has no amount');
    return amount;
  }
  const [credit, debit] = [read('credit'), read('debit')];
  if (credit === undefined && debit === undefined) {
    // Without a column for debits an empty credit is one.
    if (places.debit === undefined) return 0n;
    throw new WireMismatch('it has neither a credit nor a debit');
  }
  if ((credit ?? 0n) < 0n) throw new WireMismatch('its credit is negative');
  if (credit && debit) throw new WireMismatch('it has both a credit and a debit');
  return credit || -magnitude(debit ?? 0n);
}

function magnitude(minor: bigint): bigint {
  return minor < 0n ? -minor : minor;
}

/**
 * The bank's own number, else a digest of the row without its running balance, with a number among equals. Equal
 * rows have the same day and account, so an export that overlaps numbers them alike.
 */
function idOf(row: Row, { places, seen, settings }: Context): string {
  const own = places.id === undefined ? '' : (row.cells[places.id] ?? '');
  if (/^\d+(?:[.,]\d+)?E\+?\d+$/i.test(own)) {
    throw new WireMismatch(`its id "${own}" was damaged by a spreadsheet; export anew`);
  }
  if (own !== '') return own;
  const facts = row.cells.filter((_, place) => place !== places.balance);
  const digest = derivedId('csv', settings.csvAccount, ...facts);
  const times = (seen.get(digest) ?? 0) + 1;
  seen.set(digest, times);
  return times === 1 ? digest : `${digest}/${times}`;
}

function movementOf(
  cell: (field: CsvField) => string,
  row: {
    readonly id: string;
    readonly bookedOn: string;
    readonly currency: string;
    readonly minor: bigint;
  },
): Movement {
  const { minor, ...facts } = row;
  const payerAccount = cell('payerAccount') || null;
  const name = cell('payer') || null;
  return {
    ...facts,
    // A row of nothing becomes no event; one keeps its shape.
    amountMinor: magnitude(minor) || 1n,
    method: 'bank',
    references: referencesOf(cell),
    payer: payerAccount || name ? { externalId: payerAccount, name, email: null } : null,
    endToEndId: cell('endToEndId') || undefined,
  };
}

function referencesOf(cell: (field: CsvField) => string): readonly Reference[] {
  const numbers = (field: CsvField) =>
    cell(field)
      .split(/[,;]/)
      .map((number) => number.trim())
      .filter((number) => number !== '');
  return [
    ...numbers('invoice').map((number) => ({ kind: 'invoice', number }) as const),
    ...numbers('workOrder').map((number) => ({ kind: 'workOrder', number }) as const),
    ...numbers('order').map((number) => ({ kind: 'order', number }) as const),
    ...numbers('purchaseOrder').map((number) => ({ kind: 'purchaseOrder', number }) as const),
    ...memo(cell('description')),
  ];
}

/** A movement that the bank numbers may stand there twice, but then as the same. @throws WireMismatch */
function distinct(events: readonly CanonicalEvent[]): readonly CanonicalEvent[] {
  const byId = new Map<string, CanonicalEvent>();
  for (const event of events) {
    const before = byId.get(event.eventId);
    if (before && before.amountMinor !== event.amountMinor) {
      throw new WireMismatch(`the id ${event.externalPaymentId} stands for two different amounts`);
    }
    byId.set(event.eventId, before ?? event);
  }
  return [...byId.values()];
}
