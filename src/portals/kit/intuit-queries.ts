/** Asking QuickBooks accounting: one object by its id, many by its query language, page by page in time. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { parseVerbatim, printVerbatim } from './documents.ts';
import { Reauthorize, Rejected, WireMismatch } from './errors.ts';
import { readInstant } from './intuit.ts';
import { wireId, wireText } from './intuit-transactions.ts';
import { parseExactJson, parseJson, readWire } from './wire.ts';

/** How many rows one answer holds at most, for a query and for all kinds of a change page together. */
export const PAGE_ROWS = 1000;
/** Ids in one `where Id in (…)`: keeps the address below the 2,000 characters any proxy passes. */
export const IDS_PER_QUERY = 50;

/** The company that a connection is for. */
export type Company = {
  readonly realmId?: string | undefined;
  readonly minorVersion: number;
  /** Where accounting is, for a connection whose own API is at another host. */
  readonly accountingBaseUrl?: string;
};

/** A query to continue: it pages by time, and `startPosition` counts only within one instant. */
export type QueryPlace = { readonly since: string; readonly startPosition: number };

/** A page: rows by entity beside paging numbers; `{}` when nothing was found. */
export const queryPage = z.object({ QueryResponse: z.record(z.string(), z.unknown()) });

/** What paging needs to know of a row. */
const pagedRows = z.array(
  z.object({ Id: wireId, MetaData: z.object({ LastUpdatedTime: z.string() }) }),
);

/** The error that QuickBooks answers. */
export const fault = z.object({
  Fault: z.object({
    Error: z.array(z.object({ code: wireText, Message: wireText, Detail: wireText })),
  }),
});

const companyInfo = z.object({ CompanyInfo: z.object({ CompanyName: z.string() }) });

const OBJECT_NOT_FOUND = '610';

/** A path inside the connection's company. @throws Reauthorize before a company was chosen */
export function companyPath({ accountingBaseUrl = '', realmId }: Company, rest: string): string {
  if (realmId === undefined) {
    throw new Reauthorize('no company is chosen yet: open the consent page of this connection');
  }
  return `${accountingBaseUrl.replace(/\/+$/, '')}/v3/company/${realmId}/${rest}`;
}

/** The company as a person knows it: its name and id. */
export async function describeCompany(api: PortalApi, company: Company): Promise<string> {
  const { realmId, minorVersion } = company;
  const { body } = await api.request({
    path: companyPath(company, `companyinfo/${realmId}`),
    query: { minorversion: String(minorVersion) },
  });
  const { CompanyInfo } = readWire(companyInfo, parseJson(body));
  return `QuickBooks company ${CompanyInfo.CompanyName} (${realmId})`;
}

/** The rows a statement of QuickBooks' query language finds, as the API answered them. */
export async function query(api: PortalApi, statement: string, company: Company): Promise<Buffer> {
  const { body } = await api.request({
    path: companyPath(company, 'query'),
    query: { query: statement, minorversion: String(company.minorVersion) },
  });
  return body;
}

/** A text inside a statement, quoted and escaped. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** QuickBooks keeps whole seconds; rounded down, so that `>=` misses none. */
export function wholeSecond(instant: string): string {
  return `${instant.slice(0, 19)}Z`;
}

/** The object of that id, or undefined when QuickBooks has none (deleted). */
export async function readObject(
  api: PortalApi,
  entity: string,
  id: string,
  company: Company,
): Promise<Buffer | undefined> {
  const { status, body } = await api.request({
    path: companyPath(company, `${entity.toLowerCase()}/${encodeURIComponent(id)}`),
    query: { minorversion: String(company.minorVersion) },
    accept: [400, 404],
  });
  if (status < 300) return body;
  if (hasFault(body, OBJECT_NOT_FOUND)) return undefined;
  throw new Rejected(`reading ${entity} ${id} answered ${status}`, {
    status,
    body: body.subarray(0, 2000).toString('utf8'),
  });
}

/** Objects of one kind by their ids, as reading each alone would answer them: one by a read, more by one query. */
export async function readObjects(
  api: PortalApi,
  entity: string,
  ids: readonly string[],
  company: Company,
): Promise<{ id: string; body: Buffer }[]> {
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) {
    const body = await readObject(api, entity, only, company);
    return body ? [{ id: only, body }] : [];
  }
  const statement =
    `select * from ${entity} where Id in (${ids.map(quoted).join(', ')}) ` +
    `maxresults ${PAGE_ROWS}`;
  const page = await query(api, statement, company);
  readWire(queryPage, parseExactJson(page));
  return rowsOf(page, entity).flatMap((row) => {
    const id = rowId(row);
    return id === undefined ? [] : [{ id, body: rowBody(entity, row) }];
  });
}

/**
 * A page of what changed, and where the next one begins; undefined after the last. Pages by the time of the last row
 * instead of by position: a row edited while we page moves to the end and would pull an unread row across the page
 * boundary. Ids no longer sort by age.
 */
export async function queryChanged(
  api: PortalApi,
  { entity, since, startPosition }: QueryPlace & { readonly entity: string },
  company: Company,
): Promise<{ readonly body: Buffer; readonly next: QueryPlace | undefined }> {
  const statement =
    `select * from ${entity} where MetaData.LastUpdatedTime >= ${quoted(wholeSecond(since))} ` +
    `orderby MetaData.LastUpdatedTime startposition ${startPosition} maxresults ${PAGE_ROWS}`;
  const body = await query(api, statement, company);
  const page = readWire(queryPage, parseExactJson(body)).QueryResponse;
  const rows = readWire(pagedRows, page[entity] ?? []);
  const last = rows.at(-1);
  if (!last || rows.length < PAGE_ROWS) return { body, next: undefined };
  const lastAt = readInstant(last.MetaData.LastUpdatedTime, 'MetaData.LastUpdatedTime');
  const next =
    wholeSecond(lastAt) > wholeSecond(since)
      ? { since: lastAt, startPosition: 1 }
      : { since, startPosition: startPosition + rows.length };
  return { body, next };
}

/** A row as the body that reading it alone would answer. Numbers keep their digits (`55.0`). */
export function rowBody(entity: string, row: unknown): Buffer {
  return printVerbatim({ [entity]: row });
}

/** The rows of one entity in a query page, numbers untouched. */
export function rowsOf(body: Buffer, entity: string): readonly unknown[] {
  const page = parseVerbatim(body);
  const rows = isObject(page) && isObject(page.QueryResponse) ? page.QueryResponse[entity] : [];
  return Array.isArray(rows) ? rows : [];
}

/** The id of a row; undefined when it has none. */
export function rowId(row: unknown): string | undefined {
  if (!isObject(row)) return undefined;
  // A number was kept as raw JSON text.
  const id = isObject(row.Id) ? row.Id.rawJSON : row.Id;
  return typeof id === 'string' ? id : undefined;
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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
