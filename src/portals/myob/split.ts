/** Cuts an answer of MYOB into documents, one for each record, that say what kind of record they hold. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';
import { ENTITIES, type Entity } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * One document for each row of a page (`{"Items":[…]}`), for a record read alone, and for what is gone. The key
 * is made of the row and not of when it was read: the first reading of a version is the one that is kept.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const value = parseVerbatim(body);
    if (!isObject(value)) return unreadable(body);
    const { ReadAt } = value;
    if (Array.isArray(value.Items)) {
      return distinct(value.Items.map((row: unknown) => wrap(row, ReadAt)));
    }
    return distinct([entityNamed(value) || 'Gone' in value ? value : wrap(value, ReadAt)]);
  } catch {
    // Neither JSON nor anything JSON can be nested into: kept as it came.
    return unreadable(body);
  }
}

/** A list of MYOB's with the instant at which it was read, by which later versions of a row are known. */
export function pageBody(body: Buffer, readAt: string): Buffer {
  const page = parseVerbatim(body);
  return isObject(page) ? printVerbatim({ Items: page.Items, ReadAt: readAt }) : body;
}

/** The document that says that a record is gone. */
export function goneBody(
  gone: { readonly Entity: Entity; readonly UID: string; readonly Negative: boolean },
  readAt: string,
): Buffer {
  return printVerbatim({ Gone: gone, ReadAt: readAt });
}

function distinct(values: readonly unknown[]): readonly SplitDocument[] {
  const documents = splitRecords(values, keyOf);
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}

/** Kinds are told apart by the fields that only they have; addresses (`URI`) may be switched off. */
function wrap(row: unknown, readAt: unknown): unknown {
  const entity = isObject(row) ? kindOf(row) : undefined;
  if (entity === undefined) return row;
  return { [entity]: row, ...(readAt === undefined ? {} : { ReadAt: readAt }) };
}

function kindOf(row: Json): Entity | undefined {
  if (!('UID' in row)) return undefined;
  if ('AmountReceived' in row) return 'CustomerPayment';
  if ('TotalAmount' in row) return 'Invoice';
  if ('Amount' in row && 'Invoice' in row && 'Payee' in row) return 'CreditRefund';
  if ('IsIndividual' in row || 'Addresses' in row) return 'Customer';
  return undefined;
}

function keyOf(value: unknown, bytes: Buffer): string {
  if (!isObject(value)) return `bytes:${digestOf(bytes)}`;
  const { Gone } = value;
  if (isObject(Gone) && typeof Gone.UID === 'string' && typeof Gone.Entity === 'string') {
    const key = `gone:${Gone.Entity}:${Gone.UID}`;
    if (Buffer.byteLength(key) <= 120) return key;
  }
  const entity = entityNamed(value);
  if (entity === undefined) return `bytes:${digestOf(bytes)}`;
  const row = value[entity];
  const uid = isObject(row) && typeof row.UID === 'string' ? row.UID.slice(0, 40) : '';
  return `object:${entity}:${encodeURIComponent(uid).slice(0, 60)}:${digestOf(printVerbatim(row))}`;
}

function entityNamed(value: Json): Entity | undefined {
  return ENTITIES.find((entity) => isObject(value[entity]) && !('UID' in value));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
