/** Both forms of the notices of QuickBooks accounting, taken apart and read into one. */
import { z } from 'zod';
import type { Notice } from '../contract.ts';
import { SIGNATURE } from './intuit.ts';
import { readWire } from './wire.ts';

const id = z.union([z.string().min(1), z.int()]).transform(String);

/** One CloudEvent of the array that Intuit has sent since 2026. */
const cloudEvent = z.object({
  id: z.string().min(1),
  type: z.string(),
  time: z.string(),
  intuitentityid: id,
  intuitaccountid: id,
});

/** The form before CloudEvents, still understood because Intuit named two dates for its end. */
const legacyNotice = z.object({
  eventNotifications: z.array(
    z.object({
      realmId: id,
      dataChangeEvent: z.object({
        entities: z.array(
          z.object({ name: z.string(), id, operation: z.string(), lastUpdated: z.string() }),
        ),
      }),
    }),
  ),
});

/** What a notice says of one object; `time` as the notice wrote it. */
export type NoticeFacts = {
  readonly realmId: string;
  readonly entity: string;
  readonly id: string;
  readonly operation: string;
  readonly eventId: string;
  readonly time: string;
};

/** A part of a body; its key is undefined when it has no name of its own. */
export type Piece = { readonly key: string | undefined; readonly value: unknown };

/** True for what accounting sends, in either form. Intuit signs other notices by the same header. */
export function isAccountingNotice({ headers, body }: Notice): boolean {
  if (headers[SIGNATURE] === undefined) return false;
  const text = body.toString('utf8');
  return /^\s*\{\s*"eventNotifications"\s*:/.test(text) || /"type"\s*:\s*"qbo\./.test(text);
}

/** One document of `noticePieces`, read. @throws WireMismatch */
export function readNotice(value: unknown): NoticeFacts | { readonly ignored: string } {
  return Array.isArray(value) ? readCloudEvent(value) : readLegacy(value);
}

/** The notices in a body that `parseVerbatim` read, each as Intuit could have sent it; undefined for others. */
export function noticePieces(value: unknown): readonly Piece[] | undefined {
  if (Array.isArray(value)) return value.length > 0 ? value.map(cloudEventPiece) : undefined;
  if (!isObject(value) || !Array.isArray(value.eventNotifications)) return undefined;
  return value.eventNotifications.length > 0
    ? value.eventNotifications.flatMap(legacyPieces)
    : undefined;
}

function cloudEventPiece(event: unknown): Piece {
  const eventId = isObject(event) && typeof event.id === 'string' ? event.id : undefined;
  return { key: eventId && `event:${eventId}`, value: [event] };
}

/** Legacy notices have no event id: realm, name, id, operation and time are one. */
function legacyPieces(notification: unknown): readonly Piece[] {
  const change = isObject(notification) ? notification.dataChangeEvent : undefined;
  if (!isObject(notification) || !isObject(change) || !Array.isArray(change.entities)) {
    return [{ key: undefined, value: { eventNotifications: [notification] } }];
  }
  return change.entities.map((entity: unknown) => {
    const one = { ...notification, dataChangeEvent: { ...change, entities: [entity] } };
    const { name, id: entityId, operation, lastUpdated } = isObject(entity) ? entity : {};
    const parts = [notification.realmId, name, entityId, operation, lastUpdated];
    const complete = parts.every((part) => typeof part === 'string');
    return {
      key: complete ? `event:${parts.join('|')}` : undefined,
      value: { eventNotifications: [one] },
    };
  });
}

function readCloudEvent(batch: readonly unknown[]): NoticeFacts | { readonly ignored: string } {
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

function readLegacy(value: unknown): NoticeFacts | { readonly ignored: string } {
  const found = readWire(legacyNotice, value).eventNotifications.flatMap(
    ({ realmId, dataChangeEvent }) =>
      dataChangeEvent.entities.map((entity) => ({ realmId, ...entity })),
  );
  const [one, ...others] = found;
  if (!one) return { ignored: 'a notice of no change' };
  if (others.length > 0) throw new RangeError(`${found.length} notices in one document`);
  const { realmId, name, id: entityId, operation, lastUpdated } = one;
  return {
    realmId,
    entity: name,
    id: entityId,
    operation,
    eventId: [realmId, name, entityId, operation, lastUpdated].join('|'),
    time: lastUpdated,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
