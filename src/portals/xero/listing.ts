/** Lists of the accounting API, page by page. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { changedAt } from './instants.ts';
import { accountingPath, type XeroSettings } from './settings.ts';
import { pageEnd, type Resource } from './wire.ts';

/** Xero's largest page: calls are scarcer than bytes. */
const PAGE_SIZE = 1000;
/** What a page holds at least where the answer does not say how many there are. */
const SMALLEST_FULL_PAGE = 100;

/** Where a list stands: rows changed after `since` (UTC, `YYYY-MM-DDTHH:mm:ss`), oldest change first. */
export type Place = { readonly since: string; readonly page: number };

export type Listed = {
  /** Undefined when nothing was changed. */
  readonly body: Buffer | undefined;
  /** Absent on the last page. */
  readonly following?: Place;
};

/** One page of what was changed after an instant. @throws RetryLater, Reauthorize, Rejected, WireMismatch */
export async function listChanged(
  api: PortalApi,
  resource: Resource,
  given: { readonly place: Place; readonly settings: XeroSettings },
): Promise<Listed> {
  const { place, settings } = given;
  const { status, body } = await api.request({
    path: accountingPath(settings, resource),
    query: {
      page: String(place.page),
      pageSize: String(PAGE_SIZE),
      order: 'UpdatedDateUTC ASC',
      ...(resource === 'Contacts' ? { includeArchived: 'true' } : {}),
    },
    headers: { 'if-modified-since': place.since },
    accept: [304],
  });
  if (status === 304 || body.length === 0) return { body: undefined };
  const answer = readWire(z.record(z.string(), z.unknown()), parseExactJson(body));
  const rows = answer[resource];
  if (!Array.isArray(rows)) throw new WireMismatch(`${resource}: missing in the answer`);
  if (rows.length === 0) return { body: undefined };
  const { pagination } = readWire(pageEnd, answer);
  const more = pagination
    ? pagination.page < pagination.pageCount
    : rows.length >= SMALLEST_FULL_PAGE;
  return { body, ...(more ? { following: after(place, rows) } : {}) };
}

/** An instant as `If-Modified-Since` takes it. */
export function modifiedSince(instantMs: number): string {
  return new Date(Math.max(0, instantMs)).toISOString().slice(0, 19);
}

/**
 * Goes on from the last row's time instead of by page number: a row changed while we page moves to the end and
 * would push an unread one across the boundary. Only within one second, or where the order does not hold, by number.
 */
function after({ since, page }: Place, rows: readonly unknown[]): Place {
  const next = { since, page: page + 1 };
  const times = rows.map(timeOf);
  const ordered = times.every((time, index) => index === 0 || time >= (times[index - 1] as number));
  const lastMs = times.at(-1) ?? Number.NaN;
  if (!ordered || Number.isNaN(lastMs)) return next;
  const reached = modifiedSince(lastMs - 1000);
  return reached > since ? { since: reached, page: 1 } : next;
}

function timeOf(row: unknown): number {
  try {
    return Date.parse(changedAt(row as Parameters<typeof changedAt>[0]));
  } catch {
    return Number.NaN;
  }
}
