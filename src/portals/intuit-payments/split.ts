/**
 * Cuts a body into documents: notices one by one; what we fetched is one document as it is. A fetched document holds
 * a transaction of the processor under its kind, and what we know of it from elsewhere beside it.
 */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { noticePieces, type Piece } from '../kit/intuit-notices.ts';
import { rowId } from '../kit/intuit-queries.ts';
import { readCreated } from './created.ts';
import { KINDS, type Kind, RECORDS, type RecordKind } from './wire.ts';

/** Parts as `parseVerbatim` reads them. */
export type Told = {
  /** The charge or eCheck as the processor tells it; absent when it knows none by that id. */
  readonly taken?: { readonly kind: Kind; readonly value: unknown };
  /** A refund of it, which the processor tells by itself. */
  readonly refund?: unknown;
  /** The record in accounting that named it. */
  readonly recorded?: { readonly entity: RecordKind; readonly row: unknown };
  /** Numbers of the invoices that the record pays and names by their ids alone. */
  readonly invoiceNumbers?: Readonly<Record<string, string>>;
  /** The transaction says that it was refunded, and after a day nothing else says so. */
  readonly unexplained?: true;
};

/** The document that says this. */
export function toldBody({ taken, recorded, ...more }: Told): Buffer {
  return printVerbatim({
    ...(taken ? { [taken.kind]: taken.value } : {}),
    ...(recorded ? { recorded: { [recorded.entity]: recorded.row } } : {}),
    ...more,
  });
}

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
  if (Array.isArray(value)) {
    return value.length > 0 ? value.flatMap((one) => cutNotice([one]) ?? []) : undefined;
  }
  return cutNotice(value) ?? cutTold(value);
}

function cutNotice(value: unknown): readonly Piece[] | undefined {
  if (readCreated(value) === undefined) return noticePieces(value);
  // Its ids may be those of the payment, so only equal bytes are the same notice.
  return [{ key: `created:${digestOf(printVerbatim(value))}`, value }];
}

function cutTold(value: unknown): readonly Piece[] | undefined {
  if (!isObject(value)) return undefined;
  const name = nameOf(value);
  return name ? [{ key: `${name}:${digestOf(printVerbatim(value))}`, value }] : undefined;
}

/** What a fetched document is about, for its key. */
function nameOf(value: Readonly<Record<string, unknown>>): string | undefined {
  for (const kind of KINDS) {
    const id = idOf(value[kind]);
    if (id !== undefined) return `${kind}:${id}`;
  }
  for (const entity of RECORDS) {
    const id = isObject(value.recorded) ? rowId(value.recorded[entity]) : undefined;
    if (id !== undefined) return `recorded:${entity}:${id}`;
  }
  const id = idOf(value);
  return id === undefined ? undefined : `object:${id}`;
}

/** Ids are short; a longer text is not one and would not fit a key. */
function idOf(value: unknown): string | undefined {
  return isObject(value) && typeof value.id === 'string' && /^[\w.-]{1,100}$/.test(value.id)
    ? value.id
    : undefined;
}

function toDocument({ key, value }: Piece): SplitDocument {
  const body = printVerbatim(value);
  return { key: key ?? `bytes:${digestOf(body)}`, body };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
