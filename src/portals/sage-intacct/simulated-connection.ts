/** What the tests of this folder share: a simulated company and a connection to it. */
import assert from 'node:assert/strict';
import {
  type SageIntacctSimulator,
  type SageIntacctSimulatorOptions,
  simulateSageIntacct,
} from '../../../simulators/sage-intacct.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { CanonicalEvent } from '../events.ts';
import { sageIntacct } from './index.ts';
import type { Cursor } from './pull.ts';
import type { SageIntacctSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-11-20T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);
export const APIS = ['xml', 'rest'] as const;

/** A simulated company, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<SageIntacctSimulatorOptions> & {
    readonly openFrom?: string;
    readonly meddle?: Meddle;
    readonly change?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const { meddle, change, ...simulated } = options;
  const company = await simulateSageIntacct({ seed: 7, ...simulated });
  const { api, calls, store, ...opened } = simulatedApi(company, {
    now: () => NOW,
    ...(change ? { change } : {}),
    ...(meddle ? { meddle } : {}),
  });
  const settings = opened.settings as SageIntacctSettings;
  return { company, settings, api, calls, store, [Symbol.asyncDispose]: () => company.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Pulls until the round is over; documents that were there before tell nothing again, as in the engine. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: { readonly cursor?: Cursor; readonly at: Date; readonly stored?: Set<string> },
) {
  const { at, stored = new Set<string>() } = given;
  const { pull } = sageIntacct;
  assert.ok(pull);
  let cursor: unknown = given.cursor ?? pull.start(days(-5));
  const events: CanonicalEvent[] = [];
  for (;;) {
    const page = await pull.page(api, cursor, { settings, now: at });
    for (const { key, body } of page.bodies.flatMap((one) => sageIntacct.split(one, {}))) {
      if (stored.has(key)) continue;
      stored.add(key);
      events.push(...readBody({ id: 'sage-intacct', body, settings }, NOW).events);
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return { events, cursor: cursor as Cursor, stored, reached: page.reached };
  }
}

export const money = (events: readonly CanonicalEvent[]) =>
  events
    .filter(({ type }) => type.startsWith('payment.'))
    .map(({ type, externalPaymentId }) => [type, externalPaymentId]);

export const fill = (company: SageIntacctSimulator, given: { at?: Date; currency?: string } = {}) =>
  fillBooks(company, { at: NOW, number: 'INV-10421', ...given });
