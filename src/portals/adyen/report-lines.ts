/** The settlement details report as a table: columns by their names, because accounts choose their columns. */
import { parse } from 'csv-parse/sync';
import { WireMismatch } from '../kit/errors.ts';

/** A line below the header. `raw` is its text as it came, without the end of the line. */
export type ReportLine = {
  readonly raw: string;
  readonly column: (name: string) => string;
  readonly type: string;
  /** The batch in its settlement currency. */
  readonly batch: string;
  /** Batch, type and reference: what tells one line from another for people. */
  readonly name: string;
  readonly isPayout: boolean;
  /** A cost that belongs to no payment. */
  readonly isCost: boolean;
};

const PAYOUT = 'MerchantPayout';
const COSTS = ['Fee', 'InvoiceDeduction', 'MiscCosts'];

/** Cheap: whether the first line has the columns that make a settlement details report. */
export function isReport(body: Buffer): boolean {
  const end = body.indexOf('\n');
  const header = body.subarray(0, Math.min(end < 0 ? body.length : end, 4_000)).toString('utf8');
  return ['Psp Reference', 'Modification Reference', 'Type'].every((name) => header.includes(name));
}

/** @throws WireMismatch when the text is not CSV. */
export function readReport(body: Buffer): {
  readonly header: string;
  readonly lines: readonly ReportLine[];
} {
  const text = body.toString('utf8').replace(/^\ufeff/, '');
  const [header = ''] = text.split(/\r?\n/, 1);
  return { header, lines: parseLines(text).map(lineOf) };
}

type Parsed = { readonly record: Readonly<Record<string, string>>; readonly raw: string };

function parseLines(text: string): readonly Parsed[] {
  try {
    const options = { relax_column_count: true, relax_quotes: true, skip_empty_lines: true };
    return parse(text, { ...options, columns: true, raw: true }) as unknown as readonly Parsed[];
  } catch (cause) {
    throw new WireMismatch(`the report is not CSV: ${(cause as Error).message}`, { cause });
  }
}

function lineOf({ record, raw }: Parsed): ReportLine {
  const column = (name: string) => (Object.hasOwn(record, name) ? (record[name] ?? '').trim() : '');
  const type = column('Type');
  const batch = `${column('Batch Number')} ${column('Net Currency')}`.trim();
  const reference = column('Modification Reference') || column('Psp Reference');
  const isOfPayment = column('Psp Reference') !== '';
  return {
    raw: raw.replace(/[\r\n]+$/, ''),
    column,
    type,
    batch,
    name: `${column('Batch Number')}:${type}:${reference}`.slice(0, 120),
    isPayout: type === PAYOUT,
    isCost: COSTS.includes(type) && !isOfPayment,
  };
}
