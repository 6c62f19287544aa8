/** Both forms of QuickBooks notices, read into one, and what each kind asks for. */
import type { Normalized } from '../contract.ts';
import { readWire } from '../kit/wire.ts';
import { bareEvent, readInstant, removal } from './event.ts';
import type { ReadingSettings } from './settings.ts';
import { cloudEvent, ENTITIES, type Entity, legacyNotice } from './wire.ts';

type NoticeFacts = {
  readonly realmId: string;
  readonly entity: string;
  readonly id: string;
  readonly operation: string;
  readonly eventId: string;
  readonly time: string;
};

/**
 * A notice only names an object: it is fetched, unless the notice itself says that the object is
 * gone.
 */
export function normalizeNotice(value: unknown, settings: ReadingSettings): Normalized {
  const facts = Array.isArray(value) ? readCloudEvent(value) : readLegacy(value);
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

function readCloudEvent(batch: readonly unknown[]): NoticeFacts | { ignored: string } {
  if (batch.length === 0) return { ignored: 'an empty batch of notices' };
  if (batch.length > 1) throw new RangeError(`${batch.length} notices in one document`);
  const event = readWire(cloudEvent, batch[0]);
  const type = /^qbo\.([a-z]+)\.([a-z]+)\.v\d+$/i.exec(event.type);
  if (!type) return { ignored: `${event.type}: not an event of QuickBooks accounting` };
  return {
    realmId: event.intuitaccountid,
    entity: type[1] ?? '',
    operation: type[2] ?? '',
    id: event.intuitentityid,
    eventId: event.id,
    time: event.time,
  };
}

function readLegacy(value: unknown): NoticeFacts | { ignored: string } {
  const found = readWire(legacyNotice, value).eventNotifications.flatMap(
    ({ realmId, dataChangeEvent }) =>
      dataChangeEvent.entities.map((entity) => ({ realmId, ...entity })),
  );
  const [one, ...others] = found;
  if (!one) return { ignored: 'a notice of no change' };
  if (others.length > 0) throw new RangeError(`${found.length} notices in one document`);
  const { realmId, name, id, operation, lastUpdated } = one;
  return {
    realmId,
    entity: name,
    id,
    operation,
    eventId: [realmId, name, id, operation, lastUpdated].join('|'),
    time: lastUpdated,
  };
}
