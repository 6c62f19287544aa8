/** What the tests of this folder share: a simulated organisation and a connection to it. */
import {
  simulateXero,
  type XeroSimulator,
  type XeroSimulatorOptions,
} from '../../../simulators/xero.ts';
import { readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { XeroSettings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-10-14T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);

/** A simulated organisation, connected as the engine connects one; `calls` lists what was asked. */
export async function connect(
  options: Partial<XeroSimulatorOptions> & { readonly change?: Record<string, string> } = {},
) {
  const { change = {}, ...simulated } = options;
  const organisation = await simulateXero({ seed: 7, ...simulated });
  const { api, calls, ...opened } = simulatedApi(organisation, { now: () => NOW, change });
  const settings = opened.settings as XeroSettings;
  return { organisation, settings, api, calls, [Symbol.asyncDispose]: () => organisation.close() };
}

export const read = (body: Buffer, settings: unknown) =>
  readBody({ id: 'xero', body, settings }, NOW);

export const fill = (organisation: XeroSimulator, number = 'INV-1016') =>
  fillBooks(organisation, { at: NOW, number });
