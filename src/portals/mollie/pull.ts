/** Reading Mollie's API: objects after a notice, and lists newest first as the net behind webhooks. */
import { z } from 'zod';
import type { FetchRequest, Portal, PortalApi } from '../contract.ts';
import { parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { credential, type Settings } from './settings.ts';
import { eventWire } from './wire.ts';

const DAY_MS = 86_400_000;
const PAGE_LIMIT = '250';
/** Chargebacks are few, and a bank may reverse one months after it was received. */
const CHARGEBACK_LOOK_BACK_DAYS = 200;

const LISTS = [
  'payments',
  'refunds',
  'chargebacks',
  'balance_transactions',
  'settlements',
  'payouts',
] as const;
type List = (typeof LISTS)[number];

/** What any credential may list, by profile and in a stated order; the others are the organization's. */
const OF_PROFILE: readonly List[] = ['payments', 'refunds', 'chargebacks'];

/** A round reads each list in turn; `next` is the query of its next page, null for the first. */
export type Cursor = {
  readonly since: string;
  readonly startedAt: string | null;
  readonly list: List;
  readonly next: Readonly<Record<string, string>> | null;
};

const page = z.object({
  _embedded: z.record(z.string(), z.array(z.object({ createdAt: z.string().nullish() }))),
  _links: z.object({ next: z.object({ href: z.string() }).nullish() }),
});

/**
 * Mollie filters by no date, so every round reads back over the look-back window, where payments
 * still change state; after an outage longer than that, back to where the last round began.
 */
export const pull: NonNullable<Portal<Settings, Cursor>['pull']> = {
  everySeconds: 900,
  overlapSeconds: 35 * 86_400,
  possible: (settings) => credential(settings) !== undefined,
  start: (from) => ({
    since: from.toISOString(),
    startedAt: null,
    list: 'payments',
    next: null,
  }),
  async page(api, cursor, { settings, now }) {
    const startedAt = cursor.startedAt ?? now.toISOString();
    const { body } = await api.request({
      path: pathOf(cursor.list),
      query: { ...listQuery(cursor.list, settings), ...cursor.next },
    });
    const { oldestAt, next } = readPage(body, cursor);
    const round = { since: cursor.since, startedAt };
    if (next && oldestAt > lookBackTo(cursor, startedAt, settings)) {
      return { bodies: [body], next: { ...round, list: cursor.list, next }, more: true };
    }
    const list = listAfter(cursor.list, settings);
    if (list) return { bodies: [body], next: { ...round, list, next: null }, more: true };
    return { bodies: [body], next: pull.start(new Date(startedAt)), more: false };
  },
};

function pathOf(list: List): string {
  return list === 'balance_transactions' ? '/balances/primary/transactions' : `/${list}`;
}

function lookBackTo(cursor: Cursor, startedAt: string, settings: Settings): number {
  const days =
    cursor.list === 'chargebacks'
      ? Math.max(CHARGEBACK_LOOK_BACK_DAYS, settings.lookBackDays)
      : settings.lookBackDays;
  return Math.min(Date.parse(cursor.since), Date.parse(startedAt) - days * DAY_MS);
}

/**
 * The age of the page's last record and the query of the next page. Only the link's query is followed:
 * its path is always the list's own, and the token must not travel to a host that an answer names.
 */
function readPage(
  body: Buffer,
  cursor: Cursor,
): { readonly oldestAt: number; readonly next: Record<string, string> | null } {
  const { _embedded, _links } = readWire(page, parseJson(body));
  const records = _embedded[cursor.list];
  if (!records) throw new WireMismatch(`_embedded.${cursor.list}: missing`);
  const last = records.at(-1);
  // A record without an instant (an open settlement) says nothing of the list's age: read on.
  const oldestAt = last?.createdAt ? Date.parse(last.createdAt) : Number.POSITIVE_INFINITY;
  if (!_links.next || !last) return { oldestAt, next: null };
  const next = Object.fromEntries(new URLSearchParams(/\?(.*)$/.exec(_links.next.href)?.[1]));
  if (!next.from || next.from === cursor.next?.from) {
    throw new WireMismatch(`_links.next: ${_links.next.href} does not lead further`);
  }
  return { oldestAt, next };
}

function listAfter(list: List, settings: Settings): List | undefined {
  const lists = LISTS.filter((one) => {
    if (OF_PROFILE.includes(one)) return true;
    const wanted = one === 'balance_transactions' ? settings.fees : settings.payouts === one;
    return wanted && settings.organizationToken !== undefined;
  });
  return lists[lists.indexOf(list) + 1];
}

/** API keys are bound to one profile and mode, and refuse to be told either. */
function listQuery(list: List, settings: Settings): Readonly<Record<string, string>> {
  // Settlements are always live and refuse even the mode.
  if (list === 'settlements') return { limit: PAGE_LIMIT };
  if (!OF_PROFILE.includes(list)) return { limit: PAGE_LIMIT, ...testmode(settings) };
  const { organizationToken, profileId } = settings;
  return {
    limit: PAGE_LIMIT,
    sort: 'desc',
    ...(organizationToken && profileId ? { profileId } : {}),
    ...testmode(settings),
  };
}

function testmode(settings: Settings): Readonly<Record<string, string>> {
  return settings.organizationToken && settings.testmode ? { testmode: 'true' } : {};
}

/** The objects that notices named, each with everything that hangs on it. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: Settings,
): Promise<readonly { readonly request: FetchRequest; readonly body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    const body = await fetchObject(api, request, settings);
    if (body) found.push({ request, body });
  }
  return found;
}

async function fetchObject(
  api: PortalApi,
  { entity, id }: FetchRequest,
  settings: Settings,
): Promise<Buffer | undefined> {
  const path = { payment: 'payments', payout: 'payouts', event: 'events' }[entity];
  if (!path) throw new WireMismatch(`a Mollie ${entity} cannot be fetched`);
  // 404: unknown or of the other mode, 410: deleted. Anyone may name an id, so neither is an error.
  const answer = await api.request({
    path: `/${path}/${encodeURIComponent(id)}`,
    query: {
      ...(entity === 'payment' ? { embed: 'refunds,chargebacks,captures' } : {}),
      ...testmode(settings),
    },
    accept: [404, 410],
  });
  if (answer.status !== 200) return undefined;
  return entity === 'event' ? snapshotIn(answer.body) : answer.body;
}

/** The entity inside a fetched event: the event itself is a document already, under the same id. */
function snapshotIn(body: Buffer): Buffer {
  const snapshot = readWire(eventWire, parseVerbatim(body))._embedded?.entity;
  if (!snapshot) throw new WireMismatch('_embedded.entity: missing in a fetched event');
  return printVerbatim(snapshot);
}

const firstPayment = z.object({
  _embedded: z.object({ payments: z.array(z.object({ profileId: z.string() })) }),
});

/** Lists one payment, which every credential that serves us may do. */
export async function check(api: PortalApi, settings: Settings): Promise<string> {
  const query = { ...listQuery('payments', settings), limit: '1' };
  const { body } = await api.request({ path: '/payments', query });
  const payment = readWire(firstPayment, parseJson(body))._embedded.payments[0];
  const profile = settings.profileId ?? payment?.profileId;
  return profile ? `Mollie profile ${profile}` : 'Mollie account without payments yet';
}
