/** Transactions with what they pay: two queries or three for a page, however many rows it has. */
import type { PortalApi } from '../contract.ts';
import { ask, cell, MOST_RESULTS, type Row, type Rows, statements } from './suiteql.ts';

/** Sends a query for transactions and adds to each row what it is applied to. */
export async function readTransactions(
  api: PortalApi,
  statement: string,
  limit?: number,
): Promise<Rows> {
  const page = await askSurely(api, statement, limit === undefined ? {} : { limit });
  const idsOf = (...types: readonly string[]) =>
    page.rows.flatMap((row) => (types.includes(cell(row, 'type') ?? '') ? (idOf(row) ?? []) : []));
  const refunds = idsOf('CustRfnd');
  const links = [
    ...(await linksOf(api, statements.appliedTo, [...idsOf('CustPymt'), ...refunds])),
    ...(await linksOf(api, statements.appliedBy, refunds)),
  ];
  const byTransaction = Map.groupBy(links, (link) => cell(link, 'payment'));
  const rows = page.rows.map((row) => {
    const applications = byTransaction.get(idOf(row)) ?? [];
    return applications.length === 0 ? row : { ...row, applications };
  });
  return { ...page, rows };
}

/** The internal id of a row. */
export function idOf(row: Row): string | undefined {
  return cell(row, 'id');
}

/** A query that must be answered: its refusal is an error. */
export async function askSurely(
  api: PortalApi,
  statement: string,
  page: { readonly limit?: number; readonly offset?: number } = {},
): Promise<Rows> {
  const rows = await ask(api, statement, page);
  if (!rows) throw new RangeError('a refusal that was not asked for');
  return rows;
}

/** All links of these transactions; a list with more than a query may give is asked in halves. */
async function linksOf(
  api: PortalApi,
  statement: (ids: readonly string[]) => string,
  ids: readonly string[],
): Promise<readonly Row[]> {
  if (ids.length === 0) return [];
  const links: Row[] = [];
  for (let more = true; more; ) {
    const page = await askSurely(api, statement(ids), { offset: links.length });
    if (page.total >= MOST_RESULTS && ids.length > 1) {
      const half = Math.ceil(ids.length / 2);
      const left = await linksOf(api, statement, ids.slice(0, half));
      return [...left, ...(await linksOf(api, statement, ids.slice(half)))];
    }
    links.push(...page.rows);
    more = page.hasMore && page.rows.length > 0;
  }
  return links;
}
