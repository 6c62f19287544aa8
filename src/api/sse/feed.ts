/** Tells open streams what changes: one LISTEN per process, one read per organization and place. */
import type { App } from '../../app.ts';
import { sql } from '../../db/database.ts';
import { readConnections } from '../json/connection.ts';
import { readChanges } from './changes.ts';
import { formatChanges, formatEvent } from './format.ts';

/** Every transaction that applies documents notifies it with `<organizationId>:<sequence>`. */
const BOOKS_CHANNEL = 'checkvalve_books';
/** A burst of transactions is read once. */
const GATHER_MS = 25;
/** A notification may be lost while the listener reconnects; looking around finds what it told. */
const LOOK_AROUND_MS = 5_000;

export type Subscriber = {
  readonly organizationId: number;
  /** Everything up to here was sent. */
  position: bigint;
  /** False when the stream cannot take more; it was ended then. */
  send(text: string): boolean;
};

export type Feed = {
  subscribe(subscriber: Subscriber): () => void;
  close(): Promise<void>;
};

export async function openFeed(app: Pick<App, 'database' | 'log' | 'config'>): Promise<Feed> {
  const subscribers = new Map<number, Set<Subscriber>>();
  const running = new Map<number, Promise<void>>();
  const again = new Set<number>();
  const health = openHealthWatch(app);
  let closed = false;

  const wake = (organizationId: number): void => {
    if (closed || !subscribers.has(organizationId)) return;
    if (running.has(organizationId)) {
      again.add(organizationId);
      return;
    }
    const run = new Promise((resolve) => setTimeout(resolve, GATHER_MS))
      .then(() => sendChanges(app, organizationId, subscribers.get(organizationId) ?? []))
      .then((behind) => {
        if (behind) again.add(organizationId);
      })
      .catch((error) => app.log.warn({ err: error }, 'a stream could not read what changed'))
      .finally(() => {
        running.delete(organizationId);
        if (again.delete(organizationId)) wake(organizationId);
      });
    running.set(organizationId, run);
  };

  const lookAround = (): void => {
    for (const organizationId of subscribers.keys()) {
      wake(organizationId);
      const send = async () => {
        const text = await health.changed(organizationId);
        if (text === '') return;
        for (const subscriber of subscribers.get(organizationId) ?? []) subscriber.send(text);
      };
      send().catch((error) =>
        app.log.warn({ err: error }, 'a stream could not read the health of connections'),
      );
    }
  };

  const listening = await app.database.listen(BOOKS_CHANNEL, (payload) =>
    wake(Number(payload.split(':')[0])),
  );
  const timer = setInterval(lookAround, LOOK_AROUND_MS);
  timer.unref();

  return {
    subscribe: (subscriber) => {
      const { organizationId } = subscriber;
      const set = subscribers.get(organizationId) ?? new Set();
      subscribers.set(organizationId, set.add(subscriber));
      wake(organizationId);
      return () => {
        set.delete(subscriber);
        if (set.size > 0) return;
        subscribers.delete(organizationId);
        health.forget(organizationId);
      };
    },
    close: async () => {
      closed = true;
      clearInterval(timer);
      await listening.close();
      await Promise.all(running.values());
    },
  };
}

/** Brings each subscriber one read further; true when there is more to read. */
async function sendChanges(
  app: Pick<App, 'database'>,
  organizationId: number,
  subscribers: Iterable<Subscriber>,
): Promise<boolean> {
  let more = false;
  for (const [position, group] of groupByPosition(subscribers)) {
    const { changes, upTo, behind } = await readChanges(app.database, organizationId, position);
    if (upTo === position) continue;
    const text = formatChanges(changes, upTo);
    for (const subscriber of group) {
      if (subscriber.send(text)) subscriber.position = upTo;
    }
    more ||= behind;
  }
  return more;
}

/** Remembers how the connections fared, and tells as events those that fare otherwise now. */
function openHealthWatch(app: Pick<App, 'database' | 'config'>) {
  const known = new Map<number, ReadonlyMap<string, string>>();
  return {
    changed: async (organizationId: number): Promise<string> => {
      const connections = await readConnections(app.database, {
        organizationId,
        condition: sql`true`,
        publicUrl: app.config.publicUrl,
      });
      const before = known.get(organizationId);
      const now = new Map(connections.map((one) => [one.id, JSON.stringify(one)]));
      known.set(organizationId, now);
      if (!before) return '';
      return connections
        .filter((one) => before.get(one.id) !== now.get(one.id))
        .map((one) => formatEvent('connection', one))
        .join('');
    },
    forget: (organizationId: number): void => void known.delete(organizationId),
  };
}

/** Streams at one place share a read; nearly always that is all of them. */
function groupByPosition(
  subscribers: Iterable<Subscriber>,
): ReadonlyMap<bigint, readonly Subscriber[]> {
  const groups = new Map<bigint, Subscriber[]>();
  for (const subscriber of subscribers) {
    const group = groups.get(subscriber.position);
    if (group) group.push(subscriber);
    else groups.set(subscriber.position, [subscriber]);
  }
  return groups;
}
