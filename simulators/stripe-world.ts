/** The objects of a simulated Stripe account, and the events that tell of their changes. */
import { createHmac } from 'node:crypto';
import type { SimulatedNotice, SimulatedOrder } from './contract.ts';
import { seededRandom } from './random.ts';
import { API_VERSION, type StripeObject } from './stripe-objects.ts';

export type World = ReturnType<typeof newWorld>;

/**
 * Objects are changed in place, and an event tells of each change with a copy of what it had
 * become.
 */
export function newWorld(seed: number, extraEvents: boolean) {
  const random = seededRandom(seed);
  const objects = new Map<string, StripeObject>();
  const byKind = new Map<string, StripeObject[]>();
  const webhookSecret = `whsec_${random.token(32)}`;
  const secretKey = `rk_test_${random.token(40)}`;
  let notices: SimulatedNotice[] = [];
  let latest = 0;

  function seconds(at: Date): number {
    const now = Math.floor(at.getTime() / 1000);
    latest = Math.max(latest, now);
    return now;
  }

  function add(object: StripeObject): StripeObject {
    objects.set(object.id, object);
    const kin = byKind.get(object.object);
    if (kin) kin.push(object);
    else byKind.set(object.object, [object]);
    return object;
  }

  return {
    random,
    objects,
    webhookSecret,
    secretKey,
    extraEvents,
    orders: new Map<string, SimulatedOrder>(),
    now: () => latest,
    seconds,
    newId: (prefix: string) => `${prefix}_${random.token(24)}`,
    add,
    get(id: unknown): StripeObject {
      const object = objects.get(String(id));
      if (!object) throw new RangeError(`this account has no ${id}`);
      return object;
    },
    all: (kind: string): readonly StripeObject[] => byKind.get(kind) ?? [],
    emit(type: string, object: StripeObject, at: Date): void {
      const event: StripeObject = {
        id: `evt_${random.token(24)}`,
        object: 'event',
        api_version: API_VERSION,
        created: seconds(at),
        data: { object: structuredClone(object) },
        livemode: false,
        pending_webhooks: 1,
        request: { id: null, idempotency_key: null },
        type,
      };
      add(event);
      notices.push(signedNotice(`${type} ${object.id}`, event, webhookSecret));
    },
    takeNotices(): SimulatedNotice[] {
      const taken = notices;
      notices = [];
      return taken;
    },
  };
}

function signedNotice(label: string, event: StripeObject, webhookSecret: string): SimulatedNotice {
  return {
    label,
    sign(now) {
      const body = Buffer.from(JSON.stringify(event, null, 2));
      const t = Math.floor(now.getTime() / 1000);
      const v1 = createHmac('sha256', webhookSecret).update(`${t}.`).update(body).digest('hex');
      return {
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': `t=${t},v1=${v1}`,
        },
        body,
      };
    },
  };
}
