/** Cuts a QuickBooks body into documents; each is a body that QuickBooks itself could have sent. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim } from '../kit/documents.ts';

type Json = Readonly<Record<string, unknown>>;
type Piece = { readonly key: string | undefined; readonly value: unknown };

/**
 * One document per event of a notice, per entity of a legacy notice and per row of a page. What is
 * not recognised stays whole, for `normalize` to name. A page without rows holds no document.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const pieces = cut(parseVerbatim(body));
    if (pieces) return pieces.map(toDocument);
  } catch {
    // Neither JSON nor anything JSON can be nested into: kept as it came.
  }
  return [{ key: `bytes:${digestOf(body)}`, body }];
}

/** A row as the body that reading it alone would answer. Numbers keep their digits (`55.0`). */
export function rowBody(entity: string, row: unknown): Buffer {
  return printVerbatim({ [entity]: row });
}

/** The rows of one entity in a query page, numbers untouched. */
export function rowsOf(body: Buffer, entity: string): readonly unknown[] {
  const page = parseVerbatim(body);
  const rows = isObject(page) && isObject(page.QueryResponse) ? page.QueryResponse[entity] : [];
  return Array.isArray(rows) ? rows : [];
}

/** The id of a row; undefined when it has none. */
export function rowId(row: unknown): string | undefined {
  if (!isObject(row)) return undefined;
  // A number was kept as raw JSON text.
  const id = isObject(row.Id) ? row.Id.rawJSON : row.Id;
  return typeof id === 'string' ? id : undefined;
}

function cut(value: unknown): readonly Piece[] | undefined {
  if (Array.isArray(value)) return value.length > 0 ? value.map(cloudEventPiece) : undefined;
  if (!isObject(value)) return undefined;
  if (Array.isArray(value.eventNotifications)) {
    return value.eventNotifications.length > 0
      ? value.eventNotifications.flatMap(legacyPieces)
      : undefined;
  }
  if (Array.isArray(value.CDCResponse)) {
    return value.CDCResponse.flatMap((answer) =>
      isObject(answer) && Array.isArray(answer.QueryResponse)
        ? answer.QueryResponse.flatMap(pagePieces)
        : [],
    );
  }
  if (isObject(value.QueryResponse)) return pagePieces(value.QueryResponse);
  return readPieces(value);
}

function cloudEventPiece(event: unknown): Piece {
  const id = isObject(event) && typeof event.id === 'string' ? event.id : undefined;
  return { key: id && `event:${id}`, value: [event] };
}

/** Legacy notices have no event id: realm, name, id, operation and time are one. */
function legacyPieces(notification: unknown): readonly Piece[] {
  const change = isObject(notification) ? notification.dataChangeEvent : undefined;
  if (!isObject(notification) || !isObject(change) || !Array.isArray(change.entities)) {
    return [{ key: undefined, value: { eventNotifications: [notification] } }];
  }
  return change.entities.map((entity: unknown) => {
    const one = { ...notification, dataChangeEvent: { ...change, entities: [entity] } };
    const { name, id, operation, lastUpdated } = isObject(entity) ? entity : {};
    const parts = [notification.realmId, name, id, operation, lastUpdated];
    const complete = parts.every((part) => typeof part === 'string');
    return {
      key: complete ? `event:${parts.join('|')}` : undefined,
      value: { eventNotifications: [one] },
    };
  });
}

/** Beside the rows stand `startPosition`, `maxResults` and `totalCount`, which are no lists. */
function pagePieces(page: unknown): readonly Piece[] {
  return Object.entries(isObject(page) ? page : {}).flatMap(([entity, rows]) =>
    Array.isArray(rows) ? rows.map((row: unknown) => rowPiece(entity, row)) : [],
  );
}

/**
 * A single read: the entity beside the time of the answer, which would make equal objects differ.
 */
function readPieces(value: Json): readonly Piece[] | undefined {
  const [only, ...others] = Object.entries(value).filter(([name]) => name !== 'time');
  if (!only || others.length > 0 || rowId(only[1]) === undefined) return undefined;
  return [rowPiece(only[0], only[1])];
}

function rowPiece(entity: string, row: unknown): Piece {
  const id = rowId(row);
  return {
    key: id && `object:${entity}:${id}:${digestOf(printVerbatim(row))}`,
    value: { [entity]: row },
  };
}

function toDocument({ key, value }: Piece): SplitDocument {
  const body = printVerbatim(value);
  return { key: key ?? `bytes:${digestOf(body)}`, body };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
