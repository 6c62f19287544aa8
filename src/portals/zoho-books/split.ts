/** Bodies taken apart: deliveries in their forms, one object of the API, the rows of lists. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';

const LISTS = { invoices: 'invoice', contacts: 'contact' } as const;

/** The documents in a delivery or an answer of the API. Keys hold a digest, as objects change in place. */
export function split(body: Buffer): readonly SplitDocument[] {
  const form = formOf(body);
  if (form) return [keyed(form)];
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return unreadable(body);
  const page: Readonly<Record<string, unknown>> = { ...value };
  for (const [list, name] of Object.entries(LISTS)) {
    const rows = page[list];
    // A payment, too, has a list of that name: that of the invoices it pays.
    if (!Array.isArray(rows) || !('page_context' in page)) continue;
    if (rows.length === 0) break;
    return unique(rows.map((row) => ({ [name]: row })));
  }
  const { refunds_of: of, payment_refunds: refunds } = page;
  if (of !== undefined && Array.isArray(refunds) && refunds.length > 0) {
    return unique(refunds.map((row) => ({ refunds_of: of, payment_refund: row })));
  }
  return [keyed(body)];
}

function unique(records: readonly unknown[]): readonly SplitDocument[] {
  const documents = splitRecords(records, (_record, bytes) => `zoho:${digestOf(bytes)}`);
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}

function keyed(body: Buffer): SplitDocument {
  const document = { key: `zoho:${digestOf(body)}`, body };
  // A delivery that does not say when it was may say the same of another change later.
  const isTimeless = !/"(last_modified_time|code|gone)"/.test(body.toString('utf8'));
  return isTimeless && body.includes('payment_id') ? { ...document, repeatable: true } : document;
}

/** A form holds one field with all of it (`JSONString`) or the fields that somebody chose. */
function formOf(body: Buffer): Buffer | undefined {
  if (body.length > 2 * 1024 * 1024) return undefined;
  const text = body.toString('utf8');
  if (!/^[\w.%-]+=/.test(text)) return undefined;
  const fields = new URLSearchParams(text);
  const whole = fields.get('JSONString');
  if (whole !== null) {
    const value = parse(Buffer.from(whole));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? Buffer.from(printVerbatim(value)) : undefined;
  }
  return fields.has('payment_id')
    ? Buffer.from(JSON.stringify(Object.fromEntries(fields)))
    : undefined;
}

function parse(body: Buffer): unknown {
  try {
    return parseVerbatim(body);
  } catch {
    return undefined;
  }
}
