/** What the tests of this folder share: a simulated company and a connection to it. */
import {
  type QuickBooksSimulator,
  type QuickBooksSimulatorOptions,
  simulateQuickBooks,
} from '../../../simulators/quickbooks.ts';
import { readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { QuickBooksSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-10-14T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);

/** A simulated company, connected as the engine connects one; `calls` lists what was asked. */
export async function connect(options: Partial<QuickBooksSimulatorOptions> = {}) {
  const company = await simulateQuickBooks({ seed: 7, ...options });
  const { api, calls, ...opened } = simulatedApi(company, { now: () => NOW });
  const settings = opened.settings as QuickBooksSettings;
  return { company, settings, api, calls, [Symbol.asyncDispose]: () => company.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

export const read = (body: Buffer, settings: unknown) =>
  readBody({ id: 'quickbooks', body, settings }, NOW);

export const fill = (company: QuickBooksSimulator) =>
  fillBooks(company, { at: NOW, number: '1016' });
