/** `csvColumns`: which column of a CSV means what, as the user sets it once. */
import { z } from 'zod';

const FIELDS = [
  'date',
  'amount',
  'credit',
  'debit',
  'currency',
  'account',
  'balance',
  'description',
  'payer',
  'payerAccount',
  'id',
  'endToEndId',
  'invoice',
  'order',
  'workOrder',
  'purchaseOrder',
] as const;
export type CsvField = (typeof FIELDS)[number];

/** A column by its name or, counted from 1, by its number. */
export type CsvColumns = Readonly<Partial<Record<CsvField, string | number>>>;

/** Checked when it is set, with a sentence for each mistake. */
export const csvColumns = z
  .union([z.string(), z.record(z.string(), z.unknown())])
  .transform((given, ctx): CsvColumns => {
    const value = typeof given === 'string' ? parse(given) : given;
    const problems = problemsOf(value);
    for (const message of problems) ctx.addIssue({ code: 'custom', message });
    return problems.length > 0 ? z.NEVER : (value as CsvColumns);
  })
  .meta({
    description:
      'For CSV files: JSON text that names the column of each field, such as {"date":"Posting ' +
      'Date","credit":"Credit","debit":"Debit","currency":"Currency","description":"Text",' +
      '"balance":"Balance"}. "amount" is one signed column in place of credit and debit; "id" a ' +
      "column with the bank's own, unique number; columns are numbers from 1 without a header.",
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return ['is not a JSON object such as {"date":"Posting Date","amount":"Amount"}'];
  }
  const entries = value as Readonly<Record<string, unknown>>;
  const problems = Object.entries(entries).flatMap(([field, column]) => {
    if (!(FIELDS as readonly string[]).includes(field)) {
      return [`"${field}" is no field; it has ${FIELDS.join(', ')}`];
    }
    const named = typeof column === 'string' && column !== '';
    const numbered = Number.isInteger(column) && (column as number) >= 1;
    return named || numbered ? [] : [`${field}: must be a column's name, or its number from 1`];
  });
  if (entries.date === undefined) problems.push('date: is missing');
  if (entries.amount === undefined && entries.credit === undefined) {
    problems.push('amount: is missing; name one signed column, or credit and debit');
  }
  if (entries.amount !== undefined && (entries.credit ?? entries.debit) !== undefined) {
    problems.push('amount: is one signed column; leave credit and debit away, or it');
  }
  return problems;
}
