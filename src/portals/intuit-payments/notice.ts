/** Notices only name something to ask for: a transaction of the processor, or a record of accounting. */
import type { Normalized } from '../contract.ts';
import { readNotice } from '../kit/intuit-notices.ts';
import type { CreatedNotice } from './created.ts';
import type { ReadingSettings } from './settings.ts';
import { RECORDS } from './wire.ts';

/** What fetches ask for beside records: a transaction, by the processor's id. */
export const TRANSACTION = 'Transaction';

/** `PaymentCreated`. */
export function normalizeCreated(notice: CreatedNotice, settings: ReadingSettings): Normalized {
  const { id, realmId } = notice;
  const other = otherCompany(realmId, settings);
  if (other) return other;
  if (id === undefined) return { quarantined: 'PaymentCreated names no payment by any id we know' };
  return { fetch: [{ entity: TRANSACTION, id }] };
}

/**
 * A notice of accounting. What is voided there is read again, for the processor may have let the charge go with it;
 * what is deleted cannot be read, and the processor's money is asked for by its own id anyway.
 */
export function normalizeNotice(value: unknown, settings: ReadingSettings): Normalized {
  const facts = readNotice(value);
  if ('ignored' in facts) return facts;
  const { realmId, operation, id } = facts;
  const other = otherCompany(realmId, settings);
  if (other) return other;
  const entity = RECORDS.find((known) => known.toLowerCase() === facts.entity.toLowerCase());
  const what = `${entity ?? facts.entity} ${operation}`;
  if (!entity) return { ignored: `${what}: this kind of object names no charge` };
  // The spellings differ between the two forms and between Intuit's own sources.
  switch (operation.toLowerCase()) {
    case 'create':
    case 'created':
    case 'update':
    case 'updated':
    case 'void':
    case 'voided':
      return { fetch: [{ entity, id }] };
    case 'delete':
    case 'deleted':
      return { ignored: `${what}: deleting a record moves no money at the processor` };
    default:
      return { ignored: `${what}: it moves no money` };
  }
}

/** The verifier token belongs to the app, so a genuine notice may be another company's. */
function otherCompany(
  realmId: string | undefined,
  settings: ReadingSettings,
): { readonly ignored: string } | undefined {
  if (realmId === undefined || settings.realmId === undefined || realmId === settings.realmId) {
    return undefined;
  }
  return { ignored: `company ${realmId} is not this connection's company ${settings.realmId}` };
}
