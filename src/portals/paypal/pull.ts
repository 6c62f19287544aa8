/** The pull: transactions by windows of their first day, disputes by their last change, and invoices. */
import { z } from 'zod';
import type { ApiAnswer, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { hasCredentials, type Settings } from './settings.ts';
import { at, textOf } from './wire.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** PayPal takes up to 31 days in one search, and knows three years. */
const WINDOW_MS = 31 * DAY_MS;
const MEMORY_MS = 3 * 365 * DAY_MS;
/** Transactions appear up to three hours late, whatever the look-back is set to. */
const LATE_MS = 3 * HOUR_MS;
/** A search that is too large for a minute is not one that a smaller window mends. */
const SMALLEST_WINDOW_MS = 60_000;
const DISPUTES_REACH_MS = 179 * DAY_MS;
/** Invoices are listed by the day they were made, and paid long after. */
const INVOICES_REACH_MS = 180 * DAY_MS;

const STAGES = ['transactions', 'disputes', 'invoices'] as const;
type Stage = (typeof STAGES)[number];

/** Place in a round; instants are ISO UTC. `place` is the next page's number or token, null for the first. */
export type Cursor = {
  /** Where the last finished round began. */
  readonly since: string;
  readonly round: {
    readonly startedAt: string;
    readonly stage: Stage;
    /** The window of transactions being read. */
    readonly from: string;
    readonly to: string;
    readonly place: string | null;
  } | null;
};
type Round = NonNullable<Cursor['round']>;

type Page = {
  readonly body?: Buffer;
  /** Where to go on; undefined when the stage is done. */
  readonly next?: Pick<Round, 'from' | 'to' | 'place'>;
};

export const pull: NonNullable<Portal<Settings, Cursor>['pull']> = {
  everySeconds: 3600,
  overlapSeconds: 30 * 86_400,
  possible: hasCredentials,
  start: (from) => ({ since: from.toISOString(), round: null }),
  async page(api, cursor, { settings, now }) {
    const round = cursor.round ?? begin(cursor.since, now, settings);
    const { body, next } = await readers[round.stage](api, round, cursor.since);
    const bodies = body === undefined ? [] : [body];
    if (next) {
      const reached = round.stage === 'transactions' ? { reached: new Date(next.from) } : {};
      return { bodies, next: { ...cursor, round: { ...round, ...next } }, more: true, ...reached };
    }
    const stage = STAGES[STAGES.indexOf(round.stage) + 1];
    const goesOn = stage === 'disputes' || (stage === 'invoices' && settings.importInvoices);
    if (stage && goesOn) {
      return { bodies, next: { ...cursor, round: { ...round, stage, place: null } }, more: true };
    }
    const startedAt = new Date(round.startedAt);
    return { bodies, next: pull.start(startedAt), more: false, reached: startedAt };
  },
};

/** No search tells what changed, so each round reads back over the days in which transactions still change. */
function begin(since: string, now: Date, { lookBackDays }: Settings): Round {
  const backMs = Math.max(lookBackDays * DAY_MS, LATE_MS);
  const wantedMs = Math.min(Date.parse(since) - LATE_MS, now.getTime() - backMs);
  const fromMs = Math.max(wantedMs, now.getTime() - MEMORY_MS);
  const startedAt = now.toISOString();
  const window = windowFrom(new Date(fromMs).toISOString(), startedAt);
  return { startedAt, stage: 'transactions', ...window };
}

function windowFrom(from: string, end: string): Pick<Round, 'from' | 'to' | 'place'> {
  const toMs = Math.min(Date.parse(from) + WINDOW_MS, Date.parse(end));
  return { from, to: new Date(toMs).toISOString(), place: null };
}

const readers: Readonly<
  Record<Stage, (api: PortalApi, round: Round, since: string) => Promise<Page>>
> = { transactions, disputes, invoices };

const transactionsPage = z.object({
  transaction_details: z.array(z.unknown()),
  page: z.int().nullish(),
  total_pages: z.int().nullish(),
});

async function transactions(api: PortalApi, round: Round): Promise<Page> {
  const number = Number(round.place ?? '1');
  const answer = await api.request({
    path: '/v1/reporting/transactions',
    query: {
      start_date: round.from,
      end_date: round.to,
      fields: 'all',
      // Authorizations and payments still pending move no balance, and are told by no other list.
      balance_affecting_records_only: 'N',
      page_size: '500',
      page: String(number),
    },
    accept: [400, 403, 422],
  });
  if (answer.status !== 200) return { next: halve(answer, round) };
  const { body } = answer;
  const { total_pages } = readWire(transactionsPage, parseJson(body));
  if (number < (total_pages ?? 1)) {
    return { body, next: { from: round.from, to: round.to, place: String(number + 1) } };
  }
  return round.to < round.startedAt
    ? { body, next: windowFrom(round.to, round.startedAt) }
    : { body };
}

/** Too many results for one search: the first half of its window. @throws Rejected for any other refusal. */
function halve(answer: ApiAnswer, round: Round): Pick<Round, 'from' | 'to' | 'place'> {
  const [fromMs, toMs] = [Date.parse(round.from), Date.parse(round.to)];
  const half = (toMs - fromMs) / 2;
  if (errorNames(answer).includes('RESULTSET_TOO_LARGE') && half >= SMALLEST_WINDOW_MS) {
    return { from: round.from, to: new Date(fromMs + Math.floor(half)).toISOString(), place: null };
  }
  throw refusal(
    answer,
    answer.status === 403
      ? 'the REST app may not search transactions: enable Transaction Search among its features ' +
          '(PayPal takes up to nine hours to grant it)'
      : 'PayPal refused to list transactions',
  );
}

/** The error's own name and those of its details, where PayPal puts the telling one. */
function errorNames(answer: ApiAnswer): readonly string[] {
  const body = parseJson(answer.body);
  const details = at(body, 'details');
  const issues = (Array.isArray(details) ? details : []).map((detail) => at(detail, 'issue'));
  return [at(body, 'name'), ...issues].flatMap((name) => textOf(name) ?? []);
}

function refusal(answer: ApiAnswer, what: string): Rejected {
  const names = errorNames(answer).join(', ');
  const body = answer.body.subarray(0, 2000).toString('utf8');
  return new Rejected(`${what}: ${answer.status} ${names}`, { status: answer.status, body });
}

const disputesPage = z.object({
  items: z.array(z.unknown()).nullish(),
  links: z.array(z.object({ href: z.string(), rel: z.string() })).nullish(),
});

/** Summaries of disputes that changed; a REST app without that feature simply has none to show. */
async function disputes(api: PortalApi, round: Round, since: string): Promise<Page> {
  const endMs = Date.parse(round.startedAt);
  const fromMs = Math.max(Date.parse(since) - DAY_MS, endMs - DISPUTES_REACH_MS);
  const answer = await api.request({
    path: '/v1/customer/disputes',
    query: {
      update_time_after: new Date(fromMs).toISOString(),
      page_size: '50',
      ...(round.place === null ? {} : { next_page_token: round.place }),
    },
    accept: [403],
  });
  if (answer.status === 403) return {};
  const { items, links } = readWire(disputesPage, parseJson(answer.body));
  const href = (links ?? []).find(({ rel }) => rel === 'next')?.href;
  // Only the token is taken from the link: its host is not always ours to call.
  const token = href && new URLSearchParams(/\?(.*)$/.exec(href)?.[1]).get('next_page_token');
  if (token && token === round.place) throw new WireMismatch('links: next does not lead further');
  const page = items && items.length > 0 ? { body: answer.body } : {};
  return token ? { ...page, next: { from: round.from, to: round.to, place: token } } : page;
}

const invoicesPage = z.object({
  items: z.array(z.unknown()).nullish(),
  total_pages: z.int().nullish(),
});

async function invoices(api: PortalApi, round: Round): Promise<Page> {
  const number = Number(round.place ?? '1');
  const end = round.startedAt;
  const start = new Date(Date.parse(end) - INVOICES_REACH_MS).toISOString();
  const { body } = await api.request({
    method: 'POST',
    path: '/v2/invoicing/search-invoices',
    query: { page: String(number), page_size: '100', total_required: 'true' },
    json: { creation_date_range: { start, end } },
  });
  const { items, total_pages } = readWire(invoicesPage, parseJson(body));
  const page = items && items.length > 0 ? { body } : {};
  return number < (total_pages ?? 1)
    ? { ...page, next: { from: round.from, to: round.to, place: String(number + 1) } }
    : page;
}

const balances = z.object({ account_id: z.string().nullish() });

/** Names the account, and the features that the REST app lacks. @throws Rejected for an unknown webhook id. */
export async function check(api: PortalApi, settings: Settings): Promise<string> {
  if (!hasCredentials(settings)) {
    return 'PayPal without API credentials: deliveries are checked by certificate, nothing is pulled';
  }
  const reporting = await api.request({ path: '/v1/reporting/balances', accept: [403] });
  const query = { page_size: '1' };
  const disputed = await api.request({ path: '/v1/customer/disputes', query, accept: [403] });
  const lacking = [
    ...(reporting.status === 403 ? ['Transaction Search (granted within nine hours)'] : []),
    ...(disputed.status === 403 ? ['Customer disputes'] : []),
  ];
  for (const id of settings.webhookId) {
    const path = `/v1/notifications/webhooks/${encodeURIComponent(id)}`;
    const answer = await api.request({ path, accept: [400, 403, 404] });
    if (answer.status !== 200) throw refusal(answer, `webhook ${id} is not one of this REST app`);
  }
  const account =
    reporting.status === 200
      ? (readWire(balances, parseJson(reporting.body)).account_id ?? 'of unknown id')
      : 'whose id may not be read';
  const lacks = lacking.length > 0 ? `; its REST app lacks ${lacking.join(' and ')}` : '';
  return `PayPal account ${account} (${settings.environment})${lacks}`;
}
