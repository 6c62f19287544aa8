/** What the tests of this folder share: a simulated company and a connection to it. */
import assert from 'node:assert/strict';
import {
  type BusinessOneSimulatorOptions,
  simulateBusinessOne,
} from '../../../simulators/sap-business-one.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { CanonicalEvent } from '../events.ts';
import { sapBusinessOne } from './index.ts';
import type { Cursor } from './pull.ts';
import type { BusinessOneSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

/** Half past nine in the morning where the company is. */
export const NOW = new Date('2026-10-14T16:30:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

type Connecting = Partial<BusinessOneSimulatorOptions> & {
  readonly meddle?: Meddle;
  /** Settings in place of the simulator's. */
  readonly change?: Readonly<Record<string, unknown>>;
};

/** A simulated company, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect({ meddle, change, ...simulated }: Connecting = {}) {
  const company = await simulateBusinessOne({ seed: 7, ...simulated });
  const { api, calls, ...opened } = simulatedApi(company, {
    now: () => NOW,
    ...(meddle ? { meddle } : {}),
    ...(change ? { change } : {}),
  });
  const settings = opened.settings as BusinessOneSettings;
  return { company, settings, api, calls, [Symbol.asyncDispose]: () => company.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Pulls until the round is over; documents that were there before tell nothing again, as in the engine. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: { readonly cursor?: Cursor; readonly at: Date; readonly stored?: Set<string> },
) {
  const { at, stored = new Set<string>() } = given;
  const { pull } = sapBusinessOne;
  assert.ok(pull);
  let cursor: unknown = given.cursor ?? pull.start(days(-30));
  const events: CanonicalEvent[] = [];
  for (;;) {
    const page = await pull.page(api, cursor, { settings, now: at });
    for (const { key, body } of page.bodies.flatMap((one) => sapBusinessOne.split(one, {}))) {
      if (stored.has(key)) continue;
      stored.add(key);
      events.push(...readBody({ id: 'sap-business-one', body, settings }, at).events);
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return { events, cursor: cursor as Cursor, stored, reached: page.reached };
  }
}

/** Type and id of what is told of money. */
export function moneyIn(events: readonly CanonicalEvent[]): readonly string[] {
  return events
    .filter(({ type }) => /^(payment|refund)\./.test(type))
    .map((event) => `${event.type} ${event.refundId ?? event.externalPaymentId}`);
}

export const fill = (company: Connection['company'], currency = 'USD') =>
  fillBooks(company, { at: NOW, number: 'INV-1016', currency });
