/** Objects that events named, several of a kind in one call, and the payments that came with them. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { printVerbatim } from '../kit/documents.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { listChanged, type Place } from './listing.ts';
import { PAYMENTS_SINCE } from './notice.ts';
import { paidDocument } from './references.ts';
import { accountingPath, type XeroSettings } from './settings.ts';
import { rowBody, rowId, rowsOf } from './split.ts';
import { type Payment, payment, type Resource } from './wire.ts';

type Found = { readonly request: FetchRequest; readonly body: Buffer };

/** Lists that take `IDs`; the others are read one by one. */
const BY_IDS: readonly Resource[] = ['Invoices', 'Contacts'];
const ONE_BY_ONE: readonly Resource[] = ['Prepayments', 'Overpayments'];
/** Keeps the address below the 2,000 characters any proxy passes. */
const IDS_PER_CALL = 40;
/** A delivery that comes a day late must not read a year; the pull goes on where this ends. */
const MOST_PAGES = 10;
const NOTHING = printVerbatim({ Payments: [] });

/** @throws RetryLater, Reauthorize, Rejected, WireMismatch */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: XeroSettings,
): Promise<Found[]> {
  const of = (entity: string) => requests.filter((request) => request.entity === entity);
  const found: Found[] = [];
  for (const resource of BY_IDS)
    found.push(...(await byIds(api, resource, of(resource), settings)));
  for (const resource of ONE_BY_ONE) {
    for (const request of of(resource)) {
      const row = await readRow(api, resource, request.id, settings);
      if (row) found.push({ request, body: rowBody(resource, row) });
    }
  }
  for (const request of of('Payments')) {
    const row = await readRow(api, 'Payments', request.id, settings);
    if (row) found.push({ request, body: await withCurrency(api, row, settings) });
  }
  found.push(...(await paymentsSince(api, of(PAYMENTS_SINCE), settings)));
  return found;
}

/** The row of that id, numbers untouched; undefined when Xero has none. */
export async function readRow(
  api: PortalApi,
  resource: Resource,
  id: string,
  settings: XeroSettings,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { status, body } = await api.request({
    path: accountingPath(settings, `${resource}/${encodeURIComponent(id)}`),
    accept: [404],
  });
  if (status === 404) return undefined;
  const [row] = rowsOf(body, resource);
  if (!row) throw new WireMismatch(`${resource}: missing in the answer`);
  return row;
}

/** The rows of those ids in as few calls as possible; one alone by reading it, which also tells e-mail addresses. */
export async function readRows(
  api: PortalApi,
  resource: Resource,
  ids: readonly string[],
  settings: XeroSettings,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) {
    const row = await readRow(api, resource, only, settings);
    return row ? [row] : [];
  }
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (let at = 0; at < ids.length; at += IDS_PER_CALL) {
    const { body } = await api.request({
      path: accountingPath(settings, resource),
      query: {
        IDs: ids.slice(at, at + IDS_PER_CALL).join(','),
        page: '1',
        ...(resource === 'Contacts' ? { includeArchived: 'true' } : {}),
      },
    });
    rows.push(...rowsOf(body, resource));
  }
  return rows;
}

async function byIds(
  api: PortalApi,
  resource: Resource,
  requests: readonly FetchRequest[],
  settings: XeroSettings,
): Promise<readonly Found[]> {
  const wanted = new Map(requests.map((request) => [request.id.toLowerCase(), request]));
  const ids = [...wanted.values()].map(({ id }) => id);
  const rows = ids.length > 0 ? await readRows(api, resource, ids, settings) : [];
  return rows.flatMap((row) => {
    const request = wanted.get(rowId(resource, row)?.toLowerCase() ?? '');
    return request ? [{ request, body: rowBody(resource, row) }] : [];
  });
}

/** One list from the earliest instant answers all of them. */
async function paymentsSince(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: XeroSettings,
): Promise<readonly Found[]> {
  const [first, ...others] = [...requests].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (!first) return [];
  const bodies: Buffer[] = [];
  let place: Place | undefined = { since: first.id, page: 1 };
  for (let page = 0; place && page < MOST_PAGES; page += 1) {
    const listed = await listChanged(api, 'Payments', { place, settings });
    if (listed.body) bodies.push(listed.body);
    place = listed.following;
  }
  const answered = (request: FetchRequest, all: readonly Buffer[]) =>
    all.map((body) => ({ request, body }));
  return [
    ...answered(first, bodies.length > 0 ? bodies : [NOTHING]),
    ...others.flatMap((request) => answered(request, [NOTHING])),
  ];
}

/** Some answers trim what is paid to its id: its currency is that of the payment's amount. @throws WireMismatch */
async function withCurrency(
  api: PortalApi,
  row: Readonly<Record<string, unknown>>,
  settings: XeroSettings,
): Promise<Buffer> {
  const body = rowBody('Payments', row);
  const facts = readWire(payment, rowOf(body));
  const { currency, id } = paidDocument(facts);
  if (currency !== null) return body;
  const resource = resourcePaid(facts);
  const paid = resource && id ? await readRow(api, resource, id, settings) : undefined;
  const CurrencyCode = paid?.CurrencyCode;
  if (typeof CurrencyCode !== 'string') {
    throw new WireMismatch(`Payment ${facts.PaymentID}: nothing tells the currency of its amount`);
  }
  const Invoice = { ...(isObject(row.Invoice) ? row.Invoice : { InvoiceID: id }), CurrencyCode };
  return rowBody('Payments', { ...row, Invoice });
}

function rowOf(body: Buffer): unknown {
  const answer = parseExactJson(body) as { readonly Payments: readonly unknown[] };
  return answer.Payments[0];
}

function resourcePaid({ PaymentType }: Payment): Resource | undefined {
  switch (PaymentType) {
    case 'ACCRECPAYMENT':
      return 'Invoices';
    case 'ARCREDITPAYMENT':
      return 'CreditNotes';
    case 'AROVERPAYMENTPAYMENT':
      return 'Overpayments';
    case 'ARPREPAYMENTPAYMENT':
      return 'Prepayments';
    default:
      return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
