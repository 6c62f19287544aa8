/** The simulated site's API v3: lists by the time of change, cursors, errors and limits in Recurly's form. */
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Resource } from './recurly-objects.ts';

/** What the API can see. */
export type RecurlyStore = {
  readonly apiKey: string;
  readonly site: { readonly id: string; readonly subdomain: string };
  all(object: Resource['object']): readonly Resource[];
};

const VERSION = 'application/vnd.recurly.v2021-02-25';
const LISTS: Readonly<Record<string, Resource['object']>> = {
  transactions: 'transaction',
  invoices: 'invoice',
  accounts: 'account',
};
const PARAMETERS = ['limit', 'sort', 'order', 'begin_time', 'end_time', 'cursor'];
/** Less than may be asked for, so that a few payments already fill pages. */
const FULLEST_PAGE = 7;

export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  headers: { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '0' },
  body: {
    error: {
      type: 'rate_limited',
      message: 'You have made too many API requests within the last hour.',
    },
  },
};

/** Answers one request. */
export function answerRecurly(store: RecurlyStore, request: SimulatedRequest): SimulatedAnswer {
  const { headers, method, url } = request;
  const key = `Basic ${Buffer.from(`${store.apiKey}:`).toString('base64')}`;
  if (headers.authorization !== key) {
    return failure(401, 'unauthorized', 'The API key is not valid');
  }
  if (!headers.accept?.startsWith(VERSION)) {
    return failure(406, 'invalid_api_version', `Ask for a version: ${VERSION}`);
  }
  const [, collection = '', id, ...rest] = url.pathname.split('/');
  if (method === 'GET' && collection === 'sites' && id === undefined) {
    const site = { ...store.site, object: 'site', mode: 'production' };
    return { status: 200, body: { object: 'list', has_more: false, next: null, data: [site] } };
  }
  const object = LISTS[collection];
  if (method !== 'GET' || !object || rest.length > 0) {
    return failure(404, 'not_found', 'The path does not exist');
  }
  if (id === undefined) return list(store.all(object), url);
  const found = store.all(object).find((one) => namesOf(one).includes(decodeURIComponent(id)));
  return found
    ? { status: 200, body: found }
    : failure(404, 'not_found', `Couldn't find ${object} with id = ${id}`);
}

function namesOf({ id, uuid, number, code }: Resource): readonly string[] {
  return [id, `uuid-${uuid}`, `number-${number}`, `code-${code}`];
}

function list(all: readonly Resource[], url: URL): SimulatedAnswer {
  const query = url.searchParams;
  const limit = Number(query.get('limit') ?? '20');
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined || !(limit >= 1 && limit <= 200)) {
    return failure(400, 'invalid_request', `${unknown ?? 'limit'} is not permitted`);
  }
  const sort = query.get('sort') ?? 'created_at';
  const sortedBy = (one: Resource): string => String(one[sort]);
  const placeOf = (one: Resource): string => `${sortedBy(one)}:${one.id}`;
  const begin = (query.get('begin_time') ?? '').replace(/\.\d+Z$/, 'Z');
  const cursor = query.get('cursor') ?? '';
  const fitting = all
    .filter((one) => sortedBy(one) >= begin && (cursor === '' || placeOf(one) > cursor))
    .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  const data = fitting.slice(0, Math.min(limit, FULLEST_PAGE));
  const last = data.at(-1);
  const more = fitting.length > data.length && last;
  if (!more) return answered({ object: 'list', has_more: false, next: null, data });
  const following = new URLSearchParams([...query].filter(([name]) => name !== 'cursor'));
  following.set('cursor', placeOf(last));
  const next = `${url.pathname}?${following}`;
  // As documented it is a whole address, as sent mostly a path.
  const isWhole = last.id.charCodeAt(0) % 3 === 0;
  return answered({
    object: 'list',
    has_more: true,
    next: isWhole ? `https://v3.recurly.com${next}` : next,
    data,
  });
}

function answered(body: unknown): SimulatedAnswer {
  const headers = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4990' };
  return { status: 200, headers, body };
}

function failure(status: number, type: string, message: string): SimulatedAnswer {
  return { status, body: { error: { type, message, params: [] } } };
}
