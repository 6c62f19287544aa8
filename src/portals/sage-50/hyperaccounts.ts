/** HyperAccounts: searches in the tables of the UK edition, with dates as Windows on its PC writes them. */
import { z } from 'zod';
import type { ApiCall, PortalApi } from '../contract.ts';
import { digestOf } from '../kit/documents.ts';
import { Reauthorize, Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { hundredths } from './amounts.ts';
import { type AuditColumn, type AuditRow, auditPlaces } from './columns.ts';
import { dayOf, writeDay } from './dates.ts';
import { refuse } from './open-source.ts';
import { hyperOrder, type Sage50Settings } from './settings.ts';
import { isNobodys, typeOf } from './types.ts';
import type { Found, Lister } from './window.ts';

/** Its API is as old as this; every customer was changed since. */
const EVER = '1980-01-01';

type Filter = { readonly field: string; readonly type: string; readonly value: string };

export const hyperAccounts: Lister = {
  windowDays: 60,
  byChange: true,
  async list({ api, settings }, { since, until }) {
    const order = hyperOrder(settings);
    const filters = [
      { field: 'RECORD_MODIFY_DATE', type: 'gte', value: writeDay(since, order) },
      ...(until === undefined
        ? []
        : [{ field: 'RECORD_MODIFY_DATE', type: 'lte', value: writeDay(until, order) }]),
    ];
    const records = await search(api, 'api/search/auditHeaders', filters);
    return records
      .map(rowOf)
      .filter((row) => !isNobodys(typeOf(row.TYPE)))
      .map((row) => foundOf(row, settings));
  },
  async customers({ api, settings }) {
    const value = writeDay(EVER, hyperOrder(settings));
    const filters = [{ field: 'RECORD_MODIFY_DATE', type: 'gte', value }];
    const records = await search(api, 'api/searchCustomer', filters);
    const { accountRef, name, email } = customerFields;
    return records.map((one) => readWire(z.object({ accountRef, name, email }), one));
  },
};

const customerFields = {
  accountRef: z.string().min(1),
  name: z.string().nullish(),
  email: z.string().nullish(),
};

const answered = z.object({
  success: z.boolean().nullish(),
  code: z.int().nullish(),
  message: z.string().nullish(),
  results: z.array(z.record(z.string(), z.unknown())).nullish(),
});

async function search(
  api: PortalApi,
  path: string,
  filters: readonly Filter[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const value = await askHyper(api, { method: 'POST', path, json: filters });
  // Some versions answer with the bare list.
  const list = Array.isArray(value) ? { results: value } : value;
  const { results } = readWire(answered, list);
  if (!results) throw new WireMismatch('results: missing');
  return results;
}

/** @throws Reauthorize for a wrong token, which is answered 403; RetryLater, Rejected with its own words */
export async function askHyper(api: PortalApi, call: ApiCall): Promise<unknown> {
  const body = await api.request(call).then(
    (answer) => answer.body,
    (error: Error) => {
      if (!(error instanceof Rejected) || error.status !== 403) throw error;
      throw new Reauthorize('HyperAccounts does not accept the AuthToken');
    },
  );
  const value = parseExactJson(body);
  const told = answered.safeParse(value);
  if (told.success && told.data.success === false) {
    const { code, message } = told.data;
    const said = message ?? 'no reason';
    refuse(`HyperAccounts says: ${said}`, { status: code ?? 500, said });
  }
  return value;
}

/** The record by the names of the table's columns; what is blank is left out. */
function rowOf(record: Readonly<Record<string, unknown>>): AuditRow {
  const names = Object.keys(record);
  const places = Object.entries(auditPlaces(names)) as [AuditColumn, number][];
  return Object.fromEntries(
    places.flatMap(([column, at]) => {
      const value = record[names[at] ?? ''];
      const text = value === null || value === undefined ? '' : String(value).trim();
      return text === '' || isNoDate(column, text) ? [] : [[column, text]];
    }),
  );
}

/** Windows has no empty dates. */
function isNoDate(column: AuditColumn, text: string): boolean {
  return column === 'DUE_DATE' && /\b(0001|1601|1753|1899|1900)\b/.test(text);
}

function foundOf(row: AuditRow, settings: Sage50Settings): Found {
  const number = row.TRAN_NUMBER ?? '';
  if (!/^\d{1,10}$/.test(number)) throw new WireMismatch('tranNumber: missing');
  const isBase = row.CURRENCY === undefined || row.CURRENCY === '1';
  const { GROSS_AMOUNT = '0', FOREIGN_GROSS_AMOUNT = '0', OUTSTANDING, FOREIGN_OUTSTANDING } = row;
  const gross = absolute(hundredths(isBase ? GROSS_AMOUNT : FOREIGN_GROSS_AMOUNT));
  const left = isBase ? OUTSTANDING : FOREIGN_OUTSTANDING;
  return {
    number: Number(number),
    type: typeOf(row.TYPE),
    account: row.ACCOUNT_REF ?? '',
    day: dayOf(row.DATE ?? '', hyperOrder(settings)),
    reference: row.INV_REF ?? null,
    gross,
    outstanding: left === undefined ? gross : absolute(hundredths(left)),
    deleted: row.DELETED_FLAG !== undefined && row.DELETED_FLAG !== '0',
    digest: digestOf(Buffer.from(JSON.stringify(row))).slice(0, 8),
    document: (allocations) => ({
      rows: [row],
      from: 'hyperaccounts',
      ...(allocations === undefined ? {} : { allocations }),
    }),
  };
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
