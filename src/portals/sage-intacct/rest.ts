/** The REST API: the query service with its flat rows, and answers wrapped in `ia::result`. */
import { z } from 'zod';
import type { ApiAnswer, ApiCall, PortalApi } from '../contract.ts';
import { parseVerbatim } from '../kit/documents.ts';
import { Reauthorize, Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { answeredAt } from './instants.ts';

const REFUSALS = [400, 403, 404, 409, 422];
const EXCERPT = 2_000;

const refusal = z.object({
  'ia::result': z.object({
    'ia::error': z.object({
      code: z.string().nullish(),
      message: z.string().nullish(),
      errorId: z.string().nullish(),
      details: z
        .array(z.object({ message: z.string().nullish(), target: z.string().nullish() }))
        .nullish(),
    }),
  }),
});

const page = z.object({
  'ia::result': z.array(z.record(z.string(), z.unknown())),
  'ia::meta': z.object({ next: z.int().positive().nullish() }),
});

/** `{$gte: {"audit.modifiedDateTime": "…"}}` */
export type RestFilter = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type RestQuery = {
  readonly object: string;
  readonly fields: readonly string[];
  readonly filters: readonly RestFilter[];
  readonly filterExpression?: 'and' | 'or';
  /** Counted from 1. */
  readonly start: number;
  readonly size: number;
};

export type RestRow = Readonly<Record<string, unknown>>;

export type RestPage = {
  readonly rows: readonly RestRow[];
  /** Where the page that follows starts; null on the last one. */
  readonly next: number | null;
  readonly answeredAt: string | undefined;
};

/** One page of a query, records private to entities among them. */
export async function queryRest(api: PortalApi, asked: RestQuery): Promise<RestPage> {
  const { filterExpression = 'and', start, size, ...query } = asked;
  const { body, headers } = await askRest(api, {
    method: 'POST',
    path: 'services/core/query',
    json: {
      ...query,
      filterExpression,
      filterParameters: { includePrivate: true },
      // By what never changes: a record changed while we page must not push another across a page's boundary.
      orderBy: [{ key: 'asc' }],
      start,
      size,
    },
  });
  const { 'ia::meta': meta } = readWire(page, parseExactJson(body));
  return { rows: rowsOf(body), next: meta.next ?? null, answeredAt: answeredAt(headers) };
}

/**
 * Calls the API; 404 is an answer where `accept` says so.
 * @throws Rejected with Intacct's own words, Reauthorize, RetryLater, WireMismatch
 */
export async function askRest(api: PortalApi, call: ApiCall): Promise<ApiAnswer> {
  const answer = await api.request({ ...call, accept: REFUSALS });
  const { status, body } = answer;
  if (status < 300 || call.accept?.includes(status)) return answer;
  const words = restRefusal(body) ?? 'without saying why';
  const sentence = `${call.method ?? 'GET'} ${call.path} was answered ${status}: ${words}`;
  if (invalidToken(answer)) throw new Reauthorize(sentence);
  const excerpt = body.subarray(0, EXCERPT).toString('utf8');
  throw new Rejected(sentence, { status, body: excerpt });
}

/** An expired token is answered 400 as well. */
export function invalidToken({ status, body }: Pick<ApiAnswer, 'status' | 'body'>): boolean {
  return status === 400 && /invalid[ _]token/i.test(body.subarray(0, EXCERPT).toString('utf8'));
}

/** What an answer refuses with; undefined when it does not. */
export function restRefusal(body: Buffer): string | undefined {
  try {
    const parsed = refusal.safeParse(JSON.parse(body.toString('utf8')));
    if (!parsed.success) return undefined;
    const { code, errorId, message, details } = parsed.data['ia::result']['ia::error'];
    const inner = (details ?? []).map((one) =>
      [one.message, one.target].filter(Boolean).join(' at '),
    );
    return [[errorId, code, message].filter(Boolean).join(' '), ...inner].join('; ');
  } catch {
    return undefined;
  }
}

function rowsOf(body: Buffer): readonly RestRow[] {
  const value = parseVerbatim(body);
  const rows = isRow(value) ? value['ia::result'] : undefined;
  return Array.isArray(rows) ? rows.filter(isRow) : [];
}

export function isRow(value: unknown): value is RestRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
