/**
 * Reading QuickBooks: everything once by query, then what changed; and objects that notices name.
 */
import type { FetchRequest, Portal, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import {
  companyPath,
  IDS_PER_QUERY,
  PAGE_ROWS,
  type QueryPlace,
  queryChanged,
  readObjects,
  wholeSecond,
} from '../kit/intuit-queries.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import type { QuickBooksSettings } from './settings.ts';
import { changePage, ENTITIES, type Entity } from './wire.ts';

/** Change data capture reaches 30 days back; asked a little less far, an edge is never missed. */
const CHANGES_REACH_MS = 29 * 24 * 3_600_000;
const OVERLAP_SECONDS = 600;
/** Below this, halving the window of changes further gains nothing. */
const SHORTEST_WINDOW_MS = 60_000;

/** One request still to make. */
type Step =
  | (QueryPlace & { readonly kind: 'query'; readonly entity: Entity })
  | { readonly kind: 'changes'; readonly entities: readonly Entity[]; readonly since: string };

/**
 * A round is a list of steps; when it is empty, the next round asks for what changed since it
 * began.
 */
export type Cursor = {
  readonly steps: readonly Step[];
  readonly roundBeganAt: string | null;
  /** Everything before this instant has been read. */
  readonly readUntil: string;
};

type Page = { readonly bodies: readonly Buffer[]; readonly following: readonly Step[] };

export const pull: NonNullable<Portal<QuickBooksSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    steps: queries(ENTITIES, from.toISOString()),
    roundBeganAt: null,
    readUntil: from.toISOString(),
  }),
  async page(api, cursor, { settings, now }) {
    const roundBeganAt = cursor.roundBeganAt ?? now.toISOString();
    const [step, ...rest] = cursor.steps.length > 0 ? cursor.steps : nextRound(cursor, now);
    if (!step) throw new RangeError('a round of no steps');
    const { bodies, following } =
      step.kind === 'query'
        ? await queryStep(api, step, settings)
        : await changesStep(api, step, { settings, until: roundBeganAt });
    const steps = [...following, ...rest];
    if (steps.length > 0) {
      return { bodies, next: { ...cursor, steps, roundBeganAt }, more: true };
    }
    const next = { steps, roundBeganAt: null, readUntil: roundBeganAt };
    return { bodies, next, more: false, reached: new Date(roundBeganAt) };
  },
};

/** Fetches what notices named: one object by reading it, several of a kind by one query. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: QuickBooksSettings,
): Promise<{ request: FetchRequest; body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const entity of ENTITIES) {
    const wanted = new Map(
      requests.filter((one) => one.entity === entity).map((one) => [one.id, one]),
    );
    const ids = [...wanted.keys()];
    for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
      const some = ids.slice(at, at + IDS_PER_QUERY);
      for (const { id, body } of await readObjects(api, entity, some, settings)) {
        const request = wanted.get(id);
        if (request) found.push({ request, body });
      }
    }
  }
  return found;
}

/**
 * Changes since the last round; a connection that slept beyond their reach asks for everything
 * newer.
 */
function nextRound({ readUntil }: Cursor, now: Date): readonly Step[] {
  const since = new Date(Date.parse(readUntil) - OVERLAP_SECONDS * 1000);
  return now.getTime() - since.getTime() > CHANGES_REACH_MS
    ? queries(ENTITIES, since.toISOString())
    : [{ kind: 'changes', entities: ENTITIES, since: since.toISOString() }];
}

function queries(entities: readonly Entity[], since: string): readonly Step[] {
  return entities.map((entity) => ({ kind: 'query', entity, since, startPosition: 1 }));
}

async function queryStep(
  api: PortalApi,
  step: Step & { readonly kind: 'query' },
  settings: QuickBooksSettings,
): Promise<Page> {
  const { body, next } = await queryChanged(api, step, settings);
  return { bodies: [body], following: next ? [{ ...step, ...next }] : [] };
}

/**
 * A full page of changes may lack some: then fewer kinds at a time, and at last a shorter window.
 */
async function changesStep(
  api: PortalApi,
  { entities, since }: Step & { kind: 'changes' },
  { settings, until }: { readonly settings: QuickBooksSettings; readonly until: string },
): Promise<Page> {
  const { status, body } = await api.request({
    path: companyPath(settings, 'cdc'),
    query: {
      entities: entities.join(','),
      changedSince: wholeSecond(since),
      minorversion: String(settings.minorVersion),
    },
    accept: [400, 404],
  });
  // Refused (beyond its reach, or not offered): queries still bring all money, notices the
  // deletions.
  if (status >= 400) return { bodies: [], following: queries(entities, since) };
  if (countChanges(body) < PAGE_ROWS) return { bodies: [body], following: [] };
  return { bodies: [body], following: narrower(entities, { since, until }) };
}

function narrower(
  entities: readonly Entity[],
  window: { readonly since: string; readonly until: string },
): readonly Step[] {
  const { since, until } = window;
  if (entities.length > 1) {
    const half = Math.ceil(entities.length / 2);
    return [entities.slice(0, half), entities.slice(half)].map((some) => ({
      kind: 'changes',
      entities: some,
      since,
    }));
  }
  // The query has every living row of the window; the shorter window adds the latest deletions.
  const lengthMs = Date.parse(until) - Date.parse(since);
  const middle = new Date(Date.parse(since) + lengthMs / 2).toISOString();
  return [
    ...queries(entities, since),
    ...(lengthMs > SHORTEST_WINDOW_MS
      ? [{ kind: 'changes', entities, since: middle } as const]
      : []),
  ];
}

/**
 * @throws WireMismatch when a part of the answer is an error: its rows would be missed in silence.
 */
function countChanges(body: Buffer): number {
  let count = 0;
  for (const { QueryResponse } of readWire(changePage, parseExactJson(body)).CDCResponse) {
    for (const block of QueryResponse) {
      if ('Fault' in block) throw new WireMismatch('CDCResponse: holds a Fault');
      for (const rows of Object.values(block)) if (Array.isArray(rows)) count += rows.length;
    }
  }
  return count;
}
