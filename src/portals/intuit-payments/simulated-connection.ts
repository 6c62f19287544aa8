/** What the tests of this portal share: a simulated processor, a connection to it, and whole rounds of a pull. */
import assert from 'node:assert/strict';
import type { SimulatedOrder } from '../../../simulators/contract.ts';
import {
  type IntuitPaymentsSimulatorOptions,
  simulateIntuitPayments,
} from '../../../simulators/intuit-payments.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import type { CanonicalEvent } from '../events.ts';
import { intuitPayments } from './index.ts';
import type { Cursor } from './pull.ts';
import type { IntuitPaymentsSettings } from './settings.ts';

export const NOW = new Date('2026-10-14T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

export function order(more: Partial<SimulatedOrder> = {}): SimulatedOrder {
  return {
    amountMinor: 121_045n,
    currency: 'USD',
    customer: { externalId: 'cus_1', name: 'Red Rock Diner', email: 'ap@red-rock.example' },
    invoiceNumber: 'INV-1016',
    workOrder: 'WO-20881',
    ...more,
  };
}

/** The processor, connected as the engine connects it; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<IntuitPaymentsSimulatorOptions> & { readonly meddle?: Meddle } = {},
) {
  const { meddle, ...simulated } = options;
  const processor = await simulateIntuitPayments({ seed: 7, ...simulated });
  const { api, calls, ...opened } = simulatedApi(processor, {
    now: () => NOW,
    ...(meddle ? { meddle } : {}),
  });
  const settings = opened.settings as IntuitPaymentsSettings;
  return { processor, settings, api, calls, [Symbol.asyncDispose]: () => processor.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** What the engine keeps between rounds: the cursor, the documents, and which payments are followed. */
export type Kept = {
  readonly cursor: Cursor;
  readonly stored: ReadonlySet<string>;
  readonly followed: ReadonlySet<string>;
};

/** Pulls until the round is over; documents that were there before tell nothing again. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: Partial<Kept> & { readonly at: Date },
): Promise<Kept & { readonly events: readonly CanonicalEvent[]; readonly refused: string[] }> {
  const { pull } = intuitPayments;
  assert.ok(pull);
  const stored = new Set(given.stored);
  const followed = new Set(given.followed);
  const events: CanonicalEvent[] = [];
  const refused: string[] = [];
  let cursor: unknown = given.cursor ?? pull.start(days(-30));
  for (let page = 0; page < 200; page += 1) {
    const context = { settings, now: given.at, followed: async () => [...followed] };
    const answer = await pull.page(api, cursor, context);
    for (const part of answer.bodies.flatMap((body) => intuitPayments.split(body, {}))) {
      if (stored.has(part.key)) continue;
      stored.add(part.key);
      const outcome = normalized(part.body, settings, given.at);
      if ('quarantined' in outcome) refused.push(outcome.quarantined);
      if (!('events' in outcome)) continue;
      events.push(...outcome.events);
      for (const event of outcome.events) follow(followed, event);
    }
    // A cursor is stored as JSON between pages.
    cursor = JSON.parse(JSON.stringify(answer.next));
    if (!answer.more) return { cursor: cursor as Cursor, stored, followed, events, refused };
  }
  throw new Error('the round does not end');
}

/** As the engine does: what throws is set aside. */
export function normalized(body: Buffer, settings: unknown, receivedAt = NOW) {
  try {
    return intuitPayments.normalize({ body, headers: {}, receivedAt }, settings);
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

/** Fetches what a body asks for, and reads what came. */
export async function fetched({ api, settings }: Connection, body: Buffer) {
  const { requests } = readBody({ id: 'intuit-payments', body, settings }, NOW);
  const found = (await intuitPayments.fetch?.(api, requests, settings)) ?? [];
  return found.flatMap(
    (one) => readBody({ id: 'intuit-payments', body: one.body, settings }, NOW).events,
  );
}

function follow(followed: Set<string>, { type, externalPaymentId: id }: CanonicalEvent): void {
  if (id === null || type.startsWith('refund.')) return;
  if (type === 'payment.failed' || type === 'payment.voided') followed.delete(id);
  else followed.add(id);
}
