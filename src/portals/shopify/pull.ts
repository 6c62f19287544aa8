/** Reading the Admin API: orders by their last change, and the account of Shopify Payments newest first. */
import { z } from 'zod';
import type { FetchRequest, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import { ask, QUERIES } from './graphql.ts';
import { canAsk, type Settings } from './settings.ts';
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
  /** Where the connection begins: nothing before it is looked back to but disputes and payouts. */
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
    const bodies = found && found.nodes.length > 0 ? [body] : [];
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
