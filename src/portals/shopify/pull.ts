/** Reading the Admin API: orders by their last change, and the account of Shopify Payments newest first. */
import { z } from 'zod';
import type { FetchRequest, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import { ask, QUERIES } from './graphql.ts';
import { canAsk, type Settings } from './settings.ts';
import { split } from './split.ts';
import { orderGid } from './wire.ts';

const DAY_MS = 86_400_000;
/** The index that orders are searched by runs behind. */
const OVERLAP_SECONDS = 900;

/**
 * The lists read in turn. Those of the account cannot be asked for changes: each is read back some days, within which
 * its records still change.
 */
const LISTS = [
  { name: 'orders', lookBackDays: 0, dateField: 'updatedAt' },
  { name: 'disputes', lookBackDays: 150, dateField: 'initiatedAt' },
  { name: 'payouts', lookBackDays: 21, dateField: 'issuedAt' },
  { name: 'balanceTransactions', lookBackDays: 7, dateField: 'transactionDate' },
] as const;
type List = (typeof LISTS)[number];

export type Cursor = {
  /** Where the connection begins: what of the account is older belongs to payments that nobody here knows. */
  readonly from: string;
  /** Everything before is read. */
  readonly since: string;
  /** The sweep under way; null between two sweeps. */
  readonly sweep: {
    readonly startedAt: string;
    readonly list: number;
    readonly after: string | null;
  } | null;
};

const page = z.object({
  nodes: z.array(z.record(z.string(), z.unknown())),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
});
type Page = z.output<typeof page>;

export const pull: NonNullable<Portal<Settings, Cursor>['pull']> = {
  everySeconds: 600,
  overlapSeconds: OVERLAP_SECONDS,
  possible: canAsk,
  start: (from) => ({ from: from.toISOString(), since: from.toISOString(), sweep: null }),
  async page(api, cursor, { settings, now }) {
    const sweep = cursor.sweep ?? { startedAt: now.toISOString(), list: 0, after: null };
    const list = LISTS[sweep.list];
    if (!list) throw new WireMismatch('cursor: it names no list');
    const { body, found } = await readPage(api, settings, {
      list,
      after: sweep.after,
      since: cursor.since,
    });
    const bodies = found ? bodiesOf(body, found, list, cursor.from) : [];
    const after = found
      ? nextPage(found, list, { ...cursor, startedAt: sweep.startedAt, after: sweep.after })
      : null;
    const next = after === null ? { ...sweep, list: sweep.list + 1, after } : { ...sweep, after };
    if (next.list < LISTS.length) return { bodies, next: { ...cursor, sweep: next }, more: true };
    const { startedAt } = sweep;
    return {
      bodies,
      next: { from: cursor.from, since: startedAt, sweep: null },
      more: false,
      reached: new Date(startedAt),
    };
  },
};

/** `found` is undefined where the shop has no Shopify Payments, or the app may not read it (`check` says so). */
async function readPage(
  api: PortalApi,
  settings: Settings,
  wanted: { readonly list: List; readonly after: string | null; readonly since: string },
): Promise<{ readonly body: Buffer; readonly found: Page | undefined }> {
  const { list, after, since } = wanted;
  const isOrders = list.name === 'orders';
  const from = new Date(Date.parse(since) - OVERLAP_SECONDS * 1000).toISOString();
  const query = isOrders ? { query: `updated_at:>='${from.replace(/\.\d{3}Z$/, 'Z')}'` } : {};
  const { body, data, denied } = await ask(api, settings, QUERIES[list.name], { after, ...query });
  if (isOrders) {
    if (denied && !data.orders) throw new Rejected(denied, { status: 200, body: denied });
    return { body, found: readWire(page, data.orders) };
  }
  const account = data.shopifyPaymentsAccount as
    | Readonly<Record<string, unknown>>
    | null
    | undefined;
  const connection = account?.[list.name];
  if (account === undefined && !denied) throw new WireMismatch('shopifyPaymentsAccount: missing');
  return { body, found: connection == null ? undefined : readWire(page, connection) };
}

/** The page as it came; of the account only what the connection is old enough for, record by record. */
function bodiesOf(body: Buffer, { nodes }: Page, list: List, from: string): readonly Buffer[] {
  if (nodes.length === 0) return [];
  const begin = Date.parse(from) - OVERLAP_SECONDS * 1000;
  const isOld = (node: Readonly<Record<string, unknown>>): boolean =>
    Date.parse(String(node.finalizedOn ?? node[list.dateField])) < begin;
  // An open dispute matters however long ago it began.
  const old = nodes.map((node) => isOld(node) && (list.name !== 'disputes' || node.finalizedOn));
  if (list.name === 'orders' || !old.some(Boolean)) return [body];
  return split(body, {})
    .filter((_, index) => !old[index])
    .map((document) => document.body);
}

/** The cursor of the next page; null at the end, or where the rest is older than what can still change. */
function nextPage(
  { nodes, pageInfo }: Page,
  list: List,
  at: {
    readonly from: string;
    readonly since: string;
    readonly startedAt: string;
    readonly after: string | null;
  },
): string | null {
  if (!pageInfo.hasNextPage) return null;
  const { endCursor } = pageInfo;
  if (!endCursor || endCursor === at.after) {
    throw new WireMismatch('pageInfo.endCursor: it does not lead further');
  }
  if (list.name === 'orders') return endCursor;
  const looked = Math.min(
    Date.parse(at.since),
    Date.parse(at.startedAt) - list.lookBackDays * DAY_MS,
  );
  const dates = nodes.map((node) => Date.parse(String(node[list.dateField])));
  // A page whose every record is older ends the list; one without dates says nothing.
  return dates.some((date) => Number.isNaN(date) || date >= looked) ? endCursor : null;
}

/** The orders that deliveries named, each with all its transactions. */
export async function fetchOrders(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: Settings,
): Promise<readonly { readonly request: FetchRequest; readonly body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    if (request.entity !== 'order')
      throw new WireMismatch(`a Shopify ${request.entity} cannot be fetched`);
    const { body, data, denied } = await ask(api, settings, QUERIES.order, {
      id: orderGid(request.id),
    });
    if (data.order) found.push({ request, body });
    else if (denied) throw new Rejected(denied, { status: 200, body: denied });
  }
  return found;
}
