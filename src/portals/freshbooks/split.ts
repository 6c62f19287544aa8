/** Cuts a FreshBooks body into documents; each row becomes what reading it alone answers. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim, unreadable } from '../kit/documents.ts';
import { fieldOf } from './form.ts';

type Json = Readonly<Record<string, unknown>>;

/** Lists by their key in a page, with the key of one row. */
const LISTS = {
  payments: 'payment',
  invoices: 'invoice',
  clients: 'client',
  callbacks: 'callback',
} as const;

/**
 * One document per row of a page; a callback is one document, and every delivery of it counts, because the same
 * bytes announce each change of a payment. A page without rows holds no document.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    if (!/^\s*[[{]/.test(body.subarray(0, 100).toString('latin1'))) return callbackDocument(body);
    return documentsOf(parseVerbatim(body)) ?? unreadable(body);
  } catch {
    return unreadable(body);
  }
}

/** The rows of one list in a page, each as the body that reading it alone would answer. */
export function rowBodies(body: Buffer, list: keyof typeof LISTS): readonly Buffer[] {
  const rows = resultOf(parseVerbatim(body))?.[list];
  return Array.isArray(rows) ? rows.map((row: unknown) => rowBody(LISTS[list], row)) : [];
}

function rowBody(kind: string, row: unknown): Buffer {
  return printVerbatim({ response: { result: { [kind]: row } } });
}

function callbackDocument(body: Buffer): readonly SplitDocument[] {
  const id = fieldOf(body, 'object_id');
  const isCallback = id !== undefined && fieldOf(body, 'name') !== undefined;
  if (!isCallback && fieldOf(body, 'verifier') === undefined) return unreadable(body);
  return [{ key: `callback:${digestOf(body)}`, body, repeatable: true }];
}

function documentsOf(value: unknown): readonly SplitDocument[] | undefined {
  const gone = isObject(value) ? value.gonePayment : undefined;
  if (gone !== undefined) return [{ key: `gone:${idOf(gone)}`, body: printVerbatim(value) }];
  const result = resultOf(value);
  if (!result) return undefined;
  for (const [list, kind] of Object.entries(LISTS)) {
    const rows = result[list];
    if (Array.isArray(rows)) return unique(rows.map((row: unknown) => document(kind, row)));
    const row = result[kind];
    if (isObject(row)) return [document(kind, row)];
  }
  return undefined;
}

/** The same row twice in one page (it moved while we paged) is one document. */
function unique(documents: readonly SplitDocument[]): readonly SplitDocument[] {
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}

function document(kind: string, row: unknown): SplitDocument {
  return { key: `${kind}:${idOf(row)}:${digestOf(printVerbatim(row))}`, body: rowBody(kind, row) };
}

function idOf(row: unknown): string {
  const id = isObject(row) ? (row.id ?? row.callbackid) : undefined;
  const text = isObject(id) ? id.rawJSON : id;
  return typeof text === 'string' && /^[A-Za-z0-9_-]{1,60}$/.test(text) ? text : '?';
}

function resultOf(value: unknown): Json | undefined {
  const response = isObject(value) ? value.response : undefined;
  const result = isObject(response) ? response.result : undefined;
  return isObject(result) ? result : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
