/** What the tests of this folder share: a simulated organization and a connection to it. */
import assert from 'node:assert/strict';
import {
  simulateZohoBooks,
  type ZohoBooksSimulator,
  type ZohoBooksSimulatorOptions,
} from '../../../simulators/zoho-books.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { CanonicalEvent } from '../events.ts';
import { zohoBooks } from './index.ts';
import type { Cursor } from './pull.ts';
import type { ZohoBooksSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-10-14T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

/** A simulated organization, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<ZohoBooksSimulatorOptions> & {
    readonly meddle?: Meddle;
    readonly change?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const { meddle, change, ...simulated } = options;
  const organization = await simulateZohoBooks({ seed: 7, ...simulated });
  const opened = simulatedApi(organization, {
    now: () => NOW,
    ...(change ? { change } : {}),
    ...(meddle ? { meddle } : {}),
  });
  return {
    ...opened,
    organization,
    settings: opened.settings as ZohoBooksSettings,
    [Symbol.asyncDispose]: () => organization.close(),
  };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Pulls until the round is over, or up to a page; documents that were there before tell nothing again. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: {
    readonly at: Date;
    readonly cursor?: Cursor;
    readonly stored?: Set<string>;
    readonly pages?: number;
    /** What webhooks told of. */
    readonly followed?: readonly string[];
  },
) {
  const { at, stored = new Set<string>(), pages = 1_000 } = given;
  const followed = async () => given.followed ?? [];
  const pull = zohoBooks.pull ?? assert.fail('no pull');
  let cursor: unknown = given.cursor ?? pull.start(days(-30));
  const events: CanonicalEvent[] = [];
  for (let read = 1; ; read += 1) {
    const page = await pull.page(api, cursor, { settings, now: at, followed });
    for (const { key, body } of page.bodies.flatMap((one) => zohoBooks.split(one, {}))) {
      if (stored.has(key)) continue;
      stored.add(key);
      events.push(...readBody({ id: 'zoho-books', body, settings }, at).events);
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    const round = { events, cursor: cursor as Cursor, stored, reached: page.reached };
    if (!page.more || read === pages) return round;
  }
}

export const fill = (organization: ZohoBooksSimulator, currency = 'USD') =>
  fillBooks(organization, { at: NOW, number: 'INV-384', currency });
