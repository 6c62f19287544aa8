/**
 * The pull: transactions, then invoices and customers, changed since the cursor, oldest change first. A cursor names
 * its place on the way, so that a crash costs one page at most.
 */
import { z } from 'zod';
import type { ApiCall, FetchRequest, Portal, PortalApi } from '../contract.ts';
import { parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { apiAddress, type ChargebeeSettings } from './settings.ts';
import * as wire from './wire.ts';

/** A change can appear in a list somewhat after the second that it is stamped with. */
const OVERLAP_SECONDS = 600;
const PAGE_SIZE = '100';

const TRANSACTION_TYPES = JSON.stringify(['payment', 'refund', 'authorization']);

const LISTS = ['transactions', 'invoices', 'customers'] as const;
type List = (typeof LISTS)[number];

export type Cursor = {
  /** Unix seconds: every change before is read. */
  readonly since: number;
  /** The round under way; null between two rounds. */
  readonly round: {
    /** Where the next round begins once this one is done. */
    readonly startedAt: number;
    readonly list: List;
    /** Chargebee's own place in the list, handed back as it came; null for the first page. */
    readonly offset: string | null;
  } | null;
};

const page = z.object({ list: z.array(z.unknown()), next_offset: z.string().min(1).nullish() });

export const pull: NonNullable<Portal<ChargebeeSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  possible: ({ apiKey }) => apiKey !== undefined,
  start: (from) => ({ since: Math.floor(from.getTime() / 1000), round: null }),
  async page(api, cursor, { settings, now }) {
    const startedAt = Math.floor(now.getTime() / 1000);
    const round = cursor.round ?? { startedAt, list: 'transactions', offset: null };
    const { body } = await api.request(listCall(round.list, cursor.since, round.offset));
    const { next_offset } = readWire(page, parseExactJson(body));
    if (next_offset) {
      if (next_offset === round.offset) {
        throw new WireMismatch(`next_offset: ${next_offset} does not lead further`);
      }
      const next = { since: cursor.since, round: { ...round, offset: next_offset } };
      return { bodies: [body], next, more: true };
    }
    const list = settings.importInvoices ? LISTS[LISTS.indexOf(round.list) + 1] : undefined;
    if (list) {
      const next = { since: cursor.since, round: { ...round, list, offset: null } };
      return { bodies: [body], next, more: true };
    }
    return {
      bodies: [body],
      next: { since: round.startedAt, round: null },
      more: false,
      reached: new Date(round.startedAt * 1000),
    };
  },
};

/** The same parameters on every page, as Chargebee demands of whoever hands back an offset. */
function listCall(list: List, since: number, offset: string | null): ApiCall {
  return {
    path: `/${list}`,
    query: {
      limit: PAGE_SIZE,
      include_deleted: 'true',
      'sort_by[asc]': 'updated_at',
      'updated_at[after]': String(Math.max(0, since - OVERLAP_SECONDS)),
      ...(list === 'transactions' && { 'type[in]': TRANSACTION_TYPES }),
      ...(offset !== null && { offset }),
    },
  };
}

type Fetched = { readonly request: FetchRequest; readonly body: Buffer };

/** What exists of the requests; a transaction comes with the invoices and the customer that it names. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  for (const request of requests) {
    const body =
      request.entity === 'transaction'
        ? await fetchTransaction(api, request.id)
        : await fetchOne(api, request);
    if (body) fetched.push({ request, body });
  }
  return fetched;
}

const PATHS: ReadonlyMap<string, string> = new Map([
  ['transaction', 'transactions'],
  ['invoice', 'invoices'],
  ['customer', 'customers'],
]);

/** Undefined when there is no such object (any more). */
async function fetchOne(api: PortalApi, { entity, id }: FetchRequest): Promise<Buffer | undefined> {
  const path = PATHS.get(entity);
  if (!path) throw new WireMismatch(`there is no entity "${entity}" to fetch`);
  const answer = await api.request({ path: `/${path}/${encodeURIComponent(id)}`, accept: [404] });
  return answer.status === 404 ? undefined : answer.body;
}

async function fetchTransaction(api: PortalApi, id: string): Promise<Buffer | undefined> {
  const body = await fetchOne(api, { entity: 'transaction', id });
  if (!body) return undefined;
  const { transaction } = readWire(
    z.object({ transaction: wire.transaction }),
    parseExactJson(body),
  );
  const invoices: unknown[] = [];
  for (const { invoice_id } of transaction.linked_invoices ?? []) {
    const invoice = await partOf(api, { entity: 'invoice', id: invoice_id });
    if (invoice) invoices.push(invoice);
  }
  const { customer_id: customerId } = transaction;
  const customer = customerId && (await partOf(api, { entity: 'customer', id: customerId }));
  const whole = parseVerbatim(body) as { transaction?: unknown };
  return printVerbatim({
    transaction: whole.transaction,
    invoices,
    ...(customer ? { customer } : {}),
  });
}

/** A resource without its wrapper, number by number as it came. */
async function partOf(api: PortalApi, request: FetchRequest): Promise<unknown> {
  const body = await fetchOne(api, request);
  if (!body) return undefined;
  return (parseVerbatim(body) as Record<string, unknown>)[request.entity];
}

/** Reads one record of each list that the pull reads, so that a key that may not read one is found out. */
export async function check(api: PortalApi, settings: ChargebeeSettings): Promise<string> {
  const lists = settings.importInvoices ? LISTS : LISTS.slice(0, 1);
  for (const list of lists) {
    const answer = await api.request({ path: `/${list}`, query: { limit: '1' }, accept: [403] });
    if (answer.status !== 403) continue;
    throw new Rejected(`the API key may not read ${list}: give it read access to them`, {
      status: 403,
      body: answer.body.toString('utf8').slice(0, 500),
    });
  }
  const { hostname } = new URL(apiAddress(settings));
  return `Chargebee site ${settings.site ?? hostname}`;
}
