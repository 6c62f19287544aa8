/**
 * What the console asks the server, each question named once. Their keys are what the stream
 * updates.
 */
import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import { startOfDay } from '../format/instant.ts';
import { getJson } from './client.ts';
import type { ImportFile, ImportFiles } from './import-file.ts';
import type { Page, Payment } from './payment.ts';
import type { Trail } from './trail.ts';

const PAGE_ROWS = 100;
/** How far "today" is read back; a busier day is shown as "at least". */
const TODAY_PAGES = 20;

/** What the server filters by; the text filter works on what is loaded. */
export type PaymentFilter = { readonly status: string | null; readonly portal: string | null };

export const KEYS = {
  payments: ['payments'],
  today: ['today'],
  trail: ['trail'],
  review: ['review-items'],
  connections: ['connections'],
  importFiles: ['import-files'],
  portals: ['portals'],
} as const;

/** The payments, newest first, page by page. */
export function paymentsQuery(filter: PaymentFilter) {
  return infiniteQueryOptions({
    queryKey: [...KEYS.payments, filter] as const,
    queryFn: ({ pageParam, signal }) => readPayments({ ...filter, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
}

/**
 * The payments received since the reader's midnight, by id; `complete` is false when there are too
 * many to read.
 */
export type Today = { readonly payments: ReadonlyMap<string, Payment>; readonly complete: boolean };

/** @param day the reader's calendar day, so that a new day is a new question */
export function todayQuery(day: string) {
  return queryOptions({
    queryKey: [...KEYS.today, day] as const,
    queryFn: ({ signal }) => readToday(startOfDay(day), signal),
  });
}

async function readToday(since: Date, signal: AbortSignal): Promise<Today> {
  const payments = new Map<string, Payment>();
  let cursor: string | null = null;
  for (let page = 0; page < TODAY_PAGES; page += 1) {
    const { data, next }: Page<Payment> = await readPayments({ cursor }, signal);
    const today = data.filter((payment) => new Date(payment.receivedAt) >= since);
    for (const payment of today) payments.set(payment.id, payment);
    if (next === null || today.length < data.length) return { payments, complete: true };
    cursor = next;
  }
  return { payments, complete: false };
}

function readPayments(
  query: Partial<PaymentFilter> & { cursor: string | null },
  signal: AbortSignal,
) {
  return getJson<Page<Payment>>('payments', { limit: PAGE_ROWS, ...query }, signal);
}

export function trailQuery(paymentId: string) {
  return queryOptions({
    queryKey: [...KEYS.trail, paymentId] as const,
    queryFn: ({ signal }) =>
      getJson<Trail>(`payments/${encodeURIComponent(paymentId)}/trail`, {}, signal),
  });
}

/** How many review items wait for a person. */
export function openReviewQuery() {
  return queryOptions({
    queryKey: [...KEYS.review, 'open'] as const,
    queryFn: ({ signal }) =>
      getJson<{ readonly total: number }>('review-items', { state: 'open', limit: 1 }, signal),
    select: (page) => page.total,
  });
}

export type Connection = { readonly id: string; readonly portal: string; readonly name: string };

export function connectionsQuery() {
  return queryOptions({
    queryKey: KEYS.connections,
    queryFn: ({ signal }) => getJson<Page<Connection>>('connections', { limit: PAGE_ROWS }, signal),
    select: (page) => page.data,
  });
}

type System = { readonly id: string; readonly kind: string; readonly name: string };

/** The files written for people to import, the newest first. */
export function importFilesQuery() {
  return queryOptions({
    queryKey: KEYS.importFiles,
    queryFn: ({ signal }) => readImportFiles(signal),
  });
}

async function readImportFiles(signal: AbortSignal): Promise<ImportFiles> {
  const systems = await getJson<Page<System>>('systems', { limit: PAGE_ROWS }, signal);
  const books = systems.data.filter(({ kind }) => kind === 'books');
  const pages = await Promise.all(
    books.map(async ({ id, name }) => {
      const path = `systems/${encodeURIComponent(id)}/import-files`;
      const { data, next } = await getJson<Page<ImportFile>>(path, {}, signal);
      return { files: data.map((file) => ({ ...file, books: name })), next };
    }),
  );
  const files = pages.flatMap((page) => page.files);
  files.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  return { files, complete: pages.every(({ next }) => next === null) };
}

/** How the portals spell their names; they change only with the program. */
export function portalsQuery() {
  return queryOptions({
    queryKey: KEYS.portals,
    queryFn: ({ signal }) =>
      getJson<Page<{ readonly id: string; readonly name: string }>>('portals', {}, signal),
    select: (page) => page.data,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

/** Questions the stream answers afresh after it was away: everything it may have missed. */
export function askAgain(client: QueryClient): void {
  for (const queryKey of [KEYS.payments, KEYS.today, KEYS.trail, KEYS.review, KEYS.connections]) {
    void client.invalidateQueries({ queryKey });
  }
}
