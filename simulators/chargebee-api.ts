/** The simulated site's API v2: lists by the time of change, offsets, errors in Chargebee's form. */
import type { Resource } from './chargebee-objects.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';

/** What the API can see. */
export type ChargebeeStore = {
  readonly apiKey: string;
  all(object: string): readonly Resource[];
};

const LISTS: Readonly<Record<string, Resource['object']>> = {
  transactions: 'transaction',
  invoices: 'invoice',
  customers: 'customer',
};

const PARAMETERS = [
  'limit',
  'offset',
  'include_deleted',
  'sort_by[asc]',
  'updated_at[after]',
  'type[in]',
];

export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  headers: { 'retry-after': '1' },
  body: failure(429, {
    api_error_code: 'api_request_limit_exceeded',
    type: 'operation_failed',
    message:
      'Sorry, you have crossed the API request limit for your site. Please try again after some time.',
  }).body,
};

/** Answers one request. */
export function answerChargebee(store: ChargebeeStore, request: SimulatedRequest): SimulatedAnswer {
  const key = `Basic ${Buffer.from(`${store.apiKey}:`).toString('base64')}`;
  if (request.headers.authorization !== key) {
    return failure(401, {
      api_error_code: 'api_authentication_failed',
      message: 'Sorry, authentication failed. Invalid api key',
    });
  }
  const [, base, version, collection = '', id, ...rest] = request.url.pathname.split('/');
  const object = LISTS[collection];
  if (request.method !== 'GET' || `${base}/${version}` !== 'api/v2' || !object || rest.length > 0) {
    return failure(404, { api_error_code: 'site_not_found', message: 'No such path' });
  }
  if (id === undefined) return list(store.all(object), object, request.url.searchParams);
  const found = store.all(object).find((one) => one.id === decodeURIComponent(id));
  if (!found) {
    const message = `${id} not found`;
    return failure(404, { api_error_code: 'resource_not_found', message });
  }
  return { status: 200, body: { [object]: found } };
}

function list(
  all: readonly Resource[],
  object: Resource['object'],
  query: URLSearchParams,
): SimulatedAnswer {
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
  const limit = Number(query.get('limit') ?? '10');
  if (unknown !== undefined || !(limit >= 1 && limit <= 100)) {
    const param = unknown ?? 'limit';
    return failure(400, {
      api_error_code: 'param_wrong_value',
      param,
      message: `${param} : wrong`,
    });
  }
  const after = Number(query.get('updated_at[after]') ?? '0');
  const types = JSON.parse(query.get('type[in]') ?? 'null') as readonly string[] | null;
  const place = placeOf(query.get('offset'));
  const fitting = all
    .filter(({ deleted }) => !deleted || query.get('include_deleted') === 'true')
    .filter(
      ({ updated_at, type }) => updated_at > after && (!types || types.includes(String(type))),
    )
    .sort(inOrder)
    .filter((one) => place === undefined || inOrder(one, place) > 0);
  const records = fitting.slice(0, limit);
  const last = records.at(-1);
  const more = fitting.length > limit && last;
  return {
    status: 200,
    body: {
      list: records.map((one) => ({ [object]: one })),
      ...(more ? { next_offset: JSON.stringify([String(last.updated_at * 1000), last.id]) } : {}),
    },
  };
}

type Place = Pick<Resource, 'updated_at' | 'id'>;

function placeOf(offset: string | null): Place | undefined {
  if (offset === null) return undefined;
  const [at, id] = JSON.parse(offset) as [string, string];
  return { updated_at: Number(at) / 1000, id };
}

function inOrder(one: Place, other: Place): number {
  if (one.updated_at !== other.updated_at) return one.updated_at - other.updated_at;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function failure(
  status: number,
  error: { readonly api_error_code: string; readonly message: string } & Readonly<
    Record<string, string>
  >,
): SimulatedAnswer {
  const body = {
    type: 'invalid_request',
    ...error,
    error_code: error.api_error_code,
    error_msg: error.message,
    http_status_code: status,
  };
  return { status, body };
}
