/** Lays streamed payments over what was read: pure, so that the page shows one truth. */
import type { Page, Payment } from '../api/payment.ts';
import type { PaymentFilter, Today } from '../api/queries.ts';

type Pages = readonly Page<Payment>[];

/**
 * The pages with each payment replaced where it stands, taken out where it no longer fits the
 * filter, and put where it belongs when it is new. One that belongs below what is loaded comes with
 * its own page.
 */
export function mergeIntoPages(
  pages: Pages,
  updates: ReadonlyMap<string, Payment>,
  filter: PaymentFilter,
): Pages {
  const known = new Set<string>();
  const updated = pages.map((page) => {
    if (!page.data.some((payment) => updates.has(payment.id))) return page;
    const data = page.data.flatMap((payment) => {
      const update = updates.get(payment.id);
      if (!update) return [payment];
      known.add(payment.id);
      return fits(update, filter) ? [update] : [];
    });
    return { ...page, data };
  });
  const added = [...updates.values()].filter(
    (payment) => !known.has(payment.id) && fits(payment, filter),
  );
  return added.length === 0 ? updated : insert(updated, added);
}

/** Today's payments with the updates; what was received before `since` is not of today. */
export function mergeIntoToday(
  today: Today,
  updates: ReadonlyMap<string, Payment>,
  since: Date,
): Today {
  const payments = new Map(today.payments);
  for (const payment of updates.values()) {
    if (new Date(payment.receivedAt) >= since) payments.set(payment.id, payment);
  }
  return { ...today, payments };
}

export function fits(payment: Payment, { status, portal }: PaymentFilter): boolean {
  return (
    (status === null || payment.status === status) && (portal === null || payment.portal === portal)
  );
}

function insert(pages: Pages, added: readonly Payment[]): Pages {
  const left = new Set(added);
  return pages.map((page) => {
    const last = page.data.at(-1);
    const here = [...left].filter(
      (payment) => page.next === null || (last && payment.receivedAt >= last.receivedAt),
    );
    if (here.length === 0) return page;
    for (const payment of here) left.delete(payment);
    return { ...page, data: here.reduce(placed, page.data) };
  });
}

/**
 * The rows with one more, above the first that is not newer; the order the server gave stays as it
 * is.
 */
function placed(rows: readonly Payment[], payment: Payment): readonly Payment[] {
  // ISO UTC texts of equal length compare as the instants they name.
  const place = rows.findIndex((row) => row.receivedAt <= payment.receivedAt);
  return rows.toSpliced(place === -1 ? rows.length : place, 0, payment);
}
