/** Cuts an answer of the Service Layer into documents, one for each record, that say what kind it is. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';
import { ENTITIES, type Entity, type PaymentEntity } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;
type Numbers = Readonly<Record<string, string>>;

/**
 * One document for each row of a page, for a record read alone, for what our pull put together and for a nudge. The
 * key of a record is made of its row alone: the first reading of a version is the one that is kept.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const value = parseVerbatim(body);
    if (!isObject(value)) return unreadable(body);
    if (Array.isArray(value.Records)) return distinct(value.Records);
    if (Array.isArray(value.value)) return distinct(value.value.map((row) => wrap(row, value)));
    const isWhole = isNudge(value) || 'Gone' in value || wrapped(value) !== undefined;
    return distinct([isWhole ? value : wrap(value, value)]);
  } catch {
    // Neither JSON nor anything JSON can be nested into: kept as it came.
    return unreadable(body);
  }
}

/** Records that `split` takes apart again. */
export function recordsBody(records: readonly unknown[]): Buffer {
  return printVerbatim({ Records: records });
}

/** The rows of a page as records of that kind. Numbers keep their digits. */
export function recordsIn(
  body: Buffer,
  entity: Entity,
  numbersOf?: (place: number) => Numbers,
): readonly unknown[] {
  const page = parseVerbatim(body);
  const rows: readonly unknown[] = isObject(page) && Array.isArray(page.value) ? page.value : [];
  return rows.map((row, place) => {
    const InvoiceNumbers = numbersOf?.(place) ?? {};
    const known = Object.keys(InvoiceNumbers).length > 0;
    return { [entity]: bare(row), ...(known ? { InvoiceNumbers } : {}) };
  });
}

/** The record that says that a payment is gone. */
export function goneRecord(entity: PaymentEntity, docEntry: number): unknown {
  return { Gone: { Entity: entity, DocEntry: docEntry } };
}

function distinct(values: readonly unknown[]): readonly SplitDocument[] {
  const documents = splitRecords(values, keyOf);
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}

/** The answer says in its context what its rows are; documents and partners say it themselves, too. */
function wrap(row: unknown, answer: Json): unknown {
  if (!isObject(row)) return row;
  const context = answer['@odata.context'] ?? answer['odata.metadata'];
  const [, named] = /#(\w+)/.exec(typeof context === 'string' ? context : '') ?? [];
  const entity = ENTITIES.find((one) => one === named) ?? kindOf(row);
  return entity === undefined ? row : { [entity]: bare(row) };
}

function kindOf(row: Json): Entity | undefined {
  if (row.DocObjectCode === 'bopot_IncomingPayments') return 'IncomingPayments';
  if (row.DocObjectCode === 'bopot_OutgoingPayments') return 'VendorPayments';
  if ('CardType' in row) return 'BusinessPartners';
  return undefined;
}

/** Without what OData adds to a row. */
function bare(row: unknown): unknown {
  if (!isObject(row)) return row;
  const said = Object.entries(row).filter(([name]) => !/^@?odata\./.test(name));
  return Object.fromEntries(said);
}

function keyOf(value: unknown, bytes: Buffer): string {
  if (!isObject(value)) return `bytes:${digestOf(bytes)}`;
  const { Gone, eventId } = value;
  if (isObject(Gone)) {
    const { Entity: entity, DocEntry } = Gone;
    return `gone:${short(entity)}:${short(DocEntry)}`;
  }
  if (isNudge(value)) {
    // An event id that stands on two different events must not swallow the second.
    const { objectType, transactionType, key } = value;
    const about = printVerbatim([
      eventId ?? bytes.toString('base64'),
      objectType,
      transactionType,
      key,
    ]);
    return `nudge:${digestOf(about)}`;
  }
  const entity = wrapped(value);
  const row = entity && value[entity];
  if (!isObject(row)) return `bytes:${digestOf(bytes)}`;
  const id = entity === 'BusinessPartners' ? row.CardCode : row.DocEntry;
  return `object:${entity}:${short(id)}:${digestOf(printVerbatim(row))}`;
}

/** Numbers were kept as raw JSON text. */
function short(id: unknown): string {
  const text = isObject(id) ? id.rawJSON : id;
  return typeof text === 'string' ? encodeURIComponent(text.slice(0, 20)).slice(0, 60) : '';
}

function wrapped(value: Json): Entity | undefined {
  return ENTITIES.find((entity) => isObject(value[entity]));
}

function isNudge(value: Json): boolean {
  return 'objectType' in value && 'companyDb' in value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
