/** The queries we ask, in SuiteQL: always transient, always in an order in which no two rows are equal. */
import type { PortalApi } from '../contract.ts';
import { parseVerbatim } from '../kit/documents.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import type { NetSuiteSettings } from './settings.ts';
import { queryPage, TYPES } from './wire.ts';

/** The most that one answer may hold, and that `IN` may list. */
export const PAGE_ROWS = 1000;
/** No query gives more than this, however often it is continued. */
export const MOST_RESULTS = 100_000;

const PATH = '/services/rest/query/v1/suiteql';

/** A row with its numbers untouched, as it goes into a document. */
export type Row = Readonly<Record<string, unknown>>;
export type Rows = {
  readonly rows: readonly Row[];
  readonly hasMore: boolean;
  readonly total: number;
};

/** Asks one page. @throws WireMismatch, and what the API throws */
export async function ask(
  api: PortalApi,
  statement: string,
  page: {
    readonly limit?: number;
    readonly offset?: number;
    readonly accept?: readonly number[];
  } = {},
): Promise<Rows | undefined> {
  const { limit = PAGE_ROWS, offset = 0, accept = [] } = page;
  const { status, body } = await api.request({
    method: 'POST',
    path: PATH,
    query: { limit: String(limit), offset: String(offset) },
    headers: { prefer: 'transient' },
    json: { q: statement },
    accept,
  });
  if (status >= 300) return undefined;
  const { hasMore, totalResults } = readWire(queryPage, parseExactJson(body));
  const { items } = parseVerbatim(body) as { readonly items: readonly Row[] };
  return { rows: items, hasMore, total: totalResults };
}

/** A column of a row as text; undefined where it is null. */
export function cell(row: Row, column: string): string | undefined {
  const value = row[column];
  // A number was kept as raw JSON text.
  const raw =
    typeof value === 'object' && value !== null && 'rawJSON' in value ? value.rawJSON : value;
  return typeof raw === 'string' ? raw : undefined;
}

const instant = (column: string, name: string) =>
  `TO_CHAR(${column},'YYYY-MM-DD HH24:MI:SS') AS ${name}`;
const day = (column: string, name: string) => `TO_CHAR(${column},'YYYY-MM-DD') AS ${name}`;
/** A time of the account's own clock, `2026-11-03 00:00:00`. */
const since = (column: string, wallTime: string) =>
  `${column} >= TO_TIMESTAMP('${wallTime}.000','YYYY-MM-DD HH24:MI:SSxFF')`;

const PERSON = ['c.companyname', 'c.firstname', 'c.lastname', 'c.email'];

type Columns = Pick<NetSuiteSettings, 'paymentMethodColumn' | 'singleCurrency'>;

/** Transactions of any type with their customer and currency. */
function transactions(settings: Columns, rest: string): string {
  const { paymentMethodColumn: method, singleCurrency } = settings;
  const columns = [
    't.id',
    't.type',
    't.tranid',
    't.externalid',
    day('t.trandate', 'trandate'),
    day('t.duedate', 'duedate'),
    instant('t.createddate', 'created'),
    instant('t.lastmodifieddate', 'modified'),
    't.entity',
    'c.entityid AS customernumber',
    ...PERSON,
    ...(singleCurrency === undefined ? ['t.currency', 'cur.symbol AS currencycode'] : []),
    't.foreigntotal',
    't.status',
    't.voided',
    't.memo',
    't.otherrefnum',
    ...(method === 'none' ? [] : [`BUILTIN.DF(t.${method}) AS method`]),
  ].join(', ');
  const currency =
    singleCurrency === undefined ? 'LEFT JOIN currency cur ON cur.id = t.currency ' : '';
  return `SELECT ${columns} FROM transaction t LEFT JOIN customer c ON c.id = t.entity ${currency}${rest}`;
}

export const statements = {
  /** Pages follow the id, which never changes: a row edited while we page stays where it is. */
  changedTransactions(
    settings: Columns & Pick<NetSuiteSettings, 'depositsArePayouts'>,
    place: { readonly since: string; readonly afterId: string },
  ): string {
    const types = TYPES.filter((type) => type !== 'Deposit' || settings.depositsArePayouts);
    const list = types.map((type) => `'${type}'`).join(',');
    return transactions(
      settings,
      `WHERE t.type IN (${list}) AND ${since('t.lastmodifieddate', place.since)} AND t.id > ${place.afterId} ORDER BY t.id`,
    );
  },
  transactionsById: (settings: Columns, ids: readonly string[]): string =>
    transactions(settings, `WHERE t.id IN (${ids.join(',')}) ORDER BY t.id`),
  newestPayment: (settings: Columns): string =>
    transactions(settings, "WHERE t.type IN ('CustPymt') ORDER BY t.id DESC"),
  changedCustomers: (place: { readonly since: string; readonly afterId: string }): string =>
    customers(`WHERE ${since('c.lastmodifieddate', place.since)} AND c.id > ${place.afterId}`),
  customersById: (ids: readonly string[]): string => customers(`WHERE c.id IN (${ids.join(',')})`),
  /** A transaction and a customer may have the same id, so a page begins with the one the last ended with. */
  deletedRecords: (place: { readonly since: string; readonly fromId: string }): string =>
    `SELECT d.recordid, d.type, d.name, ${instant('d.deleteddate', 'deleted')} FROM deletedrecord d ` +
    `WHERE ${since('d.deleteddate', place.since)} AND d.recordid >= ${place.fromId} ORDER BY d.recordid, d.type`,
  /** What these pay; `invoice` is whatever they are applied to. */
  appliedTo: (ids: readonly string[]): string => applications('nextdoc', 'previousdoc', ids),
  /** The other way round: NetSuite does not say on which side of a link a refund stands. */
  appliedBy: (ids: readonly string[]): string => applications('previousdoc', 'nextdoc', ids),
  /** `code` is an ISO 4217 code. */
  currencies: (code: string): string =>
    `SELECT cur.id, cur.symbol FROM currency cur WHERE cur.symbol = '${code}' ORDER BY cur.id`,
};

function customers(where: string): string {
  const columns = ['c.id', 'c.entityid', ...PERSON, instant('c.lastmodifieddate', 'modified')];
  return `SELECT ${columns.join(', ')} FROM customer c ${where} ORDER BY c.id`;
}

function applications(
  own: 'nextdoc' | 'previousdoc',
  other: 'nextdoc' | 'previousdoc',
  ids: readonly string[],
): string {
  const columns = [
    `l.${own} AS payment`,
    `l.${other} AS invoice`,
    'inv.type AS invoicetype',
    'inv.tranid AS invoicenumber',
    'inv.otherrefnum AS ponumber',
    'l.linktype',
    'l.foreignamount',
  ].join(', ');
  return (
    `SELECT ${columns} FROM NextTransactionLineLink l JOIN transaction inv ON inv.id = l.${other} ` +
    `WHERE l.${own} IN (${ids.join(',')}) ORDER BY l.nextdoc, l.previousdoc, l.nextline, l.previousline`
  );
}
