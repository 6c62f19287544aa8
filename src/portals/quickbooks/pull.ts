/**
 * Reading QuickBooks: everything once by query, then what changed; and objects that notices name.
 */
import { z } from 'zod';
import type { FetchRequest, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { readInstant } from './event.ts';
import { companyPath, type QuickBooksSettings } from './settings.ts';
import { rowBody, rowId, rowsOf } from './split.ts';
import { changePage, ENTITIES, type Entity, fault, pagedRows, queryPage } from './wire.ts';

/**
 * How many rows one answer holds at most, for a query and for all entities of a change page
 * together.
 */
const PAGE_ROWS = 1000;
/** Change data capture reaches 30 days back; asked a little less far, an edge is never missed. */
const CHANGES_REACH_MS = 29 * 24 * 3_600_000;
const OVERLAP_SECONDS = 600;
/** Below this, halving the window of changes further gains nothing. */
const SHORTEST_WINDOW_MS = 60_000;
/** Ids in one `where Id in (…)`: keeps the address below the 2,000 characters any proxy passes. */
const IDS_PER_QUERY = 50;

/**
 * One request still to make. A query pages by time; `startPosition` counts only within one instant.
 */
type Step =
  | {
      readonly kind: 'query';
      readonly entity: Entity;
      readonly since: string;
      readonly startPosition: number;
    }
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
      for (const { id, body } of await readSome(api, entity, some, settings)) {
        const request = wanted.get(id);
        if (request) found.push({ request, body });
      }
    }
  }
  return found;
}

/** The rows a statement of QuickBooks' query language finds, as the API answered them. */
export async function query(
  api: PortalApi,
  statement: string,
  settings: QuickBooksSettings,
): Promise<Buffer> {
  const { body } = await api.request({
    path: companyPath(settings, 'query'),
    query: { query: statement, minorversion: String(settings.minorVersion) },
  });
  return body;
}

/** A text inside a statement, quoted and escaped. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The object of that id, or undefined when QuickBooks has none (deleted). */
export async function readObject(
  api: PortalApi,
  entity: Entity,
  id: string,
  settings: QuickBooksSettings,
): Promise<Buffer | undefined> {
  const { status, body } = await api.request({
    path: companyPath(settings, `${entity.toLowerCase()}/${encodeURIComponent(id)}`),
    query: { minorversion: String(settings.minorVersion) },
    accept: [400, 404],
  });
  if (status < 300) return body;
  if (hasFault(body, OBJECT_NOT_FOUND)) return undefined;
  throw new Rejected(`reading ${entity} ${id} answered ${status}`, {
    status,
    body: body.subarray(0, 2000).toString('utf8'),
  });
}

const OBJECT_NOT_FOUND = '610';

async function readSome(
  api: PortalApi,
  entity: Entity,
  ids: readonly string[],
  settings: QuickBooksSettings,
): Promise<{ id: string; body: Buffer }[]> {
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) {
    const body = await readObject(api, entity, only, settings);
    return body ? [{ id: only, body }] : [];
  }
  const statement =
    `select * from ${entity} where Id in (${ids.map(quoted).join(', ')}) ` +
    `maxresults ${PAGE_ROWS}`;
  const page = await query(api, statement, settings);
  readWire(queryPage, parseExactJson(page));
  return rowsOf(page, entity).flatMap((row) => {
    const id = rowId(row);
    return id === undefined ? [] : [{ id, body: rowBody(entity, row) }];
  });
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

/**
 * Pages by the time of the last row instead of by position: a row edited while we page moves to the
 * end and would pull an unread row across the page boundary. Ids no longer sort by age.
 */
async function queryStep(
  api: PortalApi,
  step: Step & { kind: 'query' },
  settings: QuickBooksSettings,
): Promise<Page> {
  const { entity, since, startPosition } = step;
  const statement =
    `select * from ${entity} where MetaData.LastUpdatedTime >= ${quoted(wholeSecond(since))} ` +
    `orderby MetaData.LastUpdatedTime startposition ${startPosition} maxresults ${PAGE_ROWS}`;
  const body = await query(api, statement, settings);
  const page = readWire(queryPage, parseExactJson(body)).QueryResponse;
  const rows = readWire(pagedRows, page[entity] ?? []);
  const last = rows.at(-1);
  if (!last || rows.length < PAGE_ROWS) return { bodies: [body], following: [] };
  const lastAt = readInstant(last.MetaData.LastUpdatedTime, 'MetaData.LastUpdatedTime');
  const following: Step =
    wholeSecond(lastAt) > wholeSecond(since)
      ? { ...step, since: lastAt, startPosition: 1 }
      : { ...step, startPosition: startPosition + rows.length };
  return { bodies: [body], following: [following] };
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

/** QuickBooks keeps whole seconds; rounded down, so that `>=` misses none. */
function wholeSecond(instant: string): string {
  return `${instant.slice(0, 19)}Z`;
}

function hasFault(body: Buffer, code: string): boolean {
  try {
    const parsed = z.safeParse(fault, parseExactJson(body));
    return parsed.success && parsed.data.Fault.Error.some((error) => error.code === code);
  } catch (error) {
    if (error instanceof WireMismatch) return false;
    throw error;
  }
}
