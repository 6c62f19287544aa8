/** Authorize.Net documents to canonical events, told apart by what only each kind of them has. */
import type { Normalized, PortalDocument } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { normalizeBatch } from './batch.ts';
import { normalizeNotice } from './notice.ts';
import type { Settings } from './settings.ts';
import { normalizeTransaction } from './transaction.ts';
import {
  batchWire,
  member,
  messagesWire,
  notificationWire,
  summaryWire,
  transactionWire,
  withoutBom,
} from './wire.ts';

/** Pure. @throws WireMismatch, MalformedAmount, UnknownCurrency: each quarantines the document. */
export function normalize({ body, receivedAt }: PortalDocument, settings: Settings): Normalized {
  const value = parseExactJson(withoutBom(body));
  const has = (name: string) => member(value, name) !== undefined;
  if (has('eventType')) return normalizeNotice(readWire(notificationWire, value), settings);
  if (has('transaction')) {
    const transaction = readWire(transactionWire, member(value, 'transaction'));
    return normalizeTransaction(transaction, settings, receivedAt);
  }
  if (has('transId')) {
    const { transId } = readWire(summaryWire, value);
    if (/^0+$/.test(transId)) return { ignored: 'transaction 0 was made in test mode: no money' };
    return { fetch: [{ entity: 'transaction', id: transId }] };
  }
  if (has('batchId')) return normalizeBatch(readWire(batchWire, value), settings);
  return answer(value);
}

/** What the APIs answer without any record in it. */
function answer(value: unknown): Normalized {
  if (member(value, '_links') !== undefined) {
    return { ignored: 'webhooks and their delivery history are no payments' };
  }
  if (member(value, 'messages') === undefined) {
    throw new WireMismatch('the body is neither a notification nor an answer of Authorize.Net');
  }
  const { resultCode, message } = readWire(messagesWire, member(value, 'messages'));
  const said = message.map(({ code, text }) => `${code} ${text}`).join('; ');
  return resultCode === 'Ok'
    ? { ignored: `an answer without records: ${said}` }
    : { quarantined: said };
}
