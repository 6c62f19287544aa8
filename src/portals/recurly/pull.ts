/**
 * The pull: transactions, then invoices and accounts, changed since the cursor, oldest change first. A cursor names
 * its place on the way, so that a crash costs one page at most.
 */
import { z } from 'zod';
import type { ApiAnswer, ApiCall, FetchRequest, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { apiAddress, type RecurlySettings } from './settings.ts';

/** A change can appear in a list somewhat after the second that it is stamped with. */
const OVERLAP_SECONDS = 600;
const PAGE_SIZE = '200';

const LISTS = ['transactions', 'invoices', 'accounts'] as const;
type List = (typeof LISTS)[number];

export type Cursor = {
  /** ISO UTC: every change before is read. */
  readonly since: string;
  /** The round under way; null between two rounds. */
  readonly round: {
    /** Where the next round begins once this one is done. */
    readonly startedAt: string;
    readonly list: List;
    /** Recurly's own link to the page, path and query; null for the first. */
    readonly next: string | null;
  } | null;
};

const page = z.object({
  object: z.literal('list'),
  has_more: z.boolean(),
  next: z.string().nullish(),
  data: z.array(z.unknown()),
});

export const pull: NonNullable<Portal<RecurlySettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  possible: ({ apiKey }) => apiKey !== undefined,
  start: (from) => ({ since: from.toISOString(), round: null }),
  async page(api, cursor, { settings, now }) {
    const startedAt = now.toISOString();
    const round = cursor.round ?? { startedAt, list: 'transactions', next: null };
    const { body } = await api.request(
      round.next === null ? firstPage(round.list, cursor.since) : { path: round.next },
    );
    const { has_more, next: link } = readWire(page, parseExactJson(body));
    if (has_more) {
      const next = placeOf(link, settings);
      if (next === round.next) throw new WireMismatch(`next: ${next} does not lead further`);
      return {
        bodies: [body],
        next: { since: cursor.since, round: { ...round, next } },
        more: true,
      };
    }
    const list = settings.importInvoices ? LISTS[LISTS.indexOf(round.list) + 1] : undefined;
    if (list) {
      const next = { since: cursor.since, round: { ...round, list, next: null } };
      return { bodies: [body], next, more: true };
    }
    return {
      bodies: [body],
      next: { since: round.startedAt, round: null },
      more: false,
      reached: new Date(round.startedAt),
    };
  },
};

/** Ascending only: in descending order a row that changes meanwhile slips behind the cursor. */
function firstPage(list: List, since: string): ApiCall {
  const begin = new Date(Math.max(0, Date.parse(since) - OVERLAP_SECONDS * 1000));
  return {
    path: `/${list}`,
    query: {
      sort: 'updated_at',
      order: 'asc',
      begin_time: begin.toISOString(),
      limit: PAGE_SIZE,
    },
  };
}

/**
 * The link is documented as a whole address and sent as a path; it has all parameters of the first page. Only path
 * and query are followed, so that it never leads elsewhere.
 */
function placeOf(link: string | null | undefined, settings: RecurlySettings): string {
  const base = apiAddress(settings);
  if (!link || !URL.canParse(link, base)) throw new WireMismatch('next: missing with has_more');
  const { pathname, search } = new URL(link, base);
  return `${pathname}${search}`;
}

type Fetched = { readonly request: FetchRequest; readonly body: Buffer };

const PATHS: ReadonlyMap<string, string> = new Map([
  ['transaction', 'transactions'],
  ['invoice', 'invoices'],
]);

/** What exists of the requests; a notification can be ahead of the API, which the engine allows for. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  for (const request of requests) {
    const { entity, id } = request;
    const path = PATHS.get(entity);
    if (!path) throw new WireMismatch(`there is no entity "${entity}" to fetch`);
    const answer = await api.request({ path: `/${path}/${encodeURIComponent(id)}`, accept: [404] });
    if (answer.status !== 404) fetched.push({ request, body: answer.body });
  }
  return fetched;
}

const sites = z.object({
  data: z.array(
    z.object({ id: z.string(), subdomain: z.string().nullish(), mode: z.string().nullish() }),
  ),
});

/** Names the site of the key, and reads one record of each list, so that a key that may not is found out. */
export async function check(api: PortalApi, settings: RecurlySettings): Promise<string> {
  const { body } = await readable(api, 'sites');
  const [site] = readWire(sites, parseExactJson(body)).data;
  for (const list of settings.importInvoices ? LISTS : LISTS.slice(0, 1)) await readable(api, list);
  if (!site) return 'Recurly, whose key names no site';
  const { siteId } = settings;
  if (siteId !== undefined && siteId !== site.id) {
    throw new Rejected(`the API key is of site ${site.id}, \`siteId\` is ${siteId}`, {
      status: 200,
      body: '',
    });
  }
  return `Recurly site ${site.subdomain ?? site.id}${site.mode ? ` (${site.mode})` : ''}`;
}

async function readable(api: PortalApi, list: List | 'sites'): Promise<ApiAnswer> {
  const answer = await api.request({ path: `/${list}`, query: { limit: '1' }, accept: [403] });
  if (answer.status !== 403) return answer;
  throw new Rejected(`the API key may not read ${list}: give it read access to them`, {
    status: 403,
    body: answer.body.toString('utf8').slice(0, 500),
  });
}
