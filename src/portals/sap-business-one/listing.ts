/** Asking the Service Layer for lists: filters, pages and the invoices that payments name. */
import type { ApiAnswer, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { invoiceEntity, invoiceId, numberOf } from './references.ts';
import { inWords } from './refusal.ts';
import type { BusinessOneSettings } from './settings.ts';
import { recordsIn } from './split.ts';
import {
  type Entity,
  INVOICE_FIELDS,
  type ListedPayment,
  listedInvoice,
  PARTNER_FIELDS,
  type PaymentEntity,
  page,
} from './wire.ts';

/** More would only make single answers slow; the Service Layer gives 20 when it is not asked. */
const PAGE_ROWS = 100;
/** Keys in one filter: keeps the address below the 2,000 characters that any proxy passes. */
const KEYS_PER_FILTER = 40;

export type Query = {
  readonly entity: Entity | 'PaymentDrafts';
  readonly filter?: string;
  /** Those of the entity when absent. */
  readonly select?: readonly string[];
  readonly orderBy?: string;
  readonly top?: number;
};

export type Page = {
  readonly body: Buffer;
  readonly rows: readonly unknown[];
  /** Where the list goes on, below the service root; null at its end. */
  readonly next: string | null;
};

/** The path of a list's first page. Blanks are written `%20`: OData does not promise to read a plus sign as one. */
export function listPath(query: Query, settings: BusinessOneSettings): string {
  const { entity, filter, select = fieldsOf(entity, settings), orderBy, top } = query;
  const options = {
    $filter: filter,
    $select: select?.join(','),
    $orderby: orderBy,
    $top: top === undefined ? undefined : String(top),
  };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return [entity, given.join('&')].filter((part) => part !== '').join('?');
}

/** A page by its path, be it a first one or that which `next` of the one before led to. */
export async function readPage(
  api: PortalApi,
  path: string,
  accept: readonly number[] = [],
): Promise<ApiAnswer & Page> {
  const headers = { prefer: `odata.maxpagesize=${PAGE_ROWS}` };
  const answer = await inWords(`list ${path.split('?', 1)[0]}`, () =>
    api.request({ path, headers, accept }),
  );
  if (answer.status >= 300) return { ...answer, rows: [], next: null };
  const { value, nextLink } = readWire(page, parseExactJson(answer.body));
  return { ...answer, rows: value, next: nextLink === null ? null : belowRoot(nextLink) };
}

/**
 * The rows of these keys by `DocEntry eq 1 or DocEntry eq 2 …`, in as many filters as keep the addresses short. Each is
 * read to its last page: only then a key that was not found is one that does not exist.
 */
export async function readByKeys(
  api: PortalApi,
  { entity, keys }: { readonly entity: Entity; readonly keys: readonly (number | string)[] },
  settings: BusinessOneSettings,
): Promise<readonly Page[]> {
  const distinct = [...new Set(keys)];
  const pages: Page[] = [];
  for (let at = 0; at < distinct.length; at += KEYS_PER_FILTER) {
    const tests = distinct
      .slice(at, at + KEYS_PER_FILTER)
      .map((key) =>
        typeof key === 'number' ? `DocEntry eq ${key}` : `CardCode eq ${quoted(key)}`,
      );
    const orderBy = entity === 'BusinessPartners' ? 'CardCode' : 'DocEntry';
    const query = { entity, filter: tests.join(' or '), orderBy };
    for (let path: string | null = listPath(query, settings); path !== null; ) {
      const page: Page = await readPage(api, path);
      pages.push(page);
      path = page.next;
    }
  }
  return pages;
}

/** A text, an enumeration's value or a day inside a filter. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export type PaidInvoices = {
  /** The invoices as records, so that even those too old to be listed are known before their payment. */
  readonly records: readonly unknown[];
  readonly numbers: ReadonlyMap<string, string>;
};

/** The invoices that payments pay, by one query for many: lines name internal keys, people write numbers. */
export async function readPaidInvoices(
  api: PortalApi,
  payments: readonly ListedPayment[],
  settings: BusinessOneSettings,
): Promise<PaidInvoices> {
  const records: unknown[] = [];
  const numbers = new Map<string, string>();
  const lines = payments.flatMap(({ PaymentInvoices }) => PaymentInvoices);
  for (const entity of ['Invoices', 'DownPayments'] as const) {
    const keys = lines.flatMap((line) => (invoiceEntity(line) === entity ? [line.DocEntry] : []));
    for (const { body, rows } of await readByKeys(api, { entity, keys }, settings)) {
      records.push(...recordsIn(body, entity));
      for (const row of rows) {
        const facts = readWire(listedInvoice, row);
        const number = numberOf(facts, settings);
        if (number !== null) numbers.set(invoiceId(entity, facts.DocEntry), number);
      }
    }
  }
  return { records, numbers };
}

/** The payments of a page as records, each with the numbers of the invoices that it pays. */
export function paymentRecords(
  body: Buffer,
  given: {
    readonly entity: PaymentEntity;
    readonly listed: readonly ListedPayment[];
    readonly paid: PaidInvoices;
  },
): readonly unknown[] {
  const { entity, listed, paid } = given;
  return recordsIn(body, entity, (place) =>
    Object.fromEntries(
      paidIds(listed[place]).flatMap((id) => {
        const number = paid.numbers.get(id);
        return number === undefined ? [] : [[id, number]];
      }),
    ),
  );
}

/** Ids of the invoices that a payment pays. */
export function paidIds(payment: ListedPayment | undefined): readonly string[] {
  return (payment?.PaymentInvoices ?? []).flatMap((line) => {
    const entity = invoiceEntity(line);
    return entity === undefined ? [] : [invoiceId(entity, line.DocEntry)];
  });
}

/** Payments are read whole: a collection that is not selected is missing, and may hold money. */
function fieldsOf(
  entity: Query['entity'],
  { invoiceNumberField, workOrderField }: BusinessOneSettings,
): readonly string[] | undefined {
  switch (entity) {
    case 'Invoices':
    case 'DownPayments': {
      const own = [invoiceNumberField, workOrderField].filter((field) => field !== undefined);
      return [...new Set([...INVOICE_FIELDS, ...own])];
    }
    case 'BusinessPartners':
      return PARTNER_FIELDS;
    default:
      return undefined;
  }
}

/** Links are relative to the service root; a server that writes more than that means itself. */
function belowRoot(link: string): string {
  const path = link.replace(/^(https?:\/\/[^/]+)?\/b1s\/v\d+\//i, '');
  if (/^\w+\?/.test(path)) return path;
  throw new WireMismatch(`nextLink: "${link.slice(0, 80)}" is no page of a list`);
}
