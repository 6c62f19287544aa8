/** Reading single objects of the organization, and what is left of those that were deleted. */
import type { ApiAnswer, FetchRequest, PortalApi } from '../contract.ts';
import { parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { Reauthorize, Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson } from '../kit/wire.ts';
import { inOrganization, type ZohoBooksSettings } from './settings.ts';

const ROOT = '/books/v3';
/** "… does not exist": money that was deleted. */
const NOT_THERE = 1002;
/** A wrong address says nothing about what is asked for, though it is answered 404 as well. */
const INVALID_URL = 5;
const NOT_AUTHORIZED = 57;
const PAGE_ROWS = 200;

/** Minutes until it is worth asking again, by code: so many a minute, so many a day. */
const TOO_MANY: Readonly<Record<string, number | undefined>> = { 44: 1, 45: 60 };

/** Zoho's own "too many", whatever the status. */
export function throttled({ body }: Pick<ApiAnswer, 'body'>): false | { readonly afterMs: number } {
  const start = body.subarray(0, 60).toString('utf8');
  const minutes = TOO_MANY[/^\s*\{\s*"code"\s*:\s*(\d+)\s*[,}]/.exec(start)?.[1] ?? ''];
  return minutes === undefined ? false : { afterMs: minutes * 60_000 };
}

type Call = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
};

/**
 * Calls the organization; undefined when what is asked for does not exist. `code` 0 alone is success.
 * @throws Reauthorize, Rejected, RetryLater, WireMismatch
 */
export async function ask(
  api: PortalApi,
  settings: ZohoBooksSettings,
  path: string,
  { query, ...call }: Call = {},
): Promise<{ readonly answer: Record<string, unknown>; readonly body: Buffer } | undefined> {
  const { status, body } = await api.request({
    ...call,
    path: `${ROOT}/${path}`,
    query: { ...inOrganization(settings), ...query },
    accept: [400, 404],
  });
  const answer = readAnswer(body, status);
  if (answer.code === 0 && status < 300) return { answer, body };
  const isGone = status === 404 && answer.code !== INVALID_URL;
  if (isGone || answer.code === NOT_THERE) return undefined;
  const sentence = `${path} was answered ${answer.code}: ${answer.message ?? ''}`;
  if (answer.code === NOT_AUTHORIZED) {
    throw new Reauthorize(`${sentence}; look at the data centre, the organization and the scopes`);
  }
  throw new Rejected(sentence, { status, body: body.subarray(0, 2000).toString('utf8') });
}

/** Zoho's envelope. A page of a gateway in its place says nothing about the object asked for. */
function readAnswer(body: Buffer, status: number): Record<string, unknown> {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null || !('code' in value)) {
    throw new WireMismatch(`code: missing in an answer of status ${status}`);
  }
  return { ...value };
}

/** One payment as Zoho answers it, or the note that it is gone. */
export async function readPayment(
  api: PortalApi,
  settings: ZohoBooksSettings,
  id: string,
): Promise<Buffer> {
  const found = await ask(api, settings, `customerpayments/${encodeURIComponent(id)}`);
  return found?.body ?? Buffer.from(JSON.stringify({ gone: { payment_id: id } }));
}

/** Payments that notices named, and the refunds of those that have some. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: ZohoBooksSettings,
): Promise<{ request: FetchRequest; body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    if (request.entity === 'payment') {
      found.push({ request, body: await readPayment(api, settings, request.id) });
    } else if (request.entity === 'refunds') {
      const bodies = await readRefunds(api, settings, request.id);
      found.push(...bodies.map((body) => ({ request, body })));
    }
  }
  return found;
}

/** Refunds name no currency; that of their payment is put beside them. */
async function readRefunds(
  api: PortalApi,
  settings: ZohoBooksSettings,
  id: string,
): Promise<readonly Buffer[]> {
  const path = `customerpayments/${encodeURIComponent(id)}`;
  const payment = await ask(api, settings, path);
  const told = payment?.answer.payment;
  if (typeof told !== 'object' || told === null || !('currency_code' in told)) return [];
  const of = { payment_id: id, currency_code: told.currency_code };
  const bodies: Buffer[] = [];
  for (let page = 1; ; page += 1) {
    const query = { page: String(page), per_page: String(PAGE_ROWS) };
    const found = await ask(api, settings, `${path}/refunds`, { query });
    if (!found) return bodies;
    const rows = parseVerbatim(found.body) as { readonly payment_refunds?: unknown };
    bodies.push(printVerbatim({ refunds_of: of, payment_refunds: rows.payment_refunds ?? [] }));
    if (!hasMore(found.answer)) return bodies;
  }
}

/** Whether a list goes on behind this page. */
export function hasMore({ page_context: context }: Record<string, unknown>): boolean {
  return (
    typeof context === 'object' &&
    context !== null &&
    'has_more_page' in context &&
    context.has_more_page === true
  );
}
