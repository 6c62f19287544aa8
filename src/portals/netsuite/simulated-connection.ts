/** What the tests of this folder share: a simulated account and a connection to it. */
import assert from 'node:assert/strict';
import {
  type NetSuiteSimulator,
  type NetSuiteSimulatorOptions,
  simulateNetSuite,
} from '../../../simulators/netsuite.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { CanonicalEvent } from '../events.ts';
import { netsuite } from './index.ts';
import type { Cursor } from './pull.ts';
import type { NetSuiteSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-11-03T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

/** A simulated account, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<NetSuiteSimulatorOptions> & {
    readonly meddle?: Meddle;
    /** Settings in place of the simulator's. */
    readonly change?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const { meddle, change = {}, ...simulated } = options;
  const account = await simulateNetSuite({ seed: 7, ...simulated });
  const { api, calls, store, ...opened } = simulatedApi(account, {
    now: () => NOW,
    change,
    ...(meddle ? { meddle } : {}),
  });
  const settings = opened.settings as NetSuiteSettings;
  return { account, settings, api, calls, store, [Symbol.asyncDispose]: () => account.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Pulls until the round is over; documents that were there before tell nothing again, as in the engine. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: { readonly cursor?: Cursor; readonly at: Date; readonly stored?: Set<string> },
) {
  const { at, stored = new Set<string>() } = given;
  const { pull } = netsuite;
  assert.ok(pull);
  let cursor: unknown = given.cursor ?? pull.start(days(-5));
  const events: CanonicalEvent[] = [];
  for (;;) {
    const page = await pull.page(api, cursor, { settings, now: at });
    for (const { key, body } of page.bodies.flatMap((one) => netsuite.split(one, {}))) {
      if (stored.has(key)) continue;
      stored.add(key);
      events.push(...readBody({ id: 'netsuite', body, settings }, NOW).events);
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return { events, cursor: cursor as Cursor, stored, reached: page.reached };
  }
}

export const fill = (account: NetSuiteSimulator, currency = 'USD') =>
  fillBooks(account, { at: NOW, number: 'INV10421', currency });
