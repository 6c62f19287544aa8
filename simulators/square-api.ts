/** The simulated Square's REST API: lists with opaque cursors, searches, and errors in Square's form. */
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { SquareObject } from './square-objects.ts';
import type { Kind, SquareWorld } from './square-world.ts';

export type SquareState = {
  readonly world: SquareWorld;
  readonly authorization: AuthorizationServer;
};

/** Square's answer to too many requests. */
export const TOO_MANY: SimulatedAnswer = failure(429, 'RATE_LIMIT_ERROR', 'RATE_LIMITED');

/** Fewer than asked for may be answered, and here always are. */
const PAGE_SIZE = 7;

type List = { readonly kind: Kind; readonly name: string };
const LISTS: Readonly<Record<string, List>> = {
  payments: { kind: 'payment', name: 'payments' },
  refunds: { kind: 'refund', name: 'refunds' },
  disputes: { kind: 'dispute', name: 'disputes' },
  payouts: { kind: 'payout', name: 'payouts' },
  customers: { kind: 'customer', name: 'customers' },
};
const OBJECTS: Readonly<Record<string, Kind>> = {
  payments: 'payment',
  refunds: 'refund',
  disputes: 'dispute',
  payouts: 'payout',
  invoices: 'invoice',
  orders: 'order',
  customers: 'customer',
};

/** Answers one request that meets no fault. */
export function answerSquare(
  { world, authorization }: SquareState,
  request: SimulatedRequest,
): SimulatedAnswer {
  const consent = authorization.answer(request);
  if (consent) return consent;
  const { method, url, headers } = request;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (token !== world.accessToken && !authorization.accepts(token)) {
    return failure(401, 'AUTHENTICATION_ERROR', 'UNAUTHORIZED');
  }
  const [version, collection = '', id, ...rest] = url.pathname.split('/').filter((part) => part);
  if (version !== 'v2' || rest.length > 0) return missing();
  if (method === 'POST') return search(world, `${collection}/${id}`, request.body);
  if (collection === 'locations' && id === undefined) return locationsOf(world);
  if (id !== undefined) return one(world, OBJECTS[collection], decodeURIComponent(id));
  const list = LISTS[collection];
  return list ? listed(world, list, url.searchParams) : missing();
}

function locationsOf({ locations, merchantId }: SquareWorld): SimulatedAnswer {
  const shown = locations.map(({ id, name, currency }) => ({
    id,
    name,
    currency,
    merchant_id: merchantId,
    business_name: 'Airworks Repair',
    status: 'ACTIVE',
  }));
  return { status: 200, body: { locations: shown } };
}

function one(world: SquareWorld, kind: Kind | undefined, id: string): SimulatedAnswer {
  const object = kind && world.find(kind, id);
  return object ? { status: 200, body: { [kind]: object } } : missing();
}

/** Where a list is and what it is filtered by; the cursor names both, so that changed parameters are refused. */
function listed(world: SquareWorld, list: List, query: URLSearchParams): SimulatedAnswer {
  const given = Object.fromEntries(query);
  const { cursor, ...parameters } = given;
  const ofMain = list.kind === 'payment' || list.kind === 'payout';
  const location = parameters.location_id ?? (ofMain ? world.locations[0]?.id : undefined);
  const byUpdate = parameters.sort_field === 'UPDATED_AT';
  const records = world
    .all(list.kind)
    .filter((one) => location === undefined || one.location_id === location)
    .filter((one) => isWithin(one, parameters, byUpdate))
    .sort((a, b) => (byUpdate ? changedMs(a) - changedMs(b) : 0));
  const place = (one: SquareObject) => (byUpdate ? changedMs(one) : createdMs(one));
  return paged({ name: list.name, records, place, parameters, cursor });
}

function isWithin(
  object: SquareObject,
  { begin_time, end_time, updated_at_begin_time, updated_at_end_time }: Record<string, string>,
  byUpdate: boolean,
): boolean {
  const from = byUpdate ? updated_at_begin_time : begin_time;
  const to = byUpdate ? updated_at_end_time : end_time;
  const at = byUpdate ? changedMs(object) : createdMs(object);
  // Whether the end belongs to the window is not documented; here it does not.
  return (!from || at >= Date.parse(from)) && (!to || at < Date.parse(to));
}

function changedMs(object: SquareObject): number {
  return Date.parse(String(object.updated_at));
}

function createdMs(object: SquareObject): number {
  return Date.parse(String(object.created_at));
}

function search(world: SquareWorld, what: string, body: Buffer): SimulatedAnswer {
  const { cursor, ...parameters } = JSON.parse(body.toString()) as {
    cursor?: string;
    query?: { filter?: { location_ids?: string[]; customer_ids?: string[] } };
  };
  if (what === 'orders/search') return { status: 200, body: {} };
  const filter = parameters.query?.filter;
  if (what !== 'invoices/search') return missing();
  if (filter?.location_ids?.length !== 1) {
    return failure(400, 'INVALID_REQUEST_ERROR', 'MISSING_REQUIRED_PARAMETER', 'location_ids');
  }
  const records = world
    .all('invoice')
    .filter((one) => filter.location_ids?.includes(String(one.location_id)))
    .filter(({ primary_recipient: recipient }) => {
      const { customer_id } = recipient as { customer_id: string };
      return filter.customer_ids?.includes(customer_id) ?? true;
    })
    .sort((a, b) => createdMs(b) - createdMs(a));
  return paged({ name: 'invoices', records, place: (one) => -createdMs(one), parameters, cursor });
}

/** A cursor stands behind the last record shown, so that records which change meanwhile shift no page. */
function paged(of: {
  readonly name: string;
  readonly records: readonly SquareObject[];
  readonly place: (record: SquareObject) => number;
  readonly parameters: unknown;
  readonly cursor: string | undefined;
}): SimulatedAnswer {
  const query = JSON.stringify(of.parameters);
  let rest = of.records;
  if (of.cursor) {
    const behind = readCursor(of.cursor, query);
    if (!behind) return failure(400, 'INVALID_REQUEST_ERROR', 'INVALID_CURSOR', 'cursor');
    rest = of.records.filter((one) => {
      const place = of.place(one);
      return place > behind.place || (place === behind.place && one.id > behind.id);
    });
  }
  // Equal places are told apart by id, as the cursor does.
  const sorted = [...rest].sort((a, b) => of.place(a) - of.place(b) || (a.id < b.id ? -1 : 1));
  const shown = sorted.slice(0, PAGE_SIZE);
  const last = shown.at(-1);
  if (!last) return { status: 200, body: {} };
  const next = { query, place: of.place(last), id: last.id };
  return {
    status: 200,
    body: {
      [of.name]: shown,
      ...(sorted.length > PAGE_SIZE
        ? { cursor: Buffer.from(JSON.stringify(next)).toString('base64url') }
        : {}),
    },
  };
}

function readCursor(
  cursor: string,
  query: string,
): { readonly place: number; readonly id: string } | undefined {
  try {
    const read = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as {
      query: string;
      place: number;
      id: string;
    };
    return read.query === query ? read : undefined;
  } catch {
    return undefined;
  }
}

function missing(): SimulatedAnswer {
  return failure(404, 'INVALID_REQUEST_ERROR', 'NOT_FOUND');
}

function failure(status: number, category: string, code: string, field?: string): SimulatedAnswer {
  const detail = code.toLowerCase().replaceAll('_', ' ');
  return { status, body: { errors: [{ category, code, detail, ...(field && { field }) }] } };
}
