/**
 * Brings streamed payments into what was read, in batches, so that a flood costs a few renderings a
 * second.
 */
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { Page, Payment } from '../api/payment.ts';
import { KEYS, type PaymentFilter, type Today } from '../api/queries.ts';
import { startOfDay } from '../format/instant.ts';
import { mergeIntoPages, mergeIntoToday } from './merge-payments.ts';

type Updates = ReadonlyMap<string, Payment>;
export type LiveBatch = { add(payment: Payment): void; stop(): void };

const BATCH_MS = 150;
/** A page that streamed payments grew beyond this is read afresh, in pages of the usual size. */
const LONGEST_PAGE_ROWS = 400;

/** When a payment came by the stream; the row that shows it lights up briefly. */
const arrivals = new WeakMap<Payment, number>();

export function arrivedAt(payment: Payment): number | undefined {
  return arrivals.get(payment);
}

/** Everything on the page that shows payments, kept up to date. */
export function livePayments(client: QueryClient): LiveBatch {
  const batches = [
    batch(client, KEYS.payments, (updates) => updateLists(client, updates)),
    batch(client, KEYS.today, (updates) => updateToday(client, updates)),
    batch(client, KEYS.trail, (updates) => updateTrails(client, updates)),
  ];
  return {
    add(payment) {
      arrivals.set(payment, performance.now());
      for (const one of batches) one.add(payment);
    },
    stop() {
      for (const one of batches) one.stop();
    },
  };
}

/**
 * Holds payments back while their query is being read: laid over an answer that was on its way, a
 * later state would be lost under an earlier one.
 */
function batch(
  client: QueryClient,
  queryKey: readonly string[],
  apply: (updates: Updates) => void,
): LiveBatch {
  let waiting = new Map<string, Payment>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    if (client.isFetching({ queryKey }) > 0) {
      timer = setTimeout(flush, BATCH_MS);
      return;
    }
    const updates = waiting;
    waiting = new Map();
    apply(updates);
  };
  return {
    add(payment) {
      // Deleted first, so that the order of the map is the order of the latest arrivals.
      waiting.delete(payment.id);
      waiting.set(payment.id, payment);
      timer ??= setTimeout(flush, BATCH_MS);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}

function updateLists(client: QueryClient, updates: Updates): void {
  const lists = client.getQueryCache().findAll({ queryKey: KEYS.payments });
  for (const { queryKey } of lists) {
    const filter = queryKey[1] as PaymentFilter;
    const list = client.setQueryData<InfiniteData<Page<Payment>, string | null>>(queryKey, (old) =>
      old ? { ...old, pages: [...mergeIntoPages(old.pages, updates, filter)] } : undefined,
    );
    const grown = list?.pages.some((page) => page.data.length > LONGEST_PAGE_ROWS);
    if (grown) void client.invalidateQueries({ queryKey, exact: true });
  }
}

function updateToday(client: QueryClient, updates: Updates): void {
  const days = client.getQueryCache().findAll({ queryKey: KEYS.today });
  for (const { queryKey } of days) {
    const since = startOfDay(queryKey[1] as string);
    client.setQueryData<Today>(queryKey, (old) =>
      old ? mergeIntoToday(old, updates, since) : undefined,
    );
  }
}

function updateTrails(client: QueryClient, updates: Updates): void {
  const trails = client.getQueryCache().findAll({ queryKey: KEYS.trail });
  for (const { queryKey } of trails) {
    if (updates.has(queryKey[1] as string)) {
      void client.invalidateQueries({ queryKey, exact: true });
    }
  }
}
