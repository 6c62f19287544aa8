/** Cuts a body into documents: a nudge, or one for each row of a query, whole in itself. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';
import { cell, type Row } from './suiteql.ts';

/** The same row read twice is one document; any change of it, an application too, makes another. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const value = parseVerbatim(body);
    if (!isObject(value)) return unreadable(body);
    const rows = Array.isArray(value.items) ? value.items : [value];
    const documents = splitRecords(rows, keyOf);
    return [...new Map(documents.map((one) => [one.key, one])).values()];
  } catch {
    // Neither JSON nor anything JSON can be nested into: kept as it came.
    return unreadable(body);
  }
}

/** Rows as the body of a page. */
export function pageBody(rows: readonly Row[]): Buffer {
  return printVerbatim({ items: rows });
}

function keyOf(row: unknown, bytes: Buffer): string {
  const key = isObject(row) ? nameOf(row, bytes) : undefined;
  return key !== undefined && Buffer.byteLength(key) <= 180 ? key : `bytes:${digestOf(bytes)}`;
}

function nameOf(row: Row, bytes: Buffer): string | undefined {
  const [id, type, eventId] = ['id', 'type', 'eventId'].map((column) => cell(row, column));
  if (eventId !== undefined && 'recordType' in row) return `event:${encodeURIComponent(eventId)}`;
  const deleted = cell(row, 'recordid');
  // A record is deleted once.
  if (deleted !== undefined) return `gone:${encodeURIComponent(type ?? '')}:${deleted}`;
  if (id === undefined) return undefined;
  const kind = type ?? ('entityid' in row ? 'customer' : undefined);
  return kind && `row:${encodeURIComponent(kind)}:${id}:${digestOf(bytes)}`;
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
