/** Turns a stored document into what `decide` works on: the portal's events, an own decision, or why not. */
import { OWN_CONNECTION, readOwnDocument } from '../intake/own-document.ts';
import type { FetchRequest, Portal } from '../portals/contract.ts';
import { findPortal } from '../portals/index.ts';
import type { Reading } from './decide.ts';
import type { DocumentAtHand } from './deciding.ts';

export type StoredDocument = DocumentAtHand & {
  readonly portal: string;
  readonly authentic: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly publicSettings: unknown;
};

export type ReadDocument = { readonly reading: Reading; readonly fetch: readonly FetchRequest[] };

const NOTHING_NEW = { ignored: 'it tells of nothing new' } as const;

/** Never throws: what cannot be read is quarantined with the reason. */
export function readDocument(document: StoredDocument): ReadDocument {
  try {
    return read(document);
  } catch (error) {
    return { reading: { quarantined: (error as Error).message }, fetch: [] };
  }
}

function read(document: StoredDocument): ReadDocument {
  if (document.connectionId === OWN_CONNECTION)
    return { reading: readOwnDocument(document.body), fetch: [] };
  const portal = findPortal(document.portal);
  if (!portal)
    return { reading: { quarantined: `portal ${document.portal} is not known` }, fetch: [] };
  const normalized = portal.normalize(
    { body: document.body, headers: document.headers, receivedAt: new Date(document.receivedAt) },
    parsedSettings(portal, document.publicSettings),
  );
  if (!('events' in normalized)) {
    return 'fetch' in normalized
      ? { reading: { notice: true }, fetch: normalized.fetch }
      : { reading: normalized, fetch: [] };
  }
  const { events, fetch = [] } = normalized;
  if (!document.authentic) {
    return {
      reading: { quarantined: 'nothing proves who sent this, so it may not state facts' },
      fetch: [],
    };
  }
  if (events.length > 0) return { reading: { events }, fetch };
  const reading = fetch.length > 0 ? ({ notice: true } as const) : NOTHING_NEW;
  return { reading, fetch };
}

/** Settings as they were when the document came: parsing is not free, and they change rarely. */
const parsed = new WeakMap<object, unknown>();

function parsedSettings(portal: Portal, publicSettings: unknown): unknown {
  const key = publicSettings as object;
  let settings = parsed.get(key);
  if (settings === undefined) {
    settings = portal.settings.parse(publicSettings);
    parsed.set(key, settings);
  }
  return settings;
}
