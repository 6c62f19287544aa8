/** Cuts a QuickBooks body into documents; each is a body that QuickBooks itself could have sent. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { noticePieces, type Piece } from '../kit/intuit-notices.ts';
import { rowId } from '../kit/intuit-queries.ts';

type Json = Readonly<Record<string, unknown>>;

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

function cut(value: unknown): readonly Piece[] | undefined {
  const notices = noticePieces(value);
  if (notices || !isObject(value)) return notices;
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
