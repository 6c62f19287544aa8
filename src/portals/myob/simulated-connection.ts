/** What the tests of this folder share: a simulated company file and a connection to it. */
import assert from 'node:assert/strict';
import {
  type MyobSimulator,
  type MyobSimulatorOptions,
  simulateMyob,
} from '../../../simulators/myob.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { CanonicalEvent } from '../events.ts';
import { myob } from './index.ts';
import type { Cursor } from './pull.ts';
import type { MyobSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-10-14T04:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

/** A simulated file, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<MyobSimulatorOptions> & { readonly meddle?: Meddle } = {},
) {
  const { meddle, ...simulated } = options;
  const file = await simulateMyob({ seed: 7, ...simulated });
  const { api, calls, store, ...opened } = simulatedApi(file, {
    now: () => NOW,
    ...(meddle ? { meddle } : {}),
  });
  const settings = opened.settings as MyobSettings;
  return { file, settings, api, calls, store, [Symbol.asyncDispose]: () => file.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Pulls until the round is over; documents that were there before tell nothing again, as in the engine. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: { readonly cursor?: Cursor; readonly at: Date; readonly stored?: Set<string> },
) {
  const { at, stored = new Set<string>() } = given;
  const { pull } = myob;
  assert.ok(pull);
  let cursor: unknown = given.cursor ?? pull.start(days(-5));
  const events: CanonicalEvent[] = [];
  for (;;) {
    const page = await pull.page(api, cursor, { settings, now: at });
    for (const { key, body } of page.bodies.flatMap((one) => myob.split(one, {}))) {
      if (stored.has(key)) continue;
      stored.add(key);
      events.push(...readBody({ id: 'myob', body, settings }, NOW).events);
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return { events, cursor: cursor as Cursor, stored, reached: page.reached };
  }
}

export const fill = (file: MyobSimulator, currency = 'USD') =>
  fillBooks(file, { at: NOW, number: '00000145', currency });
