/** Records that nudges named, all of a kind in one call. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { openLedger } from './ledger.ts';
import type { SageIntacctSettings } from './settings.ts';
import { pageBody } from './split.ts';
import { keyOf, XML_OBJECTS } from './wire.ts';

/** @throws Reauthorize, Rejected, RetryLater, WireMismatch */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: SageIntacctSettings,
): Promise<{ request: FetchRequest; body: Buffer }[]> {
  const ledger = openLedger(api, settings);
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const kind of ['payment', 'invoice', 'customer'] as const) {
    const wanted = new Map(
      requests
        .filter(({ entity }) => entity === XML_OBJECTS[kind])
        .map((request) => [request.id, request]),
    );
    if (wanted.size === 0) continue;
    const { records } = await ledger.find(kind, [...wanted.keys()]);
    for (const one of records) {
      const request = wanted.get(keyOf(one.record));
      if (request) found.push({ request, body: pageBody([one]) });
    }
  }
  return found;
}
