/** What nudges named, many records by one query. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { askSurely, idOf, readTransactions } from './reading.ts';
import type { NetSuiteSettings } from './settings.ts';
import { pageBody } from './split.ts';
import { PAGE_ROWS, type Rows, statements } from './suiteql.ts';

type Found = { readonly request: FetchRequest; readonly body: Buffer };

export async function fetchRecords(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: NetSuiteSettings,
): Promise<readonly Found[]> {
  const of = (entity: string) => requests.filter((one) => one.entity === entity);
  return [
    ...(await some(of('customer'), (ids) => askSurely(api, statements.customersById(ids)))),
    ...(await some(of('transaction'), (ids) =>
      readTransactions(api, statements.transactionsById(settings, ids)),
    )),
  ];
}

async function some(
  requests: readonly FetchRequest[],
  read: (ids: readonly string[]) => Promise<Rows>,
): Promise<readonly Found[]> {
  // An id is part of a statement: nothing but digits gets there.
  const wanted = new Map(requests.filter(({ id }) => /^\d+$/.test(id)).map((one) => [one.id, one]));
  const ids = [...wanted.keys()];
  const found: Found[] = [];
  for (let at = 0; at < ids.length; at += PAGE_ROWS) {
    for (const row of (await read(ids.slice(at, at + PAGE_ROWS))).rows) {
      const request = wanted.get(idOf(row) ?? '');
      if (request) found.push({ request, body: pageBody([row]) });
    }
  }
  return found;
}
