/** Reading what the bridge knows, by the way that it can be asked. */
import type { Portal } from '../contract.ts';
import { hyperAccounts } from './hyperaccounts.ts';
import { openSource } from './open-source.ts';
import { type BridgeCursor, readReceipts } from './own-bridge.ts';
import type { Sage50Settings } from './settings.ts';
import { readWindow, type WindowCursor } from './window.ts';

/** What is asked next; before the first page only where to begin is known. */
export type Cursor = {
  readonly from: string;
  readonly reading?: BridgeCursor | WindowCursor;
};

export const pull: NonNullable<Portal<Sage50Settings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: 600,
  possible: ({ bridge }) => bridge !== 'none',
  start: (from) => ({ from: from.toISOString() }),
  async page(api, { from, reading }, { settings, now }) {
    const { bridge } = settings;
    if (bridge === 'none') return { bodies: [], next: { from }, more: false };
    // A cursor of another bridge, or of other data, says nothing of this one.
    const { dataset } = settings;
    const known = reading?.bridge === bridge && reading.dataset === dataset ? reading : undefined;
    const place = { api, settings, now, from };
    const page =
      bridge === 'own'
        ? await readReceipts(place, known as BridgeCursor | undefined)
        : await readWindow(
            bridge === 'oss' ? openSource : hyperAccounts,
            place,
            known as WindowCursor | undefined,
          );
    const next = { from, reading: page.next };
    return { ...page, next, ...(page.more ? {} : { reached: now }) };
  },
};
