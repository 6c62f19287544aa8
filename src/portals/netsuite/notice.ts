/** What tells of records without showing them: nudges of our script, and the list of what was deleted. */
import type { Normalized } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import { removal, stateId, TIME_ZONE } from './event.ts';
import { instantOf } from './instants.ts';
import type { ReadingSettings } from './settings.ts';
import { deletedRecord, nudge, type Type } from './wire.ts';

/** The same things in the words of SuiteScript, of queries and of the screens, without blanks and capitals. */
const TYPE_OF: Readonly<Record<string, Type>> = {
  customerpayment: 'CustPymt',
  custpymt: 'CustPymt',
  payment: 'CustPymt',
  customerdeposit: 'CustDep',
  custdep: 'CustDep',
  customerrefund: 'CustRfnd',
  custrfnd: 'CustRfnd',
  invoice: 'CustInvc',
  custinvc: 'CustInvc',
  deposit: 'Deposit',
  bankdeposit: 'Deposit',
};

/** The type of transaction that a record type names; undefined for everything else. */
export function typeOf(recordType: string): Type | undefined {
  const word = recordType.toLowerCase().replace(/[^a-z]/g, '');
  return Object.hasOwn(TYPE_OF, word) ? TYPE_OF[word] : undefined;
}

/** A nudge only points: the record is fetched, unless it is gone. */
export function normalizeNudge(value: unknown, settings: ReadingSettings): Normalized {
  const { eventId, accountId, action, recordType, recordId, occurredAt } = readWire(nudge, value);
  if (settings.accountId !== undefined && accountOf(accountId) !== settings.accountId) {
    return { ignored: `account ${accountId} is not this connection's ${settings.accountId}` };
  }
  const what = `${recordType} ${recordId} ${action}`;
  const type = typeOf(recordType);
  const deleted = action.toLowerCase() === 'delete';
  if (recordType.toLowerCase() === 'customer') {
    return deleted
      ? { ignored: `${what}: its payments and invoices keep their names` }
      : { fetch: [{ entity: 'customer', id: recordId }] };
  }
  if (!type) return { ignored: `${what}: this kind of record tells of no customer payment` };
  if (!deleted) return { fetch: [{ entity: 'transaction', id: recordId }] };
  // The zone is part of what the script sends.
  if (!/Z$/.test(occurredAt)) throw new WireMismatch(`occurredAt: "${occurredAt}" is not in UTC`);
  return removal(type, settings, {
    id: recordId,
    eventId,
    occurredAt: instantOf(occurredAt, 'occurredAt', 'UTC'),
    reason: 'deleted in NetSuite',
  });
}

/** A row of `deletedrecord`; those that tell nothing of us are left out by the pull already. */
export function normalizeDeleted(row: unknown, settings: ReadingSettings): Normalized {
  const { recordid, type: recordType, deleted, name } = readWire(deletedRecord, row);
  const type = typeOf(recordType);
  if (!type) return { ignored: `${recordType} ${recordid} was deleted: it is no customer payment` };
  const named = name ? ` (${name})` : '';
  return removal(type, settings, {
    id: recordid,
    eventId: stateId(settings, type, recordid, 'deleted'),
    occurredAt: instantOf(deleted, 'deleted', settings.accountTimeZone ?? TIME_ZONE),
    reason: `deleted in NetSuite${named}`,
  });
}

/** An account as its settings write it: NetSuite writes `1234567_SB1` here and `1234567-sb1` there. */
export function accountOf(text: string): string {
  return text.trim().toUpperCase().replaceAll('-', '_');
}
