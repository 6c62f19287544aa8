/** The documents in what Authorize.Net sends: a notification, a transaction, or the rows of a list. */
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';
import { member, withoutBom } from './wire.ts';

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    const whole = parseVerbatim(withoutBom(body));
    for (const list of ['transactions', 'batchList']) {
      const rows = member(whole, list);
      if (Array.isArray(rows) && rows.length > 0) return splitRecords(rows, keyOf);
    }
    return [{ key: keyOf(whole, printVerbatim(whole)), body }];
  } catch {
    return unreadable(body);
  }
}

/**
 * Transactions and batches change in place, so their keys name their state. That of a fetched transaction leaves
 * out what belongs to the answer and not to it.
 */
function keyOf(record: unknown, bytes: Buffer): string {
  const notificationId = member(record, 'notificationId');
  if (typeof notificationId === 'string') return `notification:${notificationId}`;
  const transaction = member(record, 'transaction');
  if (transaction !== undefined) {
    return `transaction:${idOf(transaction, 'transId')}:${digestOf(printVerbatim(transaction))}`;
  }
  const named = member(record, 'transId') === undefined ? 'batch' : 'listed';
  const id = idOf(record, named === 'batch' ? 'batchId' : 'transId');
  return id === '' ? `answer:${digestOf(bytes)}` : `${named}:${id}:${digestOf(bytes)}`;
}

function idOf(record: unknown, name: string): string {
  const id = member(record, name);
  return typeof id === 'string' ? id : '';
}
