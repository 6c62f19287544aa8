/** What each kind of QuickBooks notice asks for. */
import type { Normalized } from '../contract.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { readInstant } from '../kit/intuit.ts';
import { type NoticeFacts, readNotice } from '../kit/intuit-notices.ts';
import { removal } from './event.ts';
import type { ReadingSettings } from './settings.ts';
import { ENTITIES, type Entity } from './wire.ts';

/**
 * A notice only names an object: it is fetched, unless the notice itself says that the object is
 * gone.
 */
export function normalizeNotice(value: unknown, settings: ReadingSettings): Normalized {
  const facts = readNotice(value);
  if ('ignored' in facts) return facts;
  const { realmId, operation, id } = facts;
  if (settings.realmId !== undefined && realmId !== settings.realmId) {
    return { ignored: `company ${realmId} is not this connection's company ${settings.realmId}` };
  }
  const entity = ENTITIES.find((known) => known.toLowerCase() === facts.entity.toLowerCase());
  const what = `${entity ?? facts.entity} ${operation}`;
  if (!entity) return { ignored: `${what}: this kind of object tells of no customer payment` };
  // The spellings differ between the two forms and between Intuit's own sources.
  switch (operation.toLowerCase()) {
    case 'create':
    case 'created':
    case 'update':
    case 'updated':
      return { fetch: [{ entity, id }] };
    case 'merge':
    case 'merged':
      return entity === 'Customer'
        ? { fetch: [{ entity, id }] }
        : { ignored: `${what}: only customers are merged` };
    case 'void':
    case 'voided':
      return removed(entity, 'voided', facts, settings);
    case 'delete':
    case 'deleted':
      return removed(entity, 'deleted', facts, settings);
    case 'emailed':
      return { ignored: `${what}: sending a document moves no money` };
    default:
      return { ignored: `${what}: an operation unknown to us` };
  }
}

/**
 * A deleted object cannot be fetched and a voided one has lost its amount, so nothing is asked for.
 */
function removed(
  entity: Entity,
  how: 'voided' | 'deleted',
  { eventId, id, time }: NoticeFacts,
  settings: ReadingSettings,
): Normalized {
  return removal(entity, how, settings, {
    ...bareEvent(settings.homeCurrency ?? 'USD'),
    id,
    eventId,
    occurredAt: readInstant(time, 'time'),
  });
}
