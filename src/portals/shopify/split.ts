/** The documents in what Shopify sends: a delivery, or the records of a GraphQL answer. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim, unreadable } from '../kit/documents.ts';
import { shopifyHeader } from './webhook.ts';
import { gidOf, member } from './wire.ts';

const ID_LENGTH = 100;

/**
 * A delivery is one document, known by its webhook id, which retries keep, and by its bytes, because only those are
 * signed. Of a GraphQL answer every record is one, and of an order every transaction. Never throws.
 */
export function split(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): readonly SplitDocument[] {
  const topic = shopifyHeader(headers, 'topic');
  if (topic !== undefined) {
    const id = shopifyHeader(headers, 'webhookId') ?? topic;
    return [{ key: `webhook:${id.slice(0, ID_LENGTH)}:${digestOf(body)}`, body }];
  }
  try {
    const records = recordsIn(parseVerbatim(body));
    return records?.flatMap(documentsOf) ?? unreadable(body);
  } catch {
    return unreadable(body);
  }
}

/** The records of an answer to one of our queries, or a record that was split off before. */
function recordsIn(whole: unknown): readonly unknown[] | undefined {
  if (gidOf(member(whole, 'id')) !== undefined) return [whole];
  const data = member(whole, 'data');
  const single = ['order', 'node'].map((name) => member(data, name)).find((one) => one != null);
  if (single !== undefined) return [single];
  const account = member(data, 'shopifyPaymentsAccount');
  const nodes = [
    member(data, 'orders'),
    ...['payouts', 'disputes', 'balanceTransactions'].map((name) => member(account, name)),
  ].map((connection) => member(connection, 'nodes'));
  const lists = nodes.filter((list) => Array.isArray(list));
  return lists.length > 0 ? lists.flat(1) : undefined;
}

function documentsOf(record: unknown): readonly SplitDocument[] {
  const transactions = member(record, 'transactions');
  const several = Array.isArray(transactions) && transactions.length > 1;
  const parts = several
    ? transactions.map((one) => ({ ...(record as object), transactions: [one] }))
    : [record];
  return parts.map((part) => {
    const body = printVerbatim(part);
    return { key: keyOf(part, body), body };
  });
}

function keyOf(record: unknown, body: Buffer): string {
  const gid = gidOf(member(record, 'id'));
  if (gid === undefined) return `unreadable:${digestOf(body)}`;
  const [transaction] = [member(record, 'transactions')].flat(1);
  const part = gidOf(member(transaction, 'id'));
  return [gid.type, gid.number, ...(part ? [part.number] : []), digestOf(body)].join(':');
}
