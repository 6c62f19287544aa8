/** The books of a simulated Square seller, and the webhooks that tell of their changes. */
import { createHmac } from 'node:crypto';
import type { SimulatedNotice, SimulatedOrder } from './contract.ts';
import { seededRandom } from './random.ts';
import { iso, type Location, type SquareObject } from './square-objects.ts';

export type Kind = 'payment' | 'refund' | 'dispute' | 'payout' | 'invoice' | 'order' | 'customer';

export type SquareWorld = ReturnType<typeof newWorld>;

/** A seller with two shops at home and one in each of two other currencies; a location has one currency for ever. */
export function newWorld(seed: number) {
  const random = seededRandom(seed);
  const objects = new Map<Kind, Map<string, SquareObject>>();
  const merchantId = random.token(13).toUpperCase();
  const locations: readonly Location[] = ['USD', 'USD', 'EUR', 'JPY'].map((currency, index) => ({
    id: `L${random.token(12).toUpperCase()}`,
    currency,
    name: `Shop ${index + 1}`,
  }));
  const signatureKey = random.token(22);
  // Registered with a slash at its end, as people do; what is signed is this text and nothing else.
  const notificationUrl = `https://hooks.firm-${seed}.example/webhooks/square/`;
  let notices: SimulatedNotice[] = [];
  let latestMs = 0;

  const of = (kind: Kind): Map<string, SquareObject> => {
    const known = objects.get(kind) ?? new Map<string, SquareObject>();
    objects.set(kind, known);
    return known;
  };

  return {
    random,
    merchantId,
    locations,
    signatureKey,
    notificationUrl,
    accessToken: `EAAA${random.token(60)}`,
    orders: new Map<string, SimulatedOrder>(),
    /** Money in each location's balance at Square, not paid out yet. */
    balances: new Map<string, bigint>(),
    newId: (length: number) => random.token(length),
    add(kind: Kind, object: SquareObject): SquareObject {
      of(kind).set(object.id, object);
      return object;
    },
    get(kind: Kind, id: string): SquareObject {
      const object = of(kind).get(id);
      if (!object) throw new RangeError(`this seller has no ${kind} ${id}`);
      return object;
    },
    find: (kind: Kind, id: string): SquareObject | undefined => of(kind).get(id),
    all: (kind: Kind): readonly SquareObject[] => [...of(kind).values()],
    /** Changes stand in an order, so each happens at least a millisecond after the one before. */
    instant(at: Date): number {
      latestMs = Math.max(at.getTime(), latestMs + 1);
      return latestMs;
    },
    emit(type: string, object: SquareObject, ms: number): void {
      const [word = ''] = type.split('.');
      const eventId = [8, 4, 4, 4, 12].map((length) => random.token(length)).join('-');
      const event = {
        merchant_id: merchantId,
        location_id: object.location_id,
        type,
        event_id: eventId,
        created_at: iso(ms),
        data: { type: word, id: object.id, object: { [word]: structuredClone(object) } },
      };
      const attempt = { label: `${type} ${object.id}`, event, signatureKey, notificationUrl };
      notices.push(signedNotice(attempt));
    },
    takeNotices(): SimulatedNotice[] {
      const taken = notices;
      notices = [];
      return taken;
    },
  };
}

function signedNotice(of: {
  readonly label: string;
  readonly event: { readonly created_at: string };
  readonly signatureKey: string;
  readonly notificationUrl: string;
}): SimulatedNotice {
  return {
    label: of.label,
    sign() {
      const body = Buffer.from(JSON.stringify(of.event));
      const sign = (hash: string) =>
        createHmac(hash, of.signatureKey).update(of.notificationUrl).update(body).digest('base64');
      return {
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Square Connect v2',
          'square-environment': 'Sandbox',
          'square-initial-delivery-timestamp': of.event.created_at,
          'square-version': '2026-09-16',
          'x-square-hmacsha256-signature': sign('sha256'),
          'x-square-signature': sign('sha1'),
        },
        body,
      };
    },
  };
}
