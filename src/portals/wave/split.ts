/** Cuts a page of invoices into documents; each is a page that Wave itself could have answered. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim } from '../kit/documents.ts';

type Json = Readonly<Record<string, unknown>>;

/** One document per invoice and state. What is no page of invoices stays whole, for `normalize` to name. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const page = parseVerbatim(body);
    const rows = rowsOf(page);
    if (rows && !hasErrors(page)) {
      const documents = rows.map(toDocument);
      return [...new Map(documents.map((document) => [document.key, document])).values()];
    }
  } catch {
    // Neither JSON nor anything JSON can be nested into: kept as it came.
  }
  return [{ key: `bytes:${digestOf(body)}`, body }];
}

/** The invoices of a page that `parseVerbatim` read, or undefined when it is none. */
export function rowsOf(page: unknown): readonly unknown[] | undefined {
  const business = isObject(page) && isObject(page.data) ? page.data.business : undefined;
  const invoices = isObject(business) ? business.invoices : undefined;
  const edges = isObject(invoices) ? invoices.edges : undefined;
  return Array.isArray(edges)
    ? edges.map((edge: unknown) => (isObject(edge) ? edge.node : edge))
    : undefined;
}

/** A page of these invoices. */
export function pageOf(rows: readonly unknown[]): Buffer {
  const edges = rows.map((node) => ({ node }));
  return printVerbatim({ data: { business: { invoices: { edges } } } });
}

function toDocument(row: unknown): SplitDocument {
  const id = isObject(row) ? row.id : undefined;
  const name = typeof id === 'string' ? digestOf(Buffer.from(id)) : 'unnamed';
  return { key: `invoice:${name}:${digestOf(printVerbatim(row ?? null))}`, body: pageOf([row]) };
}

/** An answer with errors is partly empty, so its rows are no statement. */
function hasErrors(page: unknown): boolean {
  return isObject(page) && Array.isArray(page.errors) && page.errors.length > 0;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
