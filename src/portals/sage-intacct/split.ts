/** Cuts what comes from Intacct into documents, one for each record, each saying of which object it is. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';
import { readGatewayBody } from './gateway.ts';
import { isRow } from './rest.ts';
import { type LedgerRecord, REST_OBJECTS, type Row } from './wire.ts';

const SOURCE = 'intacct-trigger';

/**
 * A nudge stays whole, and is repeatable: the trigger sends the same bytes for different changes. Pages of ours are
 * lists of records; answers of either API are taken apart as well.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    if (/^\ufeff?\s*</.test(body.subarray(0, 200).toString('utf8'))) return splitXml(body);
    const value = parseVerbatim(body);
    if (isNudge(value)) return [{ key: `nudge:${digestOf(body)}`, body, repeatable: true }];
    const records = Array.isArray(value) ? value : (restRecords(value) ?? [value]);
    return records.length > 0 ? distinct(records) : unreadable(body);
  } catch {
    // Neither XML nor JSON, or not what can be nested into either: kept as it came.
    return unreadable(body);
  }
}

/** A page of records as the pull stores it. */
export function pageBody(records: readonly LedgerRecord[]): Buffer {
  return printVerbatim(records);
}

/** The body that the administrator writes into the trigger; it only points. */
export function isNudge(value: unknown): boolean {
  return isRow(value) && value.source === SOURCE;
}

function splitXml(body: Buffer): readonly SplitDocument[] {
  const read = readGatewayBody(body);
  if ('refusal' in read || read.rows.length === 0) {
    return [{ key: `bytes:${digestOf(body)}`, body }];
  }
  return distinct(read.rows.map((record) => ({ object: read.object, record })));
}

/** The rows of a REST answer, each with the object it is of; undefined for anything else. */
function restRecords(value: unknown): readonly unknown[] | undefined {
  const result = isRow(value) ? value['ia::result'] : undefined;
  if (Array.isArray(result) && result.every(isRow)) {
    return result.map((record) => ({ object: objectOf(record), record }));
  }
  if (!isRow(result) || 'ia::error' in result) return undefined;
  return [{ object: objectOf(result), record: result }];
}

/** Rows of queries do not say what they are; only these have these fields. */
function objectOf(record: Row): string {
  const [, named] = /^\/objects\/([a-z-]+\/[a-z-]+)\/\d+$/.exec(String(record.href ?? '')) ?? [];
  if (named !== undefined) return named;
  if ('arPayment.key' in record) return 'accounts-receivable/payment-detail';
  if ('txnCurrency.totalAmount' in record) return REST_OBJECTS.payment;
  if ('txnTotalEntered' in record) return REST_OBJECTS.advance;
  if ('invoiceNumber' in record) return REST_OBJECTS.invoice;
  return 'contacts.default.email1' in record ? REST_OBJECTS.customer : 'unknown';
}

function distinct(records: readonly unknown[]): readonly SplitDocument[] {
  const documents = splitRecords(records, keyOf);
  return [...new Map(documents.map((one) => [one.key, one])).values()];
}

function keyOf(value: unknown, bytes: Buffer): string {
  if (!isRow(value) || !isRow(value.record) || typeof value.object !== 'string') {
    return `bytes:${digestOf(bytes)}`;
  }
  const { RECORDNO, key } = value.record;
  return `object:${plain(value.object)}:${plain(RECORDNO ?? key)}:${digestOf(bytes)}`;
}

function plain(part: unknown): string {
  return String(part ?? '')
    .replaceAll(/[^\w./-]/g, '')
    .slice(0, 40);
}
