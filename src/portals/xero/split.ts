/** Cuts a Xero body into documents; each is a body that Xero itself could have sent. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim, unreadable } from '../kit/documents.ts';
import { ID_FIELDS, RESOURCES, type Resource } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;

/** Keys are kept under 200 bytes; every id of Xero's is a GUID. */
const LONGEST_PART = 36;

/**
 * One document per event of a delivery and per row of an answer, without what differs between two tellings of the
 * same (sequence numbers, time of the answer). What is not recognised stays whole, for `normalize` to name.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    return cut(parseVerbatim(body), body);
  } catch {
    // Neither JSON nor anything JSON can be nested into: kept as it came.
    return unreadable(body);
  }
}

/** A row as the body that reading it alone would answer. Numbers keep their digits (`46.0`). */
export function rowBody(resource: Resource, row: unknown): Buffer {
  return printVerbatim({ [resource]: [row] });
}

/** The rows of an answer, numbers untouched. */
export function rowsOf(body: Buffer, resource: Resource): readonly Json[] {
  const answer = parseVerbatim(body);
  const rows = isObject(answer) ? answer[resource] : undefined;
  return Array.isArray(rows) ? rows.filter(isObject) : [];
}

/** The id of a row; undefined when it has none. */
export function rowId(resource: Resource, row: unknown): string | undefined {
  return isObject(row) ? part(row[ID_FIELDS[resource]]) : undefined;
}

function cut(value: unknown, body: Buffer): readonly SplitDocument[] {
  if (!isObject(value)) return unreadable(body);
  if (Array.isArray(value.events) && value.events.length > 0) return value.events.map(eventPiece);
  // An error repeats what was sent to it: that is no row.
  const resource = RESOURCES.find((name) => Array.isArray(value[name]));
  if (resource && !('ErrorNumber' in value)) {
    return (value[resource] as readonly unknown[]).map((row) => rowPiece(resource, row));
  }
  return [{ key: `bytes:${digestOf(body)}`, body }];
}

/** Events have no id: tenant, object, kind and time are one. */
function eventPiece(event: unknown): SplitDocument {
  const body = printVerbatim({ events: [event] });
  const { tenantId, eventCategory, resourceId, eventType, eventDateUtc } = isObject(event)
    ? event
    : {};
  const parts = [tenantId, eventCategory, resourceId, eventType, eventDateUtc].map(part);
  const complete = parts.every((one) => one !== undefined);
  return { key: complete ? `event:${parts.join(':')}` : `bytes:${digestOf(body)}`, body };
}

function rowPiece(resource: Resource, row: unknown): SplitDocument {
  const body = rowBody(resource, row);
  const id = rowId(resource, row) ?? '';
  return { key: `object:${resource}:${id}:${digestOf(body)}`, body };
}

function part(value: unknown): string | undefined {
  const fits = typeof value === 'string' && value !== '' && /^[\x21-\x7e]+$/.test(value);
  return fits && value.length <= LONGEST_PART ? value : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
